"""The words of docstrings: one text a kind of pooling, for any number of axes."""

from __future__ import annotations

MAX = """
The largest value of every window.

Parameters
----------
input : array of shape (N, C, {axes}) or (C, {axes})
    NumPy array or torch CPU tensor of float32, float64, any integer or bool; any strides.
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
out : array, or a pair of them with indices
    Where to write the result, of its shape and dtype, with any strides.
num_threads : int, optional
    At most what Numba has; None: what `numba.set_num_threads` says.

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
index_dtype, index_base, data_format, out, num_threads
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
kernel_size, stride, padding, ceil_mode, dilation, data_format, out, num_threads
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
kernel_size, stride, padding, dilation, ceil_mode, data_format, out, num_threads
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
return_indices, index_dtype, index_base, data_format, out, num_threads
    See `max_pool{dims}d`, as are errors and the rules for equal values and NaN.

Returns
-------
array of shape (N, C, {o}) or (C, {o}), or a pair (values, indices)
"""

ADAPTIVE_MIN = """
The smallest value of each of ``output_size`` bins that cover the input.

Parameters
----------
input, output_size, return_indices, index_dtype, index_base, data_format, out, num_threads
    See `adaptive_max_pool{dims}d`.

Returns
-------
array of shape (N, C, {o}) or (C, {o}), or a pair (values, indices)
"""

ADAPTIVE_AVG = """
The average of each of ``output_size`` bins that cover the input.

Parameters
----------
input, output_size, data_format, out, num_threads
    See `adaptive_max_pool{dims}d`. Here a C of 0 is fine too.

Returns
-------
array of shape (N, C, {o}) or (C, {o})
    Floats keep their dtype; integers and bool average in float64.
"""

REDUCED = """
{summary}

Parameters
----------
input : array of shape (N, C, {{axes}}) or (C, {{axes}})
    See `max_pool{{dims}}d`.
{first}kernel_size, stride, padding, dilation, ceil_mode, data_format, out, num_threads
    See `max_pool{{dims}}d`.
{options}
Returns
-------
array of shape (N, C, {{o}}) or (C, {{o}})
    Floats keep their dtype; integers and bool give float64.

Raises
------
TypeError, ValueError
    As `max_pool{{dims}}d`, and for options outside their limits.

Notes
-----
{notes}
"""


def _reduced(summary: str, notes: str, options: str = "", first: str = "") -> str:
    return REDUCED.format(summary=summary, notes=notes, options=options, first=first)


MEDIAN = _reduced(
    "The median of every window.",
    """Of an even number of taps the mean of the two in the middle, as ``numpy.median``. Only taps
inside the input count. Any NaN gives NaN, and so does a window without taps.""",
)

QUANTILE = _reduced(
    "A quantile of every window.",
    """Only taps inside the input count. Any NaN gives NaN, and so does a window without taps.
Otherwise as ``numpy.quantile``.""",
    """q : float
    From 0, the smallest tap, to 1, the largest; 0.5 is the median. Between two taps it is
    interpolated.
""",
)

SPREAD = """``sum((x - mean) ** 2) / (count - correction)``{root}, summed in float64 about the
window's own mean, so that a large mean costs no digits. Only taps inside the input count. NaN and
infinities give NaN, and so does a window without more than ``correction`` taps. As
``numpy.{like}``."""

CORRECTION = """correction : float
    What is taken off the number of taps: 0 for the variance of the taps, 1 for an estimate of
    what they were drawn from.
"""

VAR = _reduced("The variance of every window.", SPREAD.format(root="", like="var"), CORRECTION)

STD = _reduced(
    "The standard deviation of every window.",
    SPREAD.format(root=", and its root", like="std"),
    CORRECTION,
)

LSE = _reduced(
    "The logarithm of the sum of exponentials of every window: a smooth maximum [1]_.",
    """``log(sum(exp(r * x))) / r``, summed in float64 from the largest tap on, so that nothing
overflows. Any NaN gives NaN, and a window without taps, too; an infinity is one.

References
----------
.. [1] Pinheiro and Collobert, From image-level to pixel-level labeling with convolutional networks,
   2015""",
    """sharpness : float
    The ``r`` above; not 0. The larger, the nearer to the maximum; negative, to the minimum.
mean : bool
    Whether to take the mean of the exponentials instead of their sum.
""",
)

SOFT = _reduced(
    "The mean of every window, each tap weighed by its exponential: SoftPool [1]_.",
    """``sum(exp(x) * x) / sum(exp(x))``, in float64. Any NaN gives NaN, and a window without
taps, too.

References
----------
.. [1] Stergiou, Poppe and Kalliatakis, Refining activation downsampling with SoftPool, 2021""",
)

MIXED = _reduced(
    "Between the maximum and the average of every window [1]_.",
    """``alpha * max + (1 - alpha) * mean`` of the taps inside the input. Any NaN gives NaN, and a
window without taps, too.

References
----------
.. [1] Lee, Gallagher and Tu, Generalizing pooling functions in convolutional neural networks,
   2016""",
    """alpha : float
    From 0, the average, to 1, the maximum.
""",
)

POWER_AVG = _reduced(
    "The power average of every window: ``mean(|x| ** p) ** (1 / p)``.",
    """Places of the padding count as zeros. A NaN gives NaN in its windows.""",
    """p : float
    Above 0: 1 is the mean of magnitudes, 2 the root of the mean square, and so on to the largest.
""",
)

GEM = _reduced(
    "The generalized mean of every window: ``mean(max(x, eps) ** p) ** (1 / p)`` [1]_.",
    """Places of the padding count as zeros. A NaN gives NaN in its windows. For the generalized
mean of whole planes let ``kernel_size`` be their shape.

References
----------
.. [1] Radenovic, Tolias and Chum, Fine-tuning CNN image retrieval with no human annotation,
   2018""",
    """p : float
    Above 0: 1 is the average, large ones are near the maximum.
eps : float
    Smaller taps count as this; at least 0.
""",
)

LP = _reduced(
    "The p-norm of every window, as torch has it.",
    """``sum(x ** p) ** (1 / p)`` without magnitudes, so that negative sums give NaN where p is
odd or broken; ``abs`` takes them. With ``ceil_mode`` windows that hang over the end count as if
they were full, unless ``abs``. An infinite p is the largest magnitude. A NaN gives NaN in its
windows. Equals ``torch.nn.functional.lp_pool{{dims}}d`` but for rounding.""",
    """abs : bool
    Whether to take magnitudes: ``sum(|x| ** p) ** (1 / p)``, ONNX's norm.
""",
    """norm_type : float
    The p, above 0.
""",
)
LP = LP.replace("{{dims}}", "{dims}")

UNPOOL = """
Values back at the places that an index map names, zeros elsewhere.

Parameters
----------
input : array of shape (N, C, {o}) or (C, {o})
    What `max_pool{dims}d` gave, or anything of that shape; dtypes as there.
indices : integer array of the same shape
    Flat in the plane of the result. -1 puts a value nowhere.
kernel_size, stride, padding : {ints}
    The window that pooled.
output_size : {ints}, or a whole shape, optional
    What was pooled, where windows left a rest: nearer than a stride to ``(in - 1) * stride -
    2 * padding + kernel_size``, which it is by default.
reduce : "last", "sum" or "max"
    What becomes of values that go to one place: the last in row-major order stays, or their sum,
    or the largest, where any NaN is.
out, num_threads
    See `max_pool{dims}d`.

Returns
-------
array of shape (N, C, {axes}) or (C, {axes})
    Of the input's kind and dtype; the same on any number of threads.

Raises
------
TypeError, ValueError
    As `max_pool{dims}d`; and for an index outside the result, before anything is written.

Notes
-----
Equals ``torch.nn.functional.max_unpool{dims}d`` where no two values go to one place.

Examples
--------
>>> import numpy as np, numbapool
>>> y, indices = numbapool.max_pool{dims}d({array}, {argument}, return_indices=True)
>>> x = numbapool.max_unpool{dims}d(y, indices, {argument})
>>> bool((numbapool.max_pool{dims}d(x, {argument}) == y).all())
True
"""

TEXTS = {
    "max_un": UNPOOL,
    "max": MAX, "min": MIN, "avg": AVG, "sum": SUM,
    "adaptive_max": ADAPTIVE_MAX, "adaptive_min": ADAPTIVE_MIN, "adaptive_avg": ADAPTIVE_AVG,
    "median": MEDIAN, "quantile": QUANTILE, "var": VAR, "std": STD, "lse": LSE, "soft": SOFT,
    "mixed": MIXED, "power_avg": POWER_AVG, "gem": GEM, "lp": LP,
}  # fmt: skip

BACKWARD = {
    "max": """
The gradient of the input of a pooling that selects, by its index map.

Parameters
----------
grad_output : float array of shape (N, C, {o}) or (C, {o})
    The gradient of the result.
indices : integer array of the same shape
    What `max_pool{dims}d`, `min_pool{dims}d` or an adaptive one returned, flat in the plane.
input_shape : tuple of ints
    The shape of what was pooled.
out, num_threads
    See `max_pool{dims}d`.

Returns
-------
array of shape ``input_shape``
    Of ``grad_output``'s kind and dtype. Where several windows selected a place, their gradients are
    added in row-major order: the same bits on any number of threads.

Raises
------
TypeError, ValueError
    For dtypes other than float32 and float64, shapes that do not go together, and indices outside
    the plane.

Examples
--------
>>> import numpy as np, numbapool
>>> y, indices = numbapool.max_pool{dims}d({array}, {argument}, return_indices=True)
>>> ones = np.ones(y.shape)
>>> numbapool.max_pool{dims}d_backward(ones, indices, {array}.shape).sum().item()
4.0
""",
    "avg": """
The gradient of the input of `avg_pool{dims}d`.

Parameters
----------
grad_output : float array of shape (N, C, {o}) or (C, {o})
    The gradient of the result.
input_shape : tuple of ints
    The shape of what was pooled.
kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, dilation, num_threads
    What it was pooled with; see `avg_pool{dims}d`. For `sum_pool{dims}d` let ``divisor_override``
    be 1.

Returns
-------
array of shape ``input_shape``
    Of ``grad_output``'s kind and dtype; the same bits on any number of threads.

Raises
------
TypeError, ValueError
    For dtypes other than float32 and float64, and as `avg_pool{dims}d`.

Examples
--------
>>> import numpy as np, numbapool
>>> y = numbapool.avg_pool{dims}d({array}, {argument})
>>> numbapool.avg_pool{dims}d_backward(np.ones(y.shape), {array}.shape, {argument}).sum().item()
4.0
""",
    "adaptive_avg": """
The gradient of the input of `adaptive_avg_pool{dims}d`.

Parameters
----------
grad_output : float array of shape (N, C, {o}) or (C, {o})
    The gradient of the result.
input_shape : tuple of ints
    The shape of what was pooled.
num_threads : int, optional
    See `max_pool{dims}d`.

Returns
-------
array of shape ``input_shape``
    Of ``grad_output``'s kind and dtype; the same bits on any number of threads.

Raises
------
TypeError, ValueError
    For dtypes other than float32 and float64, and shapes that do not go together.

Examples
--------
>>> import numpy as np, numbapool
>>> y = numbapool.adaptive_avg_pool{dims}d({array} / 1, {argument})
>>> grad = numbapool.adaptive_avg_pool{dims}d_backward(np.ones(y.shape), {array}.shape)
>>> grad.sum().item()
4.0
""",
    "lp": """
The gradient of the input of `lp_pool{dims}d`.

Parameters
----------
grad_output : float array of shape (N, C, {o}) or (C, {o})
    The gradient of the result.
input : float array of shape (N, C, {axes}) or (C, {axes})
    What was pooled.
norm_type, kernel_size, stride, ceil_mode, abs, padding, dilation, num_threads
    What it was pooled with; see `lp_pool{dims}d`. ``norm_type`` is finite here.

Returns
-------
array of the shape of ``input``
    Of ``grad_output``'s kind; the same bits on any number of threads. Nothing goes back from a
    norm of 0, which has no gradient.

Raises
------
TypeError, ValueError
    For dtypes other than float32 and float64, and as `lp_pool{dims}d`.

Examples
--------
>>> import numpy as np, numbapool
>>> x = {array} + 1.0
>>> y = numbapool.lp_pool{dims}d(x, 1, 2)
>>> numbapool.lp_pool{dims}d_backward(np.ones(y.shape), x, 1, 2).max().item()
1.0
""",
}
