"""Folding many rows into one, pairwise: rounding errors grow with the logarithm of their number."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import edges, memory, vector
from .frame import LINE
from .machine import MASKS
from .run import make_watch
from .scalars import Scalars, make_taken

U = np.uintp
BLOCK = 16  # rows that are folded one after the other
SHORT = 1, 2, 4  # vectors that hold a whole row,
BROAD = 8  # and where registers are many, of inputs that are folded as they are
A_FEW, MANY = 4, 16  # of a long row, side by side: memory wants rows in their order


def depth(rows: int) -> int:
    """Slots of the stack that ``rows`` rows need."""
    return (-(-rows // BLOCK)).bit_length() + 2


def vectors(width: int, lanes: int, as_they_are: bool) -> int:
    """How many hold a row of so many inputs; 0 if that is a long one."""
    counts = (*SHORT, BROAD) if MASKS and as_they_are else SHORT
    return next((few for few in counts if width <= few * lanes), 0)


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

    return inner(strip, inlined=True)


@cache
def make_short(s: Scalars, source: int, stack: int, vectors: int) -> tuple[Any, Any]:
    """Folds rows that so many ``vectors`` hold, and keeps what is folded.

    They stay in registers, and only blocks of them wait, on a stack of as many vectors a slot. With
    masks the lanes behind a row are those of what nothing is folded to.
    """
    combine, lanes = s.combine, LINE // np.dtype(s.accumulator).itemsize
    wide, masks = vectors * lanes, MASKS or vectors == 1
    rows, zero, one, two, many = U(BLOCK), U(0), U(1), U(2), U(wide)
    fill = s.fill if source == memory.INPUT else s.identity

    full = wide // 2 // lanes * lanes  # or fewer vectors would hold a row: these need no mask
    beyond, rest = U(full), wide - full

    def valid(width):
        return vector.iota(np.int32, rest, 1) < vector.splat(np.int32(width - beyond), rest)

    def some(x, at, valid):
        end = edges.some(source, x, at + beyond, valid, vector.splat(fill, rest))
        return vector.beside(memory.lanes(source, x, at, full), end) if full else end

    def last(width):
        return width - U(lanes)

    def clipped(x, at, last):
        return memory.clipped(source, x, at, last, wide, lanes)

    def keep(values, value, width):
        memory.store(stack, values, zero, value)

    def keep_clipped(values, value, width):
        memory.store_clipped(stack, values, zero, last(width), value, lanes)

    tell, load, keep = (valid, some, keep) if masks else (last, clipped, keep_clipped)
    last, tell, keep = inner(last), inner(tell), inner(keep)
    strip = _make_strip(s, source, wide, load)

    def blocks(x, at, count, pitch, told, values):
        """All blocks but the last one are left on the stack, pairs of as many folded to one."""
        top, met = zero, False
        for number in range((count - one) // rows):
            value, seen = strip(x, at + number * rows * pitch, rows, pitch, told)
            met |= seen
            pairs = number + one
            while pairs % two == zero:
                top -= many
                value = combine(memory.lanes(stack, values, top, wide), value)
                pairs //= two
            memory.store(stack, values, top, value)
            top += many
        return top, met

    blocks = inner(blocks)

    def short(x, at, count, pitch, width, values):
        told, top, met, before = tell(width), zero, False, zero
        if count > rows:
            top, met = blocks(x, at, count, pitch, told, values)
            before = (count - one) // rows * rows
        value, seen = strip(x, at + before * pitch, count - before, pitch, told)
        while top:
            top -= many
            value = combine(memory.lanes(stack, values, top, wide), value)
        return value, met | seen

    return inner(short, inlined=True), keep


@cache
def make_pile(s: Scalars, source: int, stack: int, vectors: int) -> Any:
    """Folds ``count`` rows, the first at ``at`` and each ``pitch`` on, into slot 0 of a stack.

    Those that so many ``vectors`` hold, or 0. Tells whether it met what is watched.
    """
    if not vectors:
        return _make_long(s, source, stack)
    short, keep = make_short(s, source, stack, vectors)
    zero = U(0)

    def pile(x, at, count, pitch, width, values):
        if count == zero:
            return False
        value, met = short(x, at, count, pitch, width, values)
        keep(values, value, width)
        return met

    return inner(pile)


def _make_long(s: Scalars, source: int, stack: int) -> Any:
    """Rows are read a few vectors at a time, down as many as a block has."""
    combine, lanes = s.combine, LINE // np.dtype(s.accumulator).itemsize
    rows, zero, one, two = U(BLOCK), U(0), U(1), U(2)

    def make_strips(side):
        count = side * lanes
        together = U(count)

        def in_order(x, at, _):
            return memory.in_order(source, x, at, count, lanes)

        def at_once(x, at, _):
            return memory.lanes(source, x, at, count)

        strip = _make_strip(s, source, count, in_order if side > A_FEW else at_once)

        def strips(x, at, count, pitch, width, values, slot):
            met = False
            for begin in range(zero, width, together):
                j = vector.least(begin, width - together)
                value, seen = strip(x, at + j, count, pitch, zero)
                memory.store(stack, values, slot + j, value)
                met |= seen
            return met

        return inner(strips)

    a_few, side_by_side = map(make_strips, (A_FEW, MANY))
    most, broad, at_a_time = U(MANY * lanes), A_FEW * lanes, U(A_FEW * lanes)
    taken_as, (unseen, watch, met_of) = make_taken(s, source), make_watch(s, source, broad // 2)

    def row_by_row(x, at, count, pitch, width, values, slot):
        """Rows from end to end, onto one that stays in the cache."""
        seen, whole = unseen(), width // at_a_time * at_a_time
        for row in range(count):
            for j in range(zero, whole, at_a_time):
                taps = memory.lanes(source, x, at + row * pitch + j, broad)
                seen = watch(seen, vector.lower(taps), vector.upper(taps))
                value = taken_as(taps)
                if row:
                    value = combine(memory.lanes(stack, values, slot + j, broad), value)
                memory.store(stack, values, slot + j, value)
        met = met_of(seen)
        if whole < width:
            beyond = width - at_a_time
            met |= a_few(x, at + beyond, count, pitch, at_a_time, values, slot + beyond)
        return met

    def join(values, first, second, width):
        """A slot and the one after it, in the first."""
        for j in range(width):
            value = memory.load(stack, values, first + j)
            other = memory.load(stack, values, second + j)
            memory.store(stack, values, first + j, combine(value, other))

    def block(x, at, count, pitch, width, values, slot):
        """A few rows in one pass."""
        if width < most:
            return a_few(x, at, count, pitch, width, values, slot)
        if width > most:
            return row_by_row(x, at, count, pitch, width, values, slot)
        return side_by_side(x, at, count, pitch, width, values, slot)

    row_by_row, join, block = inner(row_by_row), inner(join), inner(block, inlined=True)

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
