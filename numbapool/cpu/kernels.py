"""Which kernel runs which windows, compiled on first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from ..geometry import UNIT, Axis, Laid, Sliding, covered, still
from ..jit import compile_kernel
from ..ops import PoolOp
from ..ops.base import is_half
from ..spans import taps
from . import (
    bins,
    columns,
    digits,
    doubling,
    ends,
    frame,
    gather,
    pixels,
    rows,
    slices,
    turned,
    whole,
)
from .extremes import by_extremes
from .frame import LINE
from .machine import MASKS, VECTOR
from .nearest import Stacked
from .order import (
    FEWEST_TASKS,
    Lanes,
    Order,
    extent,
    fetched,
    rows_of,
    task_rows,
)
from .scalars import may_be_blind, scalars, stored
from .tables import divisors, lookups

#: Windows up to this size have machine code of their own: nearly all of real models.
SMALL = 5

MAKERS: dict[str, Callable[..., Any]] = {
    "rows": rows.make_rows,
    "turned": turned.make_turned,
    "doubling": doubling.make_doubling,
    "bins": bins.make_bins,
    "whole": whole.make_whole,
    "slices": slices.make_slices,
    "gather": gather.make_gather,
    "pixels": pixels.make_pixels,
}


#: Rows of larger windows are folded one by one while, in the mean, no more of them share an input,
#: if nothing is to be folded across, or in registers.
MOST_AGAIN = 5

#: Nanoseconds that a kernel takes for every element of four bytes, about, with vectors of 64 bytes;
#: `rows` takes more for every fold.
WORK = {"rows": 0.05, "turned": 1, "doubling": 2, "bins": 0.2, "whole": 0.08}
FOLD, FOLD_INDEXED = 0.02, 0.05
TASK = 7.0  # and for a task

#: Those that can be blind to NaN, and stop where they meet one: half of the instructions.
BLIND = ("rows", "doubling", "turned", "bins", "whole")

#: How a kernel gets from plane to plane: channels in a batch, and elements.
WALK = (frame.CHANNELS, frame.BY_BATCH, frame.BY_CHANNEL)


class Program(NamedTuple):
    """All that a kernel is told but for the arrays of a call, and how much there is to do."""

    name: str
    address: int  # of the frame
    frame: np.ndarray
    tasks: int
    work: float  # nanoseconds on one thread, about
    tables: tuple[np.ndarray, ...]  # what addresses in the frame point to
    exact: Callable[[], int]  # the kernel for what this one leaves, compiled when it is needed
    inner: Program | None = None  # the slices' own

    def complete(self) -> None:
        """From now on, what the kernel leaves is done by the exact one."""
        self.frame[frame.EXACT] = self.exact()


@cache
def kernel(
    name: str, op: PoolOp, dtype: np.dtype, indexed: bool, lane: type, index: type, scaled: bool,
    blind: bool, *window: Any,
) -> Any:  # fmt: skip
    s = scalars(op, dtype, lane, index, blind, scaled)
    if name == "rows" and blind and s.key is not None:
        s = by_extremes(s, op, dtype)
    return compile_kernel(MAKERS[name](s, *window, indexed))


def _is_whole(axis: Axis) -> bool:
    return axis.step == 1 and covered(axis)


def _choose(
    down: Axis, across: Axis, planes: int, all_lanes: int, lanes: int, sizes: tuple[int, int],
    held: bool,
) -> str:  # fmt: skip
    if (
        planes >= all_lanes
        and down.size == 1
        and across.size <= whole.VECTORS * all_lanes
        and _is_whole(down)
        and _is_whole(across)
    ):
        return "whole"
    if isinstance(down, Stacked):
        return "rows"
    if not isinstance(down, Sliding) or not isinstance(across, Sliding) or len(across) == 1:
        return "bins"
    if (
        down.dilation == across.dilation == 1
        and max(down.kernel, across.kernel, across.stride) <= SMALL
        # Others share one kernel: every window compiled costs a second, once.
        and (down.kernel == across.kernel or 1 in (down.kernel, across.kernel))
    ):
        return "rows"
    if (held or still(across)) and taps(down).sum() <= MOST_AGAIN * down.size:
        return "bins"
    # Doubling folds the inputs between windows, too.
    small = across.stride <= SMALL and doubling.Tiling.of(down, across, lanes, *sizes).fits
    return "doubling" if small else "bins"


def _lay_rows(
    down: Sliding, across: Sliding, order: Order, lanes: Lanes, item: int, lane: int, row: int,
    moved: int, most_rows: int,
) -> tuple[dict[int, int], int]:
    """What the frame of small windows says, and the bytes of scratch."""
    at_once = order.waiting == down.kernel
    rows = task_rows(down.stride, most_rows, row, moved if at_once else 0)
    room = order.waiting * (rows if at_once else 1) * -(-len(across) // lanes.cells)
    words = {
        frame.TASK_ROWS: rows,
        frame.ROOM: room,
        frame.LEFT: across.before,
        frame.DOWN_STRIDE: down.stride,
    }
    return words, room * lanes.all * (item + lane)


def _lay_doubling(down: Sliding, across: Sliding, tiling: doubling.Tiling) -> dict[int, int]:
    """What the frame of large windows says."""
    return {
        frame.TASK_ROWS: tiling.task_rows,
        frame.ROOM: tiling.room,
        frame.PANEL: tiling.panel,
        frame.BEFORE: down.before,
        frame.LEFT: across.before,
        frame.DOWN_STRIDE: down.stride,
        frame.KERNEL_DOWN: down.kernel,
        frame.KERNEL_ACROSS: across.kernel,
    }


def _work(name: str, down: Axis, across: Axis, indexed: bool) -> float:
    """Nanoseconds an element of four bytes."""
    if name != "rows":
        return WORK[name]
    assert isinstance(down, Sliding)
    assert isinstance(across, Sliding)
    folds = across.kernel / across.stride + down.kernel / (down.stride * across.stride)
    return WORK[name] + folds * (FOLD_INDEXED if indexed else FOLD)


def lane_of(axes: Sequence[Laid]) -> type:
    """What the places of an index map fit in."""
    last = sum((laid.axis.size - 1) * max(laid.place, 1) for laid in axes)
    return np.int32 if last < np.iinfo(np.int32).max else np.int64


def assembled(
    name: str, words: dict[int, int], tables: dict[int, np.ndarray], work: float,
    exact: Callable[[], int], inner: Program | None = None,
) -> Program:  # fmt: skip
    """The program whose frame holds these words, and the addresses of these tables."""
    # Every array of a kernel begins a cache line, and so does every thread's part.
    words[frame.SCRATCH] = -(-words[frame.SCRATCH] // frame.LINE) * frame.LINE + 8 * frame.LINE
    words[frame.WORK] = int(work)
    words |= {field: table.ctypes.data for field, table in tables.items()}
    block = np.zeros(len(frame.FIELDS), np.int64)
    block[list(words)] = list(words.values())
    return Program(
        name, block.ctypes.data, block, words[frame.TASKS], work, tuple(tables.values()), exact,
        inner,
    )  # fmt: skip


def program(
    op: PoolOp, axes: Sequence[Laid], planes: int, walk: tuple[int, int, int], dtype: np.dtype,
    index_dtype: np.dtype | None, divisor: int | None, alone: bool,
) -> Program:  # fmt: skip
    """How to pool ``planes`` planes; ``walk`` is (channels, by_batch, by_channel).

    Where they are ``alone``, each task is a part of one.
    """
    tall, broad = axes if len(axes) == 2 else (Laid(UNIT, 0, 0), axes[0])
    down, across = tall.axis, broad.axis
    accumulator = stored(op.accumulator(dtype))
    lane = lane_of(axes)
    indexed = index_dtype is not None
    index = np.int64 if index_dtype is None else index_dtype.type
    sizes = accumulator.itemsize, np.dtype(lane).itemsize
    even = planes == walk[0] or walk[1] == walk[0] * walk[2]
    if even:  # planes lie equally far apart: they are the channels of one batch
        walk = (planes, 0, walk[2])
    all_lanes = LINE // sizes[0]
    each = max(sizes) if indexed else sizes[0]  # in kernels with places in lanes
    most, widest = VECTOR // each, LINE // each
    beside = planes if even and not alone else 1
    as_they_are = sizes[0] == dtype.itemsize
    sought = indexed or is_half(op.accumulator(dtype))
    turns = beside > 1 and turned.pays(op, dtype, tall, broad, planes, most)
    held = not sought and bins.held(across, sizes[0], as_they_are)
    held &= 2 * across.size > 3 * all_lanes or not turns
    name = _choose(down, across, 1 if alone else planes, all_lanes, most, sizes, held)
    window: tuple[Any, ...] = ()
    tables: dict[int, np.ndarray] = {}
    if name == "doubling" and turns:
        assert isinstance(down, Sliding)
        assert isinstance(across, Sliding)
        name, lanes, window = "turned", Lanes(1, most, 0), (most, broad.place > 0)
        tables = {frame.ROWS: turned.pieces(down), frame.COLS: turned.pieces(across)}
        laid = {
            frame.TASK_ROWS: len(down),
            frame.KERNEL_DOWN: down.kernel,
            frame.KERNEL_ACROSS: across.kernel,
        }
        scratch = turned.scratch(down, across, most * sum(sizes))
    elif name == "rows":
        assert isinstance(down, Sliding)
        assert isinstance(across, Sliding)
        # Two wide strips are both at an edge, and their masks would not stay in registers.
        edges = len(across) <= 2 * widest and not across.unpadded and op.better is not None
        lanes = Lanes.of(across, beside, most, most if edges and not MASKS else widest)
        most_rows, row, apart = len(down), across.size * dtype.itemsize, 1
        cell = op.result(dtype).itemsize + (index_dtype.itemsize if index_dtype else 0)
        everything = planes * (down.size * row + len(down) * len(across) * cell)
        if len(axes) == 1 and even and not (alone or lanes.reach):
            # Lines are the rows of a plane: what a task costs is paid for several of them.
            lines, most_rows = rows_of(planes), max(planes // FEWEST_TASKS, 1)
            down, planes = Sliding(lines, 1), planes // lines
            tall, walk = Laid(down, walk[2], 0), (planes, 0, lines * walk[2])
        elif even and not alone:
            as_one = ends.as_one(tall, planes, walk[2], down.size * row, lanes, everything)
            if as_one:
                tall, planes, walk, places = as_one
                down, apart = tall.axis, lanes.planes
                tables[frame.PLACES] = np.repeat(places, lanes.cells, 1).astype(lane)
                assert isinstance(down, Sliding)
                most_rows = len(down)
        plane = down.size * row
        free = not isinstance(down, Stacked) and (
            down.unpadded if op.better is None
            else op.total and not indexed and dtype.kind in "iub"
        )
        row_out = 0 if indexed else len(across) * cell
        order = Order.of(down, len(across) <= widest, plane, everything, free, row_out)
        window = (down.kernel, across.kernel), across.stride, order, lanes, broad.place > 0
        window = *window, indexed and frame.PLACES in tables
        moved = down.stride * row + len(across) * cell
        laid, scratch = _lay_rows(down, across, order, lanes, *sizes, row, moved, most_rows)
        laid[frame.FETCHED] = fetched(lanes, plane, everything) // dtype.itemsize
        laid[frame.OUT_BY_ROW] = apart * len(across)
        laid[frame.OUT_BY_PLANE] = len(across) * (len(down) if apart == 1 else 1)
    elif name == "whole":
        lanes = Lanes(1, all_lanes, 0)
        window = all_lanes, whole.known(across.size, all_lanes, op.better is not None)
        laid, scratch = {frame.TASK_ROWS: 1}, all_lanes * LINE
    elif name == "doubling":
        assert isinstance(down, Sliding)
        assert isinstance(across, Sliding)
        most = doubling.lanes(across, most, widest)
        lanes, window = Lanes(most, 1, 0), (across.stride, most)
        panels = doubling.Tiling.of(down, across, most, *sizes)
        laid, scratch = _lay_doubling(down, across, panels), panels.scratch
    else:
        lanes = Lanes(all_lanes, 1, 0)
        unnumbered = broad.place == 0 or not indexed
        if still(across) and len(down) == 1 and even and unnumbered and not alone:
            bands = columns.bands(across.size, all_lanes, planes)
            across = Sliding(across.size // bands, 1)
            planes, walk = planes * bands, (bands, walk[2], across.size)
        laid, scratch, way, vectors = bins.lay(
            down, across, sizes[0], as_they_are, planes, alone, sought
        )
        window = not laid[frame.TILE_WIDTH], way, vectors
    shares, scaled = divisors(op, (down, across), divisor, accumulator)
    tables |= lookups(
        (down, across), name, shares, lanes, lane, broad.place, indexed, op.better is not None
    )
    if name == "bins":
        told = tables[frame.COLS]
        if way == bins.BY_DIGITS:
            told = digits.lookups(told, all_lanes, op.better is not None)
        tables[frame.WINDOWS] = told
        laid[frame.BY_WINDOWS] = told.nbytes // planes if laid[frame.OWN] else 0
    made = partial(kernel, name, op, dtype, indexed, lane, index, scaled)
    # Halves whose places are sought, for an index map or the first of two zeros, are all seen.
    seen = is_half(dtype) and (indexed or name in ("bins", "whole"))
    blind = name in BLIND and may_be_blind(op, dtype) and not seen
    tasks = -(-planes // lanes.planes) * -(-len(down) // laid[frame.TASK_ROWS])
    if name == "bins":
        tasks = -(-planes * len(down) // laid[frame.TASK_ROWS])
    words = dict(zip(WALK, walk, strict=True)) | laid
    words |= {
        frame.SCRATCH: scratch,
        frame.KERNEL: made(blind, *window),
        frame.TASKS: tasks,
        frame.BY_ROW: tall.by,
        frame.EXTENT: extent(planes, walk, down.size, tall.by, across.size),
        frame.PLACE_DOWN: tall.place,
        frame.PLACE_ACROSS: broad.place,
        frame.PLANES: planes,
        frame.HEIGHT: down.size,
        frame.WIDTH: across.size,
        frame.HEIGHT_OUT: len(down),
        frame.CELLS: len(across),
        frame.STEP: down.step,
        frame.STEP_ACROSS: across.step,
    }
    elements = planes * down.size * across.size
    work = elements * _work(name, down, across, indexed) * sizes[0] / 4 + tasks * TASK
    return assembled(name, words, tables, work, partial(made, False, *window))
