"""One way to time: calls take turns in one run, and a call's time is the median of its samples."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Mapping

from .peers import Call

SECONDS = 0.06  # of samples for each call
TURNS = 5
LEAST = 2  # samples of a call that takes longer than SECONDS
MOST = 100  # samples in a turn
PAUSE = 0.01  # idle threads of OpenMP spin for milliseconds, and would slow the next
PAUSES = {"onnxruntime": 0.1}  # its threads spin for longer


def once(call: Call) -> float:
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) * 1e-9


def medians(calls: Mapping[str, Call]) -> dict[str, float]:
    """Seconds a call, for each of the calls; they have been called before and are warm."""
    samples: dict[str, list[float]] = {name: [] for name in calls}
    before = next((name for name in PAUSES if name in calls), "")  # they have just been warmed
    for _ in range(TURNS):
        for name, call in calls.items():
            mine = samples[name]
            if len(mine) >= LEAST and sum(mine) >= SECONDS:
                continue
            time.sleep(PAUSES.get(before, PAUSE))
            before = name
            pace = once(call)  # not a sample: the caches still hold the other call's data
            mine += [once(call) for _ in range(_count(pace))]
    return {name: statistics.median(mine) for name, mine in samples.items()}


def _count(pace: float) -> int:
    return min(MOST, max(1, int(SECONDS / TURNS / pace)))


def warn_of_load() -> None:
    """Says so where others are at work."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    if load > 0.5:
        print(
            f"load average {load:.1f}: with others at work, a thread that waits at torch's barrier "
            "may wait for milliseconds, and the ratios say little",
            file=sys.stderr,
        )
