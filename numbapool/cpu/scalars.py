"""The op's scalars as the kernels call them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..jit import fingerprint, inner, with_helpers
from ..ops import PoolOp
from ..ops.base import as_it_is, is_half
from ..ops.together import seen_together
from . import arithmetic, vector  # noqa: F401  the first teaches Numba what scalars do with vectors
from .half_scalars import bits, make_narrow, make_widen, ordered
from .memory import INPUT


class Scalars(NamedTuple):
    """Functions that compiled code may call, and what they work on."""

    combine: Callable[..., Any]
    better: Callable[..., Any]
    overrides: Callable[..., Any]
    reduce: Callable[..., Any]  # all taps of a window
    lift: Callable[..., Any]
    widen: Callable[..., Any] | None  # halves to float32
    finish: Callable[..., Any]
    identity: Any
    selects: bool
    divides: bool  # the result depends on the number of taps
    blind: bool  # to values that override: a task that meets one is left to another kernel
    ambiguous: bool  # of other values that are equal: the first of them is looked for
    two_zeros: bool  # values that are equal and differ: 0.0 and -0.0
    source: type
    accumulator: type
    result: type
    lane: type  # of an index on its way
    index: type
    fingerprint: int


def _never(candidate: Any, best: Any) -> bool:
    return False


def _nothing(candidate: Any) -> Any:
    return candidate < candidate  # false, of a scalar and of every lane


def _either(better: Callable[..., Any], overrides: Callable[..., Any]) -> Callable[..., Any]:
    def either(candidate, best):
        return better(candidate, best) | overrides(candidate)

    return either


def _selecting(better: Callable[..., Any]) -> Callable[..., Any]:
    def combine(earlier, later):
        return vector.pick(better(later, earlier), later, earlier)

    return combine


def _overriding(better: Callable[..., Any], overrides: Callable[..., Any]) -> Callable[..., Any]:
    # One choice after the other takes an instruction less: the inner one is a maximum.
    def combine(earlier, later):
        best = vector.pick(better(later, earlier), later, earlier)
        return vector.pick(overrides(later), later, best)

    return combine


def _selection(
    op: PoolOp, dtype: np.dtype, blind: bool
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """``better(candidate, best)`` and ``combine(earlier, later)`` of an op, reckoned in a dtype."""
    if op.better is None:
        return inner(_never), inner(op.combine or _never)
    better, overrides = op.better, op.overrides
    if is_half(dtype):
        better, is_nan = ordered(dtype, better, blind)
        overrides = is_nan if overrides else None
    better = inner(better)
    if overrides is None or blind:
        return better, inner(_selecting(better))
    overrides = inner(overrides)
    return inner(_either(better, overrides)), inner(_overriding(better, overrides))


def _as_it_is(tap: Any) -> Any:
    return tap


def stored(dtype: np.dtype) -> np.dtype:
    """The type that kernels see: bool is a byte to them, 0 or 1, and halves are bits."""
    if is_half(dtype):
        return np.dtype(np.int16)
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def may_be_blind(op: PoolOp, dtype: np.dtype) -> bool:
    """Whether there are values that override, but rarely: only floats have NaN."""
    return op.overrides is not None and (dtype.kind == "f" or is_half(dtype))


@cache
def make_taken(s: Scalars, role: int) -> Any:
    """What is folded of a tap, or of a vector of them; only those of the input are lifted."""
    accumulator, lift, widen = s.accumulator, s.lift, s.widen
    if role == INPUT and widen is not None:
        return inner(
            lambda taps: vector.convert(lift(vector.convert(widen(taps), accumulator)), accumulator)
        )
    if role != INPUT:
        return inner(lambda taps: vector.convert(taps, accumulator))
    return inner(lambda taps: vector.convert(lift(vector.convert(taps, accumulator)), accumulator))


@cache
def scalars(
    op: PoolOp, dtype: np.dtype, lane: type, index: type, blind: bool, scaled: bool
) -> Scalars:  # fmt: skip
    """The scalars of ``op`` on inputs of ``dtype``."""
    reckoned, result = op.accumulator(dtype), op.result(dtype)
    better, combine = _selection(op, reckoned, blind)
    accumulator = stored(reckoned)
    finish = op.scale if scaled and op.scale else op.finish
    if is_half(result) and not is_half(reckoned):
        finish = make_narrow(result, finish)
    overrides = op.overrides or _nothing
    if is_half(reckoned):
        nothing = bits(op.identity(np.dtype(np.float32)), reckoned)
        overrides = ordered(reckoned, better, blind)[1]
    else:
        nothing = accumulator.type(op.identity(reckoned))
    return Scalars(
        combine=combine,
        better=better,
        overrides=inner(overrides),
        reduce=seen_together(op, better, combine, with_helpers),
        lift=inner(op.lift or _as_it_is),
        widen=make_widen(dtype) if is_half(dtype) and not is_half(reckoned) else None,
        finish=inner(finish),
        identity=nothing,
        selects=op.better is not None,
        divides=op.finish is not as_it_is,
        blind=blind,
        ambiguous=op.better is not None and (not op.total or is_half(reckoned)),
        two_zeros=op.better is not None and reckoned.kind == "f" and not is_half(reckoned),
        source=stored(dtype).type,
        accumulator=accumulator.type,
        result=stored(result).type,
        lane=lane,
        index=index,
        fingerprint=fingerprint(op),
    )
