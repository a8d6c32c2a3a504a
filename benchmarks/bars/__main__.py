"""Measures every bar and prints it beside today's figure: ``python -m benchmarks.bars``.

Exits with 1 where one is missed. Beside a figure stands the floor, where it was timed: what a copy
of the same bytes would have had in our place or, where next to nothing is written, the fastest read
of all inputs, if that takes longer. A run takes twenty minutes and wants the machine to itself.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from numbapool.bench.timing import warn_of_load

from ..table import machine
from .bar import Bar, markdown, worst_of_runs
from .groups import groups, measured


def apart(name: str, every: int) -> list[Bar]:
    """In a process of its own: where memory lies is worth a fifth of a time, and threads stay."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(measured, name, every).result()


def main(
    arguments: Sequence[str] | None = None, measure: Callable[[str, int], list[Bar]] = apart
) -> int:
    """0, or 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bars", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=groups(), help="some of the groups")
    parser.add_argument("--every", type=int, default=1, help="only every so many layers")
    parser.add_argument("--runs", type=int, default=1, help="take the worst of so many runs")
    parser.add_argument("--json", type=Path, help="write the worst figures to this file")
    options = parser.parse_args(arguments)
    warn_of_load()
    runs: list[list[Bar]] = []
    for _ in range(options.runs):
        runs.append([])
        for name in options.only or groups():
            print(f"measuring {name}", file=sys.stderr, flush=True)
            runs[-1] += measure(name, options.every)
        bars = worst_of_runs(runs)
        if options.json:  # after each run, since it takes long
            found = machine() | {"runs": len(runs), "bars": [asdict(bar) for bar in bars]}
            options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(markdown(bars))
    return int(not all(bar.met for bar in bars))


if __name__ == "__main__":
    raise SystemExit(main())
