"""Further poolings in NumPy, as one would write them: over a view that has a window's taps last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .layers import Window

TAPS = (4, 5)


def view(x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    """The taps of every window, (N, C, rows, cells, *kernel)."""
    every = np.lib.stride_tricks.sliding_window_view(x, kernel, (2, 3))
    return every[:, :, :: stride[0], :: stride[1]]


def _expectation(v: np.ndarray) -> np.ndarray:
    return (v * v).sum(TAPS) / v.sum(TAPS)


#: What is taken of the taps, with the options that ours are timed with.
FORMULAS: dict[str, Callable[[np.ndarray], Any]] = {
    "median": lambda v: np.median(v, TAPS),
    "quantile": lambda v: np.quantile(v, v.dtype.type(0.9), TAPS),
    "var": lambda v: v.var(TAPS),
    "std": lambda v: v.std(TAPS),
    "lse": lambda v: np.log(np.exp(v).sum(TAPS)),
    "soft": lambda v: (np.exp(v) * v).sum(TAPS) / np.exp(v).sum(TAPS),
    "mixed": lambda v: (v.max(TAPS) + v.mean(TAPS)) / 2,
    "power avg": lambda v: np.sqrt((v * v).mean(TAPS)),
    "gem": lambda v: np.cbrt((np.maximum(v, v.dtype.type(1e-6)) ** 3).mean(TAPS)),
    "lp": lambda v: np.sqrt((v * v).sum(TAPS)),
    "minmax": lambda v: (v.min(TAPS), v.max(TAPS)),
    "stochastic expectation": _expectation,
}


def stochastic(x: np.ndarray, layer: Window, rng: np.random.Generator) -> np.ndarray:
    taps = view(x, layer.kernel, layer.stride)
    rates = view(x / rng.standard_exponential(x.shape, x.dtype), layer.kernel, layer.stride)
    flat = rates.reshape(*rates.shape[:4], -1)
    chosen = flat.argmax(-1)[..., None]
    return np.take_along_axis(taps.reshape(flat.shape), chosen, -1)[..., 0]


def blur(x: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], "reflect")
    down = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    across = down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]
    return across[:, :, :: stride[0], :: stride[1]] / 16


def fractional(
    x: np.ndarray, kernel: int, outputs: tuple[int, int], samples: np.ndarray
) -> np.ndarray:
    """The taps of drawn windows, (N, C, rows, cells, kernel, kernel)."""
    places = []
    down, across = samples[..., 1], samples[..., 0]
    for size, cells, u in zip(x.shape[2:], outputs, (down, across), strict=True):
        alpha = x.dtype.type(size - kernel) / x.dtype.type(cells - 1)
        start = ((np.arange(cells, dtype=x.dtype) + u[..., None]) * alpha).astype(int)
        start -= (u[..., None] * alpha).astype(int)
        start[..., -1] = size - kernel
        places.append(start[..., None] + np.arange(kernel))
    rows, cells = places
    n, c = np.ogrid[: len(x), : x.shape[1]]
    outer = (..., *[None] * 4)
    return x[n[outer], c[outer], rows[:, :, :, None, :, None], cells[:, :, None, :, None, :]]


def _spans(size: int, cells: int) -> list[slice]:
    return [slice(j * size // cells, -(-(j + 1) * size // cells)) for j in range(cells)]


def bins(x: np.ndarray, cells: int, reduce: Callable[..., Any]) -> np.ndarray:
    rows = [[reduce(x[..., row, col], (-2, -1)) for col in _spans(x.shape[-1], cells)]
            for row in _spans(x.shape[-2], cells)]  # fmt: skip
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def bins_back(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    found = np.zeros(shape, grad.dtype)
    for i, row in enumerate(_spans(shape[2], grad.shape[2])):
        for j, col in enumerate(_spans(shape[3], grad.shape[3])):
            part = found[:, :, row, col]
            part += grad[:, :, i, j, None, None] / grad.dtype.type(part[0, 0].size)
    return found


def sppf(x: np.ndarray) -> np.ndarray:
    found = [x]
    for _ in range(3):
        pads = [(0, 0), (0, 0), (2, 2), (2, 2)]
        padded = np.pad(found[-1], pads, constant_values=-np.inf)
        found.append(view(padded, (5, 5), (1, 1)).max(TAPS))
    return np.concatenate(found, 1)


def roi_pool(x: np.ndarray, boxes: np.ndarray, cells: int) -> np.ndarray:
    """Bins of whole inputs; a box's last row and column are inside it."""
    parts = []
    for n, x1, y1, x2, y2 in boxes.astype(int):
        parts.append(bins(x[n, :, y1 : y2 + 1, x1 : x2 + 1], cells, np.max))
    return np.stack(parts)


def roi_align(x: np.ndarray, boxes: np.ndarray, cells: int) -> np.ndarray:
    """Four points a bin, boxes whose corners are half an input up and left."""
    parts = []
    for n, x1, y1, x2, y2 in boxes:
        picture = x[int(n)]
        for axis, low, high in ((1, y1, y2), (2, x1, x2)):
            many, size = 2 * cells, picture.shape[axis]
            place = low - 0.5 + (np.arange(many) + 0.5) * (high - low) / many
            place = np.clip(place, 0, size - 1)
            before = np.floor(place).astype(int)
            share = (place - before).reshape([-1 if a == axis else 1 for a in range(3)])
            after = np.minimum(before + 1, size - 1)
            near, far = picture.take(before, axis), picture.take(after, axis)
            picture = near * (1 - share) + far * share
        parts.append(picture.reshape(-1, cells, 2, cells, 2).mean((2, 4)))
    return np.stack(parts).astype(x.dtype)


def scattered(
    values: np.ndarray, indices: np.ndarray, shape: tuple[int, ...], add: bool = False
) -> np.ndarray:
    """Values at their places in planes; the last of a place, or the sum of them."""
    found = np.zeros((*shape[:2], shape[2] * shape[3]), values.dtype)
    n, c = np.ogrid[: shape[0], : shape[1]]
    at = n[..., None], c[..., None], indices.reshape(*shape[:2], -1)
    flat = values.reshape(*shape[:2], -1)
    if add:
        np.add.at(found, at, flat)
    else:
        found[at] = flat
    return found.reshape(shape)


def avg_back(grad: np.ndarray, shape: tuple[int, ...], layer: Window) -> np.ndarray:
    return _spread(grad / grad.dtype.type(layer.taps), shape, layer)


def lp_back(grad: np.ndarray, x: np.ndarray, layer: Window) -> np.ndarray:
    norms = FORMULAS["lp"](view(x, layer.kernel, layer.stride))
    return x * _spread(grad / norms, x.shape, layer)


def _spread(grad: np.ndarray, shape: tuple[int, ...], layer: Window) -> np.ndarray:
    """For every input, the sum over the windows that it is a tap of."""
    found = np.zeros(shape, grad.dtype)
    rows, cells = (n * s for n, s in zip(grad.shape[2:], layer.stride, strict=True))
    for i in range(layer.kernel[0]):
        for j in range(layer.kernel[1]):
            found[:, :, i : i + rows : layer.stride[0], j : j + cells : layer.stride[1]] += grad
    return found
