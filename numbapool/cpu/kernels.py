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
from .across import MOST_LANES, Runs
from .scalars import scalars, stored

#: Windows up to this size have machine code of their own: nearly all of real models.
SMALL = 5


MAKERS: dict[str, Callable[..., Any]] = {
    "rows": rows.make_rows,
    "bins": bins.make_bins,
}


WALK = (frame.CHANNELS, frame.BY_BATCH, frame.BY_CHANNEL, frame.BY_ROW, frame.END)


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
    op: PoolOp, axes: tuple[Axis, ...], planes: int, walk: tuple[int, int, int, int, int],
    dtype: np.dtype, index_dtype: np.dtype | None, divisor: int | None,
) -> Program:  # fmt: skip
    """How to pool ``planes`` planes; ``walk`` is (channels, by_batch, by_channel, by_row, end)."""
    down, across = axes if len(axes) == 2 else (UNIT, axes[0])
    accumulator = stored(op.accumulator(dtype))
    lane = np.int32 if down.size * across.size <= np.iinfo(np.int32).max else np.int64
    index = np.int64 if index_dtype is None else index_dtype.type
    items = accumulator.itemsize + np.dtype(lane).itemsize
    words = dict.fromkeys(frame.FIELDS, 0)
    words |= zip(WALK, walk, strict=True)
    name, task_rows = _choose(down, across), 1
    window: tuple[Any, ...] = ()
    if name == "rows":
        assert isinstance(down, Sliding)
        assert isinstance(across, Sliding)
        window = ((down.kernel, across.kernel), across.stride)
        runs = Runs.of(across.kernel, across.stride)
        count = runs.count(len(across))
        pitch = count + 2 * MOST_LANES
        task_rows, room = rows.tiling(
            down.kernel, down.stride, len(across), len(down), accumulator.itemsize
        )
        words[frame.BEFORE], words[frame.DOWN_STRIDE] = down.before, down.stride
        words[frame.LEFT], words[frame.RUNS], words[frame.PITCH] = across.before, count, pitch
        words[frame.INSIDE_FIRST], words[frame.INSIDE_LAST] = across.inside(runs.taps, count)
        scratch = 2 * room * pitch * items
    else:
        room = pile.depth(int(max(_taps(down).max(), _taps(across).max())))
        scratch = room * (across.size * items + 2 * pile.LINE * items)
    both = (down, across)
    counts = [axis.count(_cells(axis)) for axis in both]
    if divisor is not None:
        counts = [np.full(len(down), divisor), np.ones(len(across))]
    tables = (
        *(np.stack(axis.interval(_cells(axis)), 1) for axis in both),
        # Rows are folded past their end: there is a divisor for what nobody reads.
        *(np.pad(n, (0, MOST_LANES), constant_values=1).astype(accumulator) for n in counts),
    )
    addresses = (frame.ROWS, frame.COLS, frame.DOWN_COUNTS, frame.ACROSS_COUNTS)
    for field, table in zip(addresses, tables, strict=True):
        words[field] = table.ctypes.data
    words |= {
        frame.HEIGHT: down.size,
        frame.WIDTH: across.size,
        frame.HEIGHT_OUT: len(down),
        frame.CELLS: len(across),
        frame.TASK_ROWS: task_rows,
        frame.ROOM: room,
        frame.STEP: down.step,
        frame.STEP_ACROSS: across.step,
    }
    return Program(
        name,
        _kernel(name, op, dtype, index_dtype is not None, lane, index, *window),
        np.array(list(words.values()), np.int64),
        scratch + 8 * frame.LINE,
        planes * -(-len(down) // task_rows),
        tables,
    )
