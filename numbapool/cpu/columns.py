"""Windows that are a column each: what their rows fold down to is what they give.

Such are strips, and channels that come last. All lanes of a vector are windows of their own, also
where the places of their best taps are looked for.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import edges, memory, vector
from .frame import LINE
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, TILE
from .pile import make_pile, make_short
from .scalars import Scalars, make_taken

U = np.uintp
FEWEST_TASKS = 8  # of planes pooled whole
BAND = 16  # vectors at least: of shorter pieces of rows all lines are read by all threads
PIECE = 8 * 1024  # bytes of a row that are folded down at a time: a part of the first cache
SIDE_BY_SIDE = 4 * LINE  # bytes of inputs, or of their places, that are looked through at a time


def bands(width: int, lanes: int, planes: int) -> int:
    """Into how many as broad ones planes of so many columns are cut, so that threads share them."""
    most = min(2 * -(-FEWEST_TASKS // planes), width // (BAND * lanes))
    return next((number for number in range(most, 1, -1) if width % number == 0), 1)


@cache
def make_columns(s: Scalars, vectors: int) -> Any:
    """All windows of an output row, whose inputs so many ``vectors`` hold, or 0."""
    given = _make_given(s, vectors)
    accumulator, identity = s.accumulator, s.identity
    lanes = LINE // np.dtype(accumulator).itemsize
    wide, zero, many = vectors * lanes, U(0), U(lanes)
    most = U(PIECE // np.dtype(accumulator).itemsize)

    def held(
        x, base, taken, pitch, width, tile, told, cells, step, stack, parts, counts, waiting,
        down_count, across_counts, out, to,
    ):  # fmt: skip
        folded, met = vector.splat(accumulator(identity), wide), False
        if taken:
            folded, met = short(x, base, taken, pitch, width, tile)
        given(folded, down_count, out, to, cells)
        return waiting, counts, met

    def piled(
        x, base, taken, pitch, width, tile, told, cells, step, stack, parts, counts, waiting,
        down_count, across_counts, out, to,
    ):  # fmt: skip
        piece, met = vector.least(width, most), False
        for start in range(zero, width, piece):
            first = vector.least(start, width - piece)
            met |= pile(x, base + first, taken, pitch, piece, tile)
            for j in range(zero, piece, many):
                at = vector.least(j, piece - many)
                folded = vector.splat(accumulator(identity), lanes)
                if taken:
                    folded = memory.lanes(TILE, tile, at, lanes)
                given(folded, down_count, out, to + first + at, many)
        return waiting, counts, met

    if vectors:
        short, _ = make_short(s, INPUT, TILE, vectors)
        return inner(held, inlined=True)
    pile = make_pile(s, INPUT, TILE, vectors)
    return inner(piled, inlined=True)


def _make_given(s: Scalars, vectors: int) -> Any:
    """Gives the results of the first ``cells`` lanes of what was folded."""
    result, finish = s.result, s.finish
    lanes = max(vectors, 1) * (LINE // np.dtype(s.accumulator).itemsize)
    zero, many = U(0), U(lanes)

    def given(folded, down_count, out, to, cells):
        done = vector.convert(finish(folded, vector.splat(down_count, lanes)), result)
        edges.store_some(OUTPUT, out, to, zero, done, lanes, vector.least(cells, many))

    return inner(given, inlined=True)


@cache
def make_settle(s: Scalars, vectors: int, indexed: bool) -> Any:
    """Finds the best taps of all windows of an output row, whose values are there.

    So many ``vectors`` hold its inputs, or 0. It is told what `places.make_settle` is: a place is
    the first, or the last of those that override.
    """
    better, overrides, nothing, lane = s.better, s.overrides, s.fill, s.lane
    index_type, taken_as = s.index, make_taken(s, OUTPUT)
    room = min(vectors * LINE, SIDE_BY_SIDE) or SIDE_BY_SIDE
    lanes = room // max(np.dtype(each).itemsize for each in (s.source, lane))
    zero, many = U(0), U(lanes)

    def settle(
        x, base, rows, pitch, cols, cells, step, on_step, chunk, out, index, to, first_place,
        by_row, by_column,
    ):  # fmt: skip
        fill, number = vector.splat(nothing, lanes), vector.iota(np.int32, lanes, 1)
        beside = vector.iota(index_type, lanes, 1)
        for j in range(zero, cells, many):
            count = vector.least(many, cells - j)
            inside = number < vector.splat(np.int32(count), lanes)
            taps = edges.some(OUTPUT, out, to + j, inside, fill)
            bests, where = taken_as(taps), vector.splat(lane(-1), lanes)
            overriding = overrides(bests)
            for row in range(rows):
                others = edges.some(INPUT, x, base + row * pitch + j, inside, fill)
                taken, here = taken_as(others), vector.splat(lane(row), lanes)
                found = vector.pick(better(bests, taken), where, here)
                found = vector.pick(where < vector.splat(lane(0), lanes), found, where)
                found = vector.pick(overriding & overrides(taken), here, found)
                taps = vector.pick(found == where, taps, others)
                where = found
            edges.store_some(OUTPUT, out, to + j, zero, taps, lanes, count)
            if indexed:
                column = (beside + vector.splat(index_type(j), lanes)) * vector.splat(
                    index_type(by_column), lanes
                )
                place = vector.convert(where, index_type)
                place = place * vector.splat(index_type(by_row), lanes) + column
                place += vector.splat(index_type(first_place), lanes)
                nowhere = where < vector.splat(lane(0), lanes)
                place = vector.pick(nowhere, vector.splat(index_type(-1), lanes), place)
                edges.store_some(OUTPUT_INDEX, index, to + j, zero, place, lanes, count)

    return inner(settle)
