"""Folding many rows into one, pairwise: rounding errors grow with the logarithm of their number."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import edges, memory, vector
from .frame import LINE
from .run import make_watch
from .scalars import Scalars, make_taken

U = np.uintp
BLOCK = 8  # rows that are folded one after the other
SIDES = 2, 4, 16  # vectors of each, side by side: memory wants rows in their order


def depth(rows: int) -> int:
    """Slots of the stack that ``rows`` rows need."""
    return (-(-rows // BLOCK)).bit_length() + 2


def _make_strip(s: Scalars, source: int, count: int, load: Callable[..., Any]) -> Any:
    """Folds what ``rows`` rows have from one place on, as far as ``load`` is told.

    And tells whether it met what is watched in inputs, of ``count`` lanes a row.
    """
    combine, taken_as, load = s.combine, make_taken(s, source), inner(load)
    (unseen, watch, met), one = make_watch(s, source, count // 2), U(1)

    def look(seen, taps):
        return watch(seen, vector.lower(taps), vector.upper(taps))

    look = inner(look, inlined=True)

    def strip(x, at, rows, pitch, told):
        taps = load(x, at, told)
        value, seen = taken_as(taps), look(unseen(), taps)
        for _ in range(one, rows):
            at += pitch
            taps = load(x, at, told)
            value, seen = combine(value, taken_as(taps)), look(seen, taps)
        return value, met(seen)

    return inner(strip)


@cache
def make_pile(s: Scalars, source: int, stack: int) -> Any:
    """Folds ``count`` rows, the first at ``at`` and each ``pitch`` on, into slot 0 of a stack.

    And tells whether it met what is watched.
    """
    combine, lanes = s.combine, LINE // np.dtype(s.accumulator).itemsize
    pair, few, most = (U(side * lanes) for side in SIDES)
    rows, zero, one, two, many = U(BLOCK), U(0), U(1), U(2), U(lanes)
    fill = s.fill if source == memory.INPUT else s.identity

    def some(x, at, valid):
        return edges.some(source, x, at, valid, vector.splat(fill, lanes))

    def make_row(side):
        """Whole rows of up to so many vectors."""
        count = side * lanes
        strip = _make_strip(
            s, source, count, lambda x, at, last: memory.clipped(source, x, at, last, count, lanes)
        )

        def row(x, at, count, pitch, width, values, slot):
            last = width - many
            value, seen = strip(x, at, count, pitch, last)
            memory.store_clipped(stack, values, slot, last, value, lanes)
            return seen

        return inner(row)

    def vectors(side):
        count = side * lanes
        if side > SIDES[1]:
            return lambda x, at, _: memory.in_order(source, x, at, count, lanes)
        return lambda x, at, _: memory.lanes(source, x, at, count)

    def make_strips(side):
        strip, together = _make_strip(s, source, side * lanes, vectors(side)), U(side * lanes)

        def strips(x, at, count, pitch, width, values, slot):
            met = False
            for begin in range(zero, width, together):
                j = vector.least(begin, width - together)
                value, seen = strip(x, at + j, count, pitch, zero)
                memory.store(stack, values, slot + j, value)
                met |= seen
            return met

        return inner(strips)

    narrow = _make_strip(s, source, lanes, some)
    two_wide, four_wide = map(make_row, SIDES[:2])
    a_few, side_by_side = map(make_strips, SIDES[1:])

    def join(values, first, second, width):
        """A slot and the one after it, in the first."""
        for j in range(width):
            value = memory.load(stack, values, first + j)
            other = memory.load(stack, values, second + j)
            memory.store(stack, values, first + j, combine(value, other))

    def block(x, at, count, pitch, width, values, slot):
        """A few rows in one pass."""
        if width < many:
            valid = vector.iota(np.int32, lanes, 1) < vector.splat(np.int32(width), lanes)
            value, seen = narrow(x, at, count, pitch, valid)
            edges.store_some(stack, values, slot, zero, value, lanes, width)
            return seen
        if width <= pair:
            return two_wide(x, at, count, pitch, width, values, slot)
        if width <= few:
            return four_wide(x, at, count, pitch, width, values, slot)
        if width < most:
            return a_few(x, at, count, pitch, width, values, slot)
        return side_by_side(x, at, count, pitch, width, values, slot)

    join, block = inner(join), inner(block, inlined=True)

    def pile(x, at, count, pitch, width, values):
        slot, pairs, met = zero, zero, False
        for done in range(zero, count, rows):
            taken = vector.least(rows, count - done)
            met |= block(x, at + done * pitch, taken, pitch, width, values, slot)
            slot += width
            pairs += one
            folded = pairs
            while folded % two == zero:
                slot -= width
                join(values, slot - width, slot, width)
                folded //= two
        while slot > width:
            slot -= width
            join(values, slot - width, slot, width)
        return met

    return inner(pile)
