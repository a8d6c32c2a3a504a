"""Times of this package against NumPy and, where installed, torch."""

import importlib.util
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from numbapool.cli.common import Array

Call = Callable[[], Any]


def _numpy_pool(x: Array, kernel: int, stride: int, join: np.ufunc) -> Array:
    """Join one strided slice per place in the window: the fastest that NumPy alone can do."""
    height, width = x.shape[2:]
    slices = [
        x[:, :, i : height - kernel + i + 1 : stride, j : width - kernel + j + 1 : stride]
        for i in range(kernel)
        for j in range(kernel)
    ]
    pooled: Array = slices[0].copy()
    for part in slices[1:]:
        join(pooled, part, out=pooled)
    return pooled / kernel**2 if join is np.add else pooled


def _cases(x: Array) -> list[tuple[str, dict[str, Call]]]:
    """Give the operations, each as one call per library."""
    import numbapool

    cases: list[tuple[str, dict[str, Call]]] = []
    for name, kernel, stride in (("max", 2, 2), ("max", 3, 2), ("max", 3, 1), ("avg", 2, 2)):
        join = np.maximum if name == "max" else np.add
        calls: dict[str, Call] = {
            "numbapool": partial(getattr(numbapool, f"{name}_pool2d"), x, kernel, stride),
            "numpy": partial(_numpy_pool, x, kernel, stride, join),
        }
        if importlib.util.find_spec("torch"):
            import torch

            theirs = getattr(torch.nn.functional, f"{name}_pool2d")
            calls["torch"] = partial(theirs, torch.from_numpy(x), kernel, stride)
        cases.append((f"{name} {kernel}x{kernel}, stride {stride}", calls))
    return cases


def _seconds(call: Call, budget: float = 0.4, most: int = 25) -> float:
    """Return the median time of a warmed-up call."""
    taken: list[float] = []
    while len(taken) < 3 or (sum(taken) < budget and len(taken) < most):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return median(taken)


def table(x: Array) -> str:
    """
    Time pooling of a batch, after checking that the libraries agree.

    Parameters
    ----------
    x : ndarray
        A float32 batch of shape (N, C, H, W).

    Returns
    -------
    str
        Median milliseconds, and how many times longer than numbapool the others take.
    """
    lines = []
    for name, calls in _cases(x):
        results = {library: call() for library, call in calls.items()}  # the warm-up
        for result in results.values():
            if name.startswith("max"):
                np.testing.assert_array_equal(results["numbapool"], result)
            else:  # a mean depends on the order of its sum, in the last bit
                np.testing.assert_allclose(results["numbapool"], result, rtol=1e-5)
        seconds = {library: _seconds(call) for library, call in calls.items()}
        ours = seconds.pop("numbapool")
        cells = [f"{1e3 * time:9.2f} ({time / ours:5.2f}x)" for time in seconds.values()]
        lines.append(f"{name:<18}{1e3 * ours:9.2f}" + "".join(cells))
    head = f"{'milliseconds':<18}{'numbapool':>9}" + "".join(f"{name:>18}" for name in seconds)
    return "\n".join([head, *lines])
