"""Stochastic pooling: a tap of every window, drawn in proportion, or what that comes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import arguments, functional, geometry, lazy
from .arrays import as_native, check_dtype, laid_as, narrowed, widened
from .axes import channels_first
from .docs import documented
from .elementwise import choose, larger, mapped, number, product, quotient
from .indices import taken
from .nan import omits
from .ops import MAX, SUM
from .ops.base import floating, omitting
from .targets import adapting, place, streamed


def _mean(squares: Any, weights: Any) -> Any:
    return choose(weights == 0, weights, squares / weights)


def _number_or_nan(best: Any, value: Any) -> Any:
    return choose(best == best, value, best)


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
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        if stream is not None:
            input = streamed(input, stream, target)
        adapt = adapting(input, target)
        array, wrap = channels_first(input, dims, data_format, adapt)
        check_dtype(array.dtype)
        native = as_native(array)
        geometry.spatial(array.shape, dims)
        where = functional.window(dims, kernel_size, stride, padding, dilation, ceil_mode)
        indexed = arguments.flag("return_indices", return_indices)
        draws = arguments.flag("train", train)
        if indexed and not draws:
            raise ValueError("return_indices needs train=True: an expectation has no place")
        if draws and not isinstance(rng, np.random.Generator):
            raise TypeError(
                "rng must be a numpy.random.Generator, such as numpy.random.default_rng(0), "
                f"got {type(rng).__name__}"
            )
        without = omits(input, nan_policy)

        def pooled(op: Any, x: Any, asked: bool) -> Any:
            how = omitting(op) if without else op
            return lazy.run(how, where, x, asked, "int64", None, None, num_threads, place(array))

        taps = widened(native)
        kind = taps.dtype
        weights = mapped(larger, taps, number(0, kind), dtype=kind)
        if not draws:
            sums = pooled(SUM, weights, False)
            squares = pooled(SUM, mapped(product, weights, weights, dtype=kind), False)
            mean = mapped(_mean, squares, sums, dtype=kind)
            return wrap(narrowed(mean, floating(native.dtype)))
        # Of exponential times at rates x, the first is x's with probability x over their sum.
        drawn = rng.standard_exponential(array.shape, kind)
        if place(array):  # so that rates lie as the input does
            drawn = laid_as(array, drawn)
        times = adapt("times", drawn)[0]
        best, places = pooled(MAX, mapped(quotient, weights, times, dtype=kind), True)
        values = taken(native, places, dims)
        if without:  # of NaN only: those that are left out have no place
            values = mapped(_number_or_nan, best, widened(values), dtype=kind)
            values = narrowed(values, native.dtype)
        return (wrap(values), wrap(places)) if indexed else wrap(values)

    return documented(stochastic_pool, "stochastic", dims)


stochastic_pool1d, stochastic_pool2d, stochastic_pool3d = map(_drawing, (1, 2, 3))
