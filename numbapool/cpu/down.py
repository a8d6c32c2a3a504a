"""Large windows down a strip, whose rows are vectors one after the other: folded in place.

A window is what lies from its first tap to the end of a block of as many, and from the beginning of
the next block to its last: two folds a row find all such pieces, in their order, however many taps
there are. Longer sums would be rounded too often so: theirs are of windows of more taps, the threes
of their number and the digits of what is left.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from . import memory, vector
from .ladder import MOST, make_double, make_triple
from .memory import PART, TILE, TILE_INDEX
from .scalars import Scalars

U = np.uintp


@cache
def _make_pieces(s: Scalars, lanes: int, indexed: bool) -> Any:
    """All windows of ``kernel`` rows, ``apart``, of so many ``rows``: each in its first row."""
    combine, better, lane = s.combine, s.better, s.lane
    one, many = U(1), U(lanes)

    def read(strip, strip_index, row):
        where = vector.splat(lane(0), lanes)
        if indexed:
            where = vector.apart(memory.lanes(TILE_INDEX, strip_index, row * many, lanes))
        return vector.apart(memory.lanes(TILE, strip, row * many, lanes)), where

    def meet(first, second):
        (value, where), (other, there) = first, second
        if indexed:
            where = vector.pick(better(other, value), there, where)
        return combine(value, other), where

    def keep(strip, strip_index, row, window):
        memory.store(TILE, strip, row * many, window[0])
        if indexed:
            memory.store(TILE_INDEX, strip_index, row * many, window[1])

    read, meet = inner(read, inlined=True), inner(meet, inlined=True)
    keep = inner(keep, inlined=True)

    def pieces(strip, strip_index, rows, kernel, apart):
        reach = (kernel - one) * apart
        for first in range(apart):
            begin = first
            while begin + reach < rows:
                end = row = begin + reach
                ended = read(strip, strip_index, end)
                while row > begin:
                    row -= apart
                    ended = meet(read(strip, strip_index, row), ended)
                    keep(strip, strip_index, row, ended)
                row, later = begin + apart, end + apart
                end = vector.least(later, rows - reach)
                if row < end:
                    begun = read(strip, strip_index, later)
                    keep(strip, strip_index, row, meet(read(strip, strip_index, row), begun))
                    row, later = row + apart, later + apart
                while row < end:
                    begun = meet(begun, read(strip, strip_index, later))
                    keep(strip, strip_index, row, meet(read(strip, strip_index, row), begun))
                    row, later = row + apart, later + apart
                begin += kernel * apart

    return inner(pieces)


@cache
def _make_nines(s: Scalars, lanes: int) -> Any:
    """All windows of nine rows, ``apart``: threes of threes, six of which stay in registers."""
    combine, many = s.combine, U(lanes)
    two, three, four, five, six, seven, eight = map(U, range(2, 9))

    def read(strip, row):
        return memory.lanes(TILE, strip, row * many, lanes)

    def meet(first, second, third):
        return combine(combine(first, second), third)

    read, meet = inner(read, inlined=True), inner(meet, inlined=True)

    def nines(strip, rows, apart):
        for first in range(apart):
            row = first
            a, b = read(strip, row), read(strip, row + apart)
            c, d = read(strip, row + two * apart), read(strip, row + three * apart)
            e, f = read(strip, row + four * apart), read(strip, row + five * apart)
            g, h = read(strip, row + six * apart), read(strip, row + seven * apart)
            m, n, o = meet(a, b, c), meet(b, c, d), meet(c, d, e)
            p, q, r = meet(d, e, f), meet(e, f, g), meet(f, g, h)
            later = row + eight * apart
            while later < rows:
                last = read(strip, later)
                latest = meet(g, h, last)
                memory.store(TILE, strip, row * many, meet(m, p, latest))
                g, h = h, last
                m, n, o, p, q, r = n, o, p, q, r, latest
                row, later = row + apart, later + apart

    return inner(nines)


@cache
def make_down(s: Scalars, lanes: int, indexed: bool) -> Any:
    """All windows of ``kernel`` rows, ``apart``, of so many ``rows``: each in its first row.

    ``sums`` have room for as many rows.
    """
    combine, selects, pieces = s.combine, s.selects, _make_pieces(s, lanes, indexed)
    double, triple = make_double(s, TILE, TILE_INDEX, lanes, indexed), make_triple(s, TILE, lanes)
    nines, eight, nine = _make_nines(s, lanes), U(8), U(9)
    zero, one, two, three, most, many = U(0), U(1), U(2), U(3), U(MOST), U(lanes)

    def down(strip, strip_index, sums, rows, kernel, apart):
        if selects:
            pieces(strip, strip_index, rows, kernel, apart)
            return
        end = (rows - (kernel - one) * apart) * many
        left, ahead, passed = kernel, apart, zero
        while left % nine == zero:
            nines(strip, rows, ahead)
            rows -= eight * ahead
            left, ahead = left // nine, ahead * nine
        while left % three == zero:
            rows -= two * ahead
            triple(strip, rows * many, ahead * many)
            left, ahead = left // three, ahead * three
        while left > most:
            if left & one:
                for at in range(zero, end, many):
                    value = memory.lanes(TILE, strip, at + passed * many, lanes)
                    if passed:
                        value = combine(memory.lanes(PART, sums, at, lanes), value)
                    memory.store(PART, sums, at, value)
                passed += ahead
            rows -= ahead
            double(strip, strip_index, rows * many, ahead * many)
            left, ahead = left // two, ahead * two
        pieces(strip, strip_index, rows, left, ahead)
        if passed:
            for at in range(zero, end, many):
                value = memory.lanes(TILE, strip, at + passed * many, lanes)
                value = combine(memory.lanes(PART, sums, at, lanes), value)
                memory.store(TILE, strip, at, value)

    return inner(down)
