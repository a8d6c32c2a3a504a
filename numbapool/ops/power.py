"""Norms and means of powers: every tap to the p-th, their sum or mean, and the p-th root of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from .base import PoolOp, Scalar, as_it_is, floating, single
from .sum import combine, nothing


def itself(tap: Scalar) -> Scalar:
    return tap


def magnitude(tap: Scalar) -> Scalar:
    return abs(tap)


def square(tap: Scalar) -> Scalar:
    return tap * tap


def cube(tap: Scalar) -> Scalar:
    return tap * tap * tap


def cubed_magnitude(tap: Scalar) -> Scalar:
    return abs(tap * tap * tap)


#: Powers that are products, of the tap as it is and of its magnitude.
PRODUCTS: dict[float, tuple[Callable[..., Any], Callable[..., Any]]] = {
    1.0: (itself, magnitude), 2.0: (square, square), 3.0: (cube, cubed_magnitude),
}  # fmt: skip


def power(p: float, absolute: bool) -> Callable[[Scalar], Scalar]:
    """``lift`` of a tap to its p-th power, or that of its magnitude."""
    if p in PRODUCTS:
        return PRODUCTS[p][absolute]
    if absolute:
        return lambda tap: abs(tap) ** p
    return lambda tap: tap**p


@cache
def lp(p: float, taps: int, absolute: bool) -> PoolOp:
    """torch's lp: a window that hangs over counts as if it were full, of ``taps`` taps.

    With ``absolute`` the norm as it is written: the p-th root of the sum of p-th powers of |x|.
    """
    share, root = (0.0 if absolute else float(taps)), 1 / p

    def full(total, count):  # type: ignore[no-untyped-def]
        return (total / count * share) ** root

    def full_of_squares(total, count):  # type: ignore[no-untyped-def]
        return math.sqrt(total / count * share)

    def full_of_magnitudes(total, count):  # type: ignore[no-untyped-def]
        return total / count * share

    def norm(total, count):  # type: ignore[no-untyped-def]
        return total**root

    def norm_of_squares(total, count):  # type: ignore[no-untyped-def]
        return math.sqrt(total)

    roots = {1.0: as_it_is, 2.0: norm_of_squares} if absolute else \
        {1.0: full_of_magnitudes, 2.0: full_of_squares}  # fmt: skip
    return PoolOp(
        "lp",
        identity=nothing,
        combine=combine,
        lift=power(p, absolute),
        finish=roots.get(p, norm if absolute else full),
        accumulator=single,
        result=floating,
    )


def _largest_magnitude(taps, count):  # type: ignore[no-untyped-def]
    best = abs(taps[0])
    for tap in range(1, count):
        if abs(taps[tap]) > best or taps[tap] != taps[tap]:
            best = abs(taps[tap])
    return best


#: The norm for an infinite p.
LARGEST_MAGNITUDE = PoolOp(
    "lp", identity=nothing, reduce=_largest_magnitude, accumulator=single, result=floating
)


def _mean_of_powers(
    name: str, p: float, lift: Callable[[Scalar], Scalar], slope: Callable[[Scalar], Scalar]
) -> PoolOp:
    """``slope`` of a tap is the derivative of ``lift`` over p."""
    root = 1 / p

    def finish(total, count):  # type: ignore[no-untyped-def]
        return (total / count) ** root

    def finish_of_squares(total, count):  # type: ignore[no-untyped-def]
        return math.sqrt(total / count)

    def finish_of_magnitudes(total, count):  # type: ignore[no-untyped-def]
        return total / count

    def slopes(taps, into, count, divisor):  # type: ignore[no-untyped-def]
        total = 0.0
        for tap in range(count):
            total += lift(taps[tap])
        # No derivative where the result is 0.
        scale = 0.0 if total == 0 else (total / divisor) ** root / total
        for tap in range(count):
            into[tap] = scale * slope(taps[tap])

    return PoolOp(
        name,
        identity=nothing,
        combine=combine,
        slopes=slopes,
        lift=lift,
        finish={1.0: finish_of_magnitudes, 2.0: finish_of_squares}.get(p, finish),
        accumulator=single,
        result=floating,
    )


@cache
def power_average(p: float) -> PoolOp:
    """``mean(|x| ** p) ** (1 / p)``: the mean magnitude for 1, nearer the largest for more."""
    below = power(p - 1, True)

    def slope(tap):  # type: ignore[no-untyped-def]
        return 0.0 if tap == 0 else math.copysign(below(tap), tap)

    return _mean_of_powers("power_avg", p, power(p, True), slope)


@cache
def generalized_mean(p: float, least: float) -> PoolOp:
    """GeM: ``mean(max(x, least) ** p) ** (1 / p)``."""
    raised, below = power(p, False), power(p - 1, True)

    def slope(tap):  # type: ignore[no-untyped-def]
        return below(tap) if tap >= least and tap > 0 else 0.0

    if raised is cube:

        def lift(tap):  # type: ignore[no-untyped-def]
            some = max(tap, least)
            return some * some * some

    else:

        def lift(tap):  # type: ignore[no-untyped-def]
            return max(tap, least) ** p

    return _mean_of_powers("gem", p, lift, slope)
