"""Windows one by one, as a table has them: where they begin, their taps, what they count."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import spans
from .api import device
from .scalars import Scalars
from .words import (
    AXES,
    AXIS,
    BY_BATCH,
    BY_CHANNEL,
    BY_TABLE,
    CHANNELS,
    COUNT,
    WINDOW,
)

U = np.uint64
#: Taps that are added one after the other before their sum is added to others, and so many of these
#: before it goes to the rest: sums of long runs keep their digits.
RUN = 8


def make_corner(axes: int, word: type) -> Any:
    """Where the window of an output begins: in memory, in an index map, and what it counts.

    With the taps along each axis, and the steps between them in memory and in an index map. The
    windows of a plane begin ``table`` words behind the first one's.
    """
    row = AXES + AXIS * (axes - 1)
    windows, begin = U(row + spans.WINDOWS), U(row + spans.BEGIN)
    by, step = U(row + spans.BY), U(row + spans.PLACE)
    first, first_place = U(spans.FIRST), U(spans.FIRST_PLACE)
    taps, count, each = U(spans.TAPS), U(COUNT), U(WINDOW)
    if axes == 1:

        def outermost(words, cell, table):
            at = U(words[begin]) + table + U(cell) * each
            along = (words[at + taps],), (words[by],), (words[step],)
            return U(words[at + first]), words[at + first_place], words[at + count], along

        return device(outermost)
    outer = make_corner(axes - 1, word)

    def corner(words, cell, table):
        length = words[windows]
        start, place, counts, along = outer(words, word(cell // length), table)
        at = U(words[begin]) + table + U(cell % length) * each
        tall, down, places = along
        along = (
            (*tall, words[at + taps]), (*down, words[by]), (*places, words[step])
        )  # fmt: skip
        start += U(words[at + first])
        return start, place + words[at + first_place], counts * words[at + count], along

    return device(corner)


def reckoned_place(given: Any, at: Any, place: Any) -> Any:
    return place


def written_place(given: Any, at: Any, place: Any) -> Any:
    return U(given[at])


def make_fold(s: Scalars, axes: int, placed: bool) -> Any:
    """Folds the taps of a window, the last axis innermost, and tells the place of a choice.

    Taps that are ``placed`` were chosen before: their places are ``given``, not reckoned.
    """
    place_of = device(written_place if placed else reckoned_place)
    combine, beats, taken, selects = s.combine, s.beats, s.taken, s.selects
    identity, run, last = s.identity, U(RUN), axes - 1
    zero, one = U(0), U(1)

    def choose(x, given, at, place, along, value, where):
        taps, by, step = along
        for _ in range(taps[last]):
            tap = taken(x[at])
            if beats(tap, value):
                value, where = tap, place_of(given, at, place)
            at += U(by[last])
            place += U(step[last])
        return value, where

    def add(x, given, at, place, along, value, where):
        taps, by, _ = along
        left, step, more, runs = U(taps[last]), U(by[last]), identity, zero
        while left > zero:
            some = min(left, run)
            part = taken(x[at])
            for _ in range(one, some):
                at += step
                part = combine(part, taken(x[at]))
            at += step
            more = combine(more, part)
            runs += one
            if runs % run == zero:
                value, more = combine(value, more), identity
            left -= some
        return combine(value, more), where

    fold = device(choose if selects else add)
    for axis in range(last - 1, -1, -1):
        fold = device(_along(fold, axis, s))
    nothing = identity

    def whole(x, given, at, place, along):
        return fold(x, given, at, place, along, nothing, place_of(given, at, place))

    return device(whole)


def _along(inner: Any, axis: int, s: Scalars) -> Any:
    """The fold over one axis more."""
    combine, identity, selects = s.combine, s.identity, s.selects

    def fold(x, given, at, place, along, value, where):
        taps, by, step = along
        for _ in range(taps[axis]):
            if selects:
                value, where = inner(x, given, at, place, along, value, where)
            else:
                part, where = inner(x, given, at, place, along, identity, where)
                value = combine(value, part)
            at += U(by[axis])
            place += U(step[axis])
        return value, where

    return fold


def make_divided_by(s: Scalars, divisor: int | None) -> Any:
    """What a result is divided by: the taps that count, or the ``divisor`` instead."""
    accumulator = s.accumulator
    if divisor is None:
        return device(lambda count: accumulator(count))
    instead = accumulator(divisor)
    return device(lambda count: instead)


def make_plane_at(word: type) -> Any:
    """Where a plane begins."""
    channels, by_batch, by_channel = U(CHANNELS), U(BY_BATCH), U(BY_CHANNEL)

    def plane_at(words, plane):
        if plane < words[channels]:
            return U(plane) * U(words[by_channel])
        batch, channel = plane // words[channels], plane % words[channels]
        return U(batch) * U(words[by_batch]) + U(channel) * U(words[by_channel])

    return device(plane_at)


def make_bordered(
    s: Scalars, axes: int, divisor: int | None, word: type, index: type, placed: bool
) -> Any:
    """A window by the table: its value and place, and what the value is divided by."""
    corner, plane_at = make_corner(axes, word), make_plane_at(word)
    fold, divided_by = make_fold(s, axes, placed), make_divided_by(s, divisor)
    by_table, zero, nowhere = U(BY_TABLE), word(0), index(-1)

    def bordered(x, given, words, plane, cell):
        base, some = plane_at(words, plane), True
        start, first, count, along = corner(words, cell, U(plane) * U(words[by_table]))
        value, where = fold(x, given, base + start, U(first), along)
        share = divided_by(count)
        for taps in along[0]:
            some &= taps > zero
        place = index(where) if some else nowhere
        return value, place, share

    return device(bordered)
