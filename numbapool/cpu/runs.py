"""Wide windows of one row, a global pooling above all: folded many lanes at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import memory
from .frame import (
    ACROSS_COUNTS,
    BY_BATCH,
    BY_CHANNEL,
    BY_ROW,
    CELLS,
    CHANNELS,
    COLS,
    DOWN_COUNTS,
    HEIGHT_OUT,
    INDEX,
    OUT,
    ROOM,
    ROWS,
    WIDTH,
    X,
    after,
)  # fmt: skip
from .memory import INPUT, OUTPUT, OUTPUT_INDEX
from .pile import IN_TILE, make_run
from .scalars import Scalars
from .zeros import make_settle

U = np.uintp
NARROW, BROAD = 64, 256  # bytes folded side by side: one vector, or several to hide latency


def make_runs(s: Scalars, indexed: bool) -> Any:
    """The kernel: all windows of the output rows ``first`` to ``last``."""
    run = make_run(s, INPUT, IN_TILE, indexed)
    settle = make_settle(s)
    source, accumulator, result, finish = s.source, s.accumulator, s.result, s.finish
    lane, index_type = s.lane, s.index
    stamp, two_zeros = s.fingerprint, s.two_zeros and not indexed
    item, zero, one = U(np.dtype(accumulator).itemsize), U(0), U(1)
    narrow, broad = U(NARROW) // item, U(BROAD) // item

    def runs(frame, scratch, first, last):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x = memory.pointer(memory.word(frame, X), source)
        out = memory.pointer(memory.word(frame, OUT), result)
        index = memory.pointer(memory.word(frame, INDEX), index_type)
        rows = memory.pointer(memory.word(frame, ROWS), np.int64)
        cols = memory.pointer(memory.word(frame, COLS), np.int64)
        down_counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        across_counts = memory.pointer(memory.word(frame, ACROSS_COUNTS), accumulator)
        channels, by_row = memory.word(frame, CHANNELS), memory.word(frame, BY_ROW)
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        height_out, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        width, room = memory.word(frame, WIDTH), memory.word(frame, ROOM)

        stack = memory.pointer(scratch, accumulator)
        stack_rows = memory.pointer(after(scratch, room * broad, item), lane)

        for task in range(first, last):
            plane, o = task // height_out, task % height_out
            row = U(memory.load(INPUT, rows, o + o))
            base = plane // channels * by_batch + plane % channels * by_channel + row * by_row
            for j in range(cells):
                low = U(memory.load(INPUT, cols, j + j))
                count = U(memory.load(INPUT, cols, j + j + one)) - low
                lanes = broad if count >= narrow * broad else narrow
                value, where = run(x, base + low, count, lanes, stack, stack_rows)
                if two_zeros and value == 0:
                    value = settle(x, base + low, one, zero, zero, count, one)
                taps = accumulator(
                    memory.load(INPUT, down_counts, o) * memory.load(INPUT, across_counts, j)
                )
                memory.store(OUTPUT, out, task * cells + j, result(finish(value, taps)))
                if indexed:
                    flat = lane(where + lane(row * width + low))
                    memory.store(OUTPUT_INDEX, index, task * cells + j, index_type(flat))

    return runs
