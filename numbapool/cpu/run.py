"""Folding neighbours in memory into one: vectors of them, then the lanes of the last vector.

Blocks of vectors are piled up pairwise, so that rounding errors of a sum grow with the logarithm of
their number.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import edges, memory, stream, vector
from .frame import LINE
from .memory import WHOLE
from .scalars import Scalars, make_taken

U = np.uintp
SIDE = 4  # folds in flight at a time, each of as many vectors: a block
FEW = 8  # neighbours that are folded one by one


def depth(count: int, lanes: int) -> int:
    """Vectors on the pile for ``count`` neighbours."""
    return (count // (lanes * SIDE * SIDE)).bit_length() + 2


@cache
def make_lanes(s: Scalars, lanes: int) -> Any:
    """Folds the lanes of a vector."""
    combine = s.combine
    fold = inner(lambda value: vector.only(value))
    while lanes > 1:
        fold, lanes = _halving(fold, combine), lanes // 2
    return fold


@cache
def _halving(fold: Any, combine: Any) -> Any:
    return inner(lambda value: fold(combine(vector.lower(value), vector.upper(value))))


@cache
def make_watch(s: Scalars, role: int, lanes: int) -> tuple[Any, Any, Any]:
    """What was watched before any input was read; with two more vectors; whether it was met.

    Kernels that are not blind do not look, nor is what was folded looked at again.
    """
    if not (s.blind and role == memory.INPUT):
        unmet = inner(lambda: False), inner(lambda seen, one, other: False)
        return *unmet, inner(lambda seen: False)
    watched, worse, fill = s.watched, s.worse, s.fill

    def unseen():
        nothing = vector.splat(fill, lanes)
        return watched(nothing, nothing)

    def watch(seen, one, other):
        return worse(seen, watched(one, other))

    return inner(unseen, inlined=True), inner(watch, inlined=True), s.met


@cache
def make_vectors(s: Scalars, role: int) -> Any:
    """Folds ``count`` neighbours to a vector of what lies in its lanes.

    And tells whether it met what is watched in inputs: folded rows are not looked at again.
    """
    combine, accumulator = s.combine, s.accumulator
    nothing = s.fill if role == memory.INPUT else s.identity
    lanes = LINE // np.dtype(accumulator).itemsize
    taken_as, (unseen, watch, met) = make_taken(s, role), make_watch(s, role, lanes)
    zero, one, two, side = U(0), U(1), U(2), U(SIDE)
    many, block = U(lanes), U(SIDE * SIDE)

    def from_afar(x, at, number):
        return stream.lanes(role, x, at + number * many, lanes)

    def from_near(x, at, number):
        return memory.lanes(role, x, at + number * many, lanes)

    loaded = inner(from_afar if role == memory.INPUT else from_near, inlined=True)

    def quarter(x, at, number, seen):
        first, second = loaded(x, at, number), loaded(x, at, number + one)
        third, fourth = loaded(x, at, number + two), loaded(x, at, number + U(3))
        seen = watch(watch(seen, first, second), third, fourth)
        value = combine(combine(taken_as(first), taken_as(second)), taken_as(third))
        return combine(value, taken_as(fourth)), seen

    quarter = inner(quarter, inlined=True)

    def vectors(x, at, count, stack):
        full, seen = count // many, unseen()
        top = zero
        for number in range(zero, full // block * block, block):
            value, seen = quarter(x, at, number, seen)
            for ahead in range(side, block, side):
                later, seen = quarter(x, at, number + ahead, seen)
                value = combine(value, later)
            pairs = number // block + one
            while pairs % two == zero:
                top -= many
                value = combine(memory.lanes(WHOLE, stack, top, lanes), value)
                pairs //= two
            memory.store(WHOLE, stack, top, value)
            top += many
        rest = full // block * block
        valid = vector.iota(np.int32, lanes, 1) < vector.splat(np.int32(count % many), lanes)
        fill = vector.splat(nothing, lanes)
        last = edges.some(role, x, at + full * many, valid, fill)
        value, seen = taken_as(last), watch(seen, last, last)
        while full % side:
            full -= one
            last = loaded(x, at, full)
            value, seen = combine(taken_as(last), value), watch(seen, last, last)
        while full > rest:
            full -= side
            later, seen = quarter(x, at, full, seen)
            value = combine(later, value)
        while top:
            top -= many
            value = combine(memory.lanes(WHOLE, stack, top, lanes), value)
        return value, met(seen)

    return inner(vectors, inlined=True)


@cache
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


@cache
def make_run(s: Scalars, role: int) -> Any:
    """Folds ``count`` neighbours, at least one, and tells whether it met what is watched."""
    combine, taken_as = s.combine, make_taken(s, role)
    lanes = LINE // np.dtype(s.accumulator).itemsize
    vectors, fold = make_vectors(s, role), make_lanes(s, lanes)
    # Of a blind kernel only vectors are looked at.
    one, few = U(1), U(0 if s.blind and role == memory.INPUT else FEW)

    def run(x, at, count, stack):
        if count < few:
            value = taken_as(memory.load(role, x, at))
            for tap in range(one, count):
                value = combine(value, taken_as(memory.load(role, x, at + tap)))
            return value, False
        folded, seen = vectors(x, at, count, stack)
        return fold(folded), seen

    return inner(run)
