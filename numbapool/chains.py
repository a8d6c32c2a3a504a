"""Gradients of poolings that are made of others: back through each, in turn."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from . import arguments, functional, geometry, gradients, lazy
from .arguments import plain
from .arrays import check_form
from .blur import blur_filter, padded_places
from .docs import documented
from .drawn import Drawn, as_drawn
from .elementwise import added, mapped, number, quotient
from .fractional import placed
from .gradients import checked_shape, floats
from .ops import SUM
from .targets import adapting, place
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
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        adapt = adapting(input, target, stream)
        make, _, *where = functional.window(
            dims, kernel_size, stride, padding, dilation, ceil_mode
        )
        low, wrap = floats("grad_min", grad_min, adapt)
        high, _ = floats("grad_max", grad_max, adapt)
        x, _ = floats("input", input, adapt)
        sizes = geometry.spatial(x.shape, dims)
        shape = (*x.shape[: x.ndim - dims], *geometry.lengths(make(sizes, *where)))
        check_form(low, "grad_min", shape, x.dtype)
        check_form(high, "grad_max", shape, x.dtype)
        found = []
        for pool, grad in ((least, low), (most, high)):
            _, indices = pool(
                x, kernel_size, stride, padding, dilation, ceil_mode, True,
                num_threads=num_threads, target=place(x),
            )  # fmt: skip
            found.append(scattered(grad, indices, dims, sizes, "sum", None, num_threads))
        return wrap(mapped(added, *found, dtype=x.dtype))

    return documented(backward, "minmax", dims, backward=True)


def _blurred_back(
    dims: int, grad: Any, shape: tuple[int, ...], filter_size: Any, stride: Any,
    padding_mode: Any, num_threads: int | None,
) -> Any:  # fmt: skip
    """Back through the averages of a blur, the last one first, and through its padding."""
    average = getattr(gradients, f"avg_pool{dims}d_backward")
    lead, sizes = shape[: len(shape) - dims], shape[len(shape) - dims :]
    taps, before, _ = blur_filter(sizes, filter_size, padding_mode)
    strides = arguments.spread("stride", plain("stride", stride), dims, 1)
    last = min(taps, 2)  # taps of the last average, the one that strides
    averaged = tuple(size + last - 1 for size in sizes)
    cells = geometry.lengths(geometry.sliding(averaged, last, strides))
    check_form(grad, "grad_output", (*lead, *cells), grad.dtype)
    how = {"num_threads": num_threads, "target": place(grad)}
    found = average(grad, (*lead, *averaged), last, strides, **how)
    for _ in range(taps - 2):
        averaged = tuple(size + 1 for size in averaged)
        found = average(found, (*lead, *averaged), 2, 1, **how)
    # What went to the padding goes to the inputs that it repeats.
    places = padded_places(sizes, before, taps - 1 - before, padding_mode, found)
    return scattered(found, places, dims, sizes, "sum", None, num_threads)


def _of_blur(dims: int) -> Callable[..., Any]:
    def backward(
        grad_output: Any,
        input_shape: Any,
        filter_size: int = 3,
        stride: Any = 2,
        *,
        padding_mode: str = "reflect",
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        grad, wrap = floats("grad_output", grad_output, adapting(grad_output, target, stream))
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
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        adapt = adapting(input, target, stream)
        grad, wrap = floats("grad_output", grad_output, adapt)
        x, _ = floats("input", input, adapt)
        sizes = geometry.spatial(x.shape, dims)
        dense, where = most(
            x, kernel_size, 1, return_indices=True, num_threads=num_threads, target=place(x)
        )
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


def _transposed(axis: Drawn) -> Drawn:
    """The other way round: the windows that each input of an axis is a tap of, in every plane.

    Windows come in order, so those are the ones which begin up to it less those which end.
    """
    low, high = axis.interval(np.arange(len(axis)))
    planes = np.arange(len(low))[:, None]
    begun, ended = np.zeros((2, len(low), axis.size + 1), np.int64)
    np.add.at(begun, (planes, low), 1)
    np.add.at(ended, (planes, high), 1)
    first, end = (counts.cumsum(1)[:, : axis.size] for counts in (ended, begun))
    return Drawn(len(axis), first, end - first)


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
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        grad, wrap = floats("grad_output", grad_output, adapting(grad_output, target, stream))
        shape = checked_shape(input_shape, grad.shape, dims)
        axes = placed(
            shape, grad.dtype, dims, kernel_size, output_size, output_ratio, random_samples, None
        )
        lead = shape[: len(shape) - dims]
        check_form(grad, "grad_output", (*lead, *geometry.lengths(axes)), grad.dtype)
        taps = number(prod(int(axis.count(0)) for axis in axes), grad.dtype)
        shares = mapped(quotient, grad, taps, dtype=grad.dtype)
        where = (as_drawn, dims, *map(_transposed, axes))
        return wrap(
            lazy.run(SUM, where, shares, False, None, None, None, num_threads, place(shares))
        )

    return documented(backward, "fractional_avg", dims, backward=True)


DIMS = (1, 2, 3)
minmax_pool1d_backward, minmax_pool2d_backward, minmax_pool3d_backward = map(_of_both, DIMS)
blur_pool1d_backward, blur_pool2d_backward, blur_pool3d_backward = map(_of_blur, DIMS)
max_blur_pool1d_backward, max_blur_pool2d_backward, max_blur_pool3d_backward = map(
    _of_max_blur, DIMS
)
fractional_avg_pool2d_backward, fractional_avg_pool3d_backward = map(_of_drawn, (2, 3))
