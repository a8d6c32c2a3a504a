"""Where in a window its best tap is, found once its value is known.

Folding values alone is free to meet taps in any order and needs no lanes for places. Afterwards the
first tap that the best is no better than is half a window away, and in the first cache.

Floats have two zeros, which compare equal: a selection returns the first it met, so that a window
whose best is zero is looked at again, if its plane has a negative one.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import edges, memory, vector
from .frame import LINE
from .memory import INPUT, OUTPUT, OUTPUT_INDEX
from .scalars import Scalars, make_taken

U = np.uintp


@cache
def make_every(s: Scalars) -> Any:
    """Which lanes to look at for every ``step``-th column, and how many columns further on next."""
    lanes = LINE // np.dtype(s.source).itemsize

    def every(step):
        number, nought = vector.iota(np.int32, lanes, 1), vector.splat(np.int32(0), lanes)
        on_step = number % vector.splat(np.int32(step), lanes) == nought
        return on_step, vector.most(U(lanes) // step, U(1)) * step

    return inner(every)


@cache
def make_place(s: Scalars) -> Any:
    """The row of a window, and the column of its plane, where the best tap lies.

    It is the first, or the last of those that override. A window has ``rows`` rows, a ``pitch``
    apart, and the columns ``low`` to ``high``, every ``step``-th, as `make_every` says.
    """
    better, overrides, nothing = s.better, s.overrides, s.fill
    taken_as = make_taken(s, OUTPUT)  # inputs are no more lifted than results are
    lanes = LINE // np.dtype(s.source).itemsize
    zero, one, many = U(0), U(1), U(lanes)

    def place(x, at, rows, pitch, low, high, step, on_step, chunk, best):
        best = taken_as(best)
        bests, fill = vector.splat(best, lanes), vector.splat(nothing, lanes)
        number = vector.iota(np.int32, lanes, 1)
        overriding, last_row, last_column = overrides(best), zero, low
        for row in range(rows):
            column = low
            if step == one and not overriding:
                while column + many <= high:
                    taken = taken_as(memory.lanes(INPUT, x, at + row * pitch + column, lanes))
                    worse = vector.leading(better(bests, taken))
                    if worse < many:
                        return row, column + worse
                    column += many
            while column < high:
                # Lanes past a window hold the identity, and come after a tap that is no better.
                inside = number < vector.splat(np.int32(vector.least(high - column, chunk)), lanes)
                taken = taken_as(
                    edges.some(INPUT, x, at + row * pitch + column, inside & on_step, fill)
                )
                if overriding:
                    override = overrides(taken)
                    if vector.some(override):
                        last_row, last_column = row, column + vector.last(override)
                else:
                    worse = vector.leading(better(bests, taken))
                    if worse < many:
                        return row, column + worse
                column += chunk
        return last_row, last_column

    return inner(place, inlined=True)


@cache
def make_settle(s: Scalars, indexed: bool) -> Any:
    """Finds the best taps of the windows of an output row, whose values are there.

    Without an index map, of those that are zero, or, of ambiguous values, of all.
    """
    place, index_type, ambiguous = make_place(s), s.index, s.ambiguous
    zero, one = U(0), U(1)

    def settle(
        x, base, rows, pitch, cols, cells, step, on_step, chunk, out, index, to, first_place,
        by_row, by_column,
    ):  # fmt: skip
        for j in range(cells):
            left = U(memory.load(INPUT, cols, j + j))
            right = U(memory.load(INPUT, cols, j + j + one))
            best, where = memory.load(OUTPUT, out, to + j), index_type(-1)
            if rows > zero and left < right and (indexed or ambiguous or best == 0):
                row, column = place(x, base, rows, pitch, left, right, step, on_step, chunk, best)
                tap = memory.load(INPUT, x, base + row * pitch + column)
                memory.store(OUTPUT, out, to + j, tap)
                where = index_type(first_place + row * by_row + column * by_column)
            if indexed:
                memory.store(OUTPUT_INDEX, index, to + j, where)

    return inner(settle)


@cache
def make_has_zero(s: Scalars) -> Any:
    """Whether a row of results has a zero at all."""

    def has_zero(out, at, count):
        found = False
        for number in range(count):
            found |= memory.load(OUTPUT, out, at + number) == 0
        return found

    return inner(has_zero)


@cache
def make_has_negative_zero(s: Scalars) -> Any:
    """Whether a plane has a -0.0 at all: one fast pass, where settling window by window is slow."""
    accumulator = s.accumulator

    def has_negative_zero(x, at, height, width, by_row):
        found = False
        for row in range(height):
            for column in range(width):
                value = accumulator(memory.load(INPUT, x, at + row * by_row + column))
                found |= (value == 0) & (math.copysign(accumulator(1), value) < 0)
        return found

    return inner(has_negative_zero)
