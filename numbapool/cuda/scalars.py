"""The op's scalars as CUDA kernels call them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from types import CellType, FunctionType
from typing import Any, NamedTuple

import numpy as np

from ..elementwise import choose, larger
from ..ops import PoolOp
from ..ops.base import BFLOAT16, is_half, single
from ..ops.together import seen_together
from .api import SIMULATED, bits_of, device, float_of


class Scalars(NamedTuple):
    """Functions that device code may call, and what they work on."""

    taken: Callable[..., Any]  # what is folded of a tap as it is stored
    combine: Callable[..., Any]
    beats: Callable[..., Any]  # whether a later tap replaces an earlier one
    reduce: Callable[..., Any]  # all taps of a window
    finish: Callable[..., Any]  # as it is stored
    identity: Any
    selects: bool
    accumulator: type
    kind: np.dtype  # that `accumulator` makes
    result: np.dtype  # that `finish` makes
    stamp: int  # of the code


def stored(dtype: np.dtype) -> np.dtype:
    """The type that kernels see: bool is a byte to them, and bfloat16 is bits."""
    if dtype == BFLOAT16:
        return np.dtype(np.int16)
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def fitting(op: PoolOp, dtype: np.dtype) -> PoolOp:
    """``op`` on a dtype: halves are reckoned in float32."""
    return replace(op, accumulator=single) if is_half(op.accumulator(dtype)) else op


@cache
def fitted(function: Callable[..., Any], kind: np.dtype) -> Any:
    """A device function of ``function``, with the plain functions that it calls.

    In float32 the numbers that it closes over are of that type: a float64 beside a float32 would
    make all of it float64, which takes most GPUs many times as long.
    """
    function = SUBSTITUTES.get(function, function)
    if SIMULATED or not isinstance(function, FunctionType):
        return function

    def held(value: Any) -> Any:
        if isinstance(value, FunctionType):
            return fitted(value, kind)
        return np.float32(value) if isinstance(value, float) and kind == np.float32 else value

    cells = tuple(CellType(held(cell.cell_contents)) for cell in function.__closure__ or ())
    reads = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    called = {name: held(it) for name, it in reads.items() if isinstance(it, FunctionType)}
    return device(
        FunctionType(
            function.__code__, function.__globals__ | called, function.__name__,
            function.__defaults__, cells or None,
        )
    )  # fmt: skip


def _from_brain(bits: Any) -> Any:
    return float_of(np.int32(bits) << np.int32(16))


def _to_brain(number: Any) -> Any:
    half, odd, quiet, shift = np.int32(0x7FFF), np.int32(1), np.int32(0x7FC0), np.int32(16)
    if number != number:
        return np.int16(quiet)
    bits = bits_of(np.float32(number))
    upper = bits >> shift
    # To the nearest, and of two as near to the even one: a carry out of the lower bits.
    carry = ((bits & np.int32(0xFFFF)) + half + (upper & odd)) >> shift
    return np.int16(upper + carry)


def _from_half(half: Any) -> Any:
    return np.float32(half)  # arithmetic on halves goes through memory


@cache
def read_as(dtype: np.dtype) -> Any:
    """The number that is stored in an array of ``dtype``."""
    if dtype == np.float16:
        return device(_from_half)
    return device(_from_brain if dtype == BFLOAT16 else _as_it_is)


@cache
def stored_as(dtype: np.dtype) -> Any:
    """A number as an array of ``dtype`` stores it."""
    make = stored(dtype).type
    return device(_to_brain if dtype == BFLOAT16 else lambda number: make(number))


def _taken(op: PoolOp, dtype: np.dtype, kind: np.dtype) -> Any:
    accumulator = kind.type
    lift, read = fitted(op.lift or _as_it_is, kind), read_as(dtype)
    return device(lambda tap: accumulator(lift(accumulator(read(tap)))))


def _as_it_is(tap: Any) -> Any:
    return tap


def _chosen(condition: Any, one: Any, other: Any) -> Any:
    return one if condition else other


def _larger(one: Any, other: Any) -> Any:
    return one if one > other or one != one else other


#: What stands on a device for functions that are NumPy's on arrays of the host.
SUBSTITUTES: dict[Any, Any] = {choose: _chosen, larger: _larger}


def _finish(op: PoolOp, kind: np.dtype, result: np.dtype) -> Any:
    finish, as_stored = fitted(op.finish, kind), stored_as(result)
    return device(lambda folded, count: as_stored(finish(folded, count)))


def _never(candidate: Any, best: Any) -> bool:
    return False


def _beats(op: PoolOp, dtype: np.dtype) -> Any:
    if op.better is None:
        return device(_never)
    better = fitted(op.better, dtype)
    if op.overrides is None or dtype.kind not in "fc":
        return better
    overrides = fitted(op.overrides, dtype)

    def beats(candidate, best):
        return better(candidate, best) | overrides(candidate)

    return device(beats)


def _combine(op: PoolOp, beats: Any, kind: np.dtype) -> Any:
    accumulator = kind.type
    combine = fitted(op.combine or _never, kind)

    def chosen(earlier, later):
        return later if beats(later, earlier) else earlier

    def joined(earlier, later):
        return accumulator(combine(earlier, later))

    return device(joined if op.better is None else chosen)


def scalars(op: PoolOp, dtype: np.dtype, stamp: int) -> Scalars:
    """The scalars of ``op``, one that is `fitting`, on inputs of ``dtype``."""
    kind = stored(op.accumulator(dtype))
    beats = _beats(op, kind)
    combine = _combine(op, beats, kind)
    return Scalars(
        taken=_taken(op, dtype, kind),
        combine=combine,
        beats=beats,
        reduce=seen_together(op, beats, combine, partial(fitted, kind=kind)),
        finish=_finish(op, kind, op.result(dtype)),
        identity=kind.type(op.identity(kind)),
        selects=op.better is not None,
        accumulator=kind.type,
        kind=kind,
        result=stored(op.result(dtype)),
        stamp=stamp,
    )
