"""How small windows are laid out in vectors, and in which order a task goes over its rows."""

from __future__ import annotations

from typing import NamedTuple

from ..geometry import Sliding
from .machine import MASKS, STREAMS

TILE_BYTES = 16 * 1024
#: Strips of two registers spare half of the loop, but for what lies past the last output.
MOST_LEFT_OVER = 1.125
#: A task reads so many bytes; tasks of few rows would fold many again that their windows share.
TASK_BYTES, FEWEST_ROWS = 64 * 1024, 8
#: What is written soon follows what is read: after so many bytes of both, or so many rows.
SOON, FEWEST = 12 * 1024, 2
#: Arrays of more bytes are beyond the second cache, or come from memory. Rows are delivered from
#: there up to twice as fast in their order.
BEYOND, FAR = 2 * 1024 * 1024, 28 * 1024 * 1024
#: Planes up to so many bytes are pooled strip by strip: where strips keep the rows that windows
#: share in registers, where the first strip fetches a plane for the others, and from memory. Found
#: on a processor with AVX-512 and on one without.
NEAR_OVERLAPPING, NEAR, NEAR_FROM_FAR = 128 * 1024, (32 if MASKS else 14) * 1024, 6 * 1024
#: Rows up to so many bytes come from memory in their order, about, if those of a window are read at
#: once.
SHORT = 512
#: Output rows of at least so many bytes are stored past the caches, where arrays have so many, if
#: they begin at multiples of 16.
STREAMED, STREAMED_FROM, ALIGNED = 128, 48 * 1024 * 1024, 16
#: Rows of a window that are longer together are folded again rather than kept.
MOST_KEPT = 1024 * 1024
#: Small planes are not foreseen: tasks of so many bytes ask for those of a later one.
MOST_FETCHED, TASKS_AHEAD = 2560, 4
#: Planes of one row are pooled as the rows of one: as many of them as have a short table, in enough
#: tasks for every thread.
MOST_LINES, FEWEST_TASKS = 4096, 64


class Lanes(NamedTuple):
    """What the lanes of a vector hold: ``cells`` outputs of each of ``planes`` planes.

    Where a row of outputs fits, all that its windows take is one vector of ``reach`` inputs; else
    ``reach`` is 0, and a row is strips of ``cells``.
    """

    cells: int
    planes: int
    reach: int
    inside: bool = False  # whether a row has all that its windows take, or its strips read

    @classmethod
    def of(cls, across: Sliding, planes: int, most: int, widest: int) -> Lanes:
        """For vectors of ``most`` lanes, or, in strips, of up to ``widest``."""
        cells, kernel, stride = len(across), across.kernel, across.stride
        taken = stride * (cells - 1) + kernel
        if cells > most:
            lanes = cls(strip(cells, most, widest), 1, 0)
            read = (cells - lanes.cells) * stride + lanes.span(kernel, stride)
            return lanes._replace(inside=across.before == 0 and read <= across.size)
        row = max(_power_of_two(cells), most // 4)
        # All or one: each number of planes is a kernel to compile.
        side_by_side = most // row if planes >= most // row else 1
        return cls(row, side_by_side, max(_power_of_two(taken), row), across.unpadded)

    def span(self, kernel: int, stride: int) -> int:
        """How many neighbours are read at most for the windows of a vector."""
        return max(self.reach, stride * self.cells, stride * (self.cells - 1) + kernel)

    @property
    def all(self) -> int:
        return self.cells * self.planes


class Order(NamedTuple):
    """How a task goes over its rows: strip by strip, or whole rows.

    Those of a window may be ``waiting`` in a tile: all but the last one, or, if it is all of them,
    those of all windows of the task.
    """

    by_strip: bool
    waiting: int
    held: int  # rows that a window has in common with the next one, which are not folded again
    joined: bool = False  # the rows of a window are folded down before across
    inside: bool = False  # no row of a window lies outside: none is looked up
    streams: bool = False  # whole vectors are stored past the caches

    @classmethod
    def of(
        cls, down: Sliding, narrow: bool, plane: int, everything: int, free: bool, row_out: int
    ) -> Order:
        """For planes of so many bytes; ``everything`` are the bytes of all arrays.

        An output row has ``row_out``, or 0 if it has an index map.

        Outputs of a row that is ``narrow`` fit in the widest vector of any machine, so that sums
        meet in one order on all. Rows that are ``free`` may meet in any order, wherever they are.
        """
        order = cls._of(down, narrow, plane, everything)
        # Reading a row again costs less than folding two of them across.
        if free and order.by_strip and down.stride > 1:
            order = order._replace(held=0)
        joined = free and down.kernel > 1 and not (order.held or order.waiting)
        streams = STREAMS and everything > STREAMED_FROM and row_out >= STREAMED
        return order._replace(
            joined=joined,
            inside=type(down) is Sliding and down.unpadded,
            streams=streams and row_out % ALIGNED == 0 and not (narrow or order.by_strip),
        )

    @classmethod
    def _of(cls, down: Sliding, narrow: bool, plane: int, everything: int) -> Order:
        held, kernel = max(down.kernel - down.stride, 0), down.kernel
        near = NEAR if everything > BEYOND or not held else NEAR_OVERLAPPING
        far = everything > FAR
        if narrow or plane <= (NEAR_FROM_FAR if far else near):
            return cls(True, 0, held)
        if kernel < max(down.stride, 2) or kernel * plane > MOST_KEPT * down.size:
            return cls(False, 0, 0)
        if held:
            return cls(False, kernel - 1, held)
        if far:
            return cls(False, 0 if plane <= SHORT * down.size else kernel, 0)
        in_turn = everything > BEYOND and plane > NEAR_OVERLAPPING
        return cls(False, (kernel - 1) * in_turn, 0)


def strip(cells: int, most: int, widest: int) -> int:
    """Lanes of a strip: ``widest`` rather than ``most`` where few are left over."""
    wide, narrow = (-(-cells // lanes) * lanes for lanes in (widest, most))
    return widest if cells >= widest and wide <= narrow * MOST_LEFT_OVER else most


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def task_rows(stride: int, most: int, row: int, moved: int) -> int:
    """Output rows in a task, whose input rows have so many bytes.

    Where all of them are read before any is written, so many bytes are ``moved`` for a row; else 0.
    """
    rows = SOON // moved if moved else max(TASK_BYTES // (stride * row), FEWEST_ROWS)
    return min(max(rows, FEWEST), most)


def rows_of(lines: int) -> int:
    """As how many rows of a plane so many lines are pooled."""
    return next(rows for rows in range(min(lines, MOST_LINES), 0, -1) if lines % rows == 0)


def fetched(lanes: Lanes, plane: int, everything: int) -> int:
    """How many bytes of a later task each one asks for."""
    task = lanes.planes * plane
    return task if lanes.reach and task <= MOST_FETCHED and everything > BEYOND else 0


def extent(
    planes: int, walk: tuple[int, int, int], height: int, by_row: int, width: int
) -> int:
    """Elements from the first to behind the last: whatever lies between can be read."""
    channels, by_batch, by_channel = walk
    last = planes - 1
    plane = last // channels * by_batch + last % channels * by_channel
    return plane + (height - 1) * by_row + width
