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
from .doubled import Tile, cost, tile

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
    tile: Tile | None = None  # where taps along an axis are not folded one by one

    @property
    def cells(self) -> int:
        """Outputs of a plane."""
        return prod(lengths([laid.axis for laid in self.axes]))

    @property
    def work(self) -> float:
        """What it costs, in taps."""
        plain = [laid.axis for laid in self.axes]
        taps: float = prod(int(spans.taps(axis).max()) for axis in plain)
        if self.tile:
            axis = plain[self.tile.along]
            assert isinstance(axis, Sliding)
            taps = cost(axis, self.tile.positions)
        return self.cells * taps


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
    if not pooled or not sliding:
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
        how = op
        if not ends:
            how = _first(op, kind) if begins else _further(op, kind)
        elif not begins:
            how = _last(op, kind, op.result(dtype))
        along, given = merged(laid, True), dtype if begins else kind
        made = tile(how, along, given)
        found.append(Pass(how, tuple(along), walk, given, how.result(dtype), made))
    if len(found) == 1:
        return found if found[0].tile else []
    whole = prod(len(axis) * int(spans.taps(axis).max()) for axis in plain)
    return found if sum(each.work for each in found) <= WORTH * whole else []


def _dense(plain: Sequence[Axis], number: int) -> list[Laid]:
    """The axes as they lie after those behind ``number`` were pooled."""
    axes = [Done(axis) if n > number else axis for n, axis in enumerate(plain)]
    found, by = list[Laid](), 1
    for axis in reversed(axes):
        found.append(Laid(axis, by, 0))  # type: ignore[arg-type]
        by *= axis.size
    return found[::-1]
