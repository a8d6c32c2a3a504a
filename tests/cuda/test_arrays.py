"""Arrays of a device and of the host, and what is refused before any kernel runs."""

from __future__ import annotations

import numpy as np
import pytest
from numba import cuda

import numbapool

X = np.random.default_rng(0).standard_normal((2, 16, 6, 6)).astype(np.float32)
WANT = X.reshape(2, 16, 3, 2, 3, 2).max((3, 5))


def test_arrays_of_the_host_go_there_and_back():
    numbapool.set_default_target("cuda")
    got = numbapool.max_pool2d(X, 2)
    assert type(got) is np.ndarray
    np.testing.assert_array_equal(got, WANT)


def test_channels_that_come_last():
    inside = np.ascontiguousarray(np.moveaxis(X, 1, -1))
    numbapool.set_default_target("cuda")
    values, places = numbapool.max_pool2d(
        np.moveaxis(inside, -1, 1), 2, return_indices=True
    )
    np.testing.assert_array_equal(values, WANT)
    np.testing.assert_array_equal(
        np.take_along_axis(X.reshape(2, 16, -1), places.reshape(2, 16, -1), -1).ravel(),
        WANT.ravel(),
    )
    means = numbapool.global_avg_pool(np.moveaxis(np.repeat(inside, 4, 2), -1, 1))
    np.testing.assert_allclose(means, X.mean((2, 3), keepdims=True), 1e-5, 1e-6)


def test_results_into_given_arrays():
    x, out = cuda.to_device(X), cuda.device_array(WANT.shape, np.float32)
    places = cuda.device_array(WANT.shape, np.int64)
    assert numbapool.max_pool2d(x, 2, out=out) is out
    np.testing.assert_array_equal(out.copy_to_host(), WANT)
    numbapool.max_pool2d(x, 2, return_indices=True, out=(out, places))
    at = places.copy_to_host().reshape(2, 16, -1)
    assert (np.take_along_axis(X.reshape(2, 16, -1), at, -1).ravel() == WANT.ravel()).all()


def test_an_empty_batch():
    got = numbapool.max_pool2d(cuda.to_device(X[:0]), 2)
    assert got.shape == (0, 16, 3, 3)


def test_bad_input_is_refused_by_name():
    x = cuda.to_device(X)
    with pytest.raises(ValueError, match=r"kernel_size=9 .* spatial shape \(6, 6\)"):
        numbapool.max_pool2d(x, 9)
    with pytest.raises(ValueError, match=r"out must have shape \(2, 16, 3, 3\) and dtype float32"):
        numbapool.max_pool2d(x, 2, out=cuda.device_array((2, 16, 3, 4), np.float32))
    with pytest.raises(ValueError, match=r"out of shape .* must not share memory"):
        numbapool.max_pool2d(x, 1, out=x)
    with pytest.raises(TypeError, match=r"out must be a pair \(values, indices\)"):
        numbapool.max_pool2d(x, 2, return_indices=True, out=x)
    with pytest.raises(ValueError, match="index_dtype must be int64 or int32"):
        numbapool.max_pool2d(x, 2, return_indices=True, index_dtype="int8")
    with pytest.raises(ValueError, match="target must be one of cpu, cuda, got target='gpu'"):
        numbapool.set_default_target("gpu")


def test_nan_is_refused_where_that_is_asked():
    x = X.copy()
    numbapool.max_pool2d(cuda.to_device(x), 2, nan_policy="raise")
    x[1, 3, 2, 2] = np.nan
    with pytest.raises(ValueError, match=r"input of shape \(2, 16, 6, 6\) has NaN, .* x\[1\]"):
        numbapool.max_pool2d(cuda.to_device(x), 2, nan_policy="raise")
