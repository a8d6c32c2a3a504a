"""Windows of any kind: fold the rows of a window down, then across the folded row.

The rows are long and contiguous, so this order vectorises whatever the intervals are. Many windows
of a folded row are folded to a vector each, and these meet pairwise, until each lane is a window. A
window of one row, such as all of a plane, is folded where it lies, a vector at a time. Taps do not
meet in row-major order here: places are found when the values are there.
"""

from __future__ import annotations

from functools import cache
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
    LINE,
    OWN,
    PLACE_ACROSS,
    PLACE_DOWN,
    ROOM,
    ROWS,
    STACK,
    STEP,
    STEP_ACROSS,
    TILE_WIDTH,
    WIDTH,
    after,
)  # fmt: skip
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, PART, TILE, WHOLE
from .pile import make_pile
from .places import make_every, make_has_negative_zero, make_place
from .run import make_run, make_tree, make_vectors
from .scalars import Scalars, make_taken

U = np.uintp


@cache
def make_span(s: Scalars) -> Any:
    """Folds the columns ``low`` to ``high`` of a folded row, every ``step``-th."""
    run, pile = make_run(s, TILE), make_pile(s, TILE, WHOLE)
    zero, one = U(0), U(1)

    def span(tile, low, high, step, stack):
        if step == one:
            return run(tile, low, high - low, stack)
        pile(tile, low, (high - low + step - one) // step, step, one, stack)
        return memory.load(WHOLE, stack, zero)

    return inner(span)


@cache
def make_spans(s: Scalars, role: int) -> Any:
    """Folds as many windows of a row as a vector has lanes, from the window ``j`` on."""
    accumulator = s.accumulator
    fill = s.fill if role == INPUT else s.identity
    lanes = LINE // np.dtype(accumulator).itemsize
    vectors, tree = make_vectors(s, role), make_tree(s, PART, lanes, lanes)
    taken_as = make_taken(s, role)
    zero, one, many = U(0), U(1), U(lanes)

    def spans(x, base, cols, j, cells, taken, stack, parts):
        nothing = vector.splat(fill, lanes)
        for number in range(vector.least(many, cells - j)):
            at = U(2) * (j + number)
            left = U(memory.load(INPUT, cols, at))
            right = U(memory.load(INPUT, cols, at + one))
            count = right - left if taken and left < right else zero
            if count <= many:
                valid = vector.iota(np.int32, lanes, 1) < vector.splat(np.int32(count), lanes)
                taps = memory.some(role, x, base + left, valid, nothing)
                value = taken_as(taps)
            else:
                value = vectors(x, base + left, count, stack)
            memory.store(PART, parts, number * many, value)
        return tree(parts, zero)

    return inner(spans, inlined=True)


@cache
def make_together(s: Scalars) -> Any:
    """All windows of an output row, a vector of them at a time."""
    in_tile, in_input = make_spans(s, TILE), make_spans(s, INPUT)
    accumulator, result, finish, divides = s.accumulator, s.result, s.finish, s.divides
    lanes = LINE // np.dtype(accumulator).itemsize
    zero, many = U(0), U(lanes)

    def together(
        x, base, flat, tile, cols, cells, taken, step, stack, parts, down_count, across_counts,
        out, to,
    ):  # fmt: skip
        for j in range(zero, cells, many):
            if flat:
                values = in_input(x, base, cols, j, cells, taken, stack, parts)
            else:
                values = in_tile(tile, zero, cols, j, cells, taken, stack, parts)
            counts = vector.splat(down_count, lanes)
            if divides:
                counts = counts * memory.lanes(INPUT, across_counts, j, lanes)
            done = vector.convert(finish(values, counts), result)
            left_over = vector.splat(np.int32(vector.least(many, cells - j)), lanes)
            kept = vector.iota(np.int32, lanes, 1) < left_over
            memory.store_some(OUTPUT, out, to + j, zero, done, kept)

    return inner(together, inlined=True)


@cache
def make_one_by_one(s: Scalars) -> Any:
    """All windows of an output row."""
    span, run = make_span(s), make_run(s, INPUT)
    accumulator, result, finish, divides = s.accumulator, s.result, s.finish, s.divides
    identity, one = s.identity, U(1)

    def one_by_one(
        x, base, flat, tile, cols, cells, taken, step, stack, parts, down_count, across_counts,
        out, to,
    ):  # fmt: skip
        for j in range(cells):
            left = U(memory.load(INPUT, cols, j + j))
            right = U(memory.load(INPUT, cols, j + j + one))
            value = identity
            if taken and left < right:
                if flat:
                    value = run(x, base + left, right - left, stack)
                else:
                    value = span(tile, left, right, step, stack)
            count = down_count
            if divides:
                count = accumulator(down_count * memory.load(INPUT, across_counts, j))
            memory.store(OUTPUT, out, to + j, result(finish(value, count)))

    return inner(one_by_one)


def make_bins(s: Scalars, together: bool, indexed: bool) -> Any:
    """The kernel: all windows of the output rows ``first`` to ``last``."""
    pile = make_pile(s, INPUT, TILE)
    windows = make_together(s) if together else make_one_by_one(s)
    every, place = make_every(s), make_place(s)
    has_negative_zero = make_has_negative_zero(s)
    source, accumulator, result = s.source, s.accumulator, s.result
    index_type, divides, stamp = s.index, s.divides, s.fingerprint
    two_zeros, ambiguous = s.two_zeros, s.ambiguous
    item = U(np.dtype(accumulator).itemsize)
    zero, one, nobody, interval = U(0), U(1), U(np.iinfo(U).max), U(16)

    def bins(frame, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x = memory.pointer(x_at, source)
        out = memory.pointer(out_at, result)
        index = memory.pointer(index_at, index_type)
        rows_at, cols_at = memory.word(frame, ROWS), memory.word(frame, COLS)
        down_counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        across_counts = memory.pointer(memory.word(frame, ACROSS_COUNTS), accumulator)
        channels, by_row = memory.word(frame, CHANNELS), memory.word(frame, BY_ROW)
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        height_out, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        height, own = memory.word(frame, HEIGHT), memory.word(frame, OWN) * interval
        width, tile_items = memory.word(frame, WIDTH), memory.word(frame, TILE_WIDTH)
        tile_items *= memory.word(frame, ROOM)
        stack_items = memory.word(frame, STACK) * U(LINE) // item
        place_down, place_across = memory.word(frame, PLACE_DOWN), memory.word(frame, PLACE_ACROSS)
        step, step_across = memory.word(frame, STEP), memory.word(frame, STEP_ACROSS)

        stack_at = after(scratch, tile_items, item)
        parts_at = after(stack_at, stack_items, item)
        tile, stack = memory.pointer(scratch, accumulator), memory.pointer(stack_at, accumulator)
        parts = memory.pointer(parts_at, accumulator)

        on_step, chunk = every(step_across)
        scanned, mixed = nobody, False  # the plane last asked for a negative zero, and the answer
        plane, o = first // height_out, first % height_out
        for task in range(first, last):
            rows = memory.pointer(rows_at + plane * height_out * own, np.int64)
            cols = memory.pointer(cols_at + plane * cells * own, np.int64)
            low = U(memory.load(INPUT, rows, o + o))
            taken = U(memory.load(INPUT, rows, o + o + one)) - low
            if step > one:
                taken = (taken + step - one) // step
            base = plane * by_channel + low * by_row
            if plane >= channels:
                base = plane // channels * by_batch + plane % channels * by_channel + low * by_row
            flat = taken == one and step_across == one
            if taken and not flat:
                pile(x, base, taken, step * by_row, width, tile)
            down_count = accumulator(1)
            if divides:
                down_count = memory.load(INPUT, down_counts, o)
            first_cell = task * cells
            windows(
                x, base, flat, tile, cols, cells, taken, step_across, stack, parts, down_count,
                across_counts, out, first_cell,
            )  # fmt: skip
            if indexed or two_zeros or ambiguous:
                for j in range(cells):
                    left = U(memory.load(INPUT, cols, j + j))
                    right = U(memory.load(INPUT, cols, j + j + one))
                    best, where = memory.load(OUTPUT, out, first_cell + j), index_type(-1)
                    wanted = taken > zero and left < right
                    if not indexed and not ambiguous and wanted:
                        wanted = best == 0
                        if wanted and scanned != plane:
                            start = base - low * by_row
                            mixed = has_negative_zero(x, start, height, width, by_row)
                            scanned = plane
                        wanted = wanted and mixed
                    if wanted:
                        row, column = place(
                            x, base, taken, step * by_row, left, right, step_across, on_step,
                            chunk, best,
                        )  # fmt: skip
                        first_tap = memory.load(INPUT, x, base + row * step * by_row + column)
                        memory.store(OUTPUT, out, first_cell + j, first_tap)
                        where = index_type((low + row * step) * place_down + column * place_across)
                    if indexed:
                        memory.store(OUTPUT_INDEX, index, first_cell + j, where)
            o += one
            if o == height_out:
                plane, o = plane + one, zero
        return last

    return bins
