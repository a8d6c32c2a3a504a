"""Windows of any kind: fold the rows of a window down, then across the folded row.

The rows are long and contiguous, so this order vectorises whatever the intervals are. Many windows
of a folded row are folded to a vector each, and these meet pairwise, until each lane is a window.
Where all windows are flat, of one row, such as all of a plane, they are folded where they lie, a
vector at a time. Taps do not meet in row-major order here: places are found when the values are
there.
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
    BY_ROW,
    CELLS,
    CHANNELS,
    COLS,
    DOWN_COUNTS,
    HEIGHT,
    HEIGHT_OUT,
    LINE,
    OWN,
    PLACE_ACROSS,
    PLACE_DOWN,
    PLANES,
    ROOM,
    ROWS,
    STACK,
    STEP,
    STEP_ACROSS,
    TASK_ROWS,
    TILE_WIDTH,
    WIDTH,
    after,
    plane_at,
)  # fmt: skip
from .memory import INPUT, OUTPUT, PART, TILE, WHOLE
from .pile import make_pile
from .places import make_every, make_has_negative_zero, make_has_zero, make_settle
from .run import make_run, make_tree, make_vectors, make_watch
from .scalars import Scalars, make_taken

U = np.uintp
AHEAD = 2048  # bytes: what masked loads will read is not foreseen, so it is asked for


@cache
def make_span(s: Scalars, role: int) -> Any:
    """Folds the columns ``low`` to ``high`` of a row, every ``step``-th of a folded one."""
    run, pile, flat = make_run(s, role), make_pile(s, TILE, WHOLE), role == INPUT
    zero, one = U(0), U(1)

    def span(row, low, high, step, stack):
        if flat or step == one:
            return run(row, low, high - low, stack)
        pile(row, low, (high - low + step - one) // step, step, one, stack)
        return memory.load(WHOLE, stack, zero), False

    return inner(span)


@cache
def make_part(s: Scalars, role: int) -> Any:
    """Folds ``count`` neighbours, if any, to a vector of what lies in its lanes.

    And tells whether it met what is watched.
    """
    fill = s.fill if role == INPUT else s.identity
    lanes = LINE // np.dtype(s.accumulator).itemsize
    vectors, taken_as, many = make_vectors(s, role), make_taken(s, role), U(lanes)
    unseen, watch, met = make_watch(s, role, lanes)
    far, ahead = role == INPUT, U(AHEAD // np.dtype(s.source).itemsize)

    def part(x, at, count, stack):
        if count <= many:
            if far:
                memory.fetch(x, at + ahead)
            valid = vector.iota(np.int32, lanes, 1) < vector.splat(np.int32(count), lanes)
            taps = edges.some(role, x, at, valid, vector.splat(fill, lanes))
            return taken_as(taps), met(watch(unseen(), taps, taps))
        return vectors(x, at, count, stack)

    return inner(part, inlined=True)


@cache
def make_met(s: Scalars) -> Any:
    """Gives the windows that wait as vectors, once these have met: at most one a lane.

    The last of them is the one before ``to``.
    """
    accumulator, result, finish = s.accumulator, s.result, s.finish
    lanes = LINE // np.dtype(accumulator).itemsize
    tree, zero = make_tree(s, PART, lanes, lanes), U(0)

    def met(parts, counts, waiting, out, to):
        done = finish(tree(parts, zero), memory.lanes(PART, counts, zero, lanes))
        done = vector.convert(done, result)
        edges.store_some(OUTPUT, out, to - waiting, zero, done, lanes, waiting)

    return inner(met)


@cache
def make_together(s: Scalars, flat: bool) -> Any:
    """All windows of an output row, a vector of them at a time, be they of several rows.

    It is told how many are waiting for others, and tells it, and whether it met what is watched.
    """
    part, met = make_part(s, INPUT if flat else TILE), make_met(s)
    accumulator, divides = s.accumulator, s.divides
    zero, one, many = U(0), U(1), U(LINE // np.dtype(accumulator).itemsize)

    def together(
        folded, at, cols, cells, taken, step, stack, parts, counts, waiting, down_count,
        across_counts, out, to,
    ):  # fmt: skip
        met_any = False
        for j in range(cells):
            left = U(memory.load(INPUT, cols, j + j))
            right = U(memory.load(INPUT, cols, j + j + one))
            taps = right - left if taken and left < right else zero
            value, seen = part(folded, at + left, taps, stack)
            met_any |= seen
            memory.store(PART, parts, waiting * many, value)
            count = down_count
            if divides:
                count = accumulator(down_count * memory.load(INPUT, across_counts, j))
            memory.store(PART, counts, waiting, count)
            waiting += one
            if waiting == many:
                met(parts, counts, waiting, out, to + j + one)
                waiting = zero
        return waiting, met_any

    return inner(together, inlined=True)


@cache
def make_one_by_one(s: Scalars, flat: bool) -> Any:
    """All windows of an output row, one after the other."""
    span = make_span(s, INPUT if flat else TILE)
    accumulator, result, finish, divides = s.accumulator, s.result, s.finish, s.divides
    identity, one = s.identity, U(1)

    def one_by_one(
        folded, at, cols, cells, taken, step, stack, parts, counts, waiting, down_count,
        across_counts, out, to,
    ):  # fmt: skip
        met_any = False
        for j in range(cells):
            left = U(memory.load(INPUT, cols, j + j))
            right = U(memory.load(INPUT, cols, j + j + one))
            value = identity
            if taken and left < right:
                value, seen = span(folded, at + left, at + right, step, stack)
                met_any |= seen
            count = down_count
            if divides:
                count = accumulator(down_count * memory.load(INPUT, across_counts, j))
            memory.store(OUTPUT, out, to + j, result(finish(value, count)))
        return waiting, met_any

    return inner(one_by_one)


def make_bins(s: Scalars, flat: bool, together: bool, indexed: bool) -> Any:
    """The kernel: all windows of the output rows of the tasks ``first`` to ``last``."""
    pile, met = make_pile(s, INPUT, TILE), make_met(s)
    windows = (make_together if together else make_one_by_one)(s, flat)
    every, settle = make_every(s), make_settle(s, indexed)
    has_zero, has_negative_zero = make_has_zero(s), make_has_negative_zero(s)
    source, accumulator, result = s.source, s.accumulator, s.result
    index_type, divides, stamp = s.index, s.divides, s.fingerprint
    two_zeros, ambiguous = s.two_zeros, s.ambiguous
    item, lines = U(np.dtype(accumulator).itemsize), U(LINE // np.dtype(accumulator).itemsize)
    zero, one, nobody, interval = U(0), U(1), U(np.iinfo(U).max), U(16)

    def rows_of(rows_at, plane, o, height_out, own, step):
        """The first row of an output row's windows, and how many they take."""
        rows = memory.pointer(rows_at + plane * height_out * own, np.int64)
        low = U(memory.load(INPUT, rows, o + o))
        taken = U(memory.load(INPUT, rows, o + o + one)) - low
        if step > one:
            taken = (taken + step - one) // step
        return low, taken

    rows_of = inner(rows_of)

    def bins(frame, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x = memory.pointer(x_at, source)
        out = memory.pointer(out_at, result)
        index = memory.pointer(index_at, index_type)
        rows_at, cols_at = memory.word(frame, ROWS), memory.word(frame, COLS)
        down_counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        across_counts = memory.pointer(memory.word(frame, ACROSS_COUNTS), accumulator)
        channels, by_row = memory.word(frame, CHANNELS), memory.word(frame, BY_ROW)
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        height_out, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        height, own = memory.word(frame, HEIGHT), memory.word(frame, OWN) * interval
        width, tile_items = memory.word(frame, WIDTH), memory.word(frame, TILE_WIDTH)
        tile_items *= memory.word(frame, ROOM)
        stack_items = memory.word(frame, STACK) * lines
        place_down, place_across = memory.word(frame, PLACE_DOWN), memory.word(frame, PLACE_ACROSS)
        step, step_across = memory.word(frame, STEP), memory.word(frame, STEP_ACROSS)
        task_rows = memory.word(frame, TASK_ROWS)
        last_row = memory.word(frame, PLANES) * height_out

        stack_at = after(scratch, tile_items, item)
        parts_at = after(stack_at, stack_items, item)
        tile, stack = memory.pointer(scratch, accumulator), memory.pointer(stack_at, accumulator)
        parts = memory.pointer(parts_at, accumulator)
        counts = memory.pointer(after(parts_at, lines * lines, item), accumulator)

        on_step, chunk = every(step_across)
        scanned, mixed = nobody, False  # the plane last asked for a negative zero, and the answer
        for task in range(first, last):
            begin = task * task_rows
            end, waiting, met_any = vector.least(begin + task_rows, last_row), zero, False
            plane, o = begin // height_out, begin % height_out
            for row in range(begin, end):
                low, taken = rows_of(rows_at, plane, o, height_out, own, step)
                cols = memory.pointer(cols_at + plane * cells * own, np.int64)
                base = plane_at(plane, channels, by_batch, by_channel) + low * by_row
                if flat:
                    folded, at = x, base
                else:
                    met_any |= pile(x, base, taken, step * by_row, width, tile)
                    folded, at = tile, zero
                down_count = accumulator(1)
                if divides:
                    down_count = memory.load(INPUT, down_counts, o)
                waiting, seen = windows(
                    folded, at, cols, cells, taken, step_across, stack, parts, counts, waiting,
                    down_count, across_counts, out, row * cells,
                )  # fmt: skip
                met_any |= seen
                o += one
                if o == height_out:
                    plane, o = plane + one, zero
            if waiting:
                met(parts, counts, waiting, out, end * cells)
            if met_any:
                return task
            if not (indexed or two_zeros or ambiguous):
                continue
            plane, o = begin // height_out, begin % height_out
            for row in range(begin, end):
                low, taken = rows_of(rows_at, plane, o, height_out, own, step)
                cols = memory.pointer(cols_at + plane * cells * own, np.int64)
                start = plane_at(plane, channels, by_batch, by_channel)
                wanted = indexed or ambiguous
                if not wanted and has_zero(out, row * cells, cells):
                    if scanned != plane:
                        mixed = has_negative_zero(x, start, height, width, by_row)
                        scanned = plane
                    wanted = mixed
                if wanted:
                    settle(
                        x, start + low * by_row, taken, step * by_row, cols, cells, step_across,
                        on_step, chunk, out, index, row * cells, low * place_down,
                        step * place_down, place_across,
                    )  # fmt: skip
                o += one
                if o == height_out:
                    plane, o = plane + one, zero
        return last

    return bins
