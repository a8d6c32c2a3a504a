"""Small sliding windows: fold across each input row, then down the folded rows.

Taps meet in row-major order, so `better` alone decides between equals. Windows that overlap share
the rows folded across, in a tile small enough for the cache.

A row of few cells would spend its time in the scalar rest of a vector loop. So rows are folded in
whole vectors, past their end: the rest is what the next row writes over, and where that would leave
the arrays, at the very end of them, exactly the cells of the row are folded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import inner
from . import memory
from .across import Runs, lanes, make_across, make_borders
from .frame import (
    ACROSS_COUNTS,
    BEFORE,
    BY_BATCH,
    BY_CHANNEL,
    BY_ROW,
    CELLS,
    CHANNELS,
    DOWN_COUNTS,
    DOWN_STRIDE,
    END,
    HEIGHT,
    HEIGHT_OUT,
    INDEX,
    INSIDE_FIRST,
    INSIDE_LAST,
    LEFT,
    OUT,
    PITCH,
    ROOM,
    RUNS,
    TASK_ROWS,
    WIDTH,
    X,
    after,
)  # fmt: skip
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, PART, PART_INDEX, WHOLE, WHOLE_INDEX
from .scalars import Scalars

U = np.uintp
TILE_BYTES = 32 * 1024
FEWEST_ROWS = 8


def tiling(kernel: int, stride: int, cells: int, height_out: int, itemsize: int) -> tuple[int, int]:
    """Output rows in a task, and the rows of its tile."""
    near = min(stride, kernel)
    fits = (TILE_BYTES // (cells * itemsize) - kernel) // near + 1
    task_rows = min(max(fits, FEWEST_ROWS), height_out)
    return task_rows, (task_rows - 1) * near + kernel


def make_down(s: Scalars, kernel: int, runs: Runs, indexed: bool) -> Any:
    """Folds ``kernel`` rows of a tile, ``apart`` from row to row, into each of some outputs."""
    combine, better, finish = s.combine, s.better, s.finish
    accumulator, result, index_type, divides = s.accumulator, s.result, s.index, s.divides
    taps, whole_runs, partly = U(kernel), U(runs.whole), runs.part > 0
    side, zero, one = U(lanes(s)), U(0), U(1)

    def cell(j, whole, whole_index, part, part_index, at, pitch, out, index, to, taken, counts):
        value = memory.load(WHOLE, whole, at + j)
        where = memory.load(WHOLE_INDEX, whole_index, at + j)
        for tap in range(taps):
            here = at + tap * pitch + j
            for run in range(whole_runs):
                if tap or run:
                    other = memory.load(WHOLE, whole, here + run)
                    if indexed:
                        there = memory.load(WHOLE_INDEX, whole_index, here + run)
                        where = memory.pick(better(other, value), there, where)
                    value = combine(value, other)
            if partly:
                other = memory.load(PART, part, here + whole_runs)
                if indexed:
                    there = memory.load(PART_INDEX, part_index, here + whole_runs)
                    where = memory.pick(better(other, value), there, where)
                value = combine(value, other)
        count = accumulator(taken * memory.load(INPUT, counts, j)) if divides else accumulator(1)
        memory.store(OUTPUT, out, to + j, result(finish(value, count)))
        if indexed:
            memory.store(OUTPUT_INDEX, index, to + j, index_type(where))

    cell = inner(cell)

    def down(
        whole, whole_index, part, part_index, apart, pitch, cells, out, index, to, out_end, first,
        last, down_counts, across_counts,
    ):  # fmt: skip
        vectors = (cells + side - one) // side * side
        at = zero
        for o in range(first, last):
            taken = memory.load(INPUT, down_counts, o) if divides else accumulator(1)
            enough = vectors if to + vectors <= out_end else cells
            full = enough // side * side
            for block in range(zero, full, side):
                for j in range(side):
                    cell(
                        block + j, whole, whole_index, part, part_index, at, pitch, out, index, to,
                        taken, across_counts,
                    )  # fmt: skip
            for j in range(full, enough):
                cell(
                    j, whole, whole_index, part, part_index, at, pitch, out, index, to, taken,
                    across_counts,
                )  # fmt: skip
            at, to = at + apart, to + cells

    return inner(down)


def make_rows(s: Scalars, kernel: tuple[int, int], stride: int, indexed: bool) -> Any:
    """The kernel: all windows of the tasks ``first`` to ``last``."""
    runs = Runs.of(kernel[1], stride)
    down = make_down(s, kernel[0], runs, indexed)
    across = make_across(s, kernel[0], runs, stride, indexed)
    borders = make_borders(s, kernel[0], runs, stride, indexed)
    source, accumulator, result = s.source, s.accumulator, s.result
    lane, index_type = s.lane, s.index
    stamp = s.fingerprint
    item, lane_item = U(np.dtype(accumulator).itemsize), U(np.dtype(lane).itemsize)
    side = U(lanes(s))
    zero, one, tall = U(0), U(1), np.int64(kernel[0])

    def rows(frame, scratch, first, last):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x = memory.pointer(memory.word(frame, X), source)
        out = memory.pointer(memory.word(frame, OUT), result)
        index = memory.pointer(memory.word(frame, INDEX), index_type)
        down_counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        across_counts = memory.pointer(memory.word(frame, ACROSS_COUNTS), accumulator)
        channels, by_row = memory.word(frame, CHANNELS), memory.word(frame, BY_ROW)
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        height, width = np.int64(memory.word(frame, HEIGHT)), np.int64(memory.word(frame, WIDTH))
        height_out, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        task_rows, room = memory.word(frame, TASK_ROWS), memory.word(frame, ROOM)
        before = np.int64(memory.word(frame, BEFORE))
        apart = np.int64(memory.word(frame, DOWN_STRIDE))
        near = min(apart, tall)  # from window to window in the tile: it has no rows between them
        left = np.int64(memory.word(frame, LEFT))
        count, pitch = memory.word(frame, RUNS), memory.word(frame, PITCH)
        begin = memory.word(frame, INSIDE_FIRST)
        inside = memory.word(frame, INSIDE_LAST) - begin

        part_at = after(scratch, room * pitch, item)
        whole_index_at = after(part_at, room * pitch, item)
        part_index_at = after(whole_index_at, room * pitch, lane_item)
        whole, part = memory.pointer(scratch, accumulator), memory.pointer(part_at, accumulator)
        whole_index = memory.pointer(whole_index_at, lane)
        part_index = memory.pointer(part_index_at, lane)

        start = begin * U(stride) - U(left)
        vectors = (inside + side - one) // side * side
        reach = vectors * U(stride) + U(runs.taps)
        end = memory.word(frame, END)
        safe = end - reach if end >= reach else zero
        tiles = (height_out + task_rows - one) // task_rows
        out_end = (last // tiles * height_out + last % tiles * task_rows) * cells
        plane, top = first // tiles, first % tiles * task_rows
        for _ in range(first, last):
            base = plane // channels * by_batch + plane % channels * by_channel
            bottom = min(top + task_rows, height_out)
            origin = np.int64(top) * apart - before
            folded = (np.int64(bottom - top) - 1) * near + tall
            if inside:
                across(
                    x, base, by_row, start, origin, folded, apart - near, height, width, inside,
                    safe, whole, whole_index, part, part_index, begin, pitch,
                )  # fmt: skip
            borders(
                x, base, by_row, left, origin, folded, apart - near, height, width, count, begin,
                inside, whole, whole_index, part, part_index, zero, pitch,
            )  # fmt: skip
            down(
                whole, whole_index, part, part_index, U(near) * pitch, pitch, cells, out, index,
                (plane * height_out + top) * cells, out_end, top, bottom, down_counts,
                across_counts,
            )  # fmt: skip
            top = bottom
            if top == height_out:
                plane, top = plane + one, zero

    return rows
