"""Poolings that are neither a maximum nor a sum: quantiles, spread, norms, weighted means."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import arguments
from .arguments import plain
from .axes import road
from .docs import documented
from .functional import window
from .nan import policed
from .ops import PoolOp, exponential, mixed, power, quantile, variance
from .targets import streamed


def _number(
    name: str, value: Any, low: float, high: float = math.inf, above: bool = False
) -> float:
    """``value`` as a float from ``low``, or above it, to ``high``."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {name}={value!r}")
    number = float(value)
    if not (low < number if above else low <= number) or not number <= high:
        bound = f"{'above' if above else 'at least'} {low}"
        bound += f" and at most {high}" if high < math.inf else ""
        raise ValueError(f"{name} must be {bound}, got {name}={value!r}")
    return number


def _quantile(q: Any) -> PoolOp:
    return quantile.quantile(_number("q", q, 0, 1))


def _variance(root: bool) -> Callable[..., PoolOp]:
    def op(correction: Any) -> PoolOp:
        return variance.variance(_number("correction", correction, 0), root)

    return op


def _log_sum_exp(sharpness: Any, mean: Any) -> PoolOp:
    number = _number("sharpness", sharpness, -math.inf)
    if number == 0 or math.isinf(number):
        raise ValueError(f"sharpness must be finite and not 0, got sharpness={sharpness!r}")
    return exponential.log_sum_exp(number, arguments.flag("mean", mean))


def _mixed(alpha: Any) -> PoolOp:
    return mixed.mixed(_number("alpha", alpha, 0, 1))


def _power_average(p: Any) -> PoolOp:
    return power.power_average(_exponent("p", p))


def _generalized_mean(p: Any, eps: Any) -> PoolOp:
    return power.generalized_mean(_exponent("p", p), _number("eps", eps, 0))


def _exponent(name: str, p: Any) -> float:
    number = _number(name, p, 0, above=True)
    if math.isinf(number):
        raise ValueError(f"{name} must be finite, got {name}={p!r}")
    return number


#: The op of each kind from its options, which are keywords with these defaults (``...``: none).
REDUCTIONS: dict[str, tuple[Callable[..., PoolOp], dict[str, Any]]] = {
    "median": (lambda: quantile.MEDIAN, {}),
    "quantile": (_quantile, {"q": ...}),
    "var": (_variance(False), {"correction": 0}),
    "std": (_variance(True), {"correction": 0}),
    "lse": (_log_sum_exp, {"sharpness": 1.0, "mean": False}),
    "soft": (lambda: exponential.SOFT, {}),
    "mixed": (_mixed, {"alpha": 0.5}),
    "power_avg": (_power_average, {"p": 2.0}),
    "gem": (_generalized_mean, {"p": 3.0, "eps": 1e-6}),
}


def op_of(kind: str, name: str, given: dict[str, Any]) -> PoolOp:
    """The op of a kind with the options that were given to the function called ``name``."""
    op, options = REDUCTIONS[kind]
    unknown = [*(given.keys() - options.keys())]
    missing = [option for option, value in (options | given).items() if value is ...]
    if unknown or missing:
        wrong = "got an unexpected" if unknown else "is missing the keyword"
        raise TypeError(f"{name}() {wrong} argument {[*unknown, *missing][0]!r}")
    return op(**options | given)


def showing_options(function: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """``function`` with a signature that has the options of a kind for its ``**given``."""
    signature = inspect.signature(function)
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY,
                          default=inspect.Parameter.empty if value is ... else value)
        for name, value in REDUCTIONS[kind][1].items()
    ]  # fmt: skip
    plain_ones = [p for p in signature.parameters.values() if p.name != "given"]
    at = [p.kind for p in plain_ones].index(inspect.Parameter.KEYWORD_ONLY)
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*plain_ones[:at], *named, *plain_ones[at:]]
    )
    return function


def _reducing(kind: str, dims: int) -> Callable[..., Any]:
    def pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        out: Any = None,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
        **given: Any,
    ) -> Any:
        if stream is not None:
            input = streamed(input, stream, target)
        op = op_of(kind, f"{kind}_pool{dims}d", given)
        where = window(dims, kernel_size, stride, padding, dilation, ceil_mode)
        how = policed(op, input, nan_policy)
        return road(data_format)(how, where, input, False, None, None, out, num_threads, target)

    return documented(showing_options(pool, kind), kind, dims)


def _norm(dims: int) -> Callable[..., Any]:
    def pool(
        input: Any,
        norm_type: Any,
        kernel_size: Any,
        stride: Any = None,
        ceil_mode: bool = False,
        *,
        abs: bool = False,
        padding: Any = 0,
        dilation: Any = 1,
        data_format: str = "channels_first",
        nan_policy: str = "propagate",
        out: Any = None,
        num_threads: int | None = None,
        target: str | None = None,
        stream: Any = None,
    ) -> Any:
        if stream is not None:
            input = streamed(input, stream, target)
        p = _number("norm_type", norm_type, 0, above=True)
        absolute = arguments.flag("abs", abs)
        kernel = arguments.spread("kernel_size", plain("kernel_size", kernel_size), dims, 1)
        infinite = math.isinf(p)
        op = power.LARGEST_MAGNITUDE if infinite else power.lp(p, math.prod(kernel), absolute)
        where = window(dims, kernel_size, stride, padding, dilation, ceil_mode)
        how = policed(op, input, nan_policy)
        return road(data_format)(how, where, input, False, None, None, out, num_threads, target)

    return documented(pool, "lp", dims)


DIMS = (1, 2, 3)
median_pool1d, median_pool2d, median_pool3d = (_reducing("median", dims) for dims in DIMS)
quantile_pool1d, quantile_pool2d, quantile_pool3d = (_reducing("quantile", dims) for dims in DIMS)
var_pool1d, var_pool2d, var_pool3d = (_reducing("var", dims) for dims in DIMS)
std_pool1d, std_pool2d, std_pool3d = (_reducing("std", dims) for dims in DIMS)
lse_pool1d, lse_pool2d, lse_pool3d = (_reducing("lse", dims) for dims in DIMS)
soft_pool1d, soft_pool2d, soft_pool3d = (_reducing("soft", dims) for dims in DIMS)
mixed_pool1d, mixed_pool2d, mixed_pool3d = (_reducing("mixed", dims) for dims in DIMS)
power_avg_pool1d, power_avg_pool2d, power_avg_pool3d = (
    _reducing("power_avg", dims) for dims in DIMS
)
gem_pool1d, gem_pool2d, gem_pool3d = (_reducing("gem", dims) for dims in DIMS)
lp_pool1d, lp_pool2d, lp_pool3d = (_norm(dims) for dims in DIMS)
