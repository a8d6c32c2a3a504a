"""What a kernel is told: a block of 64-bit words, made once for a plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import inner

FIELDS = range(45)
(
    # The kernel's address, that of the one which does what it leaves (or 0), the bytes of scratch
    # that it needs to itself, how many tasks it has, and nanoseconds of work in all, about.
    KERNEL, EXACT, SCRATCH, TASKS, WORK,
    # Addresses of tables.
    ROWS, COLS, DOWN_COUNTS, ACROSS_COUNTS, PLACES,
    # Planes: channels of a batch; elements from batch to batch, plane to plane and row to row, and
    # from the first to behind the last; sizes.
    CHANNELS, BY_BATCH, BY_CHANNEL, BY_ROW, EXTENT, PLANES, HEIGHT, WIDTH, HEIGHT_OUT, CELLS,
    # What a row and a column count in the numbers of an index map.
    PLACE_DOWN, PLACE_ACROSS,
    # Tasks: output rows in one, and rows of scratch that it needs.
    TASK_ROWS, ROOM,
    # Sliding windows: padding above and left, the stride down; of small ones, elements of a later
    # task to ask for, and from an output row to the next, and to that beside it in a vector; of
    # large ones, taps down and across and output columns in a panel.
    BEFORE, LEFT, DOWN_STRIDE, FETCHED, OUT_BY_ROW, OUT_BY_PLANE, KERNEL_DOWN, KERNEL_ACROSS, PANEL,
    # Any windows: from tap to tap, down and across, what the tile and the stack have room for,
    # whether (1) each plane has windows of its own, and what tells how to fold across: the address
    # of a table, and bytes from a plane's to that of the next; 0 where all have the same.
    STEP, STEP_ACROSS, TILE_WIDTH, STACK, OWN, WINDOWS, BY_WINDOWS,
    # Slices: the frame of their kernel, and how a pooled one is cut: tiles, and cells in a tile.
    INNER, TILES, BAND,
    # Gathered taps: how many axes there are, and bytes from a plane's table of windows to that of
    # the next; 0 where all have the same.
    AXES, BY_TABLE,
) = FIELDS  # fmt: skip

@inner
def plane_at(plane: Any, channels: Any, by_batch: Any, by_channel: Any) -> Any:
    """Where a plane begins; planes that lie equally far apart are the channels of one batch."""
    if plane < channels:
        return plane * by_channel
    return plane // channels * by_batch + plane % channels * by_channel


LINE = 64  # bytes of a cache line, and of vectors whose lanes meet: the same on every machine


@inner
def after(address: Any, count: Any, itemsize: Any) -> Any:
    """The first cache line past ``count`` items at an address: where the next array can go."""
    line = np.uintp(LINE)
    return (address + count * itemsize + line - np.uintp(1)) // line * line
