"""Gradients of the reductions that see all taps of a window, by the slopes of their ops."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from . import geometry, results
from .arrays import check_form
from .docs import documented
from .functional import window
from .gradients import floats
from .lazy import undisturbed
from .ops import PoolOp
from .reductions import op_of, showing_options
from .targets import adapting


def _sloped(
    op: PoolOp, axes: tuple[geometry.Axis, ...], x: Any, grad: Any, num_threads: int | None
) -> Any:
    """The gradient of ``x``: of every window to its taps, added up."""
    with undisturbed():
        from .cpu import slopes, threads
        from .plan import laid
    if num_threads is not None:
        num_threads = threads.checked(num_threads)
    dims = len(axes)
    sizes, planes = x.shape[x.ndim - dims :], prod(x.shape[: x.ndim - dims])
    steps = [prod(sizes[axis + 1 :]) for axis in range(dims)]
    merged = geometry.merged(laid(axes, steps, dims), False)
    if not isinstance(x, np.ndarray):
        from .cuda.slopes import back

        return back(op, merged, x, grad, dims)
    out = results.empty(x.shape, x.dtype)
    if planes:
        flat, shares = (np.ascontiguousarray(a).reshape(planes, -1) for a in (x, grad))
        slopes.back(op, merged, flat, shares, out, num_threads)
    return out


def _of_reduction(kind: str, dims: int) -> Callable[..., Any]:
    def backward(
        grad_output: Any,
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
        **given: Any,
    ) -> Any:
        op = op_of(kind, f"{kind}_pool{dims}d_backward", given)
        make, _, *where = window(dims, kernel_size, stride, padding, dilation, ceil_mode)
        adapt = adapting(input, target, stream)
        grad, wrap = floats("grad_output", grad_output, adapt)
        x, _ = floats("input", input, adapt)
        axes = make(geometry.spatial(x.shape, dims), *where)
        shape = (*x.shape[: x.ndim - dims], *geometry.lengths(axes))
        check_form(grad, "grad_output", shape, x.dtype)
        return wrap(_sloped(op, axes, x, grad, num_threads))

    return documented(showing_options(backward, kind), kind, dims, backward=True)


DIMS = (1, 2, 3)
median_pool1d_backward, median_pool2d_backward, median_pool3d_backward = (
    _of_reduction("median", dims) for dims in DIMS
)
quantile_pool1d_backward, quantile_pool2d_backward, quantile_pool3d_backward = (
    _of_reduction("quantile", dims) for dims in DIMS
)
var_pool1d_backward, var_pool2d_backward, var_pool3d_backward = (
    _of_reduction("var", dims) for dims in DIMS
)
std_pool1d_backward, std_pool2d_backward, std_pool3d_backward = (
    _of_reduction("std", dims) for dims in DIMS
)
lse_pool1d_backward, lse_pool2d_backward, lse_pool3d_backward = (
    _of_reduction("lse", dims) for dims in DIMS
)
soft_pool1d_backward, soft_pool2d_backward, soft_pool3d_backward = (
    _of_reduction("soft", dims) for dims in DIMS
)
mixed_pool1d_backward, mixed_pool2d_backward, mixed_pool3d_backward = (
    _of_reduction("mixed", dims) for dims in DIMS
)
power_avg_pool1d_backward, power_avg_pool2d_backward, power_avg_pool3d_backward = (
    _of_reduction("power_avg", dims) for dims in DIMS
)
gem_pool1d_backward, gem_pool2d_backward, gem_pool3d_backward = (
    _of_reduction("gem", dims) for dims in DIMS
)
