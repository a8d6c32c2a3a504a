"""One run on a GPU: its clock and its time, and all that was found, skipped or wrong."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from numbapool.bench import devices
from numbapool.bench.clock import Clock
from numbapool.bench.peers import ON_DEVICE, Refused
from numbapool.cli.common import progress
from numbapool.cuda import api

from ..bars.bar import Bar

Item = TypeVar("Item")
PACKAGES = ("numbapool", "numpy", "numba", "numba-cuda", "torch", "cupy-cuda12x", "cupy-cuda13x",
            "jax", "triton")  # fmt: skip


#: What is aimed at: the least, or the most.
LEAST = {
    "2x2/s2, share of a copy's bandwidth": 0.9,
    "3x3/s2, share of a copy's bandwidth": 0.9,
    "3x3/s1, share of a copy's bandwidth": 0.9,
    "global, share of a copy's bandwidth": 0.9,
    "layers, torch, geometric mean": 1.5,
    "layers, torch, least": 1.0,
    "layers with indices, torch, geometric mean": 1.5,
    "layers with indices, torch, least": 1.0,
    "13x13/s1, torch": 10.0,
    "streaming, share of the slowest of copies and kernel": 0.9,
}
MOST = {"tiny call, microseconds": 10.0}


@dataclass
class Run:
    """What the parts share."""

    seconds: float  # for all of them
    tiny: bool  # cases for the simulator
    began: float = field(default_factory=time.monotonic)
    clock: Clock = field(default_factory=Clock)
    found: dict[str, Any] = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)

    @cached_property
    def bandwidth(self) -> float:
        """Bytes a second of a copy on the GPU: what shares are of."""
        return self.clock.bandwidth()

    @cached_property
    def libraries(self) -> tuple[str, ...]:
        """The implementations that are here; the others are said to be skipped, and why."""
        here = []
        for name in ON_DEVICE:
            try:
                devices.implementation(name)
                here.append(name)
            except Refused as reason:
                self.skipped[name] = str(reason).removeprefix(f"{name}: ")
        return tuple(here)

    @property
    def left(self) -> float:
        """Seconds."""
        return self.began + self.seconds - time.monotonic()

    def bar(self, what: str, values: Mapping[str, float]) -> None:
        """Judges the worst of some values, if there are any."""
        if values:
            worst = max if what in MOST else min
            where = worst(values, key=lambda name: values[name])
            limit = (LEAST | MOST)[what]
            self.bars.append(Bar(what, limit, values[where], what in MOST, where))

    def within(self, what: str, items: Iterable[Item], keep: float) -> Iterator[Item]:
        """Items while more than ``keep`` seconds are left; those that are not reached are named."""
        every = list(items)
        with progress(len(every), what) as bar:
            for number, item in enumerate(every):
                if self.left <= keep:
                    self.skipped[what] = (
                        f"out of time after {number} of {len(every)}; left out: "
                        + ", ".join(map(_name, every[number:]))
                    )
                    return
                yield item
                bar.update(1)

    def as_json(self) -> dict[str, Any]:
        return {
            "date": time.strftime("%Y-%m-%d"),
            "machine": _machine(),
            "versions": dict(_versions()),
            "tiny": self.tiny,
            "bars": [asdict(bar) | {"met": bar.met} for bar in self.bars],
            "not measured": [what for what in LEAST | MOST
                             if what not in {bar.what for bar in self.bars}],
            "skipped": self.skipped,
            "wrong": self.wrong,
            "seconds": {part: round(seconds, 1) for part, seconds in self.took.items()},
            "copy_bytes_per_second": self.bandwidth,
            "found": self.found,
        }


def _name(item: Any) -> str:
    return " ".join(map(str, item)) if isinstance(item, tuple) else str(item)


def _machine() -> dict[str, Any]:
    context = api.cuda.current_context()
    memory = 0 if api.SIMULATED else context.get_memory_info().total
    return {
        "gpu": api.name(),
        "compute capability": ".".join(map(str, context.device.compute_capability)),
        "bytes": memory,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
