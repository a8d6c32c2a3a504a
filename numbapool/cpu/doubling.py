"""Large sliding windows: across, those of twice the taps are two; down, each is two pieces.

Every input row is folded across in a buffer that holds, for each place, the window of 1, 2, 4, ...
taps from there on. A selection ends with two windows that overlap, others with the windows that the
binary digits of their length ask for, once its threes are taken. The rows of what a task holds are
then folded down (`down`), and given in their order, since memory foresees no other.

Taps outside the input hold the identity. In an index map they have the place of the window's first
tap inside, for where nothing is better; rows outside are the nearest one that the window takes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..geometry import Sliding
from ..jit import inner
from . import edges, memory, vector
from .broad import make_across
from .down import make_down
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
    KERNEL_ACROSS,
    KERNEL_DOWN,
    LEFT,
    PANEL,
    PLACE_DOWN,
    ROOM,
    ROWS,
    STEP,
    STEP_ACROSS,
    TASK_ROWS,
    WIDTH,
    after,
)  # fmt: skip
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, TILE, TILE_INDEX
from .order import strip
from .scalars import Scalars

U = np.uintp
LATER = U(2)  # rows further on that are asked for, while one is folded
AHEAD = 4096  # bytes of a result that are asked for before they are written
BUDGET = 512 * 1024  # bytes of a tile
EXTENTS = 5  # of a window, in the output rows of a task: their input rows overlap by one
FEWEST_ROWS = 32
MOST = 4 * 1024 * 1024  # bytes of scratch


class Tiling(NamedTuple):
    """Output rows in a task, input rows of its tile, and output columns of a panel."""

    task_rows: int
    room: int
    panel: int
    scratch: int  # bytes

    @classmethod
    def of(cls, down: Sliding, across: Sliding, lanes: int, item: int, lane: int) -> Tiling:
        most = max(EXTENTS * down.extent // down.stride, FEWEST_ROWS)
        task_rows = -(-len(down) // -(-len(down) // most))
        room = (task_rows - 1) * down.stride + down.extent
        strips = max(BUDGET // (room * (item + lane)) // lanes, 1)
        panel = min(strips, -(-len(across) // lanes)) * lanes
        line = panel * across.stride + 2 * across.kernel * across.dilation + 2 * lanes
        scratch = ((room + 1) * panel + line) * (item + lane) + room * lanes * item
        return cls(task_rows, room, panel, scratch)

    @property
    def fits(self) -> bool:
        """Whether it takes little memory: windows far larger than planes do not."""
        return self.scratch <= MOST


def lanes(across: Sliding, most: int, widest: int) -> int:
    """Those of a vector: windows of more taps than two of ``most`` lanes have take wide strips."""
    return strip(len(across), most, widest) if across.kernel > 2 * most else most


def make_doubling(s: Scalars, stride: int, lanes: int, indexed: bool) -> Any:
    """The kernel: all windows of the tasks ``first`` to ``last``."""
    finish = s.finish
    across = make_across(s, stride, lanes, indexed)
    down = make_down(s, lanes, indexed)
    source, accumulator, result = s.source, s.accumulator, s.result
    lane, index_type, identity = s.lane, s.index, s.identity
    divides, blind, stamp = s.divides, s.blind, s.fingerprint
    item, lane_item = U(np.dtype(accumulator).itemsize), U(np.dtype(lane).itemsize)
    ahead = U(AHEAD // np.dtype(result).itemsize)
    zero, one, two, many, step = U(0), U(1), U(2), U(lanes), U(stride)

    def outside(tile, tile_index, from_, to, copies):
        """A row that no tap is in: that of the nearest which the window takes, or nothing."""
        value = vector.splat(accumulator(identity), lanes)
        where = vector.splat(lane(-1), lanes)
        if copies:
            value = memory.lanes(TILE, tile, from_, lanes)
            where = memory.lanes(TILE_INDEX, tile_index, from_, lanes)
        memory.store(TILE, tile, to, value)
        if indexed:
            memory.store(TILE_INDEX, tile_index, to, where)

    def give(done, where, out, index, to, left_over):
        place = vector.convert(where, index_type)
        if left_over >= many:
            memory.store(OUTPUT, out, to, done)
            if indexed:
                memory.store(OUTPUT_INDEX, index, to, place)
        else:
            edges.store_some(OUTPUT, out, to, zero, done, lanes, left_over)
            if indexed:
                edges.store_some(OUTPUT_INDEX, index, to, zero, place, lanes, left_over)

    outside, give = inner(outside), inner(give)

    def doubling(frame, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x = memory.pointer(x_at, source)
        out = memory.pointer(out_at, result)
        index = memory.pointer(index_at, index_type)
        nearest = memory.pointer(memory.word(frame, ROWS), np.int64)
        columns = memory.pointer(memory.word(frame, COLS), lane)
        down_counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        across_counts = memory.pointer(memory.word(frame, ACROSS_COUNTS), accumulator)
        channels, by_row = memory.word(frame, CHANNELS), memory.word(frame, BY_ROW)
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        height, width = memory.word(frame, HEIGHT), memory.word(frame, WIDTH)
        by_place = memory.word(frame, PLACE_DOWN)
        height_out, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        task_rows, room = memory.word(frame, TASK_ROWS), memory.word(frame, ROOM)
        panel, left = memory.word(frame, PANEL), np.int64(memory.word(frame, LEFT))
        before, stride_down = memory.word(frame, BEFORE), memory.word(frame, DOWN_STRIDE)
        tall, broad = memory.word(frame, KERNEL_DOWN), memory.word(frame, KERNEL_ACROSS)
        apart, apart_across = memory.word(frame, STEP), memory.word(frame, STEP_ACROSS)

        reach = panel * step + two * broad * apart_across + two * many
        line_at = after(scratch, (room + one) * panel, item)
        sums_at = after(line_at, reach, item)
        tile_index_at = after(sums_at, room * many, item)
        line_index_at = after(tile_index_at, (room + one) * panel, lane_item)
        tile, line = memory.pointer(scratch, accumulator), memory.pointer(line_at, accumulator)
        sums = memory.pointer(sums_at, accumulator)
        tile_index = memory.pointer(tile_index_at, lane)
        line_index = memory.pointer(line_index_at, lane)

        count = vector.splat(accumulator(1), lanes)
        tiles = (height_out + task_rows - one) // task_rows
        plane, top = first // tiles, first % tiles * task_rows
        for task in range(first, last):
            met = False
            base = plane * by_channel
            if plane >= channels:
                base = plane // channels * by_batch + plane % channels * by_channel
            bottom = vector.least(top + task_rows, height_out)
            low = top * stride_down
            rows = (bottom - top - one) * stride_down + (tall - one) * apart + one
            for begin in range(zero, cells, panel):
                here = vector.least(panel, cells - begin)
                for r in range(rows):
                    row = U(memory.load(INPUT, nearest, low + r))
                    if row + before == low + r:
                        unseen = across(
                            x, base + row * by_row, begin * step, left, width, broad, apart_across,
                            here, columns, lane(row * by_place), line, line_index, tile, tile_index,
                            r * many, rows, LATER * by_row,
                        )  # fmt: skip
                        met |= unseen
                for j in range(zero, here, many):
                    strip = memory.pointer(scratch + j * rows * item, accumulator)
                    strip_index = memory.pointer(tile_index_at + j * rows * lane_item, lane)
                    for r in range(rows):
                        row = U(memory.load(INPUT, nearest, low + r))
                        if row + before != low + r:
                            copies = indexed and row < height
                            from_ = row + before - low if copies else zero
                            outside(strip, strip_index, from_ * many, r * many, copies)
                    down(strip, strip_index, sums, rows, tall, apart)
                to = (plane * height_out + top) * cells + begin
                for o in range(top, bottom):
                    row = (o - top) * stride_down
                    for j in range(zero, here, many):
                        at = j * rows + row * many
                        value = memory.lanes(TILE, tile, at, lanes)
                        where = vector.splat(lane(0), lanes)
                        if indexed:
                            where = memory.lanes(TILE_INDEX, tile_index, at, lanes)
                        if divides:
                            share = memory.load(INPUT, down_counts, o)
                            shares = memory.lanes(INPUT, across_counts, begin + j, lanes)
                            count = shares * vector.splat(share, lanes)
                        done = vector.convert(finish(value, count), result)
                        memory.fetch(out, to + j + ahead)
                        give(done, where, out, index, to + j, here - j)
                    to += cells
            if blind and met:
                return task
            top = bottom
            if top == height_out:
                plane, top = plane + one, zero
        return last

    return doubling
