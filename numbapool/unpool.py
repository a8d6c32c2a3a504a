"""The way back: values to the places that an index map names."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from . import arguments, geometry
from .arguments import plain
from .arrays import as_native, check_dtype, check_outs, laid_as
from .docs import documented
from .indices import checked_indices
from .lazy import undisturbed
from .ops.base import is_half
from .targets import adapting

RULES = ("last", "sum", "max")


def scattered(
    values: Any, indices: Any, dims: int, sizes: tuple[int, ...], rule: str, out: Any = None,
    num_threads: int | None = None,
) -> Any:  # fmt: skip
    """``values`` at their places in planes of these sizes, zeros elsewhere.

    ``indices`` may be those of one plane, for all.
    """
    if not isinstance(values, np.ndarray):
        from .cuda.scatter import scattered

        return scattered(values, indices, dims, sizes, RULES.index(rule), out)
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
    indices = np.broadcast_to(indices, values.shape)
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
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        adapt = adapting(input, target, stream)
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
        more = " (another can be told as output_size)" if output_size is None else ""
        where = checked_indices(adapt("indices", indices)[0], lead, sizes, more)
        if where.shape != array.shape:
            raise ValueError(
                f"indices must have the shape of input, {array.shape}, got shape {where.shape}"
            )
        array = as_native(array)
        if out is None:
            found = scattered(array, where, dims, sizes, reduce, None, num_threads)
            if isinstance(array, np.ndarray) and not array.flags.c_contiguous:
                found = laid_as(array, found)
            return wrap(found)
        (asked,) = check_outs(out, (*lead, *sizes), (array.dtype,), array, where)
        scattered(array, where, dims, sizes, reduce, asked, num_threads)
        return out

    return documented(unpool, "max_un", dims)


max_unpool1d, max_unpool2d, max_unpool3d = (_unpooling(dims) for dims in (1, 2, 3))
