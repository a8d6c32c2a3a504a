"""Folding a row across: one output per window, the windows a fixed stride apart.

A window of ``k`` taps at stride ``s < k`` is ``q`` groups of ``s`` taps and the first ``r`` of one
more. With every group folded once, all further loads are contiguous and LLVM vectorises them;
taken tap by tap, it would gather.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import inner
from . import memory
from .memory import INPUT, PART, PART_INDEX, TILE, TILE_INDEX, WHOLE, WHOLE_INDEX
from .scalars import Scalars

U = np.uintp


def make_fold(s: Scalars, indexed: bool, taps: int) -> Any:
    """Folds ``taps`` neighbours of a row: their value, and the index that it came from.

    The number is baked in: a loop over a number that LLVM learns only when it inlines this stays a
    loop, and the one around it scalar.
    """
    combine, better, accumulator, lane = s.combine, s.better, s.accumulator, s.lane
    one, end = U(1), U(taps)

    def fold(x, at, index):
        value = accumulator(memory.load(INPUT, x, at))
        where = index
        for tap in range(one, end):
            other = accumulator(memory.load(INPUT, x, at + tap))
            if indexed:
                where = memory.pick(better(other, value), lane(index + lane(tap)), where)
            value = combine(value, other)
        return value, where

    return inner(fold)


def make_across(s: Scalars, kernel: int, stride: int, indexed: bool) -> Any:
    """Folds ``cells`` windows that lie wholly inside a row, the first tap at ``at``."""
    combine, better, lane = s.combine, s.better, s.lane
    step, one = U(stride), U(1)
    groups, rest = U(kernel // stride), U(kernel % stride)
    window = make_fold(s, indexed, kernel)
    group = make_fold(s, indexed, stride)
    start = make_fold(s, indexed, kernel % stride)

    def direct(x, at, index, cells, tile, tile_index, to, whole, whole_index, part, part_index):
        for j in range(cells):
            value, where = window(x, at + j * step, lane(index + lane(j) * lane(step)))
            memory.store(TILE, tile, to + j, value)
            if indexed:
                memory.store(TILE_INDEX, tile_index, to + j, where)

    def grouped(x, at, index, cells, tile, tile_index, to, whole, whole_index, part, part_index):
        last = cells + groups - one
        for j in range(last):
            here = lane(index + lane(j) * lane(step))
            value, where = group(x, at + j * step, here)
            memory.store(WHOLE, whole, j, value)
            if indexed:
                memory.store(WHOLE_INDEX, whole_index, j, where)
            if rest:
                value, where = start(x, at + j * step, here)
                memory.store(PART, part, j, value)
                if indexed:
                    memory.store(PART_INDEX, part_index, j, where)
        if rest:  # the last group may end past the row, its first taps do not
            value, where = start(x, at + last * step, lane(index + lane(last) * lane(step)))
            memory.store(PART, part, last, value)
            if indexed:
                memory.store(PART_INDEX, part_index, last, where)
        for j in range(cells):
            value = memory.load(WHOLE, whole, j)
            where = memory.load(WHOLE_INDEX, whole_index, j)
            for later in range(one, groups):
                other = memory.load(WHOLE, whole, j + later)
                if indexed:
                    there = memory.load(WHOLE_INDEX, whole_index, j + later)
                    where = memory.pick(better(other, value), there, where)
                value = combine(value, other)
            if rest:
                other = memory.load(PART, part, j + groups)
                if indexed:
                    there = memory.load(PART_INDEX, part_index, j + groups)
                    where = memory.pick(better(other, value), there, where)
                value = combine(value, other)
            memory.store(TILE, tile, to + j, value)
            if indexed:
                memory.store(TILE_INDEX, tile_index, to + j, where)

    return inner(direct if stride == 1 or kernel <= stride else grouped)
