"""Which inputs a pooling sees: its windows or bins along one axis, as plain numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import arguments, geometry
from .arguments import plain
from .drawn import Drawn, output_sizes


def _sample(random_sample: Any) -> np.ndarray:
    if isinstance(random_sample, bool) or not isinstance(
        random_sample, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"random_sample must be a number, got random_sample={random_sample!r}")
    if not 0 <= random_sample < 1:
        raise ValueError(f"random_sample must be from 0 up to 1, got random_sample={random_sample}")
    precise = isinstance(random_sample, np.floating)
    return np.array([random_sample], None if precise else np.float64)


def _axis(
    size: int, output_size: Any, kernel_size: Any, window: dict[str, Any], sample: Any
) -> geometry.Axis:
    """The axis that the arguments describe; ``window`` has what only sliding windows have."""
    usual = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}
    given = [f"{name}={value!r}" for name, value in window.items() if value != usual[name]]
    if output_size is None and kernel_size is None:
        raise ValueError("output_size or kernel_size must be given, got neither")
    if output_size is None:
        if sample is not None:
            raise ValueError(f"random_sample={sample!r} needs an output_size, got none")
        return geometry.sliding((size,), kernel_size, **window)[0]
    if given:
        raise ValueError(
            f"output_size={output_size!r} places the windows by itself, got {', '.join(given)} too"
        )
    if (kernel_size is None) != (sample is None):
        raise ValueError(
            "output_size goes alone, or with both kernel_size and random_sample, got "
            f"kernel_size={kernel_size!r} and random_sample={sample!r}"
        )
    if kernel_size is None:
        return geometry.adaptive((size,), output_size)[0]
    kernel = arguments.spread("kernel_size", kernel_size, 1, 1)
    (cells,) = output_sizes((size,), kernel, output_size)
    return Drawn.of(_sample(sample), size, kernel[0], cells)


def bins(
    size: int,
    *,
    output_size: Any = None,
    kernel_size: Any = None,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    random_sample: float | None = None,
) -> np.ndarray:
    """The inputs that each output of a pooling sees, along one axis.

    Parameters
    ----------
    size : int
        Inputs along the axis.
    output_size : int, optional
        How many bins an adaptive pooling cuts it into; or, with ``kernel_size`` and
        ``random_sample``, how many windows a fractional one draws.
    kernel_size, stride, padding, dilation, ceil_mode
        A sliding window, without ``output_size``; see `max_pool1d`.
    random_sample : float, optional
        From 0 up to 1: what places the windows of a fractional pooling, in its own precision.

    Returns
    -------
    int64 array of shape (cells, 2)
        The first input of every window and the end of them: taps are ``range(low, high,
        dilation)``. Only inputs: padding is none, and a window without a tap is ``(0, 0)``.

    Raises
    ------
    TypeError, ValueError
        For arguments that do not go together, and as the pooling they are of.

    Examples
    --------
    >>> import numbapool
    >>> numbapool.bins(7, output_size=3).tolist()
    [[0, 3], [2, 5], [4, 7]]
    >>> numbapool.bins(7, kernel_size=3, stride=2, padding=1).tolist()
    [[0, 2], [1, 4], [3, 6], [5, 7]]
    >>> numbapool.bins(7, kernel_size=2, output_size=3, random_sample=0.3).tolist()
    [[0, 2], [3, 5], [5, 7]]
    """
    (inputs,) = arguments.spread("size", plain("size", size), 1, 1)
    window = {
        "stride": plain("stride", stride),
        "padding": plain("padding", padding),
        "dilation": plain("dilation", dilation),
        "ceil_mode": arguments.flag("ceil_mode", ceil_mode),
    }
    axis = _axis(
        inputs, plain("output_size", output_size), plain("kernel_size", kernel_size), window,
        random_sample,
    )  # fmt: skip
    spans = axis.interval(np.arange(len(axis), dtype=np.int64))
    return np.stack([np.ravel(ends) for ends in spans], 1)
