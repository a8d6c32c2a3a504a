"""Poolings whose windows follow from the size of the output: adaptive, global, pyramid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from . import arguments, geometry, lazy, targets
from .arguments import plain
from .arrays import as_it_is, check_dtype, check_outs, checked_index_dtype
from .axes import road
from .docs import documented
from .elementwise import copied, empty, part, split
from .indices import pooled
from .nan import policed
from .ops import MAX, MEAN, MIN, OPS, PoolOp


def _bins(dims: int, output_size: Any) -> tuple[Any, ...]:
    return (geometry.adaptive, dims, plain("output_size", output_size))


def selected(
    op: PoolOp, where: tuple[Any, ...], input: Any, return_indices: Any, index_dtype: Any,
    index_base: Any, data_format: Any, nan_policy: Any, out: Any, num_threads: int | None,
    target: str | None,
) -> Any:  # fmt: skip
    """What an op selects of these windows, and where, by all options that it may have."""
    run, how = road(data_format), policed(op, input, nan_policy)
    if index_base != "plane" or index_dtype == "smallest":
        return pooled(
            run, how, where, input, return_indices, index_dtype, index_base, data_format, out,
            num_threads, target,
        )  # fmt: skip
    return run(how, where, input, return_indices, index_dtype, None, out, num_threads, target)


def _selecting(op: PoolOp, dims: int) -> Callable[..., Any]:
    def pool(
        input: Any,
        output_size: Any,
        return_indices: bool = False,
        *,
        index_dtype: Any = "int64",
        index_base: str = "plane",
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        out: Any = None,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        if stream is not None:
            input = targets.streamed(input, stream, target)
        return selected(
            op, _bins(dims, output_size), input, return_indices, index_dtype, index_base,
            data_format, nan_policy, out, num_threads, target,
        )  # fmt: skip

    return documented(pool, f"adaptive_{op.name}", dims)


def _averaging(dims: int) -> Callable[..., Any]:
    def pool(
        input: Any,
        output_size: Any,
        *,
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        out: Any = None,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        if stream is not None:
            input = targets.streamed(input, stream, target)
        where = _bins(dims, output_size)
        run, how = road(data_format), policed(MEAN, input, nan_policy)
        return run(how, where, input, False, None, None, out, num_threads, target)

    return documented(pool, "adaptive_avg", dims)


adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (
    _selecting(MAX, dims) for dims in (1, 2, 3)
)
adaptive_min_pool1d, adaptive_min_pool2d, adaptive_min_pool3d = (
    _selecting(MIN, dims) for dims in (1, 2, 3)
)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (
    _averaging(dims) for dims in (1, 2, 3)
)


def _whole(
    op: PoolOp, x: Any, keepdims: bool, return_indices: bool, index_dtype: Any, out: Any,
    num_threads: int | None, target: str | None,
) -> Any:  # fmt: skip
    dims = getattr(x, "ndim", 3) - 2
    if dims < 1:
        raise ValueError(
            f"x must have the shape (N, C, *spatial), got shape {tuple(getattr(x, 'shape', ()))}"
        )
    where = (geometry.adaptive, dims, 1)
    return_indices = arguments.flag("return_indices", return_indices)
    if arguments.flag("keepdims", keepdims):
        return lazy.run(op, where, x, return_indices, index_dtype, None, out, num_threads, target)

    array, wrap = (x, as_it_is) if type(x) is np.ndarray else targets.adapt("x", x)
    if out is not None:
        outs = out if return_indices else (out,)
        if not isinstance(outs, (tuple, list)):
            raise TypeError(f"out must be a pair (values, indices), got {type(out).__name__}")
        seen = [targets.adapt("out", o)[0] for o in outs]
        full = tuple(each.reshape(*each.shape, *[1] * dims) for each in seen)
        whole = full if return_indices else full[0]
        lazy.run(op, where, array, return_indices, index_dtype, None, whole, num_threads, target)
        return out
    found = lazy.run(op, where, array, return_indices, index_dtype, None, None, num_threads, target)
    if not return_indices:
        return wrap(found.reshape(*found.shape[:2]))
    return tuple(wrap(each.reshape(*each.shape[:2])) for each in found)


def global_max_pool(
    x: Any,
    return_indices: bool = False,
    keepdims: bool = True,
    *,
    nan_policy: str = "propagate",
    index_dtype: Any = "int64",
    out: Any = None,
    num_threads: int | None = None,
    target: str | None = None,
    stream: Any = None,
) -> Any:
    """The largest value of every plane.

    Parameters
    ----------
    x : array of shape (N, C, *spatial)
        Any number of spatial axes; dtypes as `max_pool2d`.
    return_indices : bool
        Whether to return where it is too, flat in the plane.
    keepdims : bool
        Whether the spatial axes stay, with size 1.
    nan_policy, index_dtype, out, num_threads, target, stream
        See `max_pool2d`, as are errors and the rules for equal values and NaN.

    Returns
    -------
    array of shape (N, C, 1, ...) or (N, C), or a pair (values, indices)

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> numbapool.global_max_pool(np.arange(24).reshape(1, 2, 3, 4), keepdims=False)
    array([[11, 23]])
    """
    if stream is not None:
        x = targets.streamed(x, stream, target)
    op = policed(MAX, x, nan_policy)
    return _whole(op, x, keepdims, return_indices, index_dtype, out, num_threads, target)


def global_min_pool(
    x: Any,
    return_indices: bool = False,
    keepdims: bool = True,
    *,
    nan_policy: str = "propagate",
    index_dtype: Any = "int64",
    out: Any = None,
    num_threads: int | None = None,
    target: str | None = None,
    stream: Any = None,
) -> Any:
    """The smallest value of every plane.

    Parameters
    ----------
    x, return_indices, keepdims, index_dtype, out, num_threads, target, stream
        See `global_max_pool`.

    Returns
    -------
    array of shape (N, C, 1, ...) or (N, C), or a pair (values, indices)

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> numbapool.global_min_pool(np.arange(24).reshape(1, 2, 3, 4), keepdims=False)
    array([[ 0, 12]])
    """
    if stream is not None:
        x = targets.streamed(x, stream, target)
    op = policed(MIN, x, nan_policy)
    return _whole(op, x, keepdims, return_indices, index_dtype, out, num_threads, target)


def global_avg_pool(
    x: Any,
    keepdims: bool = True,
    *,
    nan_policy: str = "propagate",
    out: Any = None,
    num_threads: int | None = None,
    target: str | None = None,
    stream: Any = None,
) -> Any:
    """The average of every plane.

    Parameters
    ----------
    x, keepdims, nan_policy, out, num_threads, target, stream
        See `global_max_pool`.

    Returns
    -------
    array of shape (N, C, 1, ...) or (N, C)
        Floats keep their dtype; integers and bool average in float64.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> numbapool.global_avg_pool(np.arange(24.0).reshape(1, 2, 3, 4), keepdims=False)
    array([[ 5.5, 17.5]])
    """
    if stream is not None:
        x = targets.streamed(x, stream, target)
    op = policed(MEAN, x, nan_policy)
    return _whole(op, x, keepdims, False, None, out, num_threads, target)


def spatial_pyramid_pool(
    x: Any,
    levels: Sequence[int] = (1, 2, 4),
    mode: str = "max",
    return_indices: bool = False,
    *,
    index_dtype: Any = "int64",
    out: Any = None,
    num_threads: int | None = None,
    target: str | None = None,
    stream: Any = None,
) -> Any:
    """Adaptive pooling at several sizes, as one vector a sample, whatever the size of its planes.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
    levels : sequence of ints
        Level ``l`` cuts every plane into ``l`` by ``l`` bins.
    mode : "max", "min", "avg" or "sum"
        What is taken of a bin.
    return_indices : bool
        Whether to return where the values lie in their planes too ("max" and "min").
    index_dtype, out, num_threads, target, stream
        See `max_pool2d`, as are the rules for equal values and NaN.

    Returns
    -------
    array of shape (N, C * sum(l * l)), or a pair (values, indices)
        Level after level, each one flattened from (C, l, l).

    Raises
    ------
    ValueError
        For an unknown mode, no levels, or a level below 1.

    References
    ----------
    He, Zhang, Ren, Sun: Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
    Recognition, 2014. https://arxiv.org/abs/1406.4729

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> numbapool.spatial_pyramid_pool(np.arange(16).reshape(1, 1, 4, 4), (1, 2))
    array([[15,  5,  7, 13, 15]])
    """
    return_indices = arguments.flag("return_indices", return_indices)
    if not isinstance(mode, str) or mode not in OPS:
        raise ValueError(f"mode must be one of {', '.join(OPS)}, got mode={mode!r}")
    op = OPS[mode]
    if return_indices and op.better is None:
        raise ValueError(f"return_indices needs mode 'max' or 'min', got mode={mode!r}")
    words = isinstance(levels, (str, bytes))
    sides = plain("levels", tuple(levels) if np.iterable(levels) and not words else levels)
    if not isinstance(sides, tuple) or not all(type(side) is int for side in sides):
        raise TypeError(f"levels must be a tuple of ints, got levels={levels!r}")
    if not sides or not 1 <= min(sides) <= max(sides) <= arguments.LARGEST:
        raise ValueError(
            f"levels must be from 1 to {arguments.LARGEST}, at least one, got levels={levels!r}"
        )
    if getattr(x, "ndim", 4) != 4:
        raise ValueError(f"x must have the shape (N, C, H, W), got shape {tuple(x.shape)}")
    array, wrap = targets.adapting(x, target, stream)("x", x)
    check_dtype(array.dtype)
    batch, channels = array.shape[:2]
    kinds = [op.result(array.dtype.newbyteorder("="))]
    if return_indices:
        kinds.append(checked_index_dtype(index_dtype))
    shape = (batch, channels * sum(side * side for side in sides))
    if out is None:
        vectors = [empty(array, shape, kind) for kind in kinds]
    else:
        vectors = check_outs(out, shape, kinds, array)
    at, here = 0, isinstance(array, np.ndarray) and array.flags.c_contiguous
    for side in sides:
        form = channels, side, side
        cells = [part(vector, at, at + prod(form), 1) for vector in vectors]
        level = [split(each, *form) for each in cells]
        into = tuple(level) if return_indices else level[0]
        found = lazy.run(op, (geometry.adaptive, 2, side), array, return_indices, index_dtype,
            None, into if here else None, num_threads, targets.place(array))  # fmt: skip
        if not here:  # kernels write to arrays that lie as the input does
            for result, each in zip(found if return_indices else (found,), level, strict=True):
                copied(result, each)
        at += prod(form)
    if out is not None:
        return out
    wrapped = tuple(map(wrap, vectors))
    return wrapped if return_indices else wrapped[0]
