"""Poolings as objects: they hold the arguments, in torch's order, and are called with the array.

>>> import numpy as np, numbapool
>>> pool = numbapool.MaxPool2d(3, stride=2, ceil_mode=True)
>>> pool
MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=True)
>>> pool(np.zeros((1, 1, 6, 6))).shape
(1, 1, 3, 3)
>>> numbapool.AvgPool1d(4, data_format="channels_last")
AvgPool1d(kernel_size=4, stride=4, padding=0, data_format=channels_last)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

from . import adaptive, blur, compositions, fractional, functional, reductions, stochastic, unpool


class _Layer:
    """Arguments by name, those of a function: see `_layer`."""

    _pool: ClassVar[Callable[..., Any]]
    #: What a call brings.
    _given: ClassVar[tuple[str, ...]] = ("input", "x", "random_samples", "out", "stream")
    _held: ClassVar[dict[str, inspect.Parameter]]
    _hidden: ClassVar[tuple[str, ...]]

    def __call__(self, input: Any, **given: Any) -> Any:
        return self._pool(input, **({name: getattr(self, name) for name in self._held} | given))

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)}" for name in self._held if self._says(name))
        return f"{type(self).__name__}({', '.join(shown)})"

    def _says(self, name: str) -> bool:
        """What torch's layers say is said; what they do not have, if it is not as usual."""
        usual = self._held[name]
        further = usual.kind is inspect.Parameter.KEYWORD_ONLY
        return name not in self._hidden and not (further and getattr(self, name) == usual.default)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))


class _Unpooling(_Layer):
    _given = ("input", "indices", "output_size", "out", "stream")

    def __call__(  # type: ignore[override]
        self, input: Any, indices: Any, output_size: Any = None, **given: Any
    ) -> Any:
        return super().__call__(input, indices=indices, output_size=output_size, **given)


def _layer(
    name: str, function: Callable[..., Any], base: type[_Layer] = _Layer,
    hidden: tuple[str, ...] = (),
) -> type[_Layer]:  # fmt: skip
    """The class whose objects hold the arguments of a function; its repr leaves out ``hidden``."""
    every = inspect.signature(function).parameters.values()
    parameters = [p for p in every if p.name not in base._given]
    # torch's layers and functions differ in this one place.
    names = [p.name for p in parameters]
    if "ceil_mode" in names and "return_indices" in names:
        parameters.insert(
            names.index("ceil_mode"), parameters.pop(names.index("return_indices"))
        )
    held = {p.name: p for p in parameters}
    signature = inspect.Signature(parameters)

    def __init__(self: _Layer, *args: Any, **kwargs: Any) -> None:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{name}() {error}") from None
        bound.apply_defaults()
        vars(self).update(bound.arguments)
        if bound.arguments.get("stride", 0) is None:
            vars(self)["stride"] = bound.arguments["kernel_size"]

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    __init__.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[own, *parameters]
    )
    what = function.__name__
    doc = f"`{what}` with its arguments held.\n\nParameters\n----------\n{', '.join(held)}\n" \
          f"    See `{what}`.\n"  # fmt: skip
    return type(name, (base,), {
        "__init__": __init__, "__doc__": doc, "__module__": __name__,
        "_pool": staticmethod(function), "_held": held, "_hidden": ("return_indices", *hidden),
    })  # fmt: skip


def _layers(
    name: str, module: ModuleType, function: str, dims: tuple[int, ...] = (1, 2, 3), **options: Any
) -> tuple[type[_Layer], ...]:
    return tuple(
        _layer(f"{name}{n}d", getattr(module, f"{function}{n}d"), **options) for n in dims
    )


UNSAID = ("ceil_mode", "count_include_pad", "divisor_override")  # by torch's averages
MaxPool1d, MaxPool2d, MaxPool3d = _layers("MaxPool", functional, "max_pool")
MinPool1d, MinPool2d, MinPool3d = _layers("MinPool", functional, "min_pool")
AvgPool1d, AvgPool2d, AvgPool3d = _layers("AvgPool", functional, "avg_pool", hidden=UNSAID)
SumPool1d, SumPool2d, SumPool3d = _layers("SumPool", functional, "sum_pool")
LPPool1d, LPPool2d, LPPool3d = _layers("LPPool", reductions, "lp_pool")
MedianPool1d, MedianPool2d, MedianPool3d = _layers("MedianPool", reductions, "median_pool")
QuantilePool1d, QuantilePool2d, QuantilePool3d = _layers(
    "QuantilePool", reductions, "quantile_pool"
)
VarPool1d, VarPool2d, VarPool3d = _layers("VarPool", reductions, "var_pool")
StdPool1d, StdPool2d, StdPool3d = _layers("StdPool", reductions, "std_pool")
LSEPool1d, LSEPool2d, LSEPool3d = _layers("LSEPool", reductions, "lse_pool")
SoftPool1d, SoftPool2d, SoftPool3d = _layers("SoftPool", reductions, "soft_pool")
MixedPool1d, MixedPool2d, MixedPool3d = _layers("MixedPool", reductions, "mixed_pool")
PowerAvgPool1d, PowerAvgPool2d, PowerAvgPool3d = _layers(
    "PowerAvgPool", reductions, "power_avg_pool"
)
GeMPool1d, GeMPool2d, GeMPool3d = _layers("GeMPool", reductions, "gem_pool")
MinMaxPool1d, MinMaxPool2d, MinMaxPool3d = _layers("MinMaxPool", compositions, "minmax_pool")
StochasticPool1d, StochasticPool2d, StochasticPool3d = _layers(
    "StochasticPool", stochastic, "stochastic_pool"
)
BlurPool1d, BlurPool2d, BlurPool3d = _layers("BlurPool", blur, "blur_pool")
MaxBlurPool1d, MaxBlurPool2d, MaxBlurPool3d = _layers("MaxBlurPool", blur, "max_blur_pool")
FractionalMaxPool2d, FractionalMaxPool3d = _layers(
    "FractionalMaxPool", fractional, "fractional_max_pool", (2, 3)
)
FractionalAvgPool2d, FractionalAvgPool3d = _layers(
    "FractionalAvgPool", fractional, "fractional_avg_pool", (2, 3)
)
AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d = _layers(
    "AdaptiveMaxPool", adaptive, "adaptive_max_pool"
)
AdaptiveMinPool1d, AdaptiveMinPool2d, AdaptiveMinPool3d = _layers(
    "AdaptiveMinPool", adaptive, "adaptive_min_pool"
)
AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d = _layers(
    "AdaptiveAvgPool", adaptive, "adaptive_avg_pool"
)
MaxUnpool1d, MaxUnpool2d, MaxUnpool3d = _layers("MaxUnpool", unpool, "max_unpool", base=_Unpooling)
GlobalMaxPool = _layer("GlobalMaxPool", adaptive.global_max_pool)
GlobalMinPool = _layer("GlobalMinPool", adaptive.global_min_pool)
GlobalAvgPool = _layer("GlobalAvgPool", adaptive.global_avg_pool)

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AdaptiveMinPool1d", "AdaptiveMinPool2d",
    "AdaptiveMinPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "BlurPool1d", "BlurPool2d",
    "BlurPool3d", "FractionalAvgPool2d", "FractionalAvgPool3d", "FractionalMaxPool2d",
    "FractionalMaxPool3d", "GeMPool1d", "GeMPool2d", "GeMPool3d", "GlobalAvgPool", "GlobalMaxPool",
    "GlobalMinPool", "LPPool1d", "LPPool2d", "LPPool3d", "LSEPool1d", "LSEPool2d", "LSEPool3d",
    "MaxBlurPool1d", "MaxBlurPool2d", "MaxBlurPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d",
    "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "MedianPool1d", "MedianPool2d", "MedianPool3d",
    "MinMaxPool1d", "MinMaxPool2d", "MinMaxPool3d", "MinPool1d", "MinPool2d", "MinPool3d",
    "MixedPool1d", "MixedPool2d", "MixedPool3d", "PowerAvgPool1d", "PowerAvgPool2d",
    "PowerAvgPool3d", "QuantilePool1d", "QuantilePool2d", "QuantilePool3d", "SoftPool1d",
    "SoftPool2d", "SoftPool3d", "StdPool1d", "StdPool2d", "StdPool3d", "StochasticPool1d",
    "StochasticPool2d", "StochasticPool3d", "SumPool1d", "SumPool2d", "SumPool3d", "VarPool1d",
    "VarPool2d", "VarPool3d",
]  # fmt: skip
