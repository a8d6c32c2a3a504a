"""asv: the most memory that one warm call needs beyond its input, its result included."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import numbapool
from numbapool.bench.layers import WINDOWS, sample
from numbapool.bench.peers import Call, checked, no_gradients

from .pooling import IMPLS

PROCESS = Path("/proc/self")


def _resident(field: str) -> int:
    """Bytes, now (VmRSS) or at most since the last reset (VmHWM)."""
    found = re.search(rf"{field}:\s+(\d+) kB", (PROCESS / "status").read_text())
    return int(found[1]) * 1024 if found else 0


def peak(call: Call) -> int:
    """Bytes that a call takes at its most, its result included; it has been called before."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # glibc keeps freed pages, which would hide new ones
        trim(0)
    keep = getattr(numbapool, "set_kept_memory", None)
    if keep is not None:  # what earlier results left would hide that of this one
        keep(0)
        keep()
    (PROCESS / "clear_refs").write_text("5")
    before = _resident("VmRSS")
    result = call()
    most = _resident("VmHWM") - before
    del result
    return most


class PeakMemory:
    # Small results hide in pages that the allocator kept.
    layers = ("vgg 2x2/s2 (1,64,224,224)", "past the caches 3x3/s2/p1 (8,64,224,224)")
    params = (IMPLS, layers, ("max", "max with indices", "avg"))
    param_names = ("impl", "layer", "op")
    unit = "bytes"
    timeout = 300

    def setup(self, impl: str, layer: str, op: str) -> None:
        if not (PROCESS / "clear_refs").exists():
            raise NotImplementedError("only Linux tells and resets the peak of a process")
        case = WINDOWS[layer]
        self.call = checked(impl, op, case, sample(case.shape, "float32"))

    def track_call(self, impl: str, layer: str, op: str) -> int:
        with no_gradients():
            return peak(self.call)
