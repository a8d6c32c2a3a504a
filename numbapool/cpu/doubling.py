"""Large sliding windows: a window of twice the taps is two windows, so taps cost their logarithm.

Every input row is folded across in a buffer that holds, for each place, the window of 1, 2, 4, ...
taps from there on, and rows are folded down alike. A selection ends with two windows that overlap,
others with the windows that the binary digits of their length ask for, once its threes are taken.

Taps outside the input hold the identity. In an index map they have the place of the window's first
tap inside, for where nothing is better; rows outside are the nearest one that the window takes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..geometry import Sliding
from ..jit import inner
from . import memory, taps, vector
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
from .ladder import make_double, make_meet, make_triple
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, PART, TILE, TILE_INDEX, WHOLE, WHOLE_INDEX
from .scalars import Scalars, make_taken
from .short import make_short

U = np.uintp
BUDGET = 512 * 1024  # bytes of a tile
EXTENTS = 4  # of a window, in the output rows of a task: their input rows overlap by one
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
        scratch = ((room + 1) * panel + line) * (item + lane) + task_rows * lanes * item
        return cls(task_rows, room, panel, scratch)

    @property
    def fits(self) -> bool:
        """Whether it takes little memory: windows far larger than planes do not."""
        return self.scratch <= MOST


def make_across(s: Scalars, stride: int, lanes: int, indexed: bool) -> Any:
    """Folds the windows of some outputs in an input row, from the padded column ``first`` on.

    It tells what is watched of the inputs.
    """
    combine, better, lane = s.combine, s.better, s.lane
    nothing, selects, taken_as = s.fill, s.selects, make_taken(s, INPUT)
    watched, worse = s.watched, s.worse
    double = make_double(s, WHOLE, WHOLE_INDEX, lanes, indexed)
    triple, short = make_triple(s, WHOLE, lanes), make_short(s, lanes, indexed)
    zero, one, two, three, many, step = U(0), U(1), U(2), U(3), U(lanes), U(stride)
    in_registers = selects and stride == 1

    def read(x, row_at, column, left, width):
        place = vector.iota(np.int32, lanes, 1) + vector.splat(np.int32(column - left), lanes)
        low, high = vector.splat(np.int32(0), lanes), vector.splat(np.int32(width), lanes)
        inside = (place >= low) & (place < high)
        fill = vector.splat(nothing, lanes)
        taken = memory.some(INPUT, x, row_at + U(column - left), inside, fill)
        return taken_as(taken), watched(taken)

    def window(line, at):
        return taps.every(WHOLE, line, at, stride, lanes)

    def places(line_index, at):
        return taps.every(WHOLE_INDEX, line_index, at, stride, lanes)

    def give(tile, tile_index, at, value, where, row_index):
        memory.store(TILE, tile, at, value)
        if indexed:
            nowhere = where < vector.splat(lane(0), lanes)
            placed = where + vector.splat(row_index, lanes)
            placed = vector.pick(nowhere, vector.splat(lane(-1), lanes), placed)
            memory.store(TILE_INDEX, tile_index, at, placed)

    read, window, places, give = inner(read), inner(window), inner(places), inner(give)

    def across(
        x, row_at, first, left, width, kernel, apart, cells, columns, row_index, line, line_index,
        tile, tile_index, to, rows,
    ):  # fmt: skip
        count = (cells - one) * step + (kernel - one) * apart + one
        if in_registers and apart == one and count <= two * many:
            column = np.int64(first)
            value, unseen = read(x, row_at, column, left, width)
            other, seen = read(x, row_at, column + np.int64(lanes), left, width)
            where = there = vector.splat(lane(0), lanes)
            if indexed:
                where = memory.lanes(INPUT, columns, first, lanes)
                there = memory.lanes(INPUT, columns, first + many, lanes)
            value, other, where, there = short((value, other, where, there), kernel)
            give(tile, tile_index, to, value, where, row_index)
            if cells > many:
                give(tile, tile_index, to + many * rows, other, there, row_index)
            return worse(unseen, seen)
        pair = selects and kernel > one
        unseen = watched(vector.splat(nothing, lanes))
        for at in range(zero, count, many):
            column = np.int64(first + at)
            value, seen = read(x, row_at, column, left, width)
            where = vector.splat(lane(0), lanes)
            if indexed:
                where = memory.lanes(INPUT, columns, first + at, lanes)
            unseen = worse(unseen, seen)
            if pair:
                other, seen = read(x, row_at, column + np.int64(apart), left, width)
                if indexed:
                    there = memory.lanes(INPUT, columns, first + at + apart, lanes)
                    where = vector.pick(better(other, value), there, where)
                unseen = worse(unseen, seen)
                value = combine(value, other)
            memory.store(WHOLE, line, at, value)
            if indexed:
                memory.store(WHOLE_INDEX, line_index, at, where)
        taken = two if pair else one
        if selects:
            while two * taken <= kernel:
                double(line, line_index, count, taken * apart)
                taken *= two
            ahead = (kernel - taken) * apart
            for j in range(zero, cells, many):
                value, other = window(line, j * step), window(line, j * step + ahead)
                where = vector.splat(lane(0), lanes)
                if indexed:
                    where = places(line_index, j * step)
                    there = places(line_index, j * step + ahead)
                    where = vector.pick(better(other, value), there, where)
                value = combine(value, other)
                give(tile, tile_index, to + j * rows, value, where, row_index)
            return unseen
        left, bit, passed = kernel, one, zero
        while left % three == zero:
            triple(line, count, taken * apart)
            taken, left = taken * three, left // three
        while bit <= left:
            if left & bit:
                for j in range(zero, cells, many):
                    value = window(line, j * step + passed * apart)
                    if passed:
                        value = combine(memory.lanes(TILE, tile, to + j * rows, lanes), value)
                    memory.store(TILE, tile, to + j * rows, value)
                passed += taken
            if two * bit <= left:
                double(line, line_index, count, taken * apart)
            taken, bit = taken * two, bit * two
        return unseen

    return inner(across)


def make_doubling(s: Scalars, stride: int, lanes: int, indexed: bool) -> Any:
    """The kernel: all windows of the tasks ``first`` to ``last``."""
    combine, finish = s.combine, s.finish
    across = make_across(s, stride, lanes, indexed)
    double = make_double(s, TILE, TILE_INDEX, lanes, indexed)
    triple = make_triple(s, TILE, lanes)
    meet = make_meet(s, TILE, TILE_INDEX, lanes, indexed)
    source, accumulator, result = s.source, s.accumulator, s.result
    lane, index_type, identity = s.lane, s.index, s.identity
    selects, divides, blind, stamp = s.selects, s.divides, s.blind, s.fingerprint
    watched, worse, met, nothing = s.watched, s.worse, s.met, s.fill
    item, lane_item = U(np.dtype(accumulator).itemsize), U(np.dtype(lane).itemsize)
    zero, one, two, three, many, step = U(0), U(1), U(2), U(3), U(lanes), U(stride)

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

    def digits(tile, tile_index, sums, kernel, apart, stride_down, rows_out, rows):
        """Sums of ``kernel`` rows each: its threes, then the windows that binary digits ask for."""
        left, taken, bit, passed = kernel, one, one, zero
        while left % three == zero:
            rows_left = rows - two * taken * apart
            triple(tile, rows_left * many, taken * apart * many)
            rows, taken, left = rows_left, taken * three, left // three
        while bit <= left:
            if left & bit:
                for o in range(rows_out):
                    row = o * stride_down + passed * apart
                    value = memory.lanes(TILE, tile, row * many, lanes)
                    if passed:
                        value = combine(memory.lanes(PART, sums, o * many, lanes), value)
                    memory.store(PART, sums, o * many, value)
                passed += taken
            if two * bit <= left:
                rows -= taken * apart
                double(tile, tile_index, rows * many, taken * apart * many)
            taken, bit = taken * two, bit * two

    def give(done, where, out, index, to, left_over):
        place = vector.convert(where, index_type)
        if left_over >= many:
            memory.store(OUTPUT, out, to, done)
            if indexed:
                memory.store(OUTPUT_INDEX, index, to, place)
        else:
            kept = vector.iota(np.int32, lanes, 1) < vector.splat(np.int32(left_over), lanes)
            memory.store_some(OUTPUT, out, to, zero, done, kept)
            if indexed:
                memory.store_some(OUTPUT_INDEX, index, to, zero, place, kept)

    outside, digits, give = inner(outside), inner(digits), inner(give)

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
        tile_index_at = after(sums_at, task_rows * many, item)
        line_index_at = after(tile_index_at, (room + one) * panel, lane_item)
        tile, line = memory.pointer(scratch, accumulator), memory.pointer(line_at, accumulator)
        sums = memory.pointer(sums_at, accumulator)
        tile_index = memory.pointer(tile_index_at, lane)
        line_index = memory.pointer(line_index_at, lane)

        count = vector.splat(accumulator(1), lanes)
        tiles = (height_out + task_rows - one) // task_rows
        plane, top = first // tiles, first % tiles * task_rows
        for task in range(first, last):
            unseens = watched(vector.splat(nothing, lanes))
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
                            r * many, rows,
                        )  # fmt: skip
                        if blind:
                            unseens = worse(unseens, unseen)
                for j in range(zero, here, many):
                    strip = memory.pointer(scratch + j * rows * item, accumulator)
                    strip_index = memory.pointer(tile_index_at + j * rows * lane_item, lane)
                    for r in range(rows):
                        row = U(memory.load(INPUT, nearest, low + r))
                        if row + before != low + r:
                            copies = indexed and row < height
                            from_ = row + before - low if copies else zero
                            outside(strip, strip_index, from_ * many, r * many, copies)
                    taken = one
                    if selects:
                        while two * taken <= tall:
                            ahead = taken * apart * many
                            double(strip, strip_index, rows * many - ahead, ahead)
                            taken *= two
                    else:
                        digits(
                            strip, strip_index, sums, tall, apart, stride_down, bottom - top, rows
                        )
                    ahead = (tall - taken) * apart * many
                    to = (plane * height_out + top) * cells + begin + j
                    if divides:
                        shares = memory.lanes(INPUT, across_counts, begin + j, lanes)
                    for o in range(top, bottom):
                        if selects:
                            value, where = meet(
                                strip, strip_index, (o - top) * stride_down * many, ahead
                            )
                        else:
                            value = memory.lanes(PART, sums, (o - top) * many, lanes)
                            where = vector.splat(lane(0), lanes)
                        if divides:
                            share = memory.load(INPUT, down_counts, o)
                            count = shares * vector.splat(share, lanes)
                        done = vector.convert(finish(value, count), result)
                        give(done, where, out, index, to, here - j)
                        to += cells
            if blind and met(unseens):
                return task
            top = bottom
            if top == height_out:
                plane, top = plane + one, zero
        return last

    return doubling
