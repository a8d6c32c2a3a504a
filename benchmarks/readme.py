"""The README's tables and chart from the committed results: ``python -m benchmarks.readme``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .bars.bar import Bar
from .bars.bar import markdown as bars_markdown
from .models import read_layers
from .report import Row, groups, markdown, update

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
LAYERS = RESULTS / "x86-64-two-cores.json"
BARS = {
    ("<!-- bars -->", "<!-- /bars -->"): RESULTS / "x86-64-two-cores-bars.json",
    ("<!-- bars avx2 -->", "<!-- /bars avx2 -->"): RESULTS / "x86-64-avx2-two-cores-bars.json",
}


def rows(found: dict[str, Any]) -> dict[str, list[Row]]:
    """The layers of a file of `benchmarks.table`, as they were measured."""
    windows = {f"{op} {layer}": (op, layer.window) for op, layer in read_layers(10**12)}
    windows |= {f"max with indices {layer}": ("max with indices", layer.window)
                for op, layer in read_layers(10**12) if op == "max"}  # fmt: skip
    return {
        title: [
            Row(*windows[layer["name"]], layer["name"],
                {name: time for name, time in layer.items() if name != "name"})
            for layer in layers
        ]
        for title, layers in found["layers"].items()
    }  # fmt: skip


def chart(titled: dict[str, list[Row]], path: Path) -> None:
    """Bars: how many times as fast as torch, by window."""
    from matplotlib.figure import Figure

    parts = {title: groups(of, 3) for title, of in titled.items()}
    heights = [len(part) for part in parts.values()]
    figure = Figure(figsize=(8, 0.27 * sum(heights) + 1.2), layout="constrained")
    for axes, (title, part) in zip(
        figure.subplots(len(parts), height_ratios=heights, sharex=True), parts.items(), strict=True
    ):
        names = [summary.name.removeprefix(f"{title} ") for summary in part]
        bars = axes.barh(names, [summary.over_torch for summary in part], color="#33638d")
        axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8)
        axes.invert_yaxis()
        axes.set_title(title, loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("times as fast as torch, two threads (geometric means)")
    figure.savefig(path, format="png", dpi=120)


def main() -> None:
    """Rewrites what stands between the README's marks, and the chart."""
    titled = rows(json.loads(LAYERS.read_text(encoding="utf-8")))
    update(ROOT / "README.md", markdown(titled))
    for marks, path in BARS.items():
        bars = [Bar(**bar) for bar in json.loads(path.read_text(encoding="utf-8"))["bars"]]
        update(ROOT / "README.md", bars_markdown(bars), marks)
    chart(titled, ROOT / "docs" / "speed.png")


if __name__ == "__main__":
    main()
