"""Which input each tap of sliding windows takes, as a table: outside, the nearest one inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry import UNIT, Axis, Laid, Sliding

#: Negative, and no distance from any place.
NOWHERE = np.iinfo(np.int32).min
#: Windows up to so many taps along each of three axes have machine code of their own.
MOST = 3


@dataclass(frozen=True)
class Stacked(Sliding):
    """Windows over two axes that share no row, as windows over one axis of all their rows.

    The rows of a window follow one another in its table only.
    """

    outer: Sliding = UNIT
    down: Sliding = UNIT

    def __len__(self) -> int:
        return len(self.outer) * len(self.down)

    def count(self, cell: Any) -> Any:
        """How many rows an average divides by."""
        return self.outer.count(cell // len(self.down)) * self.down.count(cell % len(self.down))


@dataclass(frozen=True)
class Ends(Sliding):
    """The windows of planes end to end, as every so many of one axis of all their rows.

    The ones between are ``beside`` them, a stride further on each. None is padded, and planes have
    rows that no window takes.
    """

    planes: int = 1
    apart: int = 0  # rows from plane to plane
    beside: int = 1
    down: Sliding = UNIT

    def __len__(self) -> int:
        return self.planes * len(self.down) // self.beside

    def rows(self) -> np.ndarray:
        """Those of every window, in their order."""
        plane, window = np.divmod(np.arange(len(self)) * self.beside, len(self.down))
        first = plane * self.apart + window * self.down.stride
        return (first[:, None] + np.arange(self.kernel)).ravel()


def stacked(axes: Sequence[Laid]) -> list[Laid] | None:
    """Three axes as two, if small windows over them share no rows, and those follow one another."""
    if len(axes) != 3:
        return None
    outer, down, across = (laid.axis for laid in axes)
    if not isinstance(outer, Sliding) or not isinstance(down, Sliding):
        return None
    if not isinstance(across, Sliding) or len(across) == 1:
        return None
    small = outer.kernel == down.kernel == across.kernel <= MOST and across.stride <= MOST
    apart = outer.stride >= outer.kernel and down.stride >= down.kernel
    # Else there might be windows that take nothing, of which there is no nearest.
    dense = outer.dilation == down.dilation == across.dilation == 1
    laid = axes[1]
    follow = (axes[0].by, axes[0].place) == (down.size * laid.by, down.size * laid.place)
    if not (small and apart and dense and follow):
        return None
    taps = outer.kernel * down.kernel
    rows = Stacked(outer.size * down.size, taps, taps, outer=outer, down=down)
    return [Laid(rows, laid.by, laid.place), axes[2]]


def nearest(axis: Axis, beyond: int, selects: bool) -> np.ndarray:
    """The nearest input that a window takes, for each of its taps on a padded axis, or NOWHERE.

    Sums take nothing outside.
    """
    if isinstance(axis, Stacked):
        outer, down = (_of_windows(each, selects) for each in (axis.outer, axis.down))
        outer, down = outer[:, None, :, None], down[None, :, None, :]
        known = (outer >= 0) & (down >= 0)
        return np.where(known, outer * axis.down.size + down, NOWHERE).ravel()
    if isinstance(axis, Ends):
        return axis.rows()
    assert isinstance(axis, Sliding)
    place = np.arange((len(axis) - 1) * axis.stride + axis.extent + beyond) - axis.before
    before = np.maximum(-(place // axis.dilation), 0) * axis.dilation
    after = np.maximum(-((axis.size - 1 - place) // axis.dilation), 0) * axis.dilation
    found = place + before - after
    known = (found >= 0) & (found < axis.size) & (selects | (found == place))
    return np.where(known, found, NOWHERE)


def _of_windows(axis: Sliding, selects: bool) -> np.ndarray:
    """The same for windows side by side."""
    taps = np.arange(len(axis))[:, None] * axis.stride + np.arange(axis.kernel)
    return nearest(axis, 0, selects)[taps]
