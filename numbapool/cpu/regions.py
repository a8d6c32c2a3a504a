"""Regions of interest: each box by bins of its own, known beforehand; a task is one channel."""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np

from ..fingerprints import fingerprint
from ..jit import compile_kernel, inner, with_helpers
from ..ops import MAX
from ..ops.points import MEAN, PARTS, replaces
from . import frame, memory, threads
from .frame import (
    ACROSS_COUNTS,
    BY_CHANNEL,
    CELLS,
    CHANNELS,
    COLS,
    DOWN_COUNTS,
    HEIGHT_OUT,
    KERNEL_ACROSS,
    ROWS,
    WIDTH,
)
from .kernels import assembled
from .memory import INPUT, OUTPUT, OUTPUT_INDEX

U = np.uintp
WORK = 20.0  # nanoseconds a bin, about


@cache
def _bins(dtype: np.dtype) -> int:
    """The largest of the inputs of every bin and its place; 0, -1 of none."""
    value_type, stamp, one, two = dtype.type, fingerprint(MAX), U(1), U(2)

    def bins(words, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x, out = memory.pointer(x_at, value_type), memory.pointer(out_at, value_type)
        index = memory.pointer(index_at, np.int64)
        batches = memory.pointer(memory.word(words, KERNEL_ACROSS), U)
        down = memory.pointer(memory.word(words, ROWS), U)
        across = memory.pointer(memory.word(words, COLS), U)
        channels, size = memory.word(words, CHANNELS), memory.word(words, BY_CHANNEL)
        width = memory.word(words, WIDTH)
        rows, cells = memory.word(words, HEIGHT_OUT), memory.word(words, CELLS)
        for task in range(first, last):
            box, channel = task // channels, task % channels
            plane = (memory.load(INPUT, batches, box) * channels + channel) * size
            for cell in range(rows * cells):
                tall = two * (box * rows + cell // cells)
                broad = two * (box * cells + cell % cells)
                best, where = value_type(0), np.int64(-1)
                for row in range(
                    memory.load(INPUT, down, tall), memory.load(INPUT, down, tall + one)
                ):
                    for column in range(
                        memory.load(INPUT, across, broad), memory.load(INPUT, across, broad + one)
                    ):
                        at = row * width + column
                        value = memory.load(INPUT, x, plane + at)
                        if where < 0 or value > best or value != value:
                            best, where = value, np.int64(at)
                to = task * (rows * cells) + cell
                memory.store(OUTPUT, out, to, best)
                memory.store(OUTPUT_INDEX, index, to, where)
        return last

    return compile_kernel(bins)


@cache
def _points(dtype: np.dtype, rule: int) -> int:
    """The mean or largest of points between inputs, in every bin."""
    value_type, stamp = dtype.type, fingerprint(MAX)
    mean, joined, wins = rule == MEAN, inner(PARTS[rule]), with_helpers(replaces)
    zero, one, two, three, each = U(0), U(1), U(2), U(3), U(4)

    def point(x, plane, width, down, across, tall, broad, weights_down, weights_across):
        low, high = memory.load(INPUT, down, two * tall), memory.load(INPUT, down, two * tall + one)
        left = memory.load(INPUT, across, two * broad)
        right = memory.load(INPUT, across, two * broad + one)
        above = memory.load(INPUT, weights_down, two * tall)
        below = memory.load(INPUT, weights_down, two * tall + one)
        before = memory.load(INPUT, weights_across, two * broad)
        behind = memory.load(INPUT, weights_across, two * broad + one)
        return joined(
            above * before * memory.load(INPUT, x, plane + low * width + left),
            above * behind * memory.load(INPUT, x, plane + low * width + right),
            below * before * memory.load(INPUT, x, plane + high * width + left),
            below * behind * memory.load(INPUT, x, plane + high * width + right),
        )

    point = inner(point)

    def points(words, scratch, first, last, x_at, out_at, index_at):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        x, out = memory.pointer(x_at, value_type), memory.pointer(out_at, value_type)
        boxes = memory.pointer(memory.word(words, KERNEL_ACROSS), U)
        down = memory.pointer(memory.word(words, ROWS), U)
        across = memory.pointer(memory.word(words, COLS), U)
        weights_down = memory.pointer(memory.word(words, DOWN_COUNTS), np.float64)
        weights_across = memory.pointer(memory.word(words, ACROSS_COUNTS), np.float64)
        channels, size = memory.word(words, CHANNELS), memory.word(words, BY_CHANNEL)
        width = memory.word(words, WIDTH)
        rows, cells = memory.word(words, HEIGHT_OUT), memory.word(words, CELLS)
        # Of each box: its batch, points of a bin across and down, and where its tables begin.
        for task in range(first, last):
            box, channel = task // channels, task % channels
            about = box * (each + one)
            plane = (memory.load(INPUT, boxes, about) * channels + channel) * size
            many = memory.load(INPUT, boxes, about + one)
            far = memory.load(INPUT, boxes, about + two)
            top = memory.load(INPUT, boxes, about + three)
            left = memory.load(INPUT, boxes, about + each)
            count = max(many * far, one)
            for o in range(rows):
                for j in range(cells):
                    found = 0.0
                    for i in range(many):
                        for k in range(far):
                            value = point(
                                x, plane, width, down, across, top + o * many + i,
                                left + j * far + k, weights_down, weights_across,
                            )  # fmt: skip
                            if mean:
                                found += value
                            elif i + k == zero or wins(value, found):
                                found = value
                    if mean:
                        found /= count
                    memory.store(OUTPUT, out, (task * rows + o) * cells + j, value_type(found))
        return last

    return compile_kernel(points)


def run(
    kernel: int, x: np.ndarray, out: np.ndarray, indices: np.ndarray | None, boxes: np.ndarray,
    tables: dict[int, np.ndarray], num_threads: int | None,
) -> None:  # fmt: skip
    """Pools ``boxes`` of C-contiguous (N, C, H, W) into (K, C, rows, cells)."""
    made = assembled(
        "regions",
        {
            frame.KERNEL: kernel,
            frame.SCRATCH: 0,
            frame.TASKS: len(boxes) * x.shape[1],
            frame.CHANNELS: x.shape[1],
            frame.BY_CHANNEL: prod(x.shape[2:]),
            frame.WIDTH: x.shape[3],
            frame.HEIGHT_OUT: out.shape[2],
            frame.CELLS: out.shape[3],
        },
        {frame.KERNEL_ACROSS: boxes, **tables},
        out.size * WORK,
        lambda: kernel,
    )
    threads.run_on_bytes(made, (x, out, indices), num_threads)


def of_bins(
    x: np.ndarray, out: np.ndarray, indices: np.ndarray, batches: np.ndarray,
    bins: tuple[np.ndarray, np.ndarray], num_threads: int | None,
) -> None:  # fmt: skip
    """The bins of box k along each axis are ``axis[k]``, pairs of a first input and an end."""
    down, across = bins
    tables = {ROWS: down, COLS: across}
    run(_bins(x.dtype), x, out, indices, batches, tables, num_threads)


def of_points(
    x: np.ndarray, out: np.ndarray, rule: int, boxes: np.ndarray,
    tables: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], num_threads: int | None,
) -> None:  # fmt: skip
    """The points' neighbours down and across, and their weights, as the boxes say where."""
    fields = (ROWS, COLS, DOWN_COUNTS, ACROSS_COUNTS)
    named = dict(zip(fields, tables, strict=True))
    run(_points(x.dtype, rule), x, out, None, boxes, named, num_threads)
