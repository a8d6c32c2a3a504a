"""The way back of an index map: values to where they were taken from, plane by plane.

A plane is one thread's, and its values go there in their order: no atomics, and the same bits on
any number of threads.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ..fingerprints import fingerprint
from ..jit import compile_kernel
from ..ops import SUM
from . import frame, memory, threads
from .frame import CELLS, HEIGHT_OUT
from .kernels import assembled
from .memory import INPUT, OUTPUT
from .scalars import stored

U = np.uintp
#: What becomes of several values for one place.
LAST, SUMMED, LARGEST = range(3)
WORK = 1.0  # nanoseconds a value, about


@cache
def _kernel(dtype: np.dtype, index_dtype: np.dtype, rule: int) -> int:
    value_type, index_type = stored(dtype).type, index_dtype.type
    summed, largest, stamp = rule == SUMMED, rule == LARGEST, fingerprint(SUM)

    def scatter(words, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x, out = memory.pointer(x_at, value_type), memory.pointer(out_at, value_type)
        index = memory.pointer(index_at, index_type)
        cells, places = memory.word(words, CELLS), memory.word(words, HEIGHT_OUT)
        for plane in range(first, last):
            base = plane * places
            for at in range(plane * cells, (plane + U(1)) * cells):
                where = memory.load(INPUT, index, at)
                value = memory.load(INPUT, x, at)
                if where >= 0:
                    to = base + U(where)
                    if summed:
                        value = value_type(memory.load(OUTPUT, out, to) + value)
                    memory.store(OUTPUT, out, to, value)
            if largest:  # each place holds one of its values now
                for at in range(plane * cells, (plane + U(1)) * cells):
                    where = memory.load(INPUT, index, at)
                    value = memory.load(INPUT, x, at)
                    if where >= 0:
                        to = base + U(where)
                        best = memory.load(OUTPUT, out, to)
                        if value > best or value != value:
                            memory.store(OUTPUT, out, to, value)
        return last

    return compile_kernel(scatter)


def scatter(
    values: np.ndarray, indices: np.ndarray, out: np.ndarray, rule: int, num_threads: int | None
) -> None:
    """Writes ``values`` (planes, cells) to the planes of ``out`` (planes, places).

    All are C-contiguous. An index below 0 is of a value that goes nowhere; none is too large.
    """
    planes, cells = values.shape
    kernel = _kernel(values.dtype, indices.dtype, rule)
    program = assembled(
        "scatter",
        {
            frame.KERNEL: kernel,
            frame.SCRATCH: 0,
            frame.TASKS: planes,
            frame.CELLS: cells,
            frame.HEIGHT_OUT: out.shape[1],
        },
        {},
        planes * cells * WORK,
        lambda: kernel,
    )
    threads.run_on_bytes(program, (values, out, indices), num_threads)
