"""An array folded with itself, further on: windows of two or three times as many taps, in place."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import memory, vector
from .scalars import Scalars

U = np.uintp


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
