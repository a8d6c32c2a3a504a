"""What the poolings that select or add say of themselves."""

from __future__ import annotations

MAX = """
The largest value of every window.

Parameters
----------
input : array of shape (N, C, {axes}) or (C, {axes})
    Of float32, float64, float16, bfloat16, any integer or bool; any strides. NumPy's, torch's,
    JAX's or of another library that speaks DLPack, and on a GPU whatever has that or
    ``__cuda_array_interface__``: it is pooled there, on the current stream of its library.
kernel_size, stride, dilation : {ints}
    Taps of a window, inputs from one window to the next (None: ``kernel_size``), and inputs
    from tap to tap, along {each}.
padding : {ints}, {dims} pairs, "same", "same_upper", "same_lower" or "valid"
    Places added on both sides, at most ``kernel_size // 2``; or ``(before, after)`` for each
    axis, less than the window spans; or as many as make ``ceil(size / stride)`` outputs, the
    odd one after ("same", "same_upper") or before. They are never a value.
ceil_mode : bool
    Whether windows may hang over the end, as long as they start inside the input or the
    padding before it.
return_indices : bool
    Whether to return the index map too.
index_dtype : "int64", "int32" or "smallest"
    Its dtype; the smallest is what holds all indices that there can be.
index_base : str
    What an index counts from, as `convert_indices` lists them; "plane", ``{flat}``, takes no
    further pass over the map.
data_format : "channels_first" or "channels_last"
    Whether the input is as above, or (N, {axes}, C) or ({axes}, C). Either may lie in memory as
    the other: a channels-last torch tensor gives one.
nan_policy : "propagate", "omit" or "raise"
    Whether NaN wins, is left out (a window of nothing else gives NaN, with index -1), or is an
    error. Where there is one to leave out, every tap is looked at by itself.
out : array, or a pair of them with indices
    Where to write the result, of its shape and dtype, with any strides.
num_threads : int, optional
    At most what Numba has; None: what `numba.set_num_threads` says.
target : "cpu" or "cuda", optional
    Where to pool; an array that lies elsewhere is copied there, and its result back. None: where
    it lies, one of the host as `set_default_target` says.
stream : optional
    What to send all work on a GPU to: a stream of Numba's, torch's or CuPy's, or of whatever has
    ``__cuda_stream__``, or its address as an int. What was sent to other streams before is not
    waited for. None: the current stream of the input's library.

Returns
-------
array of shape (N, C, {o}) or (C, {o}), or a pair (values, indices)
    Of the input's kind and dtype.

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
least integer or False, with index -1. Results equal
``torch.nn.functional.max_pool{dims}d`` [1]_.

References
----------
.. [1] https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool{dims}d.html
"""

MIN = """
The smallest value of every window.

Parameters, errors, and the rules for equal values and NaN are those of `max_pool{dims}d`; a window
without a tap gives ``inf``, the largest integer or True.

Parameters
----------
input : array of shape (N, C, {axes}) or (C, {axes})
kernel_size, stride, padding, dilation, ceil_mode, return_indices
index_dtype, index_base, data_format, nan_policy, out
num_threads, target, stream
    See `max_pool{dims}d`.

Returns
-------
array of shape (N, C, {o}) or (C, {o}), or a pair (values, indices)
"""

AVG = """
The average of every window.

Parameters
----------
input : array of shape (N, C, {axes}) or (C, {axes})
kernel_size, stride, padding, ceil_mode, dilation, data_format, nan_policy, out
num_threads, target, stream
    See `max_pool{dims}d`.
count_include_pad : bool
    Whether places of the padding count in the divisor (as zeros). Places past the padding,
    which ``ceil_mode`` adds, never count.
divisor_override : int, optional
    What to divide every sum by instead; not 0.

Returns
-------
array of shape (N, C, {o}) or (C, {o})
    Floats keep their dtype; integers and bool average in float64, as in NumPy.

Raises
------
TypeError, ValueError
    As `max_pool{dims}d`; also for a divisor of 0.

Notes
-----
A NaN in a window gives NaN there and nowhere else. Sums are pairwise over many taps. A dilated
window divides by its taps, not by what they span, and one without a tap gives 0. Otherwise as
``torch.nn.functional.avg_pool{dims}d``.
"""

SUM = """
The sum of every window.

Parameters
----------
input : array of shape (N, C, {axes}) or (C, {axes})
kernel_size, stride, padding, dilation, ceil_mode, data_format, nan_policy, out
num_threads, target, stream
    See `max_pool{dims}d`; places outside the input add nothing.

Returns
-------
array of shape (N, C, {o}) or (C, {o})
    Floats keep their dtype; integers and bool give int64 or uint64, as in NumPy, and wrap
    around beyond those.
"""

ADAPTIVE_MAX = """
The largest value of each of ``output_size`` bins that cover the input.

Bin ``j`` of ``O`` over ``I`` inputs is ``floor(j * I / O)`` to ``ceil((j + 1) * I / O)``; more
bins than inputs are fine.

Parameters
----------
input : array of shape (N, C, {axes}) or (C, {axes})
    See `max_pool{dims}d`.
output_size : int, None or tuple of {dims} of them
    Bins along {each}; None keeps the size.
return_indices, index_dtype, index_base, data_format, nan_policy, out
num_threads, target, stream
    See `max_pool{dims}d`, as are errors and the rules for equal values and NaN.

Returns
-------
array of shape (N, C, {o}) or (C, {o}), or a pair (values, indices)
"""

ADAPTIVE_MIN = """
The smallest value of each of ``output_size`` bins that cover the input.

Parameters
----------
input, output_size, return_indices, index_dtype, index_base, data_format, nan_policy, out
num_threads, target, stream
    See `adaptive_max_pool{dims}d`.

Returns
-------
array of shape (N, C, {o}) or (C, {o}), or a pair (values, indices)
"""

ADAPTIVE_AVG = """
The average of each of ``output_size`` bins that cover the input.

Parameters
----------
input, output_size, data_format, nan_policy, out
num_threads, target, stream
    See `adaptive_max_pool{dims}d`. Here a C of 0 is fine too.

Returns
-------
array of shape (N, C, {o}) or (C, {o})
    Floats keep their dtype; integers and bool average in float64.
"""

FRACTIONAL_MAX = """
The largest value of windows whose places are drawn: fractional max pooling [1]_.

Parameters
----------
input : array of shape (N, C, {axes}) or (C, {axes})
    See `max_pool{dims}d`.
kernel_size : {ints}
    Taps of a window along {each}.
output_size : {ints}, optional
    Windows along {each}.
output_ratio : float or tuple of {dims} floats, optional
    Or how many of the inputs' number, between 0 and 1. One of the two must be given.
return_indices : bool
    Whether to return where the values are too, flat in the plane.
random_samples : float array of shape (N, C, {dims}), optional
    From 0 up to 1: what places the windows of every plane. In two dimensions the first moves them
    across and the second down, as in torch.
rng : numpy.random.Generator, optional
    Or what draws them. One of the two must be given.
index_dtype, index_base, data_format, nan_policy, out
num_threads, target, stream
    See `max_pool{dims}d`.

Returns
-------
array of shape (N, C, {o}) or (C, {o}), or a pair (values, indices)
    Of the input's kind and dtype.

Raises
------
TypeError, ValueError
    For sizes that do not go together, samples outside their range, and wrong shapes and dtypes.

Notes
-----
Equal values and NaN as in `max_pool{dims}d`. Equals
``torch.nn.functional.fractional_max_pool{dims}d`` for the same samples.

References
----------
.. [1] Graham, Fractional max-pooling, 2014

Examples
--------
>>> import numpy as np, numbapool
>>> x = np.arange(5.0 ** {dims}).reshape(1, 1, *[5] * {dims})
>>> numbapool.fractional_max_pool{dims}d(x, 2, 3, rng=np.random.default_rng(0)).max() == x.max()
np.True_
"""

FRACTIONAL_AVG = """
The mean of windows whose places are drawn.

Parameters
----------
input, kernel_size, output_size, output_ratio, random_samples, rng, data_format, nan_policy, out
num_threads, target, stream
    See `fractional_max_pool{dims}d`, as are errors.

Returns
-------
array of shape (N, C, {o}) or (C, {o})
    Floats keep their dtype; integers and bool average in float64, as `avg_pool{dims}d`.

Examples
--------
>>> import numpy as np, numbapool
>>> x = np.ones((1, 1, *[5] * {dims}))
>>> numbapool.fractional_avg_pool{dims}d(x, 2, 3, rng=np.random.default_rng(0)).sum().item()
{ones}
"""

TEXTS = {
    "fractional_max": FRACTIONAL_MAX, "fractional_avg": FRACTIONAL_AVG,
    "max": MAX, "min": MIN, "avg": AVG, "sum": SUM,
    "adaptive_max": ADAPTIVE_MAX, "adaptive_min": ADAPTIVE_MIN, "adaptive_avg": ADAPTIVE_AVG,
}  # fmt: skip
