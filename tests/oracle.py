"""The slow truth: pooling spelled out tap by tap in NumPy, sharing no code with the package.

Everything here follows the rules as written: windows, taps, divisors and tie-breaking in plain
loops over one plane at a time.
"""

from __future__ import annotations

import itertools
import math

import numpy as np


def each(value, dims):
    return (value,) * dims if isinstance(value, int) or value is None else tuple(value)


def pads_of(padding, sizes, kernel, stride, dilation):
    """[(before, after)] for each axis, from every spelling of padding."""
    if padding == "valid":
        return [(0, 0)] * len(sizes)
    if isinstance(padding, str):
        found = []
        for size, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
            cells = math.ceil(size / s)
            total = max(0, (cells - 1) * s + (k - 1) * d + 1 - size)
            small, large = total // 2, total - total // 2
            found.append((large, small) if padding == "same_lower" else (small, large))
        return found
    if isinstance(padding, tuple) and isinstance(padding[0], tuple):
        return list(padding)
    return [(p, p) for p in each(padding, len(sizes))]


def cells_of(size, k, s, before, after, d, ceil_mode):
    room = size + before + after - d * (k - 1) - 1
    cells = (math.ceil(room / s) if ceil_mode else math.floor(room / s)) + 1
    if ceil_mode and (cells - 1) * s >= size + before:
        cells -= 1
    return cells


def windows(shape, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, dims=2):
    """For each axis, for each cell: (taps inside the input, places an average counts)."""
    kernel, dilation = each(kernel_size, dims), each(dilation, dims)
    stride = kernel if stride is None else each(stride, dims)
    sizes = shape[-dims:]
    pads = pads_of(padding, sizes, kernel, stride, dilation)
    axes = []
    for size, k, s, (before, after), d in zip(sizes, kernel, stride, pads, dilation, strict=True):
        cells = []
        for o in range(cells_of(size, k, s, before, after, d, ceil_mode)):
            taps = [o * s - before + i * d for i in range(k)]
            counted = [t for t in taps if t < size + after]
            cells.append(([t for t in taps if 0 <= t < size], len(counted)))
        axes.append(cells)
    return axes


def bins(shape, output_size, dims=2):
    """The windows of adaptive pooling."""
    axes = []
    for size, wanted in zip(shape[-dims:], each(output_size, dims), strict=True):
        cells = size if wanted is None else wanted
        axes.append([])
        for j in range(cells):
            low, high = math.floor(j * size / cells), math.ceil((j + 1) * size / cells)
            axes[-1].append((list(range(low, high)), high - low))
    return axes


def drawn(shape, kernel_size, output_size, samples):
    """The windows of fractional pooling in one plane: a sample for each axis, as torch has it."""
    axes = []
    for size, u in zip(shape, samples, strict=True):
        alpha = (size - kernel_size) / max(output_size - 1, 1)
        starts = [int((j + u) * alpha) - int(u * alpha) for j in range(output_size - 1)]
        axes.append([(list(range(start, start + kernel_size)), kernel_size)
                     for start in (*starts, size - kernel_size)])  # fmt: skip
    return axes


def planes(x, dims):
    return x.reshape(-1 if x.size else 0, *x.shape[x.ndim - dims :])


def windows_of(axes):
    """The cells of the output, and the taps of each in row-major order."""
    for cell in itertools.product(*map(enumerate, axes)):
        where, taps = zip(*cell, strict=True)
        yield where, itertools.product(*[inside for inside, _ in taps])


def select(x, axes, sign):
    """Largest (sign 1) or smallest (sign -1) taps and their flat indices in the plane."""
    dims = len(axes)
    shape = (*x.shape[: x.ndim - dims], *map(len, axes))
    if x.dtype.kind == "f":
        worst = -sign * np.inf
    elif x.dtype.kind == "b":
        worst = sign < 0
    else:
        worst = np.iinfo(x.dtype).min if sign > 0 else np.iinfo(x.dtype).max
    values = np.full(shape, worst, x.dtype)
    indices = np.full(shape, -1, np.int64)
    flat_values, flat_indices = planes(values, dims), planes(indices, dims)
    for p, plane in enumerate(planes(x, dims)):
        for where, taps in windows_of(axes):
            best = None
            for tap in taps:
                v = plane[tap]
                beats = best is not None and (v > best if sign > 0 else v < best)
                if best is None or beats or v != v:
                    best = v
                    flat_indices[p][where] = np.ravel_multi_index(tap, plane.shape)
            if best is not None:
                flat_values[p][where] = best
    return values, indices


def total(x, axes):
    """Exact sums as Python numbers, with the taps they are of."""
    dims = len(axes)
    sums = np.zeros((*x.shape[: x.ndim - dims], *map(len, axes)), object)
    flat = planes(sums, dims)
    for p, plane in enumerate(planes(x, dims)):
        for where, taps in windows_of(axes):
            numbers = [plane[tap].item() for tap in taps]
            flat[p][where] = float_sum(numbers) if x.dtype.kind == "f" else sum(numbers)
    return sums


def float_sum(taps):
    """The sum as IEEE has it: exact where all are finite, else NaN or an infinity."""
    if any(math.isnan(t) for t in taps) or {math.inf, -math.inf} <= set(taps):
        return math.nan
    if any(math.isinf(t) for t in taps):
        return next(t for t in taps if math.isinf(t))
    return math.fsum(taps)


def over_cells(axes, count):
    """The product of what each axis counts, for every cell; at least one."""
    found = np.ones(tuple(map(len, axes)))
    for cell in itertools.product(*map(enumerate, axes)):
        where, taps = zip(*cell, strict=True)
        found[where] = max(math.prod(map(count, taps)), 1)
    return found


def divisors(axes, include_pad, override=None):
    counts = over_cells(axes, lambda cell: cell[1] if include_pad else len(cell[0]))
    return counts if override is None else np.full_like(counts, override)


def average(x, axes, include_pad=True, override=None):
    """Averages in float64, and the mean of |x| of each window, which bounds their error."""
    counts = divisors(axes, include_pad, override)
    exact = total(x, axes).astype(np.float64) / counts
    scale = total(np.abs(x.astype(np.float64)), axes).astype(np.float64) / np.abs(counts)
    return exact, scale, over_cells(axes, lambda cell: len(cell[0]))
