"""Formulas of scalars over whole arrays, broadcast as NumPy does, wherever the arrays lie.

A formula is a plain function at the top of its module: given arrays of the host it is called with
them as they are, on a device it is compiled. So it may use arithmetic, `larger`, and `choose` for
"if".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def choose(condition: Any, one: Any, other: Any) -> Any:
    """``one`` where the condition holds, ``other`` elsewhere."""
    return np.where(condition, one, other)


def larger(one: Any, other: Any) -> Any:
    """The larger of two, or NaN."""
    return np.maximum(one, other)


def is_number(value: Any) -> Any:
    """Whether it is not NaN."""
    return value == value


def itself(value: Any) -> Any:
    """The formula of a copy."""
    return value


def mapped(
    formula: Callable[..., Any], *arrays: Any, dtype: Any, like: Any = None
) -> Any:
    """``formula`` of each element, as an array of ``dtype``.

    Where ``like``, or the first array, lies on a device the others may be small ones of the host.
    """
    like, dtype = arrays[0] if like is None else like, np.dtype(dtype)
    if not isinstance(like, np.ndarray):
        from .cuda.elementwise import mapped

        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        return mapped(formula, arrays, dtype, shape, like=like)
    with np.errstate(all="ignore"):
        return np.asarray(formula(*arrays)).astype(dtype, copy=False)


def copied(array: Any, into: Any) -> None:
    """Writes ``array`` to another of its shape and dtype."""
    if isinstance(array, np.ndarray):
        into[...] = array
    else:
        from .cuda.elementwise import mapped

        mapped(itself, [array], array.dtype, array.shape, into)


def empty(like: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A new array where ``like`` is."""
    if isinstance(like, np.ndarray):  # its axes in memory as those of `like`, if as many
        return np.empty_like(like, dtype, shape=shape)
    return like.like(shape, dtype)


def split(array: Any, *lengths: int) -> Any:
    """A view whose last axis is several."""
    if isinstance(array, np.ndarray):
        return array.reshape(*array.shape[:-1], *lengths)
    return array.split(*lengths)


def part(array: Any, first: int, end: int, axis: int) -> Any:
    """A view of some of an axis."""
    if not isinstance(array, np.ndarray):
        return array.part(first, end, axis)
    return array[(slice(None),) * axis + (slice(first, end),)]


def number(value: float, dtype: Any) -> np.ndarray:
    """A number that a formula takes as an array."""
    return np.array(value, dtype)


def quotient(one: Any, other: Any) -> Any:
    return one / other


def product(one: Any, other: Any) -> Any:
    return one * other


def added(one: Any, other: Any) -> Any:
    return one + other
