"""Folding many rows into one, pairwise: rounding errors grow with the logarithm of their number."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import memory
from .scalars import Scalars, make_taken

U = np.uintp
BLOCK = 4


def depth(rows: int) -> int:
    """Slots of the stack that ``rows`` rows need."""
    return (-(-rows // BLOCK)).bit_length() + 2


@cache
def make_pile(s: Scalars, source: int, stack: int) -> Any:
    """Folds ``count`` rows, the first at ``at`` and each ``pitch`` on, into slot 0 of a stack."""
    combine, taken_as = s.combine, make_taken(s, source)
    block, zero, one, two = U(BLOCK), U(0), U(1), U(2)

    def join(values, first, second, width):
        """A slot and the one after it, in the first."""
        for j in range(width):
            value = memory.load(stack, values, first + j)
            other = memory.load(stack, values, second + j)
            memory.store(stack, values, first + j, combine(value, other))

    def together(x, at, pitch, width, values, slot):
        """A block of rows in one pass."""
        for j in range(width):
            value = taken_as(memory.load(source, x, at + j))
            for tap in range(one, block):
                value = combine(value, taken_as(memory.load(source, x, at + tap * pitch + j)))
            memory.store(stack, values, slot + j, value)

    def single(x, at, width, values, slot, fresh):
        """One row, onto what the slot holds already unless it is fresh."""
        for j in range(width):
            value = taken_as(memory.load(source, x, at + j))
            if not fresh:
                value = combine(memory.load(stack, values, slot + j), value)
            memory.store(stack, values, slot + j, value)

    join, together, single = inner(join), inner(together), inner(single)

    def pile(x, at, count, pitch, width, values):
        slot = zero
        blocks = (count + block - one) // block
        for b in range(blocks):
            done = b * block
            start = at + done * pitch
            if count - done >= block:
                together(x, start, pitch, width, values, slot)
            else:
                single(x, start, width, values, slot, True)
                for tap in range(one, count - done):
                    single(x, start + tap * pitch, width, values, slot, False)
            slot += width
            pairs = b + one
            while pairs % two == zero:
                slot -= width
                join(values, slot - width, slot, width)
                pairs //= two
        while slot > width:
            slot -= width
            join(values, slot - width, slot, width)

    return inner(pile)
