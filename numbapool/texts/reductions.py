"""What the poolings that see all taps of a window say of themselves."""

from __future__ import annotations

REDUCED = """
{summary}

Parameters
----------
input : array of shape (N, C, {{axes}}) or (C, {{axes}})
    See `max_pool{{dims}}d`.
{first}kernel_size, stride, padding, dilation, ceil_mode, data_format, nan_policy, out
num_threads, target, stream
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
    ``r`` in the formula; not 0. The larger, the nearer to the maximum; negative, to the minimum.
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
odd or no whole number; ``abs`` takes magnitudes. With ``ceil_mode`` windows that hang over the end
count as if they were full, unless ``abs``. An infinite p is the largest magnitude. A NaN gives NaN
in its windows. Equals ``torch.nn.functional.lp_pool{{dims}}d`` but for rounding.""",
    """abs : bool
    Whether to take magnitudes: ``sum(|x| ** p) ** (1 / p)``, ONNX's norm.
""",
    """norm_type : float
    The p, above 0.
""",
)
LP = LP.replace("{{dims}}", "{dims}")

TEXTS = {
    "median": MEDIAN, "quantile": QUANTILE, "var": VAR, "std": STD, "lse": LSE, "soft": SOFT,
    "mixed": MIXED, "power_avg": POWER_AVG, "gem": GEM, "lp": LP,
}  # fmt: skip
