"""The sum of the taps. Integers stay integers, in NumPy's widest of their sign."""

from __future__ import annotations

import numpy as np

from .base import PoolOp, Scalar, is_half


def combine(earlier: Scalar, later: Scalar) -> Scalar:
    """Joins the sums of two runs of taps."""
    return earlier + later


def nothing(dtype: np.dtype) -> Scalar:
    """The sum of no taps."""
    return dtype.type(0)


def widest(dtype: np.dtype) -> np.dtype:
    """The dtype that ``numpy.sum`` gives."""
    return np.dtype({"b": np.int64, "i": np.int64, "u": np.uint64}.get(dtype.kind, dtype))


def summing(dtype: np.dtype) -> np.dtype:
    """The same, but float32 for halves."""
    return np.dtype(np.float32) if is_half(dtype) else widest(dtype)


SUM = PoolOp("sum", identity=nothing, combine=combine, accumulator=summing, result=widest)
