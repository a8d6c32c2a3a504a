"""How calls on a GPU are timed: events around each, and nothing of it in the caches before."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from numbapool.cuda.api import SIMULATED, cuda

from .devices import Waited
from .peers import Call

#: Bytes that are copied before a call: more than any L2 holds, and work for the GPU while the
#: call is queued behind it, so that what Python takes is not in the time of short kernels.
FLUSH = 4096 if SIMULATED else 256 * 1024 * 1024
#: Bytes of the copy whose bandwidth others are measured by.
LARGE = 4096 if SIMULATED else 1024 * 1024 * 1024
TURNS = 1 if SIMULATED else 5
SECONDS = 0.0 if SIMULATED else 0.05  # of samples for each call
LEAST, MOST = 1 if SIMULATED else 3, 40  # samples in a turn


class _Events:
    """A stretch of the GPU's time."""

    def __init__(self) -> None:
        self.begin, self.end = cuda.event(), cuda.event()

    def around(self, call: Call) -> None:
        self.begin.record()
        call()
        self.end.record()

    def seconds(self) -> float:
        return float(self.begin.elapsed_time(self.end)) * 1e-3


class _Wall:
    """A stretch of the host's time, nothing else on the GPU."""

    def around(self, call: Call) -> None:
        cuda.synchronize()
        begin = time.perf_counter()
        call()
        cuda.synchronize()
        self.lasted = time.perf_counter() - begin

    def seconds(self) -> float:
        return self.lasted


class Clock:
    """Times calls on the current GPU, and the memory that it takes for that."""

    def __init__(self) -> None:
        self.source, self.sink = (cuda.device_array(FLUSH, np.uint8) for _ in range(2))

    def samples(self, call: Call, count: int) -> list[float]:
        """Seconds of some calls, the caches emptied before each."""
        wall = SIMULATED or isinstance(call, Waited)
        made: Callable[[], Any] = _Wall if wall else _Events
        stretches = [made() for _ in range(count)]
        for stretch in stretches:
            self.sink.copy_to_device(self.source)
            stretch.around(call)
        cuda.synchronize()
        return [stretch.seconds() for stretch in stretches]

    def medians(
        self, calls: Mapping[str, Call], seconds: float | None = None
    ) -> dict[str, float]:
        """Seconds a call, for each of the calls, which take turns: so long for each of them."""
        turn = (SECONDS if seconds is None else seconds) / TURNS
        found: dict[str, list[float]] = {name: [] for name in calls}
        paces = {name: statistics.median(self.samples(call, LEAST)) for name, call in calls.items()}
        for _ in range(TURNS):
            for name, call in calls.items():
                count = int(turn / max(paces[name], 1e-9))
                found[name] += self.samples(call, min(max(count, LEAST), MOST))
        return {name: statistics.median(samples) for name, samples in found.items()}

    def bandwidth(self) -> float:
        """Bytes a second of a copy within the GPU's memory, what is read and what is written."""
        source, sink = (cuda.device_array(LARGE, np.uint8) for _ in range(2))
        seconds = self.medians({"copy": lambda: sink.copy_to_device(source)})["copy"]
        return 2 * LARGE / seconds
