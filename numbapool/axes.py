"""Pooling over other axes than the last ones: any that are named, and channels that come last."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

from . import arguments, geometry, lazy
from .arguments import plain
from .arrays import Wrap, channels_inside, channels_outside, check_outs
from .nan import policed
from .ops import OPS, PoolOp
from .targets import adapt, on_device, streamed


def road(data_format: Any) -> Callable[..., Any]:
    """What runs a pooling of an input with this order of its axes."""
    return _channels_last if _is_last(data_format) else lazy.run


def _is_last(data_format: Any) -> bool:
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(
            "data_format must be 'channels_first' or 'channels_last', "
            f"got data_format={data_format!r}"
        )
    return bool(data_format == "channels_last")


def channels_first(
    x: Any, dims: int, data_format: Any, adapted: Callable[[str, Any], tuple[Any, Any]] = adapt
) -> tuple[Any, Wrap]:
    """``x`` seen as (N, C, *spatial), and what gives results its kind and the order of its axes.

    ``adapted`` says whose arrays are taken: any target's, or the host's.
    """
    last = _is_last(data_format)
    array, wrap = adapted("input", x)
    if not last:
        return array, wrap
    if array.ndim not in (dims + 1, dims + 2):
        raise ValueError(
            f"input must have {dims + 1} or {dims + 2} dimensions, (*spatial, C) or "
            f"(N, *spatial, C), got shape {array.shape}"
        )
    return channels_outside(array, dims), lambda result: wrap(channels_inside(result, dims))


def _channels_last(
    op: PoolOp, where: tuple[Any, ...], x: Any, return_indices: Any, index_dtype: Any,
    divisor: int | None, out: Any, num_threads: int | None, target: str | None,
) -> Any:  # fmt: skip
    if out is None and num_threads is None and target is None:
        found = lazy.pixels(op, where, x, return_indices, index_dtype, divisor)
        if found is not None:
            return found
    dims = where[1]
    array, wrap = channels_first(x, dims, "channels_last")

    def inward(name: str, out: Any) -> Any:
        return channels_outside(adapt(name, out)[0], dims)

    if isinstance(out, (tuple, list)):
        outs: Any = tuple(inward(f"out[{i}]", o) for i, o in enumerate(out))
    else:
        outs = None if out is None else inward("out", out)
    result = lazy.run(
        op, where, array, return_indices, index_dtype, divisor, outs, num_threads, target
    )
    if out is not None:
        return out
    return tuple(map(wrap, result)) if isinstance(result, tuple) else wrap(result)


def _pooled_axes(axes: Any, ndim: int, kernel_size: Any) -> tuple[int, ...]:
    if axes is None:
        several = isinstance(kernel_size, tuple) and len(kernel_size) > 1
        count = len(kernel_size) if several else ndim
        return tuple(range(max(ndim - count, 0), ndim))
    named = plain("axes", axes)
    named = named if isinstance(named, tuple) else (named,)
    if not named:
        raise ValueError(f"axes must name one axis at least, got axes={axes!r}")
    if not all(type(axis) is int and -ndim <= axis < ndim for axis in named):
        raise ValueError(f"axes must be from {-ndim} to {ndim - 1}, got axes={axes!r}")
    found = tuple(axis % ndim for axis in named)
    if len(set(found)) < len(found):
        raise ValueError(f"axes must not name one twice, got axes={axes!r}")
    return found


class _Ordered(NamedTuple):
    """Axes whose pooled ones are neighbours: what follows them are channels that come last."""

    order: tuple[int, ...]
    sizes: tuple[tuple[int, ...], ...]  # of axes before the pooled ones, of these, and behind them
    seen: tuple[int, ...]  # the shape (N, *pooled, C)
    back: tuple[int, ...]  # to the order that there was


@lru_cache(maxsize=1024)
def _ordered(pooled: tuple[int, ...], shape: tuple[int, ...]) -> _Ordered:
    ndim = len(shape)
    after = ndim - 1 - pooled[-1]
    if pooled != tuple(range(pooled[0], pooled[0] + len(pooled))):
        after = 0
    inside = tuple(range(ndim - after, ndim))
    before = tuple(axis for axis in range(ndim) if axis not in (*pooled, *inside))
    order = (*before, *pooled, *inside)
    first, sizes, last = (tuple(shape[axis] for axis in some) for some in (before, pooled, inside))
    back = tuple(map(order.index, range(ndim)))
    return _Ordered(order, (first, sizes, last), (prod(first), *sizes, prod(last)), back)


def pool(
    x: Any,
    op: str | PoolOp,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    axes: Any = None,
    count_include_pad: bool = True,
    index_dtype: Any = "int64",
    nan_policy: str = "propagate",
    out: Any = None,
    num_threads: int | None = None,
    target: str | None = None,
    stream: Any = None,
) -> Any:
    """Pool any axes of an array of any rank: blocks of a grid, volumes, stacks of them.

    Parameters
    ----------
    x : array
        As the input of `max_pool2d`, of any rank.
    op : {ops} or a `PoolOp`
        What is taken of a window.
    kernel_size, stride, padding, dilation, ceil_mode
        See `max_pool2d`; an int for all pooled axes, or a tuple of one for each.
    return_indices : bool
        Whether to return an index map too ("max", "min" and every `PoolOp` with ``better``): the
        place of each value among the pooled axes, flat, the first of ``axes`` slowest.
    axes : int or tuple of ints, optional
        What to pool. None: as many of the last axes as ``kernel_size`` has entries, or all of them
        if it is one int.
    count_include_pad : bool
        See `avg_pool2d`.
    index_dtype, nan_policy, out, num_threads, target, stream
        See `max_pool2d`, as are errors and the rules for equal values and NaN.

    Returns
    -------
    array, or a pair (values, indices)
        Of ``x``'s kind and rank, its axes in their order. Axes that are not pooled cost nothing
        where the pooled ones are neighbours in their order; else ``x`` is copied once.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> numbapool.pool(np.arange(24.0).reshape(4, 3, 2), "avg", 2, axes=0)[..., 0].tolist()
    [[3.0, 5.0, 7.0], [15.0, 17.0, 19.0]]
    >>> numbapool.pool(np.arange(16).reshape(4, 4), "max", (2, 4)).tolist()
    [[7], [15]]
    """
    if isinstance(op, str) and op in OPS:
        op = OPS[op]
    elif not isinstance(op, PoolOp):
        raise ValueError(f"op must be one of {', '.join(OPS)} or a PoolOp, got op={op!r}")
    if return_indices and op.better is None:
        raise ValueError(f"return_indices needs an op that selects, got op={op.name!r}")
    if stream is not None:
        x = streamed(x, stream, target)
    op = policed(op, x, nan_policy)
    array, wrap = adapt("x", x)
    kernel = plain("kernel_size", kernel_size)
    pooled = _pooled_axes(axes, array.ndim, kernel)
    if not pooled:
        raise ValueError(f"x must have an axis to pool, got shape {array.shape}")
    dims, (order, sizes, seen, back) = len(pooled), _ordered(pooled, array.shape)
    where = (
        geometry.sliding, dims, kernel, plain("stride", stride), plain("padding", padding),
        plain("dilation", dilation), arguments.flag("ceil_mode", ceil_mode),
        arguments.flag("count_include_pad", count_include_pad),
    )  # fmt: skip
    found = lazy.run(
        op, where, channels_outside(array.transpose(order).reshape(*seen), dims), return_indices,
        index_dtype, None, None, num_threads, target,
    )  # fmt: skip

    def restored(result: Any) -> Any:
        spatial = result.shape[2:]
        full = channels_inside(result, dims).reshape(*sizes[0], *spatial, *sizes[2])
        return full.transpose(back)

    results = [restored(each) for each in (found if isinstance(found, tuple) else (found,))]
    if out is not None:
        if on_device(x):
            raise TypeError("out is for arrays of the host here, got x on a device")
        kinds = [result.dtype for result in results]
        asked = check_outs(out, results[0].shape, kinds, array)
        for into, result in zip(asked, results, strict=True):
            into[...] = result
        return out
    wrapped = tuple(map(wrap, results))
    return wrapped if isinstance(found, tuple) else wrapped[0]


pool.__doc__ = (pool.__doc__ or "").replace("{ops}", ", ".join(f'"{name}"' for name in OPS))
