"""The way back: values to the places that an index map names."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from . import arguments, geometry
from .arguments import plain
from .arrays import adapt, check_dtype, check_outs
from .docs import documented
from .indices import checked_indices
from .lazy import undisturbed
from .ops.base import is_half

RULES = ("last", "sum", "max")


def scattered(
    values: np.ndarray, indices: np.ndarray, dims: int, sizes: tuple[int, ...], rule: str,
    out: np.ndarray | None = None, num_threads: int | None = None,
) -> np.ndarray:  # fmt: skip
    """``values`` at their places in planes of these sizes, zeros elsewhere."""
    with undisturbed():
        from .cpu import scatter, threads
    lead = values.shape[: values.ndim - dims]
    if num_threads is not None:
        num_threads = threads.checked(num_threads)
    if out is None or not out.flags.carray:
        result = np.zeros((*lead, *sizes), values.dtype)
    else:
        result = out
        result[...] = 0
    flat = np.ascontiguousarray(values).reshape(prod(lead), prod(values.shape[-dims:]))
    kept = indices if indices.dtype in (np.int32, np.int64) else indices.astype(np.int64)
    kept = np.ascontiguousarray(kept, kept.dtype.newbyteorder("=")).reshape(flat.shape)
    if flat.size:
        planes = result.reshape(prod(lead), prod(sizes))
        scatter.scatter(flat, kept, planes, RULES.index(rule), num_threads)
    if out is not None and out is not result:
        out[...] = result
    return result if out is None else out


def _output_sizes(
    given: tuple[int, ...], axes: tuple[tuple[int, int, int], ...], output_size: Any
) -> tuple[int, ...]:
    """What was pooled, of a window whose size does not say it all."""
    usual = tuple((n - 1) * s - 2 * p + k for n, (k, s, p) in zip(given, axes, strict=True))
    if output_size is None:
        sizes = usual
    else:
        asked = plain("output_size", output_size)
        sizes = arguments.spread("output_size", asked[-len(axes) :] if isinstance(asked, tuple)
                                else asked, len(axes), 1)  # fmt: skip
        for size, n, (_, stride, _) in zip(sizes, usual, axes, strict=True):
            if not n - stride < size < n + stride:
                raise ValueError(
                    f"output_size must be nearer than a stride to {usual}, "
                    f"got output_size={output_size!r}"
                )
    if min(sizes) < 1:
        raise ValueError(f"input of spatial shape {given} would give an output of {sizes}")
    return sizes


def _unpooling(dims: int) -> Callable[..., Any]:
    def unpool(
        input: Any,
        indices: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        output_size: Any = None,
        *,
        reduce: str = "last",
        out: Any = None,
        num_threads: int | None = None,
    ) -> Any:
        array, wrap = adapt("input", input)
        check_dtype(array.dtype)
        given = geometry.spatial(array.shape, dims)
        if reduce not in RULES:
            raise ValueError(f"reduce must be one of {', '.join(RULES)}, got reduce={reduce!r}")
        if is_half(array.dtype) and reduce != "last":
            raise TypeError(f"reduce={reduce!r} is not for 16-bit floats, got dtype {array.dtype}")
        kernel = arguments.spread("kernel_size", plain("kernel_size", kernel_size), dims, 1)
        strides = plain("stride", stride)
        strides = kernel if strides in (None, ()) else arguments.spread("stride", strides, dims, 1)
        pads = arguments.spread("padding", plain("padding", padding), dims, 0)
        sizes = _output_sizes(given, tuple(zip(kernel, strides, pads, strict=True)), output_size)
        lead = array.shape[: array.ndim - dims]
        where = checked_indices(indices, lead, prod(sizes), dims)
        if where.shape != array.shape:
            raise ValueError(
                f"indices must have the shape of input, {array.shape}, got shape {where.shape}"
            )
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        if out is None:
            return wrap(scattered(native, where, dims, sizes, reduce, None, num_threads))
        for source in (where, array):
            (asked,) = check_outs(out, (*lead, *sizes), (native.dtype,), source)
        scattered(native, where, dims, sizes, reduce, asked, num_threads)
        return out

    return documented(unpool, "max_un", dims)


max_unpool1d, max_unpool2d, max_unpool3d = (_unpooling(dims) for dims in (1, 2, 3))
