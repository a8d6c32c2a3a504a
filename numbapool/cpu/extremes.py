"""Both extremes of 16-bit floats in a row, by their bits as they are: less than a key of each tap.

Bits of floats are a sign and a magnitude. As signed integers, the largest of a row is its maximum
unless all are below zero; then the smallest is. As unsigned integers, the largest is its minimum if
any is below zero; if none is, the smallest is. What they come to is a key, once a row: an integer
that is the larger the better.

Not to be seen are a NaN that another value hides, beyond the infinity that cannot win, and -0.0,
the smallest of the signed integers, which 0.0 is equal to.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..jit import inner
from ..ops import PoolOp
from . import halves, vector
from .half_scalars import bits
from .scalars import Across, Scalars


@cache
def by_extremes(s: Scalars, op: PoolOp, dtype: np.dtype) -> Scalars:
    """The scalars of a selection on a half type, blind, for small windows without an index map."""
    assert op.better is not None
    largest = bool(op.better(np.float32(1), np.float32(0)))
    beyond = 0x8000 + int(bits(np.inf, dtype))

    def start(tap):
        return vector.beside(tap, tap)

    def extremes(earlier, later):
        return halves.both_extremes(earlier, later, largest)

    def better(later, earlier):  # for index maps, which do without
        return vector.lower(later) > vector.lower(earlier)

    def unseen(watched, both):
        return vector.beside(watched, vector.upper(both))

    def worse(one, other):
        return halves.both_extremes(one, other, False)

    def met(unseens):
        hidden = vector.convert(vector.lower(unseens), np.uint16) > beyond
        return vector.some(hidden | (vector.upper(unseens) == -0x8000))

    def maximum(both):
        larger = vector.lower(both)
        return vector.pick(larger < 0, 0x7FFF - vector.upper(both), larger)

    def minimum(both):
        larger = vector.lower(both)
        return vector.pick(larger < 0, larger + 0x8000, -1 - vector.upper(both))

    def of_maximum(key, count):
        return vector.pick(key < 0, 0x7FFF - key, key)

    def of_minimum(key, count):
        return vector.pick(key < 0, -1 - key, key + 0x8000)

    def below_zero(one, other):
        return vector.either(vector.convert(one, np.uint16), vector.convert(other, np.uint16))

    def above_zero(one, other):
        return vector.either(
            vector.convert(one, np.uint16) + 0x8000, vector.convert(other, np.uint16) + 0x8000
        )

    ways: tuple[Any, ...] = (maximum, of_maximum, below_zero)
    if not largest:
        ways = (minimum, of_minimum, above_zero)
    end, finish, watched = map(inner, ways)
    across = Across(inner(start), inner(better), inner(extremes), end, inner(unseen))
    return s._replace(
        key=None, across=across, finish=finish, watched=watched, worse=inner(worse), met=inner(met)
    )
