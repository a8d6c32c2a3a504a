"""Poolings made of others: two at once, several sizes side by side, one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from . import adaptive, arguments, functional, geometry, lazy
from .arguments import plain
from .arrays import as_native
from .axes import channels_first
from .docs import documented
from .elementwise import copied, empty, part
from .nan import policed
from .ops import MAX, MIN
from .targets import adapting, place, streamed

#: Bytes of planes that two poolings go over in turns: they stay in the caches meanwhile.
TOGETHER = 4 * 1024 * 1024


def _both(dims: int) -> Callable[..., Any]:
    def minmax_pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> tuple[Any, Any]:
        if stream is not None:
            input = streamed(input, stream, target)
        array, wrap = channels_first(input, dims, data_format, adapting(input, target))
        where = functional.window(dims, kernel_size, stride, padding, dilation, ceil_mode)
        axes = geometry.sliding(geometry.spatial(array.shape, dims), *where[2:])
        least, most = (policed(op, input, nan_policy) for op in (MIN, MAX))
        here = place(array)
        if not here or not array.flags.c_contiguous:
            low, high = (
                lazy.run(op, where, array, False, None, None, None, num_threads, here)
                for op in (least, most)
            )
            return wrap(low), wrap(high)
        lead = array.shape[: array.ndim - dims]
        shape, native = (*lead, *geometry.lengths(axes)), array.dtype.newbyteorder("=")
        low, high = (np.empty_like(array, native, shape=shape) for _ in range(2))
        step = max(TOGETHER // max(prod(array.shape[1:]) * array.itemsize, 1), 1)
        for start in range(0, max(lead[0], 1), step):
            some = slice(start, start + step)
            for op, out in ((least, low), (most, high)):
                lazy.run(op, where, array[some], False, None, None, out[some], num_threads, here)
        return wrap(low), wrap(high)

    return documented(minmax_pool, "minmax", dims)


minmax_pool1d, minmax_pool2d, minmax_pool3d = map(_both, (1, 2, 3))


def pyramid_pool(
    input: Any, sizes: Sequence[Any] = (1, 2, 3, 6), mode: str = "avg", *,
    num_threads: int | None = None, target: str | None = None, stream: Any = None,
) -> tuple[Any, ...]:  # fmt: skip
    """Several adaptive poolings of one array, as pyramid scene parsing takes them [1]_.

    Parameters
    ----------
    input : array of shape (N, C, H, W) or (C, H, W)
        See `max_pool2d`.
    sizes : sequence of ints or pairs
        Bins down and across, for each level.
    mode : "avg", "max" or "min"
        What is taken of a bin.
    num_threads, target, stream
        See `max_pool2d`, as are errors.

    Returns
    -------
    tuple of arrays of shape (N, C, size, size) or (C, size, size)

    References
    ----------
    .. [1] Zhao et al., Pyramid scene parsing network, 2017

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> [y.shape for y in numbapool.pyramid_pool(np.zeros((2, 8, 60, 60), "f4"))]
    [(2, 8, 1, 1), (2, 8, 2, 2), (2, 8, 3, 3), (2, 8, 6, 6)]
    """
    if mode not in ("avg", "max", "min"):
        raise ValueError(f"mode must be one of avg, max, min, got mode={mode!r}")
    pool = getattr(adaptive, f"adaptive_{mode}_pool2d")
    how = {"num_threads": num_threads, "target": target, "stream": stream}
    return tuple(pool(input, size, **how) for size in sizes)


def strip_pool(
    input: Any, mode: str = "avg", *, num_threads: int | None = None, target: str | None = None,
    stream: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Every row of a plane to one value, and every column [1]_.

    Parameters
    ----------
    input : array of shape (N, C, H, W) or (C, H, W)
        See `max_pool2d`.
    mode : "avg", "max" or "min"
        What is taken of a strip.
    num_threads, target, stream
        See `max_pool2d`, as are errors.

    Returns
    -------
    pair of arrays of shape (N, C, H, 1) and (N, C, 1, W), or (C, H, 1) and (C, 1, W)

    References
    ----------
    .. [1] Hou et al., Strip pooling, 2020

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> rows, columns = numbapool.strip_pool(np.arange(6.0).reshape(1, 1, 2, 3))
    >>> rows.ravel().tolist(), columns.ravel().tolist()
    ([1.0, 4.0], [1.5, 2.5, 3.5])
    """
    sizes = (None, 1), (1, None)
    rows, columns = pyramid_pool(
        input, sizes, mode, num_threads=num_threads, target=target, stream=stream
    )
    return rows, columns


def sppf_pool(
    input: Any, kernel_size: int = 5, times: int = 3, *, num_threads: int | None = None,
    target: str | None = None, stream: Any = None,
) -> Any:  # fmt: skip
    """The input and its maxima over ever larger windows, side by side as channels [1]_.

    Parameters
    ----------
    input : array of shape (N, C, H, W) or (C, H, W)
        See `max_pool2d`.
    kernel_size : int
        Odd: taps of a window of stride 1, padded so that sizes stay.
    times : int
        How often what was pooled is pooled again: 5 three times over gives windows of 5, 9 and 13.
    num_threads, target, stream
        See `max_pool2d`, as are errors.

    Returns
    -------
    array of shape (N, (times + 1) * C, H, W), or without N
        Of the input's kind and dtype.

    References
    ----------
    .. [1] The fast spatial pyramid of YOLOv5, 2022

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> numbapool.sppf_pool(np.zeros((1, 8, 20, 20))).shape
    (1, 32, 20, 20)
    """
    array, wrap = adapting(input, target, stream)("input", input)
    array = as_native(array)
    geometry.spatial(array.shape, 2)
    (kernel,) = arguments.spread("kernel_size", plain("kernel_size", kernel_size), 1, 1)
    (count,) = arguments.spread("times", plain("times", times), 1, 1)
    if kernel % 2 == 0:
        raise ValueError(f"kernel_size must be odd, got kernel_size={kernel_size!r}")
    channels, there = array.shape[-3], not isinstance(array, np.ndarray)
    shape = (*array.shape[:-3], (count + 1) * channels, *array.shape[-2:])
    result = empty(array, shape, array.dtype)
    parts = [
        part(result, n * channels, (n + 1) * channels, array.ndim - 3) for n in range(count + 1)
    ]
    copied(array, parts[0])
    for before, after in itertools.pairwise(parts):
        out = None if there else after
        found = functional.max_pool2d(
            before, kernel, 1, kernel // 2, out=out, num_threads=num_threads, target=place(array)
        )
        if there:  # where kernels write to contiguous arrays
            copied(found, after)
    return wrap(result)
