"""Large windows that overlap: one axis after the other, so taps cost their sum, not product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .. import spans
from ..geometry import Axis, Laid, Sliding, lengths, merged, still
from ..ops import PoolOp
from ..ops.base import as_it_is

#: Passes are worth their bytes where they take this share of the taps of windows as they are.
WORTH = 0.5


@dataclass(frozen=True, eq=False)
class Done:
    """An axis that was pooled before: each window is an input now, and counts what it did."""

    axis: Axis
    step = 1

    @property
    def size(self) -> int:
        return len(self.axis)

    def __len__(self) -> int:
        return len(self.axis)

    def interval(self, cell: Any) -> tuple[Any, Any]:
        return cell, cell + 1

    def count(self, cell: Any) -> Any:
        return self.axis.count(cell)


class Pass(NamedTuple):
    """What is pooled over which axes, and how the input lies."""

    op: PoolOp
    axes: tuple[Laid, ...]
    walk: tuple[int, int, int]
    dtype: np.dtype
    result: np.dtype


@cache
def _first(op: PoolOp, kind: np.dtype) -> PoolOp:
    """``op`` without its end: what is folded goes on to another pass."""
    return replace(op, finish=as_it_is, scale=None, result=lambda dtype: kind)


@cache
def _further(op: PoolOp, kind: np.dtype) -> PoolOp:
    """``op`` between its ends, of what was folded before."""
    return replace(_first(op, kind), lift=None, accumulator=lambda dtype: kind)


@cache
def _last(op: PoolOp, kind: np.dtype, result: np.dtype) -> PoolOp:
    """``op`` without its beginning."""
    return replace(op, lift=None, accumulator=lambda dtype: kind, result=lambda dtype: result)


def passes(
    op: PoolOp, axes: Sequence[Laid], planes: int, walk: tuple[int, int, int], dtype: np.dtype
) -> list[Pass]:
    """The passes that pool these axes, the last one first; none where they are not worth it."""
    plain = [laid.axis for laid in axes]
    pooled = [number for number, axis in enumerate(plain) if not still(axis)]
    sliding = all(isinstance(axis, Sliding) and axis.step == 1 for axis in plain)
    if len(pooled) < 2 or not sliding:
        return []
    sizes, windows = [axis.size for axis in plain], lengths(plain)
    taps = [int(spans.taps(axis).max()) for axis in plain]
    apart = sum(prod(sizes[:n]) * prod(windows[n:]) * taps[n] for n in pooled)
    if apart > WORTH * prod(windows) * prod(taps):
        return []
    kind, found = op.accumulator(dtype), list[Pass]()
    for number in reversed(pooled):
        begins, ends = number == pooled[-1], number == pooled[0]
        here = list(axes)
        if not begins:
            here = _dense(plain, number)
            walk = (planes, 0, prod(laid.axis.size for laid in here))
        laid = [
            this._replace(axis=Sliding(this.axis.size, 1)) if n < number else this
            for n, this in enumerate(here)
        ]
        how = _first(op, kind) if begins else _further(op, kind)
        how = _last(op, kind, op.result(dtype)) if ends else how
        along = merged(laid, True)
        found.append(Pass(how, tuple(along), walk, dtype if begins else kind, how.result(dtype)))
    return found


def _dense(plain: Sequence[Axis], number: int) -> list[Laid]:
    """The axes as they lie after those behind ``number`` were pooled."""
    axes = [Done(axis) if n > number else axis for n, axis in enumerate(plain)]
    found, by = list[Laid](), 1
    for axis in reversed(axes):
        found.append(Laid(axis, by, 0))  # type: ignore[arg-type]
        by *= axis.size
    return found[::-1]
