"""What a pooling computes: a reduction, written once as plain scalar Python.

The functions of a `PoolOp` are its specification. Tests call them as they are, and each target
compiles the very same objects, so they may use only what Numba compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Scalar = Any


def is_nan(value: Scalar) -> bool:
    """What no number is equal to, itself included; never true of integers."""
    return value != value


def as_it_is(folded: Scalar, count: Scalar) -> Scalar:
    """The finish of a reduction that does not care how many taps it saw."""
    return folded


def own(dtype: np.dtype) -> np.dtype:
    """A reduction whose results are of the input's type."""
    return dtype


@dataclass(frozen=True, eq=False)
class PoolOp:
    """A reduction over the taps of a window.

    Attributes
    ----------
    name : str
        What it is called in messages and plans.
    identity : callable
        ``identity(dtype)`` is the value of a window without taps.
    combine : callable, optional
        ``combine(earlier, later)`` joins two folded runs of taps; associative. Not needed where
        ``better`` is given.
    better : callable, optional
        ``better(candidate, best)``: whether a later tap replaces the best so far. It makes the
        reduction a selection, which has an index map. Nothing is worse than ``identity``.
    overrides : callable, optional
        ``overrides(candidate)``: whether a later tap replaces whatever was best, such as NaN.
    finish : callable
        ``finish(folded, count)`` is the result; ``count`` is the number of taps to divide by.
    scale : callable, optional
        ``scale(folded, share)`` is the same result where ``share``, one over ``count``, is exact:
        for powers of two. A product takes a fraction of a division's time.
    accumulator, result : callable
        The dtype that taps are folded in, and the dtype of the output, from the input's dtype.
    """

    name: str
    identity: Callable[[np.dtype], Scalar]
    combine: Callable[[Scalar, Scalar], Scalar] | None = None
    better: Callable[[Scalar, Scalar], bool] | None = None
    overrides: Callable[[Scalar], bool] | None = None
    finish: Callable[[Scalar, Scalar], Scalar] = as_it_is
    scale: Callable[[Scalar, Scalar], Scalar] | None = None
    accumulator: Callable[[np.dtype], np.dtype] = own
    result: Callable[[np.dtype], np.dtype] = own
