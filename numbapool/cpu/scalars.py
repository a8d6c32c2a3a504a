"""The op's scalars as the kernels call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..jit import fingerprint, inner
from ..ops import PoolOp
from ..ops.base import as_it_is
from . import vector


class Scalars(NamedTuple):
    """Functions that compiled code may call, and what they work on."""

    combine: Callable[..., Any]
    better: Callable[..., Any]
    overrides: Callable[..., Any]
    finish: Callable[..., Any]
    identity: Any
    selects: bool
    divides: bool  # the result depends on the number of taps
    blind: bool  # to values that override: a task that meets one is left to another kernel
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


def _selection(op: PoolOp, blind: bool) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """``better(candidate, best)`` and ``combine(earlier, later)`` of an op."""
    if op.better is None:
        assert op.combine is not None, f"{op.name} needs combine or better"
        return inner(_never), inner(op.combine)
    better = inner(op.better)
    if op.overrides is None or blind:
        return better, inner(_selecting(better))
    overrides = inner(op.overrides)
    return inner(_either(better, overrides)), inner(_overriding(better, overrides))


def stored(dtype: np.dtype) -> np.dtype:
    """The type that kernels see: bool is a byte to them, 0 or 1."""
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def may_be_blind(op: PoolOp, dtype: np.dtype) -> bool:
    """Whether there are values that override, but rarely: only floats have NaN."""
    return op.overrides is not None and dtype.kind == "f"


def scalars(
    op: PoolOp, dtype: np.dtype, lane: type, index: type, blind: bool, scaled: bool
) -> Scalars:  # fmt: skip
    """The scalars of ``op`` on inputs of ``dtype``."""
    better, combine = _selection(op, blind)
    accumulator = stored(op.accumulator(dtype))
    return Scalars(
        combine=combine,
        better=better,
        overrides=inner(op.overrides or _nothing),
        finish=inner(op.scale if scaled and op.scale else op.finish),
        identity=accumulator.type(op.identity(op.accumulator(dtype))),
        selects=op.better is not None,
        divides=op.finish is not as_it_is,
        blind=blind,
        two_zeros=op.better is not None and dtype.kind == "f",
        source=stored(dtype).type,
        accumulator=accumulator.type,
        result=stored(op.result(dtype)).type,
        lane=lane,
        index=index,
        fingerprint=fingerprint(op),
    )
