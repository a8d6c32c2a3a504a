"""Poolings made of others: two at once, one after the other, or of what was drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from . import adaptive, arguments, functional, geometry
from .arguments import plain
from .arrays import adapt
from .docs import documented
from .indices import gather

#: Bytes of planes that two poolings go over in turns: they stay in the caches meanwhile.
TOGETHER = 4 * 1024 * 1024


def _array(x: Any, dims: int) -> tuple[np.ndarray, Any]:
    array, wrap = adapt("input", x)
    geometry.spatial(array.shape, dims)
    return array, wrap


def _both(dims: int) -> Callable[..., Any]:
    least, most = (getattr(functional, f"{name}_pool{dims}d") for name in ("min", "max"))

    def minmax_pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        nan_policy: str = "propagate",
        num_threads: int | None = None,
    ) -> tuple[Any, Any]:
        array, wrap = _array(input, dims)
        window = (kernel_size, stride, padding, dilation, ceil_mode)
        axes = geometry.sliding(
            array.shape[-dims:], *functional.window(dims, *window)[2:]
        )
        options = {"nan_policy": nan_policy, "num_threads": num_threads}
        lead = array.shape[: array.ndim - dims]
        shape = (*lead, *geometry.lengths(axes))
        low, high = np.empty(shape, array.dtype), np.empty(shape, array.dtype)
        step = max(TOGETHER // max(prod(array.shape[1:]) * array.itemsize, 1), 1)
        for start in range(0, max(lead[0], 1), step):
            part = slice(start, start + step)
            least(array[part], *window, out=low[part], **options)
            most(array[part], *window, out=high[part], **options)
        return wrap(low), wrap(high)

    return documented(minmax_pool, "minmax", dims)


def _drawn(dims: int) -> Callable[..., Any]:
    most, total = (getattr(functional, f"{name}_pool{dims}d") for name in ("max", "sum"))

    def stochastic_pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
        *,
        rng: Any = None,
        train: bool = True,
        num_threads: int | None = None,
    ) -> Any:
        array, wrap = _array(input, dims)
        if array.dtype not in (np.float32, np.float64):
            raise TypeError(f"input must be float32 or float64, got dtype {array.dtype}")
        window = (kernel_size, stride, padding, dilation, ceil_mode)
        weights = np.maximum(array, 0)
        indexed = arguments.flag("return_indices", return_indices)
        if not arguments.flag("train", train):
            if indexed:
                raise ValueError("return_indices needs train=True: an expectation has no place")
            squares = total(array * weights, *window, num_threads=num_threads)
            sums = total(weights, *window, num_threads=num_threads)
            return wrap(np.divide(squares, sums, out=np.zeros_like(sums), where=sums != 0))
        if not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
        # Of exponential times at rates x, the first is x's with probability x over their sum.
        rates = weights / rng.standard_exponential(array.shape, weights.dtype)
        _, where = most(rates, *window, return_indices=True, num_threads=num_threads)
        values = gather(array, where, dims)
        return (wrap(values), wrap(where)) if indexed else wrap(values)

    return documented(stochastic_pool, "stochastic", dims)


PADDINGS: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "zero": "constant"}


def blur_filter(
    sizes: tuple[int, ...], filter_size: Any, padding_mode: Any
) -> tuple[int, int, int]:
    """How many taps a blur has, and how much is padded before and after planes of these sizes."""
    (count,) = arguments.spread("filter_size", plain("filter_size", filter_size), 1, 1)
    if padding_mode not in PADDINGS:
        raise ValueError(
            f"padding_mode must be one of {', '.join(PADDINGS)}, got {padding_mode!r}"
        )
    before, after = (count - 1) // 2, count // 2
    if padding_mode == "reflect" and min(sizes) <= after:
        raise ValueError(
            f"filter_size={count} reflects more than an input of spatial shape {sizes} has"
        )
    return count, before, after


def _blurring(dims: int, first: bool) -> Callable[..., Any]:
    average = getattr(functional, f"avg_pool{dims}d")
    most = getattr(functional, f"max_pool{dims}d")

    def blurred(x: Any, taps: Any, stride: Any, padding_mode: Any, num_threads: Any) -> Any:
        array, wrap = _array(x, dims)
        if array.dtype not in (np.float32, np.float64):
            raise TypeError(f"input must be float32 or float64, got dtype {array.dtype}")
        count, before, after = blur_filter(array.shape[array.ndim - dims :], taps, padding_mode)
        pads = [(0, 0)] * (array.ndim - dims) + [(before, after)] * dims
        result: np.ndarray = np.pad(array, pads, PADDINGS[padding_mode])
        strides = arguments.spread("stride", plain("stride", stride), dims, 1)
        # Binomial weights are means of two neighbours, again and again; only the last one strides.
        for _ in range(count - 2):
            result = average(result, 2, 1, num_threads=num_threads)
        result = average(result, min(count, 2), strides, num_threads=num_threads)
        return wrap(result)

    def blur_pool(
        input: Any,
        filter_size: int = 3,
        stride: Any = 2,
        *,
        padding_mode: str = "reflect",
        num_threads: int | None = None,
    ) -> Any:
        return blurred(input, filter_size, stride, padding_mode, num_threads)

    def max_blur_pool(
        input: Any,
        kernel_size: Any,
        filter_size: int = 3,
        stride: Any = 2,
        *,
        padding_mode: str = "reflect",
        num_threads: int | None = None,
    ) -> Any:
        dense = most(input, kernel_size, 1, num_threads=num_threads)
        return blurred(dense, filter_size, stride, padding_mode, num_threads)

    if first:
        return documented(max_blur_pool, "max_blur", dims)
    return documented(blur_pool, "blur", dims)


DIMS = (1, 2, 3)
minmax_pool1d, minmax_pool2d, minmax_pool3d = map(_both, DIMS)
stochastic_pool1d, stochastic_pool2d, stochastic_pool3d = map(_drawn, DIMS)
blur_pool1d, blur_pool2d, blur_pool3d = (_blurring(dims, False) for dims in DIMS)
max_blur_pool1d, max_blur_pool2d, max_blur_pool3d = (_blurring(dims, True) for dims in DIMS)


def pyramid_pool(
    input: Any, sizes: Sequence[Any] = (1, 2, 3, 6), mode: str = "avg", *,
    num_threads: int | None = None,
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
    num_threads : int, optional
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
    >>> [y.shape for y in numbapool.pyramid_pool(np.zeros((2, 8, 60, 60)))]
    [(2, 8, 1, 1), (2, 8, 2, 2), (2, 8, 3, 3), (2, 8, 6, 6)]
    """
    if mode not in ("avg", "max", "min"):
        raise ValueError(f"mode must be one of avg, max, min, got mode={mode!r}")
    pool = getattr(adaptive, f"adaptive_{mode}_pool2d")
    return tuple(pool(input, size, num_threads=num_threads) for size in sizes)


def strip_pool(input: Any, mode: str = "avg", *, num_threads: int | None = None) -> tuple[Any, Any]:
    """Every row of a plane to one value, and every column [1]_.

    Parameters
    ----------
    input : array of shape (N, C, H, W) or (C, H, W)
        See `max_pool2d`.
    mode : "avg", "max" or "min"
        What is taken of a strip.
    num_threads : int, optional
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
    rows, columns = pyramid_pool(input, ((None, 1), (1, None)), mode, num_threads=num_threads)
    return rows, columns


def sppf_pool(
    input: Any, kernel_size: int = 5, times: int = 3, *, num_threads: int | None = None
) -> Any:
    """The input and its maxima over ever larger windows, side by side as channels [1]_.

    Parameters
    ----------
    input : array of shape (N, C, H, W) or (C, H, W)
        See `max_pool2d`.
    kernel_size : int
        Odd: taps of a window of stride 1, padded so that sizes stay.
    times : int
        How often what was pooled is pooled again: 5 three times over gives windows of 5, 9 and 13.
    num_threads : int, optional
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
    array, wrap = _array(input, 2)
    (kernel,) = arguments.spread("kernel_size", plain("kernel_size", kernel_size), 1, 1)
    (count,) = arguments.spread("times", plain("times", times), 1, 1)
    if kernel % 2 == 0:
        raise ValueError(f"kernel_size must be odd, got kernel_size={kernel_size!r}")
    channels = array.shape[-3]
    result = np.empty((*array.shape[:-3], (count + 1) * channels, *array.shape[-2:]), array.dtype)
    result[..., :channels, :, :] = array
    for number in range(count):
        before = result[..., number * channels : (number + 1) * channels, :, :]
        after = result[..., (number + 1) * channels : (number + 2) * channels, :, :]
        functional.max_pool2d(before, kernel, 1, kernel // 2, out=after, num_threads=num_threads)
    return wrap(result)
