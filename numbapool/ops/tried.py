"""An op's functions, tried once as plain Python, before any is compiled."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .base import PoolOp, called, is_half

#: Numbers of a kind are held by those of as high a rank, whatever their bits.
RANKS = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
NUMBERS = (bool, int, float, complex, np.number, np.bool_)


def _dtype(op: PoolOp, name: str, dtype: np.dtype) -> np.dtype:
    function = getattr(op, name)
    try:
        given = function(dtype)
    except Exception as error:
        raise TypeError(
            f"op {op.name!r}: {name} must be a function of the input's dtype, such as "
            f"lambda dtype: np.dtype('float64'), got {name}={function!r}: {error}"
        ) from None
    if isinstance(given, np.dtype):
        return given
    raise TypeError(
        f"op {op.name!r}: {name} must give a dtype such as np.dtype('float64'), got {given!r} "
        f"for {called(dtype)}"
    )


@cache
def tried(op: PoolOp, dtype: np.dtype) -> None:
    """Refuses what gives no number, or one that the accumulator or the result cannot hold."""
    accumulator, result = _dtype(op, "accumulator", dtype), _dtype(op, "result", dtype)
    if _rank(dtype) > _rank(accumulator):
        raise TypeError(
            f"op {op.name!r}: accumulator must hold the taps, which `lift` sees as it, got "
            f"{called(accumulator)} for {called(dtype)}: what is counted is folded as float64, say"
        )
    number = np.dtype(np.float32) if is_half(accumulator) else accumulator
    _try_identity(op, number)
    one = number.type(1)
    taps = np.full(4, one)
    _try(op, "lift", "accumulator", accumulator, one)
    _try(op, "combine", "accumulator", accumulator, one, one)
    _try(op, "reduce", "accumulator", accumulator, taps, len(taps))
    _try(op, "finish", "result", result, one, one)


def _try_identity(op: PoolOp, dtype: np.dtype) -> None:
    try:
        given = op.identity(dtype)
    except Exception as error:
        raise TypeError(f"op {op.name!r}: identity does not take {dtype}: {error}") from error
    if not isinstance(given, NUMBERS):
        raise TypeError(f"op {op.name!r}: identity must give a number, got {given!r} for {dtype}")
    try:
        with np.errstate(all="ignore"):
            held = dtype.kind in "fc" or bool(dtype.type(given) == given)
    except (OverflowError, ValueError, TypeError):
        held = False
    if not held:
        raise TypeError(f"op {op.name!r}: identity gives {given!r}, which {dtype} cannot hold")


def _rank(dtype: np.dtype) -> int:
    return RANKS["f" if is_half(dtype) else dtype.kind]


def _try(op: PoolOp, name: str, holder: str, dtype: np.dtype, *args: Any) -> None:
    function = getattr(op, name)
    if function is None:
        return
    try:
        with np.errstate(all="ignore"):
            given = function(*args)
    except OverflowError as error:
        raise TypeError(
            f"op {op.name!r}: {name} does not work on {called(dtype)}: {error}; say of which type "
            f"`{holder}` is"
        ) from None
    except Exception:  # what is only for the compiler to do, it says
        return
    if not isinstance(given, NUMBERS):
        raise TypeError(
            f"op {op.name!r}: {name} must give a number, got {given!r} for {called(dtype)}"
        )
    if RANKS[np.asarray(given).dtype.kind] > _rank(dtype):
        raise TypeError(
            f"op {op.name!r}: {name} gives {type(given).__name__}, which {called(dtype)} cannot "
            f"hold: give the op a function `{holder}` that says np.dtype('float64'), say"
        )
