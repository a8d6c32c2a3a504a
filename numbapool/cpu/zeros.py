"""Floats have two zeros, which compare equal: a selection returns the first it met."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..jit import inner
from . import memory
from .memory import INPUT
from .scalars import Scalars

U = np.uintp


def make_settle(s: Scalars) -> Any:
    """The first zero, in row-major order, of a window whose best value is zero."""
    accumulator = s.accumulator

    def settle(x, at, rows, pitch, low, high, step):
        for row in range(rows):
            for column in range(low, high, step):
                value = accumulator(memory.load(INPUT, x, at + row * pitch + column))
                if value == 0:
                    return value
        return accumulator(0)

    return inner(settle)


def make_has_negative_zero(s: Scalars) -> Any:
    """Whether a plane has a -0.0 at all: one fast pass, where settling window by window is slow."""
    accumulator = s.accumulator

    def has_negative_zero(x, at, height, width, by_row):
        found = False
        for row in range(height):
            for column in range(width):
                value = accumulator(memory.load(INPUT, x, at + row * by_row + column))
                found |= (value == 0) & (math.copysign(accumulator(1), value) < 0)
        return found

    return inner(has_negative_zero)
