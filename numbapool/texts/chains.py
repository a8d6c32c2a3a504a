"""What the gradients of poolings that are made of others say of themselves."""

from __future__ import annotations

BACKWARD = {
    "minmax": """
The gradient of the input of `minmax_pool{dims}d`.

Parameters
----------
grad_min, grad_max : float arrays of shape (N, C, {o}) or (C, {o})
    The gradients of both results.
input : float array of shape (N, C, {axes}) or (C, {axes})
    What was pooled.
kernel_size, stride, padding, dilation, ceil_mode, num_threads, target, stream
    What it was pooled with; see `max_pool{dims}d`, as is which of equal taps has been selected.

Returns
-------
array of the shape of ``input``
    Of ``grad_min``'s kind and dtype; the same bits on any number of threads.

Raises
------
TypeError, ValueError
    For dtypes other than float32 and float64, gradients that are not of ``input``'s windows and
    dtype, and as `minmax_pool{dims}d`.

Examples
--------
>>> import numpy as np, numbapool
>>> x = np.array([1.0, 3.0, 2.0, 2.0]).reshape(1, *[1] * {dims}, 4)
>>> low, high = numbapool.minmax_pool{dims}d(x, {pair})
>>> grad = numbapool.minmax_pool{dims}d_backward(low, high, x, {pair})
>>> grad.ravel().tolist()
[1.0, 3.0, 4.0, 0.0]
""",
    "blur": """
The gradient of the input of `blur_pool{dims}d`.

Parameters
----------
grad_output : float array of shape (N, C, {o}) or (C, {o})
    The gradient of the result.
input_shape : tuple of ints
    The shape of what was pooled.
filter_size, stride, padding_mode, num_threads, target, stream
    What it was pooled with; see `blur_pool{dims}d`. What went to the padding goes to the inputs
    that it repeats.

Returns
-------
array of shape ``input_shape``
    Of ``grad_output``'s kind and dtype; the same bits on any number of threads.

Raises
------
TypeError, ValueError
    For dtypes other than float32 and float64, shapes that do not go together, and as
    `blur_pool{dims}d`.

Examples
--------
>>> import numpy as np, numbapool
>>> y = numbapool.blur_pool{dims}d(np.ones((1, 1, *[8] * {dims})))
>>> grad = numbapool.blur_pool{dims}d_backward(np.ones(y.shape), (1, 1, *[8] * {dims}))
>>> (grad.sum() / y.size).item()
1.0
""",
    "max_blur": """
The gradient of the input of `max_blur_pool{dims}d`.

Parameters
----------
grad_output : float array of shape (N, C, {o}) or (C, {o})
    The gradient of the result.
input : float array of shape (N, C, {axes}) or (C, {axes})
    What was pooled.
kernel_size, filter_size, stride, padding_mode, num_threads, target, stream
    What it was pooled with; see `max_blur_pool{dims}d`.

Returns
-------
array of the shape of ``input``
    Of ``grad_output``'s kind and dtype; the same bits on any number of threads.

Raises
------
TypeError, ValueError
    For dtypes other than float32 and float64, shapes that do not go together, and as
    `max_blur_pool{dims}d`.

Examples
--------
>>> import numpy as np, numbapool
>>> x = np.ones((1, 1, *[8] * {dims}))
>>> y = numbapool.max_blur_pool{dims}d(x, 2)
>>> (numbapool.max_blur_pool{dims}d_backward(np.ones(y.shape), x, 2).sum() / y.size).item()
1.0
""",
    "fractional_avg": """
The gradient of the input of `fractional_avg_pool{dims}d`.

Parameters
----------
grad_output : float array of shape (N, C, {o}) or (C, {o})
    The gradient of the result.
input_shape : tuple of ints
    The shape of what was pooled.
kernel_size, output_size, output_ratio, random_samples, num_threads, target, stream
    What it was pooled with; see `fractional_avg_pool{dims}d`. The samples are needed: those that
    an ``rng`` drew are nowhere kept.

Returns
-------
array of shape ``input_shape``
    Of ``grad_output``'s kind and dtype; the same bits on any number of threads.

Raises
------
TypeError, ValueError
    For dtypes other than float32 and float64, shapes that do not go together, and as
    `fractional_avg_pool{dims}d`.

Examples
--------
>>> import numpy as np, numbapool
>>> x, samples = np.ones((1, 1, *[5] * {dims})), np.full((1, 1, {dims}), 0.5)
>>> y = numbapool.fractional_avg_pool{dims}d(x, 2, 3, random_samples=samples)
>>> numbapool.fractional_avg_pool{dims}d_backward(
...     np.ones(y.shape), x.shape, 2, 3, random_samples=samples
... ).sum().round(3).item()
{ones}
""",
}
