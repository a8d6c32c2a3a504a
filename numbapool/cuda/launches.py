"""Kernels as the driver launches them: compiled for arrays of a kind, their words laid out once.

Numba's own launch looks at every array anew, for a hundred microseconds; one that is `Prepared`
writes where its arrays lie, and asks the driver.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import addressof, c_uint64, c_void_p
from functools import cache
from math import prod
from operator import index
from typing import Any, NamedTuple

import numpy as np

from . import streams
from .api import SIMULATED, cuda

if not SIMULATED:
    from cuda.bindings import driver
    from numba.core import types
    from numba.np.numpy_support import from_dtype


class View(NamedTuple):
    """An array as kernels take it."""

    address: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in bytes
    dtype: np.dtype  # of NumPy's own
    owner: Any  # keeps the memory

    @property
    def layout(self) -> str:
        """In which order its elements lie with no gap, by the letters of NumPy's."""
        for letter, shape, strides in (
            ("C", self.shape, self.strides), ("F", self.shape[::-1], self.strides[::-1])
        ):  # fmt: skip
            dense = (prod(shape[axis + 1 :]) * self.dtype.itemsize for axis in range(len(shape)))
            if all(step == want for step, want in zip(strides, dense, strict=True)):
                return letter
        return "A"


#: Where the address is among the words of an array.
ADDRESS = 4


def _told(argument: Any) -> tuple[Any, list[int]]:
    """The type that a kernel is compiled for, and the words that it is given."""
    if argument is None:
        return types.none, [0]
    if isinstance(argument, View):
        address, shape, strides, dtype, _ = argument
        kind = types.Array(from_dtype(dtype), len(shape), argument.layout)
        return kind, [0, 0, prod(shape), dtype.itemsize, address, *shape, *strides]
    return types.int64, [index(argument)]


def context() -> int:
    """The current context of this thread, by its address."""
    return int(driver.cuCtxGetCurrent()[1])


class _Words:
    """The words of a launch, and where each is, in memory that the driver reads."""

    def __init__(self, words: Sequence[int]) -> None:
        count = len(words)
        self.words = (c_uint64 * count)(*words)
        begin = addressof(self.words)
        self.table = (c_void_p * count)(*range(begin, begin + 8 * count, 8))
        self.address = addressof(self.table)


class Prepared:
    """A launch of which all is settled but the stream and where its arrays lie."""

    def __init__(
        self, function: Any, grid: tuple[int, ...], block: int, words: Sequence[int],
        arrays: Sequence[int],
    ) -> None:  # fmt: skip
        self.function, self.words, self.arrays = function, words, arrays
        self.how = (*grid, *(1,) * (3 - len(grid)), block, 1, 1, 0)
        self.spare: list[_Words] = []  # of launches that are over: each thread needs its own

    def __call__(self, stream: Any, arguments: Sequence[Any]) -> None:
        """Launches with arguments like those that it was prepared for."""
        addresses = [each.address for each in arguments if isinstance(each, View)]
        self.at(streams.handle(stream), addresses)

    def at(self, stream: int, addresses: Sequence[int]) -> None:
        """Launches on the stream at an address, with arrays at these."""
        try:
            mine = self.spare.pop()
        except IndexError:
            mine = _Words(self.words)
        words = mine.words
        for at, address in zip(self.arrays, addresses, strict=True):
            words[at] = address
        (error,) = driver.cuLaunchKernel(self.function, *self.how, stream, mine.address, 0)
        self.spare.append(mine)
        if error:
            raise RuntimeError(f"a kernel could not be launched: {error.name}")


class Kernel:
    """A kernel, compiled for the types that it is launched with."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.made = cuda.jit(function)
        self.loaded: dict[tuple[Any, ...], Any] = {}

    def __getitem__(self, how: tuple[Any, int, Any]) -> Callable[..., None]:
        """What launches it once, with a grid, a block and a stream."""
        grid, block, stream = how
        grid = grid if isinstance(grid, tuple) else (grid,)
        return lambda *arguments: self.prepared(grid, block, arguments)(stream, arguments)

    def prepared(
        self, grid: tuple[int, ...], block: int, arguments: Sequence[Any]
    ) -> Callable[[Any, Sequence[Any]], None]:
        """What launches it in the current context, with a stream and arguments like these."""
        if SIMULATED:
            return lambda stream, given: self.made[grid, block, stream](*given)
        kinds, words, arrays = list[Any](), list[int](), list[int]()
        for argument in arguments:
            kind, more = _told(argument)
            if isinstance(argument, View):
                arrays.append(len(words) + ADDRESS)
            kinds.append(kind)
            words += more
        return Prepared(self._function(tuple(kinds)), grid, block, words, arrays)

    def _function(self, kinds: tuple[Any, ...]) -> Any:
        key = context(), kinds
        found = self.loaded.get(key)
        if found is None:
            made = self.made.compile(kinds)
            made.bind()
            function = made._codelibrary.get_cufunc()
            found = self.loaded[key] = driver.CUfunction(int(function.handle))
        return found


@cache
def made(make: Callable[..., Any], *of: Any) -> Any:
    """The kernel that ``make(*of)`` gives, made once."""
    return Kernel(make(*of))
