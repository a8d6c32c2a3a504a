"""What weighs taps by their exponentials, reckoned from the largest so that none overflows."""

from __future__ import annotations

import math
from functools import cache

from .base import PoolOp, double, floating, not_a_number


def peak_of(taps, count, sharpness):  # type: ignore[no-untyped-def]
    """The largest of the taps times ``sharpness``; any NaN is."""
    peak = taps[0] * sharpness
    for tap in range(1, count):
        scaled = taps[tap] * sharpness
        if scaled > peak or scaled != scaled:
            peak = scaled
    return peak


@cache
def log_sum_exp(sharpness: float, mean: bool) -> PoolOp:
    """``log(sum(exp(r * x))) / r``, or of the mean: between mean and maximum, as r grows."""

    def reduce(taps, count):  # type: ignore[no-untyped-def]
        peak = peak_of(taps, count, sharpness)
        if peak - peak != 0:  # an infinity or NaN: the rest adds nothing
            return peak / sharpness
        total = 0.0
        for tap in range(count):
            total += math.exp(taps[tap] * sharpness - peak)
        if mean:
            total /= count
        return (peak + math.log(total)) / sharpness

    def slopes(taps, into, count, divisor):  # type: ignore[no-untyped-def]
        peak, total = peak_of(taps, count, sharpness), 0.0
        for tap in range(count):
            into[tap] = math.exp(taps[tap] * sharpness - peak)
            total += into[tap]
        for tap in range(count):
            into[tap] /= total

    return PoolOp(
        "lse",
        identity=not_a_number,
        reduce=reduce,
        slopes=slopes,
        accumulator=double,
        result=floating,
    )


def soft(taps, count):  # type: ignore[no-untyped-def]
    """The mean of the taps, each weighed by its exponential."""
    peak = peak_of(taps, count, 1.0)
    if peak - peak != 0:  # an infinity outweighs all others, and NaN is NaN
        return peak
    total, weights = 0.0, 0.0
    for tap in range(count):
        weight = math.exp(taps[tap] - peak)
        total += weight * taps[tap] if weight > 0 else 0.0
        weights += weight
    return total / weights


def soft_slopes(taps, into, count, divisor):  # type: ignore[no-untyped-def]
    """Each tap's weight, times one and its distance from the weighed mean."""
    peak, total, weights = peak_of(taps, count, 1.0), 0.0, 0.0
    for tap in range(count):
        into[tap] = math.exp(taps[tap] - peak)
        total += into[tap] * (taps[tap] - peak) if into[tap] > 0 else 0.0
        weights += into[tap]
    for tap in range(count):
        share = into[tap] / weights
        into[tap] = share if share == 0 else share * (1 + (taps[tap] - peak) - total / weights)


SOFT = PoolOp(
    "soft",
    identity=not_a_number,
    reduce=soft,
    slopes=soft_slopes,
    accumulator=double,
    result=floating,
)
