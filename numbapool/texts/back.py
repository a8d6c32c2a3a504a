"""What the ways back say of themselves: unpooling and gradients."""

from __future__ import annotations

UNPOOL = """
Values back at the places that an index map names, zeros elsewhere.

Parameters
----------
input : array of shape (N, C, {o}) or (C, {o})
    What `max_pool{dims}d` gave, or anything of that shape; dtypes as there.
indices : integer array of the same shape
    Flat in the plane of the result. -1 puts a value nowhere. Channels come first, here too: what
    ``data_format="channels_last"`` gave is to be turned by ``numpy.moveaxis`` before.
kernel_size, stride, padding : {ints}
    The window that pooled.
output_size : {ints}, or a whole shape, optional
    What was pooled, where windows left a rest: nearer than a stride to ``(in - 1) * stride -
    2 * padding + kernel_size``, which it is by default.
reduce : "last", "sum" or "max"
    What becomes of values that go to one place: the last in row-major order stays, or their sum,
    or the largest, where any NaN is.
out, num_threads, target, stream
    See `max_pool{dims}d`.

Returns
-------
array of shape (N, C, {axes}) or (C, {axes})
    Of the input's kind and dtype; the same on any number of threads.

Raises
------
TypeError, ValueError
    As `max_pool{dims}d`; and for an index outside the result, before anything is written. On a
    GPU, which would have to be waited for to look, such an index is as -1.

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

BACKWARD = {
    "max": """
The gradient of the input of a pooling that selects, by its index map.

Parameters
----------
grad_output : float array of shape (N, C, {o}) or (C, {o})
    The gradient of the result.
indices : integer array of the same shape
    What `max_pool{dims}d`, `min_pool{dims}d` or an adaptive one returned, flat in the plane.
    Channels come first here: turn what ``data_format="channels_last"`` gave by ``numpy.moveaxis``.
input_shape : tuple of ints
    The shape of what was pooled.
out, num_threads, target, stream
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
    the plane (on a GPU, which would have to be waited for to look, those are as -1).

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
kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, dilation,
num_threads, target, stream
    What it was pooled with; see `avg_pool{dims}d`.

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
    "sum": """
The gradient of the input of `sum_pool{dims}d`.

Parameters
----------
grad_output : float array of shape (N, C, {o}) or (C, {o})
    The gradient of the result.
input_shape : tuple of ints
    The shape of what was pooled.
kernel_size, stride, padding, dilation, ceil_mode, num_threads, target, stream
    What it was pooled with; see `max_pool{dims}d`.

Returns
-------
array of shape ``input_shape``
    Of ``grad_output``'s kind and dtype; the same bits on any number of threads.

Raises
------
TypeError, ValueError
    For dtypes other than float32 and float64, and as `sum_pool{dims}d`.

Examples
--------
>>> import numpy as np, numbapool
>>> y = numbapool.sum_pool{dims}d({array}, {argument})
>>> numbapool.sum_pool{dims}d_backward(np.ones(y.shape), {array}.shape, {argument}).max().item()
1.0
""",
    "adaptive_avg": """
The gradient of the input of `adaptive_avg_pool{dims}d`.

Parameters
----------
grad_output : float array of shape (N, C, {o}) or (C, {o})
    The gradient of the result.
input_shape : tuple of ints
    The shape of what was pooled.
num_threads, target, stream
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
norm_type, kernel_size, stride, ceil_mode, abs, padding, dilation, num_threads, target, stream
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
