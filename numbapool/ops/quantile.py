"""Median and quantiles, between the two taps that the place falls between, as in NumPy."""

from __future__ import annotations

import math
from functools import cache

from .base import PoolOp, Scalar, floating, not_a_number, single


def neighbours(taps, count, exact):  # type: ignore[no-untyped-def]
    """The taps below and above a place in their order, the same where it is whole."""
    place = int(exact)
    # Hoare's selection: what is before the place is no larger than it, what is behind no less.
    first, last = 0, count - 1
    while first < last:
        pivot = taps[(first + last) // 2]
        low, high = first, last
        while low <= high:
            while taps[low] < pivot:
                low += 1
            while taps[high] > pivot:
                high -= 1
            if low <= high:
                taps[low], taps[high] = taps[high], taps[low]
                low += 1
                high -= 1
        if place <= high:
            last = high
        elif place >= low:
            first = low
        else:
            break
    below = above = taps[place]
    if exact > place:
        above = taps[place + 1]
        for tap in range(place + 2, count):
            above = min(above, taps[tap])
    return below, above


@cache
def quantile(q: float) -> PoolOp:
    """The tap at ``q`` of the way from the smallest, 0, to the largest, 1; any NaN gives NaN."""

    def reduce(taps, count):  # type: ignore[no-untyped-def]
        for tap in range(count):
            if taps[tap] != taps[tap]:
                return taps[tap]
        exact = q * (count - 1)
        below, above = neighbours(taps, count, exact)
        if above == below:  # of two infinities, too
            return below
        share = exact - int(exact)
        between: Scalar = below * (1 - share) + above * share
        return between

    def slopes(taps, into, count, divisor):  # type: ignore[no-untyped-def]
        unknown = 0.0
        for tap in range(count):
            into[tap] = taps[tap]
            if taps[tap] != taps[tap]:
                unknown = math.nan
        exact = q * (count - 1)
        share, below, above = exact - int(exact), math.nan, math.nan
        if unknown == unknown:
            below, above = neighbours(into, count, exact)
        low, high = False, False  # whether the first of their equals was met
        for tap in range(count):
            into[tap] = unknown
            if taps[tap] == below and not low:
                low = True
                into[tap] += 1 - share
            if taps[tap] == above and not high:
                high = True
                into[tap] += share

    return PoolOp(
        "median" if q == 0.5 else f"quantile({q})",
        identity=not_a_number,
        reduce=reduce,
        slopes=slopes,
        accumulator=single,
        result=floating,
    )


MEDIAN = quantile(0.5)
