"""Sliding windows against the oracle and torch: selections exactly, averages within bound."""

from __future__ import annotations

import itertools

import numpy as np
import oracle
import pytest
import torch
from hypothesis import assume, given, note
from hypothesis import strategies as st
from strategies import (
    DTYPES,
    FEW,
    FLOATS,
    SIGNED,
    UNSIGNED,
    few,
    laid_out,
    shapes,
    values,
    window_arguments,
)

import numbapool

SELECTIONS = {"max": (numbapool.max_pool2d, 1), "min": (numbapool.min_pool2d, -1)}


def assert_same(got, expected):
    """Equal to the bit but for the payload of NaN: +0 is not -0 here."""
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)
    if got.dtype.kind == "f":
        zero = expected == 0
        np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(expected[zero]))


def assert_within(got, exact, scale, taps):
    """The error bound of averages: (log2(taps) + 2) eps times the mean of |x|."""
    eps = np.finfo(got.dtype).eps
    finite = np.isfinite(exact)
    np.testing.assert_array_equal(got[~finite], exact[~finite].astype(got.dtype))
    error = np.abs(got[finite].astype(np.float64) - exact[finite])
    bound = (np.broadcast_to((np.log2(taps) + 2) * eps, got.shape) * scale)[finite]
    assert (error <= bound).all(), (error / np.maximum(bound, 1e-300)).max()


def fits(shape, arguments):
    axes = oracle.windows(shape, **arguments)
    assume(all(len(cells) >= 1 for cells in axes))
    return axes


@pytest.mark.parametrize(("op", "dtypes"), few(
    [("max", FLOATS), ("max", (*SIGNED, *UNSIGNED)), ("min", FEW)],
    [("max", ("float32",)), ("max", ("int8", "uint16")), ("min", ("float64", "bool"))],
))  # fmt: skip
@given(data=st.data())
def test_selections_equal_the_oracle(op, dtypes, data):
    pool, sign = SELECTIONS[op]
    shape = data.draw(shapes())
    arguments = data.draw(window_arguments(shape))
    axes = fits(shape, arguments)
    x = data.draw(values(shape, dtypes))
    expected, where = oracle.select(x, axes, sign)
    x = data.draw(laid_out(x))
    note(f"strides {x.strides}")
    got, indices = pool(x, **arguments, return_indices=True)
    assert_same(got, expected)
    assert_same(indices, where)
    assert_same(pool(x, **arguments), expected)
    if x.dtype in few(("float32", "uint8"), ("float32",)):  # a kernel more for each dtype
        small = pool(x, **arguments, return_indices=True, index_dtype="int32")[1]
        assert_same(small, where.astype(np.int32))


@pytest.mark.parametrize(("dtype", "op"), [*zip(
    ("bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), *FLOATS),
    itertools.cycle(SELECTIONS),
)])  # fmt: skip
def test_every_dtype_equals_the_oracle(dtype, op):
    """In rows that fill vectors and leave a tail."""
    pool, sign = SELECTIONS[op]
    bits = np.random.default_rng(0).integers(0, 256, (1, 2, 9, 130 * 8), np.uint8)
    x = np.ascontiguousarray((bits > 99) if dtype == "bool" else bits.view(dtype)[..., :130])
    expected, where = oracle.select(x, oracle.windows(x.shape, 3, 2, 1), sign)
    got, indices = pool(x, 3, 2, 1, return_indices=True)
    assert_same(got, expected)
    assert_same(indices, where)


@given(data=st.data())
def test_max_equals_torch(data):
    shape = data.draw(shapes(40))
    arguments = data.draw(window_arguments(shape, pairs=False))
    # A dilated window without a tap: torch's index can lie outside the plane, ours is -1.
    axes = fits(shape, arguments)
    assume(all(taps for cells in axes for taps, _ in cells))
    x = data.draw(values(shape, few(FLOATS, ("float32",))))
    expected, where = torch.nn.functional.max_pool2d(
        torch.from_numpy(x), **arguments, return_indices=True
    )
    got, indices = numbapool.max_pool2d(x, **arguments, return_indices=True)
    assert_same(got, expected.numpy())
    assert_same(indices, where.numpy())
    assert_same(numbapool.max_pool2d(x, **arguments), expected.numpy())


@given(data=st.data())
def test_averages_are_within_the_bound(data):
    shape = data.draw(shapes(12))
    arguments = data.draw(window_arguments(shape))
    include = data.draw(st.booleans())
    override = data.draw(st.sampled_from((None, None, 1, -3, 7)))
    axes = fits(shape, arguments)
    x = data.draw(values(shape, few(FEW, ("float32", "uint8"))))
    exact, scale, taps = oracle.average(x, axes, include, override)
    got = numbapool.avg_pool2d(
        data.draw(laid_out(x)), **arguments, count_include_pad=include, divisor_override=override
    )
    assert got.dtype == (x.dtype if x.dtype.kind == "f" else np.float64)
    assert_within(got, exact, scale, taps)


@given(data=st.data())
def test_averages_agree_with_torch(data):
    shape = data.draw(shapes(40))
    arguments = data.draw(window_arguments(shape, pairs=False)) | {"dilation": 1}
    fits(shape, arguments)
    del arguments["dilation"]
    include = data.draw(st.booleans())
    x = data.draw(values(shape, few(FLOATS, ("float32",))))
    expected = torch.nn.functional.avg_pool2d(
        torch.from_numpy(x), **arguments, count_include_pad=include
    ).numpy()
    got = numbapool.avg_pool2d(x, **arguments, count_include_pad=include)
    np.testing.assert_allclose(got, expected, rtol=0, atol=3e-5 if x.dtype == "f4" else 1e-13)


@given(data=st.data())
def test_sums_equal_the_oracle(data):
    shape = data.draw(shapes(12))
    arguments = data.draw(window_arguments(shape))
    axes = fits(shape, arguments)
    x = data.draw(values(shape, [d for d in FEW if d not in FLOATS]))
    exact = oracle.total(x, axes)
    kind = np.uint64 if x.dtype.kind == "u" else np.int64
    wrapped = np.array([int(v) % 2**64 for v in exact.ravel()], np.uint64).astype(kind)
    assert_same(numbapool.sum_pool2d(x, **arguments), wrapped.reshape(exact.shape))


@pytest.mark.parametrize(("op", "dtype"), few(
    [(op, dtype) for op in SELECTIONS for dtype in FLOATS], [("max", "float32"), ("min", "float64")]
))  # fmt: skip
def test_nan_at_every_place_of_a_window_and_of_a_vector(op, dtype):
    pool, sign = SELECTIONS[op]
    windows = ((3, 1, 1), (3, 2, 1), (2, 2, 0), (4, 3, 0))
    for kernel, stride, padding in windows if dtype == "float32" else few(windows, windows[1:2]):
        shape = (1, 1, 9, 37)
        x = np.zeros((9 * 37, *shape[1:]), dtype)
        x.reshape(9 * 37, -1)[np.diag_indices(9 * 37)] = np.nan
        arguments = {"kernel_size": kernel, "stride": stride, "padding": padding}
        expected = torch.nn.functional.max_pool2d(
            torch.from_numpy(x * sign), **arguments, return_indices=True
        )
        got, indices = pool(x, **arguments, return_indices=True)
        np.testing.assert_array_equal(got * sign, expected[0].numpy())
        np.testing.assert_array_equal(indices, expected[1].numpy())
        np.testing.assert_array_equal(pool(x, **arguments), got)


@pytest.mark.parametrize("arguments", [(3, 2, 1), (13, 1, 6)])
@pytest.mark.parametrize("num_threads", [1, None])
def test_a_plane_with_nan_among_others(arguments, num_threads):
    """Kernels that do not see NaN leave their tasks from there on to others."""
    x = np.random.default_rng(6).standard_normal((40, 1, 40, 40)).astype(np.float32)
    clean = numbapool.max_pool2d(x, *arguments, num_threads=num_threads)
    for plane in (39, 0, 17):
        dirty = x.copy()
        dirty[plane, 0, 39, 39] = np.nan
        want = clean.copy()
        want[plane] = oracle.select(dirty[plane], oracle.windows((40, 40), *arguments), 1)[0]
        assert np.isnan(want[plane]).any()
        assert_same(numbapool.max_pool2d(dirty, *arguments, num_threads=num_threads), want)
    assert_same(numbapool.max_pool2d(x, *arguments, num_threads=num_threads), clean)


@pytest.mark.parametrize(("kernel", "stride"), few(
    [(kernel, stride) for kernel in (1, 2, 3, 4, 5, (1, 4), (5, 1)) for stride in (1, 2, 3, 5)],
    [(1, 2), (2, 1), (2, 3), (3, 1), (3, 2), (4, 5), (5, 1), (5, 3), ((1, 4), 1), ((5, 1), 2)],
))  # fmt: skip
def test_small_windows_at_every_stride(kernel, stride):
    rng = np.random.default_rng(5)
    x = rng.integers(-3, 3, (3, 19, 83)).astype(np.float32)
    x[rng.random(x.shape) < 0.01] = np.nan
    for padding in ("valid", "same_upper", "same_lower"):
        arguments = (kernel, stride, padding)
        expected, where = oracle.select(x, oracle.windows(x.shape, *arguments), 1)
        got, indices = numbapool.max_pool2d(x, *arguments, return_indices=True)
        assert_same(got, expected)
        assert_same(indices, where)
        assert_same(numbapool.max_pool2d(x, *arguments), expected)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("dilation", [(1, 2), (3, 5), (2, 16), (1, 17)])
def test_dilated_windows_far_apart(dilation, dtype):
    rng = np.random.default_rng(4)
    x = rng.integers(-3, 1, (3, 2, 60, 190)).astype(dtype)  # 0 and the largest, of unsigned ones
    if dtype == "float32":
        x[1] = rng.choice(np.array([-0.0, 0, -1], dtype), x[1].shape)
        x[2][rng.random(x[2].shape) < 0.01] = np.nan
    arguments = ((6, 9), (6, 7), (2, 3), dilation)
    expected, where = oracle.select(x, oracle.windows(x.shape, *arguments), 1)
    got, indices = numbapool.max_pool2d(x, *arguments, return_indices=True)
    assert_same(got, expected)
    assert_same(indices, where)
    assert_same(numbapool.max_pool2d(x, *arguments), expected)


@pytest.mark.parametrize("kernel", [(1, 40), (40, 1), (17, 33), (31, 31), (3, 70), (100, 100)])
@pytest.mark.parametrize("dtype", few(FLOATS, ("float32",)))
def test_large_windows(kernel, dtype):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 2, 100, 100)).astype(dtype)
    x[0, 0, 50, 50] = np.nan
    axes = oracle.windows(x.shape, kernel, (9, 13))
    expected, where = oracle.select(x, axes, 1)
    got, indices = numbapool.max_pool2d(x, kernel, (9, 13), return_indices=True)
    assert_same(got, expected)
    assert_same(indices, where)
    exact, scale, taps = oracle.average(x, axes)
    assert_within(numbapool.avg_pool2d(x, kernel, (9, 13)), exact, scale, taps)


ROWS = [(13, 13), (20, 9), (16, 17), (10, 6), (24, 9), (25, 9)]


@pytest.mark.parametrize(("size", "kernel"), ROWS)
@pytest.mark.parametrize("dtype", few(("float32", "float64", "uint8"), ("float32",)))
def test_large_windows_of_short_rows(size, kernel, dtype):
    rng = np.random.default_rng(size)
    x = rng.integers(0, 4, (2, 3, 9, size)).astype(dtype)
    arguments = (kernel, 1, kernel // 2)
    if dtype != "uint8":
        x[rng.random(x.shape) < 0.2] = -0.0
    for rare in (0, 0.02):
        if dtype != "uint8":
            x[rng.random(x.shape) < rare] = np.nan
        expected, where = oracle.select(x, oracle.windows(x.shape, *arguments), 1)
        got, indices = numbapool.max_pool2d(x, *arguments, return_indices=True)
        assert_same(got, expected)
        assert_same(indices, where)
        assert_same(numbapool.max_pool2d(x, *arguments), expected)


def test_a_last_panel_of_one_window_as_wide_as_two_vectors():
    x = np.random.default_rng(0).permutation(200 * 576).reshape(1, 1, 200, 576).astype(np.float64)
    x[..., -1] += 1e7
    want = torch.nn.functional.max_pool2d(torch.from_numpy(x), 16, 1, return_indices=True)
    got = numbapool.max_pool2d(x, 16, 1, return_indices=True)
    for mine, right in zip((*got, numbapool.max_pool2d(x, 16, 1)), (*want, want[0]), strict=True):
        assert_same(mine, right.numpy())


def test_windows_that_all_take_nothing():
    x = np.ones((1, 1, 2, 2), np.float32)
    values, indices = numbapool.max_pool2d(x, 2, 1, 1, 3, return_indices=True)
    assert (values.tolist(), indices.tolist()) == ([[[[-np.inf]]]], [[[[-1]]]])
    assert numbapool.max_pool2d(x, 2, 1, 1, 3) == -np.inf


def test_pairwise_sums_hold_on_constants():
    # Every addition of a running sum of 0.1 errs the same way; a window of 90,000 shows it.
    x = np.full((1, 1, 300, 300), 0.1, np.float32)
    exact = np.float64(np.float32(0.1))
    for kernel in (300, (300, 150), (1, 300), (300, 1), (100, 99)):
        taps = np.prod(np.broadcast_to(kernel, 2))
        error = np.abs(numbapool.avg_pool2d(x, kernel) - exact).max()
        assert error <= (np.log2(taps) + 2) * np.finfo(np.float32).eps * exact


def test_worked_example():
    rows = [[1, 2, 0, 3, 1], [0, 1, 2, 3, 1], [1, 2, 1, 0, 0], [5, 2, 3, 1, 1], [2, 1, 0, 1, 1]]
    for dtype in few(DTYPES[:-1], ("float32",)):
        x = np.array([[rows]], dtype)
        assert numbapool.max_pool2d(x, 3, ceil_mode=True).tolist() == [[[[2, 3], [5, 1]]]]
        assert numbapool.max_pool2d(x, 3).tolist() == [[[[2]]]]


@pytest.mark.parametrize(("kernel", "divisor", "dtype"), few(
    [(*window, dtype) for window in ((2, None), (3, -8), (16, None)) for dtype in FLOATS],
    [(2, None, "float64"), (3, -8, "float32"), (16, None, "float32")],
))  # fmt: skip
def test_averages_over_powers_of_two_are_quotients(kernel, divisor, dtype):
    tiny, huge = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    x = np.random.default_rng(0).standard_normal((2, 3, 33, 34)).astype(dtype)
    x[0, 0, :4, :8], x[0, 1, 3, 3], x[1, 2, 5, 6] = tiny, huge, -np.inf
    sums = numbapool.sum_pool2d(x, kernel)
    count = divisor or np.prod(np.broadcast_to(kernel, 2))
    got = numbapool.avg_pool2d(x, kernel, divisor_override=divisor)
    np.testing.assert_array_equal(got, sums / sums.dtype.type(count))
