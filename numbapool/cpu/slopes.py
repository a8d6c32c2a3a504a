"""The way back of an op that knows its slopes: the gradient of each window to its taps.

A plane is one thread's, and its windows add to it in their order, in float64: no atomics, and the
same bits on any number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from math import prod
from typing import Any

import numpy as np

from ..geometry import Laid
from ..jit import compile_kernel, with_helpers
from ..ops import PoolOp
from ..ops.base import double
from ..spans import AXIS, BEGIN, BY, FIRST, TAPS, WINDOW
from . import frame, memory, programs, threads, vector
from .frame import AXES, BY_CHANNEL, CELLS, COLS, DOWN_COUNTS, HEIGHT_OUT, ROOM, ROWS, after
from .gather import make_beyond, make_corner
from .kernels import assembled
from .memory import INPUT, OUTPUT, TILE, WHOLE
from .scalars import Scalars, make_taken, scalars

U = np.uintp


def make_slopes(s: Scalars, slopes: Any) -> Any:
    """The kernel: the gradients of the planes ``first`` to ``last``."""
    source, accumulator, divides, stamp = s.source, s.accumulator, s.divides, s.fingerprint
    corner, beyond, taken_as = make_corner(s), make_beyond(), make_taken(s, TILE)
    zero, one, item = U(0), U(1), U(8)
    each, every, begin, by = U(len(AXIS)), U(len(WINDOW)), U(BEGIN), U(BY)
    start, taps, nothing = U(FIRST), U(TAPS), accumulator(0)

    def back(words, scratch, first, last, x_at, out_at, grad_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x, out = memory.pointer(x_at, source), memory.pointer(out_at, source)
        grad = memory.pointer(grad_at, source)
        axes = memory.pointer(memory.word(words, ROWS), U)
        spans = memory.pointer(memory.word(words, COLS), U)
        counts = memory.pointer(memory.word(words, DOWN_COUNTS), accumulator)
        outer, places = memory.word(words, AXES) - one, memory.word(words, BY_CHANNEL)
        rows_out, cells = memory.word(words, HEIGHT_OUT), memory.word(words, CELLS)
        taken = memory.pointer(scratch, U)  # along each outer axis
        seen_at = after(scratch, outer, item)
        into_at = after(seen_at, memory.word(words, ROOM), item)
        seen, into = memory.pointer(seen_at, accumulator), memory.pointer(into_at, accumulator)
        summed = memory.pointer(after(into_at, memory.word(words, ROOM), item), accumulator)
        step = memory.load(INPUT, axes, outer * each + by)
        for plane in range(first, last):
            base = plane * places
            for at in range(places):
                memory.store(WHOLE, summed, at, nothing)
            for row_out in range(rows_out):
                corner_at, _, rows, down_count = corner(axes, spans, counts, outer, row_out, taken)
                for j in range(cells):
                    number = memory.load(INPUT, axes, outer * each + begin) + j
                    at_first = corner_at + memory.load(INPUT, spans, number * every + start)
                    across = memory.load(INPUT, spans, number * every + taps)
                    size = zero
                    for row in range(rows):
                        at = base + at_first + beyond(axes, taken, outer, row, by)
                        for tap in range(across):
                            value = taken_as(memory.load(INPUT, x, at + tap * step))
                            memory.store(TILE, seen, size, value)
                            size += one
                    if size == zero:
                        continue
                    count = down_count
                    if divides:
                        count = accumulator(down_count * memory.load(INPUT, counts, number))
                    slopes(seen, into, np.int64(size), count)
                    window = (plane * rows_out + row_out) * cells + j
                    share = vector.convert(memory.load(INPUT, grad, window), accumulator)
                    size = zero
                    for row in range(rows):
                        at = at_first + beyond(axes, taken, outer, row, by)
                        for tap in range(across):
                            to = at + tap * step
                            more = share * memory.load(TILE, into, size)
                            memory.store(WHOLE, summed, to, memory.load(WHOLE, summed, to) + more)
                            size += one
            for at in range(places):
                memory.store(
                    OUTPUT, out, base + at, vector.convert(memory.load(WHOLE, summed, at), source)
                )
        return last

    return back


@cache
def _in_float64(op: PoolOp) -> PoolOp:
    """``op`` as its slopes are reckoned: of taps as they are."""
    return replace(op, accumulator=double, lift=None, scale=None)


@cache
def _kernel(op: PoolOp, dtype: np.dtype) -> int:
    assert op.slopes is not None
    s = scalars(op, dtype, np.int64, np.int64, False, False)
    return compile_kernel(make_slopes(s, with_helpers(op.slopes)))


def back(
    op: PoolOp, axes: Sequence[Laid], x: np.ndarray, grad: np.ndarray, out: np.ndarray,
    num_threads: int | None,
) -> None:  # fmt: skip
    """Writes to ``out`` the gradient of planes ``x``, from that of their windows.

    All are C-contiguous and of one dtype; planes come first.
    """
    op, places = _in_float64(op), prod(x.shape[1:])
    words, tables, _ = programs.described(op, axes, len(x), (len(x), 0, places), x.dtype, None)
    most = prod(programs.most_taps(axes))
    kernel = _kernel(op, x.dtype)
    words |= {
        frame.KERNEL: kernel,
        frame.SCRATCH: 8 * (len(axes) + 2 * most + places) + 3 * frame.LINE,
        frame.TASKS: len(x),
        frame.ROOM: most,
    }
    work = grad.size * most * 2 * programs.WORK
    program = assembled("slopes", words, tables, work, lambda: kernel)
    threads.run_on_bytes(program, (x, out, grad), num_threads)
