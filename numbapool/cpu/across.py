"""Folding a row across: one run of taps after another, a fixed stride apart.

A window of ``k`` taps at stride ``s`` is a run of its own where ``s`` is 1 or at least ``k``. Else
it is ``q`` groups of ``s`` taps, and the first ``r`` taps of one more. Every group is folded once,
in ``whole``, and so is its beginning, in ``part``: all further loads are then contiguous, and LLVM
vectorises them. Taken tap by tap, it would gather.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..jit import inner
from . import memory
from .memory import INPUT, PART, PART_INDEX, WHOLE, WHOLE_INDEX
from .scalars import Scalars

U = np.uintp
MOST_LANES = 64


class Runs(NamedTuple):
    """How the windows of an axis are made of runs of taps."""

    taps: int  # in a run
    whole: int  # runs in a window
    part: int  # taps of one more

    @classmethod
    def of(cls, kernel: int, stride: int) -> Runs:
        if stride == 1 or kernel <= stride:
            return cls(kernel, 1, 0)
        return cls(stride, kernel // stride, kernel % stride)

    def count(self, cells: int) -> int:
        """The runs that so many windows need."""
        return cells + self.whole - (self.part == 0)


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


def lanes(s: Scalars) -> int:
    """How many cells are folded side by side: two vectors of most machines.

    A loop over so many, their number baked in, has neither a scalar rest nor a check of whether
    there are enough of them, which cost short rows more than their cells.
    """
    return min(128 // np.dtype(s.accumulator).itemsize, MOST_LANES)


def make_across(s: Scalars, tall: int, runs: Runs, stride: int, indexed: bool) -> Any:
    """Folds ``count`` runs of each of some rows, all inside the row, the first from ``start`` on.

    Rows above and below the input are the nearest one again; ``jump`` rows are passed over after
    every ``tall``. Up to the place ``safe``, whole vectors can be folded without reading past the
    input.
    """
    lane, step, one, vector = s.lane, U(stride), U(1), U(lanes(s) // 2)
    run, beginning = make_fold(s, indexed, runs.taps), make_fold(s, indexed, runs.part)
    partly, tall = runs.part > 0, np.int64(tall)

    def cell(j, x, at, index, whole, whole_index, part, part_index, to):
        here = lane(index + lane(j) * lane(step))
        value, where = run(x, at + j * step, here)
        memory.store(WHOLE, whole, to + j, value)
        if indexed:
            memory.store(WHOLE_INDEX, whole_index, to + j, where)
        if partly:
            value, where = beginning(x, at + j * step, here)
            memory.store(PART, part, to + j, value)
            if indexed:
                memory.store(PART_INDEX, part_index, to + j, where)

    cell = inner(cell)

    def across(
        x, base, by_row, start, low, rows, jump, height, width, count, safe, whole, whole_index,
        part, part_index, to, pitch,
    ):  # fmt: skip
        vectors = (count + vector - one) // vector * vector
        for number in range(rows):
            nearest = min(max(low + number + number // tall * jump, 0), height - 1)
            at, index = base + U(nearest) * by_row + start, lane(nearest * width + np.int64(start))
            for j in range(vectors if at <= safe else count):
                cell(j, x, at, index, whole, whole_index, part, part_index, to)
            to += pitch

    return inner(across)


def make_borders(s: Scalars, tall: int, runs: Runs, stride: int, indexed: bool) -> Any:
    """Folds the runs of each of some rows that are partly or wholly outside the row.

    A selection takes the nearest tap again: it is in the window already. Others take nothing, of
    rows outside the input too.
    """
    combine, better, accumulator, lane = s.combine, s.better, s.accumulator, s.lane
    selects, identity, step, tall = s.selects, s.identity, np.int64(stride), np.int64(tall)
    run_taps, part_taps = np.int64(runs.taps), np.int64(runs.part)

    def border(x, at, width, start, outside, index, whole, whole_index, part, part_index, to):
        value, where = identity, lane(-1)
        for tap in range(run_taps):
            place = start + tap
            nearest = min(max(place, 0), width - 1)
            there = lane(index + nearest)
            other = accumulator(memory.load(INPUT, x, at + U(nearest)))
            if not selects:
                value = combine(
                    value, memory.pick((nearest == place) & (not outside), other, identity)
                )
            elif tap:
                where = memory.pick(better(other, value), there, where)
                value = combine(value, other)
            else:
                value, where = other, there
            if tap + 1 == part_taps:
                memory.store(PART, part, to, value)
                if indexed:
                    memory.store(PART_INDEX, part_index, to, where)
        memory.store(WHOLE, whole, to, value)
        if indexed:
            memory.store(WHOLE_INDEX, whole_index, to, where)

    border = inner(border)

    def borders(
        x, base, by_row, left, low, rows, jump, height, width, count, begin, inside, whole,
        whole_index, part, part_index, to, pitch,
    ):  # fmt: skip
        for number in range(rows):
            row = low + number + number // tall * jump
            nearest = min(max(row, 0), height - 1)
            at, index = base + U(nearest) * by_row, nearest * width
            outside = not selects and nearest != row
            for edge in range(count if outside else count - inside):
                j = edge if outside or edge < begin else edge + inside
                border(
                    x, at, width, np.int64(j) * step - left, outside, index, whole, whole_index,
                    part, part_index, to + j,
                )  # fmt: skip
            to += pitch

    return inner(borders)
