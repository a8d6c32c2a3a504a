"""Index maps in every base, and back: unpooling and gathering."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import ACROSS, few, laid_out
from test_windows import assert_same

import numbapool
from numbapool.unpool import scattered

F = torch.nn.functional


def numbered(plane_indices, shape, axes, base, kernel, starts, dilation):
    """Every index of a map of the plane, one by one, in another base."""
    dims = len(axes)
    sizes = shape[-dims:]
    found = np.empty_like(plane_indices)
    for at in np.ndindex(plane_indices.shape):
        if plane_indices[at] < 0:
            found[at] = -1
            continue
        *lead, channel = at[:-dims]
        batch = lead[0] if lead else 0
        place = np.unravel_index(plane_indices[at], sizes)
        channels = shape[-dims - 1]
        whole = (max(batch, 0) + 1, channels, *sizes)
        last = (max(batch, 0) + 1, *sizes, channels)
        if base == "tensor":
            found[at] = np.ravel_multi_index((batch, channel, *place), whole)
        elif base == "tensor_f":
            plane = np.ravel_multi_index(place, sizes, order="F")
            found[at] = (batch * channels + channel) * np.prod(sizes) + plane
        elif base == "plane_f":
            found[at] = np.ravel_multi_index(place, sizes, order="F")
        elif base == "nhwc":
            found[at] = np.ravel_multi_index((*place, channel), (*sizes, channels))
        elif base == "nhwc_batch":
            found[at] = np.ravel_multi_index((batch, *place, channel), last)
        elif base == "window":
            cell = at[-dims:]
            offset = [
                (p - starts[axis](cell[axis])) // dilation[axis] for axis, p in enumerate(place)
            ]
            found[at] = np.ravel_multi_index(offset, kernel)
        else:
            found[at] = plane_indices[at]
    return found


BASES = ("plane", "plane_f", "tensor", "tensor_f", "nhwc", "nhwc_batch", "window")


@pytest.mark.parametrize("base", BASES)
@settings(max_examples=10)
@given(data=st.data())
def test_bases(base, data):
    dims = data.draw(st.sampled_from((1, 2, 3)))
    each = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(dims))  # noqa: E731
    kernel, dilation = each(6, 7), each(1, 2)
    stride = (*each(1, 3)[:-1], data.draw(st.sampled_from(ACROSS)))
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in kernel)
    shape = (*data.draw(st.sampled_from(((2, 3), (3,)))), *each(3, 14))
    window = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    axes = oracle.windows(shape, **window, dims=dims)
    assume(all(axes))
    x = np.random.default_rng(data.draw(st.integers(0, 9))).standard_normal(shape, np.float32)
    pool = getattr(numbapool, f"max_pool{dims}d")
    values, where = pool(x, **window, return_indices=True)
    starts = [lambda o, s=s, p=p: o * s - p for s, p in zip(stride, padding, strict=True)]
    want = numbered(where, shape, axes, base, kernel, starts, dilation)
    got = pool(x, **window, return_indices=True, index_base=base, index_dtype="smallest")
    assert_same(got[0], values)
    np.testing.assert_array_equal(got[1], want)
    back = numbapool.convert_indices(got[1], shape, base, "plane", **window)
    np.testing.assert_array_equal(back, where)


def test_smallest_dtypes():
    x = np.zeros((2, 3, 300, 300), np.float32)
    window = numbapool.max_pool2d(x, 3, 2, 1, return_indices=True, index_base="window",
                                  index_dtype="smallest")[1]  # fmt: skip
    assert window.dtype == np.uint8
    plane = numbapool.max_pool2d(x, 3, return_indices=True, index_dtype="smallest")[1]
    assert plane.dtype == np.uint32
    _, holes = numbapool.max_pool2d(np.zeros((1, 2, 2)), (2, 1), 1, (1, 0), (3, 1), True, True,
                                    index_dtype="smallest")  # fmt: skip
    assert holes.dtype.kind == "i"
    assert (holes == -1).any()
    bins = numbapool.adaptive_max_pool2d(x, 7, True, index_base="tensor")[1]
    assert bins[1, 2, 6, 6] == 5 * 90_000 + 257 * 300 + 257


def test_channels_last_and_out_in_another_base():
    x = np.random.default_rng(0).standard_normal((2, 9, 8, 12)).astype(np.float32)
    first = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    want = numbapool.max_pool2d(first, 3, 2, return_indices=True, index_base="nhwc_batch")
    got = numbapool.max_pool2d(
        torch.from_numpy(x), 3, 2, return_indices=True, index_base="nhwc_batch",
        data_format="channels_last",
    )  # fmt: skip
    for mine, theirs in zip(got, want, strict=True):
        assert_same(mine.numpy(), np.moveaxis(theirs, 1, -1))
    np.testing.assert_array_equal(x.ravel()[got[1].numpy()], got[0])
    out = np.empty((2, 12, 4, 3), np.float32), np.empty((2, 12, 4, 3), np.int64)
    numbapool.max_pool2d(first, 3, 2, return_indices=True, index_base="tensor", out=out)
    np.testing.assert_array_equal(first.ravel()[out[1]], want[0])
    assert_same(out[0], want[0])


@pytest.mark.parametrize("dims", [1, 2, 3])
@settings(max_examples=10)
@given(data=st.data())
def test_unpooling_equals_torch(dims, data):
    kernel = data.draw(st.sampled_from(few((2, 3), (2,))))
    sizes = [data.draw(st.integers(kernel, 9)) for _ in range(dims)]
    sizes[-1] = data.draw(st.sampled_from(few((sizes[-1],), (6, 7))))  # in machine code
    shape = (2, 3, *sizes)
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    theirs = getattr(F, f"max_pool{dims}d")(torch.from_numpy(x), kernel, return_indices=True)
    y, where = getattr(numbapool, f"max_pool{dims}d")(x, kernel, return_indices=True)
    want = getattr(F, f"max_unpool{dims}d")(*theirs, kernel, output_size=shape[2:])
    y = data.draw(laid_out(y, dims))
    unpool = getattr(numbapool, f"max_unpool{dims}d")
    assert_same(unpool(y, where, kernel, output_size=shape[2:]), want.numpy())
    if all(n % kernel == 0 for n in shape[2:]):
        assert_same(unpool(y, where.astype(np.int32), kernel), want.numpy())
    out = np.full(shape[::-1], 7, np.float32).T
    assert unpool(y, where, kernel, output_size=shape, out=out) is out
    assert_same(out, want.numpy())


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.bool_])
def test_values_for_one_place(dtype):
    rng = np.random.default_rng(0)
    values = rng.integers(-3, 3, (2, 5, 6, 7)).astype(dtype)
    where = rng.integers(-1, 9, values.shape)
    if dtype == np.float32:
        values[0, 0, 2, 3] = np.nan
    for rule in ("last", "sum", "max"):
        if dtype == np.bool_ and rule == "sum":
            continue
        want = np.zeros((2, 5, 9), dtype)
        touched = np.zeros(want.shape, bool)
        for at in np.ndindex(values.shape):
            place = (*at[:2], where[at])
            if where[at] < 0:
                continue
            if rule == "sum":
                want[place] += values[at]
            else:
                larger = not values[at] <= want[place] and want[place] == want[place]
                if rule == "last" or not touched[place] or larger:
                    want[place] = values[at]
            touched[place] = True
        for threads in (1, None):
            found = scattered(values, where, 2, (3, 3), rule, None, threads)
            np.testing.assert_array_equal(found.reshape(want.shape), want)


def test_unpool_of_pool_puts_maxima_back():
    x = np.random.default_rng(0).standard_normal((2, 3, 12, 12)).astype(np.float32)
    y, where = numbapool.max_pool2d(x, 3, return_indices=True)
    back = numbapool.max_unpool2d(y, where, 3)
    assert_same(numbapool.gather(back, where), y)
    assert_same(numbapool.gather(x, where), y)
    assert np.count_nonzero(back) == y.size
    assert torch.equal(
        numbapool.gather(torch.from_numpy(x), torch.from_numpy(where)), torch.from_numpy(y)
    )
    volume, places = numbapool.max_pool3d(x, 2, return_indices=True)  # unbatched
    assert_same(numbapool.gather(x, places, dims=3), volume)


@pytest.mark.parametrize(("change", "error", "says"), [
    ({"indices": np.full((1, 2, 2, 2), 16)}, ValueError, "indices must be from -1 to 15"),
    ({"indices": np.full((1, 2, 2, 2), -2)}, ValueError, "got -2 in indices of shape"),
    ({"indices": np.zeros((1, 2, 2, 3), int)}, ValueError, "must have the shape of input"),
    ({"indices": np.zeros((2, 2, 2, 2), int)}, ValueError, "a shape that begins with"),
    ({"indices": np.zeros((1, 2, 2, 2))}, TypeError, "integer dtype, got dtype float64"),
    ({"output_size": (6, 4)}, ValueError, "output_size must be nearer than a stride"),
    ({"output_size": 5.0}, TypeError, "output_size must hold ints"),
    ({"reduce": "first"}, ValueError, "reduce must be one of last, sum, max"),
    ({"padding": 2}, ValueError, "would give an output of"),
    ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1"),
    ({"out": np.zeros((1, 2, 4, 5))}, ValueError, "out must have shape"),
])  # fmt: skip
def test_wrong_unpooling_is_said(change, error, says):
    given = {"input": np.zeros((1, 2, 2, 2)), "indices": np.zeros((1, 2, 2, 2), int),
             "kernel_size": 2} | change  # fmt: skip
    with pytest.raises(error, match=says):
        numbapool.max_unpool2d(**given)


def test_out_may_not_be_the_indices():
    where = np.zeros((1, 1, 2, 2), np.int64)
    with pytest.raises(ValueError, match="must not share memory"):
        numbapool.max_unpool2d(where + 1, where, 1, out=where)


@pytest.mark.parametrize(("options", "error", "says"), [
    ({"target": "chw"}, ValueError, "target must be one of plane, plane_f, tensor"),
    ({"target": "window"}, ValueError, "kernel_size must be given"),
    ({"target": "window", "kernel_size": 3}, ValueError, "are not of windows"),
    ({"input_shape": (4, 4)}, ValueError, "as many axes"),
    ({"indices": np.zeros((1, 1, 2, 2))}, TypeError, "integer dtype"),
])  # fmt: skip
def test_wrong_conversions_are_said(options, error, says):
    given = {"indices": np.zeros((1, 1, 2, 2), int), "input_shape": (1, 1, 4, 4)} | options
    with pytest.raises(error, match=says):
        numbapool.convert_indices(**given)


def test_wrong_bases_are_said():
    x = np.zeros((1, 1, 4, 4))
    with pytest.raises(ValueError, match="index_base must be one of"):
        numbapool.max_pool2d(x, 2, return_indices=True, index_base="row")
    with pytest.raises(ValueError, match="index_base='window' needs windows of one size"):
        numbapool.adaptive_max_pool2d(x, 2, True, index_base="window")
    with pytest.raises(ValueError, match="index_dtype must be int64 or int32"):
        numbapool.max_pool2d(x, 2, return_indices=True, index_base="window", index_dtype="int8")


def test_the_smallest_dtype_has_room_for_windows_of_nan():
    x = np.zeros((1, 1, 16, 16))
    x[0, 0, :2, :2], x[0, 0, 15, 15] = np.nan, 42
    _, indices = numbapool.max_pool2d(
        x, 2, nan_policy="omit", return_indices=True, index_dtype="smallest"
    )
    assert indices[0, 0, 0, 0] == -1
    assert numbapool.gather(x, indices)[0, 0, 0, 0] == 0


def test_indices_that_there_are_not_are_not_converted():
    with pytest.raises(ValueError, match="from -1 to 15, where they count from 'plane', got 16"):
        numbapool.convert_indices(np.array([[[[16]]]]), (1, 1, 4, 4))
    with pytest.raises(ValueError, match="from -1 to 31, where they count from 'tensor', got -2"):
        numbapool.convert_indices(np.full((1, 2, 1, 1), -2), (1, 2, 4, 4), "tensor", "plane")
