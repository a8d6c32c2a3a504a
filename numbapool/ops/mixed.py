"""Between the maximum and the average."""

from __future__ import annotations

import math
from functools import cache

from .base import PoolOp, double, floating, not_a_number


@cache
def mixed(alpha: float) -> PoolOp:
    """``alpha`` of the largest tap and the rest of the average; any NaN gives NaN."""

    def reduce(taps, count):  # type: ignore[no-untyped-def]
        peak, total = taps[0], taps[0]
        for tap in range(1, count):
            if taps[tap] > peak:
                peak = taps[tap]
            total += taps[tap]
        if total != total:
            return total
        return alpha * peak + (1 - alpha) * (total / count)

    def slopes(taps, into, count, divisor):  # type: ignore[no-untyped-def]
        first, total = 0, taps[0]
        for tap in range(1, count):
            if taps[tap] > taps[first]:
                first = tap
            total += taps[tap]
        share = (1 - alpha) / count if total == total else math.nan
        for tap in range(count):
            into[tap] = share
        into[first] += alpha

    return PoolOp(
        "mixed",
        identity=not_a_number,
        reduce=reduce,
        slopes=slopes,
        accumulator=double,
        result=floating,
    )
