"""Every kernel against the oracle; values and places exactly, averages within their bound."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import oracle
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numba import cuda
from strategies import DTYPES, FEW, few, values, window_arguments
from test_reductions import FORMULAS, expected
from test_windows import SELECTIONS, assert_same, assert_within

import numbapool

FEWER = settings(max_examples=6)


def on(pool, x, *args, **kwargs):
    """Pools an array of a device; the results as NumPy's."""
    found = pool(cuda.to_device(x), *args, **kwargs)
    if isinstance(found, tuple):
        return tuple(each.copy_to_host() for each in found)
    return found.copy_to_host()


@st.composite
def planes(draw, dims=2):
    lead = draw(st.sampled_from(((2, 3), (1, 1), (3,))))
    return (*lead, *(draw(st.integers(1, 9)) for _ in range(dims)))


@pytest.mark.parametrize("name", SELECTIONS)
@settings(max_examples=15)
@given(data=st.data())
def test_selections(name, data):
    pool, sign = SELECTIONS[name]
    shape = data.draw(planes())
    arguments = data.draw(window_arguments(shape))
    axes = oracle.windows(shape, **arguments)
    assume(all(len(cells) >= 1 for cells in axes))
    x = data.draw(values(shape, DTYPES))
    want, where = oracle.select(x, axes, sign)
    got, indices = on(pool, x, **arguments, return_indices=True)
    assert_same(got, want)
    assert_same(indices, where)
    few = on(pool, x, **arguments, return_indices=True, index_dtype="int32")[1]
    assert_same(few, where.astype(np.int32))
    assert_same(on(pool, x, **arguments), want)


@settings(max_examples=15)
@given(data=st.data())
def test_averages(data):
    shape = data.draw(planes())
    arguments = data.draw(window_arguments(shape))
    include, override = data.draw(st.booleans()), data.draw(st.sampled_from((None, None, -3, 7)))
    axes = oracle.windows(shape, **arguments)
    assume(all(len(cells) >= 1 for cells in axes))
    x = data.draw(values(shape, FEW))
    exact, scale, taps = oracle.average(x, axes, include, override)
    got = on(numbapool.avg_pool2d, x, **arguments, count_include_pad=include,
             divisor_override=override)  # fmt: skip
    assert got.dtype == (x.dtype if x.dtype.kind == "f" else np.float64)
    assert_within(got, exact, scale, taps)


@FEWER
@given(data=st.data())
def test_sums_of_integers(data):
    shape = data.draw(planes())
    x = data.draw(values(shape, ("int8", "uint16", "int64", "bool")))
    axes = oracle.windows(shape, 3, 2, 1)
    kind = np.uint64 if x.dtype.kind == "u" else np.int64
    exact = oracle.total(x, axes)
    wrapped = np.array([int(v) % 2**64 for v in exact.ravel()], np.uint64).astype(kind)
    assert_same(on(numbapool.sum_pool2d, x, 3, 2, 1), wrapped.reshape(exact.shape))


@pytest.mark.parametrize("dims", [1, 3])
def test_other_dimensions(dims):
    rng = np.random.default_rng(dims)
    x = rng.integers(-4, 5, (2, 3, *(7, 6, 9)[-dims:])).astype(np.float32)
    axes = oracle.windows(x.shape, 3, 2, 1, dims=dims)
    want, where = oracle.select(x, axes, 1)
    got, indices = on(getattr(numbapool, f"max_pool{dims}d"), x, 3, 2, 1, return_indices=True)
    assert_same(got, want)
    assert_same(indices, where)
    exact, scale, taps = oracle.average(x, axes)
    assert_within(on(getattr(numbapool, f"avg_pool{dims}d"), x, 3, 2, 1), exact, scale, taps)


@FEWER
@given(size=st.sampled_from((1, 2, 3, (1, 4), (5, 7))), special=st.booleans(), data=st.data())
def test_bins_of_all_sizes(size, special, data):
    shape = (2, 2, data.draw(st.integers(1, 40)), data.draw(st.integers(1, 60)))
    x = np.random.default_rng(data.draw(st.integers(0, 9))).integers(-9, 9, shape).astype("f4")
    if special:
        x[np.random.default_rng(1).random(shape) < 0.01] = np.nan
        x[0] = -np.inf
    axes = oracle.bins(shape, size)
    want, where = oracle.select(x, axes, 1)
    got, indices = on(numbapool.adaptive_max_pool2d, x, size, return_indices=True)
    assert_same(got, want)
    assert_same(indices, where)
    x[~np.isfinite(x)] = 0.5
    exact, scale, taps = oracle.average(x, axes)
    assert_within(on(numbapool.adaptive_avg_pool2d, x, size), exact, scale, taps)


def test_sums_of_large_windows_keep_their_digits():
    x = np.full((1, 1, 100, 100), 0.1, np.float32)
    exact = np.float64(np.float32(0.1))
    for size, taps in ((1, 10_000), (2, 2500), ((100, 1), 100), (20, 25)):
        got = on(numbapool.adaptive_avg_pool2d, x, size)
        bound = (np.log2(taps) + 2) * np.finfo(np.float32).eps * exact
        assert np.abs(got - exact).max() <= bound


OVERLAPPING = [(9, 1, 4), ((8, 9), (1, 2), (3, 4)), ((3, 4, 6), 1, (1, 2, 3))]


@pytest.mark.parametrize(("window", "dtype"), few(
    [(window, dtype) for window in OVERLAPPING for dtype in ("float32", "int8")],
    [*zip(OVERLAPPING, ("int8", "float32", "int8"), strict=True)],
))  # fmt: skip
def test_large_windows_that_overlap(window, dtype):
    dims = np.size(window[0]) if np.ndim(window[0]) else 2
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 9, (1, 2, *(4, 9, 12)[-dims:])).astype(dtype)
    if dtype == "float32":
        x[rng.random(x.shape) < 0.01] = np.nan
        x[0, 0] = -np.inf
    axes = oracle.windows(x.shape, *window, dims=dims)
    want, where = oracle.select(x, axes, 1)
    pool = getattr(numbapool, f"max_pool{dims}d")
    got, indices = on(pool, x, *window, return_indices=True, index_dtype="int32")
    assert_same(got, want)
    assert_same(indices, where.astype(np.int32))
    assert_same(on(pool, x, *window), want)
    assert numbapool.explain(pool, cuda.to_device(x), *window).kernels == ("passes",)
    x = rng.integers(-9, 9, x.shape).astype(dtype)
    for include in (True, False):
        exact, scale, taps = oracle.average(x, axes, include)
        got = on(getattr(numbapool, f"avg_pool{dims}d"), x, *window, count_include_pad=include)
        assert_within(got, exact, scale, taps)


@pytest.mark.parametrize(("name", "options", "formula"), FORMULAS)
@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_reductions_equal_their_formula(name, options, formula, dtype):
    x = (np.random.default_rng(0).standard_normal((1, 2, 7, 6)) * 3).astype(dtype)
    axes = oracle.windows(x.shape, 3, 2, 1)
    got = on(getattr(numbapool, f"{name}_pool2d"), x, 3, 2, 1, **options)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(got, expected(formula, x, axes), tolerance, tolerance)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_halves_are_reckoned_in_float32_and_rounded_once(dtype):
    x = np.random.default_rng(0).standard_normal((2, 2, 9, 9)).astype(dtype)
    x[0, 0, 3, 3], x[0, 1, 4, 4], x[1, 0, :5] = np.nan, np.inf, -0.0
    full = x.astype(np.float32)
    axes = oracle.windows(x.shape, 3, 2, 1)
    numbapool.set_default_target("cuda")
    want, where = oracle.select(full, axes, 1)
    got, indices = numbapool.max_pool2d(x, 3, 2, 1, return_indices=True)
    assert got.dtype == dtype
    assert_same(got.astype(np.float32), want)
    assert_same(indices, where)
    mean = numbapool.avg_pool2d(x, 3, 2, 1)
    rounded = numbapool.avg_pool2d(full, 3, 2, 1).astype(dtype)
    assert_same(mean.astype(np.float32), rounded.astype(np.float32))


@pytest.mark.parametrize("pool", [numbapool.max_pool2d, numbapool.avg_pool2d,
                                  numbapool.median_pool2d])  # fmt: skip
def test_nan_left_out(pool):
    x = np.random.default_rng(0).standard_normal((1, 2, 8, 8)).astype(np.float32)
    x[0, 0, :4, :4] = np.nan
    x[0, 1, 2, 2] = np.nan
    functions = {"max_pool2d": np.nanmax, "avg_pool2d": np.nanmean, "median_pool2d": np.nanmedian}
    blocks = x.reshape(1, 2, 4, 2, 4, 2).transpose(0, 1, 2, 4, 3, 5).reshape(1, 2, 4, 4, 4)
    some = ~np.isnan(blocks).all(-1)
    got = on(pool, x, 2, nan_policy="omit")
    assert np.isnan(got[~some]).all()
    np.testing.assert_allclose(got[some], functions[pool.__name__](blocks[some], -1), 1e-6)


def further(candidate, best):
    return abs(candidate) > abs(best)


def test_a_reduction_of_ones_own():
    op = numbapool.PoolOp("furthest", identity=lambda dtype: dtype.type(0), better=further)
    x = np.random.default_rng(0).integers(-9, 10, (2, 3, 8, 8)).astype(np.float32)
    numbapool.set_default_target("cuda")
    got, indices = numbapool.pool(x, op, (2, 2), return_indices=True)
    blocks = x.reshape(2, 3, 4, 2, 4, 2).transpose(0, 1, 2, 4, 3, 5).reshape(2, 3, 4, 4, 4)
    at = np.abs(blocks).argmax(-1)
    assert_same(got, np.take_along_axis(blocks, at[..., None], -1)[..., 0])
    flat, places = x.reshape(6, -1), indices.reshape(6, -1)
    assert_same(np.take_along_axis(flat, places, -1).ravel(), got.ravel())


def test_taps_so_far_apart_that_their_places_pass_32_bits():
    x, most = np.arange(1, 11, dtype=np.float32).reshape(1, 1, 10), 2**31 - 1
    window = {"stride": most, "padding": ((most, most),), "dilation": 2**30, "ceil_mode": True}
    for pool in (numbapool.sum_pool1d, numbapool.max_pool1d):
        assert_same(on(pool, x, 5, **window), pool(x, 5, **window))


def test_windows_of_which_none_has_a_tap():
    x = np.ones((1, 1, 1), np.float32)
    assert np.isnan(on(numbapool.median_pool1d, x, 2, 1, 1, dilation=2)).all()
