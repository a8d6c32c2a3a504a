"""Windows across folded rows, or in the inputs themselves where no rows are to be folded.

Many windows are folded to a vector each, and these meet pairwise, until each lane is a window; or
they are folded one by one.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import edges, memory, vector
from .frame import LINE
from .memory import INPUT, OUTPUT, PART, TILE, WHOLE
from .pile import make_pile
from .run import make_run, make_tree, make_vectors, make_watch
from .scalars import Scalars, make_taken

U = np.uintp
AHEAD = 2048  # bytes: what masked loads will read is not foreseen, so it is asked for


@cache
def make_span(s: Scalars, role: int) -> Any:
    """Folds the columns ``low`` to ``high`` of a row, every ``step``-th of a folded one."""
    run, pile, flat = make_run(s, role), make_pile(s, TILE, WHOLE, 1), role == INPUT
    zero, one = U(0), U(1)

    def span(row, low, high, step, stack):
        if flat or step == one:
            return run(row, low, high - low, stack)
        pile(row, low, (high - low + step - one) // step, step, one, stack)
        return memory.load(WHOLE, stack, zero), False

    return inner(span)


@cache
def make_part(s: Scalars, role: int) -> Any:
    """Folds ``count`` neighbours, if any, to a vector of what lies in its lanes.

    And tells whether it met what is watched.
    """
    fill = s.fill if role == INPUT else s.identity
    lanes = LINE // np.dtype(s.accumulator).itemsize
    vectors, taken_as, many = make_vectors(s, role), make_taken(s, role), U(lanes)
    unseen, watch, met = make_watch(s, role, lanes)
    far, ahead = role == INPUT, U(AHEAD // np.dtype(s.source).itemsize)

    def part(x, at, count, stack):
        if count <= many:
            if far:
                memory.fetch(x, at + ahead)
            valid = vector.iota(np.int32, lanes, 1) < vector.splat(np.int32(count), lanes)
            taps = edges.some(role, x, at, valid, vector.splat(fill, lanes))
            return taken_as(taps), met(watch(unseen(), taps, taps))
        return vectors(x, at, count, stack)

    return inner(part, inlined=True)


@cache
def make_met(s: Scalars) -> Any:
    """Gives the windows that wait as vectors, once these have met: at most one a lane.

    The last of them is the one before ``to``.
    """
    result, finish = s.result, s.finish
    lanes = LINE // np.dtype(s.accumulator).itemsize
    tree, zero = make_tree(s, PART, lanes, lanes), U(0)

    def met(parts, counts, waiting, out, to):
        done = vector.convert(finish(tree(parts, zero), counts), result)
        edges.store_some(OUTPUT, out, to - waiting, zero, done, lanes, waiting)

    return inner(met)


@cache
def make_together(s: Scalars, flat: bool) -> Any:
    """All windows of an output row, a vector of them at a time, be they of several rows."""
    part, met = make_part(s, INPUT if flat else TILE), make_met(s)
    accumulator, divides = s.accumulator, s.divides
    lanes = LINE // np.dtype(accumulator).itemsize
    zero, one, many = U(0), U(1), U(lanes)

    def together(
        folded, at, told, cells, taken, step, stack, parts, counts, waiting, down_count,
        across_counts, out, to,
    ):  # fmt: skip
        cols = memory.pointer(told, np.int64)
        number, met_any = vector.iota(np.int32, lanes, 1), False
        for j in range(cells):
            left = U(memory.load(INPUT, cols, j + j))
            right = U(memory.load(INPUT, cols, j + j + one))
            taps = right - left if taken and left < right else zero
            value, seen = part(folded, at + left, taps, stack)
            met_any |= seen
            memory.store(PART, parts, waiting * many, value)
            if divides:
                # In a register: a vector of what was stored one by one would wait for all of it.
                count = accumulator(down_count * memory.load(INPUT, across_counts, j))
                here = number == vector.splat(np.int32(waiting), lanes)
                counts = vector.pick(here, vector.splat(count, lanes), counts)
            waiting += one
            if waiting == many:
                met(parts, counts, waiting, out, to + j + one)
                waiting = zero
        return waiting, counts, met_any

    return inner(together, inlined=True)


@cache
def make_one_by_one(s: Scalars, flat: bool) -> Any:
    """All windows of an output row, one after the other."""
    span = make_span(s, INPUT if flat else TILE)
    accumulator, result, finish, divides = s.accumulator, s.result, s.finish, s.divides
    identity, one = s.identity, U(1)

    def one_by_one(
        folded, at, told, cells, taken, step, stack, parts, counts, waiting, down_count,
        across_counts, out, to,
    ):  # fmt: skip
        cols = memory.pointer(told, np.int64)
        met_any = False
        for j in range(cells):
            left = U(memory.load(INPUT, cols, j + j))
            right = U(memory.load(INPUT, cols, j + j + one))
            value = identity
            if taken and left < right:
                value, seen = span(folded, at + left, at + right, step, stack)
                met_any |= seen
            count = down_count
            if divides:
                count = accumulator(down_count * memory.load(INPUT, across_counts, j))
            memory.store(OUTPUT, out, to + j, result(finish(value, count)))
        return waiting, counts, met_any

    return inner(one_by_one)


@cache
def make_row(s: Scalars, flat: bool, together: bool, vectors: int) -> Any:
    """All windows of an output row: folded down, unless they are flat, then across.

    It is told how many of the windows before wait, with what they are divided by, and tells it, and
    whether it met what is watched.
    """
    windows = (make_together if together else make_one_by_one)(s, flat)
    pile, zero = None if flat else make_pile(s, INPUT, TILE, vectors), U(0)

    def in_place(
        x, base, taken, pitch, width, tile, told, cells, step, stack, parts, counts, waiting,
        down_count, across_counts, out, to,
    ):  # fmt: skip
        return windows(
            x, base, told, cells, taken, step, stack, parts, counts, waiting, down_count,
            across_counts, out, to,
        )  # fmt: skip

    def piled(
        x, base, taken, pitch, width, tile, told, cells, step, stack, parts, counts, waiting,
        down_count, across_counts, out, to,
    ):  # fmt: skip
        met = pile(x, base, taken, pitch, width, tile)
        waiting, counts, seen = windows(
            tile, zero, told, cells, taken, step, stack, parts, counts, waiting, down_count,
            across_counts, out, to,
        )  # fmt: skip
        return waiting, counts, met | seen

    return inner(in_place if flat else piled, inlined=True)
