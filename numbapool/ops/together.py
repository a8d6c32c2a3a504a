"""A reduction of all taps of a window at once, for any op and any target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .base import PoolOp

Compiled = Callable[[Callable[..., Any]], Any]


def _never(candidate: Any, best: Any) -> bool:
    return False


def _omitting(reduce: Any) -> Callable[..., Any]:
    """A fold without taps that are NaN; it tells how many those were."""

    def omitted(taps, count):  # type: ignore[no-untyped-def]
        nothing, kept = taps[0], 0
        for tap in range(count):
            if taps[tap] == taps[tap]:
                taps[kept] = taps[tap]
                kept += 1
        if kept == 0:
            return nothing, -1, 0
        value, chosen, _ = reduce(taps, kept)
        return value, chosen, count - kept

    return omitted


def _selecting_numbers(better: Any) -> Callable[..., Any]:
    """A selection among taps that are not NaN."""

    def selected(taps, count):  # type: ignore[no-untyped-def]
        value, chosen = taps[0], -1
        for tap in range(count):
            if taps[tap] == taps[tap] and (chosen < 0 or better(taps[tap], value)):
                value, chosen = taps[tap], tap
        return value, chosen, 0

    return selected


def seen_together(op: PoolOp, better: Any, combine: Any, compiled: Compiled) -> Any:
    """``reduce(taps, count)`` of an op: its own, or what its better or combine comes to.

    The value, which tap it is, and how many were left out. ``better`` and ``combine`` are
    ``compiled`` for the target already.
    """
    reduce = compiled(op.reduce or _never)

    def as_said(taps, count):  # type: ignore[no-untyped-def]
        return reduce(taps, count), 0, 0

    def selected(taps, count):  # type: ignore[no-untyped-def]
        value, chosen = taps[0], 0
        for tap in range(1, count):
            if better(taps[tap], value):
                value, chosen = taps[tap], tap
        return value, chosen, 0

    def folded(taps, count):  # type: ignore[no-untyped-def]
        while count > 1:  # pairwise, in their order
            pairs = count // 2
            for pair in range(pairs):
                taps[pair] = combine(taps[2 * pair], taps[2 * pair + 1])
            if count % 2:
                taps[pairs] = taps[count - 1]
            count -= pairs
        return taps[0], 0, 0

    if op.better is not None:
        return compiled(_selecting_numbers(better) if op.omits_nan else selected)
    whole = folded if op.reduce is None else as_said
    return compiled(_omitting(compiled(whole)) if op.omits_nan else whole)
