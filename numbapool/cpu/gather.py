"""Any reduction, over any number of axes: the taps of a window are gathered, then seen together.

For what is no fold of two values, such as a median, and for folds that do not work on vectors. Taps
come in row-major order, outer axes first.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from ..spans import AXIS, BEGIN, BY, PLACE, WINDOW, WINDOWS
from . import memory, vector
from .frame import (
    AXES,
    BY_BATCH,
    BY_CHANNEL,
    BY_TABLE,
    CELLS,
    CHANNELS,
    COLS,
    DOWN_COUNTS,
    HEIGHT_OUT,
    ROWS,
    after,
    plane_at,
)
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, PART, TILE
from .scalars import Scalars, make_taken

U = np.uintp


@cache
def make_corner(s: Scalars) -> Any:
    """Where the windows of an output row begin, along all axes but the last.

    In memory and in an index map; the rows of taps in each, and what those axes count. The taps
    along each axis go to ``taken``.
    """
    accumulator, divides = s.accumulator, s.divides
    zero, one, each, every = U(0), U(1), U(len(AXIS)), U(len(WINDOW))
    windows, begin = U(WINDOWS), U(BEGIN)
    start, start_place, taps = (U(word) for word in WINDOW)

    def corner(axes, spans, counts, outer, row, taken):
        at, place, rows, count, axis = zero, zero, one, accumulator(1), outer
        while axis > zero:
            axis -= one
            length = memory.load(INPUT, axes, axis * each + windows)
            number = memory.load(INPUT, axes, axis * each + begin) + row % length
            row //= length
            at += memory.load(INPUT, spans, number * every + start)
            place += memory.load(INPUT, spans, number * every + start_place)
            along = memory.load(INPUT, spans, number * every + taps)
            memory.store(PART, taken, axis, along)
            rows *= along
            if divides:
                count = accumulator(count * memory.load(INPUT, counts, number))
        return at, place, rows, count

    return inner(corner)


@cache
def make_beyond() -> Any:
    """How far a row of taps is from the first one of its window, in memory or in an index map."""
    zero, one, each = U(0), U(1), U(len(AXIS))

    def beyond(axes, taken, axis, row, what):
        far = zero
        while axis > one:
            axis -= one
            length = memory.load(PART, taken, axis)
            far += row % length * memory.load(INPUT, axes, axis * each + what)
            row //= length
        # The outermost axis has what is left: no division, of which two axes need none so.
        return far + row * memory.load(INPUT, axes, what)

    return inner(beyond)


def make_gather(s: Scalars, counted: bool, indexed: bool) -> Any:
    """The kernel: all windows of the output rows ``first`` to ``last``.

    ``counted``: taps that are left out do not count in a divisor.
    """
    reduce, taken_as, finish = s.reduce, make_taken(s, INPUT), s.finish
    source, accumulator, result = s.source, s.accumulator, s.result
    index_type, identity, divides, stamp = s.index, s.identity, s.divides, s.fingerprint
    zero, one, item = U(0), U(1), U(8)
    each, every = U(len(AXIS)), U(len(WINDOW))
    begin, by, place = U(BEGIN), U(BY), U(PLACE)
    corner, beyond = make_corner(s), make_beyond()
    start, start_place, taps = (U(word) for word in WINDOW)

    def gather(frame, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x, out = memory.pointer(x_at, source), memory.pointer(out_at, result)
        index = memory.pointer(index_at, index_type)
        axes = memory.pointer(memory.word(frame, ROWS), U)
        tables, by_table = memory.word(frame, COLS), memory.word(frame, BY_TABLE)
        counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        channels, outer = memory.word(frame, CHANNELS), memory.word(frame, AXES) - one
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        rows_out, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        taken = memory.pointer(scratch, U)  # along each outer axis
        seen = memory.pointer(after(scratch, outer, item), accumulator)
        step = memory.load(INPUT, axes, outer * each + by)
        step_place = memory.load(INPUT, axes, outer * each + place)
        for task in range(first, last):
            plane = task // rows_out
            base = plane_at(plane, channels, by_batch, by_channel)
            spans = memory.pointer(tables + plane * by_table, U)
            far, base_place, rows, down_count = corner(
                axes, spans, counts, outer, task % rows_out, taken
            )
            base += far
            for j in range(cells):
                number = memory.load(INPUT, axes, outer * each + begin) + j
                at_first = base + memory.load(INPUT, spans, number * every + start)
                across = memory.load(INPUT, spans, number * every + taps)
                size = zero
                for row in range(rows):
                    at = at_first + beyond(axes, taken, outer, row, by)
                    for tap in range(across):
                        value = taken_as(memory.load(INPUT, x, at + tap * step))
                        memory.store(TILE, seen, size, value)
                        size += one
                value, where, omitted = identity, index_type(-1), 0
                if size > zero:
                    found, chosen, omitted = reduce(seen, np.int64(size))
                    value = vector.convert(found, accumulator)
                    if indexed and chosen >= 0:
                        far = beyond(axes, taken, outer, U(chosen) // across, place)
                        far += base_place + U(chosen) % across * step_place
                        far += memory.load(INPUT, spans, number * every + start_place)
                        where = index_type(far)
                count = down_count
                if divides:
                    count = accumulator(down_count * memory.load(INPUT, counts, number))
                    if counted:
                        count -= accumulator(omitted)
                done = vector.convert(finish(value, count), result)
                memory.store(OUTPUT, out, task * cells + j, done)
                if indexed:
                    memory.store(OUTPUT_INDEX, index, task * cells + j, where)
        return last

    return gather
