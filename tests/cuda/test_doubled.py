"""Large windows along an axis from two of half the taps: exact in values, places and counts."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from numba import cuda
from strategies import few
from test_windows import assert_same, assert_within

import numbapool

# (shape, kernel, stride, padding), how many passes are doubled, and a dtype.
LAYERS = [
    ((1, 2, 150), 71, 1, 35, 1, "float32"), ((1, 1, 700), 90, 2, ((3, 0),), 1, "int8"),
    ((1, 1, 40, 40), 27, 1, 13, 2, "float32"), ((1, 1, 70, 5), (65, 1), 1, (32, 0), 1, "float64"),
    ((1, 1, 2, 60, 6), (1, 40, 2), 1, (0, 20, 1), 1, "int16"),
    ((1, 1, 90), 70, 1, ((69, 0),), 1, "uint8"),
]  # fmt: skip
DTYPES = ("float32", "int8", "float64")
EVERY = [(*layer[:-1], dtype) for layer in LAYERS for dtype in DTYPES]


def pools(dims):
    return (getattr(numbapool, f"{name}_pool{dims}d") for name in ("max", "avg"))


@pytest.mark.parametrize("layer", few(EVERY, [LAYERS[n] for n in (0, 2, 3, 5)]), ids=str)
def test_doubled(layer):
    shape, *window, passes, dtype = layer
    dims = len(shape) - 2
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, shape).astype(dtype)
    if x.dtype.kind == "f":
        x[rng.random(shape) < 0.005] = np.nan
        x[rng.random(shape) < 0.2] = -0.0
        x.reshape(-1)[: x.size // 2] = -np.inf
    most, average = pools(dims)
    axes = oracle.windows(shape, *window, dims=dims)
    want, where = oracle.select(x, axes, 1)
    given = cuda.to_device(x)
    got, indices = most(given, *window, return_indices=True)
    assert_same(got.copy_to_host(), want)
    assert_same(indices.copy_to_host(), where)
    # A block of the simulator takes half a second: one call more of each.
    said = str(numbapool.explain(most, given, *window, out=got))
    assert said.count("doubled in") == passes
    assert_same(got.copy_to_host(), want)
    x = rng.integers(-9, 10, shape).astype(dtype)
    exact, scale, taps = oracle.average(x, axes, False)
    got = average(cuda.to_device(x), *window, count_include_pad=False)
    assert_within(got.copy_to_host(), exact, scale, taps)


def test_sums_keep_their_digits():
    x = np.full((1, 1, 1100), 0.1, np.float32)
    exact = np.float64(np.float32(0.1))
    got = numbapool.avg_pool1d(cuda.to_device(x), 500, 1).copy_to_host()
    assert np.abs(got - exact).max() <= (np.log2(500) + 2) * np.finfo(np.float32).eps * exact
