"""What a kernel is told: a block of 64-bit words, made once for a plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import inner

FIELDS = range(23)
(
    # Addresses. The first three are a call's own, all others the plan's.
    X, OUT, INDEX, ROWS, COLS, DOWN_COUNTS, ACROSS_COUNTS,
    # Planes: channels of a batch, and elements from batch to batch, plane to plane, row to row.
    CHANNELS, BY_BATCH, BY_CHANNEL, BY_ROW, HEIGHT, WIDTH, HEIGHT_OUT, CELLS,
    # Tasks: output rows in one, and rows of scratch that it needs.
    TASK_ROWS, ROOM,
    # Windows: how sliding ones go down, which cells of a row need no clipping, and the distance
    # from tap to tap down and across.
    BEFORE, DOWN_STRIDE, INSIDE_FIRST, INSIDE_LAST, STEP, STEP_ACROSS,
) = FIELDS  # fmt: skip

LINE = 64


@inner
def after(address: Any, count: Any, itemsize: Any) -> Any:
    """The first cache line past ``count`` items at an address: where the next array can go."""
    line = np.uintp(LINE)
    return (address + count * itemsize + line - np.uintp(1)) // line * line
