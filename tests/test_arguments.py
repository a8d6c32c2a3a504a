"""Bad arguments: one clear error naming argument, value and shape, and nothing done."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import numbapool
from numbapool.cpu import kernels

X = np.arange(2 * 3 * 8 * 8, dtype=np.float32).reshape(2, 3, 8, 8)
LARGE = 2**31

POOLS = {
    "max": numbapool.max_pool2d,
    "min": numbapool.min_pool2d,
    "avg": numbapool.avg_pool2d,
    "sum": numbapool.sum_pool2d,
}


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"kernel_size": 0}, ValueError, "kernel_size"),
        ({"kernel_size": -1}, ValueError, "kernel_size=-1"),
        ({"kernel_size": (2, 0)}, ValueError, "kernel_size"),
        ({"kernel_size": ()}, ValueError, "kernel_size"),
        ({"kernel_size": (2, 2, 2)}, ValueError, "(2, 2, 2)"),
        ({"kernel_size": 2.0}, TypeError, "kernel_size"),
        ({"kernel_size": (2, 2.0)}, TypeError, "2.0"),
        ({"kernel_size": True}, TypeError, "kernel_size"),
        ({"kernel_size": np.True_}, TypeError, "kernel_size"),
        ({"kernel_size": "3"}, TypeError, "kernel_size"),
        ({"kernel_size": None}, TypeError, "kernel_size"),
        ({"kernel_size": LARGE}, ValueError, "kernel_size"),
        ({"kernel_size": 9}, ValueError, "(8, 8)"),
        ({"kernel_size": 2, "stride": 0}, ValueError, "stride=0"),
        ({"kernel_size": 2, "stride": -1}, ValueError, "stride"),
        ({"kernel_size": 2, "stride": 1.5}, TypeError, "stride"),
        ({"kernel_size": 2, "stride": (1, 1, 1)}, ValueError, "stride"),
        ({"kernel_size": 2, "stride": LARGE}, ValueError, "stride"),
        ({"kernel_size": 3, "padding": 2}, ValueError, "padding=2"),
        ({"kernel_size": 3, "padding": -1}, ValueError, "padding"),
        ({"kernel_size": 3, "padding": (1, 2)}, ValueError, "padding"),
        ({"kernel_size": 3, "padding": ((0, 3), (0, 0))}, ValueError, "padding"),
        ({"kernel_size": 3, "padding": ((0, -1), (0, 0))}, ValueError, "padding"),
        ({"kernel_size": 3, "padding": ((0, 1), (0, 0), (0, 0))}, ValueError, "padding"),
        ({"kernel_size": 3, "padding": ((0, 1), 1)}, ValueError, "padding"),
        ({"kernel_size": 3, "padding": "full"}, ValueError, "'full'"),
        ({"kernel_size": 3, "padding": 0.5}, TypeError, "padding"),
        ({"kernel_size": 3, "padding": None}, TypeError, "padding"),
        ({"kernel_size": 2, "dilation": 0}, ValueError, "dilation"),
        ({"kernel_size": 2, "dilation": LARGE - 1}, ValueError, "dilation"),
        ({"kernel_size": 2, "dilation": LARGE}, ValueError, "dilation"),
        ({"kernel_size": 2, "num_threads": 0}, ValueError, "num_threads=0"),
        ({"kernel_size": 2, "num_threads": 10_000}, ValueError, "num_threads"),
        ({"kernel_size": 2, "num_threads": 1.0}, TypeError, "num_threads"),
        ({"kernel_size": 2, "num_threads": True}, TypeError, "num_threads"),
    ],
    ids=str,
)
def test_bad_windows(pool, arguments, kind, says):
    with pytest.raises(kind) as caught:
        pool(X, **arguments)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_equal_value_of_a_wrong_type_is_refused_after_a_good_call_too():
    numbapool.max_pool2d(X, (2, 2), 1)
    for kernel, stride in (((2.0, 2.0), 1), ((2, 2), 1.0), ((2, 2), True)):
        with pytest.raises(TypeError):
            numbapool.max_pool2d(X, kernel, stride)


@pytest.mark.parametrize("shape", [(8, 8), (1, 1, 1, 8, 8), (8,), ()])
def test_ranks(shape):
    with pytest.raises(ValueError, match="dimensions"):
        numbapool.max_pool2d(np.zeros(shape), 2)


@pytest.mark.parametrize("shape", [(2, 0, 8, 8), (2, 3, 0, 8), (2, 3, 8, 0), (0, 8, 8)])
def test_empty_planes(shape):
    with pytest.raises(ValueError, match="empty"):
        numbapool.max_pool2d(np.zeros(shape), 2)


def test_an_empty_batch_gives_an_empty_result():
    values, indices = numbapool.max_pool2d(np.zeros((0, 3, 8, 8)), 2, return_indices=True)
    assert values.shape == indices.shape == (0, 3, 4, 4)


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((1, 1, 4, 4), np.complex64),
        np.zeros((1, 1, 4, 4), object),
        np.zeros((1, 1, 4, 4), "U1"),
        np.zeros((1, 1, 4, 4), "M8[s]"),
        np.zeros((1, 1, 4, 4), np.longdouble),
        np.ma.zeros((1, 1, 4, 4)),
        [[[[1.0]]]],
        None,
        torch.zeros(1, 1, 4, 4, device="meta"),
        torch.zeros(1, 1, 4, 4).to_sparse(),
    ],
    ids=lambda x: f"{type(x).__name__} {getattr(x, 'dtype', '')}",
)
def test_arrays_that_are_not_supported(x):
    with pytest.raises(TypeError, match="input"):
        numbapool.max_pool2d(x, 2)


@pytest.mark.parametrize("divisor", [0, (2,), 2.0, True, "2"])
def test_divisors(divisor):
    with pytest.raises((ValueError, TypeError), match="divisor_override"):
        numbapool.avg_pool2d(X, 2, divisor_override=divisor)


@pytest.mark.parametrize("index_dtype", ["int8", "float32", "index", None, 3])
def test_index_dtypes(index_dtype):
    with pytest.raises(ValueError, match="index_dtype"):
        numbapool.max_pool2d(X, 2, return_indices=True, index_dtype=index_dtype)


def test_an_index_dtype_that_cannot_hold_the_plane():
    plane = np.lib.stride_tricks.as_strided(
        np.zeros(2**16, np.uint8), (1, 1, 2**16, 2**16), (0, 0, 0, 1)
    )
    with pytest.raises(ValueError, match="int32"):
        numbapool.max_pool2d(plane, 2, return_indices=True, index_dtype="int32")


@pytest.mark.parametrize("shape", [6, (6,), (2, 3), (1.0, 2, 3), "abc", None])
def test_output_shapes_of_nothing(shape):
    with pytest.raises((TypeError, ValueError), match="input_shape"):
        numbapool.output_shape(shape, 3)


@pytest.mark.parametrize("size", [-1, (2, -1), (2, 2, 2), 2.0, (2.0, 2), "2", True])
def test_adaptive_sizes(size):
    with pytest.raises((ValueError, TypeError), match="output_size"):
        numbapool.adaptive_max_pool2d(X, size)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"levels": ()}, "levels"),
        ({"levels": (0,)}, "levels"),
        ({"mode": "median"}, "median"),
        ({"mode": "avg", "return_indices": True}, "avg"),
    ],
)
def test_pyramids(arguments, says):
    with pytest.raises(ValueError, match=says):
        numbapool.spatial_pyramid_pool(X, **arguments)


def test_out_is_checked_before_anything_is_written():
    good = np.full((2, 3, 4, 4), 7, np.float32)
    where = np.full((2, 3, 4, 4), 7, np.int64)
    frozen = good.copy()
    frozen.flags.writeable = False
    inside = X.reshape(-1)[: good.size].reshape(good.shape)
    bad = [
        (good[:1], False, ValueError),
        (good.astype(np.float64), False, ValueError),
        (frozen, False, ValueError),
        (inside, False, ValueError),
        (np.broadcast_to(good[:1], good.shape), False, ValueError),
        ([1], False, TypeError),
        (good, True, TypeError),
        ((good, where, where), True, TypeError),
        ((good, where.astype(np.int32)), True, ValueError),
        ((good, good.view(np.int32).view(np.float32)), True, ValueError),
    ]
    before = X.copy()
    for out, indexed, kind in bad:
        with pytest.raises(kind, match="out"):
            numbapool.max_pool2d(X, 2, return_indices=indexed, out=out)
    assert (good == 7).all()
    assert (where == 7).all()
    assert (before == X).all()


def test_a_wrong_number_of_threads_is_told_before_a_kernel_is_compiled():
    known = kernels.kernel.cache_info().misses
    with pytest.raises(ValueError, match="num_threads=0"):
        numbapool.max_pool2d(np.zeros((1, 1, 9, 9), np.uint16), (1, 4), (2, 3), num_threads=0)
    assert kernels.kernel.cache_info().misses == known
