"""Folding the windows of a strip across, in one input row or in the folded rows of all of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import taps, vector
from .memory import INPUT
from .order import Lanes
from .scalars import Scalars, make_taken


@cache
def make_across(s: Scalars, kernel: int, stride: int, lanes: Lanes, placed: bool) -> Any:
    """Folds the windows of a strip in one input row: their values, and columns if they are placed.

    And what is watched of the inputs. Rows that may meet in any order can be given at once.
    """
    lane, taken_as, fill, watched = s.lane, make_taken(s, INPUT), s.fill, s.watched
    begun, better, combine, ended, unseen = s.across
    cells, planes, reach, _ = lanes
    every, group = lanes.all, taps.mixing(np.dtype(s.source).itemsize, cells, stride, planes)
    numbers = int(placed)

    def columns(start):
        column = vector.mixed(vector.iota(lane, cells, planes), group)
        column *= vector.splat(lane(stride), every)
        return column + vector.splat(lane(start), every)

    def nearest_inside(column, width):
        first, last = vector.splat(lane(0), every), vector.splat(lane(width - 1), every)
        column = vector.pick(column < first, first, column)
        return vector.pick(column > last, last, column)

    columns, nearest_inside = inner(columns), inner(nearest_inside)

    def across(x, at, layout, start, inside):
        by_plane, width, extent, _, _, _, _, _ = layout
        if inside:
            taken, seen = taps.taps(
                INPUT, x, at, by_plane, 0, 0, extent, None, kernel, stride, cells, planes, reach,
                taken_as, watched, combine,
            )  # fmt: skip
            folded, where = taps.folded(taken, lane, numbers, begun, better, combine)
            value, missed = vector.apart(ended(folded)), unseen(seen, folded)
        else:
            taken, seen = taps.taps(
                INPUT, x, at, by_plane, -start, width - start, extent, fill, kernel, stride,
                cells, planes, reach, taken_as, watched, combine,
            )  # fmt: skip
            folded, where = taps.folded(taken, lane, numbers, begun, better, combine)
            value, missed = ended(folded), unseen(seen, folded)
        if placed:
            where += columns(start)
            if not inside:
                where = nearest_inside(where, width)
        return value, where, missed

    return inner(across, inlined=True)
