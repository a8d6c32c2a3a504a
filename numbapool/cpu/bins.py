"""Windows of any kind: fold the rows of a window down, then across the folded row.

The rows are long and contiguous, so this order vectorises whatever the intervals are. Taps do not
meet in row-major order here, so equals are settled by their index. A window of one row, such as all
of a plane, is folded where it lies, a vector at a time.
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
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, TILE, TILE_INDEX, WHOLE
from .pile import IN_TILE, IN_WHOLE, make_pile
from .run import LINE, make_run
from .scalars import Scalars
from .zeros import make_has_negative_zero, make_settle

U = np.uintp


def make_span(s: Scalars, indexed: bool) -> Any:
    """Folds the columns ``low`` to ``high`` of a folded row."""
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


def make_bins(s: Scalars, indexed: bool) -> Any:
    """The kernel: all windows of the output rows ``first`` to ``last``."""
    pile = make_pile(s, INPUT, IN_TILE, indexed)
    span = make_span(s, indexed)
    run = make_run(s, INPUT, indexed)
    settle, has_negative_zero = make_settle(s), make_has_negative_zero(s)
    source, accumulator, result, finish = s.source, s.accumulator, s.result, s.finish
    lane, index_type = s.lane, s.index
    divides = s.divides
    identity, stamp, two_zeros = s.identity, s.fingerprint, s.two_zeros and not indexed
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
            for j in range(cells):
                left = U(memory.load(INPUT, cols, j + j))
                right = U(memory.load(INPUT, cols, j + j + one))
                value, where = identity, lane(-1)
                if taken and left < right:
                    if flat:
                        value, where = run(x, base + left, right - left, stack, stack_index)
                        where = lane(where + lane(low * width + left))
                    else:
                        value, where = span(tile, tile_index, left, right, step_across, stack)
                    if two_zeros and value == 0:
                        if scanned != plane:
                            start = base - low * by_row
                            mixed = has_negative_zero(x, start, height, width, by_row)
                            scanned = plane
                        if mixed:
                            value = settle(x, base, taken, step * by_row, left, right, step_across)
                count = accumulator(1)
                if divides:
                    count = accumulator(
                        memory.load(INPUT, down_counts, o) * memory.load(INPUT, across_counts, j)
                    )
                memory.store(OUTPUT, out, task * cells + j, result(finish(value, count)))
                if indexed:
                    memory.store(OUTPUT_INDEX, index, task * cells + j, index_type(where))
            o += one
            if o == height_out:
                plane, o = plane + one, zero
        return last

    return bins
