"""Running the tasks of a program: all on this thread, or spread over several.

A kernel is an address and its arguments are words, so the parallel loop, which takes a second to
compile, is compiled once for all kernels and arrays, and is called by its address too; the ways in
are compiled once a kind of array, and once for addresses. They give the number of tasks that are
left to a kernel which is not compiled yet.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

import numpy as np
from llvmlite import ir
from numba import from_dtype, prange, types
from numba.extending import intrinsic

from ..jit import compile_driver, compile_loop
from ..lazy import undisturbed
from . import memory
from .frame import SCRATCH, TASKS

CHUNKS_A_THREAD = 4
NO_MEMORY = np.iinfo(np.uintp).max
U = np.uintp
WORD = U(8)


def _spread(frame: Any, x: Any, out: Any, index: Any) -> Any:
    tasks, size = memory.word(frame, TASKS), memory.word(frame, SCRATCH)
    chunks = min(tasks, U(CHUNKS_A_THREAD) * memory.threads())
    scratch = memory.take((size + WORD) * chunks)
    if scratch == U(0):
        return U(NO_MEMORY)
    lefts = scratch + size * chunks
    for number in prange(np.int64(chunks)):
        chunk = U(number)
        first, last = chunk * tasks // chunks, (chunk + U(1)) * tasks // chunks
        mine = scratch + chunk * size
        memory.put(lefts, chunk, memory.call(frame, mine, first, last, x, out, index))
    left = U(0)
    for chunk in range(chunks):
        left += memory.word(lefts, chunk)
    memory.give_back(scratch)
    return left


@cache
def spread() -> int:
    """The address of the loop over Numba's threads, which must have been started."""
    return compile_loop(_spread)


@intrinsic
def _address(typing_context: Any, array: Any) -> Any:
    """Where an array lies; of an address itself, and 0 of None."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if isinstance(array, types.Array):
            data = context.make_array(array)(context, builder, args[0]).data
            return builder.ptrtoint(data, ir.IntType(64))
        return ir.Constant(ir.IntType(64), 0) if array is types.none else args[0]

    return types.uintp(array), generate


def _serial(frame: Any, x: Any, out: Any, index: Any) -> int:
    scratch = memory.take(memory.word(frame, SCRATCH))
    if scratch == U(0):
        raise MemoryError("no memory for the scratch of a kernel")
    x_at, out_at, index_at = _address(x), _address(out), _address(index)
    left = memory.call(frame, scratch, U(0), memory.word(frame, TASKS), x_at, out_at, index_at)
    memory.give_back(scratch)
    return left


def _parallel(frame: Any, loop: Any, x: Any, out: Any, index: Any) -> int:
    left = memory.spread(loop, frame, _address(x), _address(out), _address(index))
    if left == U(NO_MEMORY):
        raise MemoryError("no memory for the scratch of a kernel")
    return left


serial = compile_driver(_serial)
parallel = compile_driver(_parallel)  # with the loop's address


class Ways:
    """The ways in for arrays of some types, or addresses, which are not looked at again.

    That is an eighth of a tiny call. Each is compiled when it is first gone.
    """

    def __init__(self, kinds: tuple[Any, ...]) -> None:
        self.kinds = kinds

    @cached_property
    def alone(self) -> Callable[..., int]:
        """`serial`."""
        with undisturbed():
            compiled: Callable[..., int] = serial.compile((types.int64, *self.kinds))
        return compiled

    @cached_property
    def together(self) -> Callable[..., int]:
        """`parallel`."""
        with undisturbed():
            words = (types.int64, types.int64)
            compiled: Callable[..., int] = parallel.compile((*words, *self.kinds))
        return compiled


@cache
def ways(dtypes: tuple[np.dtype | None, ...], axes: tuple[int, ...]) -> Ways:
    """For arrays of these dtypes, or None, with so many axes."""
    return Ways(tuple(
        types.none if dtype is None else types.Array(from_dtype(dtype), count, "C")
        for dtype, count in zip(dtypes, axes, strict=True)
    ))  # fmt: skip


@cache
def by_address() -> Ways:
    """For arrays of any kind, of which it is known where they lie; 0 is none."""
    return Ways((types.int64,) * 3)
