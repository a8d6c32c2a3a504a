"""Running the tasks of a program: all on this thread, or spread over several.

A kernel is an address and its arguments are words, so the parallel one, which takes a second to
compile, is compiled once for all kernels and arrays; the serial one once a kind of array. Both give
the number of tasks that are left to a kernel which is not compiled yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..jit import compile_driver
from . import memory
from .frame import SCRATCH, TASKS

WORD = np.uintp(8)


def _serial(frame: Any, x: Any, out: Any, index: Any) -> int:
    tasks = memory.word(frame, TASKS)
    index_at = 0 if index is None else index.ctypes.data
    scratch = memory.take(memory.word(frame, SCRATCH))
    left = memory.call(frame, scratch, 0, tasks, x.ctypes.data, out.ctypes.data, index_at)
    memory.give_back(scratch)
    return left


def _parallel(frame: Any, chunks: Any, x: Any, out: Any, index: Any) -> int:
    tasks, size = np.int64(memory.word(frame, TASKS)), memory.word(frame, SCRATCH)
    scratch = memory.take((size + WORD) * np.uintp(chunks))
    lefts = scratch + size * np.uintp(chunks)
    for chunk in prange(chunks):
        first, last = chunk * tasks // chunks, (chunk + 1) * tasks // chunks
        mine = scratch + np.uintp(chunk) * size
        memory.put(lefts, chunk, memory.call(frame, mine, first, last, x, out, index))
    left = np.uintp(0)
    for chunk in range(chunks):
        left += memory.word(lefts, np.uintp(chunk))
    memory.give_back(scratch)
    return left


def _address(array: Any) -> Any:
    return array.ctypes.data


address = compile_driver(_address)  # NumPy's own way takes ten times as long
serial = compile_driver(_serial)
parallel = compile_driver(_parallel, parallel=True)
