"""What the poolings that are made of others say of themselves."""

from __future__ import annotations

MINMAX = """
The smallest and the largest value of every window, in one pass over memory.

Parameters
----------
input : array of shape (N, C, {axes}) or (C, {axes})
kernel_size, stride, padding, dilation, ceil_mode, data_format, nan_policy
num_threads, target, stream
    See `max_pool{dims}d`, as are errors and the rules for equal values and NaN.

Returns
-------
pair of arrays of shape (N, C, {o}) or (C, {o})
    What `min_pool{dims}d` and `max_pool{dims}d` give.

Examples
--------
>>> import numpy as np, numbapool
>>> low, high = numbapool.minmax_pool{dims}d({array}, 2)
>>> low.min().item(), high.max().item() == {array}.max()
(0, np.True_)
"""

STOCHASTIC = """
A tap of every window, drawn with a probability that is proportional to it [1]_.

Parameters
----------
input : array of shape (N, C, {axes}) or (C, {axes})
    Meant to be activations, at least 0; what is below counts as 0. Dtypes as `max_pool{dims}d`.
kernel_size, stride, padding, dilation, ceil_mode, data_format, nan_policy
num_threads, target, stream
    See `max_pool{dims}d`.
return_indices : bool
    Whether to return where the taps are too, flat in the plane.
rng : numpy.random.Generator
    What draws them, one number for every input: windows that share taps are not independent.
train : bool
    Whether to draw; else the expectation, ``sum(x * x) / sum(x)``, which needs no ``rng``.

Returns
-------
array of shape (N, C, {o}) or (C, {o}), or a pair (values, indices)
    Of the input's kind and dtype; the first tap of a window of zeros, 0 for its expectation. An
    expectation of integers or bool is float64.

Raises
------
TypeError, ValueError
    As `max_pool{dims}d`; also for no ``rng``, and for the indices of an expectation.

Notes
-----
Any NaN in a window is drawn, the last one; left out, it has weight 0, and a window of nothing else
gives NaN with index -1. Halves are weighed in float32.

References
----------
.. [1] Zeiler and Fergus, Stochastic pooling, 2013

Examples
--------
>>> import numpy as np, numbapool
>>> x = np.eye(4)[None] if {dims} == 2 else np.ones((1, *[4] * {dims}))
>>> numbapool.stochastic_pool{dims}d(x, 2, rng=np.random.default_rng(0)).max().item()
1.0
"""

BLUR = """
Every few inputs of a blurred array: no aliases of what is finer than that [1]_.

Parameters
----------
input : array of shape (N, C, {axes}) or (C, {axes})
    Dtypes as `avg_pool{dims}d`.
filter_size : int
    Taps of the binomial filter, along each axis: 3 is ``[1, 2, 1] / 4``, and 5 is
    ``[1, 4, 6, 4, 1] / 16``.
stride : {ints}
    Inputs from one output to the next.
padding_mode : "reflect", "replicate" or "zero"
    What lies outside, ``(filter_size - 1) // 2`` before and ``filter_size // 2`` after.
data_format, nan_policy, num_threads, target, stream
    See `max_pool{dims}d`, as are errors. Where NaN is left out, the weights of the other taps are
    scaled to add up to 1.

Returns
-------
array of shape (N, C, {o}) or (C, {o})
    Of the input's kind. Floats keep their dtype, halves reckoned in float32 and rounded once;
    integers and bool give float64.

References
----------
.. [1] Zhang, Making convolutional networks shift-invariant again, 2019

Examples
--------
>>> import numpy as np, numbapool
>>> numbapool.blur_pool{dims}d(np.ones((1, 1, *[8] * {dims}))).mean().item()
1.0
"""

MAX_BLUR = """
The largest value of every window of stride 1, blurred, every few of them [1]_.

Parameters
----------
input : array of shape (N, C, {axes}) or (C, {axes})
    Dtypes as `max_pool{dims}d`.
kernel_size : {ints}
    The window's.
filter_size, stride, padding_mode, data_format, nan_policy, num_threads, target, stream
    See `blur_pool{dims}d`; NaN is left out of maxima, too.

Returns
-------
array of shape (N, C, {o}) or (C, {o})
    As `blur_pool{dims}d`.

References
----------
.. [1] Zhang, Making convolutional networks shift-invariant again, 2019

Examples
--------
>>> import numpy as np, numbapool
>>> numbapool.max_blur_pool{dims}d(np.ones((1, 1, *[8] * {dims})), 2).mean().item()
1.0
"""

TEXTS = {"minmax": MINMAX, "stochastic": STOCHASTIC, "blur": BLUR, "max_blur": MAX_BLUR}
