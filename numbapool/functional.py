"""The public functions: torch's names, argument order, defaults and errors."""

from __future__ import annotations

from typing import Any

from . import geometry, lazy
from .geometry import plain
from .ops import MAX, MEAN, MIN, SUM


def _window(
    kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
    count_include_pad: bool = True,
) -> tuple[Any, ...]:
    # Plain ints are most calls, pairs of them the rest.
    ints = type(kernel_size) is type(padding) is type(dilation) is int
    if not (ints and (stride is None or type(stride) is int)) and not geometry.are_plain(
        kernel_size, stride, padding, dilation
    ):
        kernel_size, stride = plain("kernel_size", kernel_size), plain("stride", stride)
        padding, dilation = plain("padding", padding), plain("dilation", dilation)
    if ceil_mode is not False:
        ceil_mode = geometry.flag("ceil_mode", ceil_mode)
    if count_include_pad is not True:
        count_include_pad = geometry.flag("count_include_pad", count_include_pad)
    return (
        geometry.sliding, 2, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad
    )  # fmt: skip


def _divisor(divisor_override: Any) -> int:
    divisor = plain("divisor_override", divisor_override)
    if not (type(divisor) is int and 0 < abs(divisor) <= geometry.LARGEST):
        raise ValueError(
            f"divisor_override must be an int other than 0, at most {geometry.LARGEST}, "
            f"got {divisor_override!r}"
        )
    return divisor


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    index_dtype: Any = "int64",
    out: Any = None,
    num_threads: int | None = None,
) -> Any:
    """The largest value of every window of every plane.

    Parameters
    ----------
    input : array of shape (N, C, H, W) or (C, H, W)
        NumPy array or torch CPU tensor of float32, float64, any integer or bool; any strides.
    kernel_size, stride, dilation : int or tuple of 2 ints
        Taps of a window, inputs from one window to the next (None: ``kernel_size``), and inputs
        from tap to tap, along H and W.
    padding : int, tuple of 2 ints, 2 pairs, "same", "same_upper", "same_lower" or "valid"
        Places added on both sides, at most ``kernel_size // 2``; or ``(before, after)`` for each
        axis, less than the window spans; or as many as make ``ceil(size / stride)`` outputs, the
        odd one after ("same", "same_upper") or before. They are never a value.
    ceil_mode : bool
        Whether windows may hang over the end, as long as they start inside the input or the
        padding before it.
    return_indices : bool
        Whether to return the index map too.
    index_dtype : "int64" or "int32"
        Its dtype.
    out : array, or a pair of them with indices
        Where to write the result, of its shape and dtype, with any strides.
    num_threads : int, optional
        At most what Numba has; None: what `numba.set_num_threads` says.

    Returns
    -------
    array of shape (N, C, OH, OW) or (C, OH, OW), or a pair (values, indices)
        Of the input's kind and dtype. An index is flat in its plane, ``h * W + w``.

    Raises
    ------
    TypeError
        For a dtype, an array or an argument of a kind that is not supported.
    ValueError
        For arguments outside their limits, a window that does not fit, or an ``out`` that does not.

    Notes
    -----
    The first of equal values in row-major order has the index. Any NaN in a window gives NaN, and
    the last one has the index. A dilated window without a tap inside the input gives ``-inf``, the
    least integer or False, with index -1. Results equal ``torch.nn.functional.max_pool2d`` [1]_.

    References
    ----------
    .. [1] https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> x = np.array([[[[1, 5, 2, 0], [3, 4, 8, 8]]]])
    >>> values, indices = numbapool.max_pool2d(x, 2, return_indices=True)
    >>> values.tolist(), indices.tolist()
    ([[[[5, 8]]]], [[[[1, 6]]]])
    """
    where = _window(kernel_size, stride, padding, dilation, ceil_mode)
    return lazy.run(MAX, where, input, return_indices, index_dtype, None, out, num_threads)


def min_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    index_dtype: Any = "int64",
    out: Any = None,
    num_threads: int | None = None,
) -> Any:
    """The smallest value of every window of every plane.

    Parameters, errors, and the rules for equal values and NaN are those of `max_pool2d`; a window
    without a tap gives ``inf``, the largest integer or True.

    Parameters
    ----------
    input : array of shape (N, C, H, W) or (C, H, W)
    kernel_size, stride, padding, dilation, ceil_mode, return_indices
    index_dtype, out, num_threads
        See `max_pool2d`.

    Returns
    -------
    array of shape (N, C, OH, OW) or (C, OH, OW), or a pair (values, indices)

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> numbapool.min_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 0.,  2.],
             [ 8., 10.]]]])
    """
    where = _window(kernel_size, stride, padding, dilation, ceil_mode)
    return lazy.run(MIN, where, input, return_indices, index_dtype, None, out, num_threads)


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    dilation: Any = 1,
    out: Any = None,
    num_threads: int | None = None,
) -> Any:
    """The average of every window of every plane.

    Parameters
    ----------
    input : array of shape (N, C, H, W) or (C, H, W)
    kernel_size, stride, padding, ceil_mode, dilation, out, num_threads
        See `max_pool2d`.
    count_include_pad : bool
        Whether places of the padding count in the divisor (as zeros). Places past the padding,
        which ``ceil_mode`` adds, never count.
    divisor_override : int, optional
        What to divide every sum by instead; not 0.

    Returns
    -------
    array of shape (N, C, OH, OW) or (C, OH, OW)
        Floats keep their dtype; integers and bool average in float64, as in NumPy.

    Raises
    ------
    TypeError, ValueError
        As `max_pool2d`; also for a divisor of 0.

    Notes
    -----
    A NaN in a window gives NaN there and nowhere else. Sums are pairwise over many taps. A dilated
    window divides by its taps, not by what they span, and one without a tap gives 0. Otherwise as
    ``torch.nn.functional.avg_pool2d``.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> numbapool.avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    if divisor_override is not None:
        divisor_override = _divisor(divisor_override)
    where = _window(kernel_size, stride, padding, dilation, ceil_mode, count_include_pad)
    return lazy.run(MEAN, where, input, False, None, divisor_override, out, num_threads)


def sum_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    *,
    out: Any = None,
    num_threads: int | None = None,
) -> Any:
    """The sum of every window of every plane.

    Parameters
    ----------
    input : array of shape (N, C, H, W) or (C, H, W)
    kernel_size, stride, padding, dilation, ceil_mode, out, num_threads
        See `max_pool2d`; places outside the input add nothing.

    Returns
    -------
    array of shape (N, C, OH, OW) or (C, OH, OW)
        Floats keep their dtype; integers and bool give int64 or uint64, as in NumPy, and wrap
        around beyond those.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> numbapool.sum_pool2d(np.ones((1, 1, 4, 4), bool), 3, 1, 1)[0, 0]
    array([[4, 6, 6, 4],
           [6, 9, 9, 6],
           [6, 9, 9, 6],
           [4, 6, 6, 4]])
    """
    where = _window(kernel_size, stride, padding, dilation, ceil_mode)
    return lazy.run(SUM, where, input, False, None, None, out, num_threads)


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
    where = _window(kernel, stride, padding, dilation, ceil_mode)[2:]
    axes = geometry.sliding(geometry.spatial(shape, dims), *where)
    return (*shape[: len(shape) - dims], *geometry.lengths(axes))
