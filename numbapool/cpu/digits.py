"""Windows across a folded row that a few vectors hold, looked up in the row doubled in registers.

Windows of 1, 2, 4, ... taps are one for each binary digit. A window is what two of them select,
which overlap, or, of sums, one for each digit of how many taps it has.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import edges, lookup, memory, vector
from .frame import LINE
from .memory import INPUT, OUTPUT, TILE
from .pile import make_short
from .scalars import Scalars

U = np.uintp


def lookups(intervals: np.ndarray, lanes: int, selects: bool) -> np.ndarray:
    """What the kernel is told of the windows of each plane, or of all, in lines.

    The first has the highest digit, which digits any window has, and how many places there are for
    as many windows as a vector has ``lanes``. The others have these places, digit by digit: one of
    each window, of selections two. They are -1 where a window does not have the digit.
    """
    low, taps = intervals[..., 0], intervals[..., 1] - intervals[..., 0]
    digits = np.arange(max(int(taps.max()).bit_length(), 1))
    highest = taps[..., None] >> digits == 1
    there = highest if selects else (taps[..., None] >> digits & 1) == 1
    before = (taps[..., None] >> (digits + 1)) << (digits + 1)
    first = np.where(there, low[..., None] + before, -1)
    second = np.where(there, (low + taps)[..., None] - (1 << digits), -1)
    places = np.stack([first, second] if selects else [first], -1)
    wanted = there.any(tuple(range(there.ndim - 1)))
    places = places[..., wanted, :].reshape(*low.shape, -1)
    missing = [(0, 0)] * (low.ndim - 1) + [(0, -low.shape[-1] % lanes), (0, 0)]
    padded = np.pad(places, missing, constant_values=-1)
    chunks = padded.reshape(*low.shape[:-1], -1, lanes, places.shape[-1]).swapaxes(-1, -2)
    lines = chunks.reshape(*low.shape[:-1], -1).astype(f"i{LINE // lanes}").view(np.int64)
    head = np.zeros((*low.shape[:-1], LINE // 8), np.int64)
    head[..., :3] = digits[-1], (wanted << digits).sum(), lanes * places.shape[-1]
    return np.concatenate([head, lines], -1)


@cache
def _make_found(s: Scalars, wide: int, by: int) -> Any:
    """Windows made of those of ``by`` taps, of which the row is, and of twice as many, ...

    As far as the highest digit, so many rounds on; ``wanted`` are the digits that any window has.
    """
    combine, selects, identity = s.combine, s.selects, s.accumulator(s.identity)
    lanes = LINE // np.dtype(s.accumulator).itemsize
    one, taps, many = U(1), U(by), U(lanes)
    above = None if by == wide else _make_found(s, wide, 2 * by)

    def met(row, value, places, at):
        first = memory.lanes(INPUT, places, at, lanes)
        found = lookup.lanes(row, first)
        if selects:
            others = memory.lanes(INPUT, places, at + many, lanes)
            found = combine(found, lookup.lanes(row, others))
        else:
            found = combine(value, found)
        return vector.pick(first < 0, value, found)

    met, each = inner(met, inlined=True), U(2 * lanes if selects else lanes)

    def last(row, value, places, at, rounds, wanted):
        if wanted & taps:
            value = met(row, value, places, at)
        return value

    def found(row, value, places, at, rounds, wanted):
        if wanted & taps:
            value = met(row, value, places, at)
            at += each
        if rounds:
            row = combine(row, vector.behind(row, vector.splat(identity, wide), by))
            value = above(row, value, places, at, rounds - one, wanted)
        return value

    return inner(found if above else last, inlined=True)


@cache
def make_by_digits(s: Scalars, vectors: int) -> Any:
    """All windows of an output row, whose inputs so many ``vectors`` hold."""
    accumulator, result, identity, divides = s.accumulator, s.result, s.identity, s.divides
    item = np.dtype(accumulator).itemsize
    lanes, place_type = LINE // item, np.dtype(f"i{item}").type
    wide = vectors * lanes
    (short, _), found = make_short(s, INPUT, TILE, vectors), _make_found(s, wide, 1)
    finish, zero, one, two, many, line = s.finish, U(0), U(1), U(2), U(lanes), U(LINE)

    def by_digits(
        x, base, taken, pitch, width, tile, told, cells, step, stack, parts, counts, waiting,
        down_count, across_counts, out, to,
    ):  # fmt: skip
        folded, met = vector.splat(accumulator(identity), wide), False
        if taken:
            folded, met = short(x, base, taken, pitch, width, tile)
        head = memory.pointer(told, np.int64)
        rounds, wanted = U(memory.load(INPUT, head, zero)), U(memory.load(INPUT, head, one))
        chunk = U(memory.load(INPUT, head, two))
        places, at = memory.pointer(told + line, place_type), zero
        count = vector.splat(down_count, lanes)
        for j in range(zero, cells, many):
            value = vector.splat(accumulator(identity), lanes)
            value = found(folded, value, places, at, rounds, wanted)
            at += chunk
            if divides:
                count = memory.lanes(INPUT, across_counts, j, lanes)
                count *= vector.splat(down_count, lanes)
            done = vector.convert(finish(value, count), result)
            edges.store_some(OUTPUT, out, to + j, zero, done, lanes, vector.least(many, cells - j))
            folded = vector.apart(folded)  # or all digits would be doubled before the loop
        return waiting, counts, met

    return inner(by_digits, inlined=True)
