"""What becomes of NaN: it wins, it is left out, or it is refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import adapt
from .ops import PoolOp
from .ops.base import BFLOAT16, omitting
from .targets import on_device

POLICIES = ("propagate", "omit", "raise")


def policed(op: PoolOp, x: Any, nan_policy: Any) -> PoolOp:
    """``op``, or what leaves NaN out if ``x`` has one, as the policy says."""
    return omitting(op) if omits(x, nan_policy) else op


def omits(x: Any, nan_policy: Any) -> bool:
    """Whether NaN in ``x`` is to be left out, as the policy says; refuses it if that says so."""
    if nan_policy not in POLICIES:
        raise ValueError(
            f"nan_policy must be one of {', '.join(POLICIES)}, got nan_policy={nan_policy!r}"
        )
    if nan_policy == "propagate":
        return False
    if on_device(x):
        return _omits_there(x, nan_policy)
    array, _ = adapt("input", x)
    brain = array.dtype == BFLOAT16
    if not (array.dtype.kind in "fc" or brain):
        return False
    if not brain:
        with np.errstate(all="ignore"):
            # Infinities of both signs look like one: `omit` runs for nothing then, at worst.
            if not np.isnan(array.sum()):
                return False
    if nan_policy == "omit":
        return True
    found = (array.view(np.int16) & 0x7FFF) > 0x7F80 if brain else np.isnan(array)
    if found.any():
        where = tuple(int(n) for n in np.unravel_index(int(found.argmax()), array.shape))
        raise ValueError(f"input of shape {array.shape} has NaN, the first at {where}")
    return False


def _omits_there(x: Any, nan_policy: str) -> bool:
    """The same of an array on a device, which is looked at only if NaN is refused."""
    from .cuda.run import a_plane_with_nan

    found = None if nan_policy == "omit" else a_plane_with_nan(x)
    if found is not None:
        raise ValueError(f"input of shape {tuple(x.shape)} has NaN, the first in x[{found}]")
    return nan_policy == "omit"
