"""A tiny call, a fresh process, and the memory that a call takes beyond its result."""

from __future__ import annotations

import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from functools import partial
from pathlib import Path

import torch

import numbapool
from numbapool.bench.layers import sample
from numbapool.bench.peers import THREADS

from ..memory import peak
from .bar import Bar, worst

FIRST = """
import os, sys, time
{call}
print(time.time() - float(os.environ["STARTED"]))
sys.stdout.flush()
os._exit(0)
"""
OURS = "import numpy, numbapool; numbapool.max_pool2d(numpy.ones({shape}, 'f4'), 3, 2, 1)"
TORCH = "import torch; torch.nn.functional.max_pool2d(torch.ones({shape}), 3, 2, 1)"
SHAPES = ((1, 64, 112, 112), (1, 2, 8, 8))
STARTS = 5


def tiny() -> list[Bar]:
    """A plane of 4x4: what the way to a kernel costs."""
    x = sample((1, 1, 4, 4), "float32")
    theirs = torch.from_numpy(x)
    ratios = {}
    with torch.inference_mode():
        for name in ("max_pool2d", "avg_pool2d"):
            calls = (partial(getattr(numbapool, name), x, 2),
                     partial(getattr(torch.nn.functional, name), theirs, 2))  # fmt: skip
            best = [[], []]
            for _ in range(15):
                for taken, call in zip(best, calls, strict=True):
                    taken.append(timeit.timeit(call, number=5000))
            ratios[name] = min(best[0]) / min(best[1])
    return [worst("tiny call, over torch's", 1.0, ratios)]


def _first(code: str, folder: str) -> float:
    environment = os.environ | {"STARTED": str(time.time()), "NUMBA_CACHE_DIR": folder}
    done = subprocess.run(
        [sys.executable, "-c", FIRST.format(call=code)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout)


def starts() -> list[Bar]:
    """From the start of a process to its first result, over torch's."""
    # As pip leaves both: a fifth of a second of ours was Python's reading of sources, at times.
    compileall.compile_dir(Path(numbapool.__file__).parent, quiet=1)
    ratios: dict[str, dict[str, float]] = {"warm": {}, "cold": {}}
    for shape in SHAPES:
        taken: dict[str, list[float]] = {"warm": [], "cold": [], "torch": []}
        for _ in range(STARTS):
            with tempfile.TemporaryDirectory() as folder:
                for name, code in (("cold", OURS), ("warm", OURS), ("torch", TORCH)):
                    taken[name].append(_first(code.format(shape=shape), folder))
        for name in ratios:
            median = statistics.median(taken[name]) / statistics.median(taken["torch"])
            ratios[name][str(shape)] = median
    return [
        worst("first result, kernels on disk, over torch's", 0.5, ratios["warm"]),
        worst("first result, nothing on disk, over torch's", 1.0, ratios["cold"]),
    ]


def memory() -> list[Bar]:
    """Megabytes a thread beyond the result, whatever the window."""
    x = sample((4, 16, 512, 512), "float32")
    megabytes = {}
    for kernel in (3, 13, 63, 255):
        for name in ("max", "avg"):
            call = partial(getattr(numbapool, f"{name}_pool2d"), x, kernel, 1, kernel // 2)
            result = call().nbytes
            extra = peak(call) - result
            megabytes[f"{name} {kernel}x{kernel}"] = extra / THREADS / 1e6
    return [worst("MB a thread beyond the result", 4, megabytes)]
