"""What becomes of NaN: it wins, it is left out, or it is refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import target
from .arrays import adapt
from .ops import PoolOp
from .ops.base import BFLOAT16, omitting

POLICIES = ("propagate", "omit", "raise")


def policed(op: PoolOp, x: Any, nan_policy: Any) -> PoolOp:
    """``op``, or what leaves NaN out if ``x`` has one, as the policy says."""
    if nan_policy not in POLICIES:
        raise ValueError(
            f"nan_policy must be one of {', '.join(POLICIES)}, got nan_policy={nan_policy!r}"
        )
    if nan_policy == "propagate":
        return op
    if target.is_cuda(x):
        return _policed_there(op, x, nan_policy)
    array, _ = adapt("input", x)
    brain = array.dtype == BFLOAT16
    if not (array.dtype.kind == "f" or brain):
        return op
    if not brain:
        with np.errstate(all="ignore"):
            # Infinities of both signs look like one: `omit` runs for nothing then, at worst.
            if not np.isnan(array.sum()):
                return op
    if nan_policy == "omit":
        return omitting(op)
    found = (array.view(np.int16) & 0x7FFF) > 0x7F80 if brain else np.isnan(array)
    if found.any():
        where = tuple(int(n) for n in np.unravel_index(int(found.argmax()), array.shape))
        raise ValueError(f"input of shape {array.shape} has NaN, the first at {where}")
    return op


def _policed_there(op: PoolOp, x: Any, nan_policy: str) -> PoolOp:
    """The same of an array on a device, which is looked at only if NaN is refused."""
    from .cuda.run import a_plane_with_nan

    if nan_policy == "omit":
        return omitting(op)
    found = a_plane_with_nan(x)
    if found is not None:
        raise ValueError(f"input of shape {tuple(x.shape)} has NaN, the first in x[{found}]")
    return op
