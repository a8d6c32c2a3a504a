"""Arrays of other libraries: seen without a copy, results in arrays of the same library."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import numbapool
from numbapool import arrays, dlpack

X = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32)
WANT, PLACES = numbapool.max_pool2d(X, 2, return_indices=True)


class Other:
    """An array of a library that speaks DLPack and nothing else; this module is the library."""

    def __init__(self, owner, version=None):
        self.owner, self.version = owner, version

    def __dlpack_device__(self):
        return self.owner.__dlpack_device__()

    def __dlpack__(self, **asked):
        if self.version is None and asked:
            raise TypeError("__dlpack__() takes no arguments")  # as before DLPack 1.0
        return self.owner.__dlpack__(**asked)


def from_dlpack(given):
    return Other(torch.from_dlpack(given))


def test_what_speaks_dlpack():
    values, places = numbapool.max_pool2d(Other(X.copy()), 2, return_indices=True)
    np.testing.assert_array_equal(values.owner.numpy(), WANT)
    np.testing.assert_array_equal(places.owner.numpy(), PLACES)
    assert type(numbapool.pool(Other(X.copy()), "avg", 2, axes=1)) is Other
    last = numbapool.max_pool2d(Other(np.moveaxis(X, 1, -1).copy()), 2, data_format="channels_last")
    np.testing.assert_array_equal(last.owner.numpy(), np.moveaxis(WANT, 1, -1))


@pytest.mark.parametrize("version", [None, 1])
def test_bfloat16_crosses_by_its_bits(version):
    x = torch.from_numpy(X).bfloat16()
    got = numbapool.max_pool2d(Other(x, version), 2).owner
    assert torch.equal(got, torch.nn.functional.max_pool2d(x, 2))
    array, _ = arrays.adapt("input", Other(x, version))
    assert array.ctypes.data == x.data_ptr()


def test_memory_is_shared_both_ways():
    array, wrap = arrays.adapt("input", Other(X))
    assert np.shares_memory(array, X)
    assert wrap(WANT).owner.data_ptr() == WANT.ctypes.data
    fixed = WANT.copy()
    fixed.flags.writeable = False  # which an old capsule could not tell
    assert wrap(fixed).owner.data_ptr() != fixed.ctypes.data


def test_what_cannot_be_seen_is_refused():
    class Far(Other):
        def __dlpack_device__(self):
            return 2, 0

    class Split(Other):
        def __dlpack_device__(self):
            raise BufferError("it is on two devices")

        def __dlpack__(self, **asked):
            return self.__dlpack_device__()

    class Mute(Other):
        __module__ = "nowhere"

    with pytest.raises(TypeError, match="boxes must be on the host here, got a Far on a GPU"):
        arrays.adapt("boxes", Far(X))
    with pytest.raises(TypeError, match=r"input must be .* can see, got Split: it is on two"):
        numbapool.max_pool2d(Split(X), 2)
    with pytest.raises(TypeError, match="input must be of a library that has from_dlpack"):
        numbapool.max_pool2d(Mute(X), 2)
    with pytest.raises(TypeError, match=r"library's array with __dlpack__, got list"):
        numbapool.max_pool2d([[1.0]], 2)
    with pytest.raises(ValueError, match="out must be writable, got a read-only array"):
        numbapool.max_pool2d(X, 2, out=Other(WANT.copy()))
    assert dlpack.place(X) in dlpack.HOST


@pytest.fixture(scope="module")
def jax():
    import jax

    return jax


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int8", "bool"])
def test_arrays_of_jax(jax, dtype):
    x = jax.numpy.asarray(X).astype(dtype)
    values, places = numbapool.max_pool2d(x, 2, return_indices=True, index_dtype="int32")
    assert isinstance(values, jax.Array)
    assert (values.dtype, places.dtype) == (x.dtype, np.int32)
    assert (values == x.reshape(2, 3, 4, 2, 4, 2).max((3, 5))).all()
    taken = jax.numpy.take_along_axis(x.reshape(2, 3, 64), places.reshape(2, 3, 16), -1)
    assert (taken.reshape(values.shape) == values).all()
    array, _ = arrays.adapt("input", x)
    assert array.ctypes.data == x.unsafe_buffer_pointer()


def test_functions_of_all_kinds_take_arrays_of_jax(jax):
    x = jax.numpy.asarray(X)
    values, places = numbapool.max_pool2d(x, 2, return_indices=True)
    back = numbapool.max_unpool2d(values, places, 2)
    found = [back, numbapool.gather(x, places), numbapool.global_avg_pool(x, keepdims=False),
             numbapool.blur_pool2d(x), numbapool.max_pool2d_backward(values, places, x.shape),
             numbapool.spatial_pyramid_pool(x), numbapool.MaxPool2d(2)(x)]  # fmt: skip
    assert all(isinstance(each, jax.Array) for each in found)
    assert (numbapool.max_pool2d(back, 2) == jax.numpy.maximum(values, 0)).all()


def test_what_jax_does_not_allow(jax):
    x = jax.numpy.asarray(X)
    with pytest.raises(ValueError, match="out must be writable, got a read-only array of shape"):
        numbapool.max_pool2d(x, 2, out=jax.numpy.zeros(WANT.shape, np.float32))
    with pytest.raises(TypeError, match=r"input must be a NumPy array, .* got DynamicJaxprTracer"):
        jax.jit(lambda traced: numbapool.max_pool2d(traced, 2))(x)
    with pytest.raises(TypeError, match=r"input must be .* can see"):
        numbapool.max_pool2d(x.astype("float8_e4m3fn"), 2)
