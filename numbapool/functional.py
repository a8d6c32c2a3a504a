"""The public functions: torch's names, argument order, defaults and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import arguments, geometry, lazy
from .arguments import plain
from .axes import road
from .docs import documented
from .indices import pooled
from .nan import policed
from .ops import MAX, MEAN, MIN, SUM, PoolOp
from .targets import streamed


def window(
    dims: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
    count_include_pad: bool = True,
) -> tuple[Any, ...]:
    # Plain ints are most calls, pairs of them the rest.
    ints = type(kernel_size) is type(padding) is type(dilation) is int
    if not (ints and (stride is None or type(stride) is int)) and not arguments.are_plain(
        kernel_size, stride, padding, dilation
    ):
        kernel_size, stride = plain("kernel_size", kernel_size), plain("stride", stride)
        padding, dilation = plain("padding", padding), plain("dilation", dilation)
    if ceil_mode is not False:
        ceil_mode = arguments.flag("ceil_mode", ceil_mode)
    if count_include_pad is not True:
        count_include_pad = arguments.flag("count_include_pad", count_include_pad)
    return (
        geometry.sliding, dims, kernel_size, stride, padding, dilation, ceil_mode,
        count_include_pad,
    )  # fmt: skip


def divisor(divisor_override: Any) -> int:
    divisor = plain("divisor_override", divisor_override)
    if not (type(divisor) is int and 0 < abs(divisor) <= arguments.LARGEST):
        raise ValueError(
            f"divisor_override must be an int other than 0, at most {arguments.LARGEST}, "
            f"got {divisor_override!r}"
        )
    return divisor


def _selecting(op: PoolOp, dims: int) -> Callable[..., Any]:
    def pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
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
            input = streamed(input, stream, target)
        where = window(dims, kernel_size, stride, padding, dilation, ceil_mode)
        run = lazy.run if data_format == "channels_first" else road(data_format)
        how = op if nan_policy == "propagate" else policed(op, input, nan_policy)
        if index_base != "plane" or index_dtype == "smallest":
            return pooled(
                run, how, where, input, return_indices, index_dtype, index_base, data_format, out,
                num_threads, target,
            )  # fmt: skip
        return run(how, where, input, return_indices, index_dtype, None, out, num_threads, target)

    return documented(pool, op.name, dims)


def _averaging(dims: int) -> Callable[..., Any]:
    def pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        *,
        dilation: Any = 1,
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        out: Any = None,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        if stream is not None:
            input = streamed(input, stream, target)
        if divisor_override is not None:
            divisor_override = divisor(divisor_override)
        where = window(
            dims, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad
        )
        run = lazy.run if data_format == "channels_first" else road(data_format)
        how = MEAN if nan_policy == "propagate" else policed(MEAN, input, nan_policy)
        return run(how, where, input, False, None, divisor_override, out, num_threads, target)

    return documented(pool, "avg", dims)


def _summing(dims: int) -> Callable[..., Any]:
    def pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        out: Any = None,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        if stream is not None:
            input = streamed(input, stream, target)
        where = window(dims, kernel_size, stride, padding, dilation, ceil_mode)
        run = lazy.run if data_format == "channels_first" else road(data_format)
        how = SUM if nan_policy == "propagate" else policed(SUM, input, nan_policy)
        return run(how, where, input, False, None, None, out, num_threads, target)

    return documented(pool, "sum", dims)


max_pool1d, max_pool2d, max_pool3d = (_selecting(MAX, dims) for dims in (1, 2, 3))
min_pool1d, min_pool2d, min_pool3d = (_selecting(MIN, dims) for dims in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = (_averaging(dims) for dims in (1, 2, 3))
sum_pool1d, sum_pool2d, sum_pool3d = (_summing(dims) for dims in (1, 2, 3))


def output_shape(
    input_shape: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> tuple[int, ...]:
    """The shape that pooling gives, for any number of spatial axes.

    Parameters
    ----------
    input_shape : tuple of ints
        (N, C, *spatial), or (C, *spatial) if ``kernel_size`` is a tuple that says so; with an int
        ``kernel_size``, the first two axes are N and C.
    kernel_size, stride, padding, dilation, ceil_mode
        See `max_pool2d`.

    Returns
    -------
    tuple of ints

    Raises
    ------
    TypeError, ValueError
        As `max_pool2d`.

    Notes
    -----
    A spatial size is ``floor((in + pads - dilation * (kernel - 1) - 1) / stride) + 1``, rounded up
    with ``ceil_mode``, less one if the last window would start past the input and its padding
    before.

    Examples
    --------
    >>> import numbapool
    >>> numbapool.output_shape((8, 64, 112, 112), 3, 2, 1)
    (8, 64, 56, 56)
    """
    shape = plain("input_shape", input_shape)
    if not isinstance(shape, tuple) or not all(type(n) is int for n in shape):
        raise TypeError(f"input_shape must be a tuple of ints, got {input_shape!r}")
    if not all(0 <= n < 2**63 for n in shape):
        raise ValueError(f"input_shape must be from 0 to 2**63 - 1 each, got {input_shape!r}")
    kernel = plain("kernel_size", kernel_size)
    dims = len(kernel) if isinstance(kernel, tuple) and len(kernel) > 1 else len(shape) - 2
    if dims < 1:
        raise ValueError(f"input_shape must be (N, C, *spatial), got input_shape={shape}")
    where = window(dims, kernel, stride, padding, dilation, ceil_mode)[2:]
    axes = geometry.sliding(geometry.spatial(shape, dims), *where)
    return (*shape[: len(shape) - dims], *geometry.lengths(axes))
