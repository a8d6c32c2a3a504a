"""What becomes of NaN: it wins, it is left out, or it is refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import adapt
from .ops import PoolOp
from .ops.base import omitting

POLICIES = ("propagate", "omit", "raise")


def policed(op: PoolOp, x: Any, nan_policy: Any) -> PoolOp:
    """``op``, or what leaves NaN out if ``x`` has one, as the policy says."""
    if nan_policy not in POLICIES:
        raise ValueError(
            f"nan_policy must be one of {', '.join(POLICIES)}, got nan_policy={nan_policy!r}"
        )
    array, _ = adapt("input", x)
    if nan_policy == "propagate" or array.dtype.kind != "f":
        return op
    with np.errstate(all="ignore"):
        # Infinities of both signs look like one: then what leaves NaN out runs for nothing.
        if not np.isnan(array.sum()):
            return op
    if nan_policy == "omit":
        return omitting(op)
    found = np.isnan(array)
    if found.any():
        where = tuple(int(n) for n in np.unravel_index(int(found.argmax()), array.shape))
        raise ValueError(f"input of shape {array.shape} has NaN, the first at {where}")
    return op
