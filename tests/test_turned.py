"""Large windows on small planes, one to a lane, against the oracle."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import torch
from numpy.testing import assert_array_equal

import numbapool

#: Planes and outputs of each as many as a vector has lanes, and some more.
SHAPE, BYTES = (2, 9, 16, 11), (3, 22, 13, 16)
WINDOWS = [((7, 6), 1, 3), (6, (2, 1), (3, 0)), ((13, 7), 1, (6, 3)), ((6, 1), (1, 2), 0)]


def pooled(name, x, *window):
    pool = getattr(numbapool, name)
    assert numbapool.explain(pool, x, *window).kernels == ("turned",)
    return pool(x, *window), *pool(x, *window, return_indices=True)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
def test_windows(dtype, window):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, BYTES if dtype == "uint8" else SHAPE).astype(dtype)
    axes = oracle.windows(x.shape, *window)
    if dtype == "float32":
        x[rng.random(SHAPE) < 0.02] = np.nan
        x[rng.random(SHAPE) < 0.3] = -0.0
        x[:, :3] = -np.inf
    for name, sign in (("max_pool2d", 1), ("min_pool2d", -1)):
        values, indices = oracle.select(x, axes, sign)
        found, again, places = pooled(name, x, *window)
        assert_array_equal(places, indices)
        for got in (found, again):
            assert_array_equal(got, values)
            assert_array_equal(np.signbit(got), np.signbit(values))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves(dtype):
    x = torch.randint(-3, 4, BYTES, generator=torch.manual_seed(0)).to(dtype)
    x[0, 1, 2, 3], x[1, 2] = torch.nan, -0.0
    found, again, places = pooled("max_pool2d", x, (7, 6), 1, 3)
    values, indices = torch.nn.functional.max_pool2d(x, (7, 6), 1, 3, return_indices=True)
    torch.testing.assert_close(found, values, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(again, values, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(places, indices)


def test_index_maps_of_either_size():
    x = np.random.default_rng(0).standard_normal(SHAPE, np.float32)
    _, wanted = oracle.select(x, oracle.windows(SHAPE, 6, 1), 1)
    for dtype in ("int32", "int64"):
        _, places = numbapool.max_pool2d(x, 6, 1, return_indices=True, index_dtype=dtype)
        assert places.dtype == dtype
        assert_array_equal(places, wanted)


def test_planes_that_lie_apart():
    """Those of every second channel, and of a batch whose end is not used."""
    x = np.random.default_rng(0).standard_normal((3, 80, 12, 9), np.float32)
    for part in (x[:, ::2], x[:, :40], x[:, :, :, :8]):
        wanted = numbapool.max_pool2d(part.copy(), 6, 1, 3, return_indices=True)
        for got, want in zip(
            numbapool.max_pool2d(part, 6, 1, 3, return_indices=True), wanted, strict=True
        ):
            assert_array_equal(got, want)
