"""A bar: a figure, and what it has to be."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..report import table

HEAD = ("what", "bar", "today", "")


@dataclass(frozen=True)
class Bar:
    """``value`` is to be at least ``limit``, or at most where ``most`` is set."""

    what: str
    limit: float
    value: float
    most: bool = False
    where: str = ""  # the case that gave the value, where it is the worst of several
    seconds: Mapping[str, float] = field(default_factory=dict)  # what was timed in that case

    @property
    def met(self) -> bool:
        return self.value <= self.limit if self.most else self.value >= self.limit

    def cells(self) -> tuple[str, str, str, str]:
        bound = f"{'≤' if self.most else '≥'} {self.limit:g}"
        verdict = "met" if self.met else "missed"
        place = f" ({self.where})" if self.where and not self.met else ""
        return self.what, bound, f"{self.value:.2f}", verdict + place


def mean(ratios: Iterable[float]) -> float:
    return statistics.geometric_mean(ratios)


def pair(
    what: str, limits: tuple[float, float], ratios: dict[str, float],
    seconds: Mapping[str, Mapping[str, float]],
) -> list[Bar]:  # fmt: skip
    """How many times as fast as something: the geometric mean over cases, and the least."""
    least = min(ratios, key=lambda name: ratios[name])
    return [
        Bar(f"{what}, geometric mean of {len(ratios)}", limits[0], mean(ratios.values())),
        Bar(f"{what}, least", limits[1], ratios[least], where=least, seconds=seconds[least]),
    ]


def worst(what: str, limit: float, ratios: dict[str, float]) -> Bar:
    """The largest of some ratios."""
    name = max(ratios, key=lambda name: ratios[name])
    return Bar(what, limit, ratios[name], most=True, where=name)


def worst_of_runs(runs: Sequence[Sequence[Bar]]) -> list[Bar]:
    return [
        (max if same[0].most else min)(same, key=lambda bar: bar.value)
        for same in zip(*runs, strict=True)
    ]


def markdown(bars: Sequence[Bar]) -> str:
    return table(HEAD, (bar.cells() for bar in bars))
