"""What is no fold: the taps of a window are gathered in its thread's memory, then seen together."""

from __future__ import annotations

from typing import Any

import numpy as np

from .api import cuda, device
from .corner import make_corner, make_divided_by, make_plane_at
from .scalars import Scalars
from .words import BY_TABLE, CELLS, PLANES, TOGETHER

U = np.uint64


def make_walk(s: Scalars, axes: int, axis: int = 0) -> Any:
    """Gathers the taps of a window in row-major order; returns how many there are."""
    taken, one = s.taken, U(1)
    inner = make_walk(s, axes, axis + 1) if axis < axes else None
    if inner is None:

        def take(x, at, along, seen, size):
            seen[size] = taken(x[at])
            return size + one

        return device(take)

    def walk(x, at, along, seen, size):
        taps, by, _ = along
        for _ in range(taps[axis]):
            size = inner(x, at, along, seen, size)
            at += U(by[axis])
        return size

    return device(walk)


def make_place_of(axes: int, word: type) -> Any:
    """The place of a tap in an index map, by its number in the window."""
    axis = axes - 1
    outer = make_place_of(axis, word) if axis else None
    if outer is None:

        def outermost(along, place, tap):
            return place + tap * along[2][axis]

        return device(outermost)

    def place_of(along, place, tap):
        length = along[0][axis]
        return outer(along, place, word(tap // length)) + tap % length * along[2][axis]

    return device(place_of)


def make_gathered(
    s: Scalars, axes: int, divisor: int | None, word: type, index: type, indexed: bool,
    counted: bool,
) -> Any:  # fmt: skip
    """The kernel: x over the outputs of planes that lie together, y over such groups of planes.

    A thread takes every output that is a whole grid further on, too: each has its own scratch.
    ``counted``: taps that are left out do not count in a divisor.
    """
    corner, plane_at = make_corner(axes, word), make_plane_at(word)
    walk, reduce, finish = make_walk(s, axes), s.reduce, s.finish
    place_of = make_place_of(axes, word)
    accumulator, identity, stamp = s.accumulator, s.identity, s.stamp
    divided_by = make_divided_by(s, divisor)
    cells_at, planes_at, together_at = U(CELLS), U(PLANES), U(TOGETHER)
    by_table = U(BY_TABLE)
    zero, nowhere = U(0), index(-1)

    def gathered(x, out, places, words, scratch):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        cells, together = words[cells_at], words[together_at]
        wide = cuda.gridDim.x * cuda.blockDim.x
        across = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
        seen = scratch[cuda.blockIdx.y * wide + across]
        item = word(across)
        while item < word(cells * together):
            beside, cell = word(item // cells), word(item % cells)
            plane = word(cuda.blockIdx.y * together + beside)
            while plane < words[planes_at]:
                start, place, count, along = corner(words, cell, U(plane) * U(words[by_table]))
                size = walk(x, plane_at(words, plane) + start, along, seen, zero)
                value, where, omitted = identity, nowhere, 0
                if size > zero:
                    found, chosen, omitted = reduce(seen, np.int64(size))
                    value = accumulator(found)
                    if indexed and chosen >= 0:
                        where = index(place_of(along, place, word(chosen)))
                share = divided_by(count)
                if counted:
                    share -= accumulator(omitted)
                to = U(plane) * U(cells) + U(cell)
                out[to] = finish(value, share)
                if indexed:
                    places[to] = where
                plane = word(plane + word(cuda.gridDim.y) * together)
            item = word(item + word(wide))

    return gathered
