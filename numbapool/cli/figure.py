"""The picture of the demonstration: one photograph, pooled in every way."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from numbapool.cli.common import Array, require

WINDOW = 10
BINS = 24
LEVELS = (1, 2, 4)
INK, ACCENT, EDGE = "#1b1f24", "#ffd21f", "#3a3000"


def draw(photos: Mapping[tuple[float, float], Array], path: Path) -> None:
    """
    Pool photographs and draw the results.

    Parameters
    ----------
    photos : mapping of (x, y) to ndarray
        uint8, of shape (3, H, W), by the point to look at closely, from (0, 0) to (1, 1).
    path : Path
        The PNG to write.
    """
    figure = require("matplotlib.figure").Figure(figsize=(14, 4.98 * len(photos)))
    bands = np.atleast_1d(figure.subfigures(len(photos), 1))
    for band, (focus, photo) in zip(bands, photos.items(), strict=True):
        _band(band.subplots(2, 4), photo, focus)
        band.subplots_adjust(
            left=0.006, right=0.994, top=0.935, bottom=0.012, wspace=0.025, hspace=0.15
        )
    figure.savefig(path, dpi=120, format="png")


def _band(axes: Any, photo: Array, focus: tuple[float, float]) -> None:
    """Draw the eight panels of one photograph."""
    import numbapool

    _, height, width = photo.shape
    x = photo[np.newaxis]
    # Windows that do not fit are left out, so these cover a little less than the photograph.
    covered = (height // WINDOW * WINDOW, width // WINDOW * WINDOW)
    window = f"{WINDOW}\u00d7{WINDOW}"
    bins = f"{BINS}\u00d7{BINS}"
    panels = [
        (f"input, {width}\u00d7{height}", photo, (height, width)),
        (f"max {window}", numbapool.max_pool2d(x, WINDOW)[0], covered),
        (f"min {window}", numbapool.min_pool2d(x, WINDOW)[0], covered),
        (f"average {window}", numbapool.avg_pool2d(x, WINDOW)[0], covered),
        (f"adaptive max to {bins}", numbapool.adaptive_max_pool2d(x, BINS)[0], (height, width)),
    ]
    for ax, (title, image, size) in zip(axes.flat, panels, strict=False):
        _image(ax, image, (0, size[1], size[0], 0))
        _dress(ax, title, width, height)
    _pyramid(axes.flat[5], x, width, height)

    grey = _grey(photo)
    _, indices = numbapool.max_pool2d(grey[np.newaxis], WINDOW, return_indices=True)
    title = f"where the maxima of {window} sit"
    _maxima(axes.flat[6], title, grey[0], indices, {"s": 1.6, "linewidths": 0})
    near = {"s": 34, "linewidths": 0.8, "edgecolors": EDGE, "zorder": 3}
    _maxima(axes.flat[7], "the same, closer", grey[0], indices, near)
    _closer(axes.flat[6], axes.flat[7], focus, width, height)


def _grey(photo: Array) -> Array:
    """Return the brightness, of shape (1, H, W)."""
    return np.tensordot([[0.299, 0.587, 0.114]], photo, 1).astype(np.float32)


def _image(ax: Any, image: Array, extent: tuple[float, float, float, float]) -> None:
    """Draw an image over an area, every value as a box of one colour."""
    colours = np.rint(image).astype(np.uint8).transpose(1, 2, 0)
    ax.imshow(colours, extent=extent, interpolation="nearest")


def _pyramid(ax: Any, x: Array, width: int, height: int) -> None:
    """Draw the levels of a spatial pyramid: two small ones on the left, the last at full height."""
    import numbapool

    features = numbapool.spatial_pyramid_pool(x, LEVELS, mode="avg")[0]
    gap, third, half = width / 60, width / 3, height / 2
    places = [
        (0.0, third - gap / 2, half - gap / 2, 0.0),
        (0.0, third - gap / 2, float(height), half + gap / 2),
        (third + gap / 2, float(width), float(height), 0.0),
    ]
    start = 0
    for level, place in zip(LEVELS, places, strict=True):
        # A level holds its level x level values of every channel in turn.
        stop = start + 3 * level**2
        _image(ax, features[start:stop].reshape(3, level, level), place)
        start = stop
    _dress(ax, "spatial pyramid of averages", width, height)


def _maxima(ax: Any, title: str, grey: Array, indices: Array, style: dict[str, Any]) -> None:
    """Draw the brightness, and a dot on the greatest pixel of every window."""
    height, width = grey.shape
    ax.imshow(grey, cmap="gray", vmin=0, vmax=255, extent=(0, width, height, 0))
    rows, columns = np.divmod(indices.ravel(), width)
    ax.scatter(columns + 0.5, rows + 0.5, c=ACCENT, **style)
    _dress(ax, title, width, height)


def _closer(whole: Any, close: Any, focus: tuple[float, float], width: int, height: int) -> None:
    """Zoom into one panel, showing the windows, and mark the place in the other."""
    w, h = width // 5, height // 5
    left = round(focus[0] * width - w / 2) // WINDOW * WINDOW
    top = round(focus[1] * height - h / 2) // WINDOW * WINDOW
    close.set(xlim=(left, left + w), ylim=(top + h, top))
    lines = {"color": ACCENT, "linewidth": 0.8, "alpha": 0.75}
    close.vlines(range(left, left + w + 1, WINDOW), top, top + h, **lines)
    close.hlines(range(top, top + h + 1, WINDOW), left, left + w, **lines)
    box = require("matplotlib.patches").Rectangle
    whole.add_patch(box((left, top), w, h, fill=False, edgecolor=ACCENT, linewidth=1.8))


def _dress(ax: Any, title: str, width: int, height: int) -> None:
    """Set the area and the title, and remove the frame."""
    ax.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[], aspect="equal")
    ax.spines[:].set_visible(False)
    ax.set_title(title, fontsize=12, color=INK, pad=5)
