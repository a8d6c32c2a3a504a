"""Powers and cube roots of float32 vectors: rounded as of float64, and C's special cases."""

from __future__ import annotations

import numpy as np
import pytest

import numbapool


def zero(dtype):
    return dtype.type(0)


def add(earlier, later):
    return earlier + later


def raised(p):
    return numbapool.PoolOp(f"power{p}", identity=zero, combine=add, lift=lambda tap: tap**p)


@pytest.mark.parametrize("p", [2.5, 0.3, 3.0, 1e30, 7.3, 1 / 3, 2 / 3])
def test_powers_of_vectors(p):
    op = raised(p)
    rng = np.random.default_rng(0)
    special = [0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 1e-45, 1e-40, 3.4e38, -2, -3, 0.5, -0.5]
    numbers = [
        special, np.exp(rng.uniform(-80, 80, 4000)), -np.exp(rng.uniform(-5, 5, 1000)),
        rng.uniform(0.5, 2, 4000), [1 - 2**-24, 1 + 2**-23],
    ]  # fmt: skip
    x = np.concatenate(numbers).astype(np.float32).reshape(1, -1)
    with np.errstate(all="ignore"):
        # Not of the float32 next to p, whose powers are off by 16 in the last place and more.
        want = np.power(x.astype(np.float64), p).astype(np.float32)
    got = numbapool.pool(x, op, (1, 1))
    assert numbapool.explain(numbapool.pool, x, op, (1, 1)).kernels == ("rows",)
    np.testing.assert_array_equal(got, want)
    numbers = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got[numbers]), np.signbit(want[numbers]))


def test_roots_of_cubes_are_exact():
    roots = np.arange(0, 256, dtype=np.float32).reshape(1, -1)
    np.testing.assert_array_equal(numbapool.pool(roots**3, raised(1 / 3), (1, 1)), roots)
