"""Windows of any kind: fold the rows of a window down, then across the folded row.

The rows are long and contiguous, so this order vectorises whatever the intervals are. Taps do not
meet in row-major order here, so equals are settled by their index. Many windows of a folded row, if
there is no index map, are folded to a vector each, and these meet pairwise, until each lane is a
window. A window of one row, such as all of a plane, is folded where it lies, a vector at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import inner
from . import memory, vector
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
    ROOM,
    ROWS,
    STACK,
    STEP,
    STEP_ACROSS,
    TILE_WIDTH,
    WIDTH,
    after,
)  # fmt: skip
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, PART, TILE, TILE_INDEX, WHOLE
from .pile import IN_TILE, IN_WHOLE, make_pile
from .run import LINE, make_run, make_tree, make_vectors
from .scalars import Scalars
from .zeros import make_has_negative_zero, make_settle

U = np.uintp


def make_span(s: Scalars, indexed: bool) -> Any:
    """Folds the columns ``low`` to ``high`` of a folded row, every ``step``-th."""
    rather, lane = s.rather, s.lane
    run, pile = make_run(s, TILE, False), make_pile(s, TILE, IN_WHOLE, False)
    zero, one = U(0), U(1)

    def span(tile, tile_index, low, high, step, stack):
        if not indexed:
            if step == one:
                return run(tile, low, high - low, stack, tile_index)
            pile(tile, low, (high - low + step - one) // step, step, one, stack, tile_index)
            return memory.load(WHOLE, stack, zero), lane(0)
        value = memory.load(TILE, tile, low)
        where = memory.load(TILE_INDEX, tile_index, low)
        for column in range(low + step, high, step):
            other = memory.load(TILE, tile, column)
            there = memory.load(TILE_INDEX, tile_index, column)
            wins = rather(other, there, value, where)
            where = vector.pick(wins, there, where)
            value = vector.pick(wins, other, value)
        return value, where

    return inner(span)


def make_spans(s: Scalars, role: int) -> Any:
    """Folds as many windows of a row as a vector has lanes, from the window ``j`` on."""
    accumulator, identity = s.accumulator, s.identity
    source = s.source if role == INPUT else s.accumulator
    lanes = LINE // np.dtype(accumulator).itemsize
    vectors, tree = make_vectors(s, role, False), make_tree(s, PART, lanes, lanes)
    zero, one, many = U(0), U(1), U(lanes)

    def spans(x, base, cols, j, cells, taken, stack, stack_index, parts):
        nothing = vector.splat(source(identity), lanes)
        for number in range(vector.least(many, cells - j)):
            at = U(2) * (j + number)
            left = U(memory.load(INPUT, cols, at))
            right = U(memory.load(INPUT, cols, at + one))
            count = right - left if taken and left < right else zero
            if count <= many:
                valid = vector.iota(np.int32, lanes, 1) < vector.splat(np.int32(count), lanes)
                taps = memory.some(role, x, base + left, valid, nothing)
                value = vector.convert(taps, accumulator)
            else:
                value, _ = vectors(x, base + left, count, stack, stack_index)
            memory.store(PART, parts, number * many, value)
        return tree(parts, zero)

    return inner(spans, inlined=True)


def make_together(s: Scalars) -> Any:
    """All windows of an output row, a vector of them at a time."""
    in_tile, in_input = make_spans(s, TILE), make_spans(s, INPUT)
    accumulator, result, finish, divides = s.accumulator, s.result, s.finish, s.divides
    lanes = LINE // np.dtype(accumulator).itemsize
    zero, many = U(0), U(lanes)

    def together(
        x, base, flat, low, width, tile, tile_index, cols, cells, taken, step, stack, stack_index,
        parts, down_count, across_counts, out, index, to,
    ):  # fmt: skip
        for j in range(zero, cells, many):
            if flat:
                values = in_input(x, base, cols, j, cells, taken, stack, stack_index, parts)
            else:
                values = in_tile(tile, zero, cols, j, cells, taken, stack, stack_index, parts)
            counts = vector.splat(down_count, lanes)
            if divides:
                counts = counts * memory.lanes(INPUT, across_counts, j, lanes)
            done = vector.convert(finish(values, counts), result)
            left_over = vector.splat(np.int32(vector.least(many, cells - j)), lanes)
            kept = vector.iota(np.int32, lanes, 1) < left_over
            memory.store_some(OUTPUT, out, to + j, zero, done, kept)

    return inner(together, inlined=True)


def make_one_by_one(s: Scalars, indexed: bool) -> Any:
    """All windows of an output row, with their places in an index map."""
    span, run = make_span(s, indexed), make_run(s, INPUT, indexed)
    accumulator, result, finish, divides = s.accumulator, s.result, s.finish, s.divides
    lane, index_type, identity = s.lane, s.index, s.identity
    one = U(1)

    def one_by_one(
        x, base, flat, low, width, tile, tile_index, cols, cells, taken, step, stack, stack_index,
        parts, down_count, across_counts, out, index, to,
    ):  # fmt: skip
        for j in range(cells):
            left = U(memory.load(INPUT, cols, j + j))
            right = U(memory.load(INPUT, cols, j + j + one))
            value, where = identity, lane(-1)
            if taken and left < right:
                if flat:
                    value, where = run(x, base + left, right - left, stack, stack_index)
                    where = lane(where + lane(low * width + left))
                else:
                    value, where = span(tile, tile_index, left, right, step, stack)
            count = down_count
            if divides:
                count = accumulator(down_count * memory.load(INPUT, across_counts, j))
            memory.store(OUTPUT, out, to + j, result(finish(value, count)))
            if indexed:
                memory.store(OUTPUT_INDEX, index, to + j, index_type(where))

    return inner(one_by_one)


def make_bins(s: Scalars, together: bool, indexed: bool) -> Any:
    """The kernel: all windows of the output rows ``first`` to ``last``."""
    pile = make_pile(s, INPUT, IN_TILE, indexed)
    windows = make_together(s) if together else make_one_by_one(s, indexed)
    settle, has_negative_zero = make_settle(s), make_has_negative_zero(s)
    source, accumulator, result = s.source, s.accumulator, s.result
    lane, index_type, divides = s.lane, s.index, s.divides
    stamp, two_zeros = s.fingerprint, s.two_zeros and not indexed
    item, lane_item = U(np.dtype(accumulator).itemsize), U(np.dtype(lane).itemsize)
    zero, one, nobody = U(0), U(1), U(np.iinfo(U).max)

    def bins(frame, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x = memory.pointer(x_at, source)
        out = memory.pointer(out_at, result)
        index = memory.pointer(index_at, index_type)
        rows = memory.pointer(memory.word(frame, ROWS), np.int64)
        cols = memory.pointer(memory.word(frame, COLS), np.int64)
        down_counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        across_counts = memory.pointer(memory.word(frame, ACROSS_COUNTS), accumulator)
        channels, by_row = memory.word(frame, CHANNELS), memory.word(frame, BY_ROW)
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        height_out, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        height = memory.word(frame, HEIGHT)
        width, tile_items = memory.word(frame, WIDTH), memory.word(frame, TILE_WIDTH)
        tile_items *= memory.word(frame, ROOM)
        stack_items = memory.word(frame, STACK) * U(LINE) // item
        step, step_across = memory.word(frame, STEP), memory.word(frame, STEP_ACROSS)

        stack_at = after(scratch, tile_items, item)
        tile_index_at = after(stack_at, stack_items, item)
        stack_index_at = after(tile_index_at, tile_items, lane_item)
        tile, tile_index = memory.pointer(scratch, accumulator), memory.pointer(tile_index_at, lane)
        stack = memory.pointer(stack_at, accumulator)
        stack_index = memory.pointer(stack_index_at, lane)
        parts_at = after(stack_index_at, stack_items, lane_item)
        parts = memory.pointer(parts_at, accumulator)

        scanned, mixed = nobody, False  # the plane last asked for a negative zero, and the answer
        plane, o = first // height_out, first % height_out
        for task in range(first, last):
            low = U(memory.load(INPUT, rows, o + o))
            taken = U(memory.load(INPUT, rows, o + o + one)) - low
            if step > one:
                taken = (taken + step - one) // step
            base = plane * by_channel + low * by_row
            if plane >= channels:
                base = plane // channels * by_batch + plane % channels * by_channel + low * by_row
            flat = taken == one and step_across == one
            if taken and not flat:
                pile(x, base, taken, step * by_row, width, tile, tile_index)
                if indexed:
                    for j in range(width):
                        row = lane(memory.load(TILE_INDEX, tile_index, j) * lane(step))
                        place = lane(lane(lane(low) + row) * lane(width))
                        memory.store(TILE_INDEX, tile_index, j, lane(place + lane(j)))
            down_count = accumulator(1)
            if divides:
                down_count = memory.load(INPUT, down_counts, o)
            first_cell = task * cells
            windows(
                x, base, flat, low, width, tile, tile_index, cols, cells, taken, step_across,
                stack, stack_index, parts, down_count, across_counts, out, index, first_cell,
            )  # fmt: skip
            if two_zeros and taken:
                for j in range(cells):
                    if memory.load(OUTPUT, out, first_cell + j) == 0:
                        if scanned != plane:
                            start = base - low * by_row
                            mixed = has_negative_zero(x, start, height, width, by_row)
                            scanned = plane
                        if mixed:
                            left = U(memory.load(INPUT, cols, j + j))
                            right = U(memory.load(INPUT, cols, j + j + one))
                            value = settle(x, base, taken, step * by_row, left, right, step_across)
                            memory.store(OUTPUT, out, first_cell + j, result(value))
            o += one
            if o == height_out:
                plane, o = plane + one, zero
        return last

    return bins
