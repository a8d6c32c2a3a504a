"""The average of the taps. Integers average in float64, NumPy's convention."""

from __future__ import annotations

from .base import PoolOp, Scalar, floating, single
from .sum import combine, nothing


def finish(total: Scalar, count: Scalar) -> Scalar:
    """The sum over the number of taps, or over whatever the caller divides by instead."""
    return total / count


def scale(total: Scalar, share: Scalar) -> Scalar:
    """The same, from one over the number of taps."""
    return total * share


MEAN = PoolOp(
    "avg",
    identity=nothing,
    combine=combine,
    finish=finish,
    scale=scale,
    accumulator=single,
    result=floating,
)
