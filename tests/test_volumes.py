"""One and three axes, any axes, and channels that come last: the same windows, walked otherwise."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import ACROSS, SMALL, WIDTHS, few, laid_out, values
from test_windows import assert_same, assert_within

import numbapool

F = torch.nn.functional


def types(dims):
    """The kernels are those of planes: two types will do, and by default one."""
    return few(("float32", "uint8"), ("float32",) if dims == 3 else ("uint8",))


def functions(name, dims):
    return getattr(numbapool, f"{name}_pool{dims}d"), getattr(F, f"{name}_pool{dims}d", None)


@st.composite
def arguments(draw, dims):
    """A window of any shape, and the shape of an input for it."""
    each = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(dims))  # noqa: E731
    if draw(st.booleans()):  # of the last two axes: each small window is machine code of its own
        (inner, step), dilation = draw(st.sampled_from(SMALL)), 1
        kernel, stride = each(1, 9)[:-2] + (inner,) * min(dims, 2), each(1, 3)[:-2]
        stride += (step,) * min(dims, 2)
    else:
        kernel = (*each(1, 9)[:-1], draw(st.integers(6, 9)))
        stride = (*each(1, 5)[:-1], draw(st.sampled_from(ACROSS)))
        dilation = draw(st.sampled_from((1, 1, 2, each(1, 3))))
    outer = draw(st.sampled_from(((1, 2), (2, 1), (3,))))
    sizes = (*each(1, 7)[:-1], draw(st.sampled_from(WIDTHS)))
    return (*outer, *sizes), {
        "kernel_size": kernel,
        "stride": stride,
        "padding": tuple(draw(st.integers(0, k // 2)) for k in kernel),
        "dilation": dilation,
        "ceil_mode": draw(st.booleans()),
    }


@pytest.mark.parametrize("dims", [1, 3])
@given(data=st.data())
def test_selections_equal_the_oracle(dims, data):
    shape, window = data.draw(arguments(dims))
    axes = oracle.windows(shape, **window, dims=dims)
    assume(all(axes))
    name = data.draw(st.sampled_from(few(("max", "min"), ("max",))))
    pool, _ = functions(name, dims)
    x = data.draw(values(shape, types(dims)))
    expected, where = oracle.select(x, axes, 1 if name == "max" else -1)
    x = data.draw(laid_out(x, dims))
    got, indices = pool(x, **window, return_indices=True)
    assert_same(got, expected)
    assert_same(indices, where)
    assert_same(pool(x, **window), expected)


@pytest.mark.parametrize("dims", [1, 3])
@given(data=st.data())
def test_averages_and_sums_are_within_the_bound(dims, data):
    shape, window = data.draw(arguments(dims))
    axes = oracle.windows(shape, **window, dims=dims)
    assume(all(axes))
    include, override = data.draw(st.booleans()), data.draw(st.sampled_from((None, None, -3, 4)))
    x = data.draw(values(shape, types(dims)))
    exact, scale, taps = oracle.average(x, axes, include, override)
    got = functions("avg", dims)[0](
        data.draw(laid_out(x, dims)), **window, count_include_pad=include, divisor_override=override
    )
    assert_within(got, exact, scale, taps)
    if x.dtype.kind != "f":
        total = functions("sum", dims)[0](x, **window)
        np.testing.assert_array_equal(total, oracle.total(x, axes).astype(total.dtype))


@pytest.mark.parametrize("dims", [1, 3])
@pytest.mark.parametrize("sizes", [5, 1, 12])
def test_bins_equal_torch(dims, sizes):
    rng = np.random.default_rng(0)
    shape = (2, 3, *(9, 7, 21)[-dims:])
    x = rng.integers(-3, 3, shape).astype(np.float32)
    x[rng.random(shape) < 0.01] = np.nan
    ours, theirs = functions("adaptive_max", dims)
    expected, where = theirs(torch.from_numpy(x), sizes, return_indices=True)
    got, indices = ours(x, sizes, return_indices=True)
    assert_same(got, expected.numpy())
    assert_same(indices, where.numpy())
    assert_same(functions("adaptive_min", dims)[0](-x, sizes), -got)
    ours, theirs = functions("adaptive_avg", dims)
    np.testing.assert_allclose(ours(x, sizes), theirs(torch.from_numpy(x), sizes), 1e-5, 1e-6)


VOLUMES = [(2, 3, 16, 28, 28), (1, 2, 9, 130, 140), (3, 4, 4, 14, 14)]
WINDOWS = [(3, 2, 1), (2, 2), (3, 1, 1), ((1, 3, 3), (1, 2, 2), (0, 1, 1)),
           ((7, 1, 1), 1, (3, 0, 0)), (5, 3, 2), ((3, 1, 1), (2, 1, 1))]  # fmt: skip
ALL = [(shape, window) for shape in VOLUMES for window in WINDOWS]


@pytest.mark.parametrize(("shape", "window"), few(ALL, [ALL[0], ALL[3], ALL[8], ALL[-1]]))
def test_volumes_of_models_equal_torch(shape, window):
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    x[0, 1, 2, 3, 4] = np.nan
    expected, where = F.max_pool3d(torch.from_numpy(x), *window, return_indices=True)
    got, indices = numbapool.max_pool3d(x, *window, return_indices=True)
    assert_same(got, expected.numpy())
    assert_same(indices, where.numpy())
    assert_same(numbapool.max_pool3d(x, *window), expected.numpy())
    if np.less(x.shape[-3:], window[0]).any():  # torch averages no window larger than its input
        return
    mean = F.avg_pool3d(torch.from_numpy(x), *window)
    np.testing.assert_allclose(numbapool.avg_pool3d(x, *window), mean, 1e-5, 1e-6)


@pytest.mark.parametrize("window", [((2, 2, 1),), ((1, 2, 1), (2, 3, 1)), ((1, 3, 1), 1)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_columns_that_no_window_joins_have_places_of_their_own(window, dtype):
    x = np.random.default_rng(0).integers(0, 9, (2, 3, 4, 20, 70)).astype(dtype)
    expected, where = F.max_pool3d(torch.from_numpy(x).double(), *window, return_indices=True)
    for index_dtype in ("int32", "int64"):
        got, indices = numbapool.max_pool3d(
            x, *window, return_indices=True, index_dtype=index_dtype
        )
        assert_same(got.astype(np.float64), expected.numpy())
        assert_same(indices.astype(np.int64), where.numpy())
    assert_same(numbapool.gather(x, indices), got)


def test_many_slices_of_a_constant_sum_pairwise():
    x = np.full((1, 1, 400, 3, 3), 0.1, np.float32)
    exact = np.float64(np.float32(0.1))
    for kernel in ((400, 3, 3), (399, 2, 2), (77, 3, 1)):
        error = np.abs(numbapool.avg_pool3d(x, kernel, 1) - exact).max()
        assert error <= (np.log2(np.prod(kernel)) + 2) * np.finfo(np.float32).eps * exact


@pytest.mark.parametrize(("dims", "channels"), few(
    [(dims, channels) for dims in (1, 2, 3) for channels in (3, 8, 37)],
    [(1, 8), (2, 3), (2, 37), (3, 8)],
))  # fmt: skip
def test_channels_last(dims, channels):
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 3, (2, *(5, 9, 12)[-dims:], channels)).astype(np.float32)
    x[rng.random(x.shape) < 0.01] = np.nan
    first = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    windows = ((3, 2, 1), (2, 2, 0), (3, 1, 1), (4, 3, 2, 2), (7, 1, 3))
    for window in few(windows, (windows[0], windows[3])):
        if any(n + 2 * window[2] < window[0] * 2 for n in x.shape[1:-1]):
            continue
        pool, theirs = functions("max", dims)
        for array, same in ((x, first), (x[0], first[0])):
            expected = theirs(torch.from_numpy(same), *window, return_indices=True)
            got = pool(array, *window, return_indices=True, data_format="channels_last")
            for mine, wanted in zip(got, expected, strict=True):
                assert_same(np.moveaxis(mine, -1, mine.ndim - dims - 1), wanted.numpy())
        out = tuple(np.empty_like(each) for each in pool(x, *window, return_indices=True,
                                                         data_format="channels_last"))
        pool(x, *window, return_indices=True, data_format="channels_last", out=out)
        assert_same(np.moveaxis(out[0], -1, 1), theirs(torch.from_numpy(first), *window).numpy())
    mean, theirs = functions("avg", dims)
    got = mean(x, 3, 2, 1, data_format="channels_last")
    want = theirs(torch.from_numpy(first), 3, 2, 1)
    np.testing.assert_allclose(np.moveaxis(got, -1, 1), want, 1e-6, 1e-6)
    bins, theirs = functions("adaptive_max", dims)
    got = bins(x, 3, data_format="channels_last")
    assert_same(np.moveaxis(got, -1, 1), theirs(torch.from_numpy(first), 3).numpy())


def test_a_channels_last_tensor_gives_one():
    x = torch.randn(2, 32, 14, 15).to(memory_format=torch.channels_last)
    expected, where = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    got, indices = numbapool.max_pool2d(x, 3, 2, 1, return_indices=True)
    assert torch.equal(got, expected)
    assert torch.equal(indices, where)
    assert got.is_contiguous(memory_format=torch.channels_last)
    assert numbapool.explain(numbapool.max_pool2d, x, 3).kernels == ("pixels",)
    assert numbapool.explain(numbapool.max_pool2d, x, 5, 1).kernels == ("slices",)


@pytest.mark.parametrize("axes", few([None, 0, (0, 1), (1, 2), (2, 1), (0, 3), (-1,), (0, 1, 2, 3)],
                                     [None, 0, (2, 1), (0, 3)]))  # fmt: skip
def test_any_axes(axes):
    rng = np.random.default_rng(0)
    x = rng.integers(-50, 50, (6, 4, 5, 12)).astype(np.float32)
    named = range(4) if axes is None else np.atleast_1d(axes) % 4
    outer = [axis for axis in range(4) if axis not in named]
    moved = np.ascontiguousarray(x.transpose(*outer, *named))
    windows = oracle.windows(moved.shape, 2, 2, dims=len(named))
    expected, where = oracle.select(moved, windows, 1)
    order = np.argsort([*outer, *named])
    got, indices = numbapool.pool(x, "max", 2, 2, axes=axes, return_indices=True)
    assert_same(got, expected.transpose(order))
    assert_same(indices, where.transpose(order))
    out = np.empty(got.shape, np.float32)
    assert numbapool.pool(x, "max", 2, 2, axes=axes, out=out) is out
    assert_same(out, got)
    mean = numbapool.pool(torch.from_numpy(x), "avg", 2, 2, axes=axes)
    exact, scale, taps = oracle.average(moved, windows)
    assert_within(mean.numpy().transpose(*outer, *named), exact, scale, taps)


#: (kernel, stride, padding, dilation along the two axes before the last)
APART = [(2, 2, 1, 1), (3, 3, 1, 1), (2, 3, 0, 1), (2, 3, 1, 2)]


@pytest.mark.parametrize("lines", [1, 63, 64, 300, 4099, 5000])
def test_lines_as_rows_of_a_plane(lines):
    x = torch.from_numpy(np.random.default_rng(lines).integers(-9, 9, (lines, 33)).astype("f"))
    x[lines // 2, 20] = torch.nan
    want = F.max_pool1d(x, 3, 2, 1, return_indices=True)
    for got, right in zip(numbapool.max_pool1d(x, 3, 2, 1, return_indices=True), want, strict=True):
        torch.testing.assert_close(got, right, rtol=0, atol=0, equal_nan=True)
    got = numbapool.max_pool1d(x, 3, 2, 1)
    torch.testing.assert_close(got, want[0], rtol=0, atol=0, equal_nan=True)
    got = numbapool.avg_pool1d(x, 3, 2, 1, count_include_pad=False)
    want = F.avg_pool1d(x, 3, 2, 1, count_include_pad=False)
    torch.testing.assert_close(got, want, equal_nan=True)


@pytest.mark.parametrize("shape", [(2, 3, 9, 11, 13), (40, 1, 5, 4, 6), (1, 2, 4, 4, 5, 40)])
def test_windows_that_share_no_row(shape):
    """They are pooled as those of one axis of rows."""
    x = np.random.default_rng(0).integers(-9, 9, shape).astype(np.float32)
    dims, axes = x.ndim - 2, (*range(2, x.ndim),)
    for kernel, stride, padding, further in APART if shape[0] == 2 else few(APART, APART[::3]):
        window = kernel, stride, padding, (1,) * (dims - 3) + (further, further, 1)
        windows = oracle.windows(shape, *window, dims=dims)
        if dims == 3 and further == 1:
            assert numbapool.explain(numbapool.max_pool3d, x, *window).kernels == ("rows",)
        want, where = oracle.select(x, windows, 1)
        got, indices = numbapool.pool(x, "max", *window, axes=axes, return_indices=True)
        assert_same(got, want)
        assert_same(indices, where)
        for include in (True, False):
            exact, scale, taps = oracle.average(x, windows, include)
            got = numbapool.pool(x, "avg", *window, axes=axes, count_include_pad=include)
            assert_within(got, exact, scale, taps)


@pytest.mark.parametrize(("shape", "window"), [
    ((1, 1, 1, 2, 8), (2, (3, 2, 1), (1, 0, 0), (2, 1, 1))),
    ((1, 1, 2, 1, 8), (2, (2, 3, 1), (0, 1, 0), (1, 2, 1))),
])  # fmt: skip
def test_windows_of_volumes_that_take_nothing(shape, window):
    """There is no nearest row that they could read."""
    x = np.ones(shape, np.float32)
    want, where = oracle.select(x, oracle.windows(shape, *window, dims=3), 1)
    got, indices = numbapool.max_pool3d(x, *window, return_indices=True)
    assert_same(got, want)
    assert_same(indices, where)


@pytest.mark.parametrize(("wrong", "says"), [
    ({"op": "mode"}, "op must be one of"),
    ({"axes": 4}, "axes must be from -3 to 2"),
    ({"axes": (0, -3)}, "axes must not name one twice"),
    ({"axes": ()}, "axes must name one axis at least"),
    ({"kernel_size": (2, 2), "axes": 0}, "kernel_size must be an int"),
    ({"op": "avg", "return_indices": True}, "return_indices needs"),
    ({"kernel_size": (1, 1, 1, 1)}, "kernel_size must be an int or a tuple of 3"),
])  # fmt: skip
def test_what_is_wrong_with_axes_is_said(wrong, says):
    given = {"op": "max", "kernel_size": 2} | wrong
    with pytest.raises(ValueError, match=says):
        numbapool.pool(np.zeros((4, 4, 4)), **given)
