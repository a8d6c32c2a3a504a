"""What a kernel is told, as one array of unsigned words: each argument more costs every launch."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from .. import spans
from ..geometry import Axis, Laid, Sliding, lengths

#: Outputs in a plane; planes; channels in a batch, and elements from batch to batch and channel to
#: channel; planes that a row of blocks goes over together; words from one plane's table of windows
#: to the next one's, or 0 where all have the same; where what a kernel is told besides begins.
CELLS, PLANES, CHANNELS, BY_BATCH, BY_CHANNEL, TOGETHER, BY_TABLE, MORE = range(8)
AXES = 8
#: Besides what `spans` says of an axis: what the starts of its full windows are below, counted from
#: the padding, from input to input in memory and in an index map, and its inputs.
END, BY_ONE, PLACE_ONE, SIZE = range(len(spans.AXIS), len(spans.AXIS) + 4)
AXIS, WINDOW = len(spans.AXIS) + 4, len(spans.WINDOW) + 1
#: Besides what `spans` says of a window: what it counts in a divisor.
COUNT = len(spans.WINDOW)


def words(
    axes: Sequence[Laid], planes: int, walk: tuple[int, int, int], together: int,
    more: Sequence[int] | np.ndarray = (),
) -> np.ndarray:  # fmt: skip
    """The array, of 32 bits to a word where that is enough."""
    plain = [laid.axis for laid in axes]
    cells = prod(lengths(plain))
    windows = spans.of_windows(axes)
    counts = np.concatenate([axis.count(spans.cells(axis)) for axis in plain])
    counted_too = np.broadcast_to(counts[:, None], (*windows.shape[:-1], 1))
    table = np.concatenate([windows, counted_too], -1)
    apart = table[0].size if table.ndim == 3 else 0
    ends = [[_end(axis), by, place, axis.size] for axis, by, place in axes]
    rows = np.column_stack([spans.of_axes(axes), np.array(ends, np.int64)])
    rows[:, spans.BEGIN] = AXES + rows.size + WINDOW * rows[:, spans.BEGIN]
    behind = AXES + rows.size + table.size
    head = np.array([cells, planes, *walk, together, apart, behind], np.int64)
    whole = np.concatenate([head, rows.ravel(), table.ravel(), np.array(more, np.int64)])
    places = [laid._replace(by=laid.place) for laid in axes]
    # Taps outside count, too: kernels reckon where they would lie along an axis.
    beyond = max(_beyond(axis) for axis in plain)
    reach = max(int(whole.max()), extent(axes), extent(places), cells * together, beyond)
    return whole.astype(np.uint32 if reach < 2**31 else np.uint64)


def _end(axis: Axis) -> int:
    extent = axis.extent if isinstance(axis, Sliding) else 1
    return getattr(axis, "before", 0) + max(axis.size - extent + 1, 0)


def _beyond(axis: Axis) -> int:
    """How far behind the padding before an axis its windows end."""
    return (len(axis) - 1) * axis.stride + axis.extent if isinstance(axis, Sliding) else 0


def extent(axes: Sequence[Laid]) -> int:
    """Elements from the first of a plane to behind its last."""
    return 1 + sum((laid.axis.size - 1) * laid.by for laid in axes)
