"""Large windows across a row: those of 1, 2, 4, ... taps from each place on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import inner
from . import edges, memory, taps, vector
from .ladder import MOST, ends, make_double, make_some, make_triple
from .memory import INPUT, TILE, TILE_INDEX, WHOLE, WHOLE_INDEX
from .scalars import Scalars, make_taken
from .short import make_climb, make_nothing, make_short

U = np.uintp


def make_across(s: Scalars, stride: int, lanes: int, indexed: bool) -> Any:
    """Folds the windows of some outputs in an input row, from the padded column ``first`` on.

    It tells whether it met what is watched in the inputs: a vector would come back through memory.
    """
    combine, better, lane = s.combine, s.better, s.lane
    nothing, selects, taken_as = s.fill, s.selects, make_taken(s, INPUT)
    watched, worse, met = s.watched, s.worse, s.met
    double = make_double(s, WHOLE, WHOLE_INDEX, lanes, indexed)
    triple, short = make_triple(s, WHOLE, lanes), make_short(s, lanes, indexed)
    together, most = make_some(s, WHOLE, lanes, stride), U(MOST)
    climb, nothing_yet = make_climb(s, lanes, 1, indexed), make_nothing(s, lanes, 1)
    zero, one, two, three, four, many, step = U(0), U(1), U(2), U(3), U(4), U(lanes), U(stride)
    in_registers = selects and stride == 1

    def some(x, row_at, column, left, width):
        place = vector.iota(np.int32, lanes, 1) + vector.splat(np.int32(column - left), lanes)
        # Places before the row are large numbers, too.
        inside = vector.convert(place, np.uint32) < vector.splat(np.uint32(width), lanes)
        fill = vector.splat(nothing, lanes)
        taken = edges.some(INPUT, x, row_at + U(column - left), inside, fill)
        return taken_as(taken), watched(taken, taken)

    some = inner(some, inlined=True)

    def read(x, row_at, column, left, width):
        begin = column - left
        if begin < 0 or begin + np.int64(lanes) > np.int64(width):
            return some(x, row_at, column, left, width)
        taken = memory.lanes(INPUT, x, row_at + U(begin), lanes)
        return taken_as(taken), watched(taken, taken)

    def window(line, at):
        return taps.every(WHOLE, line, at, stride, lanes)

    def pair(line, line_index, at, ahead):
        value, other = window(line, at), window(line, at + ahead)
        where = vector.splat(lane(0), lanes)
        if indexed:
            where = taps.every(WHOLE_INDEX, line_index, at, stride, lanes)
            there = taps.every(WHOLE_INDEX, line_index, at + ahead, stride, lanes)
            where = vector.pick(better(other, value), there, where)
        return combine(value, other), where

    def give(tile, tile_index, at, value, where, row_index):
        memory.store(TILE, tile, at, value)
        if indexed:
            nowhere = where < vector.splat(lane(0), lanes)
            placed = where + vector.splat(row_index, lanes)
            placed = vector.pick(nowhere, vector.splat(lane(-1), lanes), placed)
            memory.store(TILE_INDEX, tile_index, at, placed)

    read, window, pair, give = inner(read), inner(window), inner(pair), inner(give)

    def across(
        x, row_at, first, left, width, kernel, apart, cells, columns, row_index, line, line_index,
        tile, tile_index, to, rows, later,
    ):  # fmt: skip
        count = (cells - one) * step + (kernel - one) * apart + one
        if in_registers and apart == one and count <= two * many:
            column = np.int64(first)
            value, unseen = some(x, row_at, column, left, width)
            other, seen = some(x, row_at, column + np.int64(lanes), left, width)
            where = there = vector.splat(lane(0), lanes)
            if indexed:
                where = memory.lanes(INPUT, columns, first, lanes)
                there = memory.lanes(INPUT, columns, first + many, lanes)
            value, other, where, there = short((value, other, where, there), kernel)
            give(tile, tile_index, to, value, where, row_index)
            if cells > many:
                give(tile, tile_index, to + many * rows, other, there, row_index)
            return met(worse(unseen, seen))
        unread = vector.splat(nothing, lanes)
        unseen, taken, at = watched(unread, unread), one, zero
        if apart == one:
            at = (count + many - one) // many * many
            laters = nothing_yet()
            while at:
                at -= many
                column = np.int64(first + at)
                memory.fetch(x, row_at + later + U(column - left))
                value, seen = read(x, row_at, column, left, width)
                where = vector.splat(lane(0), lanes)
                if indexed:
                    where = memory.lanes(INPUT, columns, first + at, lanes)
                unseen = worse(unseen, seen)
                row, taken, laters = climb((value, where), laters, kernel)
                memory.store(WHOLE, line, at, row[0])
                if indexed:
                    memory.store(WHOLE_INDEX, line_index, at, row[1])
        else:
            for at in range(zero, count, many):
                column = np.int64(first + at)
                memory.fetch(x, row_at + later + U(column - left))
                value, seen = read(x, row_at, column, left, width)
                unseen = worse(unseen, seen)
                memory.store(WHOLE, line, at, value)
                if indexed:
                    where = memory.lanes(INPUT, columns, first + at, lanes)
                    memory.store(WHOLE_INDEX, line_index, at, where)
        if selects:
            while four * taken < kernel:
                double(line, line_index, count, taken * apart)
                taken *= two
            near, far = ends(kernel, taken)
            for j in range(zero, cells, many):
                value, where = pair(line, line_index, j * step, near * apart)
                if far:
                    other, there = pair(line, line_index, j * step + far * apart, near * apart)
                    if indexed:
                        where = vector.pick(better(other, value), there, where)
                    value = combine(value, other)
                give(tile, tile_index, to + j * rows, value, where, row_index)
            return met(unseen)
        rest, ahead, passed = kernel // taken, taken * apart, zero
        while rest % three == zero:
            triple(line, count, ahead)
            rest, ahead = rest // three, ahead * three
        while rest > most:
            if rest & one:
                for j in range(zero, cells, many):
                    value = window(line, j * step + passed)
                    if passed:
                        value = combine(memory.lanes(TILE, tile, to + j * rows, lanes), value)
                    memory.store(TILE, tile, to + j * rows, value)
                passed += ahead
            double(line, line_index, count, ahead)
            rest, ahead = rest // two, ahead * two
        for j in range(zero, cells, many):
            value = together(line, j * step + passed, ahead, rest)
            if passed:
                value = combine(memory.lanes(TILE, tile, to + j * rows, lanes), value)
            memory.store(TILE, tile, to + j * rows, value)
        return met(unseen)

    return inner(across)
