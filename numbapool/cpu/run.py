"""Folding neighbours in memory into one: vectors of them, then the lanes of the last vector.

Blocks of vectors are piled up pairwise, so that rounding errors of a sum grow with the logarithm of
their number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import inner
from . import memory, vector
from .memory import WHOLE, WHOLE_INDEX
from .scalars import Scalars

U = np.uintp
LINE = 64  # bytes of a vector
SIDE = 4  # folds in flight at a time, each of as many vectors: a block
FEW = 8  # neighbours that are folded one by one


def depth(count: int, lanes: int) -> int:
    """Vectors on the pile for ``count`` neighbours."""
    return (count // (lanes * SIDE * SIDE)).bit_length() + 2


def make_lanes(s: Scalars, lanes: int, indexed: bool) -> Any:
    """Folds the lanes of a vector, which hold taps in no order: equals go by their index."""
    combine, rather = s.combine, s.rather

    def last(value, where):
        return vector.only(value), vector.only(where)

    fold = inner(last)
    while lanes > 1:
        fold, lanes = _halving(fold, combine, rather, indexed), lanes // 2
    return fold


def _halving(fold: Any, combine: Any, rather: Any, indexed: bool) -> Any:
    def halve(value, where):
        first, second = vector.lower(value), vector.upper(value)
        if not indexed:
            return fold(combine(first, second), vector.lower(where))
        near, far = vector.lower(where), vector.upper(where)
        wins = rather(second, far, first, near)
        return fold(vector.pick(wins, second, first), vector.pick(wins, far, near))

    return inner(halve)


def make_vectors(s: Scalars, role: int, indexed: bool) -> Any:
    """Folds ``count`` neighbours to a vector of what lies in its lanes, and in which of them."""
    combine, better, accumulator, lane = s.combine, s.better, s.accumulator, s.lane
    source = s.accumulator if role != memory.INPUT else s.source
    identity = s.identity
    lanes = LINE // np.dtype(accumulator).itemsize
    zero, one, two, side = U(0), U(1), U(2), U(SIDE)
    many, block = U(lanes), U(SIDE * SIDE)

    def meet(value, where, other, there):
        if indexed:
            where = vector.pick(better(other, value), there, where)
        return combine(value, other), where

    meet = inner(meet)

    def loaded(x, at, number):
        value = vector.convert(memory.lanes(role, x, at + number * many, lanes), accumulator)
        return value, vector.splat(lane(number), lanes)

    loaded = inner(loaded)

    def quarter(x, at, number):
        value, where = loaded(x, at, number)
        for ahead in range(one, side):
            other, there = loaded(x, at, number + ahead)
            value, where = meet(value, where, other, there)
        return value, where

    quarter = inner(quarter)

    def vectors(x, at, count, stack, stack_index):
        full = count // many
        top = zero
        for number in range(zero, full // block * block, block):
            value, where = quarter(x, at, number)
            for ahead in range(side, block, side):
                other, there = quarter(x, at, number + ahead)
                value, where = meet(value, where, other, there)
            pairs = number // block + one
            while pairs % two == zero:
                top -= many
                value, where = meet(
                    memory.lanes(WHOLE, stack, top, lanes),
                    memory.lanes(WHOLE_INDEX, stack_index, top, lanes), value, where,
                )  # fmt: skip
                pairs //= two
            memory.store(WHOLE, stack, top, value)
            if indexed:
                memory.store(WHOLE_INDEX, stack_index, top, where)
            top += many
        rest = full // block * block
        valid = vector.iota(np.int32, lanes, 1) < vector.splat(np.int32(count % many), lanes)
        fill = vector.splat(source(identity), lanes)
        value = vector.convert(memory.some(role, x, at + full * many, valid, fill), accumulator)
        where = vector.splat(lane(full), lanes)
        while full % side:
            full -= one
            other, there = loaded(x, at, full)
            value, where = meet(other, there, value, where)
        while full > rest:
            full -= side
            other, there = quarter(x, at, full)
            value, where = meet(other, there, value, where)
        while top:
            top -= many
            value, where = meet(
                memory.lanes(WHOLE, stack, top, lanes),
                memory.lanes(WHOLE_INDEX, stack_index, top, lanes), value, where,
            )  # fmt: skip
        return value, where

    return inner(vectors, inlined=True)


def make_tree(s: Scalars, role: int, count: int, lanes: int) -> Any:
    """Folds ``count`` vectors in memory into one, each to its share of the lanes."""
    combine = s.combine
    if count == 1:
        return inner(lambda parts, at: memory.lanes(role, parts, at, lanes))
    half = make_tree(s, role, count // 2, lanes)
    groups, beyond = count // 2, U(count // 2 * lanes)

    def tree(parts, at):
        first, second = half(parts, at), half(parts, at + beyond)
        low = vector.halves(first, second, groups, 0)
        return combine(low, vector.halves(first, second, groups, 1))

    return inner(tree, inlined=lanes <= 16)


def make_run(s: Scalars, role: int, indexed: bool) -> Any:
    """Folds ``count`` neighbours, at least one: their value, and how far on it lies."""
    combine, better, accumulator, lane = s.combine, s.better, s.accumulator, s.lane
    lanes = LINE // np.dtype(accumulator).itemsize
    vectors, fold = make_vectors(s, role, indexed), make_lanes(s, lanes, indexed)
    one, few, many = U(1), U(FEW), U(lanes)

    def run(x, at, count, stack, stack_index):
        if count < few:
            best, place = accumulator(memory.load(role, x, at)), lane(0)
            for tap in range(one, count):
                tapped = accumulator(memory.load(role, x, at + tap))
                if indexed:
                    place = vector.pick(better(tapped, best), lane(tap), place)
                best = combine(best, tapped)
            return best, place
        value, where = vectors(x, at, count, stack, stack_index)
        place = where * vector.splat(lane(many), lanes) + vector.iota(lane, lanes, 1)
        return fold(value, place)

    return inner(run)
