"""The pooling layers of real models, timed: ``python -m benchmarks.table``.

numbapool, torch, NumPy and a copy of the same bytes take turns in one process, on all its
processors. Each library allocates its result in every call; every result is checked first.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch

from numbapool.bench.layers import Window, sample
from numbapool.bench.peers import THREADS, Call, arrays, bind, compare
from numbapool.bench.timing import medians, warn_of_load

from .models import read_layers
from .report import Row, Summary, markdown, plain

DTYPE = "float32"
LIBRARIES = ("numbapool", "torch", "numpy")


def copy_of(moved: int) -> Call:
    """A copy reads and writes: half of the bytes that pooling reads and writes together.

    It is the floor: into memory that is there already, whereas pooling allocates its result.
    """
    source = torch.zeros(moved // 2 // 4, dtype=torch.float32)
    return partial(torch.empty_like(source).copy_, source)


def timed(op: str, layer: Window) -> Row:
    x = sample(layer.shape, DTYPE)
    calls = {name: bind(name, op, layer, x) for name in LIBRARIES}
    results = {name: arrays(name, call) for name, call in calls.items()}
    for name in LIBRARIES:
        compare(name, op, layer, results[name], results["torch"])
    calls["copy"] = copy_of(x.nbytes + sum(part.nbytes for part in results["torch"]))
    calls["copy"]()
    del results
    return Row(op, layer.window, f"{op} {layer}", medians(calls))


def measure(layers: Sequence[tuple[str, Window]]) -> list[Row]:
    rows = []
    with torch.inference_mode():
        for op, layer in layers:
            rows.append(timed(op, layer))
            if sys.stderr.isatty():
                done = f"{len(rows)}/{len(layers)} {rows[-1].name}"
                print(f"\r{done:<79.79}", end="", file=sys.stderr, flush=True)
    return rows


def machine() -> dict[str, object]:
    """When and where a file of results was measured."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": {"processor": _processor(), "threads": THREADS, "system": platform.system()},
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "numba", "torch")},
    }


def everything(titled: dict[str, list[Row]]) -> dict[str, object]:
    """What goes into the JSON file."""
    return machine() | {
        "summary": {title: asdict(Summary.of("all", rows)) for title, rows in titled.items()},
        "layers": {
            title: [{"name": row.name} | {k: float(f"{v:.4g}") for k, v in row.seconds.items()}
                    for row in rows]
            for title, rows in titled.items()
        },
    }  # fmt: skip


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__)
    parser.add_argument("--filter", default="", help="only layers whose name has this text")
    parser.add_argument("--limit", type=int, help="only the first so many of them")
    parser.add_argument("--most-elements", type=int, default=20_000_000, help="of an input")
    parser.add_argument("--json", type=Path, help="write all times to this file")
    parser.add_argument("--markdown", action="store_true", help="print what the README shows")
    parser.add_argument("--require-geomean", type=float, default=0, help="over torch, each table")
    parser.add_argument("--require-min", type=float, default=0, help="over torch, each layer")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 where a requirement is not met."""
    options = parse(arguments)
    warn_of_load()
    layers = [
        (op, layer)
        for op, layer in read_layers(options.most_elements)
        if options.filter in f"{op} {layer}"
    ][: options.limit]
    titled = {
        "values": measure(layers),
        "max with indices": measure([("max with indices", x) for op, x in layers if op == "max"]),
    }
    titled = {title: rows for title, rows in titled.items() if rows}
    if options.json:
        options.json.write_text(json.dumps(everything(titled), indent=1) + "\n")
    print(markdown(titled) if options.markdown else "\n".join(map(plain, titled, titled.values())))
    totals = [Summary.of("all", rows) for rows in titled.values()]
    return int(
        min((total.over_torch for total in totals), default=math.inf) < options.require_geomean
        or min((total.least for total in totals), default=math.inf) < options.require_min
    )


if __name__ == "__main__":
    raise SystemExit(main())
