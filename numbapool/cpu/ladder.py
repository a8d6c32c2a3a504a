"""An array folded with itself, further on: windows of two or three times as many taps, in place."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import memory, vector
from .scalars import Scalars

U = np.uintp


@inner
def ends(kernel: Any, taken: Any) -> Any:
    """Where windows of ``taken`` taps lie that cover one of at most four times as many.

    One ``near``, and, unless 0, such a pair ``far`` on.
    """
    if kernel > taken + taken:
        return taken, kernel - taken - taken
    return kernel - taken, U(0)


@cache
def make_meet(s: Scalars, role: int, index_role: int, lanes: int, indexed: bool) -> Any:
    """A vector of an array, and the one after it that lies ``ahead``, folded into one."""
    combine, better = s.combine, s.better

    def meet(values, indices, at, ahead):
        value = memory.lanes(role, values, at, lanes)
        where = memory.lanes(index_role, indices, at, lanes)
        other = memory.lanes(role, values, at + ahead, lanes)
        if indexed:
            there = memory.lanes(index_role, indices, at + ahead, lanes)
            where = vector.pick(better(other, value), there, where)
        return combine(value, other), where

    return inner(meet)


@cache
def make_double(s: Scalars, role: int, index_role: int, lanes: int, indexed: bool) -> Any:
    """Every place of an array met with the one that lies ``ahead``, in place."""
    meet = make_meet(s, role, index_role, lanes, indexed)
    many = U(lanes)

    def double(values, indices, count, ahead):
        for at in range(U(0), count, many):
            value, where = meet(values, indices, at, ahead)
            memory.store(role, values, at, value)
            if indexed:
                memory.store(index_role, indices, at, where)

    return inner(double)


@cache
def make_quadruple(s: Scalars, role: int, index_role: int, lanes: int, indexed: bool) -> Any:
    """Doubled twice in one go: the second time by twice as far ``ahead``."""
    meet, combine, better = make_meet(s, role, index_role, lanes, indexed), s.combine, s.better
    two, many = U(2), U(lanes)

    def quadruple(values, indices, count, ahead):
        for at in range(U(0), count, many):
            value, where = meet(values, indices, at, ahead)
            other, there = meet(values, indices, at + two * ahead, ahead)
            if indexed:
                where = vector.pick(better(other, value), there, where)
                memory.store(index_role, indices, at, where)
            memory.store(role, values, at, combine(value, other))

    return inner(quadruple)


@cache
def make_triple(s: Scalars, role: int, lanes: int) -> Any:
    """Every place of an array met with the ones that lie ``ahead`` and twice as far, in place."""
    combine = s.combine
    two, many = U(2), U(lanes)

    def triple(values, count, ahead):
        for at in range(U(0), count, many):
            value = memory.lanes(role, values, at, lanes)
            value = combine(value, memory.lanes(role, values, at + ahead, lanes))
            value = combine(value, memory.lanes(role, values, at + two * ahead, lanes))
            memory.store(role, values, at, value)

    return inner(triple)
