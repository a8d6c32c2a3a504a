"""Variance and standard deviation, from the mean: nothing is lost where that is large."""

from __future__ import annotations

import math
from functools import cache

from .base import PoolOp, double, floating, not_a_number


def moments(taps, count):  # type: ignore[no-untyped-def]
    """The mean, the sum of squares about it, and of differences: what rounding made of the mean."""
    about = taps[0]  # near the mean, so that their differences are small
    total = 0.0
    for tap in range(count):
        total += taps[tap] - about
    mean = about + total / count
    squares, rest = 0.0, 0.0
    for tap in range(count):
        away = taps[tap] - mean
        squares += away * away
        rest += away
    return mean, squares, rest


@cache
def variance(correction: float, root: bool) -> PoolOp:
    """The mean square difference from the mean, over ``count - correction``; or its root."""

    def reduce(taps, count):  # type: ignore[no-untyped-def]
        if count <= correction:
            return math.nan
        _, squares, rest = moments(taps, count)
        found = max(squares - rest * rest / count, 0.0) / (count - correction)
        if squares != squares:
            return squares
        return math.sqrt(found) if root else found

    def slopes(taps, into, count, divisor):  # type: ignore[no-untyped-def]
        mean, squares, rest = moments(taps, count)
        mean += rest / count
        by = reduce(taps, count) * (count - correction) if root else (count - correction) / 2
        if count <= correction or squares != squares:
            by = math.nan
        for tap in range(count):
            into[tap] = 0.0 if by == 0 else (taps[tap] - mean) / by

    return PoolOp(
        "std" if root else "var",
        identity=not_a_number,
        reduce=reduce,
        slopes=slopes,
        accumulator=double,
        result=floating,
    )
