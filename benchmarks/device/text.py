"""What a run found, in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from ..bars.bar import Bar, markdown
from ..report import table
from .speed import OURS

SLOWEST = 15


def _timings(title: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Microseconds of ours, our share of a copy, and how many times as long others take."""
    others = list(dict.fromkeys(name for row in rows for name in row["seconds"] if name != OURS))

    def cells(row: dict[str, Any]) -> list[str]:
        times = row["seconds"]
        ours = times[OURS]
        over = (f"{times[name] / ours:.2f}" if name in times else "-" for name in others)
        return [row["name"], f"{1e6 * ours:.1f}", f"{row['share']:.2f}", *over]

    return [table((title, "us", "of a copy", *(f"over {name}" for name in others)),
                  map(cells, rows)), ""]  # fmt: skip


def _means(rows: Sequence[dict[str, Any]]) -> str:
    shares = statistics.geometric_mean(row["share"] for row in rows)
    return f"{len(rows)} layers, geometric mean of the shares of a copy {shares:.2f}; the slowest:"


def markdown_of(found: dict[str, Any]) -> str:
    """All of it, most important first."""
    machine, parts = found["machine"], found["found"]
    lines = [f"# numbapool on {machine['gpu']}", ""]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    lines += [f"{found['date']}, compute capability {machine['compute capability']}; {versions}.",
              f"A copy within its memory: {found['copy_bytes_per_second'] / 1e9:.0f} GB/s, "
              "read and written.", ""]  # fmt: skip
    if found["tiny"]:
        lines += ["Tiny cases, to try this out: no figure here means anything.", ""]
    bars = [Bar(**{k: v for k, v in bar.items() if k != "met"}) for bar in found["bars"]]
    lines += [markdown(bars), ""]
    if found["not measured"]:
        lines += ["Not measured: " + "; ".join(found["not measured"]) + ".", ""]
    for title, key in (("Wrong", "wrong"), ("Skipped", "skipped")):
        if found[key]:
            lines += [f"## {title}", "", *(f"- {n}: {why}" for n, why in found[key].items()), ""]
    if "over 2**31 elements" in parts:
        lines += [f"A plane of {parts['over 2**31 elements']['elements']} elements was pooled.", ""]
    if "tests" in parts:
        lines += ["## Tests", "", parts["tests"]["last line"], ""]
    for name, checked in parts.get("sanitizer", {}).items():
        lines += [f"{name}: {' '.join(checked['summary'])}", ""]
    for key in ("large arrays", "every op", "torch.compile"):
        if parts.get(key):
            lines += _timings(key, parts[key])
    layers = parts.get("layers of models")
    if layers:
        rows = sorted(layers, key=_over_torch)[:SLOWEST]
        lines += [_means(layers), "", *_timings("layers of models", rows)]
    if "launch" in parts:
        cells = [[op, name, f"{1e6 * seconds:.1f}"] for op, times in parts["launch"].items()
                 for name, seconds in times.items()]  # fmt: skip
        lines += [table(("tiny call", "by", "us"), cells), ""]
    if "streaming" in parts:
        stream = parts["streaming"]
        times = {"a batch": stream["seconds a batch"]} | stream["seconds"]
        cells = [[name, f"{1e3 * seconds:.2f}"] for name, seconds in times.items()]
        lines += [table((f"streaming {tuple(stream['shape'])}", "ms"), cells), ""]
    return "\n".join(lines)


def _over_torch(row: dict[str, Any]) -> float:
    times = row["seconds"]
    return float(times.get("torch cuda", times[OURS]) / times[OURS])
