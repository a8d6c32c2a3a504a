"""Regions of interest: every box of a picture pooled to one size, as detectors do."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import arguments, geometry
from .arguments import plain
from .lazy import undisturbed
from .targets import adapting

#: Points or bins that the boxes of one call may have along an axis.
MOST = 50_000_000
MODES = ("avg", "max", "max_part")


def _pictures(input: Any, target: str | None, stream: Any) -> tuple[Any, Any]:
    array, wrap = adapting(input, target, stream)("input", input)
    native = array.dtype.newbyteorder("=")
    if native not in (np.float32, np.float64):
        raise TypeError(f"input must be float32 or float64, got dtype {array.dtype}")
    if array.ndim != 4:
        raise ValueError(f"input must have the shape (N, C, H, W), got shape {array.shape}")
    geometry.spatial(array.shape, 2)
    if isinstance(array, np.ndarray):
        array = np.ascontiguousarray(array, native)
    return array, wrap


def _host(name: str, boxes: Any) -> np.ndarray:
    """Boxes of the host; those on a device are waited for."""
    return np.asarray(adapting(boxes, "cpu")(name, boxes)[0], np.float64)


def _boxes(boxes: Any, batches: int) -> tuple[np.ndarray, np.ndarray]:
    """The batch of each box, and its corners x1, y1, x2, y2."""
    if isinstance(boxes, (list, tuple)):
        if any(isinstance(b, (list, tuple)) for b in boxes):
            raise TypeError(
                "boxes must be an array of shape (K, 5), of (batch, x1, y1, x2, y2), or a list of "
                "arrays of shape (K, 4), one for each picture, got a list of lists"
            )
        each = [_host(f"boxes[{i}]", b) for i, b in enumerate(boxes)]
        if len(each) != batches or not all(b.ndim == 2 and b.shape[1] == 4 for b in each):
            raise ValueError(
                f"boxes must be {batches} arrays of shape (K, 4), one a picture, "
                f"got shapes {[b.shape for b in each]}"
            )
        numbers = [np.full((len(b), 1), i, np.float64) for i, b in enumerate(each)]
        empty = np.empty((0, 5))
        rows = np.concatenate([empty, *map(np.hstack, zip(numbers, each, strict=True))])
    else:
        rows = _host("boxes", boxes)
        if rows.ndim != 2 or rows.shape[1] != 5:
            raise ValueError(
                "boxes must have the shape (K, 5), of (batch, x1, y1, x2, y2), or be a list of "
                f"(K, 4), got shape {rows.shape}"
            )
    if not np.isfinite(rows).all():
        raise ValueError(f"boxes must be finite, got {rows[~np.isfinite(rows).all(1)][0]}")
    wrong = (rows[:, 0] != np.floor(rows[:, 0])) | (rows[:, 0] < 0) | (rows[:, 0] >= batches)
    if wrong.any():
        raise ValueError(
            f"boxes must name pictures by whole numbers from 0 to {batches - 1}, "
            f"got {rows[wrong][0, 0]}"
        )
    return rows[:, 0].astype(np.int64), rows[:, 1:]


def _sizes(output_size: Any, boxes: int) -> tuple[int, int]:
    rows, cells = arguments.spread("output_size", plain("output_size", output_size), 2, 1)
    if max(rows, cells) * max(boxes, 1) > MOST:
        raise ValueError(
            f"output_size must be of at most {MOST} bins along an axis of all boxes, got "
            f"output_size={output_size!r} for {boxes} boxes"
        )
    return rows, cells


def _scale(spatial_scale: Any) -> float:
    if isinstance(spatial_scale, bool) or not isinstance(
        spatial_scale, (int, float, np.floating, np.integer)
    ):
        raise TypeError(f"spatial_scale must be a number, got spatial_scale={spatial_scale!r}")
    if not 0 < spatial_scale < np.inf:
        raise ValueError(f"spatial_scale must be above 0, got spatial_scale={spatial_scale!r}")
    return float(spatial_scale)


def _threads(num_threads: Any) -> Any:
    with undisturbed():
        from .cpu import threads
    return None if num_threads is None else threads.checked(num_threads)


def _whole_bins(low: np.ndarray, high: np.ndarray, cells: int, size: int) -> np.ndarray:
    """The first input and the end of every bin, (K, cells, 2), reckoned in float32 as torchvision.

    Corners are rounded, halves away from zero, and a box has at least one input.
    """
    first, last = (np.sign(c) * np.floor(np.abs(c) + np.float32(0.5)) for c in (low, high))
    width = np.maximum(last - first + 1, 1).astype(np.float32) / np.float32(cells)
    number = np.arange(cells, dtype=np.float32)
    bins = np.stack([np.floor(number * width[:, None]), np.ceil((number + 1) * width[:, None])], -1)
    inside = np.clip(bins + first[:, None, None], 0, size).astype(np.int64)
    inside[..., 1] = np.maximum(inside[..., 0], inside[..., 1])
    return inside


def roi_pool(
    input: Any,
    boxes: Any,
    output_size: Any,
    spatial_scale: float = 1.0,
    return_indices: bool = False,
    *,
    num_threads: int | None = None,
    target: str | None = None,
    stream: Any = None,
) -> Any:
    """The largest value of every bin of every box: RoIPool [1]_.

    Parameters
    ----------
    input : float array of shape (N, C, H, W)
        Array of float32 or float64; one copy unless C-contiguous.
    boxes : array of shape (K, 5), or a list of N arrays of shape (K_n, 4)
        Rows of (picture, x1, y1, x2, y2), or (x1, y1, x2, y2) for each picture.
    output_size : int or tuple of 2 ints
        Bins down and across.
    spatial_scale : float
        What corners are multiplied by, then rounded.
    return_indices : bool
        Whether to return where the values are too, flat in the plane.
    num_threads, target, stream
        See `max_pool2d`. Boxes are read on the host: those on a device are waited for.

    Returns
    -------
    array of shape (K, C, *output_size), or a pair (values, indices)
        Of the input's kind and dtype; 0 with index -1 for a bin outside the picture.

    Raises
    ------
    TypeError, ValueError
        For boxes that are not finite or name no picture, and for wrong shapes and dtypes.

    Notes
    -----
    Equal values and NaN are as in `max_pool2d`. Bins are those of ``torchvision.ops.roi_pool``,
    reckoned in float32 as there.

    References
    ----------
    .. [1] Girshick, Fast R-CNN, 2015

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> x = np.arange(36.0).reshape(1, 1, 6, 6)
    >>> numbapool.roi_pool(x, [np.array([[0, 0, 3, 3], [2, 2, 5, 5]])], 2).tolist()
    [[[[7.0, 9.0], [19.0, 21.0]]], [[[21.0, 23.0], [33.0, 35.0]]]]
    """
    array, wrap = _pictures(input, target, stream)
    batches, corners = _boxes(boxes, array.shape[0])
    rows, cells = _sizes(output_size, len(batches))
    indexed = arguments.flag("return_indices", return_indices)
    with np.errstate(over="ignore"):
        scaled = (corners * _scale(spatial_scale)).astype(np.float32)
    if not np.isfinite(scaled).all():
        raise ValueError(
            "boxes must be finite in float32 times spatial_scale, got "
            f"{corners[~np.isfinite(scaled).all(1)][0]} with spatial_scale={spatial_scale!r}"
        )
    num_threads = _threads(num_threads)
    down = _whole_bins(scaled[:, 1], scaled[:, 3], rows, array.shape[2])
    across = _whole_bins(scaled[:, 0], scaled[:, 2], cells, array.shape[3])
    values: Any
    indices: Any
    if isinstance(array, np.ndarray):
        from .cpu import regions

        values = np.empty((len(batches), array.shape[1], rows, cells), array.dtype)
        indices = np.empty(values.shape, np.int64)
        if values.size:
            regions.of_bins(array, values, indices, batches, (down, across), num_threads)
    else:
        from .cuda.regions import of_bins

        values, indices = of_bins(array, len(batches), (rows, cells), batches, down, across)
    return (wrap(values), wrap(indices)) if indexed else wrap(values)


def _neighbours(
    start: np.ndarray, width: np.ndarray, many: np.ndarray, cells: int, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two inputs about every point of every box, their weights, and where a box begins."""
    counts = many * cells
    begins = np.concatenate([[0], np.cumsum(counts)])
    if begins[-1] > MOST:
        raise ValueError(
            f"boxes would be sampled at {begins[-1]} rows or columns, more than {MOST}: give a "
            "sampling_ratio"
        )
    box = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(begins[-1]) - begins[box]
    bin_width = width / cells
    place = start[box] + number // many[box] * bin_width[box]
    place += (number % many[box] + 0.5) * bin_width[box] / many[box]
    inside = (place >= -1) & (place <= size)
    place = np.clip(place, 0, size - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, size - 1)
    weights = np.stack([1 - (place - low), place - low], 1) * inside[:, None]
    return np.stack([low, high], 1), weights, begins[:-1]


def roi_align(
    input: Any,
    boxes: Any,
    output_size: Any,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
    *,
    mode: str = "avg",
    num_threads: int | None = None,
    target: str | None = None,
    stream: Any = None,
) -> Any:
    """The average, or largest, of points in every bin of every box: RoIAlign [1]_.

    Parameters
    ----------
    input : float array of shape (N, C, H, W)
        Array of float32 or float64; one copy unless C-contiguous.
    boxes : array of shape (K, 5), or a list of N arrays of shape (K_n, 4)
        Rows of (picture, x1, y1, x2, y2), or (x1, y1, x2, y2) for each picture.
    output_size : int or tuple of 2 ints
        Bins down and across.
    spatial_scale : float
        What corners are multiplied by.
    sampling_ratio : int
        Points of a bin down and across; 0 or less: as many as inputs in it, rounded up.
    aligned : bool
        Whether inputs lie at the middle of their places: corners move by half an input, and a box
        may be smaller than one.
    mode : "avg", "max" or "max_part"
        The mean of the points, or the largest; "max_part" is the largest of the four weighted
        inputs about any point, ONNX's maximum.
    num_threads, target, stream
        See `max_pool2d`. Boxes are read on the host: those on a device are waited for.

    Returns
    -------
    array of shape (K, C, *output_size)
        Of the input's kind and dtype. Points more than one input outside the picture are 0.

    Raises
    ------
    TypeError, ValueError
        For boxes that are not finite, name no picture or have too many points, and for wrong
        shapes and dtypes.

    Notes
    -----
    As ``torchvision.ops.roi_align``; points are reckoned in float64.

    References
    ----------
    .. [1] He, Gkioxari, Dollar and Girshick, Mask R-CNN, 2017

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> x = np.arange(36.0).reshape(1, 1, 6, 6)
    >>> numbapool.roi_align(x, np.array([[0, 0, 0, 4, 4]]), 2, aligned=True).tolist()
    [[[[3.5, 5.5], [15.5, 17.5]]]]
    """
    array, wrap = _pictures(input, target, stream)
    batches, corners = _boxes(boxes, array.shape[0])
    rows, cells = _sizes(output_size, len(batches))
    offset = 0.5 if arguments.flag("aligned", aligned) else 0.0
    ratio = plain("sampling_ratio", sampling_ratio)
    if type(ratio) is not int or ratio > arguments.LARGEST:
        raise TypeError(f"sampling_ratio must be an int, got sampling_ratio={sampling_ratio!r}")
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got mode={mode!r}")
    left, top, right, bottom = (corners * _scale(spatial_scale) - offset).T
    width, height = right - left, bottom - top
    if not aligned:
        width, height = np.maximum(width, 1), np.maximum(height, 1)
    num_threads = _threads(num_threads)
    sides = []
    for start, length, n, size in (
        (top, height, rows, array.shape[2]), (left, width, cells, array.shape[3])
    ):  # fmt: skip
        points = np.clip(np.ceil(length / n), 0, MOST).astype(np.int64)
        many = np.full(len(batches), ratio) if ratio > 0 else points
        sides.append((*_neighbours(start, length, many, n, size), many))
    (down, down_weights, tops, many), (across, across_weights, lefts, far) = sides
    about = np.stack([batches, many, far, tops, lefts], 1)
    tables = down, across, down_weights, across_weights
    if not isinstance(array, np.ndarray):
        from .cuda.regions import of_points

        return wrap(of_points(array, MODES.index(mode), (rows, cells), about, *tables))
    from .cpu import regions

    values = np.zeros((len(batches), array.shape[1], rows, cells), array.dtype)
    if values.size:
        regions.of_points(array, values, MODES.index(mode), about, tables, num_threads)
    return wrap(values)
