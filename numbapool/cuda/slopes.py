"""The way back of an op that knows its slopes: what windows send to their taps, then the sums.

Each tap of each window gets a share and the number of the input that it is; `scatter` adds up what
meets, in the order of the windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from math import prod
from typing import Any

import numpy as np

from .. import spans
from ..elementwise import itself
from ..geometry import Laid, lengths
from ..ops import PoolOp
from ..ops.base import double
from . import api, scatter
from .api import cuda
from .arrays import DeviceArray
from .corner import make_corner, make_divided_by, make_plane_at
from .elementwise import U, dense, kept, mapped
from .gathered import make_walk
from .launches import made
from .program import SCRATCH
from .scalars import Scalars, fitted, scalars
from .scatter import launch
from .teams import make_far
from .words import CELLS, PLANES, words

FLOAT64 = np.dtype(np.float64)


def make_slopes(s: Scalars, slopes: Any, axes: int, word: type) -> Any:
    """The kernel: x over some windows of a plane, y over planes; a row of taps for each window."""
    corner, plane_at = make_corner(axes, word), make_plane_at(word)
    walk, far, divided_by = make_walk(s, axes), make_far(axes, word), make_divided_by(s, None)
    cells_at, planes_at, zero = U(CELLS), U(PLANES), U(0)

    def back(x, grad, words, first, some, seen, shares, places):
        cell, plane = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x, word(cuda.blockIdx.y)
        while cell < some and plane < words[planes_at]:
            number = U(plane) * U(some) + U(cell)
            window = U(plane) * U(words[cells_at]) + U(first) + U(cell)
            start, _, count, along = corner(words, word(word(first) + word(cell)), zero)
            taps, row, to = seen[number], shares[number], places[number]
            size = walk(x, plane_at(words, plane) + start, along, taps, zero)
            if size > zero:
                slopes(taps, row, np.int64(size), divided_by(count))
            for tap in range(U(to.size)):
                to[tap] = -1
                if tap < size:
                    row[tap] *= grad[window]
                    to[tap] = np.int64(start + far(along, word(tap)))
            plane = word(plane + word(cuda.gridDim.y))

    return back


@cache
def _in_float64(op: PoolOp) -> PoolOp:
    """``op`` as its slopes are reckoned: of taps as they are."""
    return replace(op, accumulator=double, lift=None, scale=None)


def make_back(op: PoolOp, dtype: np.dtype, axes: int, word: np.dtype) -> Any:
    """The kernel for an op."""
    return make_slopes(
        scalars(_in_float64(op), dtype, 0), fitted(op.slopes, FLOAT64), axes, word.type
    )


def back(
    op: PoolOp, axes: Sequence[Laid], x: DeviceArray, grad: DeviceArray, dims: int
) -> DeviceArray:
    """The gradient of ``x`` from that of its windows, as many at a time as scratch holds.

    ``axes`` are those of a C-contiguous plane.
    """
    lead, sizes = x.shape[: x.ndim - dims], x.shape[x.ndim - dims :]
    planes, places = prod(lead), prod(sizes)
    cells = prod(lengths([laid.axis for laid in axes]))
    most = prod(int(spans.taps(laid.axis).max()) for laid in axes)
    flat = dense(x).reshape(planes, places)
    shares = dense(grad).reshape(planes, cells)
    with api.on(x.device.index):
        out = x.like((planes, places), x.dtype)
    windows = max(SCRATCH // (3 * most * FLOAT64.itemsize), 1)
    step = max(windows // cells, 1)
    for first in range(0, planes, step):
        end = min(first + step, planes)
        taps, grads, part = (each.part(first, end) for each in (flat, shares, out))
        summed = _summed(op, axes, taps, grads, min(windows, cells), most)
        mapped(itself, [summed], out.dtype, part.shape, part)
    return out.reshape(*x.shape)


def _summed(
    op: PoolOp, axes: Sequence[Laid], x: DeviceArray, grad: DeviceArray, step: int, most: int
) -> DeviceArray:
    """The gradient of some planes in float64, from ``step`` windows of each at a time."""
    (planes, places), cells = x.shape, grad.shape[1]
    told = words(axes, planes, (planes, 0, places), 1)
    run = made(make_back, op, x.dtype, len(axes), told.dtype)
    with api.on(x.device.index):
        summed = x.like((planes, places), FLOAT64)
    for first in range(0, cells, step):
        some = min(step, cells - first)
        rows = planes * some, most
        with api.turn, api.on(x.device.index):
            seen, shares = x.like(rows, FLOAT64), x.like(rows, FLOAT64)
            where = x.like(rows, np.dtype(np.int64))
            launch(
                run, x, some, planes, x.flat(), grad.flat(), kept(told, x).flat(), first, some,
                seen.rows(), shares.rows(), where.rows(),
            )  # fmt: skip
        shares, where = (each.reshape(planes, some * most) for each in (shares, where))
        scatter.scattered(shares, where, 1, (places,), scatter.SUM, summed, first > 0)
    return summed
