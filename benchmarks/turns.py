"""Two checkouts by turns, layer by layer: ``python -m benchmarks.turns OLD NEW --only 3x3/s2``.

A process of each pools the same layers of real models, a few calls at a time, so that what the
machine does meanwhile slows both. Told are old time, new time and old over new, above 1 where the
new is faster: of the first call of a turn, which finds other data in the caches, and the least and
the median of ten; each the median of all turns. A checkout against itself tells how far to trust
them. Results must be the same: of averages, as far as rounding goes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ELSEWHERE = 6_000_000  # numbers that the caches hold before a turn
CALLS = 10  # in a turn
TIMES = ("first", "least", "median")


def work() -> None:
    """Pools what it is told, and tells what came out or, asked for a turn, how long it took."""
    import numbapool

    elsewhere, call = np.zeros(ELSEWHERE), partial(print)
    for line in sys.stdin:
        layer = json.loads(line)
        if layer is not None:
            name, shape, arguments = layer
            x = np.random.default_rng(0).standard_normal(shape, np.float32)
            call = partial(getattr(numbapool, name), x, **arguments)
            found = call()
            parts = found if isinstance(found, tuple) else (found,)
            told = [(zlib.crc32(part), float(part.sum(dtype=np.float64))) for part in parts]
        else:
            elsewhere += 1
            seconds = []
            for _ in range(CALLS):
                start = time.perf_counter()
                call()
                seconds.append(time.perf_counter() - start)
            told = seconds[0], min(seconds), statistics.median(seconds)
        print(json.dumps(told), flush=True)


class Checkout:
    """A process that pools with what lies in a folder."""

    def __init__(self, folder: str, cache: str) -> None:
        if not (Path(folder) / "numbapool" / "__init__.py").is_file():
            raise SystemExit(f"no checkout of numbapool: {folder}")
        self.folder = folder
        environment = os.environ | {
            "PYTHONPATH": str(Path(folder).resolve()), "NUMBA_CACHE_DIR": cache,
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work"], env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Checkout:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(BrokenPipeError):  # it has gone by itself
            self.process.communicate()

    def ask(self, what: Any) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            raise SystemExit(f"what lies in {self.folder} failed, see above") from None


def _asked(op: str, layer: Any, indices: bool) -> tuple[str, tuple[int, ...], dict[str, Any]]:
    arguments = {"kernel_size": layer.kernel, "stride": layer.stride, "padding": layer.padding,
                 "ceil_mode": layer.ceil_mode}  # fmt: skip
    if op == "avg":
        arguments["count_include_pad"] = layer.count_include_pad
    return f"{op}_pool2d", layer.shape, arguments | ({"return_indices": True} if indices else {})


def _same(op: str, one: Any, other: Any) -> bool:
    if op == "max":
        return bool(one == other)
    return math.isclose(one[0][1], other[0][1], rel_tol=1e-4, abs_tol=1)


def _medians(turns: list[Any]) -> list[float]:
    return [statistics.median(column) for column in zip(*turns, strict=True)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints old time over new time of each layer, and the geometric mean of all."""
    from numbapool.bench.timing import warn_of_load

    from .models import read_layers

    parser = argparse.ArgumentParser(prog="python -m benchmarks.turns", description=__doc__)
    parser.add_argument("old", help="the folder of a checkout")
    parser.add_argument("new", help="another")
    parser.add_argument("--only", default="", help="part of a layer's name, such as 'avg 2x2/s2'")
    parser.add_argument("--indices", action="store_true", help="maxima with index maps")
    parser.add_argument("--rounds", type=int, default=4, help="turns of each: 4 if not given")
    parser.add_argument(
        "--most", type=float, default=20e6, help="elements of a layer at most: 20e6 if not given"
    )
    asked = parser.parse_args(arguments)
    if asked.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {asked.rounds}")
    warn_of_load()
    logs: list[list[float]] = []
    with (
        tempfile.TemporaryDirectory() as cache,
        Checkout(asked.old, f"{cache}/old") as before,
        Checkout(asked.new, f"{cache}/new") as after,
    ):
        for op, layer in read_layers(int(asked.most)):
            name = f"{op} {layer}"
            if asked.only not in name or (asked.indices and op != "max"):
                continue
            told = _asked(op, layer, asked.indices)
            if not _same(op, before.ask(told), after.ask(told)):
                raise SystemExit(f"{name}: the results differ")
            turns: dict[Checkout, list[Any]] = {before: [], after: []}
            for number in range(asked.rounds):
                for tree in (before, after) if number % 2 else (after, before):
                    turns[tree].append(tree.ask(None))
            old, new = (_medians(turns[tree]) for tree in (before, after))
            logs.append([math.log(one / other) for one, other in zip(old, new, strict=True)])
            each = (f"{what} {a * 1e6:.0f} {b * 1e6:.0f} us {a / b:.2f}"
                    for what, a, b in zip(TIMES, old, new, strict=True))  # fmt: skip
            print(f"{name:48}", " | ".join(each), flush=True)
    if not logs:
        kind = "maximum's layer" if asked.indices else "layer"
        raise SystemExit(
            f"no {kind} of at most {asked.most:.0f} elements has {asked.only!r} in its name"
        )
    means = [math.exp(statistics.mean(column)) for column in zip(*logs, strict=True)]
    gains = (f"{what} {mean:.2f}" for what, mean in zip(TIMES, means, strict=True))
    print(f"old over new, mean of {len(logs)}:", ", ".join(gains))


if __name__ == "__main__":
    work() if "--work" in sys.argv else main()
