"""Running the tasks of a program: all on this thread, or spread over several.

A kernel is an address and its arguments are words, so the parallel one, which takes a second to
compile, is compiled once for all kernels and arrays; the serial one once a kind of array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..jit import compile_driver
from . import memory
from .frame import SCRATCH, TASKS


def _serial(frame: Any, x: Any, out: Any, index: Any) -> None:
    scratch = np.empty(memory.word(frame, SCRATCH), np.uint8)
    index_at = 0 if index is None else index.ctypes.data
    memory.call(
        frame, scratch, 0, 0, memory.word(frame, TASKS), x.ctypes.data, out.ctypes.data, index_at
    )


def _parallel(frame: Any, x: Any, out: Any, index: Any, chunks: Any) -> None:
    tasks, size = np.int64(memory.word(frame, TASKS)), np.int64(memory.word(frame, SCRATCH))
    scratch = np.empty(size * chunks, np.uint8)
    for chunk in prange(chunks):
        first, last = chunk * tasks // chunks, (chunk + 1) * tasks // chunks
        memory.call(frame, scratch, chunk * size, first, last, x, out, index)


def _address(array: Any) -> Any:
    return 0 if array is None else array.ctypes.data


address = compile_driver(_address)  # NumPy's own way takes ten times as long
serial = compile_driver(_serial)
parallel = compile_driver(_parallel, parallel=True)
