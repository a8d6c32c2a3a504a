"""A library that speaks DLPack on a device: memory of the host that says that it is there."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np

from numbapool import dlpack


def moved(capsule, kind):
    """A capsule that says that it is on another kind of device."""
    name = dlpack._name_of(capsule)
    start = dlpack._memory_of(capsule, name) + dlpack._KIND[name] - 12
    ctypes.c_int32.from_address(start).value = kind
    return capsule


@dataclass
class Far:
    """An array; this module is its library, which uses the stream at 4096."""

    memory: np.ndarray
    asked: list = field(default_factory=list)

    def __dlpack_device__(self):
        return 2, 0

    def __dlpack__(self, *, stream, max_version=None):
        self.asked.append(stream)
        array = self.memory
        if array.dtype == ml_dtypes.bfloat16:
            array = dlpack.Renamed(array.view(np.int16), dlpack.INT, dlpack.BFLOAT)
        return moved(array.__dlpack__(max_version=max_version), 2)


@dataclass
class Here:
    """What a capsule shows, on the host again."""

    given: object

    def __dlpack_device__(self):
        return 1, 0

    def __dlpack__(self, **asked):
        return moved(self.given.__dlpack__(stream=4096), 1)


def from_dlpack(given):
    assert given.__dlpack_device__() == (2, 0)
    renamed = dlpack.Renamed(Here(given), dlpack.BFLOAT, dlpack.INT)
    memory = np.from_dlpack(renamed)
    return Far(memory.view(ml_dtypes.bfloat16) if renamed.renamed else memory)
