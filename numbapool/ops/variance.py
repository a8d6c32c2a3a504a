"""Variance and standard deviation, from the mean: nothing is lost where that is large."""

from __future__ import annotations

import math
from functools import cache

from .base import PoolOp, double, floating, not_a_number


@cache
def variance(correction: float, root: bool) -> PoolOp:
    """The mean square difference from the mean, over ``count - correction``; or its root."""

    def reduce(taps, count):  # type: ignore[no-untyped-def]
        if count <= correction:
            return math.nan
        about = taps[0]  # near the mean, so that their differences are small
        total = 0.0
        for tap in range(count):
            total += taps[tap] - about
        mean = about + total / count
        squares, rest = 0.0, 0.0
        for tap in range(count):
            away = taps[tap] - mean
            squares += away * away
            rest += away  # nothing but what rounding made of the mean
        found = max(squares - rest * rest / count, 0.0) / (count - correction)
        if squares != squares:
            return squares
        return math.sqrt(found) if root else found

    return PoolOp(
        "std" if root else "var",
        identity=not_a_number,
        reduce=reduce,
        accumulator=double,
        result=floating,
    )
