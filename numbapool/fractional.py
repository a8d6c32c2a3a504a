"""Fractional poolings: windows whose places are drawn, for every plane by itself."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from . import arguments, geometry
from .adaptive import selected
from .arguments import plain
from .arrays import adapt
from .axes import channels_first, road
from .docs import documented
from .drawn import Drawn, as_drawn, output_sizes
from .nan import policed
from .ops import MAX, MEAN
from .ops.base import called, is_half
from .targets import streamed


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
            raise TypeError(
                "rng must be a numpy.random.Generator, such as numpy.random.default_rng(0), "
                f"got {type(rng).__name__}"
            )
        short = dtype == np.float32 or is_half(dtype)
        return rng.random((*lead, dims), np.float32 if short else np.float64)
    samples, _ = adapt("random_samples", random_samples)
    if samples.shape != (*lead, dims) or samples.dtype.kind != "f":
        raise ValueError(
            f"random_samples must be floats of shape {(*lead, dims)}, "
            f"got shape {samples.shape} and dtype {called(samples.dtype)}"
        )
    if not ((samples >= 0) & (samples < 1)).all():
        raise ValueError("random_samples must be from 0 up to 1")
    return samples


def placed(
    shape: tuple[int, ...], dtype: np.dtype, dims: int, kernel_size: Any, output_size: Any,
    output_ratio: Any, random_samples: Any, rng: Any,
) -> list[Drawn]:  # fmt: skip
    """The windows of every plane along each axis."""
    sizes = geometry.spatial(shape, dims)
    kernel = arguments.spread("kernel_size", plain("kernel_size", kernel_size), dims, 1)
    cells = output_sizes(sizes, kernel, output_size, output_ratio)
    lead = shape[: len(shape) - dims]
    samples = _samples(random_samples, rng, (1, *lead)[-2:], dims, dtype).reshape(prod(lead), dims)
    # torch's order: in two dimensions the first sample moves the windows across.
    order = (1, 0) if dims == 2 else range(dims)
    return [
        Drawn.of(samples[:, which], size, k, n)
        for which, size, k, n in zip(order, sizes, kernel, cells, strict=True)
    ]


def _where(dims: int, input: Any, data_format: Any, *arguments: Any) -> tuple[Any, ...]:
    array, _ = channels_first(input, dims, data_format)
    return (as_drawn, dims, *placed(array.shape, array.dtype.newbyteorder("="), dims, *arguments))


def _selecting(dims: int) -> Callable[..., Any]:
    def pool(
        input: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        random_samples: Any = None,
        *,
        rng: Any = None,
        index_dtype: Any = "int64",
        index_base: str = "plane",
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        out: Any = None,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        if stream is not None:
            input = streamed(input, stream, target)
        where = _where(
            dims, input, data_format, kernel_size, output_size, output_ratio, random_samples, rng
        )
        return selected(
            MAX, where, input, return_indices, index_dtype, index_base, data_format, nan_policy,
            out, num_threads, target,
        )  # fmt: skip

    return documented(pool, "fractional_max", dims)


def _averaging(dims: int) -> Callable[..., Any]:
    def pool(
        input: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        random_samples: Any = None,
        *,
        rng: Any = None,
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        out: Any = None,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        if stream is not None:
            input = streamed(input, stream, target)
        where = _where(
            dims, input, data_format, kernel_size, output_size, output_ratio, random_samples, rng
        )
        how = policed(MEAN, input, nan_policy)
        return road(data_format)(how, where, input, False, None, None, out, num_threads, target)

    return documented(pool, "fractional_avg", dims)


fractional_max_pool2d, fractional_max_pool3d = (_selecting(dims) for dims in (2, 3))
fractional_avg_pool2d, fractional_avg_pool3d = (_averaging(dims) for dims in (2, 3))
