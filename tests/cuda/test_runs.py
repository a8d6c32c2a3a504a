"""Runs of outputs side by side: the same results, whatever is aligned."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from numba import cuda
from test_windows import assert_same, assert_within

import numbapool

# Of planes and windows: (shape, kernel, stride, padding).
LAYERS = [
    ((2, 1, 5, 8), 2, 2, 0), ((1, 2, 8, 64), 3, 2, 1), ((1, 1, 8, 64), 3, 1, 1),
    ((1, 1, 7, 12), 3, 3, 0), ((1, 2, 4, 12), (1, 5), (1, 4), (0, 2)), ((1, 1, 3, 3, 32), 2, 1, 0),
    ((2, 2, 40), 3, 2, 0),
]  # fmt: skip
DTYPES = ("float32", "float16", "int8", "float64")


def values(shape, dtype):
    rng = np.random.default_rng(sum(shape))
    x = rng.integers(-9, 9, shape).astype(dtype)
    if x.dtype.kind == "f":
        x[rng.random(shape) < 0.05] = np.nan
        x[rng.random(shape) < 0.1] = -0.0
        x.reshape(-1)[: x.size // 5] = -np.inf
    return x


def functions(x):
    dims = x.ndim - 2
    return (getattr(numbapool, f"{name}_pool{dims}d") for name in ("max", "avg"))


@pytest.mark.parametrize("layer", LAYERS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_runs(layer, dtype):
    shape, *window = layer
    x = values(shape, dtype)
    most, average = functions(x)
    given = cuda.to_device(x)
    assert numbapool.explain(most, given, *window).kernels == ("runs",)
    axes = oracle.windows(shape, *window, dims=x.ndim - 2)
    want, where = oracle.select(x.astype(np.float32) if "16" in dtype else x, axes, 1)
    got, indices = most(given, *window, return_indices=True)
    assert_same(got.copy_to_host(), want.astype(dtype))
    assert_same(indices.copy_to_host(), where)
    if dtype != "float16":
        x = np.random.default_rng(0).integers(-9, 9, shape).astype(dtype)
        exact, scale, taps = oracle.average(x, axes)
        assert_within(average(cuda.to_device(x), *window).copy_to_host(), exact, scale, taps)


def test_rows_apart():
    """Dilated but along a row."""
    x = values((1, 2, 9, 16), "float32")
    window = 3, 1, (1, 0), (3, 1)
    want, where = oracle.select(x, oracle.windows(x.shape, *window), 1)
    given = cuda.to_device(x)
    assert numbapool.explain(numbapool.max_pool2d, given, *window).kernels == ("runs",)
    got, indices = numbapool.max_pool2d(given, *window, return_indices=True)
    assert_same(got.copy_to_host(), want)
    assert_same(indices.copy_to_host(), where)


@pytest.mark.parametrize("columns", [slice(0, 18), slice(4, 19), slice(3, 19)])
def test_views(columns):
    """Rows longer than what is pooled, and those that do not begin where 16 bytes can be read."""
    x = values((1, 2, 4, 20), "float32")[..., columns]
    want, where = oracle.select(x, oracle.windows(x.shape, 2, 1), 1)
    whole = cuda.to_device(values((1, 2, 4, 20), "float32"))
    view = whole[..., columns]
    kernels = numbapool.explain(numbapool.max_pool2d, view, 2, 1).kernels
    assert kernels == (("windows",) if columns.start == 3 else ("runs",))
    got, indices = numbapool.max_pool2d(view, 2, 1, return_indices=True)
    assert_same(got.copy_to_host(), want)
    assert_same(indices.copy_to_host(), where)


def test_results_that_begin_anywhere():
    x = values((1, 1, 4, 16), "float32")
    want, _ = oracle.select(x, oracle.windows(x.shape, 2, 2), 1)
    buffer = cuda.to_device(np.zeros(17, np.float32))
    out = buffer[1:].reshape(1, 1, 2, 8)
    numbapool.max_pool2d(cuda.to_device(x), 2, out=out)
    assert_same(buffer.copy_to_host()[1:].reshape(want.shape), want)


def test_windows_that_all_lack_as_many_taps_are_no_full_ones():
    """Nine taps two apart over twelve inputs: each window has six, which an average divides by."""
    x = np.arange(12 * 7 * 4, dtype=np.float32).reshape(1, 1, 12, 7, 4)
    window = {"padding": ((5, 4), (0, 0), (0, 0)), "dilation": (2, 1, 1)}
    got = numbapool.avg_pool3d(
        cuda.to_device(x), (9, 2, 1), 1, count_include_pad=False, **window
    )  # fmt: skip
    axes = oracle.windows(x.shape, (9, 2, 1), 1, **window, dims=3)
    assert_within(got.copy_to_host(), *oracle.average(x, axes, False))
