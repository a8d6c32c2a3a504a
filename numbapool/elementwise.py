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


def itself(value: Any) -> Any:
    """The formula of a copy."""
    return value


def mapped(
    formula: Callable[..., Any], *arrays: Any, dtype: Any, shape: tuple[int, ...] | None = None
) -> Any:
    """``formula`` of each element, as an array of ``dtype``.

    Where the first array lies on a device the others may be small ones of the host. ``shape`` is
    that of the result, if not what the arrays broadcast to.
    """
    first, dtype = arrays[0], np.dtype(dtype)
    if shape is None:
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
    if not isinstance(first, np.ndarray):
        from .cuda.elementwise import mapped

        return mapped(formula, arrays, dtype, shape)
    with np.errstate(all="ignore"):
        found = np.asarray(formula(*arrays)).astype(dtype, copy=False)
    return found if found.shape == shape else np.broadcast_to(found, shape).copy()


def copied(array: Any, into: Any) -> None:
    """Writes ``array`` to another of its shape and dtype."""
    if isinstance(array, np.ndarray):
        into[...] = array
    else:
        from .cuda.elementwise import mapped

        mapped(itself, [array], array.dtype, array.shape, into)


def empty(like: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A new array where ``like`` is."""
    return np.empty(shape, dtype) if isinstance(like, np.ndarray) else like.like(shape, dtype)


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
