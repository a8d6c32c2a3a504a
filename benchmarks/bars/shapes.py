"""How time grows with windows, arrays, dtypes, threads and NaN, and how near a copy is."""

from __future__ import annotations

import statistics
from functools import partial
from math import log, prod
from typing import Any

import numpy as np
import torch

import numbapool
from numbapool.bench.layers import sample
from numbapool.bench.peers import THREADS, Call
from numbapool.bench.timing import medians

from .bar import Bar, floor, mean, worst

OPS: dict[str, Any] = {
    "max": numbapool.max_pool2d,
    "avg": numbapool.avg_pool2d,
    "max with indices": partial(numbapool.max_pool2d, return_indices=True),
}
PAST_CACHES = (8, 64, 224, 224)
LAYERS = ((2, 2, 0), (3, 2, 1))


def timed(calls: dict[str, Call]) -> dict[str, float]:
    for call in calls.values():
        call()
    return medians(calls)


def copy_of(moved: int, threads: int | None = None) -> Call:
    """A copy into memory that is there already, which moves as many bytes."""
    source = torch.zeros(moved // 2, dtype=torch.uint8)
    copy = partial(torch.empty_like(source).copy_, source)
    return copy if threads is None else partial(_torch_on, threads, copy)


def floors(moved: int) -> dict[str, Call]:
    """Copies of so many bytes on all threads, which may wait for one another, and on this one."""
    source = np.zeros(moved // 2, np.uint8)
    return {
        "copy": copy_of(moved),
        "copy on this thread": partial(np.copyto, np.empty_like(source), source),
    }


def reading(x: np.ndarray) -> dict[str, Call]:
    """All of an array read once: a copy of as many bytes reads half of them."""
    flat = torch.from_numpy(x).view(-1)
    return {"reading": flat.sum, "reading for products": partial(torch.dot, flat, flat)}


def _torch_on(threads: int, call: Call) -> None:
    torch.set_num_threads(threads)
    call()
    torch.set_num_threads(THREADS)


def copies() -> list[Bar]:
    """Layers that no cache holds, in copies of the same bytes."""
    x = sample(PAST_CACHES, "float32")
    pools: dict[str, Call] = {
        f"max {k}x{k}/s{s}": partial(numbapool.max_pool2d, x, k, s, p) for k, s, p in LAYERS
    } | {
        f"avg {k}x{k}/s{s}": partial(numbapool.avg_pool2d, x, k, s, p) for k, s, p in LAYERS
    } | {
        "global max": partial(numbapool.global_max_pool, x),
        "global avg": partial(numbapool.global_avg_pool, x),
    }  # fmt: skip
    ratios = {}
    for name, pool in pools.items():
        seconds = timed({"ours": pool, "copy": copy_of(x.nbytes + pool().nbytes)})
        ratios[name] = seconds["ours"] / seconds["copy"]
    return [worst("copies of the same bytes past the caches", 1.3, ratios)]


def windows() -> list[Bar]:
    """63x63 against 3x3, stride 1."""
    x = sample((4, 16, 256, 256), "float32")
    bars = []
    for name, pool in OPS.items():
        seconds = timed({str(k): partial(pool, x, k, 1, k // 2) for k in (3, 63)})
        bars.append(Bar(f"{name} 63x63 over 3x3", 4, seconds["63"] / seconds["3"], most=True))
    return bars


def arrays() -> list[Bar]:
    """Time against bytes, from 1 MB to 1 GB: the slope of their logarithms."""
    slopes: dict[str, float] = {}
    copies: dict[str, float] = {}
    for kernel, stride, padding in LAYERS:
        seconds = {}
        for planes in (5, 20, 80, 320, 1280, 5120):
            x = sample((1, planes, 224, 224), "float32")
            pool = partial(numbapool.max_pool2d, x, kernel, stride, padding)
            taken = timed({"ours": pool, **floors(x.nbytes + pool().nbytes)})
            seconds[x.nbytes] = {"ours": taken["ours"], "copy": floor(taken)}
        for name, found in (("ours", slopes), ("copy", copies)):
            times = [log(taken[name]) for taken in seconds.values()]
            line = statistics.linear_regression([*map(log, seconds)], times)
            found[f"{kernel}x{kernel}/s{stride}"] = line.slope
    return [worst("slope of time over bytes, 1 MB to 1 GB", 1.05, slopes, copies)]


def dtypes() -> list[Bar]:
    """Other types against float32, at the same number of bytes."""
    ratios: dict[str, float] = {}
    for kernel, stride, padding in LAYERS:
        calls: dict[str, Call] = {}
        for dtype in ("float32", "float64", "int32", "int8", "uint8"):
            x = sample((32 // np.dtype(dtype).itemsize, 64, 56, 56), dtype)
            calls[dtype] = partial(numbapool.max_pool2d, x, kernel, stride, padding)
        seconds = timed(calls)
        ratios |= {
            f"{dtype} {kernel}x{kernel}/s{stride}": seconds["float32"] / time
            for dtype, time in seconds.items()
        }
    least = min(ratios, key=lambda name: ratios[name])
    return [Bar("bytes a second, other dtypes over float32", 0.8, ratios[least], where=least)]


def threads() -> list[Bar]:
    """What all threads gain over one, against what a copy of the same bytes gains."""
    gains = []
    for shape in ((1, 64, 224, 224), (8, 64, 112, 112), (32, 256, 56, 56), (32, 512, 28, 28)):
        x = sample(shape, "float32")
        moved = x.nbytes + prod(shape) // 4 * 4
        for kernel, stride, padding in LAYERS:
            pool = partial(numbapool.max_pool2d, x, kernel, stride, padding)
            seconds = timed({
                "all": pool, "one": partial(pool, num_threads=1),
                "copy": copy_of(moved, THREADS), "copy on one": copy_of(moved, 1),
            })  # fmt: skip
            ours, theirs = seconds["one"] / seconds["all"], seconds["copy on one"] / seconds["copy"]
            gains.append(ours / theirs)
    return [Bar("gain from more threads, over a copy's", 0.9, mean(gains))]


def nan() -> list[Bar]:
    """An array with NaN against one without."""
    ratios = {}
    for shape in ((8, 64, 112, 112), (32, 512, 14, 14)):
        clean = sample(shape, "float32")
        dirty = np.where(np.random.default_rng(1).random(shape) < 0.01, np.float32(np.nan), clean)
        for name, pool in OPS.items():
            calls = {"clean": partial(pool, clean, 3, 2, 1), "dirty": partial(pool, dirty, 3, 2, 1)}
            seconds = timed(calls)
            ratios[f"{name} {shape}"] = seconds["dirty"] / seconds["clean"]
    return [worst("one NaN in a hundred, times as long", 2, ratios)]
