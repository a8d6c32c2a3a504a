"""Regions of interest on a device: a thread to a bin, x over those of a box, y over boxes.

Reckoned in float64 where points lie between inputs, as on the CPU.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..ops.points import MEAN, PARTS, replaces
from .api import cuda, device, on, turn
from .arrays import DeviceArray
from .elementwise import U, dense
from .launches import made
from .scalars import fitted
from .scatter import launch

FLOAT64 = np.dtype(np.float64)


def _place_of(item: Any, rows: Any, cells: Any) -> Any:
    """The channel of a box's bin, and its row and column; divisions are of 32 bits."""
    number, wide = np.uint32(item), np.uint32(cells)
    row = np.uint32(number // wide)
    channel = np.uint32(row // np.uint32(rows))
    return U(channel), np.int64(np.uint32(row - channel * rows)), np.int64(number - row * wide)


def make_bins(kind: np.dtype) -> Any:
    """The kernel: the largest input of every bin and its place; 0, -1 of none."""
    number, wins, place_of = kind.type, fitted(replaces, kind), device(_place_of)

    def bins(x, batches, down, across, out, places, channels, height, width):
        boxes, rows, cells = down.shape[0], down.shape[1], across.shape[1]
        item, box = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x, cuda.blockIdx.y
        while item < channels * rows * cells and box < boxes:
            channel, row, column = place_of(item, rows, cells)
            plane = U(batches[box]) * U(channels) + channel
            base, best, where = plane * U(height * width), number(0), np.int64(-1)
            for i in range(down[box, row, 0], down[box, row, 1]):
                for j in range(across[box, column, 0], across[box, column, 1]):
                    at = i * width + j
                    value = x[base + U(at)]
                    if where < 0 or wins(value, best):
                        best, where = value, np.int64(at)
            to = U(box) * U(channels * rows * cells) + U(item)
            out[to], places[to] = best, where
            box += cuda.gridDim.y

    return bins


def make_points(kind: np.dtype, rule: int) -> Any:
    """The kernel: the mean or largest of points between inputs, in every bin."""
    number, mean, place_of = kind.type, rule == MEAN, device(_place_of)
    joined, wins = fitted(PARTS[rule], FLOAT64), fitted(replaces, FLOAT64)

    def point(x, base, width, down, across, above, before):
        low, high = base + U(down[0] * width), base + U(down[1] * width)
        left, right = U(across[0]), U(across[1])
        return joined(
            above[0] * before[0] * x[low + left], above[0] * before[1] * x[low + right],
            above[1] * before[0] * x[high + left], above[1] * before[1] * x[high + right],
        )  # fmt: skip

    point = device(point)

    def points(x, boxes, down, across, above, before, out, channels, height, width, rows, cells):
        item, box = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x, cuda.blockIdx.y
        while item < channels * rows * cells and box < boxes.shape[0]:
            channel, row, column = place_of(item, rows, cells)
            many, far = boxes[box, 1], boxes[box, 2]
            top, left = boxes[box, 3] + row * many, boxes[box, 4] + column * far
            plane = U(boxes[box, 0]) * U(channels) + channel
            base, found = plane * U(height * width), 0.0
            for i in range(top, top + many):
                for j in range(left, left + far):
                    value = point(x, base, width, down[i], across[j], above[i], before[j])
                    if mean:
                        found += value
                    elif (i == top and j == left) or wins(value, found):
                        found = value
            if mean:
                found /= max(many * far, 1)
            out[U(box) * U(channels * rows * cells) + U(item)] = number(found)
            box += cuda.gridDim.y

    return points


def _tables(x: DeviceArray, tables: tuple[np.ndarray, ...]) -> list[Any]:
    return [x.sent(np.ascontiguousarray(table)).rows() for table in tables]


def of_bins(
    x: DeviceArray, boxes: int, cells: tuple[int, int], *tables: np.ndarray
) -> tuple[DeviceArray, DeviceArray]:
    """The largest of every bin and its place; tables as those of `cpu.regions.of_bins`."""
    x = dense(x)
    _, channels, height, width = x.shape
    with turn, on(x.device.index):
        shape = boxes, channels, *cells
        out, places = x.like(shape, x.dtype), x.like(shape, np.dtype(np.int64))
        if out.size:
            run, told = made(make_bins, x.dtype), _tables(x, tables)
            launch(
                run, x, channels * prod(cells), boxes, x.flat(), *told, out.flat(), places.flat(),
                channels, height, width,
            )  # fmt: skip
    return out, places


def of_points(
    x: DeviceArray, rule: int, cells: tuple[int, int], *tables: np.ndarray
) -> DeviceArray:
    """The mean or largest of the points; tables as those of `cpu.regions.of_points`."""
    x = dense(x)
    boxes, (_, channels, height, width) = len(tables[0]), x.shape
    with turn, on(x.device.index):
        out = x.like((boxes, channels, *cells), x.dtype)
        if out.size:
            run, told = made(make_points, x.dtype, rule), _tables(x, tables)
            launch(
                run, x, channels * prod(cells), boxes, x.flat(), *told, out.flat(), channels,
                height, width, *cells,
            )  # fmt: skip
    return out
