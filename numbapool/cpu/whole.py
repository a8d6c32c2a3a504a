"""Small planes pooled whole: as many of them as a vector has lanes, folded to a vector each.

The lanes of those vectors then meet pairwise, two vectors in one, until each lane holds a plane. An
index map is found after the values, while the planes are in the first cache: the first tap that the
best is no better than.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import edges, memory, vector
from .frame import (
    ACROSS_COUNTS,
    BY_BATCH,
    BY_CHANNEL,
    CHANNELS,
    DOWN_COUNTS,
    PLANES,
    WIDTH,
    plane_at,
)
from .machine import MASKS
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, TILE
from .places import make_every, make_has_negative_zero, make_place
from .run import make_tree, make_watch
from .scalars import Scalars, make_taken

U = np.uintp
VECTORS = 16  # of a plane at most: they are folded one after the other
MOST_LANES = 16  # and planes that are folded with no loop,
FEW = 3  # and vectors, where a vector is two registers


def known(size: int, lanes: int, selects: bool) -> int:
    """How many full vectors a plane has that is folded with no loop; else -1.

    Without registers for masks, what a selection watches leaves none for the planes.
    """
    pays = MASKS or (not selects and size // lanes <= FEW)
    return size // lanes if pays and lanes <= MOST_LANES else -1


@cache
def _make_plane(s: Scalars, lanes: int) -> Any:
    """Folds a plane of so many full vectors and some lanes more, and looks for what is watched."""
    combine, taken_as = s.combine, make_taken(s, INPUT)
    (_, watch, _), nothing = make_watch(s, INPUT, lanes), s.fill
    two, many = U(2), U(lanes)

    def loaded(x, at):
        return memory.lanes(INPUT, x, at, lanes)

    loaded = inner(loaded, inlined=True)

    def plane(x, at, full, valid, seen):
        fill = vector.splat(nothing, lanes)
        taps = others = edges.some(INPUT, x, at + full * many, valid, fill)
        value = taken_as(taps)
        if full % two:
            taps = loaded(x, at)
            value = combine(taken_as(taps), value)
        seen = watch(seen, taps, others)
        for part in range(full % two, full, two):
            start = at + part * many
            taps, others = loaded(x, start), loaded(x, start + many)
            seen = watch(seen, taps, others)
            value = combine(combine(taken_as(taps), taken_as(others)), value)
        return value, seen

    return inner(plane, inlined=True)


@cache
def _make_planes(s: Scalars, lanes: int, count: int, full: int) -> Any:
    """Folds ``count`` planes, equally far apart, of so many full vectors, each to its lanes."""
    combine, plane, number = s.combine, _make_plane(s, lanes), U(full)

    def single(x, at, apart, valid, seen):
        return plane(x, at, number, valid, seen)

    if count == 1:
        return inner(single, inlined=True)
    half, groups, beyond = _make_planes(s, lanes, count // 2, full), count // 2, U(count // 2)

    def planes(x, at, apart, valid, seen):
        first, seen = half(x, at, apart, valid, seen)
        second, seen = half(x, at + beyond * apart, apart, valid, seen)
        low = vector.halves(first, second, groups, 0)
        return combine(low, vector.halves(first, second, groups, 1)), seen

    return inner(planes, inlined=True)


def make_whole(s: Scalars, lanes: int, known: int, indexed: bool) -> Any:
    """The kernel: the planes of the tasks ``first`` to ``last``, ``lanes`` planes each.

    It is `known` how many full vectors they have, or -1.
    """
    finish, tree, plane_of = s.finish, make_tree(s, TILE, lanes, lanes), _make_plane(s, lanes)
    at_once = known >= 0
    planes_of = _make_planes(s, lanes, lanes, known) if at_once else None
    every, place = make_every(s), make_place(s)
    has_negative_zero = make_has_negative_zero(s)
    source, accumulator, result, index_type = s.source, s.accumulator, s.result, s.index
    unseen, _, met = make_watch(s, INPUT, lanes)
    divides, stamp = s.divides, s.fingerprint
    two_zeros, ambiguous = s.two_zeros, s.ambiguous
    zero, one, many, nought = U(0), U(1), U(lanes), accumulator(0)

    def whole(frame, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x, out = memory.pointer(x_at, source), memory.pointer(out_at, result)
        index = memory.pointer(index_at, index_type)
        tile = memory.pointer(scratch, accumulator)
        down_counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        across_counts = memory.pointer(memory.word(frame, ACROSS_COUNTS), accumulator)
        channels, size = memory.word(frame, CHANNELS), memory.word(frame, WIDTH)
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        last_plane = memory.word(frame, PLANES) - many

        count = vector.splat(accumulator(1), lanes)
        if divides:
            factor = memory.load(INPUT, across_counts, zero)
            count = vector.splat(memory.load(INPUT, down_counts, zero) * factor, lanes)
        full, rest = size // many, size % many
        valid = vector.iota(np.int32, lanes, 1) < vector.splat(np.int32(rest), lanes)
        on_step, chunk = every(one)
        for group in range(first, last):
            plane, seen = vector.least(group * many, last_plane), unseen()
            if at_once and plane + many <= channels:
                at = plane * by_channel
                folded, seen = planes_of(x, at, by_channel, valid, seen)
            else:
                for number in range(many):
                    at = plane_at(plane + number, channels, by_batch, by_channel)
                    value, seen = plane_of(x, at, full, valid, seen)
                    memory.store(TILE, tile, number * many, value)
                folded = tree(tile, zero)
            if met(seen):
                return group
            memory.store(OUTPUT, out, plane, vector.convert(finish(folded, count), result))
            zeros = vector.some(folded == vector.splat(nought, lanes))
            if indexed or ambiguous or (two_zeros and zeros):
                for number in range(many):
                    at = plane_at(plane + number, channels, by_batch, by_channel)
                    best = memory.load(OUTPUT, out, plane + number)
                    sought = indexed or ambiguous
                    if sought or (best == 0 and has_negative_zero(x, at, one, size, zero)):
                        _, column = place(x, at, one, zero, zero, size, one, on_step, chunk, best)
                        tap = memory.load(INPUT, x, at + column)
                        memory.store(OUTPUT, out, plane + number, tap)
                        if indexed:
                            memory.store(OUTPUT_INDEX, index, plane + number, index_type(column))
        return last

    return whole
