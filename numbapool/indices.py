"""Index maps in other numbers: of the whole array, of one whose channels come last, of the window.

The kernels number the places of a plane, row by row. All else is reckoned from that, and back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from . import arguments, geometry
from .arguments import plain
from .arrays import adapt, check_outs, checked_index_dtype
from .geometry import Sliding
from .ops import PoolOp

FIRST = "channels_first"
#: From which place an index counts.
BASES = ("plane", "plane_f", "tensor", "tensor_f", "nhwc", "nhwc_batch", "window")


def checked_base(name: str, base: Any) -> str:
    """``base`` if it is one of `BASES`."""
    if base not in BASES:
        raise ValueError(f"{name} must be one of {', '.join(BASES)}, got {name}={base!r}")
    return str(base)


def _starts(axes: Sequence[Sliding], dims: int) -> list[np.ndarray]:
    """Where each window of each axis begins, shaped to go with an index map."""
    found = []
    for number, axis in enumerate(axes):
        start = np.arange(len(axis), dtype=np.int64) * axis.stride - axis.before
        found.append(start.reshape(-1, *[1] * (dims - 1 - number)))
    return found


def _outer(shape: Sequence[int], dims: int) -> tuple[np.ndarray, np.ndarray]:
    """The number of each batch and each channel, shaped to go with an index map."""
    *batch, channels = shape[: len(shape) - dims]
    n = np.arange(batch[0] if batch else 1, dtype=np.int64).reshape(-1, 1, *[1] * dims)
    c = np.arange(channels, dtype=np.int64).reshape(-1, *[1] * dims)
    return (n if batch else n[0]), c


def from_plane(
    indices: np.ndarray, base: str, shape: Sequence[int], axes: Sequence[Any]
) -> np.ndarray:
    """Indices of the plane, of an input of this shape, in another base; -1 stays."""
    dims = len(axes)
    sizes = tuple(shape[len(shape) - dims :])
    plane, channels = prod(sizes), shape[len(shape) - dims - 1]
    if base == "plane":
        return indices
    places = np.maximum(indices, 0)
    if base in ("nhwc", "nhwc_batch", "tensor"):
        n, c = _outer(shape, dims)
        if base == "tensor":
            found = places + (n * channels + c) * plane
        else:
            found = places * channels + c
            found += n * (plane * channels) if base == "nhwc_batch" else 0
    else:
        at = np.unravel_index(places, sizes)
        if base == "window":
            steps = [axis.dilation for axis in axes]
            offsets = [
                (place - start) // step
                for place, start, step in zip(at, _starts(axes, dims), steps, strict=True)
            ]
            found = offsets[0]
            for offset, axis in zip(offsets[1:], axes[1:], strict=True):
                found = found * axis.kernel + offset
        else:
            found = np.ravel_multi_index(at[::-1], sizes[::-1])
            if base == "tensor_f":
                n, c = _outer(shape, dims)
                found = found + (n * channels + c) * plane
    return np.where(indices < 0, -1, found)


def to_plane(
    indices: np.ndarray, base: str, shape: Sequence[int], axes: Sequence[Any]
) -> np.ndarray:
    """Indices in a base as indices of the plane; below 0 is -1."""
    dims = len(axes)
    sizes = tuple(shape[len(shape) - dims :])
    plane, channels = prod(sizes), shape[len(shape) - dims - 1]
    given = indices.astype(np.int64, copy=False)
    if base == "plane":
        return given
    places = np.maximum(given, 0)
    if base in ("nhwc", "nhwc_batch"):
        found = places // channels % plane
    elif base == "tensor":
        found = places % plane
    elif base == "window":
        kernel = tuple(axis.kernel for axis in axes)
        at = tuple(
            start + offset * axis.dilation
            for start, offset, axis in zip(
                _starts(axes, dims), np.unravel_index(places, kernel), axes, strict=True
            )
        )
        found = np.ravel_multi_index(at, sizes, mode="wrap")
    else:
        at = np.unravel_index(places % plane, sizes[::-1])
        found = np.ravel_multi_index(at[::-1], sizes)
    return np.where(given < 0, -1, found)


def largest(base: str, shape: Sequence[int], axes: Sequence[Any]) -> int:
    """The largest index that there can be."""
    dims = len(axes)
    if base == "window":
        return prod(axis.kernel for axis in axes) - 1
    counted = {"plane": dims, "plane_f": dims, "nhwc": dims + 1}.get(base, len(shape))
    return max(prod(shape[len(shape) - counted :]) - 1, 0)


def dtype_for(index_dtype: Any, most: int, least: int) -> np.dtype:
    """What holds indices from ``least`` to ``most``: as asked for, or the smallest that does."""
    if isinstance(index_dtype, str) and index_dtype == "smallest":
        return np.result_type(np.min_scalar_type(most), np.min_scalar_type(least))
    dtype = np.dtype(index_dtype)
    if most > np.iinfo(dtype).max:
        raise ValueError(f"index_dtype={dtype} cannot hold indices up to {most}")
    return dtype


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
        NumPy array or torch CPU tensor.
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
        For a base that is none, shapes that do not go together, or a window that is missing.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> _, indices = numbapool.max_pool2d(x, 2, return_indices=True)
    >>> numbapool.convert_indices(indices, x.shape, target="window", kernel_size=2).tolist()
    [[[[3, 3], [3, 3]]]]
    """
    array, wrap = adapt("indices", indices)
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
    given, _ = adapt("input", x)  # of the host: so are the steps from one base to another
    values, found = run(op, where, x, True, "int64", None, None, num_threads, target)
    array, wrap = adapt("indices", found)
    shape = tuple(x.shape)
    if last:
        array = np.moveaxis(array, -1, array.ndim - dims - 1)
        shape = (*shape[: -dims - 1], shape[-1], *shape[-dims - 1 : -1])
    axes = where[0](shape[len(shape) - dims :], *where[2:])
    spans = [axis.interval(np.arange(len(axis))) for axis in axes]
    least = -1 if any((low >= high).any() for low, high in spans) else 0
    if index_dtype != "smallest":
        index_dtype = checked_index_dtype(index_dtype)
    dtype = dtype_for(index_dtype, largest(base, shape, axes), least)
    indices = from_plane(array, base, shape, axes).astype(dtype, copy=False)
    if last:
        indices = np.moveaxis(indices, indices.ndim - dims - 1, -1)
    if out is None:
        return values, wrap(indices)
    kept = adapt("values", values)[0]
    asked = check_outs(out, kept.shape, (kept.dtype, dtype), given)
    for into, result in zip(asked, (kept, indices), strict=True):
        into[...] = result
    return out[0], out[1]


def checked_indices(
    indices: Any, lead: tuple[int, ...], places: int, dims: int
) -> np.ndarray:
    """``indices`` as an array, if all lie in planes of so many places.

    ``lead`` is (N, C) or (C,).
    """
    array, _ = adapt("indices", indices)
    if array.dtype.kind not in "iu":
        raise TypeError(f"indices must be of an integer dtype, got dtype {array.dtype}")
    if array.shape[: array.ndim - dims] != lead:
        raise ValueError(
            f"indices must have a shape that begins with {lead}, got shape {array.shape}"
        )
    if array.size and not (int(array.min()) >= -1 and int(array.max()) < places):
        wrong = array[(array < -1) | (array >= places)].ravel()[0]
        raise ValueError(
            f"indices must be from -1 to {places - 1}, the places of a plane, got {wrong} "
            f"in indices of shape {array.shape}"
        )
    return array


def gather(x: Any, indices: Any, dims: int | None = None) -> Any:
    """Values of an array at the places of an index map: of another one at the maxima, say.

    Parameters
    ----------
    x : array of shape (N, C, *spatial) or (C, *spatial)
        NumPy array or torch CPU tensor of any dtype.
    indices : integer array of shape (N, C, *out) or (C, *out)
        Flat in the plane, as `max_pool2d` returns them.
    dims : int, optional
        How many axes are spatial; None: all but two.

    Returns
    -------
    array of the shape of ``indices``
        Of ``x``'s kind and dtype; 0 where an index is -1.

    Raises
    ------
    TypeError, ValueError
        For indices that are no integers, that lie outside their plane, or of another shape.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> _, indices = numbapool.max_pool2d(x, 2, return_indices=True)
    >>> numbapool.gather(-x, indices).ravel().tolist()
    [-5.0, -7.0, -13.0, -15.0]
    """
    array, wrap = adapt("x", x)
    dims = max(array.ndim - 2, 1) if dims is None else arguments.spread("dims", dims, 1, 1)[0]
    if array.ndim not in (dims + 1, dims + 2):
        raise ValueError(
            f"x must have {dims + 1} or {dims + 2} axes with dims={dims}, got shape {array.shape}"
        )
    lead = array.shape[: array.ndim - dims]
    where = checked_indices(indices, lead, prod(array.shape[-dims:]), dims)
    flat = where.reshape(*lead, prod(where.shape[-dims:]))
    planes = array.reshape(*lead, prod(array.shape[-dims:]))
    taken = np.take_along_axis(planes, np.maximum(flat, 0), -1)
    taken[flat < 0] = 0
    return wrap(taken.reshape(where.shape))
