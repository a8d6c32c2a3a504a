"""What kernels look up: the input behind each tap, windows, and what averages divide by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..geometry import Axis
from ..ops import PoolOp
from ..ops.base import as_it_is
from ..spans import cells
from . import frame
from .nearest import nearest
from .order import Lanes


def divisors(
    op: PoolOp, axes: Sequence[Axis], divisor: int | None, accumulator: np.dtype
) -> tuple[list[np.ndarray], bool]:
    """What to divide by, a factor of each axis; or, if the second is true, to multiply by."""
    if op.finish is as_it_is:
        return [], False
    factors = [axis.count(cells(axis)) for axis in axes]
    if divisor is not None:
        factors = [np.ones(len(axis)) for axis in axes]
        factors[0] *= divisor
    halves = [np.abs(np.frexp(factor)[0]) == 0.5 for factor in factors]
    scaled = op.scale is not None and all(map(np.all, halves))
    made = [factor.astype(accumulator) for factor in factors]
    return [1 / factor for factor in made] if scaled else made, scaled


def lookups(
    axes: tuple[Axis, Axis], name: str, counts: Sequence[np.ndarray], lanes: Lanes,
    lane: type, place: int, indexed: bool, selects: bool,
) -> dict[int, np.ndarray]:  # fmt: skip
    """Intervals and divisors by their field, those that the kernel reads."""
    found = {}
    if name in ("rows", "doubling"):
        found = {frame.ROWS: nearest(axes[0], 0, selects).astype(np.int64)}
    if name == "doubling" and indexed:
        beyond = 2 * (lanes.cells + axes[1].step)
        column = nearest(axes[1], beyond, selects)
        found[frame.COLS] = np.where(column < 0, column, column * place).astype(lane)
    if name == "bins":
        intervals = [np.stack(axis.interval(cells(axis)), -1) for axis in axes]
        planes = np.broadcast_shapes(*(each.shape[:-2] for each in intervals))
        for field, each in zip((frame.ROWS, frame.COLS), intervals, strict=True):
            found[field] = np.ascontiguousarray(np.broadcast_to(each, planes + each.shape[-2:]))
    if counts:
        down, across = counts
        if lanes.reach:
            padded = np.pad(across, (0, lanes.cells - len(across)), constant_values=1)
            across = np.tile(padded, lanes.planes)
        across = np.pad(across, (0, lanes.cells), constant_values=1)
        found |= {frame.DOWN_COUNTS: down, frame.ACROSS_COUNTS: across}
    return found
