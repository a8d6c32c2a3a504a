"""Any windows over any number of axes: one thread an output, its taps in row-major order."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from .. import spans
from .api import cuda, device
from .scalars import Scalars
from .words import (
    AXES,
    AXIS,
    BY_BATCH,
    BY_CHANNEL,
    BY_ONE,
    BY_TABLE,
    CELLS,
    CHANNELS,
    COUNT,
    END,
    PLACE_ONE,
    PLANES,
    TOGETHER,
    WINDOW,
)

U = np.uint64


class Uniform(NamedTuple):
    """Sliding windows, a number for each axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    unit: bool  # whether the taps of the last axis are neighbours in memory


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


def _reckoned(given: Any, at: Any, place: Any) -> Any:
    return place


def _read(given: Any, at: Any, place: Any) -> Any:
    return U(given[at])


def make_fold(s: Scalars, axes: int, placed: bool) -> Any:
    """Folds the taps of a window, the last axis innermost, and tells the place of a choice.

    Taps that are ``placed`` were chosen before: their places are ``given``, not reckoned.
    """
    place_of = device(_read if placed else _reckoned)
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


def make_inside(axes: int, uniform: Uniform, word: type) -> Any:
    """Whether the window of an output is full, and where it begins then."""
    row, axis = AXES + AXIS * (axes - 1), axes - 1
    windows, end, by, place = (U(row + n) for n in (spans.WINDOWS, END, BY_ONE, PLACE_ONE))
    stride, before = word(uniform.stride[axis]), word(uniform.before[axis])
    outer = make_inside(axis, uniform, word) if axis else None

    def along(words, start):
        # As a whole number below none, a start in the padding is past the end.
        full = start >= before and start < words[end]
        taken = start - before if full else word(0)
        return full, U(taken) * U(words[by]), taken * words[place]

    along = device(along)
    if outer is None:

        def outermost(words, cell):
            return along(words, word(cell * stride))

        return device(outermost)

    def inside(words, cell):
        length = words[windows]
        full, at, places = outer(words, word(cell // length))
        mine, far, further = along(words, word(word(cell % length) * stride))
        return full and mine, at + far, places + further

    return device(inside)


def make_steps(axes: int, unit: bool, word: type) -> Any:
    """From tap to tap along each axis, in memory and in an index map."""
    one = word(1)
    row = AXES + AXIS * (axes - 1)
    by, place = U(row + spans.BY), U(row + spans.PLACE)
    if axes == 1:

        def outermost(words):
            return (one if unit else words[by],), (words[place],)

        return device(outermost)
    outer = make_steps(axes - 1, False, word)

    def steps(words):
        memory, places = outer(words)
        far = one if unit else words[by]
        return (*memory, far), (*places, words[place])

    return device(steps)


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


def make_windows(
    s: Scalars, axes: int, divisor: int | None, word: type, index: type, indexed: bool,
    uniform: Uniform | None, placed: bool,
) -> Any:  # fmt: skip
    """The kernel: x over the outputs of planes that lie together, y over such groups of planes.

    Where windows are ``uniform`` the full ones are unrolled, and no table is read for them. Taps
    may be choices of an earlier kernel, ``placed`` where that found them.
    """
    sliding = uniform is not None
    window = uniform or Uniform((1,) * axes, (1,) * axes, (0,) * axes, False)
    inside, steps = make_inside(axes, window, word), make_steps(axes, window.unit, word)
    kernel = tuple(map(word, window.kernel))
    many = s.accumulator(prod(window.kernel) if divisor is None else divisor)
    bordered = make_bordered(s, axes, divisor, word, index, placed)
    plane_at, fold = make_plane_at(word), make_fold(s, axes, placed)
    finish, stamp = s.finish, s.stamp
    cells_at, planes_at, together_at = U(CELLS), U(PLANES), U(TOGETHER)

    def windows(x, out, places, words, given):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        cells, together = words[cells_at], words[together_at]
        item = word(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x)
        beside, cell = word(item // cells), word(item % cells)
        if beside >= together:
            return
        plane, planes = word(cuda.blockIdx.y * together + beside), words[planes_at]
        further = word(word(cuda.gridDim.y) * together)
        # Where a full window lies is the same in all planes, and reckoned once.
        full, lies, place = inside(words, cell) if sliding else (False, U(0), word(0))
        by, step = steps(words)
        while plane < planes:
            if sliding and full:
                at = plane_at(words, plane) + lies
                value, found = fold(x, given, at, U(place), (kernel, by, step))
                where, share = index(found), many
            else:
                value, where, share = bordered(x, given, words, plane, cell)
            to = U(plane) * U(cells) + U(cell)
            out[to] = finish(value, share)
            if indexed:
                places[to] = where
            plane = word(plane + further)

    return windows
