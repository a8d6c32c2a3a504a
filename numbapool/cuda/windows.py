"""Any windows over any number of axes: one thread an output, its taps in row-major order."""

from __future__ import annotations

from typing import Any

import numpy as np

from .api import cuda
from .corner import make_bordered, make_plane_at
from .scalars import Scalars
from .sliding import Uniform, make_edges, make_full, make_steps, make_where
from .words import CELLS, PLANES, TOGETHER

U = np.uint64


def make_windows(
    s: Scalars, axes: int, divisor: int | None, word: type, index: type, indexed: bool,
    uniform: Uniform | None, placed: bool,
) -> Any:  # fmt: skip
    """The kernel: x over the outputs of planes that lie together, y over such groups of planes.

    Where windows are ``uniform`` they are unrolled, and no table is read for a tap. Taps may be
    choices of an earlier kernel, ``placed`` where that found them.
    """
    plane_at, finish, stamp = make_plane_at(word), s.finish, s.stamp
    cells_at, planes_at, together_at = U(CELLS), U(PLANES), U(TOGETHER)
    bordered = make_bordered(s, axes, divisor, word, index, placed)

    def by_table(x, out, places, words, given):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        cells, together = words[cells_at], words[together_at]
        item = word(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x)
        beside, cell = word(item // cells), word(item % cells)
        if beside >= together:
            return
        plane, planes = word(cuda.blockIdx.y * together + beside), words[planes_at]
        while plane < planes:
            value, where, share = bordered(x, given, words, plane, cell)
            to = U(plane) * U(cells) + U(cell)
            out[to] = finish(value, share)
            if indexed:
                places[to] = where
            plane = word(plane + word(word(cuda.gridDim.y) * together))

    if uniform is None:
        return by_table

    where_is, steps = make_where(axes, uniform, word), make_steps(axes, uniform.unit, word)
    full_window = make_full(s, divisor, word, index, placed, uniform)
    edges = make_edges(s, axes, divisor, word, index, indexed, placed, uniform)
    differ = uniform.counted is None

    def sliding(x, out, places, words, given):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        cells, together = words[cells_at], words[together_at]
        item = word(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x)
        beside, cell = word(item // cells), word(item % cells)
        if beside >= together:
            return
        plane, planes = word(cuda.blockIdx.y * together + beside), words[planes_at]
        further = word(word(cuda.gridDim.y) * together)
        # Where a window lies is the same in all planes, and reckoned once.
        full, lies, place, spots = where_is(words, cell)
        full = full and not differ
        by, step, sizes = steps(words)
        if full:
            while plane < planes:
                at = plane_at(words, plane) + lies
                value, where, share = full_window(x, given, at, place, spots, by, step, sizes)
                to = U(plane) * U(cells) + U(cell)
                out[to] = finish(value, share)
                if indexed:
                    places[to] = where
                plane = word(plane + further)
        else:
            edges(x, out, places, words, given, cell, plane, further)

    return sliding
