"""From one numbering of the places of an index map to another, wherever it lies.

The kernels number the places of a plane, row by row. All else is reckoned from that, and back.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .elementwise import added, choose, itself, mapped, number
from .geometry import Sliding

#: From which place an index counts.
BASES = ("plane", "plane_f", "tensor", "tensor_f", "nhwc", "nhwc_batch", "window")


def checked_base(name: str, base: Any) -> str:
    """``base`` if it is one of `BASES`."""
    if base not in BASES:
        raise ValueError(f"{name} must be one of {', '.join(BASES)}, got {name}={base!r}")
    return str(base)


def _starts(axes: Sequence[Sliding], dims: int) -> list[np.ndarray]:
    """Where each window of each axis begins, shaped to go with an index map."""
    found = []
    for inside, axis in zip(reversed(range(dims)), axes, strict=True):
        start = np.arange(len(axis), dtype=np.int64) * axis.stride - axis.before
        found.append(start.reshape(-1, *[1] * inside))
    return found


def _outer(shape: Sequence[int], dims: int) -> tuple[np.ndarray, np.ndarray]:
    """The number of each batch and each channel, shaped to go with an index map."""
    *batch, channels = shape[: len(shape) - dims]
    n = np.arange(batch[0] if batch else 1, dtype=np.int64).reshape(-1, 1, *[1] * dims)
    c = np.arange(channels, dtype=np.int64).reshape(-1, *[1] * dims)
    return (n if batch else n[0]), c


def _coordinate(place: Any, step: Any, length: Any) -> Any:
    return place // step % length


def _joined(outer: Any, length: Any, inner: Any) -> Any:
    return outer * length + inner


def _tap(place: Any, start: Any, step: Any) -> Any:
    return (place - start) // step


def _place(tap: Any, start: Any, step: Any, length: Any) -> Any:
    return (tap * step + start) % length


def _some(place: Any, given: Any) -> Any:
    return choose(given < 0, -1, place)


def _apart(places: Any, sizes: Sequence[int]) -> list[Any]:
    """The coordinates of places that are numbered in an array of these sizes."""
    steps = [prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    return [
        _of(_coordinate, places, step, size) for step, size in zip(steps, sizes, strict=True)
    ]


def _together(coordinates: Sequence[Any], sizes: Sequence[int]) -> Any:
    """The way back."""
    found = coordinates[0]
    for inner, size in zip(coordinates[1:], sizes[1:], strict=True):
        found = _of(_joined, found, size, inner)
    return found


def _of(formula: Any, *given: Any) -> Any:
    """A formula of whole numbers."""
    return mapped(formula, *map(_as_array, given), dtype=np.int64)


def _as_array(value: Any) -> Any:
    return number(value, np.int64) if isinstance(value, int) else value


def from_plane(indices: Any, base: str, shape: Sequence[int], axes: Sequence[Any]) -> Any:
    """Indices of the plane, of an input of this shape, in another base; -1 stays."""
    dims = len(axes)
    sizes = tuple(shape[len(shape) - dims :])
    plane, channels = prod(sizes), shape[len(shape) - dims - 1]
    if base == "plane":
        return indices
    n, c = _outer(shape, dims)
    if base in ("nhwc", "nhwc_batch"):
        offset = c + n * (plane * channels) if base == "nhwc_batch" else c
        found = _of(_joined, indices, channels, offset)
    elif base == "tensor":
        found = _of(added, indices, (n * channels + c) * plane)
    else:
        at = _apart(indices, sizes)
        if base == "window":
            steps = [axis.dilation for axis in axes]
            taps = [
                _of(_tap, place, start, step)
                for place, start, step in zip(at, _starts(axes, dims), steps, strict=True)
            ]
            found = _together(taps, [axis.kernel for axis in axes])
        else:
            found = _together(at[::-1], sizes[::-1])
            if base == "tensor_f":
                found = _of(added, found, (n * channels + c) * plane)
    return _of(_some, found, indices)


def to_plane(indices: Any, base: str, shape: Sequence[int], axes: Sequence[Any]) -> Any:
    """Indices in a base as indices of the plane; below 0 is -1."""
    dims = len(axes)
    sizes = tuple(shape[len(shape) - dims :])
    plane, channels = prod(sizes), shape[len(shape) - dims - 1]
    given = _of(itself, indices)
    if base == "plane":
        return given
    if base in ("nhwc", "nhwc_batch"):
        found = _of(_coordinate, given, channels, plane)
    elif base == "tensor":
        found = _of(_coordinate, given, 1, plane)
    elif base == "window":
        taps = _apart(given, [axis.kernel for axis in axes])
        at = [
            _of(_place, tap, start, axis.dilation, axis.size)
            for tap, start, axis in zip(taps, _starts(axes, dims), axes, strict=True)
        ]
        found = _together(at, sizes)
    else:
        at = _apart(_of(_coordinate, given, 1, plane), sizes[::-1])
        found = _together(at[::-1], sizes)
    return _of(_some, found, given)


def largest(base: str, shape: Sequence[int], axes: Sequence[Any]) -> int:
    """The largest index that there can be."""
    dims = len(axes)
    if base == "window":
        return prod(axis.kernel for axis in axes) - 1
    counted = {"plane": dims, "plane_f": dims, "nhwc": dims + 1}.get(base, len(shape))
    return max(prod(shape[len(shape) - counted :]) - 1, 0)


def dtype_for(index_dtype: Any, most: int, least: int) -> np.dtype:
    """What holds indices from ``least`` to ``most``: as asked for, or the smallest that does."""
    if isinstance(index_dtype, str) and index_dtype == "smallest":
        return np.result_type(np.min_scalar_type(most), np.min_scalar_type(least))
    dtype = np.dtype(index_dtype)
    if most > np.iinfo(dtype).max:
        raise ValueError(f"index_dtype={dtype} cannot hold indices up to {most}")
    return dtype
