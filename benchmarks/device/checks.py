"""The tests on a GPU, and what compute-sanitizer says: each in a process of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from numbapool.cuda.api import SIMULATED

from .run import Run

ROOT = Path(__file__).parents[2]
TESTS = 120  # seconds at most
KEPT = 45  # for the sanitizer
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
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", which]
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
