"""Small windows of pixels whose channels come last: vectors of channels, tap by tap.

All lanes of a vector are of one window, so that nothing is shuffled and nothing masked. Taps come
in row-major order. A task is a row of windows.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from ..spans import AXIS, BEGIN, BY, FIRST, FIRST_PLACE, PLACE, TAPS, WINDOW
from . import memory, vector
from .frame import (
    AXES,
    BY_BATCH,
    BY_CHANNEL,
    CELLS,
    CHANNELS,
    COLS,
    DOWN_COUNTS,
    HEIGHT_OUT,
    PLACE_ACROSS,
    ROWS,
    WIDTH,
    after,
    plane_at,
)
from .gather import make_beyond, make_corner
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, PART, TILE
from .scalars import Scalars, make_taken

U = np.uintp


@cache
def make_pixel(s: Scalars, lanes: int, indexed: bool) -> Any:
    """Folds a window of ``rows`` rows of ``across`` taps, in the channels from ``at`` on."""
    combine, better, taken_as, lane = s.combine, s.better, make_taken(s, INPUT), s.lane
    accumulator, identity = s.accumulator, s.identity
    zero = U(0)

    def pixel(x, at, rows, across, step, offsets, places, place, step_place):
        value = vector.splat(accumulator(identity), lanes)
        where = vector.splat(lane(-1), lanes)
        for row in range(rows):
            here = at + memory.load(PART, offsets, row)
            there = place + memory.load(TILE, places, row)
            for tap in range(across):
                other = taken_as(memory.lanes(INPUT, x, here, lanes))
                if row + tap == zero:
                    value, where = other, vector.splat(lane(there), lanes)
                else:
                    if indexed:
                        beyond = vector.splat(lane(there), lanes)
                        where = vector.pick(better(other, value), beyond, where)
                    value = combine(value, other)
                here += step
                there += step_place
        return value, where

    return inner(pixel, inlined=True)


def make_pixels(s: Scalars, lanes: int, indexed: bool) -> Any:
    """The kernel: all windows of the output rows ``first`` to ``last``."""
    pixel = make_pixel(s, lanes, indexed)
    finish, source, accumulator, result = s.finish, s.source, s.accumulator, s.result
    index_type, lane, divides, stamp = s.index, s.lane, s.divides, s.fingerprint
    zero, one, item, many = U(0), U(1), U(8), U(lanes)
    each, every = U(len(AXIS)), U(len(WINDOW))
    begin, by, place = U(BEGIN), U(BY), U(PLACE)
    corner, beyond = make_corner(s), make_beyond()
    start, start_place, taps = (U(word) for word in (FIRST, FIRST_PLACE, TAPS))

    def pixels(frame, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x, out = memory.pointer(x_at, source), memory.pointer(out_at, result)
        index = memory.pointer(index_at, index_type)
        axes = memory.pointer(memory.word(frame, ROWS), U)
        spans = memory.pointer(memory.word(frame, COLS), U)
        counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        volumes, outer = memory.word(frame, CHANNELS), memory.word(frame, AXES) - one
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        rows_out, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        channels = memory.word(frame, WIDTH)
        # Of the outer axes: taps of the windows at hand; and where each row of taps is.
        taken = memory.pointer(scratch, U)
        offsets_at = after(scratch, outer, item)
        offsets = memory.pointer(offsets_at, U)
        step = memory.load(INPUT, axes, outer * each + by)
        step_place = memory.load(INPUT, axes, outer * each + place)
        begins = memory.load(INPUT, axes, outer * each + begin)
        # Channels count nothing in a place; what lies inside may be the columns of a volume, too.
        by_lane = vector.splat(lane(memory.word(frame, PLACE_ACROSS)), lanes)
        lane_places = vector.iota(lane, lanes, 1) * by_lane
        count = vector.splat(accumulator(1), lanes)
        for task in range(first, last):
            base = plane_at(task // rows_out, volumes, by_batch, by_channel)
            far, base_place, rows, down_count = corner(
                axes, spans, counts, outer, task % rows_out, taken
            )
            base += far
            places = memory.pointer(after(offsets_at, rows, item), U)
            for row in range(rows):
                memory.store(PART, offsets, row, beyond(axes, taken, outer, row, by))
                memory.store(TILE, places, row, beyond(axes, taken, outer, row, place))
            for j in range(cells):
                number = begins + j
                at_first = base + memory.load(INPUT, spans, number * every + start)
                first_place = base_place + memory.load(INPUT, spans, number * every + start_place)
                across = memory.load(INPUT, spans, number * every + taps)
                if divides:
                    share = accumulator(down_count * memory.load(INPUT, counts, number))
                    count = vector.splat(share, lanes)
                to = (task * cells + j) * channels
                for block in range(zero, channels, many):
                    c = vector.least(block, channels - many)
                    value, where = pixel(
                        x, at_first + c, rows, across, step, offsets, places, first_place,
                        step_place,
                    )  # fmt: skip
                    done = vector.convert(finish(value, count), result)
                    memory.store(OUTPUT, out, to + c, done)
                    if indexed:
                        where += lane_places + vector.splat(lane(c), lanes) * by_lane
                        kept = vector.convert(where, index_type)
                        memory.store(OUTPUT_INDEX, index, to + c, kept)
        return last

    return pixels
