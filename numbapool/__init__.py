"""Pooling for arrays, compiled by Numba: torch's semantics from a small install."""

from .adaptive import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    adaptive_min_pool2d,
    global_avg_pool,
    global_max_pool,
    global_min_pool,
    spatial_pyramid_pool,
)
from .explain import explain
from .functional import avg_pool2d, max_pool2d, min_pool2d, output_shape, sum_pool2d
from .layers import (
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    AdaptiveMinPool2d,
    AvgPool2d,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalMinPool,
    MaxPool2d,
    MinPool2d,
    SumPool2d,
)

__all__ = [
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AdaptiveMinPool2d",
    "AvgPool2d",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GlobalMinPool",
    "MaxPool2d",
    "MinPool2d",
    "SumPool2d",
    "__version__",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "adaptive_min_pool2d",
    "avg_pool2d",
    "explain",
    "global_avg_pool",
    "global_max_pool",
    "global_min_pool",
    "max_pool2d",
    "min_pool2d",
    "output_shape",
    "spatial_pyramid_pool",
    "sum_pool2d",
]

__version__ = "0.1.0"
