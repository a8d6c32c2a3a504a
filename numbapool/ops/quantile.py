"""Median and quantiles, between the two taps that the place falls between, as in NumPy."""

from __future__ import annotations

from functools import cache

from .base import PoolOp, Scalar, floating, not_a_number, single


@cache
def quantile(q: float) -> PoolOp:
    """The tap at ``q`` of the way from the smallest, 0, to the largest, 1; any NaN gives NaN."""

    def reduce(taps, count):  # type: ignore[no-untyped-def]
        for tap in range(count):
            if taps[tap] != taps[tap]:
                return taps[tap]
        exact = q * (count - 1)
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
        value = taps[place]
        share = exact - place
        if share == 0:
            return value
        above = taps[place + 1]
        for tap in range(place + 2, count):
            above = min(above, taps[tap])
        if above == value:  # of two infinities, too
            return value
        between: Scalar = value * (1 - share) + above * share
        return between

    return PoolOp(
        "median" if q == 0.5 else f"quantile({q})",
        identity=not_a_number,
        reduce=reduce,
        accumulator=single,
        result=floating,
    )


MEDIAN = quantile(0.5)
