"""Sliding windows: fold across each input row, then down the folded rows.

Taps meet in row-major order, so `better` alone decides between equals. Windows that overlap share
the rows folded across, in a tile small enough for the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import inner
from . import memory
from .across import make_across
from .frame import (
    ACROSS_COUNTS,
    BEFORE,
    BY_BATCH,
    BY_CHANNEL,
    BY_ROW,
    CELLS,
    CHANNELS,
    COLS,
    DOWN_COUNTS,
    DOWN_STRIDE,
    HEIGHT,
    HEIGHT_OUT,
    INDEX,
    INSIDE_FIRST,
    INSIDE_LAST,
    OUT,
    ROOM,
    TASK_ROWS,
    WIDTH,
    X,
    after,
)  # fmt: skip
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, TILE, TILE_INDEX
from .scalars import Scalars

U = np.uintp
TILE_BYTES = 32 * 1024
FEWEST_ROWS = 8


def tiling(kernel: int, stride: int, cells: int, height_out: int, itemsize: int) -> tuple[int, int]:
    """Output rows in a task, and the rows of its tile."""
    fits = (TILE_BYTES // max(cells * itemsize, 1) - kernel) // stride + 1
    task_rows = min(max(fits, FEWEST_ROWS), height_out)
    return task_rows, (task_rows - 1) * stride + kernel


def make_down(s: Scalars, kernel: int, indexed: bool) -> Any:
    """Folds ``kernel`` rows of a tile into a row of the output."""
    combine, better, finish = s.combine, s.better, s.finish
    accumulator, result, index_type = s.accumulator, s.result, s.index
    taps, one = U(kernel), U(1)

    def down(tile, tile_index, at, cells, out, index, to, taken, counts):
        for j in range(cells):
            value = memory.load(TILE, tile, at + j)
            where = memory.load(TILE_INDEX, tile_index, at + j)
            for tap in range(one, taps):
                other = memory.load(TILE, tile, at + tap * cells + j)
                if indexed:
                    there = memory.load(TILE_INDEX, tile_index, at + tap * cells + j)
                    where = memory.pick(better(other, value), there, where)
                value = combine(value, other)
            count = accumulator(taken * memory.load(INPUT, counts, j))
            memory.store(OUTPUT, out, to + j, result(finish(value, count)))
            if indexed:
                memory.store(OUTPUT_INDEX, index, to + j, index_type(where))

    return inner(down)


def make_border(s: Scalars, indexed: bool) -> Any:
    """Folds the taps that a window at the border of a row has inside it."""
    combine, better, accumulator, lane = s.combine, s.better, s.accumulator, s.lane
    one = U(1)

    def border(x, at, taps, index):
        value = accumulator(memory.load(INPUT, x, at))
        where = index
        for tap in range(one, taps):
            other = accumulator(memory.load(INPUT, x, at + tap))
            if indexed:
                where = memory.pick(better(other, value), lane(index + lane(tap)), where)
            value = combine(value, other)
        return value, where

    return inner(border)


def make_rows(s: Scalars, kernel: tuple[int, int], stride: int, indexed: bool) -> Any:
    """The kernel: all windows of the tasks ``first`` to ``last``."""
    down = make_down(s, kernel[0], indexed)
    across = make_across(s, kernel[1], stride, indexed)
    border_fold = make_border(s, indexed)
    source, accumulator, result = s.source, s.accumulator, s.result
    lane, index_type = s.lane, s.index
    identity, selects, stamp = s.identity, s.selects, s.fingerprint
    item, lane_item = U(np.dtype(accumulator).itemsize), U(np.dtype(lane).itemsize)
    zero, one, tall = U(0), U(1), np.int64(kernel[0])

    def rows(frame, scratch, first, last):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x = memory.pointer(memory.word(frame, X), source)
        out = memory.pointer(memory.word(frame, OUT), result)
        index = memory.pointer(memory.word(frame, INDEX), index_type)
        cols = memory.pointer(memory.word(frame, COLS), np.int64)
        down_counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        across_counts = memory.pointer(memory.word(frame, ACROSS_COUNTS), accumulator)
        channels, by_row = memory.word(frame, CHANNELS), memory.word(frame, BY_ROW)
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        height, width = np.int64(memory.word(frame, HEIGHT)), np.int64(memory.word(frame, WIDTH))
        height_out, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        task_rows, room = memory.word(frame, TASK_ROWS), memory.word(frame, ROOM)
        before = np.int64(memory.word(frame, BEFORE))
        stride_down = np.int64(memory.word(frame, DOWN_STRIDE))
        begin = memory.word(frame, INSIDE_FIRST)
        inside = memory.word(frame, INSIDE_LAST) - begin

        whole_at = after(scratch, room * cells, item)
        part_at = after(whole_at, U(width), item)
        tile_index_at = after(part_at, U(width), item)
        whole_index_at = after(tile_index_at, room * cells, lane_item)
        part_index_at = after(whole_index_at, U(width), lane_item)
        tile, tile_index = memory.pointer(scratch, accumulator), memory.pointer(tile_index_at, lane)
        whole, part = memory.pointer(whole_at, accumulator), memory.pointer(part_at, accumulator)
        whole_index = memory.pointer(whole_index_at, lane)
        part_index = memory.pointer(part_index_at, lane)

        start = U(memory.load(INPUT, cols, begin + begin))
        tiles = (height_out + task_rows - one) // task_rows
        plane, top = first // tiles, first % tiles * task_rows
        for _ in range(first, last):
            base = plane // channels * by_batch + plane % channels * by_channel
            origin = np.int64(top) * stride_down - before
            folded = origin
            for o in range(top, min(top + task_rows, height_out)):
                low = np.int64(o) * stride_down - before
                for row in range(max(folded, low), low + tall):
                    to = U(row - origin) * cells
                    nearest = min(max(row, 0), height - 1)
                    if not selects and nearest != row:
                        for j in range(cells):
                            memory.store(TILE, tile, to + j, identity)
                        continue
                    # A selection takes the nearest row again: it is in the window already.
                    at, column = base + U(nearest) * by_row, nearest * width
                    for border in range(cells - inside):
                        j = border if border < begin else border + inside
                        left = memory.load(INPUT, cols, j + j)
                        taps = U(memory.load(INPUT, cols, j + j + one) - left)
                        value, where = border_fold(x, at + U(left), taps, lane(column + left))
                        memory.store(TILE, tile, to + j, value)
                        if indexed:
                            memory.store(TILE_INDEX, tile_index, to + j, where)
                    if inside:
                        across(
                            x, at + start, lane(column + np.int64(start)), inside, tile,
                            tile_index, to + begin, whole, whole_index, part, part_index,
                        )  # fmt: skip
                folded = low + tall
                down(
                    tile, tile_index, U(low - origin) * cells, cells, out, index,
                    (plane * height_out + o) * cells, memory.load(INPUT, down_counts, o),
                    across_counts,
                )  # fmt: skip
            top += task_rows
            if top >= height_out:
                plane, top = plane + one, zero

    return rows
