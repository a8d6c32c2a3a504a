"""A formula of scalars at every element of arrays that broadcast, a thread to an element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..elementwise import itself
from . import api, streams
from .api import cuda, device
from .arrays import NUMBA, DeviceArray, seen
from .launches import made
from .scalars import fitted, read_as, stored, stored_as

U = np.uint64
BLOCK = 256
#: Arrays that a formula has at most, besides its result.
MOST = 4
#: How the words begin: elements and axes. Then for each axis, from the last, its length and the
#: steps along it in the result and in every array.
TOTAL, AXES, HEAD = range(3)
ROW = 2 + MOST


def make_value(formula: Any, reads: Sequence[Any]) -> Any:
    """The formula of what is stored at a place of each array."""
    one, two, three, four = [*reads, None, None, None][:MOST]

    def of_one(a, b, c, d, i, j, k, m):
        return formula(one(a[i]))

    def of_two(a, b, c, d, i, j, k, m):
        return formula(one(a[i]), two(b[j]))

    def of_three(a, b, c, d, i, j, k, m):
        return formula(one(a[i]), two(b[j]), three(c[k]))

    def of_four(a, b, c, d, i, j, k, m):
        return formula(one(a[i]), two(b[j]), three(c[k]), four(d[m]))

    return device((of_one, of_two, of_three, of_four)[len(reads) - 1])


def make_map(formula: Any, kinds: tuple[np.dtype, ...], result: np.dtype, words: np.dtype) -> Any:
    """The kernel: a thread to an element."""
    word = words.type
    single = all(kind.itemsize <= 4 for kind in kinds)
    value = make_value(
        fitted(formula, np.dtype(np.float32 if single else np.float64)), [*map(read_as, kinds)]
    )
    as_stored = stored_as(result)
    total_at, axes_at, head, row = U(TOTAL), U(AXES), U(HEAD), U(ROW)
    one, two, three, four, five = U(1), U(2), U(3), U(4), U(5)

    def elementwise(out, words, a, b, c, d):
        item = word(cuda.blockIdx.x) * word(cuda.blockDim.x) + word(cuda.threadIdx.x)
        if item >= words[total_at]:
            return
        rest, at = word(item), head
        to = i = j = k = m = U(0)
        for _ in range(words[axes_at]):
            length = words[at]
            outer = word(word(rest) // word(length))
            along = U(word(rest - outer * length))
            rest = outer
            to += along * U(words[at + one])
            i += along * U(words[at + two])
            j += along * U(words[at + three])
            k += along * U(words[at + four])
            m += along * U(words[at + five])
            at += row
        out[to] = as_stored(value(a, b, c, d, i, j, k, m))

    return elementwise


#: Small arrays of the host by their bytes, type, shape and device; so many stay there, if each has
#: no more bytes than that.
_there: dict[tuple[Any, ...], DeviceArray] = {}
MANY, SMALL = 256, 64 * 1024


def kept(host: np.ndarray, like: DeviceArray) -> DeviceArray:
    """An array of the host where ``like`` is; the next one that equals it is there already."""
    if host.nbytes > SMALL:
        return like.sent(host)
    host = np.ascontiguousarray(host)
    call = host.tobytes(), host.dtype, host.shape, like.device.index
    found = _there.get(call)
    if found is None:
        with api.on(like.device.index):
            copy = streams.kept(host.view(stored(host.dtype)), like.library.stream())
            found = _there[call] = seen(copy, NUMBA, host.dtype)
        for oldest in list(_there)[:-MANY]:
            _there.pop(oldest, None)
    return found


def _steps(array: DeviceArray, shape: tuple[int, ...]) -> tuple[int, ...]:
    """From element to element along each axis of ``shape``; 0 where the array has one for all."""
    both = zip(array.shape, array.strides, strict=True)
    own = [0 if length == 1 else step // array.itemsize for length, step in both]
    return (*[0] * (len(shape) - array.ndim), *own)


@lru_cache(maxsize=1024)
def _words(shape: tuple[int, ...], steps: tuple[tuple[int, ...], ...]) -> np.ndarray:
    axes: list[list[int]] = []
    for number in reversed(range(len(shape))):
        row = [shape[number], *(step[number] for step in steps), *[0] * (1 + MOST - len(steps))]
        # An axis along which all go on as along the one inside it needs no division of its own.
        inside = axes[-1] if axes else None
        if inside and all(s == n * inside[0] for s, n in zip(row[1:], inside[1:], strict=True)):
            inside[0] *= row[0]
        elif row[0] > 1:
            axes.append(row)
    total = prod(shape)
    reach = max([total, *(1 + sum((r[0] - 1) * r[n] for r in axes) for n in range(1, ROW))])
    whole = np.concatenate([[total, len(axes)], np.ravel(np.array(axes, np.int64))])
    return whole.astype(np.uint32 if reach < 2**31 else np.uint64)


def mapped(
    formula: Callable[..., Any], arrays: Sequence[Any], dtype: np.dtype, shape: tuple[int, ...],
    out: DeviceArray | None = None, like: DeviceArray | None = None,
) -> DeviceArray:  # fmt: skip
    """``formula`` of the arrays, broadcast to ``shape``: in a new array, or in ``out``.

    On the device of ``like``, or of the first array, which is no small one of the host then.
    """
    like = like or arrays[0]
    there = [kept(each, like) if isinstance(each, np.ndarray) else each for each in arrays]
    with api.turn, api.on(like.device.index):
        result = like.like(shape, dtype) if out is None else out
        if result.size:
            told = _words(shape, tuple(_steps(each, shape) for each in (result, *there)))
            run = made(make_map, formula, tuple(each.dtype for each in there), dtype, told.dtype)
            given = [each.flat() for each in there] + [None] * (MOST - len(there))
            grid, stream = -(-result.size // BLOCK), like.library.stream()
            run[grid, BLOCK, stream](result.flat(), kept(told, like).flat(), *given)
    return result


def dense(array: DeviceArray) -> DeviceArray:
    """``array``, or a copy of it that is C-contiguous."""
    steps = [prod(array.shape[axis + 1 :]) for axis in range(array.ndim)]
    there = zip(_steps(array, array.shape), steps, array.shape, strict=True)
    if all(step == want for step, want, length in there if length > 1):
        return array
    return mapped(itself, [array], array.dtype, array.shape)
