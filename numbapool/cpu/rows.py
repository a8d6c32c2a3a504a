"""Small sliding windows: fold across each input row, then down the folded rows.

A strip is as many neighbouring outputs of a row as a vector has lanes. Every input row of a strip
is folded across once, and kept until the windows that overlap there have taken it: in registers
down a strip, in a tile where rows go in their order, as memory wants them. Taps meet in row-major
order, so `better` alone decides between equals. Sums have no such order: rows that no other window
takes are folded down first, which spares most of the shuffles.

Places outside the input are lanes that are not read. They hold the identity, and in an index map
the place of the nearest column inside: one wins only where nothing is better, and that is the
first tap there, or the last. A table tells the input row of each row of a padded plane: outside,
the nearest one again for a selection, and none for a sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import inner
from . import calls, edges, memory, stream, taps, vector
from .across import make_across
from .frame import (
    ACROSS_COUNTS,
    BY_BATCH,
    BY_CHANNEL,
    BY_ROW,
    CELLS,
    CHANNELS,
    DOWN_COUNTS,
    DOWN_STRIDE,
    EXTENT,
    FETCHED,
    HEIGHT_OUT,
    LEFT,
    LINE,
    OUT_BY_PLANE,
    OUT_BY_ROW,
    PLACE_DOWN,
    PLACES,
    PLANES,
    ROOM,
    ROWS,
    TASK_ROWS,
    WIDTH,
    after,
)  # fmt: skip
from .machine import MASKS
from .memory import INPUT, OUTPUT, OUTPUT_INDEX, TILE, TILE_INDEX
from .order import ALIGNED, TASKS_AHEAD, Lanes, Order
from .scalars import Scalars

U = np.uintp


def make_rows(
    s: Scalars, kernel: tuple[int, int], stride: int, order: Order, lanes: Lanes, counted: bool,
    tall: bool, indexed: bool,
) -> Any:  # fmt: skip
    """The kernel: all windows of the tasks ``first`` to ``last``.

    ``counted``: columns count in an index map. ``tall``: planes are several, end to end.
    """
    combine, better, finish = s.combine, s.better, s.finish
    across = make_across(s, kernel[1], stride, lanes, indexed and counted)
    source, accumulator, result = s.source, s.accumulator, s.result
    lane, index_type, identity = s.lane, s.index, s.identity
    selects, divides, blind, fill = s.selects, s.divides, s.blind, s.fill
    watched, worse, met = s.watched, s.worse, s.met
    begun, unseen_of = s.across.start, s.across.unseen
    stamp, (by_strip, waiting, held, joined, rows_inside, streams) = s.fingerprint, order
    folds = 1 if joined else kernel[0]
    item = U(np.dtype(accumulator).itemsize)
    strip_cells, every = lanes.cells, lanes.all
    group = taps.mixing(np.dtype(s.source).itemsize, lanes.cells, stride, lanes.planes)
    single, inside = lanes.reach > 0, lanes.inside
    streams &= strip_cells * np.dtype(result).itemsize % ALIGNED == 0
    zero, one, many = U(0), U(1), U(lanes.cells)
    planes_a_task, all_lanes = U(lanes.planes), U(lanes.all)
    masks_cost = not MASKS  # loads and stores of some lanes take longer than those of all
    reads_on = masks_cost and inside
    # Rows of a task that all lie inside need no look at where they end: a third of a small one.
    free = reads_on and single and joined
    step, span = np.int64(stride), np.int64(lanes.span(kernel[1], stride))
    there_before, at_once = waiting or held, waiting == kernel[0]
    line_items = U(LINE // np.dtype(source).itemsize)

    down, told = kernel[0], int(not rows_inside)

    def folded_row(x, base, layout, row, start):
        _, _, _, by_row, by_place, nearest, room, nothing = layout
        taken = memory.load(INPUT, nearest, U(row)) if told else row
        if told and not selects and taken < 0:
            value = vector.splat(accumulator(identity), every)
            return value, vector.splat(lane(0), every), nothing
        at = base + U(taken * by_row + start)
        all_inside = (reads_on and at < room) if single else (inside or U(start) < room)
        value, where, unseen = across(x, (at,), layout, start, all_inside)
        if indexed:
            where += vector.splat(lane(taken * by_place), every)
        return value, where, unseen

    def folded_rows(x, base, layout, row, start):
        """All rows of a window at once."""
        _, _, _, by_row, _, nearest, room, _ = layout
        at = memory.rows_at(INPUT, nearest, told, base + U(start), row, by_row, down)
        all_inside = (reads_on and at[-1] < room) if single else (inside or U(start) < room)
        return across(x, at, layout, start, all_inside)

    def free_rows(x, base, layout, row, start):
        """And all that they read lies inside."""
        at = memory.rows_at(INPUT, layout[5], told, base + U(start), row, layout[3], down)
        return across(x, at, layout, start, True)

    free_rows = inner(free_rows, inlined=True)
    folded_row = inner(folded_rows if joined else folded_row, inlined=True)
    shared = folds - held  # from there on, rows are the next window's first
    fresh = folds - there_before
    def keep(tile, tile_index, at, value, where):
        memory.store(TILE, tile, at, value)
        if indexed:
            memory.store(TILE_INDEX, tile_index, at, where)

    keep = inner(keep)

    def give(value, where, count, out, index, to, by_plane, cells, places, o, aligned):
        done = vector.convert(finish(vector.mixed(value, group), count), result)
        if streams and aligned and cells >= many:
            stream.store(OUTPUT, out, to, done)
        else:
            edges.store_some(OUTPUT, out, to, by_plane, done, strip_cells, cells)
        if indexed:
            where = vector.mixed(where, group)
            if tall:
                where += memory.lanes(INPUT, places, o * all_lanes, every)
            place = vector.convert(where, index_type)
            edges.store_some(OUTPUT_INDEX, index, to, by_plane, place, strip_cells, cells)

    give = inner(give)

    def rows(frame, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x = memory.pointer(x_at, source)
        out, aligned = memory.pointer(out_at, result), out_at % U(ALIGNED) == zero
        index = memory.pointer(index_at, index_type)
        down_counts = memory.pointer(memory.word(frame, DOWN_COUNTS), accumulator)
        across_counts = memory.pointer(memory.word(frame, ACROSS_COUNTS), accumulator)
        channels, by_row = memory.word(frame, CHANNELS), np.int64(memory.word(frame, BY_ROW))
        by_batch, by_channel = memory.word(frame, BY_BATCH), memory.word(frame, BY_CHANNEL)
        nearest = memory.pointer(memory.word(frame, ROWS), np.int64)
        places = memory.pointer(memory.word(frame, PLACES), lane)
        width, extent = np.int64(memory.word(frame, WIDTH)), memory.word(frame, EXTENT)
        height_out, cells = memory.word(frame, HEIGHT_OUT), memory.word(frame, CELLS)
        task_rows, room = memory.word(frame, TASK_ROWS), memory.word(frame, ROOM)
        left = np.int64(memory.word(frame, LEFT))
        apart, out_by_row = memory.word(frame, DOWN_STRIDE), memory.word(frame, OUT_BY_ROW)
        out_by_plane = memory.word(frame, OUT_BY_PLANE)
        last_plane = memory.word(frame, PLANES) - planes_a_task
        fetched = memory.word(frame, FETCHED)
        ahead_of = U(TASKS_AHEAD) * fetched
        tile = memory.pointer(scratch, accumulator)
        tile_index_at = after(scratch, room * all_lanes, item) if indexed else scratch
        tile_index = memory.pointer(tile_index_at, lane)

        # Strips that begin so far into a row lie inside, or, without strips, rows into the array.
        room = width + np.int64(1) - span
        if single:
            others = np.int64((planes_a_task - one) * by_channel)
            room = np.int64(extent) + np.int64(1) - span - others
        room_items = U(vector.most(room, np.int64(0)))
        none = vector.splat(fill, every)
        nothing = unseen_of(watched(none, none), begun(none))
        layout = (
            by_channel, width, extent, by_row, np.int64(memory.word(frame, PLACE_DOWN)), nearest,
            room_items, nothing,
        )  # fmt: skip
        last_strip = zero if single else cells - many
        count = vector.splat(accumulator(1), every)
        strips = one if single else (cells + many - one) // many
        beyond = (many - one) // cells
        together = one if by_strip else strips
        pitch = strips * all_lanes
        tiles = (height_out + task_rows - one) // task_rows
        group, top = first // tiles, first % tiles * task_rows
        for task in range(first, last):
            unseens = nothing
            plane = vector.least(group * planes_a_task, last_plane)
            base = plane * by_channel
            if plane >= channels:
                base = plane // channels * by_batch + plane % channels * by_channel
            for later in range(ahead_of, ahead_of + fetched, line_items):
                memory.fetch(x, base + later)
            bottom = vector.least(top + task_rows, height_out)
            begin = zero
            while begin < strips:
                to = plane * height_out * cells + top * out_by_row
                if held and not waiting:
                    start = np.int64(vector.least(begin * many, last_strip)) * step - left
                    kept_rows = calls.several(
                        folded_row, held, x, base, layout, np.int64(top * apart), start
                    )
                    for tap in range(held):
                        unseens = worse(unseens, kept_rows[tap][2])
                looked_at = top
                if free:
                    start, last_row = -left, (bottom - one) * apart + U(kernel[0] - 1)
                    last_at = base + U(np.int64(last_row) * by_row + start)
                    if last_at < room_items:
                        looked_at = vector.most(top + beyond, bottom) - beyond
                    if divides:
                        shares = memory.lanes(INPUT, across_counts, zero, every)
                    for o in range(top, looked_at):
                        row = np.int64(o * apart)
                        value, where, unseen = free_rows(x, base, layout, row, start)
                        unseens = worse(unseens, unseen)
                        if divides:
                            share = memory.load(INPUT, down_counts, o)
                            count = shares * vector.splat(share, every)
                        give(
                            value, where, count, out, index, to, out_by_plane, many, places, o,
                            aligned,
                        )  # fmt: skip
                        to += out_by_row
                for o in range(looked_at, bottom):
                    low, known, fills, to_tile = np.int64(o * apart), zero, U(waiting), zero
                    if at_once:
                        to_tile = (o - top) * apart * pitch
                        fills = (bottom - top) * apart if o == top else zero
                    elif waiting and o > top:
                        known = U(held)
                    at = known * pitch
                    for r in range(known, fills):  # to wait for the others of their windows
                        for strip in range(strips):
                            start = np.int64(vector.least(strip * many, last_strip)) * step - left
                            value, where, unseen = folded_row(
                                x, base, layout, low + np.int64(r), start
                            )
                            if blind:
                                unseens = worse(unseens, unseen)
                            keep(tile, tile_index, at, value, where)
                            at += all_lanes
                    for strip in range(begin, begin + together):
                        j = vector.least(strip * many, last_strip)
                        here = to_tile + strip * all_lanes
                        if waiting:
                            waited = memory.waiting(
                                TILE, TILE_INDEX, tile, tile_index, here, pitch, nothing, every,
                                waiting,
                            )  # fmt: skip
                        if at_once:
                            taken = waited
                        else:
                            start = np.int64(j) * step - left
                            new_rows = calls.several(
                                folded_row, fresh, x, base, layout, low + np.int64(there_before),
                                start,
                            )  # fmt: skip
                            if waiting:
                                taken = waited + new_rows
                            elif held:
                                taken = kept_rows + new_rows
                            else:
                                taken = new_rows
                        if waiting:
                            for tap in range(shared, folds):
                                value, where, _ = taken[tap]
                                keep(tile, tile_index, here, value, where)
                                here += pitch
                        elif held:
                            kept_rows = taken[shared:]
                        value, where, unseen = taken[0]
                        if not there_before:
                            unseens = worse(unseens, unseen)
                        for tap in range(1, folds):
                            other, there, unseen = taken[tap]
                            if tap >= there_before:
                                unseens = worse(unseens, unseen)
                            if indexed:
                                where = vector.pick(better(other, value), there, where)
                            value = combine(value, other)
                        if divides:
                            shares = memory.lanes(INPUT, across_counts, j, every)
                            share = memory.load(INPUT, down_counts, o)
                            count = shares * vector.splat(share, every)
                        # What is beyond a row is that of the next ones, which come later.
                        some = single and not (masks_cost and o + beyond < bottom)
                        give(
                            value, where, count, out, index, to + j, out_by_plane,
                            cells if some else many, places, o, aligned,
                        )  # fmt: skip
                    to += out_by_row
                begin += together
            if blind and met(unseens):
                last = task
                break
            top = bottom
            if top == height_out:
                group, top = group + one, zero
        if streams:
            stream.settle()
        return last

    return rows
