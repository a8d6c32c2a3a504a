"""Folding many rows into one, pairwise: rounding errors grow with the logarithm of their number."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..jit import inner
from . import memory, vector
from .memory import TILE, TILE_INDEX, WHOLE, WHOLE_INDEX
from .scalars import Scalars

U = np.uintp
BLOCK = 4


class Stack(NamedTuple):
    """The roles of the array that rows are piled up in, and of the row that each tap is from."""

    values: int
    rows: int


IN_TILE = Stack(TILE, TILE_INDEX)
IN_WHOLE = Stack(WHOLE, WHOLE_INDEX)


def depth(rows: int) -> int:
    """Slots of the stack that ``rows`` rows need."""
    return (-(-rows // BLOCK)).bit_length() + 2


def make_pile(s: Scalars, source: int, stack: Stack, indexed: bool) -> Any:
    """Folds ``count`` rows, the first at ``at`` and each ``pitch`` on, into slot 0 of a stack."""
    combine, better, accumulator, lane = s.combine, s.better, s.accumulator, s.lane
    in_values, in_rows = stack
    block, zero, one, two = U(BLOCK), U(0), U(1), U(2)

    def join(values, rows, first, second, width):
        """A slot and the one after it, in the first."""
        for j in range(width):
            value = memory.load(in_values, values, first + j)
            other = memory.load(in_values, values, second + j)
            if indexed:
                row = memory.load(in_rows, rows, first + j)
                there = memory.load(in_rows, rows, second + j)
                row = vector.pick(better(other, value), there, row)
                memory.store(in_rows, rows, first + j, row)
            memory.store(in_values, values, first + j, combine(value, other))

    def together(x, at, pitch, width, row, values, rows, slot):
        """A block of rows in one pass."""
        for j in range(width):
            value = accumulator(memory.load(source, x, at + j))
            where = row
            for tap in range(one, block):
                other = accumulator(memory.load(source, x, at + tap * pitch + j))
                if indexed:
                    where = vector.pick(better(other, value), lane(row + lane(tap)), where)
                value = combine(value, other)
            memory.store(in_values, values, slot + j, value)
            if indexed:
                memory.store(in_rows, rows, slot + j, where)

    def single(x, at, width, row, values, rows, slot, fresh):
        """One row, onto what the slot holds already unless it is fresh."""
        for j in range(width):
            value = accumulator(memory.load(source, x, at + j))
            where = row
            if not fresh:
                best = memory.load(in_values, values, slot + j)
                if indexed:
                    there = memory.load(in_rows, rows, slot + j)
                    where = vector.pick(better(value, best), row, there)
                value = combine(best, value)
            memory.store(in_values, values, slot + j, value)
            if indexed:
                memory.store(in_rows, rows, slot + j, where)

    join, together, single = inner(join), inner(together), inner(single)

    def pile(x, at, count, pitch, width, values, rows):
        slot = zero
        blocks = (count + block - one) // block
        for b in range(blocks):
            done = b * block
            start = at + done * pitch
            if count - done >= block:
                together(x, start, pitch, width, lane(done), values, rows, slot)
            else:
                single(x, start, width, lane(done), values, rows, slot, True)
                for tap in range(one, count - done):
                    single(
                        x, start + tap * pitch, width, lane(done + tap), values, rows, slot, False
                    )
            slot += width
            pairs = b + one
            while pairs % two == zero:
                slot -= width
                join(values, rows, slot - width, slot, width)
                pairs //= two
        while slot > width:
            slot -= width
            join(values, rows, slot - width, slot, width)

    return inner(pile)
