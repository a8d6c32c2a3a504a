"""Gradients of poolings that are made of others: back through each, in turn."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from . import arguments, functional, geometry, gradients
from .arguments import plain
from .arrays import check_form
from .blur import PADDINGS, blur_filter
from .docs import documented
from .fractional import placed
from .gradients import checked_shape, floats
from .lazy import undisturbed
from .unpool import scattered


def _of_both(dims: int) -> Callable[..., Any]:
    least, most = (getattr(functional, f"{name}_pool{dims}d") for name in ("min", "max"))

    def backward(
        grad_min: Any,
        grad_max: Any,
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        num_threads: int | None = None,
    ) -> Any:
        make, _, *where = functional.window(
            dims, kernel_size, stride, padding, dilation, ceil_mode
        )
        low, wrap = floats("grad_min", grad_min)
        high, _ = floats("grad_max", grad_max)
        x, _ = floats("input", input)
        sizes = geometry.spatial(x.shape, dims)
        shape = (*x.shape[: x.ndim - dims], *geometry.lengths(make(sizes, *where)))
        check_form(low, "grad_min", shape, x.dtype)
        check_form(high, "grad_max", shape, x.dtype)
        found = []
        for pool, grad in ((least, low), (most, high)):
            _, indices = pool(
                x, kernel_size, stride, padding, dilation, ceil_mode, True, num_threads=num_threads
            )
            found.append(scattered(grad, indices, dims, sizes, "sum", None, num_threads))
        return wrap(found[0] + found[1])

    return documented(backward, "minmax", dims, backward=True)


def _folded(grad: np.ndarray, axis: int, size: int, before: int, mode: str) -> np.ndarray:
    """The gradient of an axis of ``size`` from that of the same, padded."""
    after = grad.shape[axis] - size - before
    lines = np.moveaxis(grad, axis, 0)
    folded = lines[before : before + size].copy()
    if mode != "constant":
        # Which line each of the padded ones is a copy of.
        sources = np.pad(np.arange(size), (before, after), mode)  # type: ignore[call-overload]
        for line in (*range(before), *range(before + size, len(lines))):
            folded[sources[line]] += lines[line]
    return np.moveaxis(folded, 0, axis)


def _blurred_back(
    dims: int, grad: np.ndarray, shape: tuple[int, ...], filter_size: Any, stride: Any,
    padding_mode: Any, num_threads: int | None,
) -> np.ndarray:  # fmt: skip
    """Back through the averages of a blur, the last one first, and through its padding."""
    average = getattr(gradients, f"avg_pool{dims}d_backward")
    lead, sizes = shape[: len(shape) - dims], shape[len(shape) - dims :]
    taps, before, _ = blur_filter(sizes, filter_size, padding_mode)
    strides = arguments.spread("stride", plain("stride", stride), dims, 1)
    last = min(taps, 2)  # taps of the last average, the one that strides
    averaged = tuple(size + last - 1 for size in sizes)
    cells = geometry.lengths(geometry.sliding(averaged, last, strides))
    check_form(grad, "grad_output", (*lead, *cells), grad.dtype)
    found = average(grad, (*lead, *averaged), last, strides, num_threads=num_threads)
    for _ in range(taps - 2):
        averaged = tuple(size + 1 for size in averaged)
        found = average(found, (*lead, *averaged), 2, 1, num_threads=num_threads)
    for axis, size in enumerate(sizes, len(lead)):
        found = _folded(found, axis, size, before, PADDINGS[padding_mode])
    return np.ascontiguousarray(found)


def _of_blur(dims: int) -> Callable[..., Any]:
    def backward(
        grad_output: Any,
        input_shape: Any,
        filter_size: int = 3,
        stride: Any = 2,
        *,
        padding_mode: str = "reflect",
        num_threads: int | None = None,
    ) -> Any:
        grad, wrap = floats("grad_output", grad_output)
        shape = checked_shape(input_shape, grad.shape, dims)
        return wrap(
            _blurred_back(dims, grad, shape, filter_size, stride, padding_mode, num_threads)
        )

    return documented(backward, "blur", dims, backward=True)


def _of_max_blur(dims: int) -> Callable[..., Any]:
    most = getattr(functional, f"max_pool{dims}d")

    def backward(
        grad_output: Any,
        input: Any,
        kernel_size: Any,
        filter_size: int = 3,
        stride: Any = 2,
        *,
        padding_mode: str = "reflect",
        num_threads: int | None = None,
    ) -> Any:
        grad, wrap = floats("grad_output", grad_output)
        x, _ = floats("input", input)
        sizes = geometry.spatial(x.shape, dims)
        dense, where = most(x, kernel_size, 1, return_indices=True, num_threads=num_threads)
        if grad.dtype != x.dtype:
            raise ValueError(
                f"grad_output must have the dtype of input, {x.dtype}, got dtype {grad.dtype} "
                f"in shape {grad.shape}"
            )
        back = _blurred_back(
            dims, grad, dense.shape, filter_size, stride, padding_mode, num_threads
        )
        return wrap(scattered(back, where, dims, sizes, "sum", None, num_threads))

    return documented(backward, "max_blur", dims, backward=True)


def _windows_of(bins: np.ndarray, size: int) -> np.ndarray:
    """The first window and the end of those that each input of an axis is a tap of.

    Windows come in order, so that is those which begin up to it less those which end.
    """
    planes = np.arange(len(bins))[:, None]
    begun, ended = np.zeros((2, len(bins), size + 1), np.int64)
    np.add.at(begun, (planes, bins[..., 0]), 1)
    np.add.at(ended, (planes, bins[..., 1]), 1)
    return np.ascontiguousarray(np.stack([ended.cumsum(1), begun.cumsum(1)], -1)[:, :size])


def _of_drawn(dims: int) -> Callable[..., Any]:
    def backward(
        grad_output: Any,
        input_shape: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        *,
        random_samples: Any,
        num_threads: int | None = None,
    ) -> Any:
        grad, wrap = floats("grad_output", grad_output)
        shape = checked_shape(input_shape, grad.shape, dims)
        axes = placed(
            shape, grad.dtype, dims, kernel_size, output_size, output_ratio, random_samples, None
        )
        lead, sizes = shape[: len(shape) - dims], shape[len(shape) - dims :]
        cells, taps = geometry.lengths(axes), prod(axis.kernel for axis in axes)
        bins = [np.stack(axis.interval(np.arange(len(axis))), -1) for axis in axes]
        check_form(grad, "grad_output", (*lead, *cells), grad.dtype)
        with undisturbed():
            from .cpu import regions, threads
        if num_threads is not None:
            num_threads = threads.checked(num_threads)
        planes = prod(lead)
        found = np.empty(shape, grad.dtype)
        if planes:
            shares = (grad / taps).astype(grad.dtype).reshape(planes, 1, *cells)
            back = [_windows_of(each, size) for each, size in zip(bins, sizes, strict=True)]
            regions.of_bins(
                np.ascontiguousarray(shares), found.reshape(planes, 1, *sizes), None,
                np.arange(planes), back, regions.TOTAL, num_threads,
            )  # fmt: skip
        return wrap(found)

    return documented(backward, "fractional_avg", dims, backward=True)


DIMS = (1, 2, 3)
minmax_pool1d_backward, minmax_pool2d_backward, minmax_pool3d_backward = map(_of_both, DIMS)
blur_pool1d_backward, blur_pool2d_backward, blur_pool3d_backward = map(_of_blur, DIMS)
max_blur_pool1d_backward, max_blur_pool2d_backward, max_blur_pool3d_backward = map(
    _of_max_blur, DIMS
)
fractional_avg_pool2d_backward, fractional_avg_pool3d_backward = map(_of_drawn, (2, 3))
