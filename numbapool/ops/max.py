"""The largest tap; the first of equals, and any NaN wins, the last one by index."""

from __future__ import annotations

import numpy as np

from .base import PoolOp, Scalar, is_nan


def better(candidate: Scalar, best: Scalar) -> bool:
    """A later tap replaces the best if it is larger."""
    return candidate > best


def lowest(dtype: np.dtype) -> Scalar:
    """What no tap is below."""
    if dtype.kind == "b":
        return np.bool_(False)
    return dtype.type(-np.inf) if dtype.kind == "f" else dtype.type(np.iinfo(dtype).min)


MAX = PoolOp("max", identity=lowest, better=better, overrides=is_nan, total=True)
