"""Planes end to end, pooled as one plane of all their rows.

Where a vector holds several output rows, they are neighbours then: memory is read from end to end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry import Laid, Sliding
from .nearest import Ends
from .order import BEYOND, FAR, FEWEST_TASKS, TILE_BYTES, Lanes, fetched


class Tall(NamedTuple):
    """Rows ``beside`` one another in a vector are planes to the kernel, of every so many rows.

    In an index map, ``places`` are what is added to those of each such row.
    """

    laid: Laid
    planes: int
    walk: tuple[int, int, int]
    places: np.ndarray


def as_one(
    laid: Laid, planes: int, by_plane: int, plane: int, lanes: Lanes, everything: int
) -> Tall | None:
    """Planes of so many bytes as fewer ones, if that pays; ``everything`` are those of all arrays.

    Past the caches it does not for strips, nor, from memory, for planes one by one, if they are
    small enough to be asked for.
    """
    down, beside = laid.axis, lanes.planes
    assert isinstance(down, Sliding)
    asked = beside == 1 and everything > FAR and fetched(lanes, plane, everything) > 0
    if asked or (everything > BEYOND and not lanes.reach):
        return None
    alone = type(down) is Sliding and down.unpadded and down.kernel <= down.stride
    if not alone or not 0 < down.size * laid.by <= by_plane or by_plane % laid.by:
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
