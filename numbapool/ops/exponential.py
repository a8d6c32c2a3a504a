"""What weighs taps by their exponentials, reckoned from the largest so that none overflows."""

from __future__ import annotations

import math
from functools import cache

from .base import PoolOp, double, floating, not_a_number


@cache
def log_sum_exp(sharpness: float, mean: bool) -> PoolOp:
    """``log(sum(exp(r * x))) / r``, or of the mean: between mean and maximum, as r grows."""

    def reduce(taps, count):  # type: ignore[no-untyped-def]
        peak = taps[0] * sharpness
        for tap in range(1, count):
            scaled = taps[tap] * sharpness
            if scaled > peak or scaled != scaled:
                peak = scaled
        if peak - peak != 0:  # an infinity or NaN: the rest adds nothing
            return peak / sharpness
        total = 0.0
        for tap in range(count):
            total += math.exp(taps[tap] * sharpness - peak)
        if mean:
            total /= count
        return (peak + math.log(total)) / sharpness

    return PoolOp(
        "lse", identity=not_a_number, reduce=reduce, accumulator=double, result=floating
    )


def soft(taps, count):  # type: ignore[no-untyped-def]
    """The mean of the taps, each weighed by its exponential."""
    peak = taps[0]
    for tap in range(1, count):
        if taps[tap] > peak or taps[tap] != taps[tap]:
            peak = taps[tap]
    if peak - peak != 0:  # an infinity outweighs all others, and NaN is NaN
        return peak
    total, weights = 0.0, 0.0
    for tap in range(count):
        weight = math.exp(taps[tap] - peak)
        total += weight * taps[tap] if weight > 0 else 0.0
        weights += weight
    return total / weights


SOFT = PoolOp("soft", identity=not_a_number, reduce=soft, accumulator=double, result=floating)
