"""Planes end to end, pooled as one plane of all their rows.

Where a vector holds several output rows, they are neighbours then: memory is read from end to end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry import Laid, Sliding
from .nearest import Ends
from .order import FEWEST_TASKS, TILE_BYTES


class Tall(NamedTuple):
    """Rows ``beside`` one another in a vector are planes to the kernel, of every so many rows.

    In an index map, ``places`` are what is added to those of each such row.
    """

    laid: Laid
    planes: int
    walk: tuple[int, int, int]
    places: np.ndarray


def as_one(laid: Laid, planes: int, by_plane: int, plane: int, beside: int) -> Tall | None:
    """Planes of so many bytes as fewer ones, if that pays."""
    down = laid.axis
    assert isinstance(down, Sliding)
    alone = type(down) is Sliding and down.unpadded and down.kernel <= down.stride
    if not alone or by_plane % laid.by:
        return None
    cells, apart, taps = len(down), by_plane // laid.by, down.kernel
    equally = apart == cells * down.stride  # far apart, neighbours of two planes, too
    if cells % beside and not equally:
        return None
    for several in range(min(TILE_BYTES // plane, planes // FEWEST_TASKS), beside, -1):
        if planes % several == 0 and several * cells % beside == 0:
            rows = (several - 1) * apart + down.size - (beside - 1) * down.stride
            axis = Sliding(rows, taps, beside * down.stride)
            if not equally:
                axis = Ends(rows, taps, taps, planes=several, apart=apart, beside=beside, down=down)
            walk = beside, several * by_plane, down.stride * laid.by
            number = np.arange(several * cells).reshape(-1, beside)
            beyond = number % beside * down.stride - number // cells * apart
            planes = planes // several * beside
            return Tall(Laid(axis, laid.by, laid.place), planes, walk, beyond * laid.place)
    return None
