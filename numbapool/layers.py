"""Poolings as objects: they hold the arguments, in torch's order, and are called with the array.

>>> import numpy as np, numbapool
>>> pool = numbapool.MaxPool2d(3, stride=2, ceil_mode=True)
>>> pool
MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=True)
>>> pool(np.zeros((1, 1, 6, 6))).shape
(1, 1, 3, 3)
"""

from __future__ import annotations

from typing import Any, ClassVar

from . import adaptive, functional


class _Layer:
    """Arguments by name; the ones torch shows are in the repr."""

    _shown: ClassVar[tuple[str, ...]]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)}" for name in self._shown)
        return f"{type(self).__name__}({shown})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))


class _Selecting(_Layer):
    _shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    _pool: ClassVar[Any]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def __call__(self, input: Any) -> Any:
        return self._pool(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip


class _Averaging(_Layer):
    _shown = ("kernel_size", "stride", "padding")
    _pool: ClassVar[Any]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def __call__(self, input: Any) -> Any:
        return self._pool(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip


class _Summing(_Layer):
    _shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    _pool: ClassVar[Any]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.ceil_mode = ceil_mode

    def __call__(self, input: Any) -> Any:
        return self._pool(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode
        )


class _Adaptive(_Layer):
    _shown = ("output_size",)
    _pool: ClassVar[Any]

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        self.output_size = output_size
        self.return_indices = return_indices

    def __call__(self, input: Any) -> Any:
        return self._pool(input, self.output_size, self.return_indices)


class _AdaptiveAveraging(_Layer):
    _shown = ("output_size",)
    _pool: ClassVar[Any]

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def __call__(self, input: Any) -> Any:
        return self._pool(input, self.output_size)


class MaxPool1d(_Selecting):
    """`max_pool1d` with its arguments held."""

    _pool = staticmethod(functional.max_pool1d)


class MinPool1d(_Selecting):
    """`min_pool1d` with its arguments held."""

    _pool = staticmethod(functional.min_pool1d)


class AvgPool1d(_Averaging):
    """`avg_pool1d` with its arguments held."""

    _pool = staticmethod(functional.avg_pool1d)


class SumPool1d(_Summing):
    """`sum_pool1d` with its arguments held."""

    _pool = staticmethod(functional.sum_pool1d)


class AdaptiveMaxPool1d(_Adaptive):
    """`adaptive_max_pool1d` with its arguments held."""

    _pool = staticmethod(adaptive.adaptive_max_pool1d)


class AdaptiveMinPool1d(_Adaptive):
    """`adaptive_min_pool1d` with its arguments held."""

    _pool = staticmethod(adaptive.adaptive_min_pool1d)


class AdaptiveAvgPool1d(_AdaptiveAveraging):
    """`adaptive_avg_pool1d` with its arguments held."""

    _pool = staticmethod(adaptive.adaptive_avg_pool1d)


class MaxPool2d(_Selecting):
    """`max_pool2d` with its arguments held."""

    _pool = staticmethod(functional.max_pool2d)


class MinPool2d(_Selecting):
    """`min_pool2d` with its arguments held."""

    _pool = staticmethod(functional.min_pool2d)


class AvgPool2d(_Averaging):
    """`avg_pool2d` with its arguments held."""

    _pool = staticmethod(functional.avg_pool2d)


class SumPool2d(_Summing):
    """`sum_pool2d` with its arguments held."""

    _pool = staticmethod(functional.sum_pool2d)


class AdaptiveMaxPool2d(_Adaptive):
    """`adaptive_max_pool2d` with its arguments held."""

    _pool = staticmethod(adaptive.adaptive_max_pool2d)


class AdaptiveMinPool2d(_Adaptive):
    """`adaptive_min_pool2d` with its arguments held."""

    _pool = staticmethod(adaptive.adaptive_min_pool2d)


class AdaptiveAvgPool2d(_AdaptiveAveraging):
    """`adaptive_avg_pool2d` with its arguments held."""

    _pool = staticmethod(adaptive.adaptive_avg_pool2d)


class MaxPool3d(_Selecting):
    """`max_pool3d` with its arguments held."""

    _pool = staticmethod(functional.max_pool3d)


class MinPool3d(_Selecting):
    """`min_pool3d` with its arguments held."""

    _pool = staticmethod(functional.min_pool3d)


class AvgPool3d(_Averaging):
    """`avg_pool3d` with its arguments held."""

    _pool = staticmethod(functional.avg_pool3d)


class SumPool3d(_Summing):
    """`sum_pool3d` with its arguments held."""

    _pool = staticmethod(functional.sum_pool3d)


class AdaptiveMaxPool3d(_Adaptive):
    """`adaptive_max_pool3d` with its arguments held."""

    _pool = staticmethod(adaptive.adaptive_max_pool3d)


class AdaptiveMinPool3d(_Adaptive):
    """`adaptive_min_pool3d` with its arguments held."""

    _pool = staticmethod(adaptive.adaptive_min_pool3d)


class AdaptiveAvgPool3d(_AdaptiveAveraging):
    """`adaptive_avg_pool3d` with its arguments held."""

    _pool = staticmethod(adaptive.adaptive_avg_pool3d)


class _Global(_Layer):
    _shown = ("keepdims",)
    _pool: ClassVar[Any]

    def __init__(self, return_indices: bool = False, keepdims: bool = True) -> None:
        self.return_indices = return_indices
        self.keepdims = keepdims

    def __call__(self, x: Any) -> Any:
        return self._pool(x, self.return_indices, self.keepdims)


class GlobalMaxPool(_Global):
    """`global_max_pool` with its arguments held.

    Parameters
    ----------
    return_indices, keepdims
        See `global_max_pool`.
    """

    _pool = staticmethod(adaptive.global_max_pool)


class GlobalMinPool(_Global):
    """`global_min_pool` with its arguments held.

    Parameters
    ----------
    return_indices, keepdims
        See `global_max_pool`.
    """

    _pool = staticmethod(adaptive.global_min_pool)


class GlobalAvgPool(_Layer):
    """`global_avg_pool` with its argument held.

    Parameters
    ----------
    keepdims
        See `global_max_pool`.
    """

    _shown = ("keepdims",)

    def __init__(self, keepdims: bool = True) -> None:
        self.keepdims = keepdims

    def __call__(self, x: Any) -> Any:
        return adaptive.global_avg_pool(x, self.keepdims)
