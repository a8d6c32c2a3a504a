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


@pytest.mark.parametrize("channels", [3, 16])
def test_other_layouts(channels):
    x = np.random.default_rng(0).integers(-9, 9, (2, 5, 7, channels)).astype(np.float32)
    first = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    want = numbapool.max_pool2d(first, 3, 2, 1, target="cpu")
    got = numbapool.max_pool2d(cuda.to_device(x), 3, 2, 1, data_format="channels_last")
    np.testing.assert_array_equal(got.copy_to_host(), np.moveaxis(want, 1, -1))
    got = numbapool.max_pool2d(np.moveaxis(x, -1, 1), 3, 2, 1, target="cuda")
    np.testing.assert_array_equal(got, want)
    blocks = numbapool.pool(cuda.to_device(x), "avg", 2, axes=(1, 2)).copy_to_host()
    np.testing.assert_allclose(blocks, numbapool.pool(x, "avg", 2, axes=(1, 2)), 1e-6, 1e-6)


def test_targets_of_a_call():
    got = numbapool.max_pool2d(X, 2, target="cuda")
    assert type(got) is np.ndarray
    np.testing.assert_array_equal(got, WANT)
    numbapool.set_default_target("cuda")
    np.testing.assert_array_equal(numbapool.max_pool2d(X, 2, target="cpu"), WANT)
    back = numbapool.max_pool2d(cuda.to_device(X), 2, target="cpu")
    assert type(back) is type(cuda.to_device(X))
    np.testing.assert_array_equal(back.copy_to_host(), WANT)
    with pytest.raises(ValueError, match="target must be one of cpu, cuda, got target='tpu'"):
        numbapool.max_pool2d(X, 2, target="tpu")


def test_drawn_windows():
    samples = np.random.default_rng(0).random((2, 16, 2)).astype(np.float32)
    want, places = numbapool.fractional_max_pool2d(
        X, 2, 3, random_samples=samples, return_indices=True, target="cpu"
    )
    got, where = numbapool.fractional_max_pool2d(
        cuda.to_device(X), 2, 3, random_samples=samples, return_indices=True
    )
    np.testing.assert_array_equal(got.copy_to_host(), want)
    np.testing.assert_array_equal(where.copy_to_host(), places)


def test_explain_names_the_kernel():
    x = cuda.to_device(X)
    found = numbapool.explain(numbapool.max_pool2d, x, 2)
    assert found.kernels == ("runs",)
    assert "a thread to a run of outputs" in str(found)
    assert numbapool.explain(numbapool.median_pool2d, x, 2).kernels == ("gathered",)
    large = cuda.to_device(np.zeros((1, 1, 40, 40), np.float32))
    assert numbapool.explain(numbapool.global_max_pool, large).kernels == ("teams",)


def test_results_into_arrays_of_the_host():
    out, places = np.zeros((2, 16, 3, 6), np.float32)[..., ::2], np.zeros(WANT.shape, np.int64)
    got = numbapool.max_pool2d(X, 2, return_indices=True, out=[out, places], target="cuda")
    assert got[0] is out
    np.testing.assert_array_equal(out, WANT)
    np.testing.assert_array_equal(places, numbapool.max_pool2d(X, 2, return_indices=True)[1])
    inside = np.ascontiguousarray(np.moveaxis(X, 1, -1))
    last = np.zeros((2, 3, 3, 16), np.float32)
    numbapool.max_pool2d(inside, 2, data_format="channels_last", out=last, target="cuda")
    np.testing.assert_array_equal(last, np.moveaxis(WANT, 1, -1))
    out[:] = 0
    numbapool.max_pool2d(np.moveaxis(inside, -1, 1), 2, out=out, target="cuda")
    np.testing.assert_array_equal(out, WANT)
    pyramid = numbapool.spatial_pyramid_pool(X, (1, 2), target="cuda")
    np.testing.assert_array_equal(pyramid, numbapool.spatial_pyramid_pool(X, (1, 2)))
    with pytest.raises(ValueError, match=r"out of shape .* must not share memory"):
        numbapool.max_pool2d(X, 1, out=X, target="cuda")
    with pytest.raises(TypeError, match="out must be on the GPU that this runs on, got ndarray"):
        numbapool.max_pool2d(cuda.to_device(X), 2, out=out)


def test_global_results_without_their_axes_into_given_arrays():
    out, places = cuda.device_array((2, 16), np.float32), cuda.device_array((2, 16), np.int64)
    numbapool.global_max_pool(
        cuda.to_device(X), keepdims=False, return_indices=True, out=(out, places)
    )
    np.testing.assert_array_equal(out.copy_to_host(), X.max((2, 3)))
    np.testing.assert_array_equal(places.copy_to_host(), X.reshape(2, 16, -1).argmax(-1))
