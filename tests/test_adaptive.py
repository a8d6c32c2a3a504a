"""Adaptive, global and pyramid pooling."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import FLOATS, few, laid_out, shapes, values
from test_windows import assert_same, assert_within

import numbapool

ADAPTIVE = ("float32", "uint8")  # the kernels are those of windows: two types will do
SIZES = st.one_of(st.none(), st.integers(1, 9))


@pytest.mark.parametrize("sign", [1, -1], ids=["max", "min"])
@given(data=st.data())
def test_adaptive_selections(sign, data):
    pool = numbapool.adaptive_max_pool2d if sign > 0 else numbapool.adaptive_min_pool2d
    shape = data.draw(shapes())
    size = data.draw(st.one_of(st.integers(1, 9), st.tuples(SIZES, SIZES)))
    x = data.draw(values(shape, ADAPTIVE if sign > 0 else few(ADAPTIVE, ("float32",))))
    expected, where = oracle.select(x, oracle.bins(shape, size), sign)
    got, indices = pool(data.draw(laid_out(x)), size, return_indices=True)
    assert_same(got, expected)
    assert_same(indices, where)
    assert_same(pool(x, size), expected)


@given(data=st.data())
def test_adaptive_averages(data):
    shape = data.draw(shapes(12))
    size = data.draw(st.one_of(st.integers(1, 9), st.tuples(SIZES, SIZES)))
    x = data.draw(values(shape, few(ADAPTIVE, ("float32",))))
    got = numbapool.adaptive_avg_pool2d(data.draw(laid_out(x)), size)
    assert_within(got, *oracle.average(x, oracle.bins(shape, size)))


@pytest.mark.parametrize("dtype", few(FLOATS, ("float32",)))
@pytest.mark.parametrize("shape", [(2, 3, 7, 7), (2, 3, 13, 40), (1, 1, 224, 224), (3, 64, 300)])
def test_adaptive_equals_torch(shape, dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 9, shape).astype(dtype)
    x[rng.random(shape) < 0.01] = np.nan
    for size in (1, 2, 7, (1, 9), (None, 3), (15, 1)):
        expected, where = torch.nn.functional.adaptive_max_pool2d(
            torch.from_numpy(x), size, return_indices=True
        )
        got, indices = numbapool.adaptive_max_pool2d(x, size, return_indices=True)
        assert_same(got, expected.numpy())
        assert_same(indices, where.numpy())


def test_no_bins_give_an_empty_result():
    x = np.zeros((2, 3, 4, 5))
    assert numbapool.adaptive_max_pool2d(x, 0).shape == (2, 3, 0, 0)
    values, indices = numbapool.adaptive_max_pool2d(x, (0, None), return_indices=True)
    assert values.shape == indices.shape == (2, 3, 0, 5)
    assert numbapool.adaptive_avg_pool2d(np.zeros((2, 0, 4, 5)), 2).shape == (2, 0, 2, 2)
    with pytest.raises(ValueError, match="empty"):
        numbapool.adaptive_max_pool2d(np.zeros((2, 0, 4, 5)), 2)


@pytest.mark.parametrize("spatial", [(9,), (4, 9), (3, 4, 9), (2, 3, 2, 5), (1, 1), (70, 80)])
@pytest.mark.parametrize("dtype", few(["float32", "int8", "bool"], ["float32", "bool"]))
def test_global_pooling_of_any_number_of_axes(spatial, dtype):
    rng = np.random.default_rng(1)
    x = rng.integers(0, 50, (2, 3, *spatial)).astype(dtype)
    axes = tuple(range(2, x.ndim))
    flat = x.reshape(2, 3, -1)
    for pool, reduce, find in (
        (numbapool.global_max_pool, np.max, np.argmax),
        (numbapool.global_min_pool, np.min, np.argmin),
    ):
        got, where = pool(x, return_indices=True)
        assert_same(got, reduce(x, axes, keepdims=True))
        assert_same(where.reshape(2, 3), find(flat, 2))
        assert_same(pool(x, keepdims=False), reduce(x, axes))
        if pool is numbapool.global_max_pool and dtype in few((dtype,), ("float32",)):
            small = pool(x, return_indices=True, keepdims=False, index_dtype="int32")[1]
            assert_same(small, find(flat, 2).astype(np.int32))
    got = numbapool.global_avg_pool(x, keepdims=False)
    np.testing.assert_allclose(got, x.mean(axes, dtype=np.float64), rtol=1e-6)
    out = np.empty((2, 3), got.dtype)
    assert numbapool.global_avg_pool(x, keepdims=False, out=out) is out
    assert_same(out, got)


#: Every way to fold bins: planes whole, rows where they lie, and piles of rows of any width and
#: number, across which there are few windows or many.
WAYS = (
    ((2, 20, 7, 7), 1), ((2, 40, 1, 9), (1, 3)), ((3, 5, 1, 700), (1, 2)), ((1, 3, 40, 40), 1),
    ((2, 3, 9, 11), 4), ((2, 3, 9, 30), 4), ((2, 3, 20, 60), 7), ((2, 3, 20, 100), 7),
    ((2, 3, 40, 65), (2, 21)), ((1, 2, 18, 150), 7), ((1, 2, 12, 600), 5),
    ((2, 3, 70, 60), (2, 37)), ((2, 3, 33, 64), (3, 1)), ((2, 3, 20, 60), (2, 60)),
    ((1, 2, 21, 300), (2, 300)),
)  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize(("shape", "size"), WAYS, ids=str)
def test_averages_of_every_way_to_fold(shape, size, dtype):
    x = np.random.default_rng(0).integers(0, 9, shape).astype(dtype)
    want = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(x).double(), size).numpy()
    np.testing.assert_allclose(numbapool.adaptive_avg_pool2d(x, size), want, 1e-6)


@pytest.mark.parametrize(("shape", "size"), WAYS, ids=str)
def test_no_nan_is_missed_wherever_it_lies(shape, size):
    rng = np.random.default_rng(0)
    clean = rng.standard_normal(shape, np.float32)
    for number in rng.permutation(clean.size)[:60]:
        x = clean.copy()
        x.flat[number] = np.nan
        value, where = (
            found.numpy() for found in torch.nn.functional.adaptive_max_pool2d(
                torch.from_numpy(x), size, return_indices=True
            )
        )  # fmt: skip
        assert_same(numbapool.adaptive_max_pool2d(x, size), value)
        got, indices = numbapool.adaptive_max_pool2d(x, size, return_indices=True)
        assert_same(got, value)
        assert_same(indices, where)
        least = -torch.nn.functional.adaptive_max_pool2d(torch.from_numpy(-x), size).numpy()
        assert_same(numbapool.adaptive_min_pool2d(x, size), least)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8"])
@pytest.mark.parametrize("width", [1, 20, 100, 300])
@pytest.mark.parametrize("last", [False, True])
def test_strips_give_the_first_of_equal_taps(width, dtype, last):
    rng = np.random.default_rng(3)
    x = rng.integers(-1 if dtype[0] == "f" else 0, 2, (2, 3, 23, width)).astype(dtype)
    x[rng.random(x.shape) < 0.3] *= -1 if dtype[0] == "f" else 1
    if dtype[0] == "f":
        x[0, 0, 5] = x[0, 0, 9] = np.nan
    if last:  # of (N, H, W, C), whole
        x = np.moveaxis(x, 3, 1)
    size = 1 if last else (2, width)
    expected, where = oracle.select(x, oracle.bins(x.shape, size), 1)
    assert_same(numbapool.adaptive_max_pool2d(x, size), expected)
    value, index = numbapool.adaptive_max_pool2d(x, size, return_indices=True)
    assert_same(value, expected)
    assert_same(index, where)
    if dtype != "uint8":
        average = numbapool.adaptive_avg_pool2d(x, size)
        assert_within(average, *oracle.average(x, oracle.bins(x.shape, size)))


def test_global_pooling_of_nan_and_zeros():
    x = np.full((1, 1, 50, 50), -0.0)
    x[0, 0, 20, 20] = 0.0
    assert np.signbit(numbapool.global_max_pool(x)).all()
    x[0, 0, 0, 0] = 0.0
    assert not np.signbit(numbapool.global_max_pool(x)).any()
    x[0, 0, 3, 4] = x[0, 0, 30, 5] = np.nan
    value, where = numbapool.global_max_pool(x, return_indices=True)
    assert np.isnan(value).all()
    assert where.item() == 30 * 50 + 5


def test_global_pooling_needs_spatial_axes():
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        numbapool.global_max_pool(np.zeros((2, 3)))


@pytest.mark.parametrize("mode", ["max", "min", "avg", "sum"])
def test_pyramid_is_its_levels_side_by_side(mode):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((2, 3, 13, 17)).astype(np.float32)
    levels = (1, 2, 4, 20) if mode in few((mode,), ("max", "avg")) else (1,)
    got = numbapool.spatial_pyramid_pool(x, levels, mode)
    assert got.shape == (2, 3 * sum(level**2 for level in levels))
    reduce = {"max": np.max, "min": np.min, "avg": np.mean, "sum": np.sum}[mode]
    at = 0
    for level in levels:
        rows, cols = oracle.bins(x.shape, level)
        for c in range(3):
            for r, _ in rows:
                for q, _ in cols:
                    taps = x[:, c, r[0] : r[-1] + 1, q[0] : q[-1] + 1].astype(np.float64)
                    expected = reduce(taps, (1, 2))
                    np.testing.assert_allclose(got[:, at], expected, rtol=2e-5, atol=2e-6)
                    at += 1


def test_pyramid_indices_and_out():
    x = np.random.default_rng(3).integers(0, 9, (2, 3, 8, 9)).astype(np.float32)
    got, where = numbapool.spatial_pyramid_pool(x, return_indices=True, index_dtype="int32")
    assert where.dtype == np.int32
    planes = x.reshape(2, 3, -1)
    at = 0
    for level in (1, 2, 4):
        for c in range(3):
            n = level * level
            taken = np.take_along_axis(planes[:, c], where[:, at : at + n].astype(int), 1)
            assert_same(taken, got[:, at : at + n])
            at += n
    out = (np.empty((2, 126), np.float32)[:, ::2], np.empty((2, 63), np.int64))
    assert numbapool.spatial_pyramid_pool(x, return_indices=True, out=out) is out
    assert_same(out[0].copy(), got)
    assert_same(out[1], where.astype(np.int64))


def test_adaptive_to_one_is_global():
    x = np.random.default_rng(4).standard_normal((3, 5, 31, 29)).astype(np.float32)
    assert_same(numbapool.adaptive_avg_pool2d(x, 1), numbapool.global_avg_pool(x))
    assert_same(numbapool.adaptive_max_pool2d(x, 1), numbapool.global_max_pool(x))
