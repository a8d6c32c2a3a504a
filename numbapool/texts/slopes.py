"""What the gradients of poolings that see all taps of a window say of themselves."""

from __future__ import annotations

SLOPED = """
The gradient of the input of `{kind}_pool{{dims}}d`.

Parameters
----------
grad_output : float array of shape (N, C, {{o}}) or (C, {{o}})
    The gradient of the result.
input : float array of shape (N, C, {{axes}}) or (C, {{axes}})
    What was pooled; one copy unless C-contiguous.
kernel_size, stride, padding, dilation, ceil_mode, {options}num_threads, target, stream
    What it was pooled with; see `{kind}_pool{{dims}}d`.

Returns
-------
array of the shape of ``input``
    Of ``grad_output``'s kind and dtype; added up in float64, and the same bits on any number of
    threads.

Raises
------
TypeError, ValueError
    For dtypes other than float32 and float64, a ``grad_output`` that is not of ``input``'s windows
    and dtype, and as `{kind}_pool{{dims}}d`.

Notes
-----
{notes}
A window with NaN gives NaN to all of its taps; one without taps gives nothing.

Examples
--------
>>> import numpy as np, numbapool
>>> x = np.array([1.0, 3.0, 2.0, 2.0]).reshape(1, *[1] * {{dims}}, 4)
>>> y = numbapool.{kind}_pool{{dims}}d(x, {{pair}}{said})
>>> grad = numbapool.{kind}_pool{{dims}}d_backward(np.ones(y.shape), x, {{pair}}{said})
>>> grad.ravel().round(3).tolist()
{result}
"""


def _sloped(
    kind: str, notes: str, result: list[float], options: str = "", said: str = ""
) -> str:
    return SLOPED.format(kind=kind, notes=notes, result=result, options=options, said=said)


ORDER = """The gradient goes to the two taps that {what} falls between, by their shares in
it; among equals to the first in row-major order."""

BACKWARD = {
    "median": _sloped("median", ORDER.format(what="the median"), [0.5, 0.5, 1.0, 0.0]),
    "quantile": _sloped(
        "quantile", ORDER.format(what="the quantile"), [0.25, 0.75, 1.0, 0.0], "q, ", ", q=0.75"
    ),
    "var": _sloped(
        "var",
        """Each tap gets ``2 * (x - mean) / (count - correction)`` of the gradient. An infinity is
as NaN here, and so is a window without more than ``correction`` taps.""",
        [-1.0, 1.0, 0.0, 0.0],
        "correction, ",
    ),
    "std": _sloped(
        "std",
        """Each tap gets ``(x - mean) / ((count - correction) * std)`` of the gradient; nothing
where ``std`` is 0, which has no derivative. An infinity is as NaN here, and so is a window without
more than ``correction`` taps.""",
        [-0.5, 0.5, 0.0, 0.0],
        "correction, ",
    ),
    "lse": _sloped(
        "lse",
        """Each tap gets ``exp(r * x) / sum(exp(r * x))`` of the gradient, reckoned from the
largest on, so that nothing overflows. A result that is infinite is as NaN here.""",
        [0.119, 0.881, 0.5, 0.5],
        "sharpness, mean, ",
    ),
    "soft": _sloped(
        "soft",
        """Each tap gets ``exp(x) / sum(exp(x)) * (1 + x - y)`` of the gradient, where ``y`` is the
result. One that is infinite is as NaN here.""",
        [-0.091, 1.091, 0.5, 0.5],
    ),
    "mixed": _sloped(
        "mixed",
        """The largest tap gets ``alpha`` of the gradient, the first in row-major order among
equals, and all taps alike share the rest.""",
        [0.25, 0.75, 0.75, 0.25],
        "alpha, ",
    ),
    "power_avg": _sloped(
        "power_avg",
        """Each tap gets ``y * sign(x) * |x| ** (p - 1) / sum(|x| ** p)`` of the gradient, where
``y`` is the result. A tap of 0 gets nothing, and nothing goes back from a result of 0, which has
no derivative.""",
        [0.224, 0.671, 0.5, 0.5],
        "p, ",
    ),
    "gem": _sloped(
        "gem",
        """Each tap gets ``y * x ** (p - 1) / sum(max(x, eps) ** p)`` of the gradient, where ``y``
is the result. A tap that is 0 or below ``eps`` gets nothing.""",
        [0.086, 0.775, 0.5, 0.5],
        "p, eps, ",
    ),
}
