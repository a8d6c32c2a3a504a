"""The command as the tests of `numbapool pool` run it."""

from __future__ import annotations

import numpy as np

import numbapool
from numbapool.cli import main

RNG = np.random.default_rng(0)
WINDOW = ["-k", "3", "-s", "2", "-p", "1"]


def expected(x, **options):
    """Pool as the command does with WINDOW."""
    return numbapool.max_pool2d(x, 3, 2, 1, **options)


def pool(*args):
    """Run ``pool`` in this process and require success."""
    assert main(["pool", *map(str, args)]) == 0
