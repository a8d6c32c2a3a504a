"""What a tiny call costs, and how close a stream of batches comes to what bounds it."""

from __future__ import annotations

import statistics
import time
from itertools import islice, repeat

import numpy as np

import numbapool
from numbapool.bench import devices
from numbapool.bench.layers import TINY, Window, sample
from numbapool.bench.peers import Call, Refused, bind
from numbapool.cuda.api import cuda

from .run import Run

IN_A_ROW, ROWS = 500, 7  # fewer than a queue of launches holds
IMPLS = ("numbapool cuda", "torch cuda", "cupy")
BATCH, BATCHES, FIRST = (64, 64, 112, 112), 24, 8


def in_a_row(call: Call, count: int, rows: int) -> float:
    """Seconds that a call keeps Python, called again and again and waited for after all."""
    found = []
    for _ in range(rows + 1):
        devices.synchronize()
        begin = time.perf_counter()
        for _ in range(count):
            call()
        found.append((time.perf_counter() - begin) / count)
    return statistics.median(found[1:])


def launch(run: Run) -> None:
    """The way from Python to the kernel, by a plane of sixteen values."""
    layer = next(iter(TINY.values()))
    x = sample(layer.shape, "float32")
    count, rows = (2, 2) if run.tiny else (IN_A_ROW, ROWS)
    found: dict[str, dict[str, float]] = {}
    for op in ("max", "max with indices", "avg"):
        found[op] = {}
        for name in IMPLS:
            try:
                call = bind(name, op, layer, x)
            except Refused:
                continue
            found[op][name] = in_a_row(call, count, rows)
    run.found["launch"] = found
    run.bar("tiny call, microseconds", {
        op: 1e6 * times["numbapool cuda"] for op, times in found.items()
    })  # fmt: skip


def streaming(run: Run) -> None:
    """Batches in pageable memory, against the slowest of a copy there, the kernel, a copy back."""
    shape, count, first = ((1, 1, 8, 8), 4, 1) if run.tiny else (BATCH, BATCHES, FIRST)
    x = sample(shape, "float32")
    there, back = cuda.device_array(x.size, x.dtype), cuda.pinned_array(x.size, x.dtype)
    result = numbapool.max_pool2d(x, 3, 2, 1)
    landed = cuda.pinned_array(result.size, x.dtype)
    from_there = cuda.device_array(result.size, x.dtype)
    parts = run.clock.medians({
        "copy there": devices.Waited(lambda: there.copy_to_device(back)),
        "kernel": bind("numbapool cuda", "max", Window(shape, (3, 3), (2, 2), (1, 1)), x),
        "copy back": devices.Waited(lambda: from_there.copy_to_host(landed)),
    })  # fmt: skip
    results = numbapool.pool_batches(
        repeat(x, count), numbapool.max_pool2d, 3, 2, 1, target="cuda"
    )
    for got in islice(results, first):  # as buffers grow and kernels are compiled
        last = got
    begin = time.perf_counter()
    for got in results:
        last = got
    lasted = (time.perf_counter() - begin) / (count - first)
    if not np.array_equal(last, result):
        run.wrong["streaming"] = "a batch's result is not the CPU's"
    slowest = max(parts, key=lambda name: parts[name])
    run.found["streaming"] = {
        "shape": list(shape), "bytes": x.nbytes, "seconds a batch": lasted, "seconds": parts,
    }  # fmt: skip
    run.bar("streaming, share of the slowest of copies and kernel",
            {slowest: parts[slowest] / lasted})  # fmt: skip
