"""The ``info`` and ``warmup`` commands."""

import argparse
import importlib.metadata
import os
import platform
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from numbapool.cli.common import progress

TYPES = ("float32", "float64", "uint8")


def add_parsers(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the two commands."""
    info = commands.add_parser("info", help="show versions, threads and the kernel cache")
    info.set_defaults(run=show)
    warm = commands.add_parser("warmup", help="compile the common kernels into the cache")
    warm.add_argument(
        "--dtype", nargs="+", choices=TYPES, default=["float32"], help="default: float32"
    )
    warm.add_argument("-q", "--quiet", action="store_true", help="no bar and no summary")
    warm.set_defaults(run=warmup)


def kernels() -> int:
    """Count the compiled kernels in the cache."""
    from numbapool import jit

    return sum(len(list(folder.glob("*.nbc"))) for folder in jit.cache_folders())


def _version(package: str) -> str:
    """Return the version of a package without importing it."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """Name the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpu() -> str:
    """Name the GPU, or say what there is not."""
    try:
        from numbapool.cuda import api

        return api.name()
    except (ImportError, RuntimeError) as error:
        return str(error)


def show(args: argparse.Namespace) -> None:
    """Print what a bug report needs."""
    import numba

    import numbapool
    from numbapool import jit
    from numbapool.cpu import threads

    rows = [("numbapool", numbapool.__version__)]
    rows += [(name, _version(name)) for name in ("numba", "llvmlite", "numpy", "tbb", "torch")]
    rows += [
        ("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        ("processor", f"{_processor()}, {os.cpu_count()} logical cores"),
        # In this order: asking Numba first would start the layer that it finds by itself.
        ("threads", f"threading layer {threads.layer()}, {numba.get_num_threads()} threads"),
        ("cuda", _gpu()),
        ("cache", f"{kernels()} compiled kernels"),
    ]
    rows += [("", str(folder)) for folder in jit.cache_folders()]
    for name, value in rows:
        print(f"{name:<10} {value}".rstrip())


def _calls(dtype: str) -> Iterator[Callable[[], Any]]:
    """Give the calls that compile the common kernels for a type."""
    import numbapool as pool

    x = np.zeros((1, 1, 8, 8), dtype)
    for kernel, stride in ((2, 2), (3, 2), (3, 1)):
        for window in (pool.max_pool2d, pool.min_pool2d, pool.avg_pool2d):
            yield partial(window, x, kernel, stride)
        yield partial(pool.max_pool2d, x, kernel, stride, return_indices=True)
    for whole in (pool.global_max_pool, pool.global_min_pool, pool.global_avg_pool):
        yield partial(whole, x)
    for bins in (pool.adaptive_max_pool2d, pool.adaptive_min_pool2d, pool.adaptive_avg_pool2d):
        yield partial(bins, x, 3)


def warmup(args: argparse.Namespace) -> None:
    """Compile the common kernels, so that later runs start at once."""
    start = time.perf_counter()
    calls = [call for dtype in args.dtype for call in _calls(dtype)]
    with progress(len(calls), "kernels", quiet=args.quiet) as bar:
        for call in calls:
            call()
            bar.update(1)
    if not args.quiet:
        seconds = time.perf_counter() - start
        print(f"{kernels()} kernels in the cache after {seconds:.1f} s")
