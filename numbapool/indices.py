"""Index maps that count from elsewhere than the plane, and values at the places of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from . import arguments, geometry
from .arguments import plain
from .arrays import (
    channels_inside,
    channels_outside,
    check_outs,
    checked_index_dtype,
    laid_as,
)
from .bases import checked_base, dtype_for, from_plane, largest, to_plane
from .elementwise import copied, itself, mapped
from .ops import PoolOp
from .targets import adapting, place

FIRST = "channels_first"


def convert_indices(
    indices: Any,
    input_shape: Any,
    source: str = "plane",
    target: str = "tensor",
    *,
    kernel_size: Any = None,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """Index maps from one base to another.

    Parameters
    ----------
    indices : integer array of shape (N, C, *out) or (C, *out)
        On the host or on a GPU.
    input_shape : tuple of ints
        The shape of what was pooled, (N, C, *spatial) or (C, *spatial).
    source, target : str
        "plane", flat in the plane (torch); "tensor", in the whole array (ONNX); "nhwc" and
        "nhwc_batch", in an array whose channels come last, of a picture or of the batch
        (TensorFlow); "window", among the taps of the window (Chainer); "plane_f" and "tensor_f",
        with the first spatial axis the fastest (ONNX's storage_order 1).
    kernel_size, stride, padding, dilation, ceil_mode
        The window, which "window" needs; see `max_pool2d`.

    Returns
    -------
    int64 array of the shape of ``indices``
        -1 stays -1.

    Raises
    ------
    TypeError, ValueError
        For a base that is none, shapes that do not go together, indices that there are not in an
        input of that shape (not looked at on a GPU), or a window that is missing.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> _, indices = numbapool.max_pool2d(x, 2, return_indices=True)
    >>> numbapool.convert_indices(indices, x.shape, target="window", kernel_size=2).tolist()
    [[[[3, 3], [3, 3]]]]
    """
    array, wrap = adapting(indices, None)("indices", indices)
    if array.dtype.kind not in "iu":
        raise TypeError(f"indices must be of an integer dtype, got dtype {array.dtype}")
    shape = plain("input_shape", input_shape)
    if not isinstance(shape, tuple) or len(shape) != array.ndim or array.ndim < 2:
        raise ValueError(
            "indices and input_shape must have as many axes, (N, C, *spatial) or (C, *spatial), "
            f"got indices of shape {array.shape} and input_shape={input_shape!r}"
        )
    source, target = checked_base("source", source), checked_base("target", target)
    kernel = plain("kernel_size", kernel_size)
    # (C, *spatial) and (N, C, *spatial) look alike: a window tells, else batches come first.
    dims = len(kernel) if isinstance(kernel, tuple) and len(kernel) > 1 else max(array.ndim - 2, 1)
    geometry.spatial(shape, dims)
    if array.shape[: array.ndim - dims] != shape[: array.ndim - dims]:
        raise ValueError(
            f"indices and input_shape must begin alike, where {dims} axes are spatial (a "
            f"kernel_size of several tells how many), got indices of shape {array.shape} and "
            f"input_shape={input_shape!r}"
        )
    axes: Sequence[Any] = [geometry.UNIT] * dims
    if "window" in (source, target):
        if kernel is None:
            raise ValueError("kernel_size must be given where a base is 'window'")
        axes = geometry.sliding(
            shape[-dims:], kernel, plain("stride", stride), plain("padding", padding),
            plain("dilation", dilation), arguments.flag("ceil_mode", ceil_mode),
        )  # fmt: skip
        if array.shape[-dims:] != geometry.lengths(axes):
            raise ValueError(
                f"indices of shape {array.shape} are not of windows {geometry.lengths(axes)}"
            )
    _check_range(array, largest(source, shape, axes), f"where they count from {source!r}")
    return wrap(from_plane(to_plane(array, source, shape, axes), target, shape, axes))


def pooled(
    run: Callable[..., Any], op: PoolOp, where: tuple[Any, ...], x: Any, return_indices: Any,
    index_dtype: Any, index_base: Any, data_format: str, out: Any, num_threads: int | None,
    target: str | None,
) -> Any:  # fmt: skip
    """What ``run`` gives, its index map in another base or dtype than those of kernels."""
    base, dims, last = checked_base("index_base", index_base), where[1], data_format != FIRST
    if not arguments.flag("return_indices", return_indices):
        return run(op, where, x, False, "int64", None, out, num_threads, target)
    if base == "window" and where[0] is not geometry.sliding:
        raise ValueError("index_base='window' needs windows of one size, not bins")
    adapt = adapting(x, target)
    given, wrap = adapt("input", x)
    values, found = run(
        op, where, given, True, "int64", None, None, num_threads, place(given)
    )
    array, shape = found, tuple(given.shape)
    if last:
        array = channels_outside(array, dims)
        shape = (*shape[: -dims - 1], shape[-1], *shape[-dims - 1 : -1])
    axes = where[0](shape[len(shape) - dims :], *where[2:])
    spans = [axis.interval(np.arange(len(axis))) for axis in axes]
    empty = op.omits_nan or any((low >= high).any() for low, high in spans)
    least = -1 if empty else 0
    if index_dtype != "smallest":
        index_dtype = checked_index_dtype(index_dtype)
    dtype = dtype_for(index_dtype, largest(base, shape, axes), least)
    indices = mapped(itself, from_plane(array, base, shape, axes), dtype=dtype)
    if last:
        indices = channels_inside(indices, dims)
    if out is None:
        return wrap(values), wrap(indices)
    asked = check_outs(out, values.shape, (values.dtype, dtype), given)
    for into, result in zip(asked, (values, indices), strict=True):
        copied(result, into)
    return out[0], out[1]


def checked_indices(
    array: Any, lead: tuple[int, ...], sizes: tuple[int, ...], more: str = ""
) -> Any:
    """The indices in ``array``, if all lie in planes of such ``sizes``.

    ``lead`` is (N, C) or (C,). Those on a device are not looked at, as it would have to be waited
    for: there an index outside is as one below 0.
    """
    if array.dtype.kind not in "iu":
        raise TypeError(f"indices must be of an integer dtype, got dtype {array.dtype}")
    dims = len(sizes)
    if array.shape[: array.ndim - dims] != lead:
        raise ValueError(
            f"indices must have a shape that begins with {lead}, where {dims} axes are spatial, "
            f"got shape {array.shape}"
        )
    _check_range(array, prod(sizes) - 1, f"the places of a plane of {sizes}{more}")
    return array


def _check_range(array: Any, most: int, what: str) -> None:
    if not isinstance(array, np.ndarray) or array.size == 0:
        return
    if int(array.min()) < -1 or int(array.max()) > most:
        wrong = array[(array < -1) | (array > most)].ravel()[0]
        raise ValueError(
            f"indices must be from -1 to {most}, {what}, got {wrong} in indices of shape "
            f"{array.shape}"
        )


def gather(x: Any, indices: Any, dims: int | None = None) -> Any:
    """Values of an array at the places of an index map: of another one at the maxima, say.

    Parameters
    ----------
    x : array of shape (N, C, *spatial) or (C, *spatial)
        Of any dtype, on the host or on a GPU.
    indices : integer array of shape (N, C, *out) or (C, *out)
        Flat in the plane, as `max_pool2d` returns them.
    dims : int, optional
        How many axes are spatial; None: all but two, so (C, H, W) needs ``dims=2``.

    Returns
    -------
    array of the shape of ``indices``
        Of ``x``'s kind and dtype; 0 where an index is -1.

    Raises
    ------
    TypeError, ValueError
        For indices that are no integers, that lie outside their plane (on a GPU, which would have
        to be waited for to look, those give 0), or of another shape.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> _, indices = numbapool.max_pool2d(x, 2, return_indices=True)
    >>> numbapool.gather(-x, indices).ravel().tolist()
    [-5.0, -7.0, -13.0, -15.0]
    """
    adapt = adapting(x, None)
    array, wrap = adapt("x", x)
    dims = max(array.ndim - 2, 1) if dims is None else arguments.spread("dims", dims, 1, 1)[0]
    if array.ndim not in (dims + 1, dims + 2):
        raise ValueError(
            f"x must have {dims + 1} or {dims + 2} axes with dims={dims}, got shape {array.shape}"
        )
    lead = array.shape[: array.ndim - dims]
    where = checked_indices(adapt("indices", indices)[0], lead, tuple(array.shape[-dims:]))
    return wrap(taken(array, where, dims))


def taken(array: Any, indices: Any, dims: int) -> Any:
    """`gather` of what was checked."""
    if not isinstance(array, np.ndarray):
        from .cuda.scatter import taken

        return taken(array, indices, dims)
    lead = array.shape[: array.ndim - dims]
    flat = indices.reshape(*lead, prod(indices.shape[-dims:]))
    planes = array.reshape(*lead, prod(array.shape[-dims:]))
    found = np.take_along_axis(planes, np.maximum(flat, 0), -1)
    found[flat < 0] = 0
    found = found.reshape(indices.shape)
    return found if indices.flags.c_contiguous else laid_as(indices, found)
