"""Rows doubled in registers: short ones, padding and all, and as far as a vector goes, others.

In memory a vector would be read across the two that were written last, which waits for both.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import vector
from .scalars import Scalars

U = np.uintp


@cache
def _make_shift(s: Scalars, lanes: int, by: int) -> Any:
    """Two vectors and their places, so many columns further on."""
    accumulator, identity, lane = s.accumulator, s.identity, s.lane

    def shift(row):
        first, second, where, there = row
        nothing = vector.splat(accumulator(identity), lanes)
        nowhere = vector.splat(lane(-1), lanes)
        return (
            vector.behind(first, second, by), vector.behind(second, nothing, by),
            vector.behind(where, there, by), vector.behind(there, nowhere, by),
        )  # fmt: skip

    return inner(shift, inlined=True)


@cache
def _make_meet(s: Scalars, indexed: bool) -> Any:
    """Two vectors and their places met with those that come later."""
    combine, better = s.combine, s.better

    def meet(row, later):
        first, second, where, there = row
        other, another, its, his = later
        if indexed:
            where = vector.pick(better(other, first), its, where)
            there = vector.pick(better(another, second), his, there)
        return combine(first, other), combine(second, another), where, there

    return inner(meet, inlined=True)


@cache
def _make_doubled(s: Scalars, lanes: int, by: int, indexed: bool) -> Any:
    """Windows of as many taps as the largest power of two in ``kernel``; and how many those are."""
    if by == 0:
        return inner(lambda row, kernel: (row, U(1)))
    before, most = _make_doubled(s, lanes, by // 2, indexed), U(2 * by)
    shift, meet = _make_shift(s, lanes, by), _make_meet(s, indexed)

    def doubled(row, kernel):
        row, taken = before(row, kernel)
        if kernel >= most:
            row, taken = meet(row, shift(row)), most
        return row, taken

    return inner(doubled, inlined=True)


@cache
def _make_ahead(s: Scalars, lanes: int, by: int) -> Any:
    """Two vectors and their places ``ahead`` columns further on, fewer than ``2 * by``."""
    if by == 0:
        return inner(lambda row, ahead: row)
    before, shift, bit = _make_ahead(s, lanes, by // 2), _make_shift(s, lanes, by), U(by)

    def further(row, ahead):
        row = before(row, ahead)
        if ahead & bit:
            row = shift(row)
        return row

    return inner(further, inlined=True)


@cache
def make_short(s: Scalars, lanes: int, indexed: bool) -> Any:
    """All windows of ``kernel`` taps of a selection, of a row: two vectors and their places."""
    doubled, ahead = _make_doubled(s, lanes, lanes, indexed), _make_ahead(s, lanes, lanes // 2)
    meet = _make_meet(s, indexed)

    def short(row, kernel):
        row, taken = doubled(row, kernel)
        return meet(row, ahead(row, kernel - taken))

    return inner(short, inlined=True)


def _times(s: Scalars) -> int:
    """Windows of a selection may overlap, so that theirs are doubled; sums take threes first."""
    return 2 if s.selects else 3


def _climbs(s: Scalars, lanes: int, by: int) -> bool:
    """Whether windows of so many taps can still grow in a vector."""
    return (_times(s) - 1) * by < lanes


@cache
def make_climb(s: Scalars, lanes: int, by: int, indexed: bool) -> Any:
    """Windows of so many taps in a vector of a row, grown as far as ``kernel`` and lanes allow.

    ``laters`` are those of the vector behind it, of 1, 2, 4, ... taps, or 1, 3, 9, ... for sums.
    Gives the windows, how many taps they have, and what the vector before it takes for ``laters``.
    Values come with places.
    """
    combine, better, selects = s.combine, s.better, s.selects
    taken, most, further = U(by), U(_times(s) * by), (_times(s) - 1) * by

    def grown(row, later):
        value, where = row
        other, there = later
        met = combine(value, vector.behind(value, other, by))
        if indexed:
            there = vector.behind(where, there, by)
            where = vector.pick(better(vector.behind(value, other, by), value), there, where)
        if not selects:
            met = combine(met, vector.behind(value, other, further))
        return met, where

    def is_last(kernel):
        if selects:
            return kernel < most
        return kernel % most != U(0)

    grown, is_last = inner(grown, inlined=True), inner(is_last)

    def last(row, later, kernel):
        if is_last(kernel):
            return row, taken, row
        return grown(row, later), most, row

    if not _climbs(s, lanes, _times(s) * by):
        return inner(last, inlined=True)
    above = make_climb(s, lanes, _times(s) * by, indexed)

    def climb(row, laters, kernel):
        if is_last(kernel):
            return row, taken, laters
        later, others = laters
        higher, reached, others = above(grown(row, later), others, kernel)
        return higher, reached, (row, others)

    return inner(climb, inlined=True)


@cache
def make_nothing(s: Scalars, lanes: int, by: int) -> Any:
    """What `make_climb` takes for ``laters`` where no vector lies behind."""
    accumulator, identity, lane, more = s.accumulator, s.identity, s.lane, _times(s) * by

    def nothing():
        return vector.splat(accumulator(identity), lanes), vector.splat(lane(-1), lanes)

    if not _climbs(s, lanes, more):
        return inner(nothing, inlined=True)
    row, others = inner(nothing), make_nothing(s, lanes, more)
    return inner(lambda: (row(), others()), inlined=True)
