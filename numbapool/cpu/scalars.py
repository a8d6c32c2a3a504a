"""The op's scalars as the kernels call them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..fingerprints import fingerprint
from ..jit import inner, with_helpers
from ..ops import PoolOp
from ..ops.base import as_it_is, is_half
from ..ops.together import seen_together
from . import arithmetic, vector  # noqa: F401  the first teaches Numba what scalars do with vectors
from .half_scalars import fill, keys, make_narrow, make_widen
from .machine import MASKS
from .memory import INPUT, OUTPUT


class Across(NamedTuple):
    """How the taps of a row are folded."""

    start: Callable[..., Any]  # what is folded of a tap
    better: Callable[..., Any]
    combine: Callable[..., Any]
    end: Callable[..., Any]  # what is folded of a row
    unseen: Callable[..., Any]  # of what was watched in a row, and of what was folded there


class Scalars(NamedTuple):
    """Functions that compiled code may call, and what they work on."""

    combine: Callable[..., Any]
    better: Callable[..., Any]
    overrides: Callable[..., Any]
    # What a kernel that is blind does not see of two inputs: a mask of it, or numbers; of two of
    # those, the worse; whether it was met.
    watched: Callable[..., Any]
    worse: Callable[..., Any]
    met: Callable[..., Any]
    across: Across
    reduce: Callable[..., Any]  # all taps of a window
    lift: Callable[..., Any]
    widen: Callable[..., Any] | None  # halves to float32
    key: Callable[..., Any] | None  # of halves that are compared
    finish: Callable[..., Any]
    identity: Any
    fill: Any  # what counts as it, in the place of an input
    selects: bool
    divides: bool  # the result depends on the number of taps
    blind: bool  # to what is rare: a task that meets it is left to another kernel
    ambiguous: bool  # of other values that are equal: the first of them is looked for
    two_zeros: bool  # values that are equal and differ: 0.0 and -0.0
    source: type
    accumulator: type
    result: type
    lane: type  # of an index on its way
    index: type
    fingerprint: int


def _never(candidate: Any, best: Any) -> bool:
    return False


def _nothing(candidate: Any) -> Any:
    return candidate < candidate  # false, of a scalar and of every lane


def _better_or(better: Callable[..., Any], overrides: Callable[..., Any]) -> Callable[..., Any]:
    def either(candidate, best):
        return better(candidate, best) | overrides(candidate)

    return either


def _selecting(better: Callable[..., Any]) -> Callable[..., Any]:
    def combine(earlier, later):
        return vector.pick(better(later, earlier), later, earlier)

    return combine


def _overriding(better: Callable[..., Any], overrides: Callable[..., Any]) -> Callable[..., Any]:
    # One choice after the other takes an instruction less: the inner one is a maximum.
    def combine(earlier, later):
        best = vector.pick(better(later, earlier), later, earlier)
        return vector.pick(overrides(later), later, best)

    return combine


def _selection(
    op: PoolOp, dtype: np.dtype, blind: bool
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """``better(candidate, best)`` and ``combine(earlier, later)`` of an op, reckoned in a dtype."""
    if op.better is None:
        return inner(_never), with_helpers(op.combine or _never)
    if is_half(dtype):
        of_keys = keys(op, dtype)
        better = of_keys.larger if blind else of_keys.better
        return better, inner(_selecting(better))
    better, overrides = with_helpers(op.better), op.overrides
    if overrides is None or blind:
        return better, inner(_selecting(better))
    overrides = with_helpers(overrides)
    return inner(_better_or(better, overrides)), inner(_overriding(better, overrides))


def _as_it_is(tap: Any) -> Any:
    return tap


def _watched(
    op: PoolOp, accumulator: type, of_keys: bool, blind: bool
) -> Callable[..., Any]:
    """Of two inputs: whether one overrides, or, of keys, the lesser bits: -0.0 is the least."""
    overrides = with_helpers(op.overrides or _nothing)
    lift = with_helpers(op.lift or _as_it_is)
    if of_keys:
        return inner(_either)

    def of_tap(tap):
        return overrides(lift(vector.convert(tap, accumulator)))

    of_tap = inner(of_tap)

    def masked(one, other):
        return vector.either(of_tap(one), of_tap(other))

    def widened(one, other):
        return vector.wide(vector.either(of_tap(one), of_tap(other)), accumulator)

    # Without registers for masks, LLVM packs each one into bytes to keep it.
    wide = blind and not MASKS and np.dtype(accumulator).kind == "f"
    return inner(widened if wide else masked)


def _either(one: Any, other: Any) -> Any:
    return vector.either(one, other)


def _any(watched: Any) -> Any:
    return vector.some(watched)


def _watched_only(watched: Any, value: Any) -> Any:
    return watched


def _negative_zero(watched: Any) -> Any:
    return vector.some(watched == -32768)


def stored(dtype: np.dtype) -> np.dtype:
    """The type that kernels see: bool is a byte to them, 0 or 1, and halves are bits."""
    if is_half(dtype):
        return np.dtype(np.int16)
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def may_be_blind(op: PoolOp, dtype: np.dtype) -> bool:
    """Whether there are rare values that cost much: NaN, and a lower zero among keys."""
    if is_half(dtype):
        return op.better is not None and is_half(op.accumulator(dtype))
    return op.overrides is not None and dtype.kind == "f"


@cache
def make_taken(s: Scalars, role: int) -> Any:
    """What is folded of a tap, or of a vector of them; only those of the input are lifted.

    Those of the output are results of another kernel.
    """
    accumulator, lift, widen = s.accumulator, s.lift, s.widen
    if s.key is not None and role in (INPUT, OUTPUT):
        return s.key
    if role == INPUT and widen is not None:
        return inner(
            lambda taps: vector.convert(lift(vector.convert(widen(taps), accumulator)), accumulator)
        )
    if role != INPUT:
        return inner(lambda taps: vector.convert(taps, accumulator))
    return inner(lambda taps: vector.convert(lift(vector.convert(taps, accumulator)), accumulator))


def filling(op: PoolOp, dtype: np.dtype, reckoned: np.dtype) -> Any:
    """What stands for inputs that are not there: the identity, as far as their type has it."""
    if is_half(dtype):
        return fill(op, dtype)
    with np.errstate(all="ignore"):
        return np.asarray(op.identity(reckoned)).astype(stored(dtype))[()]


@cache
def scalars(
    op: PoolOp, dtype: np.dtype, lane: type, index: type, blind: bool, scaled: bool
) -> Scalars:  # fmt: skip
    """The scalars of ``op`` on inputs of ``dtype``."""
    reckoned, result = op.accumulator(dtype), op.result(dtype)
    better, combine = _selection(op, reckoned, blind)
    accumulator = stored(reckoned)
    finish = op.scale if scaled and op.scale else op.finish
    if is_half(result) and not is_half(reckoned):
        finish = make_narrow(result, finish)
    overrides, as_taken = with_helpers(op.overrides or _nothing), inner(_as_it_is)
    of_keys = keys(op, reckoned) if is_half(reckoned) else None
    if of_keys is not None:
        finish, overrides, nothing = of_keys.finish, of_keys.is_nan, of_keys.identity
    else:
        nothing = accumulator.type(op.identity(reckoned))
    source = stored(dtype).type
    return Scalars(
        combine=combine,
        better=better,
        overrides=overrides,
        watched=_watched(op, accumulator.type, of_keys is not None, blind),
        worse=inner(_either),
        met=inner(_any if of_keys is None else _negative_zero),
        across=Across(as_taken, better, combine, as_taken, inner(_watched_only)),
        reduce=seen_together(op, better, combine, with_helpers),
        lift=with_helpers(op.lift or _as_it_is),
        widen=make_widen(dtype) if is_half(dtype) and not is_half(reckoned) else None,
        key=of_keys and of_keys.key,
        finish=with_helpers(finish),
        identity=nothing,
        fill=filling(op, dtype, reckoned),
        selects=op.better is not None,
        divides=op.finish is not as_it_is,
        blind=blind,
        ambiguous=op.better is not None and (not op.total or is_half(reckoned)),
        two_zeros=op.better is not None and reckoned.kind == "f" and not is_half(reckoned),
        source=source,
        accumulator=accumulator.type,
        result=stored(result).type,
        lane=lane,
        index=index,
        fingerprint=fingerprint(op),
    )
