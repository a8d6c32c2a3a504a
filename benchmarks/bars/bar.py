"""A bar: a figure, and what it has to be."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from ..report import table

AGAIN = 6  # cases that are measured once more
HEAD = ("what", "bar", "today", "the floor", "")
FLOORS = "copy", "reading"  # how the names of what is no peer begin


@dataclass(frozen=True)
class Bar:
    """``value`` is to be at least ``limit``, or at most where ``most`` is set."""

    what: str
    limit: float
    value: float
    most: bool = False
    where: str = ""  # the case that gave the value, where it is the worst of several
    seconds: Mapping[str, float] = field(default_factory=dict)  # what was timed in that case
    copy: float | None = None  # the value that the floor has, mostly a copy of the same bytes

    @property
    def met(self) -> bool:
        return self.value <= self.limit if self.most else self.value >= self.limit

    def cells(self) -> tuple[str, str, str, str, str]:
        bound = f"{'≤' if self.most else '≥'} {self.limit:g}"
        verdict = "met" if self.met else "missed"
        place = f" ({self.where})" if self.where and not self.met else ""
        least = "" if self.copy is None else f"{self.copy:.2f}"
        return self.what, bound, f"{self.value:.2f}", least, verdict + place


def mean(ratios: Iterable[float]) -> float:
    return statistics.geometric_mean(ratios)


def over(seconds: Mapping[str, float], others: Iterable[str] = ()) -> float:
    """How many times as fast as the fastest of some peers we are, or of all that were timed."""
    everyone = (name for name in seconds if not name.startswith(("numbapool", *FLOORS)))
    theirs = (seconds[name] for name in others or everyone if name in seconds)
    return min(theirs) / seconds["numbapool"]


def once_more(
    seconds: dict[str, dict[str, float]], ratio: Callable[[Mapping[str, float]], float],
    measure: Callable[[str], dict[str, float]],
) -> None:  # fmt: skip
    """Measures the few cases that look worst of many once more, and only that counts.

    The least of many is the one that the machine disturbed most.
    """
    for name in sorted(seconds, key=lambda name: ratio(seconds[name]))[:AGAIN]:
        seconds[name] = measure(name)


def average(
    what: str, limit: float, ratios: Mapping[str, float], seconds: Mapping[str, Mapping[str, float]]
) -> Bar:
    """How many times as fast as something, in the geometric mean over cases."""
    floors = [_of_floor(ratio, seconds[name]) for name, ratio in ratios.items()]
    least = None if None in floors else mean(filter(None, floors))
    return Bar(what, limit, mean(ratios.values()), copy=least)


def pair(
    what: str, limits: tuple[float, float], ratios: Mapping[str, float],
    seconds: Mapping[str, Mapping[str, float]],
) -> list[Bar]:  # fmt: skip
    """How many times as fast as something: the geometric mean over cases, and the least."""
    least = min(ratios, key=lambda name: ratios[name])
    found, times = ratios[least], seconds[least]
    return [
        average(f"{what}, geometric mean of {len(ratios)}", limits[0], ratios, seconds),
        Bar(f"{what}, least", limits[1], found, False, least, times, _of_floor(found, times)),
    ]


def floor(seconds: Mapping[str, float]) -> float:
    """What the fastest copy took, or all reading if that is more; infinity where neither is."""
    kinds = ([each for name, each in seconds.items() if name.startswith(kind)] for kind in FLOORS)
    return max((min(kind) for kind in kinds if kind), default=inf)


def _of_floor(ratio: float, seconds: Mapping[str, float]) -> float | None:
    """What a ratio would be if we had taken as long as the floor."""
    least = floor(seconds)
    return None if least == inf else ratio * seconds["numbapool"] / least


def worst(
    what: str, limit: float, ratios: Mapping[str, float], copies: Mapping[str, float] | None = None
) -> Bar:
    """The largest of some ratios, beside what the floor has there."""
    name = max(ratios, key=lambda name: ratios[name])
    return Bar(what, limit, ratios[name], True, name, copy=(copies or {}).get(name))


def worst_of_runs(runs: Sequence[Sequence[Bar]]) -> list[Bar]:
    return [
        (max if same[0].most else min)(same, key=lambda bar: bar.value)
        for same in zip(*runs, strict=True)
    ]


def markdown(bars: Sequence[Bar]) -> str:
    shown = [0, 1, 2, 4] if all(bar.copy is None for bar in bars) else range(len(HEAD))
    rows = (HEAD, *(bar.cells() for bar in bars))
    head, *cells = (tuple(row[column] for column in shown) for row in rows)
    return table(head, cells)
