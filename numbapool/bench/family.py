"""Further poolings for `peers`: ours, torch's where it has them, and in NumPy.

A window here has no padding and no dilation. What is drawn is drawn from the same seeds by all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import numbapool

from . import numpy_family
from .numpy_pool import max_pool_indices

Binder = Callable[[np.ndarray, Any], Callable[[], Any]]

#: Poolings whose call is array, window and options.
WINDOWED: dict[str, dict[str, Any]] = {
    "median": {}, "quantile": {"q": 0.9}, "var": {}, "std": {}, "lse": {}, "soft": {}, "mixed": {},
    "power_avg": {}, "gem": {}, "minmax": {},
}  # fmt: skip
CELLS = 4  # across and down, of bins and of boxes
BOXES = 16


def seeded() -> np.random.Generator:
    return np.random.default_rng(0)


def samples(x: np.ndarray) -> np.ndarray:
    """What places fractional windows."""
    return seeded().random((*x.shape[:2], 2), x.dtype)


def boxes(x: np.ndarray) -> np.ndarray:
    """Boxes of whole inputs, at least two across and down, as (picture, x1, y1, x2, y2)."""
    rng, (height, width) = seeded(), x.shape[2:]
    low = rng.integers(0, (width // 2, height // 2), (BOXES, 2))
    high = low + rng.integers(2, (width // 2, height // 2), (BOXES, 2), endpoint=True)
    return np.hstack([rng.integers(0, len(x), (BOXES, 1)), low, high]).astype(np.float64)


def _drawn(x: np.ndarray) -> tuple[int, tuple[int, int]]:
    """Taps of fractional windows, and how many there are down and across."""
    return 2, (x.shape[2] // 2, x.shape[3] // 2)


def _bins_grad(x: np.ndarray) -> np.ndarray:
    return np.ones((*x.shape[:2], CELLS, CELLS), x.dtype)


def _windowed(name: str, options: dict[str, Any]) -> Binder:
    pool = getattr(numbapool, f"{name}_pool2d")
    return lambda x, w: partial(pool, x, w.kernel, w.stride, **options)


def _over_windows(formula: Callable[[np.ndarray], Any]) -> Binder:
    return lambda x, w: lambda: formula(numpy_family.view(x, w.kernel, w.stride))


OURS: dict[str, Binder] = {
    **{name.replace("_", " "): _windowed(name, options) for name, options in WINDOWED.items()},
    "lp": lambda x, w: partial(numbapool.lp_pool2d, x, 2, w.kernel, w.stride),
    "stochastic": lambda x, w: lambda: numbapool.stochastic_pool2d(
        x, w.kernel, w.stride, rng=seeded()
    ),
    "stochastic expectation": lambda x, w: partial(
        numbapool.stochastic_pool2d, x, w.kernel, w.stride, train=False
    ),
    "blur": lambda x, w: partial(numbapool.blur_pool2d, x, 3, w.stride),
    "max blur": lambda x, w: partial(numbapool.max_blur_pool2d, x, w.kernel, 3, w.stride),
    "fractional max": lambda x, w: partial(
        numbapool.fractional_max_pool2d, x, *_drawn(x), random_samples=samples(x)
    ),
    "fractional avg": lambda x, w: partial(
        numbapool.fractional_avg_pool2d, x, *_drawn(x), random_samples=samples(x)
    ),
    "adaptive min": lambda x, w: partial(numbapool.adaptive_min_pool2d, x, CELLS),
    "global min": lambda x, w: partial(numbapool.global_min_pool, x),
    "strip": lambda x, w: partial(numbapool.strip_pool, x),
    "sppf": lambda x, w: partial(numbapool.sppf_pool, x),
    "roi pool": lambda x, w: partial(numbapool.roi_pool, x, boxes(x), CELLS),
    "roi align": lambda x, w: partial(
        numbapool.roi_align, x, boxes(x), CELLS, 1.0, 2, aligned=True
    ),
    "unpool": lambda x, w: partial(
        numbapool.max_unpool2d, *max_pool_indices(x, w), w.kernel, w.stride, 0, x.shape[2:]
    ),
    "max backward": lambda x, w: partial(
        numbapool.max_pool2d_backward, *max_pool_indices(x, w), x.shape
    ),
    "avg backward": lambda x, w: partial(
        numbapool.avg_pool2d_backward, max_pool_indices(x, w)[0], x.shape, w.kernel, w.stride
    ),
    "lp backward": lambda x, w: partial(
        numbapool.lp_pool2d_backward, max_pool_indices(x, w)[0], x, 2, w.kernel, w.stride
    ),
    "adaptive avg backward": lambda x, w: partial(
        numbapool.adaptive_avg_pool2d_backward, _bins_grad(x), x.shape
    ),
}  # fmt: skip

#: The same by NumPy.
NUMPY: dict[str, Binder] = {
    **{name: _over_windows(formula) for name, formula in numpy_family.FORMULAS.items()},
    "stochastic": lambda x, w: lambda: numpy_family.stochastic(x, w, seeded()),
    "blur": lambda x, w: partial(numpy_family.blur, x, w.stride),
    "max blur": lambda x, w: lambda: numpy_family.blur(
        numpy_family.view(x, w.kernel, (1, 1)).max((4, 5)), w.stride
    ),
    "fractional max": lambda x, w: lambda: numpy_family.fractional(
        x, *_drawn(x), samples(x)).max((4, 5)),
    "fractional avg": lambda x, w: lambda: numpy_family.fractional(
        x, *_drawn(x), samples(x)).mean((4, 5)),
    "adaptive min": lambda x, w: lambda: numpy_family.bins(x, CELLS, np.min),
    "global min": lambda x, w: partial(x.min, (2, 3), keepdims=True),
    "strip": lambda x, w: lambda: (x.mean(3, keepdims=True), x.mean(2, keepdims=True)),
    "sppf": lambda x, w: partial(numpy_family.sppf, x),
    "roi pool": lambda x, w: partial(numpy_family.roi_pool, x, boxes(x), CELLS),
    "roi align": lambda x, w: partial(numpy_family.roi_align, x, boxes(x), CELLS),
    "unpool": lambda x, w: partial(numpy_family.scattered, *max_pool_indices(x, w), x.shape),
    "max backward": lambda x, w: partial(
        numpy_family.scattered, *max_pool_indices(x, w), x.shape, add=True
    ),
    "avg backward": lambda x, w: partial(
        numpy_family.avg_back, max_pool_indices(x, w)[0], x.shape, w
    ),
    "lp backward": lambda x, w: partial(
        numpy_family.lp_back, max_pool_indices(x, w)[0], x, w
    ),
    "adaptive avg backward": lambda x, w: lambda: numpy_family.bins_back(_bins_grad(x), x.shape),
}  # fmt: skip


def of_torch(torch: Any, t: Callable[[np.ndarray], Any]) -> dict[str, Binder]:
    """The same by torch, as far as it has them; its gradients are what autograd would call.

    ``t`` makes a tensor of an array.
    """
    f, aten = torch.nn.functional, torch.ops.aten

    def filtered(x: Any, stride: Any) -> Any:
        row = torch.tensor([1.0, 2.0, 1.0], dtype=x.dtype, device=x.device) / 4
        kernel = torch.outer(row, row).expand(x.shape[1], 1, 3, 3)
        return f.conv2d(f.pad(x, (1,) * 4, "reflect"), kernel, stride=stride, groups=x.shape[1])

    def minmax(x: Any, *window: Any) -> Any:
        return -f.max_pool2d(-x, *window), f.max_pool2d(x, *window)

    def fractional(x: np.ndarray, w: Any) -> Any:
        return partial(f.fractional_max_pool2d, t(x), *_drawn(x), _random_samples=t(samples(x)))

    def unpool(x: np.ndarray, w: Any) -> Any:
        window = (w.kernel, w.stride, 0, x.shape[2:])
        return partial(f.max_unpool2d, *map(t, max_pool_indices(x, w)), *window)

    def max_backward(x: np.ndarray, w: Any) -> Any:
        grad, indices = map(t, max_pool_indices(x, w))
        window = (w.kernel, w.stride, w.padding, w.dilation, False)
        return partial(aten.max_pool2d_with_indices_backward, grad, t(x), *window, indices)

    def avg_backward(x: np.ndarray, w: Any) -> Any:
        window = (w.kernel, w.stride, w.padding, False, True, None)
        return partial(aten.avg_pool2d_backward, t(max_pool_indices(x, w)[0]), t(x), *window)

    return {
        "lp": lambda x, w: partial(f.lp_pool2d, t(x), 2, w.kernel, w.stride),
        "minmax": lambda x, w: partial(minmax, t(x), w.kernel, w.stride),
        "blur": lambda x, w: partial(filtered, t(x), w.stride),
        "max blur": lambda x, w: lambda: filtered(f.max_pool2d(t(x), w.kernel, 1), w.stride),
        "fractional max": fractional,
        "unpool": unpool,
        "max backward": max_backward,
        "avg backward": avg_backward,
        "adaptive avg backward": lambda x, w: partial(
            aten._adaptive_avg_pool2d_backward, t(_bins_grad(x)), t(x)
        ),
    }  # fmt: skip
