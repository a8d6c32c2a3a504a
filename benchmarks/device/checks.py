"""The tests on a GPU, and what compute-sanitizer says: each in a process of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import numbapool
from numbapool.bench import devices
from numbapool.bench.peers import arrays
from numbapool.cuda.api import SIMULATED, cuda

from .run import Run

ROOT = Path(__file__).parents[2]
TESTS = 120  # seconds at most
KEPT = 45  # for the sanitizer
SIDE = 46_400  # of a plane of bytes: 2.15e9
TOOLS = ("memcheck", "racecheck")


def _run(command: list[str], seconds: float) -> tuple[int | None, str]:
    """The exit code, None where it took longer, and what was written."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, timeout=seconds, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as expired:
        written = expired.stdout or b""
        return None, written.decode(errors="replace") if isinstance(written, bytes) else written
    return done.returncode, done.stdout


def tests(run: Run) -> None:
    """All of `tests/cuda`."""
    if not find_spec("pytest"):
        run.skipped["tests"] = 'pytest is not installed: pip install -e ".[test]"'
        return
    seconds = max(min(TESTS, run.left - KEPT), 10)
    which = "tests/cuda/test_arrays.py::test_an_empty_batch" if run.tiny else "tests/cuda"
    # What other plugins warn of would be an error.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p",
               "no:benchmark", which]  # fmt: skip
    if not run.tiny and find_spec("xdist"):
        command += ["-n", "8"]
    code, written = _run(command, seconds)
    last = next(iter(reversed(written.strip().splitlines())), "")
    run.found["tests"] = {"exit code": code, "last line": last}
    if code is None:
        run.skipped["tests"] = f"cut off after {seconds:.0f} seconds: {last}"
    elif code:
        run.wrong["tests"] = last
        failed = re.findall(r"^(?:FAILED|ERROR) .*", written, re.MULTILINE)
        run.found["tests"]["failed"] = failed


def beyond(run: Run) -> None:
    """A plane of more elements than 32 bits count, values and indices against the CPU's."""
    side = 16 if run.tiny else SIDE
    free = cuda.current_context().get_memory_info().free
    if free < 2 * side * side:
        run.skipped["over 2**31 elements"] = f"{free / 1e9:.1f} GB are free on the GPU"
        return
    x = np.random.default_rng(0).integers(0, 255, (1, 1, side, side), np.uint8, endpoint=True)
    there = devices.to_device()(x)
    # Far apart, so that their index map is small.
    call = partial(numbapool.max_pool2d, kernel_size=2, stride=8, return_indices=True)
    found, wanted = (arrays("", partial(call, array)) for array in (there, x))
    run.found["over 2**31 elements"] = {"elements": x.size}
    for what, got, want in zip(("values", "indices"), found, wanted, strict=True):
        if not np.array_equal(got, want):
            run.wrong[f"{what} over 2**31 elements"] = f"{np.sum(got != want)} are not the CPU's"


def sanitizer(run: Run) -> None:
    """Reads and writes out of bounds, and races, over a short run."""
    tool = shutil.which("compute-sanitizer")
    if SIMULATED or tool is None:
        where = "the simulator has none" if SIMULATED else "compute-sanitizer is not on the path"
        run.skipped["sanitizer"] = where
        return
    run.found["sanitizer"] = {}
    for name in TOOLS:
        if run.left < 10:
            run.skipped[name] = "out of time"
            continue
        command = [tool, "--tool", name, "--error-exitcode", "9", sys.executable, "-m",
                   "benchmarks.device.short"]  # fmt: skip
        code, written = _run(command, run.left)
        summary = [line for line in written.splitlines() if "SUMMARY" in line]
        run.found["sanitizer"][name] = {"exit code": code, "summary": summary}
        if code is None:
            run.skipped[name] = "out of time"
        elif code:
            run.wrong[name] = " ".join(summary) or written[-500:]
