"""Small windows that slide along every axis: where they lie, and those that reach outside.

Full ones are unrolled with no look at bounds. So are the others, but that taps outside are passed
over: no table of windows is read for a tap.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .. import spans
from ..geometry import Laid, Sliding
from ..ops import PoolOp
from ..ops.base import as_it_is
from .api import device
from .corner import (
    RUN,
    make_corner,
    make_divided_by,
    make_plane_at,
    reckoned_place,
    written_place,
)
from .passes import Done
from .scalars import Scalars
from .words import AXES, AXIS, BY_ONE, CELLS, END, PLACE_ONE, PLANES, SIZE

U = np.uint64
#: Taps at most: each is code.
MOST = 64


def sliding(axis: Any) -> Any:
    """The axis, if it slides; one that was pooled before does, one input after the other."""
    return Sliding(len(axis), 1) if isinstance(axis, Done) else axis


class Uniform(NamedTuple):
    """Sliding windows, a number for each axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    dilation: tuple[int, ...]
    partial: tuple[bool, ...]  # whether windows reach outside
    unit: bool  # whether the taps of the last axis are neighbours in memory
    counted: int | None  # what full windows count in a divisor, if all count the same
    alike: bool  # whether the others count that, too

    @classmethod
    def of(cls, op: PoolOp, axes: Sequence[Laid], divisor: int | None) -> Uniform | None:
        """The windows, if they slide along every axis and are small enough."""
        plain = [sliding(laid.axis) for laid in axes]
        if not all(isinstance(axis, Sliding) for axis in plain):
            return None
        if prod(axis.kernel for axis in plain) > MOST:
            return None
        full, alike, differ = 1, True, False
        if op.finish is not as_it_is and divisor is None:
            for laid, axis in zip(axes, plain, strict=True):
                counts, done = laid.axis.count(spans.cells(laid.axis)), isinstance(laid.axis, Done)
                full *= int(counts[0]) if done else axis.kernel
                same = bool((counts == (counts[0] if done else axis.kernel)).all())
                alike, differ = alike and same, differ or (done and not same)
        return cls(
            tuple(axis.kernel for axis in plain), tuple(axis.stride for axis in plain),
            tuple(axis.before for axis in plain), tuple(axis.dilation for axis in plain),
            tuple(not axis.unpadded for axis in plain),
            axes[-1].by * axes[-1].axis.step == 1, None if differ else full, alike,
        )  # fmt: skip


def make_where(axes: int, uniform: Uniform, word: type) -> Any:
    """Whether the window of an output is full, and where it begins: in memory, in an index map, and
    along each axis. What is before the input wraps around to large numbers.
    """
    row, axis = AXES + AXIS * (axes - 1), axes - 1
    windows, end, by, place = (U(row + n) for n in (spans.WINDOWS, END, BY_ONE, PLACE_ONE))
    stride, before = word(uniform.stride[axis]), word(uniform.before[axis])
    partial = uniform.partial[axis]

    def along(words, start):
        full = not partial or (start >= before and start < words[end])
        far = U(start) - U(before)
        return full, far * U(words[by]), far * U(words[place]), word(start - before)

    along = device(along)
    if axes == 1:

        def outermost(words, cell):
            full, at, place, spot = along(words, word(cell * stride))
            return full, at, place, (spot,)

        return device(outermost)
    outer = make_where(axis, uniform, word)

    def where(words, cell):
        length = words[windows]
        full, at, places, spots = outer(words, word(cell // length))
        mine, far, further, spot = along(words, word(word(cell % length) * stride))
        return full and mine, at + far, places + further, (*spots, spot)

    return device(where)


def make_steps(axes: int, unit: bool, word: type) -> Any:
    """From tap to tap along each axis, in memory and in an index map, and its inputs."""
    one = word(1)
    row = AXES + AXIS * (axes - 1)
    by, place, size = U(row + spans.BY), U(row + spans.PLACE), U(row + SIZE)
    if axes == 1:

        def outermost(words):
            return (one if unit else words[by],), (words[place],), (words[size],)

        return device(outermost)
    outer = make_steps(axes - 1, False, word)

    def steps(words):
        memory, places, sizes = outer(words)
        far = one if unit else words[by]
        return (*memory, far), (*places, words[place]), (*sizes, words[size])

    return device(steps)


def make_taps(s: Scalars, uniform: Uniform, word: type, placed: bool) -> Any:
    """Folds the taps of a window that lie inside; ``where`` is told as it is for the first one."""
    place_of = device(written_place if placed else reckoned_place)
    combine, beats, taken, selects = s.combine, s.beats, s.taken, s.selects
    identity, last = s.identity, len(uniform.kernel) - 1
    kernel, partial = uniform.kernel[last], uniform.partial[last]
    further, whole = word(uniform.dilation[last]), RUN - 1

    def choose(x, given, at, place, spots, by, step, sizes, value, where):
        spot = spots[last]
        for _ in range(kernel):
            if not partial or spot < sizes[last]:
                tap = taken(x[at])
                if beats(tap, value):
                    value, where = tap, place_of(given, at, place)
            at += U(by[last])
            place += U(step[last])
            spot = word(spot + further)
        return value, where

    def add(x, given, at, place, spots, by, step, sizes, value, where):
        spot, part, more = spots[last], identity, identity
        for number in range(kernel):
            if not partial or spot < sizes[last]:
                part = combine(part, taken(x[at]))
            at += U(by[last])
            spot = word(spot + further)
            if number % RUN == whole:
                more, part = combine(more, part), identity
        return combine(value, combine(more, part)), where

    fold = device(choose if selects else add)
    for axis in range(last - 1, -1, -1):
        fold = device(_along(fold, axis, s, uniform, word))
    return fold


def _along(inner: Any, axis: int, s: Scalars, uniform: Uniform, word: type) -> Any:
    """The fold over one axis more."""
    combine, identity, selects = s.combine, s.identity, s.selects
    kernel, partial = uniform.kernel[axis], uniform.partial[axis]
    further = word(uniform.dilation[axis])

    def fold(x, given, at, place, spots, by, step, sizes, value, where):
        spot = spots[axis]
        for _ in range(kernel):
            if not partial or spot < sizes[axis]:
                if selects:
                    value, where = inner(
                        x, given, at, place, spots, by, step, sizes, value, where
                    )
                else:
                    part, where = inner(
                        x, given, at, place, spots, by, step, sizes, identity, where
                    )
                    value = combine(value, part)
            at += U(by[axis])
            place += U(step[axis])
            spot = word(spot + further)
        return value, where

    return fold


def make_full(
    s: Scalars, divisor: int | None, word: type, index: type, placed: bool, uniform: Uniform
) -> Any:  # fmt: skip
    """A window that is full: its value and place, and what the value is divided by."""
    place_of = device(written_place if placed else reckoned_place)
    inside = uniform._replace(partial=(False,) * len(uniform.kernel))
    taps, identity = make_taps(s, inside, word, placed), s.identity
    share = s.accumulator((uniform.counted or 1) if divisor is None else divisor)

    def full(x, given, at, place, spots, by, step, sizes):
        first = place_of(given, at, place)
        value, where = taps(x, given, at, place, spots, by, step, sizes, identity, first)
        return value, index(where), share

    return device(full)


def make_edges(
    s: Scalars, axes: int, divisor: int | None, word: type, index: type, indexed: bool,
    placed: bool, uniform: Uniform,
) -> Any:  # fmt: skip
    """Makes an output whose window is not full in every ``further`` plane from ``plane`` on."""
    corner, place_of = make_corner(axes, word), device(written_place if placed else reckoned_place)
    taps, divided_by = make_taps(s, uniform, word, placed), make_divided_by(s, divisor)
    where_is, steps = make_where(axes, uniform, word), make_steps(axes, uniform.unit, word)
    plane_at, finish, identity = make_plane_at(word), s.finish, s.identity
    cells_at, planes_at = U(CELLS), U(PLANES)
    zero, none, nowhere = word(0), U(0), index(-1)

    def edges(x, out, places, words, given, cell, plane, further):
        # What is the same in all planes is found once.
        _, lies, place, spots = where_is(words, cell)
        by, step, sizes = steps(words)
        start, nearest, count, along = corner(words, cell, none)
        share, some = divided_by(count), True
        for many in along[0]:
            some &= many > zero
        while plane < words[planes_at]:
            base = plane_at(words, plane)
            first = place_of(given, base + start, U(nearest)) if some else U(nearest)
            value, where = taps(
                x, given, base + lies, place, spots, by, step, sizes, identity, first
            )
            to = U(plane) * U(words[cells_at]) + U(cell)
            out[to] = finish(value, share)
            if indexed:
                places[to] = index(where) if some else nowhere
            plane = word(plane + further)

    return device(edges)
