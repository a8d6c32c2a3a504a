"""Pictures as arrays and arrays as pictures, by Pillow."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from numbapool.cli.common import Array, CommandError, require

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})

# Modes whose samples are taken as they are; every other one is converted to colour.
_PLAIN = {"L", "LA", "RGB", "RGBA", "F"}


def read_picture(path: Path) -> Array:
    """
    Read a picture the way a viewer shows it.

    Parameters
    ----------
    path : Path
        A file of any kind that Pillow reads, with one frame in it.

    Returns
    -------
    ndarray
        Shape (C, H, W): 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA) channels, turned as
        its EXIF tag says. uint16 for 16-bit grey, float32 for floating-point grey, else uint8.
    """
    Image, ImageOps = require("PIL.Image"), require("PIL.ImageOps")
    try:
        with Image.open(path) as file:
            frames = getattr(file, "n_frames", 1)
            if frames > 1:
                raise CommandError(f"{path} has {frames} frames: only single pictures are pooled")
            picture = ImageOps.exif_transpose(file)
            mode = picture.mode
            if mode.startswith("I"):
                array = _grey16(np.asarray(picture))
            elif mode in _PLAIN:
                array = np.asarray(picture)
            elif mode == "1":
                array = np.asarray(picture.convert("L"))
            else:
                see_through = mode == "PA" or "transparency" in picture.info
                array = np.asarray(picture.convert("RGBA" if see_through else "RGB"))
    except FileNotFoundError:
        raise
    except Image.UnidentifiedImageError as error:
        raise CommandError(f"{path} is not a picture or an array") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise CommandError(f"cannot read the picture {path}: {error}") from error
    except Image.DecompressionBombError as error:
        raise CommandError(f"{path} is too large a picture: {error}") from error
    planes = array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1)
    return np.ascontiguousarray(planes)


def _grey16(array: Array) -> Array:
    """Take Pillow's 16-bit and 32-bit integer modes as uint16 where the values allow it."""
    if array.size and (array.min() < 0 or array.max() > 65535):
        raise ValueError("its values do not fit 16 bits")
    return array.astype(np.uint16)


def to_samples(images: Array, source: np.dtype[Any]) -> Array:
    """
    Turn pooled values into the samples of a picture.

    Parameters
    ----------
    images : ndarray
        Values of any shape.
    source : dtype
        The type of the images before pooling. It says what white is: 1 for floating-point and
        bool, 65535 for uint16, and 255 for every other integer type.

    Returns
    -------
    ndarray
        The same values as uint8, or as uint16 where `source` is.
    """
    depth = 65535 if source == np.uint16 else 255
    white = 1 if source.kind in "fb" else depth
    low, high = (images.min(), images.max()) if images.size else (0, 0)
    # Rounding may carry a mean a hair past white; anything more is no picture.
    if not (low >= -1e-6 * white and high <= white * (1 + 1e-6)):
        raise CommandError(
            f"values from {low:g} to {high:g} are no picture, for a file or for TensorBoard: "
            f"from {source} it takes 0 to {white}; a .npy file takes any"
        )
    if images.dtype.kind == "f":
        images = np.clip(np.rint(images.astype(np.float64) * (depth / white)), 0, depth)
    elif white == 1:
        images = images * np.uint8(depth)
    return images.astype(np.uint16 if depth == 65535 else np.uint8)


def write_picture(path: Path, samples: Array, kind: str) -> None:
    """
    Write one picture.

    Parameters
    ----------
    path : Path
        The file to write.
    samples : ndarray
        uint8 of shape (C, H, W) with 1 to 4 channels, or uint16 of shape (1, H, W).
    kind : str
        The suffix that names the format, such as ``".png"``.
    """
    Image = require("PIL.Image")
    channels = samples.shape[0]
    if not 1 <= channels <= 4 or (samples.dtype == np.uint16 and channels != 1):
        depth = samples.dtype.itemsize * 8
        raise CommandError(
            f"{channels} channels of {depth} bits are no picture: write them to a .npy file"
        )
    array = samples[0] if channels == 1 else np.ascontiguousarray(samples.transpose(1, 2, 0))
    form = Image.registered_extensions()[kind]
    try:
        Image.fromarray(array).save(path, format=form)
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise CommandError(f"cannot write a {kind} picture: {error}") from error
