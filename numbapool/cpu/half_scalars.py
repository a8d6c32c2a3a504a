"""Scalars on half floats, which no processor adds: bits that are compared, or reckoned in float32.

Kernels see 16 bits. A selection makes keys of the taps that it reads, and bits of the key that it
writes; everything else is widened first and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..jit import inner
from ..ops import PoolOp
from ..ops.base import BFLOAT16, as_it_is, is_half, single
from . import halves, vector


def make_widen(dtype: np.dtype) -> Any:
    """What makes float32 of taps of a half type."""
    if dtype == BFLOAT16:
        return inner(lambda bits: halves.brain_widened(bits))
    return inner(lambda bits: halves.widened(bits))


def make_narrow(dtype: np.dtype, finish: Callable[..., Any]) -> Any:
    """``finish(folded, count)`` as bits of a half type."""
    finish = inner(finish)

    def brain(folded, count):
        return halves.brain_narrowed(vector.convert(finish(folded, count), np.float32))

    def half(folded, count):
        return halves.narrowed(vector.convert(finish(folded, count), np.float32))

    return brain if dtype == BFLOAT16 else half


def bits(value: float, dtype: np.dtype) -> Any:
    """A value of a half type as its bits."""
    if dtype == BFLOAT16:
        return np.int16(int(np.float32(value).view(np.int32)) >> 16)
    return np.float16(value).view(np.int16)


def fill(op: PoolOp, dtype: np.dtype) -> Any:
    """The bits of a window without taps."""
    return bits(op.identity(np.dtype(np.float32)), dtype)


class Keys(NamedTuple):
    """Integers in the place of a half type's bits: the better the larger, and NaN above all.

    They tell the two zeros apart, which compare equal: one follows the other. Of equals the first
    is to win.
    """

    key: Callable[..., Any]  # of bits
    finish: Callable[..., Any]  # the bits of a key
    better: Callable[..., Any]  # of two keys, NaN and equal zeros included
    larger: Callable[..., Any]  # of two keys, but for the zeros
    is_nan: Callable[..., Any]
    identity: Any  # the key of a window without taps


@cache
def keys(op: PoolOp, dtype: np.dtype) -> Keys:
    """The order of a selection, which its ``better`` has upwards or downwards."""
    assert op.better is not None
    infinity, most = int(bits(np.inf, dtype)), 0x7FFF
    # Below 0 the larger magnitude is the smaller number. As many NaN as there are of that sign go
    # around, from the lowest keys to the highest.
    beyond = most - infinity
    lower_zero, top = -1 - beyond, infinity - beyond
    up = op.better(np.float32(1), np.float32(0))

    def upwards(number):
        key = vector.pick(number < 0, most - beyond - number, number - beyond)
        return vector.convert(key, np.int16)

    def bits_upwards(key, count):
        order = vector.convert(key + beyond, np.int16)
        return vector.convert(vector.pick(order < 0, most - order, order), np.int16)

    def downwards(number):
        key = vector.pick(number < 0, number - most - 1 - beyond, lower_zero - number)
        return vector.convert(key, np.int16)

    def bits_downwards(key, count):
        order = vector.convert(lower_zero - key, np.int16)
        return vector.convert(vector.pick(order < 0, most - order, order), np.int16)

    def larger(candidate, best):
        return candidate > best

    def better(candidate, best):
        either_zero = vector.pick(best == lower_zero, best + 1, best)
        return candidate > min(either_zero, top)

    def is_nan(key):
        return key > top

    nothing = int(fill(op, dtype))
    if nothing < 0:
        nothing = most - nothing
    identity = np.array(nothing - beyond if up else lower_zero - nothing).astype(np.int16)[()]
    ways = (upwards, bits_upwards) if up else (downwards, bits_downwards)
    key, finish = map(inner, ways)
    return Keys(key, finish, inner(better), inner(larger), inner(is_nan), identity)


@cache
def in_float32(op: PoolOp) -> PoolOp:
    """``op`` reckoned in float32."""
    return replace(op, accumulator=single)


def fitting(op: PoolOp, dtype: np.dtype) -> PoolOp:
    """``op``, or what it is on halves: only an order of all values is one of their bits."""
    plain = op.lift is None and op.finish is as_it_is and not op.omits_nan
    if is_half(dtype) and is_half(op.accumulator(dtype)) and not (op.total and plain):
        return in_float32(op)
    return op
