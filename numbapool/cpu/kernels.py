"""Which kernel runs which windows, compiled on first use."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..geometry import UNIT, Axis, Sliding
from ..jit import compile_kernel
from ..ops import PoolOp
from . import bins, frame, pile, rows
from .scalars import scalars, stored

#: Windows up to this size have machine code of their own: nearly all of real models.
SMALL = 5


MAKERS: dict[str, Callable[..., Any]] = {
    "rows": rows.make_rows,
    "bins": bins.make_bins,
}


class Program(NamedTuple):
    """A kernel, its frame but for the arrays of a call, and how much there is to do."""

    name: str
    kernel: int  # its address: kernel(frame, scratch, first, last)
    frame: np.ndarray
    scratch: int  # bytes that it needs to itself
    tasks: int
    tables: tuple[np.ndarray, ...]  # what addresses in the frame point to


@cache
def _kernel(
    name: str, op: PoolOp, dtype: np.dtype, indexed: bool, lane: type, index: type, *window: Any
) -> Any:
    s = scalars(op, dtype, lane, index)
    return compile_kernel(MAKERS[name](s, *window, indexed))


def _cells(axis: Axis) -> np.ndarray:
    return np.arange(len(axis), dtype=np.int64)


def _taps(axis: Axis) -> np.ndarray:
    """How many taps the windows of an axis have inside the input."""
    low, high = axis.interval(_cells(axis))
    return -((low - high) // axis.step)


def _choose(down: Axis, across: Axis) -> str:
    if (
        isinstance(down, Sliding)
        and isinstance(across, Sliding)
        and down.dilation == across.dilation == 1
        and max(down.kernel, across.kernel, across.stride) <= SMALL
        # Others share one kernel: every window compiled costs a second, once.
        and (down.kernel == across.kernel or 1 in (down.kernel, across.kernel))
        and len(across) > 1
    ):
        return "rows"
    return "bins"


def program(
    op: PoolOp, axes: tuple[Axis, ...], planes: int, strides: tuple[int, int, int, int],
    dtype: np.dtype, index_dtype: np.dtype | None, divisor: int | None,
) -> Program:  # fmt: skip
    """How to pool ``planes`` planes; ``strides`` are (channels, by_batch, by_channel, by_row)."""
    down, across = axes if len(axes) == 2 else (UNIT, axes[0])
    accumulator = stored(op.accumulator(dtype))
    lane = np.int32 if down.size * across.size <= np.iinfo(np.int32).max else np.int64
    index = np.int64 if index_dtype is None else index_dtype.type
    name, task_rows = _choose(down, across), 1
    window: tuple[Any, ...] = ()
    words = dict.fromkeys(frame.FIELDS, 0)
    if name == "rows":
        assert isinstance(down, Sliding)
        assert isinstance(across, Sliding)
        window = ((down.kernel, across.kernel), across.stride)
        task_rows, room = rows.tiling(
            down.kernel, down.stride, len(across), len(down), accumulator.itemsize
        )
        words[frame.BEFORE], words[frame.DOWN_STRIDE] = down.before, down.stride
        words[frame.INSIDE_FIRST], words[frame.INSIDE_LAST] = across.interior
    else:
        room = pile.depth(int(max(_taps(down).max(), _taps(across).max())))
    both = (down, across)
    counts = [axis.count(_cells(axis)) for axis in both]
    if divisor is not None:
        counts = [np.full(len(down), divisor), np.ones(len(across))]
    tables = (
        *(np.stack(axis.interval(_cells(axis)), 1) for axis in both),
        *(count.astype(accumulator) for count in counts),
    )
    addresses = (frame.ROWS, frame.COLS, frame.DOWN_COUNTS, frame.ACROSS_COUNTS)
    for field, table in zip(addresses, tables, strict=True):
        words[field] = table.ctypes.data
    words |= {
        frame.CHANNELS: strides[0],
        frame.BY_BATCH: strides[1],
        frame.BY_CHANNEL: strides[2],
        frame.BY_ROW: strides[3],
        frame.HEIGHT: down.size,
        frame.WIDTH: across.size,
        frame.HEIGHT_OUT: len(down),
        frame.CELLS: len(across),
        frame.TASK_ROWS: task_rows,
        frame.ROOM: room,
        frame.STEP: down.step,
        frame.STEP_ACROSS: across.step,
    }
    # Enough for every kernel: a tile or a stack, and two rows, of values and of indices.
    widest = max(across.size, len(across), pile.LINE)
    items = accumulator.itemsize + np.dtype(lane).itemsize
    scratch = (room + 2) * widest * items + 8 * frame.LINE
    return Program(
        name,
        _kernel(name, op, dtype, index_dtype is not None, lane, index, *window),
        np.array(list(words.values()), np.int64),
        scratch,
        planes * -(-len(down) // task_rows),
        tables,
    )
