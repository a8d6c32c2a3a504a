"""Fractional poolings: windows whose places are drawn, for every plane by itself."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from . import arguments, geometry
from .arguments import plain
from .arrays import adapt
from .docs import documented
from .lazy import undisturbed


def _output_sizes(
    sizes: tuple[int, ...], kernel: tuple[int, ...], output_size: Any, output_ratio: Any
) -> tuple[int, ...]:
    dims = len(sizes)
    if (output_size is None) == (output_ratio is None):
        raise ValueError(
            "exactly one of output_size and output_ratio must be given, "
            f"got output_size={output_size!r} and output_ratio={output_ratio!r}"
        )
    if output_size is not None:
        found = arguments.spread("output_size", plain("output_size", output_size), dims, 1)
    else:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * dims
        good = len(ratios) == dims and all(isinstance(r, float) and 0 < r < 1 for r in ratios)
        if not good:
            raise ValueError(
                f"output_ratio must be floats between 0 and 1, got output_ratio={output_ratio!r}"
            )
        found = tuple(int(size * r) for size, r in zip(sizes, ratios, strict=True))
    for size, k, n in zip(sizes, kernel, found, strict=True):
        if n < 1 or n + k - 1 > size - (dims == 3):
            raise ValueError(
                f"output_size and kernel_size are too large, or it is too small, for an input of "
                f"spatial shape {sizes}: got {found} windows of {kernel}"
            )
    return found


def _samples(
    random_samples: Any, rng: Any, lead: tuple[int, ...], dims: int, dtype: np.dtype
) -> np.ndarray:
    """Numbers from 0 up to 1, (N, C, dims)."""
    if (random_samples is None) == (rng is None):
        raise ValueError(
            "exactly one of random_samples and rng must be given, "
            f"got random_samples={random_samples!r} and rng={rng!r}"
        )
    if rng is not None:
        if not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
        return rng.random((*lead, dims), dtype)
    samples, _ = adapt("random_samples", random_samples)
    if samples.shape != (*lead, dims) or samples.dtype.kind != "f":
        raise ValueError(
            f"random_samples must be floats of shape {(*lead, dims)}, "
            f"got shape {samples.shape} and dtype {samples.dtype}"
        )
    if not ((samples >= 0) & (samples < 1)).all():
        raise ValueError("random_samples must be from 0 up to 1")
    return samples


def _bins(samples: np.ndarray, size: int, kernel: int, cells: int) -> np.ndarray:
    """The first input and the end of every window of every plane, in the samples' own precision."""
    number = np.arange(cells, dtype=samples.dtype)
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha = samples.dtype.type(size - kernel) / samples.dtype.type(cells - 1)
        steps = ((number + samples[:, None]) * alpha).astype(np.int64)
        first = steps - (samples[:, None] * alpha).astype(np.int64)
    first[:, -1] = size - kernel
    return np.stack([first, first + kernel], -1)


def placed(
    shape: tuple[int, ...], dtype: np.dtype, dims: int, kernel_size: Any, output_size: Any,
    output_ratio: Any, random_samples: Any, rng: Any,
) -> tuple[list[np.ndarray], int]:  # fmt: skip
    """The windows of every plane along each axis, and how many taps each has."""
    sizes = geometry.spatial(shape, dims)
    kernel = arguments.spread("kernel_size", plain("kernel_size", kernel_size), dims, 1)
    cells = _output_sizes(sizes, kernel, output_size, output_ratio)
    lead = shape[: len(shape) - dims]
    samples = _samples(random_samples, rng, (1, *lead)[-2:], dims, dtype).reshape(-1, dims)
    # torch's order: in two dimensions the first sample moves the windows across.
    order = (1, 0) if dims == 2 else range(dims)
    bins = [
        _bins(samples[:, which], size, k, n)
        for which, size, k, n in zip(order, sizes, kernel, cells, strict=True)
    ]
    return bins, prod(kernel)


def _fractional(kind: str, dims: int) -> Callable[..., Any]:
    def run(
        input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, random_samples: Any,
        rng: Any, indexed: bool, num_threads: Any,
    ) -> tuple[Any, Any]:  # fmt: skip
        array, wrap = adapt("input", input)
        native = array.dtype.newbyteorder("=")
        if native not in (np.float32, np.float64):
            raise TypeError(f"input must be float32 or float64, got dtype {array.dtype}")
        bins, _ = placed(
            array.shape, native, dims, kernel_size, output_size, output_ratio, random_samples, rng
        )
        with undisturbed():
            from .cpu import regions, threads
        if num_threads is not None:
            num_threads = threads.checked(num_threads)
        lead, sizes = array.shape[: array.ndim - dims], array.shape[array.ndim - dims :]
        cells = tuple(each.shape[1] for each in bins)
        planes = np.ascontiguousarray(array, native).reshape(prod(lead), 1, *sizes)
        values = np.empty((prod(lead), 1, *cells), native)
        indices = np.empty(values.shape, np.int64) if indexed else None
        if values.size:
            numbers = np.arange(prod(lead))
            rule = regions.MEAN if indices is None else regions.LARGEST
            regions.of_bins(planes, values, indices, numbers, bins, rule, num_threads)
        shape = (*lead, *cells)
        found = None if indices is None else wrap(indices.reshape(shape))
        return wrap(values.reshape(shape)), found

    def max_pool(
        input: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        random_samples: Any = None,
        *,
        rng: Any = None,
        num_threads: int | None = None,
    ) -> Any:
        asked = arguments.flag("return_indices", return_indices)
        values, indices = run(
            input, kernel_size, output_size, output_ratio, random_samples, rng, True, num_threads
        )
        return (values, indices) if asked else values

    def avg_pool(
        input: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        random_samples: Any = None,
        *,
        rng: Any = None,
        num_threads: int | None = None,
    ) -> Any:
        return run(
            input, kernel_size, output_size, output_ratio, random_samples, rng, False, num_threads
        )[0]

    return documented(max_pool if kind == "max" else avg_pool, f"fractional_{kind}", dims)


fractional_max_pool2d, fractional_max_pool3d = (_fractional("max", dims) for dims in (2, 3))
fractional_avg_pool2d, fractional_avg_pool3d = (_fractional("avg", dims) for dims in (2, 3))
