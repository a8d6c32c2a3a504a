"""An array folded with itself, further on: windows of two or three times as many taps, in place."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import memory, taps, vector
from .scalars import Scalars

U = np.uintp
MOST = 7  # vectors that meet at once


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


@cache
def make_some(s: Scalars, role: int, lanes: int, stride: int) -> Any:
    """Up to `MOST` vectors ``ahead`` of one another met, pairwise; of each every ``stride`` -th."""
    combine, identity = s.combine, s.accumulator(s.identity)
    one, two, four = U(1), U(2), U(4)

    def read(values, at):
        return taps.every(role, values, at, stride, lanes)

    def pair(values, at, ahead):
        return combine(read(values, at), read(values, at + ahead))

    read, pair = inner(read, inlined=True), inner(pair, inlined=True)

    def some(values, at, ahead, count):
        value = vector.splat(identity, lanes)
        if count & one:
            value = read(values, at + (count - one) * ahead)
        if count & two:
            value = combine(pair(values, at + (count & four) * ahead, ahead), value)
        if count & four:
            later = pair(values, at + two * ahead, ahead)
            value = combine(combine(pair(values, at, ahead), later), value)
        return value

    return inner(some, inlined=True)
