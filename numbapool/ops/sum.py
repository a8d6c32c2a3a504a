"""The sum of the taps. Integers stay integers, in NumPy's widest of their sign."""

from __future__ import annotations

import numpy as np

from .base import PoolOp, Scalar


def combine(earlier: Scalar, later: Scalar) -> Scalar:
    """Joins the sums of two runs of taps."""
    return earlier + later


def nothing(dtype: np.dtype) -> Scalar:
    """The sum of no taps."""
    return dtype.type(0)


def widest(dtype: np.dtype) -> np.dtype:
    """The dtype that ``numpy.sum`` gives."""
    return np.dtype({"b": np.int64, "i": np.int64, "u": np.uint64}.get(dtype.kind, dtype))


SUM = PoolOp("sum", identity=nothing, combine=combine, accumulator=widest, result=widest)
