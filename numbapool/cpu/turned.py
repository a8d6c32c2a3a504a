"""Large sliding windows on small planes, one to a lane: nothing is shuffled, and nothing masked.

As many planes as a vector has lanes are turned on their way in, so that a vector holds one input of
each, and on their way out. Windows are folded across, then down.

The line of an axis is cut into blocks as long as a window. A window is what lies from its first tap
to the end of a block and from the beginning of the next to its last, each in its order: two folds
an input find all such pieces, however many taps there are. At an edge one piece is enough.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..geometry import Laid, Sliding
from ..jit import inner
from ..ops import PoolOp
from ..ops.base import as_it_is
from ..spans import cells as cells_of
from . import memory, turn, vector
from .frame import (
    BY_CHANNEL,
    CELLS,
    COLS,
    HEIGHT,
    HEIGHT_OUT,
    KERNEL_ACROSS,
    KERNEL_DOWN,
    LINE,
    PLACE_DOWN,
    PLANES,
    ROWS,
    WIDTH,
    after,
)  # fmt: skip
from .memory import (
    INPUT,
    OUTPUT,
    OUTPUT_INDEX,
    PART,
    PART_INDEX,
    TILE,
    TILE_INDEX,
    WHOLE,
    WHOLE_INDEX,
)
from .scalars import Scalars, make_taken, stored

U = np.uintp
#: Bytes of the planes of a vector at most: what is folded of them lies in the caches, too.
MOST = 64 * 1024


def pays(op: PoolOp, dtype: np.dtype, tall: Laid, broad: Laid, planes: int, lanes: int) -> bool:
    """Whether large windows over planes that lie equally far apart are pooled so."""
    down, across = tall.axis, broad.axis
    if type(down) is not Sliding or type(across) is not Sliding:
        return False
    size, outputs = down.size * across.size, len(down) * len(across)
    lows, highs = np.concatenate([axis.interval(cells_of(axis)) for axis in (down, across)], 1)
    return (
        op.better is not None
        and op.finish is as_it_is
        and stored(op.accumulator(dtype)) == stored(op.result(dtype)) == stored(dtype)
        and down.dilation == across.dilation == 1
        and (tall.by, broad.by) == (across.size, 1)
        and planes >= lanes <= min(size, outputs)
        and size * lanes * dtype.itemsize <= MOST
        and bool(np.all(lows < highs))
    )


def pieces(axis: Sliding) -> np.ndarray:
    """Which two pieces each window is, or one twice.

    Those from the beginning of a block are told from those to its end by their numbers, which come
    first.
    """
    (low, high), block = axis.interval(cells_of(axis)), axis.kernel
    ended, begun = axis.size + low, high - 1
    one = low // block == begun // block
    first = np.where(one & (low % block == 0), begun, ended)
    return np.stack([first, np.where(one, first, begun)], -1).astype(np.int64)


def scratch(down: Sliding, across: Sliding, each: int) -> int:
    """Bytes of it, with ``each`` so many for a vector and its places."""
    tile = max(down.size * across.size, len(down) * len(across))
    return (tile + down.size * len(across) + 2 * max(down.size, across.size)) * each + 6 * LINE


@cache
def _make_line(s: Scalars, lanes: int, indexed: bool, counted: bool, across: bool) -> Any:
    """Folds the windows of a line of one axis, whose taps are ``by`` apart from ``at`` on.

    In the first, ``across``, the places of taps are ``place`` and, if ``counted``, their numbers.
    """
    combine, better, finish, lane = s.combine, s.better, s.finish, s.lane
    role, index_role = (TILE, TILE_INDEX) if across else (WHOLE, WHOLE_INDEX)
    to_role, to_index_role = (WHOLE, WHOLE_INDEX) if across else (TILE, TILE_INDEX)
    zero, one, two, many = U(0), U(1), U(2), U(lanes)
    count = s.accumulator(1)

    def read(values, indices, at, number, place):
        value = memory.lanes(role, values, at, lanes)
        if not across:
            return value, memory.lanes(index_role, indices, at, lanes)
        return value, vector.splat(lane(place + np.int64(number) if counted else place), lanes)

    def meet(value, where, other, there):
        if indexed:
            where = vector.pick(better(other, value), there, where)
        return combine(value, other), where

    def keep(line, line_index, number, value, where):
        memory.store(PART, line, number * many, value)
        if indexed:
            memory.store(PART_INDEX, line_index, number * many, where)

    read, meet = inner(read, inlined=True), inner(meet, inlined=True)
    keep = inner(keep, inlined=True)

    def fold(
        values, indices, at, by, size, block, place, line, line_index, table, cells, into,
        into_index, to, by_out,
    ):  # fmt: skip
        for begin in range(zero, size, block):
            end = vector.least(begin + block, size)
            value, where = read(values, indices, at + begin * by, begin, place)
            keep(line, line_index, begin, value, where)
            for number in range(begin + one, end):
                other, there = read(values, indices, at + number * by, number, place)
                value, where = meet(value, where, other, there)
                keep(line, line_index, number, value, where)
            number = end - one
            value, where = read(values, indices, at + number * by, number, place)
            keep(line, line_index, size + number, value, where)
            while number > begin:
                number -= one
                other, there = read(values, indices, at + number * by, number, place)
                value, where = meet(other, there, value, where)
                keep(line, line_index, size + number, value, where)
        for cell in range(cells):
            ended = U(memory.load(INPUT, table, two * cell)) * many
            begun = U(memory.load(INPUT, table, two * cell + one)) * many
            where = there = vector.splat(lane(0), lanes)
            if indexed:
                where = memory.lanes(PART_INDEX, line_index, ended, lanes)
                there = memory.lanes(PART_INDEX, line_index, begun, lanes)
            value, other = (
                memory.lanes(PART, line, ended, lanes),
                memory.lanes(PART, line, begun, lanes),
            )
            value, where = meet(value, where, other, there)
            if not across:
                value = finish(value, vector.splat(count, lanes))
            memory.store(to_role, into, to, value)
            if indexed:
                memory.store(to_index_role, into_index, to, where)
            to += by_out

    return inner(fold)


def make_turned(s: Scalars, lanes: int, counted: bool, indexed: bool) -> Any:
    """The kernel: the planes of the tasks ``first`` to ``last``, ``lanes`` planes each."""
    fold_across = _make_line(s, lanes, indexed, counted, True)
    fold_down = _make_line(s, lanes, indexed, counted, False)
    source, accumulator, result, index_type = s.source, s.accumulator, s.result, s.index
    lane, stamp, blind, fill = s.lane, s.fingerprint, s.blind, s.fill
    taken_as, watched, worse, met = make_taken(s, INPUT), s.watched, s.worse, s.met
    zero, two, many = U(0), U(2), U(lanes)
    item, lane_item = U(np.dtype(accumulator).itemsize), U(np.dtype(lane).itemsize)

    def turned(frame, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x, out = memory.pointer(x_at, source), memory.pointer(out_at, result)
        index = memory.pointer(index_at, index_type)
        down = memory.pointer(memory.word(frame, ROWS), np.int64)
        across = memory.pointer(memory.word(frame, COLS), np.int64)
        height, width = memory.word(frame, HEIGHT), memory.word(frame, WIDTH)
        rows, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        by_plane, by_place = memory.word(frame, BY_CHANNEL), memory.word(frame, PLACE_DOWN)
        tall, broad = memory.word(frame, KERNEL_DOWN), memory.word(frame, KERNEL_ACROSS)
        last_plane = memory.word(frame, PLANES) - many

        size, outputs = height * width, rows * cells
        room, half_way = vector.most(size, outputs) * many, height * cells * many
        reach = two * vector.most(height, width) * many
        half_at = after(scratch, room, item)
        line_at = after(half_at, half_way, item)
        tile_index_at = after(line_at, reach, item)
        half_index_at = after(tile_index_at, room, lane_item)
        line_index_at = after(half_index_at, half_way, lane_item)
        tile, half = memory.pointer(scratch, accumulator), memory.pointer(half_at, accumulator)
        line, line_index = memory.pointer(line_at, accumulator), memory.pointer(line_index_at, lane)
        tile_index = memory.pointer(tile_index_at, lane)
        half_index = memory.pointer(half_index_at, lane)
        nothing = vector.splat(fill, lanes)
        for task in range(first, last):
            plane, unseens = vector.least(task * many, last_plane), watched(nothing, nothing)
            for begin in range(zero, size, many):
                at = vector.least(begin, size - many)
                unseen = turn.bring(
                    INPUT, x, plane * by_plane + at, by_plane, TILE, tile, at * many, lanes,
                    taken_as, watched,
                )  # fmt: skip
                unseens = worse(unseens, unseen)
            if blind and met(unseens):
                return task
            for r in range(height):
                fold_across(
                    tile, tile_index, r * width * many, many, width, broad, np.int64(r * by_place),
                    line, line_index, across, cells, half, half_index, r * cells * many, many,
                )  # fmt: skip
            for c in range(zero, cells * many, many):
                fold_down(
                    half, half_index, c, cells * many, height, tall, np.int64(0), line, line_index,
                    down, rows, tile, tile_index, c, cells * many,
                )  # fmt: skip
            for begin in range(zero, outputs, many):
                at = vector.least(begin, outputs - many)
                to = plane * outputs + at
                turn.take_back(TILE, tile, at * many, OUTPUT, out, to, outputs, lanes)
                if indexed:
                    turn.take_back(
                        TILE_INDEX, tile_index, at * many, OUTPUT_INDEX, index, to, outputs, lanes
                    )
        return last

    return turned
