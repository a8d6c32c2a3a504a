"""Stochastic pooling: a tap of every window, drawn in proportion, or what that comes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import arguments, functional, geometry, lazy
from .arrays import adapt, check_dtype, laid_as, narrowed, widened
from .axes import channels_first
from .docs import documented
from .indices import gather
from .nan import omits
from .ops import MAX, SUM
from .ops.base import floating, omitting


def _drawing(dims: int) -> Callable[..., Any]:
    def stochastic_pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
        *,
        rng: Any = None,
        train: bool = True,
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        num_threads: int | None = None,
    ) -> Any:
        array, wrap = channels_first(input, dims, data_format, adapt)
        check_dtype(array.dtype)
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        geometry.spatial(array.shape, dims)
        where = functional.window(dims, kernel_size, stride, padding, dilation, ceil_mode)
        indexed = arguments.flag("return_indices", return_indices)
        draws = arguments.flag("train", train)
        if indexed and not draws:
            raise ValueError("return_indices needs train=True: an expectation has no place")
        if draws and not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
        without = omits(input, nan_policy)

        def pooled(op: Any, x: np.ndarray, asked: bool) -> Any:
            how = omitting(op) if without else op
            return lazy.run(how, where, x, asked, "int64", None, None, num_threads)

        weights = np.maximum(widened(native), 0)
        with np.errstate(over="ignore", invalid="ignore"):
            if not draws:
                sums = pooled(SUM, weights, False)
                squares = pooled(SUM, weights * weights, False)
                mean = np.divide(squares, sums, out=np.zeros_like(sums), where=sums != 0)
                return wrap(narrowed(mean, floating(native.dtype)))
            # Of exponential times at rates x, the first is x's with probability x over their sum.
            times = rng.standard_exponential(array.shape, weights.dtype)
            rates = np.divide(weights, times, out=weights)  # which lies as the input does
        best, place = pooled(MAX, rates, True)
        values = laid_as(place, gather(native, place, dims))
        lost = np.isnan(best)  # of NaN only: those that are left out have no place
        values[lost] = narrowed(best[lost], values.dtype)
        return (wrap(values), wrap(place)) if indexed else wrap(values)

    return documented(stochastic_pool, "stochastic", dims)


stochastic_pool1d, stochastic_pool2d, stochastic_pool3d = map(_drawing, (1, 2, 3))
