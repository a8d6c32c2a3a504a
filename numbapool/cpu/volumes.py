"""Which kernels pool more than two axes: one for the slices, and one that folds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from math import prod

import numpy as np

from ..geometry import Axis, Laid, lengths, still
from ..ops import PoolOp
from ..ops.base import as_it_is
from . import frame, kernels
from .frame import LINE
from .kernels import Program
from .machine import VECTOR
from .nearest import stacked
from .scalars import stored
from .tables import divisors

#: Bytes of pooled slices that are kept for the windows that share them: part of a second cache.
SLOTS = 256 * 1024


@cache
def unfinished(op: PoolOp) -> PoolOp:
    """``op`` up to its finish: what slices are pooled to."""
    if op.finish is as_it_is and op.result is op.accumulator:
        return op
    return dataclasses.replace(op, finish=as_it_is, scale=None, result=op.accumulator)


def _blocks(intervals: np.ndarray, rows: int) -> np.ndarray:
    """The first slice that each run of so many windows takes, and the end of its slices."""
    starts = range(0, len(intervals), rows)
    some = np.where(intervals[:, :1] < intervals[:, 1:], intervals, [[np.iinfo(np.int64).max, 0]])
    low = np.minimum.reduceat(some[:, 0], starts)
    high = np.maximum.reduceat(some[:, 1], starts)
    return np.stack([np.minimum(low, high), high], 1)


def _rows_in_task(outer: Axis, intervals: np.ndarray, slot: int) -> int:
    """As many windows as have room for their slices, so that those are pooled once."""
    low, high = intervals.T
    extent = int((high - low).max())
    stride = max(int(np.diff(low).max(initial=0)), 1)
    if stride >= extent:  # nothing is shared
        return 1
    return min(max((SLOTS // slot - extent) // stride + 1, 1), len(outer))


def program(
    op: PoolOp, axes: Sequence[Laid], planes: int, walk: tuple[int, int, int], dtype: np.dtype,
    index_dtype: np.dtype | None, divisor: int | None, alone: bool = False,
) -> Program:  # fmt: skip
    """How to pool ``planes`` volumes; ``walk`` is (channels, by_batch, by_channel).

    Where they are ``alone``, no task of one is a task of another.
    """
    axes = stacked(axes) or axes
    if len(axes) <= 2:
        return kernels.program(op, axes, planes, walk, dtype, index_dtype, divisor, alone)
    (outer, by_slice, by_place), *inside = axes
    inner = [laid.axis for laid in inside]
    channels, by_batch, by_channel = walk
    if still(outer) and index_dtype is None and by_channel == outer.size * by_slice and not alone:
        walk = (channels * outer.size, by_batch, by_slice)
        return program(op, inside, planes * outer.size, walk, dtype, None, divisor)
    cells = prod(lengths(inner))
    accumulator = stored(op.accumulator(dtype))
    lane = kernels.lane_of(axes)
    lane_item = np.dtype(lane).itemsize
    indexed = index_dtype is not None
    cell = accumulator.itemsize + (lane_item if indexed else 0)
    intervals = np.stack(outer.interval(np.arange(len(outer), dtype=np.int64)), 1)
    shared = _rows_in_task(outer, intervals, cells * cell) == len(outer)
    together = shared and outer.size * cells * cell <= SLOTS
    slices = program(
        unfinished(op), inside, outer.size, (outer.size, 0, by_slice), dtype,
        np.dtype(lane) if indexed else None, None, alone=not together,
    )  # fmt: skip

    tiles, band = 1, cells
    if not together and slices.inner is None:
        tiles = slices.tasks // outer.size
        band = int(slices.frame[frame.TASK_ROWS]) * len(inner[-1])
    rows = len(outer) if together else _rows_in_task(outer, intervals, band * cell)
    blocks = np.array([[0, outer.size]]) if together else _blocks(intervals, rows)
    room = int((blocks[:, 1] - blocks[:, 0]).max())

    most = VECTOR // max(accumulator.itemsize, lane_item if indexed else 1)
    counts, scaled = divisors(op, [outer, *inner], divisor, accumulator)
    tables = {frame.ROWS: intervals, frame.COLS: blocks}
    uneven = any(np.ptp(count) for count in counts[1:])
    if uneven:
        *lines, across = counts
        down = lines[0]
        for count in lines[1:]:
            down = np.outer(down, count).ravel()
        tables[frame.DOWN_COUNTS] = down
        tables[frame.ACROSS_COUNTS] = np.pad(across, (0, most), constant_values=1)
    elif counts:
        tables[frame.DOWN_COUNTS] = counts[0] * prod(count[0] for count in counts[1:])

    index: type = np.int64 if index_dtype is None else index_dtype.type
    kernel = kernels.kernel(
        "slices", op, dtype, indexed, lane, index, scaled, False, most, together, uneven
    )
    slot = cells if together else -(-band // most) * most
    scratch = slices.frame[frame.SCRATCH] + (slot * room + most) * cell
    stack = 2 * LINE * max(room, 1).bit_length()

    def exact() -> int:
        slices.complete()
        return kernel

    return kernels.assembled(
        "slices",
        {
            frame.SCRATCH: int(scratch) + stack,
            frame.KERNEL: kernel,
            frame.TASKS: planes * len(blocks) * tiles,
            frame.CHANNELS: channels,
            frame.BY_BATCH: by_batch,
            frame.BY_CHANNEL: by_channel,
            frame.PLANES: planes,
            frame.HEIGHT: outer.size,
            frame.PLACE_DOWN: by_place,
            frame.HEIGHT_OUT: len(outer),
            frame.CELLS: cells,
            frame.TASK_ROWS: rows,
            frame.ROOM: room,
            frame.PANEL: len(inner[-1]),
            frame.STEP: outer.step,
            frame.INNER: slices.address,
            frame.TILES: tiles,
            frame.BAND: band,
        },
        tables,
        planes * slices.work,
        exact,
        slices,
    )
