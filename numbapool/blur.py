"""Poolings that blur before they stride, so that a shifted input gives a shifted result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import arguments, functional, geometry, lazy
from .arguments import plain
from .arrays import check_dtype, narrowed, widened
from .axes import channels_first
from .docs import documented
from .elementwise import choose, is_number, mapped, number, quotient, split
from .indices import taken
from .nan import omits
from .ops import MAX, MEAN
from .ops.base import floating, omitting
from .targets import adapting, place, streamed

PADDINGS: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "zero": "constant"}


def _joined(outer: Any, length: Any, inner: Any) -> Any:
    return choose((outer < 0) | (inner < 0), -1, outer * length + inner)


def padded_places(
    sizes: tuple[int, ...], before: int, after: int, mode: str, like: Any
) -> Any:
    """Which input each place of a padded plane is a copy of, flat in the plane; -1 is a zero.

    Where ``like`` is.
    """
    none = {"constant_values": -1} if mode == "zero" else {}
    found: Any = None
    for size in sizes:
        along: Any = np.pad(np.arange(size), (before, after), PADDINGS[mode], **none)
        if found is None:
            found = along
        else:
            outer, length = split(found, found.shape[-1], 1), number(size, np.int64)
            found = mapped(_joined, outer, length, along, dtype=np.int64, like=like)
    return found


def _padded(array: Any, dims: int, before: int, after: int, mode: str) -> Any:
    """``array`` with more around it, its axes in memory as they were."""
    if not isinstance(array, np.ndarray):
        sizes = array.shape[-dims:]
        return taken(array, padded_places(sizes, before, after, mode, array), dims)
    pads = [(0, 0)] * (array.ndim - dims) + [(before, after)] * dims
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    padded = np.pad(array.transpose(order), [pads[axis] for axis in order], PADDINGS[mode])
    return padded.transpose(np.argsort(order))


def _filtered(
    array: Any, dims: int, count: int, strides: tuple[int, ...], num_threads: int | None
) -> Any:
    """Binomial weights are means of two neighbours, again and again; only the last one strides."""
    steps = [(2, 1)] * (count - 2) + [(min(count, 2), strides)]
    for kernel, stride in steps:
        where = (geometry.sliding, dims, kernel, stride)
        array = lazy.run(MEAN, where, array, False, None, None, None, num_threads, place(array))
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


def _number_or(value: Any, nothing: Any) -> Any:
    return choose(value == value, value, nothing)


def _blurred(
    array: Any, dims: int, filter_size: Any, stride: Any, padding_mode: Any, omit: bool,
    num_threads: int | None,
) -> Any:  # fmt: skip
    check_dtype(array.dtype, sums=True)
    sizes = geometry.spatial(array.shape, dims)
    count, before, after = blur_filter(sizes, filter_size, padding_mode)
    strides = arguments.spread("stride", plain("stride", stride), dims, 1)
    padded = _padded(widened(array), dims, before, after, padding_mode)
    window, kind = (dims, count, strides, num_threads), padded.dtype
    if omit:
        weights = _filtered(mapped(is_number, padded, dtype=kind), *window)
        numbers = mapped(_number_or, padded, number(0, kind), dtype=kind)
        # Of NaN only: no weight, and NaN.
        result = mapped(quotient, _filtered(numbers, *window), weights, dtype=kind)
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
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        if stream is not None:
            input = streamed(input, stream, target)
        array, wrap = channels_first(input, dims, data_format, adapting(input, target))
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
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        if stream is not None:
            input = streamed(input, stream, target)
        array, wrap = channels_first(input, dims, data_format, adapting(input, target))
        omit = omits(input, nan_policy)
        where = functional.window(dims, kernel_size, 1, 0, 1, False)
        largest = omitting(MAX) if omit else MAX
        dense = lazy.run(largest, where, array, False, None, None, None, num_threads, place(array))
        return wrap(_blurred(dense, dims, filter_size, stride, padding_mode, omit, num_threads))

    return documented(max_blur_pool, "max_blur", dims)


DIMS = (1, 2, 3)
blur_pool1d, blur_pool2d, blur_pool3d = map(_blurring, DIMS)
max_blur_pool1d, max_blur_pool2d, max_blur_pool3d = map(_blurring_maxima, DIMS)
