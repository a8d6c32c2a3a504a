"""Scalars on half floats, which no processor adds: bits that are compared, or reckoned in float32.

Kernels see 16 bits. A selection orders them by an integer that grows with the float; everything
else is widened first and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from ..ops import PoolOp
from ..ops.base import BFLOAT16, is_half, single
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


def ordered(
    dtype: np.dtype, better: Callable[..., Any], blind: bool
) -> tuple[Any, Any]:
    """``better(candidate, best)``, and whether a candidate is NaN, of bits.

    Nothing is better than NaN, as far as it is seen.
    """
    infinity = int(bits(np.inf, dtype))
    better = inner(better)

    def order(number):
        return vector.pick(number < 0, -32768 - number, number)

    order = inner(order)

    def better_bits(candidate, best):
        return better(order(candidate), order(best))

    def better_than_numbers(candidate, best):
        return better(order(candidate), order(best)) & ((best & 0x7FFF) <= infinity)

    def is_nan_bits(candidate):
        return (candidate & 0x7FFF) > infinity

    return better_bits if blind else better_than_numbers, is_nan_bits


@cache
def in_float32(op: PoolOp) -> PoolOp:
    """``op`` reckoned in float32."""
    return replace(op, accumulator=single)


def fitting(op: PoolOp, dtype: np.dtype) -> PoolOp:
    """``op``, or what it is on halves: only an order of all values is one of their bits."""
    if is_half(dtype) and is_half(op.accumulator(dtype)) and (not op.total or op.omits_nan):
        return in_float32(op)
    return op
