"""Running the tasks of a program: all on this thread, or spread over several.

A kernel is an address and its arguments are words, so these two are compiled once for all kernels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..jit import compile_driver
from . import memory
from .frame import INDEX, OUT, X


def _serial(kernel: Any, frame: Any, size: Any, tasks: Any, x: Any, out: Any, index: Any) -> None:
    scratch = np.empty(size, np.uint8)
    words = frame.copy()
    words[X], words[OUT], words[INDEX] = x, out, index
    memory.call(kernel, words, scratch, 0, 0, tasks)


def _parallel(
    kernel: Any, frame: Any, size: Any, tasks: Any, x: Any, out: Any, index: Any, chunks: Any
) -> None:
    scratch = np.empty(size * chunks, np.uint8)
    words = frame.copy()
    words[X], words[OUT], words[INDEX] = x, out, index
    for chunk in prange(chunks):
        first, last = chunk * tasks // chunks, (chunk + 1) * tasks // chunks
        memory.call(kernel, words, scratch, chunk * size, first, last)


def _address(array: Any) -> Any:
    return array.ctypes.data


address = compile_driver(_address)  # NumPy's own way takes ten times as long
serial = compile_driver(_serial)
parallel = compile_driver(_parallel, parallel=True)
