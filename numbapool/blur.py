"""Poolings that blur before they stride, so that a shifted input gives a shifted result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import arguments, functional, geometry, lazy
from .arguments import plain
from .arrays import adapt, check_dtype, narrowed, widened
from .axes import channels_first
from .docs import documented
from .nan import omits
from .ops import MAX, MEAN
from .ops.base import floating, omitting

PADDINGS: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "zero": "constant"}


def _padded(array: np.ndarray, pads: list[tuple[int, int]], mode: str) -> np.ndarray:
    """``array`` with more around it, its axes in memory as they were."""
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    padded = np.pad(array.transpose(order), [pads[axis] for axis in order], PADDINGS[mode])
    return padded.transpose(np.argsort(order))


def _filtered(
    array: np.ndarray, dims: int, count: int, strides: tuple[int, ...], num_threads: int | None
) -> np.ndarray:
    """Binomial weights are means of two neighbours, again and again; only the last one strides."""
    steps = [(2, 1)] * (count - 2) + [(min(count, 2), strides)]
    for kernel, stride in steps:
        where = (geometry.sliding, dims, kernel, stride)
        array = lazy.run(MEAN, where, array, False, None, None, None, num_threads)
    return array


def blur_filter(
    sizes: tuple[int, ...], filter_size: Any, padding_mode: Any
) -> tuple[int, int, int]:
    """How many taps a blur has, and how much is padded before and after planes of these sizes."""
    (count,) = arguments.spread("filter_size", plain("filter_size", filter_size), 1, 1)
    if padding_mode not in PADDINGS:
        raise ValueError(f"padding_mode must be one of {', '.join(PADDINGS)}, got {padding_mode!r}")
    before, after = (count - 1) // 2, count // 2
    if padding_mode == "reflect" and min(sizes) <= after:
        raise ValueError(
            f"filter_size={count} reflects more than an input of spatial shape {sizes} has"
        )
    return count, before, after


def _blurred(
    array: np.ndarray, dims: int, filter_size: Any, stride: Any, padding_mode: Any, omit: bool,
    num_threads: int | None,
) -> np.ndarray:  # fmt: skip
    check_dtype(array.dtype, sums=True)
    sizes = geometry.spatial(array.shape, dims)
    count, before, after = blur_filter(sizes, filter_size, padding_mode)
    strides = arguments.spread("stride", plain("stride", stride), dims, 1)
    pads = [(0, 0)] * (array.ndim - dims) + [(before, after)] * dims
    padded = _padded(widened(array), pads, padding_mode)
    window = dims, count, strides, num_threads
    if omit:
        there = ~np.isnan(padded)
        weights = _filtered(there.astype(padded.dtype), *window)
        with np.errstate(invalid="ignore"):  # of NaN only: no weight, and NaN
            result = _filtered(np.where(there, padded, 0), *window) / weights
    else:
        result = _filtered(padded, *window)
    return narrowed(result, floating(array.dtype.newbyteorder("=")))


def _blurring(dims: int) -> Callable[..., Any]:
    def blur_pool(
        input: Any,
        filter_size: int = 3,
        stride: Any = 2,
        *,
        padding_mode: str = "reflect",
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        num_threads: int | None = None,
    ) -> Any:
        array, wrap = channels_first(input, dims, data_format, adapt)
        omit = omits(input, nan_policy)
        return wrap(_blurred(array, dims, filter_size, stride, padding_mode, omit, num_threads))

    return documented(blur_pool, "blur", dims)


def _blurring_maxima(dims: int) -> Callable[..., Any]:
    def max_blur_pool(
        input: Any,
        kernel_size: Any,
        filter_size: int = 3,
        stride: Any = 2,
        *,
        padding_mode: str = "reflect",
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        num_threads: int | None = None,
    ) -> Any:
        array, wrap = channels_first(input, dims, data_format, adapt)
        omit = omits(input, nan_policy)
        where = functional.window(dims, kernel_size, 1, 0, 1, False)
        largest = omitting(MAX) if omit else MAX
        dense = lazy.run(largest, where, array, False, None, None, None, num_threads)
        return wrap(_blurred(dense, dims, filter_size, stride, padding_mode, omit, num_threads))

    return documented(max_blur_pool, "max_blur", dims)


DIMS = (1, 2, 3)
blur_pool1d, blur_pool2d, blur_pool3d = map(_blurring, DIMS)
max_blur_pool1d, max_blur_pool2d, max_blur_pool3d = map(_blurring_maxima, DIMS)
