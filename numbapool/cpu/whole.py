"""Small planes pooled whole: as many of them as a vector has lanes, folded to a vector each.

The lanes of those vectors then meet pairwise, two vectors in one, until each lane holds a plane. An
index map is found after the values, while the planes are in the first cache: the first tap that the
best is no better than.
"""

from __future__ import annotations

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
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, TILE
from .places import make_every, make_has_negative_zero, make_place
from .run import make_tree, make_watch
from .scalars import Scalars, make_taken

U = np.uintp
VECTORS = 16  # of a plane at most: they are folded one after the other


def make_whole(s: Scalars, lanes: int, indexed: bool) -> Any:
    """The kernel: the planes of the tasks ``first`` to ``last``, ``lanes`` planes each."""
    combine, finish, tree = s.combine, s.finish, make_tree(s, TILE, lanes, lanes)
    every, place = make_every(s), make_place(s)
    has_negative_zero = make_has_negative_zero(s)
    source, accumulator, result, index_type = s.source, s.accumulator, s.result, s.index
    taken_as, (unseen, watch, met) = make_taken(s, INPUT), make_watch(s, INPUT, lanes)
    nothing, divides, stamp = s.fill, s.divides, s.fingerprint
    two_zeros, ambiguous = s.two_zeros, s.ambiguous
    zero, one, two, many, nought = U(0), U(1), U(2), U(lanes), accumulator(0)

    def loaded(x, at):
        return memory.lanes(INPUT, x, at, lanes)

    loaded = inner(loaded, inlined=True)

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
        fill = vector.splat(nothing, lanes)
        on_step, chunk = every(one)
        for group in range(first, last):
            plane, seen = vector.least(group * many, last_plane), unseen()
            for number in range(many):
                at = plane_at(plane + number, channels, by_batch, by_channel)
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
                memory.store(TILE, tile, number * many, value)
            if met(seen):
                return group
            folded = tree(tile, zero)
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
