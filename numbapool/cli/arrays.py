"""Read stored arrays, ``.npy`` and ``.npz``, a batch at a time."""

import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from numbapool.cli.common import Array, CommandError

LIMIT = 64 * 2**20  # bytes of a batch: what bounds the memory, whatever the batch size


@dataclass(frozen=True)
class Batch:
    """Some images of equal size: an NCHW array and a name for each image."""

    images: Array
    names: Sequence[str]


def slices(images: Array, batch: int, stem: str) -> Iterator[Batch]:
    """Cut an NCHW array into batches; an empty one is a batch, so that its shape is known."""
    for start in range(0, max(len(images), 1), batch):
        part = np.ascontiguousarray(images[start : start + batch])
        yield Batch(part, [f"{stem}-{start + i:05d}" for i in range(len(part))])


@dataclass(frozen=True)
class Header:
    """What the head of a stored array says."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    last: bool = False  # channels come last

    @property
    def nchw(self) -> tuple[int, ...]:
        """The shape with all four dimensions, channels before the planes."""
        shape = self.shape
        if self.last and len(shape) > 2:
            shape = (*shape[:-3], shape[-1], *shape[-3:-1])
        return (1,) * (4 - len(shape)) + shape

    @property
    def lead(self) -> tuple[int, ...]:
        """What of the shape is in front of the planes, or beside them."""
        return self.nchw[4 - len(self.shape) : -2]

    @property
    def count(self) -> int:
        """The number of images."""
        return self.nchw[0]


@contextmanager
def _open_array(path: Path, key: str | None) -> Iterator[IO[bytes]]:
    """Open the .npy file, or the one in the .npz file, that holds an array."""
    if path.suffix.lower() == ".npy":
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if key is None and len(names) != 1:
            raise CommandError(f"{path} holds {', '.join(names) or 'nothing'}: name one by --key")
        name = names[0] if key is None else key
        if name not in names:
            raise CommandError(f"{path} holds {', '.join(names)}, and no {name}")
        with archive.open(f"{name}.npy") as member:
            yield member


def read_header(path: Path, key: str | None, last: bool) -> Header:
    """Read and judge the head of a stored array, whose channels may come last."""
    try:
        with _open_array(path, key) as file:
            header = replace(_parse_header(file), last=last)
    except (OSError, CommandError):
        raise
    except Exception as error:  # a damaged head is parsed as Python, and fails in any way
        raise CommandError(f"{path} is not a readable NumPy file: {error}") from error
    if any(size < 0 for size in header.shape):
        raise CommandError(f"{path} is not a readable NumPy file: its shape is {header.shape}")
    if header.dtype.kind not in "biuf":
        raise CommandError(f"{path} holds {header.dtype}, which cannot be pooled")
    if not 2 <= len(header.shape) <= 4:
        wanted = "HW, HWC or NHWC" if last else "HW, CHW or NCHW"
        raise CommandError(f"{path} has shape {header.shape}, and not {wanted}")
    return header


def _parse_header(file: IO[bytes]) -> Header:
    """Read the head of an .npy file, leaving the file at the data."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"its format version {version} is unknown")
    shape, fortran, dtype = read(file)
    return Header(shape, dtype, fortran and len(shape) > 1)


def array_batches(
    path: Path, header: Header, batch: int, key: str | None, planes: bool
) -> Iterator[Batch]:
    """Read a stored array by plain reads: unlike a mapping, they hold one batch in memory."""
    count, *image = header.nchw
    size = math.prod(image) * header.dtype.itemsize
    if planes and size > LIMIT and not (header.fortran or header.last):
        count, image = count * image[0], [1, *image[1:]]
        size = math.prod(image) * header.dtype.itemsize
    step = max(1, min(batch, LIMIT // max(size, 1)))
    if header.fortran:
        stored = np.load(path, mmap_mode="r" if path.suffix.lower() == ".npy" else None)
        whole = stored if isinstance(stored, np.ndarray) else stored[key or stored.files[0]]
        if header.last and whole.ndim > 2:
            whole = np.moveaxis(whole, -1, -3)
        yield from slices(whole.reshape(header.nchw), step, path.stem)
        return
    with _open_array(path, key) as file:
        _parse_header(file)
        form = (*image[1:], image[0]) if header.last else image
        for start in range(0, max(count, 1), step):
            part = np.empty((min(step, count - start), *form), header.dtype)
            _fill(file, part, path)
            names = [f"{path.stem}-{start + i:05d}" for i in range(len(part))]
            part = part.astype(header.dtype.newbyteorder("="), copy=False)
            yield Batch(np.moveaxis(part, -1, 1) if header.last else part, names)


def _fill(file: IO[bytes], part: Array, path: Path) -> None:
    """Read exactly the bytes of an array."""
    room = part.reshape(-1).view(np.uint8).data
    while room:
        try:
            read = file.readinto(room)  # type: ignore[attr-defined]
        except (zipfile.BadZipFile, EOFError) as error:
            raise CommandError(f"{path} is damaged: {error}") from error
        if not read:
            raise CommandError(f"{path} is cut short: {len(room)} bytes are missing")
        room = room[read:]
