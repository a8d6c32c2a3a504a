"""Windows of any kind: fold the rows of a window down, then across the folded row.

The rows are long and contiguous, so this order vectorises whatever the intervals are. Where all
windows are flat, of one row, such as all of a plane, they are folded where they lie, a vector at a
time. Taps do not meet in row-major order here: places are found when the values are there.
"""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as np

from ..geometry import Axis, still
from ..jit import inner
from ..spans import alike, taps
from . import columns, frame, lookup, memory, pile, run, vector
from .digits import make_by_digits
from .folded import make_met, make_row
from .frame import (
    ACROSS_COUNTS,
    BY_BATCH,
    BY_CHANNEL,
    BY_ROW,
    BY_WINDOWS,
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
    WINDOWS,
    after,
    plane_at,
)  # fmt: skip
from .memory import INPUT
from .order import FEWEST_TASKS, TILE_BYTES
from .places import make_every, make_has_negative_zero, make_has_zero, make_settle
from .scalars import Scalars

U = np.uintp
#: How windows are folded across: as vectors that meet, by binary digits, or one by one; or not at
#: all, where they are columns.
TOGETHER, BY_DIGITS, ONE_BY_ONE, COLUMNS = range(4)


def held(across: Axis, item: int, as_they_are: bool) -> bool:
    """Whether rows are folded in registers, and windows across looked up there."""
    lanes = LINE // item
    vectors = pile.vectors(across.size, lanes, as_they_are)
    return across.step == 1 and vectors > 0 and lookup.has(item, vectors * lanes)


def lay(
    down: Axis, across: Axis, item: int, as_they_are: bool, planes: int, alone: bool, sought: bool
) -> tuple[dict[int, int], int, int, int]:
    """What the frame of any windows says, the bytes of scratch, and how the kernel folds.

    That is the way across, and how many vectors hold a row, or 0. Tasks have rows of several
    ``planes`` that are not ``alone``; windows are ``sought`` through once they are folded. Numbers
    of ``item`` bytes are folded, be they inputs ``as_they_are`` or made of them.
    """
    tall, broad = int(taps(down).max()), int(taps(across).max())
    # Windows of one row are folded where they lie, without a tile.
    flat, lanes = tall <= 1 and across.step == 1 and not still(across), LINE // item
    vectors = 0 if flat else pile.vectors(across.size, lanes, as_they_are)
    width = 0 if flat else vectors * lanes or across.size
    room, stack = pile.depth(tall), max(pile.depth(broad), run.depth(broad, lanes))
    # Windows meet in full vectors, while those that are sought through are in the first cache.
    rows = lanes // gcd(lanes, len(across))
    if still(across):
        width = min(width, columns.PIECE // item)
        rows = max(TILE_BYTES // (max(tall, 1) * across.size * item), 1)
    if sought:
        rows = min(rows, TILE_BYTES // 2 // (max(tall, 1) * across.size * item))
    rows = 1 if alone else max(min(rows, planes * len(down) // FEWEST_TASKS), 1)
    way = ONE_BY_ONE
    if still(across):
        way = COLUMNS
    elif not flat and held(across, item, as_they_are):
        way = BY_DIGITS
    elif across.step == 1 and rows * len(across) >= lanes // 2:  # fewer meet sooner one by one
        way = TOGETHER
    words = {
        frame.TASK_ROWS: rows,
        frame.ROOM: room,
        frame.STACK: stack,
        frame.TILE_WIDTH: width,
        frame.OWN: not (alike(down) and alike(across)),
    }
    scratch = (room * width + stack * lanes) * item + lanes * LINE
    return words, scratch, way, vectors


def make_bins(s: Scalars, flat: bool, way: int, vectors: int, indexed: bool) -> Any:
    """The kernel: all windows of the output rows of the tasks ``first`` to ``last``.

    A row is held by so many ``vectors``, or 0.
    """
    met, settle = make_met(s), make_settle(s, indexed)
    if way == BY_DIGITS:
        fold = make_by_digits(s, vectors)
    elif way == COLUMNS:
        fold = columns.make_columns(s, vectors)
        settle = columns.make_settle(s, vectors, indexed)
    else:
        fold = make_row(s, flat, way == TOGETHER, vectors)
    every = make_every(s)
    has_zero, has_negative_zero = make_has_zero(s), make_has_negative_zero(s)
    source, accumulator, result = s.source, s.accumulator, s.result
    index_type, divides, stamp = s.index, s.divides, s.fingerprint
    two_zeros, ambiguous = s.two_zeros, s.ambiguous
    lanes = LINE // np.dtype(accumulator).itemsize
    item, lines = U(np.dtype(accumulator).itemsize), U(lanes)
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
        windows_at, by_windows = memory.word(frame, WINDOWS), memory.word(frame, BY_WINDOWS)
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
        counts = vector.splat(accumulator(1), lanes)

        on_step, chunk = every(step_across)
        scanned, mixed = nobody, False  # the plane last asked for a negative zero, and the answer
        for task in range(first, last):
            begin = task * task_rows
            end, waiting, met_any = vector.least(begin + task_rows, last_row), zero, False
            plane, o = begin // height_out, begin % height_out
            for row in range(begin, end):
                low, taken = rows_of(rows_at, plane, o, height_out, own, step)
                told = windows_at + plane * by_windows
                base = plane_at(plane, channels, by_batch, by_channel) + low * by_row
                down_count = accumulator(1)
                if divides:
                    down_count = memory.load(INPUT, down_counts, o)
                waiting, counts, seen = fold(
                    x, base, taken, step * by_row, width, tile, told, cells, step_across, stack,
                    parts, counts, waiting, down_count, across_counts, out, row * cells,
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
