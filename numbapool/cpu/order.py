"""How small windows are laid out in vectors, and in which order a task goes over its rows."""

from __future__ import annotations

from typing import NamedTuple

from ..geometry import Sliding

TILE_BYTES = 16 * 1024
FEWEST_ROWS, FEWEST_FAR = 8, 2
#: Memory is fastest where what is written soon follows what is read: after so many bytes of both.
SOON = 12 * 1024
#: Planes up to so many bytes are pooled strip by strip, larger ones row by row; with windows that
#: overlap, strips keep the rows that they share.
NEAR, NEAR_OVERLAPPING = 32 * 1024, 128 * 1024
#: Arrays of more bytes come from memory, which delivers rows in their order twice as fast.
FAR = 28 * 1024 * 1024
#: Arrays of more bytes are beyond the second cache, where processors do not foresee small planes:
#: tasks of so many bytes ask for those of a later one.
BEYOND, MOST_FETCHED, TASKS_AHEAD = 2 * 1024 * 1024, 2560, 4
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

    @classmethod
    def of(cls, cells: int, kernel: int, stride: int, planes: int, most: int) -> Lanes:
        if cells > most:
            return cls(most, 1, 0)
        row = max(_power_of_two(cells), most // 4)
        # All or one: each number of planes is a kernel to compile.
        side_by_side = most // row if planes >= most // row else 1
        reach = _power_of_two(stride * (cells - 1) + kernel)
        return cls(row, side_by_side, max(reach, row))

    @property
    def all(self) -> int:
        return self.cells * self.planes


class Order(NamedTuple):
    """How a task goes over its rows: strip by strip, and with a tile of all rows folded across."""

    by_strip: bool
    tiled: bool
    held: int  # rows that a window has in common with the next one, kept where there is no tile

    @classmethod
    def of(cls, down: Sliding, across: Sliding, lanes: Lanes, plane: int, everything: int) -> Order:
        """For planes of so many bytes; ``everything`` are the bytes of all arrays."""
        overlap, far = down.kernel > down.stride, everything > FAR
        # Other pairs of strides are rare, and each number of rows is a kernel to compile.
        held = down.kernel - down.stride if overlap and down.stride == across.stride else 0
        near = not far and plane <= (NEAR_OVERLAPPING if held else NEAR)
        by_strip = near or lanes.reach > 0
        if by_strip:
            return cls(True, overlap and not held, held)
        return cls(False, overlap or (far and down.kernel == down.stride > 1), 0)


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def tiling(
    kernel: int, stride: int, most_rows: int, row_bytes: int, moved: int
) -> tuple[int, int]:
    """Output rows in a task, and the rows of its tile, each of so many bytes.

    Where memory is what a task waits for, an output row is so many bytes ``moved``; else 0.
    """
    fits = (TILE_BYTES // row_bytes - kernel) // stride + 1
    task_rows = max(fits, FEWEST_ROWS)
    if moved:
        # Tasks fold the rows again that their windows share: half of all, at most.
        few = max(2 * (kernel - stride) // stride, FEWEST_FAR)
        task_rows = min(task_rows, max(few, SOON // moved))
    task_rows = min(task_rows, most_rows)
    return task_rows, (task_rows - 1) * stride + kernel


def rows_of(lines: int) -> int:
    """As how many rows of a plane so many lines are pooled."""
    return next(rows for rows in range(min(lines, MOST_LINES), 0, -1) if lines % rows == 0)


def fetched(lanes: Lanes, plane: int, everything: int) -> int:
    """How many bytes of a later task each one asks for."""
    task = lanes.planes * plane
    return task if lanes.reach and task <= MOST_FETCHED and everything > BEYOND else 0
