"""Pooling in NumPy, as fast as it is idiomatic: separable folds over strided slices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .layers import Bins, Window

AXES = (2, 3)


def max_pool(x: np.ndarray, layer: Window) -> np.ndarray:
    padded = _padded(x, layer, lowest(x.dtype))
    for axis, taps in enumerate(outputs(x, layer)):
        padded = _fold(np.maximum, _taps(padded, layer, axis, taps))
    return padded


def max_pool_indices(x: np.ndarray, layer: Window) -> tuple[np.ndarray, np.ndarray]:
    """Across first, then down: the first maximum in row-major order wins."""
    rows, columns = outputs(x, layer)
    (top, left), width = layer.padding, x.shape[3]
    padded = _padded(x, layer, lowest(x.dtype))
    column = np.broadcast_to(np.arange(padded.shape[3]) - left, padded.shape)
    best, index = _fold_indices(_taps(padded, layer, 1, columns), _taps(column, layer, 1, columns))
    index += (np.arange(padded.shape[2])[:, None] - top) * width
    return _fold_indices(_taps(best, layer, 0, rows), _taps(index, layer, 0, rows))


def avg_pool(x: np.ndarray, layer: Window) -> np.ndarray:
    padded = _padded(x if x.dtype.kind == "f" else x.astype(np.float64), layer, 0)
    sizes = outputs(x, layer)
    for axis, taps in enumerate(sizes):
        padded = _fold(np.add, _taps(padded, layer, axis, taps))
    rows, columns = (counts(x, layer, axis, out) for axis, out in enumerate(sizes))
    padded /= np.asarray(np.outer(rows, columns), padded.dtype, like=padded)
    return padded


def adaptive_max(x: np.ndarray, layer: Bins) -> np.ndarray:
    for axis, out in zip(AXES, layer.output, strict=True):
        x = np.stack([part.max(axis) for part in _bins(x, axis, out)], axis)
    return x


def adaptive_avg(x: np.ndarray, layer: Bins) -> np.ndarray:
    for axis, out in zip(AXES, layer.output, strict=True):
        x = np.stack([part.mean(axis) for part in _bins(x, axis, out)], axis)
    return x


def outputs(x: np.ndarray, layer: Window) -> list[int]:
    sizes = []
    for axis in range(2):
        size, stride = x.shape[2 + axis] + layer.padding[axis], layer.stride[axis]
        reach = size + layer.padding[axis] - layer.dilation[axis] * (layer.kernel[axis] - 1) - 1
        out = (reach + (stride - 1 if layer.ceil_mode else 0)) // stride + 1
        sizes.append(out - (layer.ceil_mode and (out - 1) * stride >= size))
    return sizes


def lowest(dtype: np.dtype) -> float:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def paddings(x: np.ndarray, layer: Window) -> list[tuple[int, int]]:
    """Along each axis, before and after: so much that every window is whole."""
    widths = []
    for axis, out in enumerate(outputs(x, layer)):
        end = (out - 1) * layer.stride[axis] + layer.dilation[axis] * (layer.kernel[axis] - 1) + 1
        low = layer.padding[axis]
        widths.append((low, max(0, end - x.shape[2 + axis] - low)))
    return widths


def _padded(x: np.ndarray, layer: Window, value: float) -> np.ndarray:
    widths = paddings(x, layer)
    if not np.any(widths):
        return x
    return np.pad(x, [(0, 0), (0, 0), *widths], constant_values=value)


def _taps(x: np.ndarray, layer: Window, axis: int, out: int) -> Iterator[np.ndarray]:
    """For each place in the window along an axis, its value in every window."""
    stride = layer.stride[axis]
    for tap in range(layer.kernel[axis]):
        start = tap * layer.dilation[axis]
        where = slice(start, start + (out - 1) * stride + 1, stride)
        yield x[:, :, where] if axis == 0 else x[..., where]


def _fold(combine: np.ufunc, taps: Iterator[np.ndarray]) -> np.ndarray:
    folded = next(taps).copy()
    for tap in taps:
        combine(folded, tap, out=folded)
    return folded


def _fold_indices(
    taps: Iterator[np.ndarray], indices: Iterator[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    best, index = next(taps).copy(), next(indices).copy()
    for tap, there in zip(taps, indices, strict=True):
        better = tap > best
        if best.dtype.kind == "f":
            better |= np.isnan(tap)
        np.copyto(best, tap, where=better)
        np.copyto(index, there, where=better)
    return best, index


def counts(x: np.ndarray, layer: Window, axis: int, out: int) -> np.ndarray:
    """How many taps an average divides by, along one axis."""
    size, padding = x.shape[2 + axis], layer.padding[axis]
    low, high = (-padding, size + padding) if layer.count_include_pad else (0, size)
    starts = np.arange(out) * layer.stride[axis] - padding
    return np.minimum(starts + layer.kernel[axis], high) - np.maximum(starts, low)


def _bins(x: np.ndarray, axis: int, out: int) -> Iterator[np.ndarray]:
    size = x.shape[axis]
    for bin in range(out):
        where = slice(bin * size // out, -(-(bin + 1) * size // out))
        yield x[:, :, where] if axis == AXES[0] else x[..., where]
