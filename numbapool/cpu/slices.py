"""More than two axes: a kernel for the inner ones pools every slice, and the results are folded.

A slice that several windows share is pooled once, into a slot of scratch that stays in the second
cache. Slices are met in their order, so `better` alone decides between equals. The kernel of the
slices may be this one again: that is all that further axes take.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import edges, memory, vector
from .frame import (
    ACROSS_COUNTS,
    BAND,
    BY_BATCH,
    BY_CHANNEL,
    CELLS,
    CHANNELS,
    COLS,
    DOWN_COUNTS,
    HEIGHT,
    HEIGHT_OUT,
    INNER,
    PANEL,
    PLACE_DOWN,
    ROOM,
    ROWS,
    SCRATCH,
    STEP,
    TASK_ROWS,
    TASKS,
    TILES,
    after,
)  # fmt: skip
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, TILE, TILE_INDEX, WHOLE
from .scalars import Scalars, make_taken

U = np.uintp
FEW = 8  # slices that are folded one after the other, else pairwise


@cache
def make_column(s: Scalars, lanes: int, indexed: bool) -> Any:
    """Folds ``count`` vectors of a tile, a ``pitch`` apart: values, and places in a volume."""
    combine, better, lane, selects = s.combine, s.better, s.lane, s.selects
    taken_as = make_taken(s, OUTPUT)
    zero, one, two, many, few = U(0), U(1), U(2), U(lanes), U(FEW)

    def moved(where, by):
        nowhere = vector.splat(lane(-1), lanes)
        return vector.pick(where == nowhere, nowhere, where + vector.splat(lane(by), lanes))

    def in_turn(tile, tile_index, at, count, pitch, place, further):
        value = taken_as(memory.lanes(TILE, tile, at, lanes))
        where = vector.splat(lane(0), lanes)
        if indexed:
            where = moved(memory.lanes(TILE_INDEX, tile_index, at, lanes), place)
        for _ in range(one, count):
            at += pitch
            place += further
            other = taken_as(memory.lanes(TILE, tile, at, lanes))
            if indexed:
                there = moved(memory.lanes(TILE_INDEX, tile_index, at, lanes), place)
                where = vector.pick(better(other, value), there, where)
            value = combine(value, other)
        return value, where

    moved, in_turn = inner(moved), inner(in_turn, inlined=True)

    def column(tile, tile_index, at, count, pitch, place, further, stack):
        if selects or count <= few:
            return in_turn(tile, tile_index, at, count, pitch, place, further)
        top = zero
        for start in range(zero, count, few):
            some = vector.least(few, count - start)
            value, _ = in_turn(tile, tile_index, at + start * pitch, some, pitch, place, further)
            pairs = start // few + one
            while pairs % two == zero:
                top -= many
                value = combine(memory.lanes(WHOLE, stack, top, lanes), value)
                pairs //= two
            memory.store(WHOLE, stack, top, value)
            top += many
        top -= many
        value = memory.lanes(WHOLE, stack, top, lanes)
        while top:
            top -= many
            value = combine(memory.lanes(WHOLE, stack, top, lanes), value)
        return value, vector.splat(lane(0), lanes)

    return inner(column, inlined=True)


def make_slices(s: Scalars, lanes: int, together: bool, uneven: bool, indexed: bool) -> Any:
    """The kernel: all windows of the tasks ``first`` to ``last``.

    A task is a band of the cells of some output slices. ``together``: all slices of a volume are
    pooled at once. ``uneven``: counts differ between the cells of a slice.
    """
    column, finish = make_column(s, lanes, indexed), s.finish
    source, accumulator, result = s.source, s.accumulator, s.result
    lane, index_type, identity = s.lane, s.index, s.identity
    divides, stamp = s.divides, s.fingerprint
    source_item, item = U(np.dtype(source).itemsize), U(np.dtype(accumulator).itemsize)
    lane_item = U(np.dtype(lane).itemsize)
    zero, one, many = U(0), U(1), U(lanes)

    def give(value, where, count, out, index, to, left_over):
        done = vector.convert(finish(value, count), result)
        place = vector.convert(where, index_type)
        if left_over >= many:
            memory.store(OUTPUT, out, to, done)
            if indexed:
                memory.store(OUTPUT_INDEX, index, to, place)
        else:
            edges.store_some(OUTPUT, out, to, zero, done, lanes, left_over)
            if indexed:
                edges.store_some(OUTPUT_INDEX, index, to, zero, place, lanes, left_over)

    give = inner(give, inlined=True)

    def slices(frame, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        out = memory.pointer(out_at, result)
        index = memory.pointer(index_at, index_type)
        rows = memory.pointer(memory.word(frame, ROWS), np.int64)
        blocks = memory.pointer(memory.word(frame, COLS), np.int64)
        down_counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        across_counts = memory.pointer(memory.word(frame, ACROSS_COUNTS), accumulator)
        channels, by_place = memory.word(frame, CHANNELS), memory.word(frame, PLACE_DOWN)
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        height_out, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        task_rows, room = memory.word(frame, TASK_ROWS), memory.word(frame, ROOM)
        tiles, band = memory.word(frame, TILES), memory.word(frame, BAND)
        line, step = memory.word(frame, PANEL), memory.word(frame, STEP)
        kernel = memory.word(frame, INNER)
        tasks = memory.word(kernel, TASKS)
        a_tile = tasks // (memory.word(frame, HEIGHT) * tiles)
        skip = step if task_rows == one else one

        slot = (band + many - one) // many * many
        if together:
            slot = cells
        tile_at = after(scratch, memory.word(kernel, SCRATCH), one)
        tile_index_at = after(tile_at, slot * room + many, item)
        stack_at = after(tile_index_at, slot * room + many, lane_item) if indexed else tile_index_at
        tile, tile_index = memory.pointer(tile_at, accumulator), memory.pointer(tile_index_at, lane)
        stack = memory.pointer(stack_at, accumulator)

        count = vector.splat(accumulator(1), lanes)
        lines = cells // line if uneven else one
        per_volume = (height_out + task_rows - one) // task_rows * tiles
        for task in range(first, last):
            volume, part = task // per_volume, task % per_volume
            block, begin = part // tiles, part % tiles * band
            here = vector.least(band, cells - begin)
            start = volume * by_channel
            if volume >= channels:
                start = volume // channels * by_batch + volume % channels * by_channel
            volume_at = x_at + start * source_item
            base = U(memory.load(INPUT, blocks, block + block))
            if together:
                if memory.call(kernel, scratch, zero, tasks, volume_at, tile_at, tile_index_at):
                    return task
            else:
                for number in range(base, U(memory.load(INPUT, blocks, block + block + one)), skip):
                    task_of = (number * tiles + part % tiles) * a_tile
                    apart = (number - base) * slot - number * cells - begin
                    if memory.call(
                        kernel, scratch, task_of, task_of + a_tile, volume_at,
                        tile_at + apart * item, tile_index_at + apart * lane_item,
                    ):  # fmt: skip
                        return task
            for o in range(
                block * task_rows, vector.least((block + one) * task_rows, height_out)
            ):
                low = U(memory.load(INPUT, rows, o + o))
                taken = (U(memory.load(INPUT, rows, o + o + one)) - low + step - one) // step
                to = (volume * height_out + o) * cells + begin
                at, counted, length = (low - base) * slot, o * lines, here
                if uneven:
                    counted, length = counted + begin // line, line
                for done in range(zero, here, length):
                    share = accumulator(1)
                    if divides:
                        share = memory.load(INPUT, down_counts, counted)
                    for j in range(zero, length, many):
                        value = vector.splat(accumulator(identity), lanes)
                        where = vector.splat(lane(-1), lanes)
                        if taken:
                            value, where = column(
                                tile, tile_index, at + done + j, taken, slot * step, low * by_place,
                                step * by_place, stack,
                            )  # fmt: skip
                        if divides:
                            count = vector.splat(share, lanes)
                            if uneven:
                                count *= memory.lanes(INPUT, across_counts, j, lanes)
                        give(value, where, count, out, index, to + done + j, length - j)
                    counted += one
        return last

    return slices
