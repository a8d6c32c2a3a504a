"""CuPy as far as this package asks it, with memory of the driver's."""

from __future__ import annotations

import types
from contextlib import contextmanager
from math import prod

import numpy as np
from numba import cuda


class ndarray:
    def __init__(self, memory, shape, strides, offset=0):
        self.memory, self.shape, self.strides, self.dtype = memory, shape, strides, memory.dtype
        self.ndim, self.size = len(shape), prod(shape)
        at = memory.__cuda_array_interface__["data"][0] + offset
        self.data = types.SimpleNamespace(ptr=at, device_id=0)
        self.device = types.SimpleNamespace(id=0)

    @property
    def __cuda_array_interface__(self):
        return {
            "shape": self.shape, "typestr": self.dtype.str, "data": (self.data.ptr, False),
            "strides": self.strides, "version": 3,
        }  # fmt: skip

    def transpose(self, order):
        shape, strides = ([of[axis] for axis in order] for of in (self.shape, self.strides))
        return ndarray(self.memory, tuple(shape), tuple(strides))


def empty(shape, dtype):
    memory = cuda.device_array(shape, dtype)
    return ndarray(memory, memory.shape, memory.strides)


def asarray(x):
    memory = cuda.to_device(np.ascontiguousarray(x))
    return ndarray(memory, memory.shape, memory.strides)


class Module(types.ModuleType):
    """The module, whose current stream is a test's to choose."""

    def __init__(self):
        super().__init__("cupy")
        self.ndarray, self.empty, self.asarray, self.current = ndarray, empty, asarray, 0
        self.cuda = types.SimpleNamespace(
            get_current_stream=lambda: types.SimpleNamespace(ptr=self.current),
            ExternalStream=self.using,
        )

    @contextmanager
    def using(self, address):
        before, self.current = self.current, address
        yield
        self.current = before
