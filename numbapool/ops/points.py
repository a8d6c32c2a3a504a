"""What is taken of points between inputs: of the four weighted inputs about each, and of all."""

from __future__ import annotations

from .base import Scalar, is_nan
from .max import better


def summed(first: Scalar, second: Scalar, third: Scalar, fourth: Scalar) -> Scalar:
    """The value at a point."""
    return first + second + third + fourth


def largest(first: Scalar, second: Scalar, third: Scalar, fourth: Scalar) -> Scalar:
    """What ONNX calls one."""
    return max(max(first, second), max(third, fourth))


def replaces(value: Scalar, best: Scalar) -> bool:
    """Whether a point is larger than the best before it; any NaN is."""
    return better(value, best) | is_nan(value)


#: Their mean, the largest, or the largest part of any.
MEAN, LARGEST, LARGEST_PART = range(3)
PARTS = (summed, summed, largest)
