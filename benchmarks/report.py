"""The table's numbers as text: rows of groups, totals, slowest layers, Markdown for the README."""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARKS = ("<!-- speed table -->", "<!-- /speed table -->")
HEAD = ("layers", "over torch", "at least", "over NumPy", "copies")


@dataclass(frozen=True)
class Row:
    """One layer's seconds by implementation; `copy` moves as many bytes."""

    op: str
    window: str
    name: str
    seconds: dict[str, float]

    def over(self, other: str) -> float:
        return self.seconds[other] / self.seconds["numbapool"]

    @property
    def copies(self) -> float:
        return 1 / self.over("copy")


@dataclass(frozen=True)
class Summary:
    """Ratios of some layers: geometric means, and the minimum over torch."""

    name: str
    count: int
    over_torch: float
    least: float
    over_numpy: float
    copies: float

    @classmethod
    def of(cls, name: str, rows: Sequence[Row]) -> Summary:
        def mean(ratio: Callable[[Row], float]) -> float:
            return statistics.geometric_mean(map(ratio, rows))

        return cls(
            name,
            len(rows),
            mean(lambda row: row.over("torch")),
            min(row.over("torch") for row in rows),
            mean(lambda row: row.over("numpy")),
            mean(lambda row: row.copies),
        )

    def cells(self) -> tuple[str, ...]:
        ratios = (self.over_torch, self.least, self.over_numpy, self.copies)
        return (self.name, str(self.count), *(f"{ratio:.1f}" for ratio in ratios))


def groups(rows: Sequence[Row], least: int = 1) -> list[Summary]:
    """A summary for each op, kernel and stride, and of all; small groups are put together."""
    by_window: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_window[f"{row.op} {row.window}"].append(row)
    large = {name: group for name, group in by_window.items() if len(group) >= least}
    rest = [row for name, group in by_window.items() if name not in large for row in group]
    summaries = [Summary.of(name, group) for name, group in sorted(large.items())]
    if rest:
        summaries.append(Summary.of("other windows", rest))
    return [*summaries, Summary.of("all", rows)]


def slowest(rows: Iterable[Row], count: int = 15) -> list[tuple[str, ...]]:
    worst = sorted(rows, key=lambda row: row.over("torch"))[:count]
    return [(row.name, f"{row.seconds['numbapool'] * 1e6:.1f}", f"{row.over('torch'):.2f}",
             f"{row.over('numpy'):.2f}", f"{row.copies:.2f}") for row in worst]  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table that is aligned for reading as it is, numbers to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        " | ".join(cell.rjust(width) if i else cell.ljust(width)
                   for i, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]  # fmt: skip
    rule = " | ".join("-" * (width - bool(i)) + ":" * bool(i) for i, width in enumerate(widths))
    return "\n".join(f"| {line} |" for line in [text[0], rule, *text[1:]])


def plain(title: str, rows: Sequence[Row]) -> str:
    least = min(rows, key=lambda row: row.over("torch"))
    worst = table(("slowest over torch", "us", "torch", "NumPy", "copies"), slowest(rows))
    return "\n".join([
        f"{title}: times as fast as the other, geometric means", "",
        table(("window", *HEAD), (summary.cells() for summary in groups(rows))), "",
        f"at least {least.over('torch'):.2f} times torch's speed: {least.name}", "",
        worst, "",
    ])  # fmt: skip


def markdown(titled: Mapping[str, Sequence[Row]]) -> str:
    """The README's form: windows with fewer than three layers share a row."""
    return "\n\n".join(
        table((title, *HEAD), (summary.cells() for summary in groups(rows, 3)))
        for title, rows in titled.items()
    )


def update(readme: Path, text: str, marks: tuple[str, str] = MARKS) -> None:
    """Put the text between the two comments."""
    old = readme.read_text(encoding="utf-8")
    start, end = map(re.escape, marks)
    new, found = re.subn(
        f"({start}).*?({end})", lambda m: f"{m[1]}\n{text}\n{m[2]}", old, flags=re.DOTALL
    )
    if found != 1:
        raise SystemExit(f"{readme}: no single place between {marks[0]} and {marks[1]}")
    readme.write_text(new, encoding="utf-8")
