"""Gradients as functions on arrays: from that of a pooling's result to that of its input.

A selection's goes back by its index map. A sum's is a sum again: of the windows that an input is a
tap of, which are an interval too, so that the kernels of poolings run it. No atomics anywhere: the
same bits on any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, prod
from typing import Any

import numpy as np

from . import arguments, functional, geometry, lazy, reductions
from .arguments import plain
from .arrays import as_native, check_form, check_outs
from .docs import documented
from .elementwise import choose, mapped, number, quotient
from .indices import checked_indices
from .ops import SUM
from .ops.base import called
from .targets import adapting, place
from .unpool import scattered

DIMS = (1, 2, 3)
Adapt = Callable[[str, Any], tuple[Any, Any]]


def floats(name: str, x: Any, adapt: Adapt) -> tuple[Any, Any]:
    """``x`` as an array of float32 or float64 as this machine has them, and what wraps a result."""
    array, wrap = adapt(name, x)
    native = array.dtype.newbyteorder("=")
    if native not in (np.float32, np.float64):
        raise TypeError(f"{name} must be float32 or float64, got dtype {called(array.dtype)}")
    return as_native(array), wrap


def checked_shape(input_shape: Any, like: tuple[int, ...], dims: int) -> tuple[int, ...]:
    """The shape of the input, which begins as that of its gradient's source does."""
    shape = plain("input_shape", input_shape)
    lead = like[: len(like) - dims]
    good = isinstance(shape, tuple) and all(type(n) is int for n in shape)
    if not good or len(shape) != len(like) or shape[: len(lead)] != lead:
        raise ValueError(
            f"input_shape must begin with {lead} and have {dims} spatial axes, "
            f"got input_shape={input_shape!r}"
        )
    geometry.spatial(shape, dims, channels_may_be_0=True)
    return shape


def _spread_back(
    grad: Any, shape: tuple[int, ...], where: tuple[Any, ...], num_threads: int | None
) -> Any:
    """For every input, the sum of ``grad`` over the windows that it is a tap of."""
    make, dims, *rest = where
    back = (geometry.transposed, dims, shape[-dims:], make, *rest)
    return lazy.run(SUM, back, grad, False, None, None, None, num_threads, place(grad))


def _counts(
    grad: Any, shape: tuple[int, ...], where: tuple[Any, ...]
) -> list[np.ndarray]:
    """How many taps windows have along each axis, if ``grad`` is of as many windows.

    Their products are what averages divide by.
    """
    make, dims, *rest = where
    axes = make(shape[-dims:], *rest)
    if geometry.lengths(axes) != grad.shape[grad.ndim - dims :]:
        raise ValueError(
            f"grad_output must be of {geometry.lengths(axes)} windows for input_shape={shape}, "
            f"got shape {grad.shape}"
        )
    counts = [axis.count(np.arange(len(axis), dtype=np.int64)) for axis in axes]
    return [each.reshape(-1, *[1] * (dims - 1 - at)) for at, each in enumerate(counts)]


def _by_two(grad: Any, rows: Any, columns: Any) -> Any:
    return grad / (rows * columns)


def _by_three(grad: Any, slices: Any, rows: Any, columns: Any) -> Any:
    return grad / (slices * rows * columns)


def _divided(grad: Any, counts: list[np.ndarray]) -> Any:
    """``grad`` over what each window's average divides by."""
    formula = (quotient, _by_two, _by_three)[len(counts) - 1]
    return mapped(formula, grad, *(each.astype(grad.dtype) for each in counts), dtype=grad.dtype)


def _of_selection(dims: int) -> Callable[..., Any]:
    def backward(
        grad_output: Any,
        indices: Any,
        input_shape: Any,
        *,
        out: Any = None,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        adapt = adapting(grad_output, target, stream)
        grad, wrap = floats("grad_output", grad_output, adapt)
        geometry.spatial(grad.shape, dims)
        shape = checked_shape(input_shape, grad.shape, dims)
        lead, sizes = shape[: len(shape) - dims], shape[len(shape) - dims :]
        where = checked_indices(adapt("indices", indices)[0], lead, sizes)
        if where.shape != grad.shape:
            raise ValueError(
                f"indices must have the shape of grad_output, {grad.shape}, got {where.shape}"
            )
        if out is None:
            return wrap(scattered(grad, where, dims, sizes, "sum", None, num_threads))
        (asked,) = check_outs(out, shape, (grad.dtype,), grad, where)
        scattered(grad, where, dims, sizes, "sum", asked, num_threads)
        return out

    return documented(backward, "max", dims, backward=True)


def _of_average(dims: int) -> Callable[..., Any]:
    def backward(
        grad_output: Any,
        input_shape: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        *,
        dilation: Any = 1,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        grad, wrap = floats("grad_output", grad_output, adapting(grad_output, target, stream))
        shape = checked_shape(input_shape, grad.shape, dims)
        where = functional.window(
            dims, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad
        )
        counts = _counts(grad, shape, where)
        if divisor_override is not None:
            counts = [number(functional.divisor(divisor_override), grad.dtype)]
        return wrap(_spread_back(_divided(grad, counts), shape, where, num_threads))

    return documented(backward, "avg", dims, backward=True)


def _of_sum(dims: int) -> Callable[..., Any]:
    average = _of_average(dims)

    def backward(
        grad_output: Any,
        input_shape: Any,
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
        return average(
            grad_output, input_shape, kernel_size, stride, padding, ceil_mode,
            divisor_override=1, dilation=dilation, num_threads=num_threads, target=target,
            stream=stream,
        )  # fmt: skip

    return documented(backward, "sum", dims, backward=True)


def _of_bins(dims: int) -> Callable[..., Any]:
    def backward(
        grad_output: Any,
        input_shape: Any,
        *,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        adapt = adapting(grad_output, target, stream)
        grad, wrap = floats("grad_output", grad_output, adapt)
        shape = checked_shape(input_shape, grad.shape, dims)
        where = (geometry.adaptive, dims, grad.shape[grad.ndim - dims :])
        if 0 in grad.shape[grad.ndim - dims :]:
            nothing = adapt("nothing", np.zeros(shape, grad.dtype))[0]
            return wrap(nothing)
        shares = _divided(grad, _counts(grad, shape, where))
        return wrap(_spread_back(shares, shape, where, num_threads))

    return documented(backward, "adaptive_avg", dims, backward=True)


def _share(grad: Any, norm: Any, power: Any, taps: Any) -> Any:
    """What goes back from a norm; from one of 0, which has no gradient, nothing."""
    return choose(norm == 0, norm, grad * norm**power * taps)


def _part(x: Any, back: Any, power: Any) -> Any:
    return choose(back == 0, back, x**power * back)


def _part_of_magnitude(x: Any, back: Any, power: Any) -> Any:
    part = abs(x) ** power * back
    return choose(back == 0, back, choose(x < 0, -part, choose(x == 0, x * part, part)))


def _of_norm(dims: int) -> Callable[..., Any]:
    pool = getattr(reductions, f"lp_pool{dims}d")

    def backward(
        grad_output: Any,
        input: Any,
        norm_type: Any,
        kernel_size: Any,
        stride: Any = None,
        ceil_mode: bool = False,
        *,
        abs: bool = False,
        padding: Any = 0,
        dilation: Any = 1,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        adapt = adapting(input, target, stream)
        grad, wrap = floats("grad_output", grad_output, adapt)
        x, _ = floats("input", input, adapt)
        y = pool(
            x, norm_type, kernel_size, stride, ceil_mode, abs=abs, padding=padding,
            dilation=dilation, num_threads=num_threads, target=place(x),
        )  # fmt: skip
        check_form(grad, "grad_output", y.shape, x.dtype)
        p = float(norm_type)
        if p == inf:
            raise ValueError("norm_type must be finite here, got norm_type=inf")
        where = functional.window(dims, kernel_size, stride, padding, dilation, ceil_mode)
        kernel = arguments.spread("kernel_size", plain("kernel_size", kernel_size), dims, 1)
        taps = number(1 if abs else prod(kernel), x.dtype)
        shares = mapped(_share, grad, y, number(1 - p, x.dtype), taps, dtype=x.dtype)
        if not abs:
            shares = _divided(shares, _counts(grad, x.shape, where))
        back = _spread_back(shares, x.shape, where, num_threads)
        part = _part_of_magnitude if abs else _part
        return wrap(mapped(part, x, back, number(p - 1, x.dtype), dtype=x.dtype))

    return documented(backward, "lp", dims, backward=True)


max_pool1d_backward, max_pool2d_backward, max_pool3d_backward = map(_of_selection, DIMS)
avg_pool1d_backward, avg_pool2d_backward, avg_pool3d_backward = map(_of_average, DIMS)
sum_pool1d_backward, sum_pool2d_backward, sum_pool3d_backward = map(_of_sum, DIMS)
lp_pool1d_backward, lp_pool2d_backward, lp_pool3d_backward = map(_of_norm, DIMS)
adaptive_avg_pool1d_backward, adaptive_avg_pool2d_backward, adaptive_avg_pool3d_backward = map(
    _of_bins, DIMS
)
