"""What functions of kernels may not do, since they are compiled without the passes for it."""

from __future__ import annotations

import pytest
from numba.core import types
from numba.core.errors import TypingError

from numbapool.parts import template


def mixed(signed, unsigned, takes_second):
    taken = signed
    if takes_second:
        taken = unsigned
    return taken


mixed.__module__ = "numbapool.mixed"


def test_the_values_of_a_name_have_one_type():
    """Numba would take floats for both, and places past 2 ** 53 would be others."""
    part = template(mixed, False)(None)
    assert part.generic((types.int64, types.int64, types.uint8), {}).return_type == types.int64
    with pytest.raises(TypingError, match=r"taken is float64, and u?int64 here"):
        part.generic((types.int64, types.uint64, types.uint8), {})
