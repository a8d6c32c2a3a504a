"""What a pooling computes: a reduction, written once as plain scalar Python.

The functions of a `PoolOp` are its specification. Tests call them as they are, and each target
compiles the very same objects, so they may use only what Numba compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from inspect import CO_VARARGS
from types import FunctionType
from typing import Any

import numpy as np

Scalar = Any


def is_nan(value: Scalar) -> bool:
    """What no number is equal to, itself included; never true of integers."""
    return value != value


def as_it_is(folded: Scalar, count: Scalar) -> Scalar:
    """The finish of a reduction that does not care how many taps it saw."""
    return folded


def not_a_number(dtype: np.dtype) -> Scalar:
    """What is taken of no taps where there is no answer; integers have none such, so 0."""
    return dtype.type(np.nan) if dtype.kind == "f" else dtype.type(0)


#: bfloat16, which NumPy lacks, by its bits.
BFLOAT16 = np.dtype([("bfloat16", np.int16)])


def called(dtype: np.dtype) -> str:
    """What a dtype is called in messages."""
    return "bfloat16" if dtype == BFLOAT16 else str(dtype)


def is_half(dtype: np.dtype) -> bool:
    """Whether there are 16 bits to a float."""
    return dtype == np.float16 or dtype == BFLOAT16


def floating(dtype: np.dtype) -> np.dtype:
    """The dtype that ``numpy.mean`` gives."""
    return np.dtype(np.float64) if dtype.kind in "iub" else dtype


def single(dtype: np.dtype) -> np.dtype:
    """What halves are reckoned in; others in themselves, or the dtype that ``numpy.mean`` gives."""
    return np.dtype(np.float32) if is_half(dtype) else floating(dtype)


def double(dtype: np.dtype) -> np.dtype:
    """For sums that must not lose what a difference of them needs."""
    return np.dtype(np.float64)


def own(dtype: np.dtype) -> np.dtype:
    """A reduction whose results are of the input's type."""
    return dtype


#: What is called with what.
FUNCTIONS = {
    "combine": ("earlier", "later"), "better": ("candidate", "best"), "overrides": ("candidate",),
    "reduce": ("taps", "count"), "slopes": ("taps", "into", "count", "divisor"), "lift": ("tap",),
    "finish": ("folded", "count"), "scale": ("folded", "share"),
}  # fmt: skip


def _takes(function: FunctionType, count: int) -> bool:
    """Whether a function can be called with so many arguments."""
    code, spare = function.__code__, len(function.__defaults__ or ())
    enough = code.co_argcount - spare <= count
    return enough and (count <= code.co_argcount or bool(code.co_flags & CO_VARARGS))


@dataclass(frozen=True, eq=False)
class PoolOp:
    """A reduction over the taps of a window: a selection, a fold of two into one, or neither.

    Exactly one of ``combine``, ``better`` and ``reduce`` says what is reduced, and how. Functions
    are compiled as they are when they are first used, and so are the numbers among the globals that
    they read; before that they are tried once in Python, for a type that could not hold what they
    give. Numbers are of the input's type, or ``accumulator``'s, and integers wrap as NumPy's do.

    Attributes
    ----------
    name : str
        What it is called in messages and plans.
    identity : callable
        ``identity(dtype)`` is the value of a window without taps.
    combine : callable, optional
        ``combine(earlier, later)`` joins two folded runs of taps; associative, in any order of
        taps. Not needed where ``better`` or ``reduce`` is given.
    better : callable, optional
        ``better(candidate, best)``: whether a later tap replaces the best so far. It makes the
        reduction a selection, which has an index map. Nothing is worse than ``identity``. It is a
        strict order: runs of taps may be folded apart and then joined. NaN, which no comparison
        orders, needs ``overrides``; without, what a window with NaN gives is not told.
    overrides : callable, optional
        ``overrides(candidate)``: whether a later tap replaces whatever was best, such as NaN.
        Nothing may be better than such a tap, unless it overrides, too.
    total : bool
        Whether ``better`` tells all values apart, but the two zeros: the best of a window is known
        then without looking for the first of its equals.
    reduce : callable, optional
        ``reduce(taps, count)`` is the result for the ``count`` taps of a window, at least one, in
        row-major order. It sees them all at once, for what is no fold, and may change them; they
        are indexed from 0 to ``count - 1``, which nobody checks, and have no length and no slices:
        ``taps[-1]`` is none of them. A window of a million taps takes scratch for as many.
    slopes : callable, optional
        ``slopes(taps, into, count, divisor)`` writes to ``into`` the derivative of the result by
        each of the ``count`` taps, at least one, in float64: the way back of a gradient. ``taps``
        are as in the input, without ``lift``, and ``divisor`` is what ``finish`` divides by.
    lift : callable, optional
        ``lift(tap)`` is what a tap counts as in a fold.
    omits_nan : bool
        Whether taps that are NaN are left out, as far as there are others: of windows of nothing
        else it makes NaN, with index -1.
    finish : callable
        ``finish(folded, count)`` is the result; ``count`` is the number of taps to divide by.
    scale : callable, optional
        ``scale(folded, share)`` is the same result where ``share``, one over ``count``, is exact:
        for powers of two. A product takes a fraction of a division's time.
    accumulator, result : callable
        The dtype that taps are folded in, and that ``lift``, ``combine`` and ``reduce`` give; and
        the dtype of the output, which ``finish`` gives: both from the input's dtype, which they
        are without. A mean of integers needs both: ``lambda dtype: np.dtype(np.float64)``.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> furthest = numbapool.PoolOp(
    ...     "furthest from zero",
    ...     identity=lambda dtype: dtype.type(0),
    ...     better=lambda candidate, best: abs(candidate) > abs(best),
    ...     overrides=lambda value: value != value,
    ... )
    >>> numbapool.pool(np.array([3.0, -5.0, 1.0, np.nan]), furthest, 2).tolist()
    [-5.0, nan]
    """

    name: str
    identity: Callable[[np.dtype], Scalar]
    combine: Callable[[Scalar, Scalar], Scalar] | None = None
    better: Callable[[Scalar, Scalar], bool] | None = None
    overrides: Callable[[Scalar], bool] | None = None
    total: bool = False
    reduce: Callable[[Any, int], Scalar] | None = None
    slopes: Callable[[Any, Any, int, Scalar], None] | None = None
    lift: Callable[[Scalar], Scalar] | None = None
    omits_nan: bool = False
    finish: Callable[[Scalar, Scalar], Scalar] = as_it_is
    scale: Callable[[Scalar, Scalar], Scalar] | None = None
    accumulator: Callable[[np.dtype], np.dtype] = own
    result: Callable[[np.dtype], np.dtype] = own

    def __post_init__(self) -> None:
        if not callable(self.identity):
            raise TypeError(
                f"identity must be a function of the dtype, got name={self.name!r} with "
                f"identity={self.identity!r}"
            )
        for name, arguments in FUNCTIONS.items():
            given = getattr(self, name)
            function = getattr(given, "py_func", given)  # one that Numba has compiled already
            if not (function is None or isinstance(function, FunctionType)):
                raise TypeError(
                    f"{name} must be a plain function of Python's, got name={self.name!r} with "
                    f"{name}={given!r}"
                )
            if function is not None and not _takes(function, len(arguments)):
                count = function.__code__.co_argcount
                raise TypeError(
                    f"{name} must take ({', '.join(arguments)}), got name={self.name!r} with a "
                    f"function of {count} argument{'s' * (count != 1)}: {name}={given!r}"
                )
            object.__setattr__(self, name, function)
        given = [self.combine, self.better, self.reduce]
        if sum(function is not None for function in given) != 1:
            raise ValueError(
                f"a PoolOp has one of combine, better and reduce, got name={self.name!r} with "
                f"combine={self.combine!r}, better={self.better!r}, reduce={self.reduce!r}"
            )


@cache
def omitting(op: PoolOp) -> PoolOp:
    """``op`` without taps that are NaN; of nothing else it makes NaN, with index -1."""
    return replace(op, omits_nan=True, scale=None)
