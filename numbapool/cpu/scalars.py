"""The op's scalars as the kernels call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..jit import fingerprint, inner
from ..ops import PoolOp
from ..ops.base import as_it_is


class Scalars(NamedTuple):
    """Functions that compiled code may call, and what they work on."""

    combine: Callable[..., Any]
    better: Callable[..., Any]
    rather: Callable[..., Any]
    finish: Callable[..., Any]
    identity: Any
    selects: bool
    divides: bool  # the result depends on the number of taps
    two_zeros: bool  # values that are equal and differ: 0.0 and -0.0
    source: type
    accumulator: type
    result: type
    lane: type  # of an index on its way
    index: type
    fingerprint: int


def _never(candidate: Any, best: Any) -> bool:
    return False


def _selecting(better: Callable[..., Any]) -> Callable[..., Any]:
    def combine(earlier, later):
        return later if better(later, earlier) else earlier

    return combine


def _in_any_order(better: Callable[..., Any]) -> Callable[..., Any]:
    def rather(value, at, best, best_at):
        """Whether a tap wins that may lie before or after the best: equals go by their index.

        Where each is better than the other (NaN and NaN) the later wins, where neither is the
        earlier: just what `better` alone does in row-major order.
        """
        wins = better(value, best)
        loses = better(best, value)
        return (wins & ((not loses) | (at > best_at))) | (
            (not wins) & (not loses) & (at < best_at)
        )

    return rather


def stored(dtype: np.dtype) -> np.dtype:
    """The type that kernels see: bool is a byte to them, 0 or 1."""
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def scalars(op: PoolOp, dtype: np.dtype, lane: type, index: type) -> Scalars:
    """The scalars of ``op`` on inputs of ``dtype``."""
    better = inner(op.better or _never)
    accumulator = stored(op.accumulator(dtype))
    return Scalars(
        combine=inner(op.combine or _selecting(better)),
        better=better,
        rather=inner(_in_any_order(better)),
        finish=inner(op.finish),
        identity=accumulator.type(op.identity(op.accumulator(dtype))),
        selects=op.better is not None,
        divides=op.finish is not as_it_is,
        two_zeros=op.better is not None and dtype.kind == "f",
        source=stored(dtype).type,
        accumulator=accumulator.type,
        result=stored(op.result(dtype)).type,
        lane=lane,
        index=index,
        fingerprint=fingerprint(op),
    )
