"""Photographs that scikit-image ships, for the demonstration and the examples."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from numbapool.cli.common import Array, CommandError
from numbapool.cli.pictures import read_picture

# All are in the public domain (CC0, and NASA's).
NAMES = ("chelsea.png", "rocket.jpg", "coffee.png", "astronaut.png")


def photographs(names: Sequence[str] = NAMES) -> list[Array]:
    """
    Read photographs from the installed scikit-image, without the network.

    Parameters
    ----------
    names : sequence of str
        Files of ``skimage.data``.

    Returns
    -------
    list of ndarray
        uint8, of shape (3, H, W).
    """
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        raise CommandError('scikit-image is not installed: pip install "numbapool[demo]"')
    return [read_picture(Path(found.origin).parent / "data" / name) for name in names]


def tiles(side: int) -> Array:
    """
    Cut the photographs into square tiles.

    Parameters
    ----------
    side : int
        The height and width of a tile.

    Returns
    -------
    ndarray
        uint8, of shape (N, 3, side, side).
    """
    cut = []
    for photo in photographs():
        rows, columns = photo.shape[1] // side, photo.shape[2] // side
        whole = photo[:, : rows * side, : columns * side]
        grid = whole.reshape(3, rows, side, columns, side)
        cut.append(grid.transpose(1, 3, 0, 2, 4).reshape(-1, 3, side, side))
    return np.concatenate(cut)
