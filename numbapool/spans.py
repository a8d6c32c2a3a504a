"""Windows as tables: where the taps of each lie in memory, and in the numbers of an index map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .geometry import Axis, Laid, lengths

#: What a table says of each axis: windows, the number of the first of them among those of all axes,
#: and from tap to tap in memory and in an index map.
AXIS = range(4)
WINDOWS, BEGIN, BY, PLACE = AXIS
#: What another says of each window: where its first tap is, in both, and how many there are.
WINDOW = range(3)
FIRST, FIRST_PLACE, TAPS = WINDOW


def cells(axis: Axis) -> np.ndarray:
    """The numbers of an axis's windows."""
    return np.arange(len(axis), dtype=np.int64)


def alike(axis: Axis) -> bool:
    """Whether all planes have the same windows."""
    return np.ndim(axis.interval(0)[0]) == 0


def taps(axis: Axis) -> np.ndarray:
    """How many taps the windows of an axis have inside the input."""
    low, high = axis.interval(cells(axis))
    return -((low - high) // axis.step)


def of_axes(axes: Sequence[Laid]) -> np.ndarray:
    """A row for each axis."""
    sizes = lengths([laid.axis for laid in axes])
    begins = np.cumsum([0, *sizes[:-1]])
    rows = [
        [length, begin, axis.step * by, axis.step * place]
        for length, begin, (axis, by, place) in zip(sizes, begins, axes, strict=True)
    ]
    return np.array(rows, np.int64)


def of_windows(axes: Sequence[Laid]) -> np.ndarray:
    """A row for each window, axis after axis; a table of them a plane where planes differ."""
    rows = []
    for axis, by, place in axes:
        low, _ = axis.interval(cells(axis))
        rows.append(np.stack([low * by, low * place, taps(axis)], -1))
    return np.ascontiguousarray(np.concatenate(rows, -2))
