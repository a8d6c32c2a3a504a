"""The smallest tap; the first of equals, and any NaN wins, the last one by index."""

from __future__ import annotations

import numpy as np

from .base import PoolOp, Scalar, is_nan


def better(candidate: Scalar, best: Scalar) -> bool:
    """A later tap replaces the best if it is smaller."""
    return candidate < best


def highest(dtype: np.dtype) -> Scalar:
    """What no tap is above."""
    if dtype.kind == "b":
        return np.bool_(True)
    return dtype.type(np.inf) if dtype.kind == "f" else dtype.type(np.iinfo(dtype).max)


MIN = PoolOp("min", identity=highest, better=better, overrides=is_nan, total=True)
