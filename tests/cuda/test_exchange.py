"""Arrays of a library that speaks DLPack on a device."""

from __future__ import annotations

import gc
import weakref

import ml_dtypes
import numpy as np
import pytest
from far import Far, from_dlpack
from numba import cuda

import numbapool
from numbapool.cuda import api, exchange, streams

pytestmark = pytest.mark.skipif(not api.SIMULATED, reason="tells the host's memory as a device's")

X = np.random.default_rng(0).standard_normal((2, 3, 6, 6)).astype(np.float32)
WANT, PLACES = numbapool.max_pool2d(X, 2, return_indices=True)


@pytest.fixture
def followed(monkeypatch):
    """Which stream waits for which."""
    found = []
    monkeypatch.setattr(streams, "at", lambda address: address)
    monkeypatch.setattr(streams, "wait", lambda stream: found.append("the host"))
    monkeypatch.setattr(streams, "follow", lambda later, earlier: found.append((later, earlier)))
    return found


def test_streams_wait_for_each_other_and_the_host_for_none(followed):
    x = Far(X.copy())
    numbapool.max_pool2d(x, 2)
    followed.clear()  # of what a first call waits for
    x.asked.clear()
    values, places = numbapool.max_pool2d(x, 2, return_indices=True)
    np.testing.assert_array_equal(values.memory, WANT)
    np.testing.assert_array_equal(places.memory, PLACES)
    numbapool.max_pool2d(x, 2, stream=512)
    assert x.asked == [1, 512]  # the default stream by DLPack's name, and the one that was asked
    assert [pair for pair in followed if pair != "the host"] == [(4096, 0)] * 2 + [(4096, 512)]


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.bool_, np.int16, np.float16])
def test_dtypes_there_and_back(dtype):
    x = (X > 0).astype(dtype)
    got = numbapool.max_pool2d(Far(x), 2)
    assert got.memory.dtype == dtype
    np.testing.assert_array_equal(got.memory.astype(np.float32), (WANT > 0).astype(np.float32))


def test_layouts_axes_and_copies():
    last = np.moveaxis(np.repeat(X, 4, 1), 1, -1).copy()
    got = numbapool.max_pool2d(Far(last), 2, data_format="channels_last")
    np.testing.assert_array_equal(got.memory, np.moveaxis(np.repeat(WANT, 4, 1), 1, -1))
    got = numbapool.max_pool2d(Far(np.moveaxis(last, -1, 1)), 2)
    np.testing.assert_array_equal(got.memory, np.repeat(WANT, 4, 1))
    got = numbapool.pool(Far(X), "avg", 2, axes=1)
    np.testing.assert_allclose(got.memory, numbapool.pool(X, "avg", 2, axes=1), 1e-6)
    assert numbapool.max_pool2d(Far(X[:0]), 2).memory.shape == (0, 3, 3, 3)
    np.testing.assert_array_equal(numbapool.max_pool2d(Far(X), 2, target="cpu").memory, WANT)


def test_memory_is_not_copied_and_held_until_it_was_read():
    memory = X.copy()
    gone = weakref.ref(memory)
    array, wrap = exchange.adapt("input", Far(memory), from_dlpack, None)
    assert array.address.ctypes.data == memory.ctypes.data
    made = array.like((2, 3), np.dtype(np.float32))
    assert wrap(made).memory.ctypes.data == made.address.ctypes.data
    del memory, array, wrap
    gc.collect()
    assert gone() is not None  # a kernel may still be reading
    numbapool.max_pool2d(Far(X), 2)
    gc.collect()
    assert gone() is None


def test_what_is_refused():
    class Broken(Far):
        def __dlpack__(self, **asked):
            raise BufferError("it is on two devices")

    class Mute(Far):
        __module__ = "nowhere"

    with pytest.raises(TypeError, match=r"input must be .* got Broken: it is on two devices"):
        numbapool.max_pool2d(Broken(X), 2)
    with pytest.raises(TypeError, match="input must be of a library that has from_dlpack, got Mu"):
        numbapool.max_pool2d(Mute(X), 2)
    with pytest.raises(ValueError, match="out must be writable, got a read-only array"):
        numbapool.max_pool2d(cuda.to_device(X), 2, out=Far(WANT.copy()))
    array, _ = exchange.adapt("input", Far(X), from_dlpack, None)
    with pytest.raises(BufferError, match="to take as it lies"):
        exchange.Lent(array).__dlpack__(dl_device=(1, 0))
