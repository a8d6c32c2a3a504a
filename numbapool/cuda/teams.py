"""Large windows far apart: a team of threads folds each, and their results are joined in pairs.

Neighbours of a team take neighbouring taps. Of equals the one with the lowest place counts, so a
choice does not depend on who met it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .api import cuda, device
from .corner import make_corner, make_divided_by, make_plane_at
from .gathered import make_place_of
from .scalars import Scalars
from .words import BY_TABLE, CELLS, PLANES, TOGETHER

U = np.uint64
#: Threads of a block.
BLOCK = 256
#: Sums of so many are added to sums of as many again, and those to the rest.
RUN = 8


def make_far(axes: int, word: type) -> Any:
    """How far a tap is from the first of its window, by its number."""
    axis = axes - 1
    outer = make_far(axis, word) if axis else None
    if outer is None:

        def outermost(along, tap):
            return U(tap) * U(along[1][axis])

        return device(outermost)

    def far(along, tap):
        length = along[0][axis]
        return outer(along, word(tap // length)) + U(tap % length) * U(along[1][axis])

    return device(far)


def make_share(s: Scalars, axes: int, word: type) -> Any:
    """Folds the taps that are a thread's: one of every ``step``."""
    combine, beats, taken, identity = s.combine, s.beats, s.taken, s.identity
    far, place_of, run = make_far(axes, word), make_place_of(axes, word), U(RUN)
    zero = U(0)

    def choose(x, at, place, along, size, first, step):
        value, where = identity, U(place_of(along, place, word(first)))
        for tap in range(first, size, step):
            candidate = taken(x[at + far(along, word(tap))])
            if beats(candidate, value):
                value, where = candidate, U(place_of(along, place, word(tap)))
        return value, where

    def add(x, at, place, along, size, first, step):
        some, more, value, met = identity, identity, identity, zero
        for tap in range(first, size, step):
            some = combine(some, taken(x[at + far(along, word(tap))]))
            met += U(1)
            if met % run == zero:
                more, some = combine(more, some), identity
                if met % (run * run) == zero:
                    value, more = combine(value, more), identity
        return combine(value, combine(more, some)), zero

    return device(choose if s.selects else add)


def make_teams(
    s: Scalars, axes: int, divisor: int | None, word: type, index: type, indexed: bool, team: int,
    beside: int,
) -> Any:  # fmt: skip
    """The kernel: ``team`` threads to an output, those of ``beside`` neighbours interleaved."""
    corner, plane_at = make_corner(axes, word), make_plane_at(word)
    share_of, nothing = make_share(s, axes, word), s.identity
    combine, beats, finish, selects = s.combine, s.beats, s.finish, s.selects
    divided_by, stamp, kind = make_divided_by(s, divisor), s.stamp, s.kind
    cells_at, planes_at, together_at = U(CELLS), U(PLANES), U(TOGETHER)
    by_table = U(BY_TABLE)
    zero, one, nowhere, nobody = U(0), U(1), index(-1), U(2**63)
    outputs, crowd, neighbours = word(BLOCK // team), word(team * beside), word(beside)
    block, apart = BLOCK, beside

    def teams(x, out, places, words, given):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        values = cuda.shared.array(block, kind)
        wheres = cuda.shared.array(block if selects else 1, np.uint64)
        thread, cells, together = cuda.threadIdx.x, words[cells_at], words[together_at]
        # Interleaved: neighbours in a warp are neighbours in memory, as far as outputs are.
        group, inside = word(thread) // crowd, word(thread) % crowd
        member, mine = np.int32(word(inside) // neighbours), word(inside) % neighbours
        item = word(word(cuda.blockIdx.x) * outputs + group * neighbours + mine)
        beside, cell = word(item // cells), word(item % cells)
        low = word(cuda.blockIdx.y) * together
        while low < words[planes_at]:
            plane = word(low + beside)
            known = beside < together and plane < words[planes_at]
            size, count = zero, one
            value, where = nothing, nobody
            if known:
                start, place, counted, along = corner(words, cell, U(plane) * U(words[by_table]))
                size, count = one, U(counted)
                for taps in along[0]:
                    size *= U(taps)
                if U(member) < size:
                    at = plane_at(words, plane) + start
                    value, where = share_of(x, at, place, along, size, U(member), U(team))
            values[thread] = value
            if selects:
                wheres[thread] = where
            half = team // 2
            while half > 0:
                cuda.syncthreads()
                if member < half:
                    other = thread + half * apart
                    if selects:
                        earlier = wheres[thread] < wheres[other]
                        first, second = (thread, other) if earlier else (other, thread)
                        best = second if beats(values[second], values[first]) else first
                        values[thread], wheres[thread] = values[best], wheres[best]
                    else:
                        values[thread] = combine(values[thread], values[other])
                half //= 2
            if known and member == 0:
                to = U(plane) * U(cells) + U(cell)
                out[to] = finish(values[thread], divided_by(count))
                if indexed:
                    places[to] = index(wheres[thread]) if size > zero else nowhere
            cuda.syncthreads()  # before the next planes write where these are still read
            low += word(cuda.gridDim.y) * together

    return teams
