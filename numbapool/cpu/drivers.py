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
    tasks = memory.word(frame, TASKS)
    index_at = 0 if index is None else index.ctypes.data
    scratch = memory.take(memory.word(frame, SCRATCH))
    memory.call(frame, scratch, 0, tasks, x.ctypes.data, out.ctypes.data, index_at)
    memory.give_back(scratch)


def _parallel(frame: Any, chunks: Any, x: Any, out: Any, index: Any) -> None:
    tasks, size = np.int64(memory.word(frame, TASKS)), memory.word(frame, SCRATCH)
    scratch = memory.take(size * np.uintp(chunks))
    for chunk in prange(chunks):
        first, last = chunk * tasks // chunks, (chunk + 1) * tasks // chunks
        memory.call(frame, scratch + np.uintp(chunk) * size, first, last, x, out, index)
    memory.give_back(scratch)


def _address(array: Any) -> Any:
    return array.ctypes.data


address = compile_driver(_address)  # NumPy's own way takes ten times as long
serial = compile_driver(_serial)
parallel = compile_driver(_parallel, parallel=True)
