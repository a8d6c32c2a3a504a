"""Ways back and compositions on a device: as the oracle or the CPU, tested elsewhere, has it."""

from __future__ import annotations

from functools import partial

import ml_dtypes
import numpy as np
import oracle
import pytest
from numba import cuda
from strategies import few

import numbapool

RNG = np.random.default_rng(0)
X = RNG.integers(-9, 10, (2, 2, 5, 6)).astype(np.float32) / 4


def host(found):
    """Results as NumPy's."""
    if isinstance(found, tuple):
        return tuple(each.copy_to_host() for each in found)
    return found.copy_to_host()


def sent(arguments):
    return [cuda.to_device(a) if isinstance(a, np.ndarray) else a for a in arguments]


def assert_near(got, want):
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, 1e-5, 1e-6)


def shares(grad, x, axes, divided=True):
    """What goes of each window's gradient to each of its taps inside."""
    found = np.zeros(x.shape)
    for to, given in zip(oracle.planes(found, 2), oracle.planes(grad, 2), strict=True):
        for where, taps in oracle.windows_of(axes):
            taps = [*taps]
            for tap in taps:
                to[tap] += given[where] / (len(taps) if divided else 1)
    return found


def assert_as_on_the_cpu(function, *arguments, exact=False, **options):
    """Arrays sent, and arrays of the host with ``target="cuda"``."""
    drawn = {"rng": np.random.default_rng(1)} if "rng" in options else {}
    want = function(*arguments, **options | drawn)
    drawn = {"rng": np.random.default_rng(1)} if "rng" in options else {}
    got = host(function(*sent(arguments), **options | drawn))
    for one, other in zip(*((f if isinstance(f, tuple) else (f,)) for f in (got, want)),
                          strict=True):  # fmt: skip
        assert one.dtype == other.dtype
        if exact:
            np.testing.assert_array_equal(one, other)
        else:
            np.testing.assert_allclose(one, other, 1e-5, 1e-6)


@pytest.mark.parametrize("reduce", ["last", "sum", "max"])
@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_unpooling(reduce, dtype):
    values = RNG.integers(-9, 9, (1, 3, 3, 4)).astype(dtype)
    indices = RNG.integers(-1, 48, values.shape)
    indices[0, 0] = RNG.integers(0, 3, (3, 4))  # many to a place
    if dtype == np.float32:
        values[0, 0, 1, 1], values[0, 1] = np.nan, -0.0
    assert_as_on_the_cpu(
        numbapool.max_unpool2d, values, indices, 2, reduce=reduce, exact=True
    )


def test_unpooling_halves_moves_their_bits():
    values = RNG.standard_normal((1, 2, 3, 3)).astype(ml_dtypes.bfloat16)
    indices = np.arange(9).reshape(1, 1, 3, 3).repeat(2, 1)
    want = numbapool.max_unpool2d(values, indices, 2)
    got = numbapool.max_unpool2d(values, indices, 2, target="cuda")
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.view(np.int16), want.view(np.int16))


def test_an_index_outside_the_plane_is_of_a_value_that_goes_nowhere():
    values, indices = np.ones((1, 1, 1, 2), np.float32), np.array([[[[3, 99]]]])
    got = numbapool.max_unpool2d(*sent((values, indices)), 2).copy_to_host()
    assert got.ravel().tolist() == [0, 0, 0, 1, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="indices must have the shape of input"):
        numbapool.max_unpool2d(*sent((values, indices[..., :1])), 2)


def test_results_of_the_way_back_into_given_arrays():
    values, indices = np.ones((1, 1, 1, 2), np.float32), np.array([[[[0, 3]]]])
    out = cuda.to_device(np.full((1, 1, 2, 4), 7, np.float32))
    assert numbapool.max_unpool2d(*sent((values, indices)), 2, out=out) is out
    assert out.copy_to_host().ravel().tolist() == [1, 0, 0, 1, 0, 0, 0, 0]
    with pytest.raises(ValueError, match=r"out must have shape \(1, 1, 2, 4\)"):
        numbapool.max_unpool2d(*sent((values, indices)), 2, out=cuda.to_device(values))


def test_gradients_by_index_map_and_by_windows():
    x = X[:1]
    _, indices = oracle.select(x, oracle.windows(x.shape, 3, 1, 1), 1)
    grad = RNG.standard_normal(indices.shape).astype(np.float32)
    assert_as_on_the_cpu(numbapool.max_pool2d_backward, grad, indices, x.shape, exact=True)
    assert_as_on_the_cpu(numbapool.gather, -x, indices, exact=True)
    got = host(numbapool.avg_pool2d_backward(
        cuda.to_device(grad), x.shape, 3, 1, 1, count_include_pad=False
    ))  # fmt: skip
    assert_near(got, shares(grad, x, oracle.windows(x.shape, 3, 1, 1)))
    few_cells = grad[..., :3, :2].copy()
    got = host(numbapool.adaptive_avg_pool2d_backward(cuda.to_device(few_cells), x.shape))
    assert_near(got, shares(few_cells, x, oracle.bins(x.shape, (3, 2))))
    assert_near(
        host(numbapool.sum_pool2d_backward(cuda.to_device(grad), x.shape, 3, 1, 1)),
        shares(grad, x, oracle.windows(x.shape, 3, 1, 1), divided=False),
    )
    assert_as_on_the_cpu(numbapool.lp_pool2d_backward, grad, x, 3, 3, 1, padding=1)
    assert_as_on_the_cpu(numbapool.lp_pool2d_backward, grad, x, 1.5, 3, 1, padding=1, abs=True)


SLOPED = ("median", "quantile", "var", "std", "lse", "soft", "mixed", "power_avg", "gem")


@pytest.mark.parametrize("kind", few(SLOPED, ("median", "std", "lse", "gem")))
def test_gradients_by_slopes(kind):
    grad = RNG.standard_normal((2, 2, 3, 3)).astype(np.float32)
    options = {"q": 0.3} if kind == "quantile" else {}
    back = getattr(numbapool, f"{kind}_pool2d_backward")
    assert_as_on_the_cpu(back, grad, abs(X) + 0.1, 3, 2, 1, **options)


def test_gradients_of_what_is_made_of_others():
    x = X[:1]
    low, high = RNG.standard_normal((2, 1, 2, 2, 3)).astype(np.float32)
    assert_as_on_the_cpu(numbapool.minmax_pool2d_backward, low, high, x, 2)
    grad = RNG.standard_normal((1, 2, 3, 3)).astype(np.float32)
    assert_as_on_the_cpu(numbapool.blur_pool2d_backward, grad, x.shape)
    assert_as_on_the_cpu(numbapool.max_blur_pool2d_backward, grad[:, :, :2].copy(), x, 2)
    samples = RNG.random((1, 2, 2)).astype(np.float32)
    assert_as_on_the_cpu(
        numbapool.fractional_avg_pool2d_backward, grad, x.shape, 2, 3, random_samples=samples
    )


@pytest.mark.parametrize("mode", ["reflect", "replicate", "zero"])
def test_blurs(mode):
    assert_as_on_the_cpu(numbapool.blur_pool2d, X, 4, padding_mode=mode)


def test_nan_left_out_of_what_is_made_of_others():
    x = X.copy()
    x[0, 0, :3, :3] = np.nan
    for pool in (numbapool.blur_pool2d, numbapool.max_blur_pool2d, numbapool.minmax_pool2d):
        more = () if pool is numbapool.blur_pool2d else (2,)
        assert_as_on_the_cpu(pool, x, *more, nan_policy="omit")
    assert_as_on_the_cpu(numbapool.stochastic_pool2d, x, 2, rng=None, return_indices=True,
                         nan_policy="omit", exact=True)  # fmt: skip


def test_taps_that_are_drawn():
    assert_as_on_the_cpu(
        numbapool.stochastic_pool2d, abs(X), 2, rng=None, return_indices=True, exact=True
    )
    assert_as_on_the_cpu(numbapool.stochastic_pool2d, abs(X), 2, train=False)


@pytest.mark.parametrize("base", ["tensor", "tensor_f", "plane_f", "nhwc", "nhwc_batch", "window"])
def test_index_maps_that_count_from_elsewhere(base):
    assert_as_on_the_cpu(numbapool.max_pool2d, X, 3, 2, 1, return_indices=True, index_base=base,
                         index_dtype="smallest", exact=True)  # fmt: skip
    _, indices = numbapool.max_pool2d(X, 3, 2, 1, return_indices=True)
    there = numbapool.convert_indices(
        indices, X.shape, target=base, kernel_size=(3, 3), stride=2, padding=1
    )
    assert_as_on_the_cpu(numbapool.convert_indices, there, X.shape, base, "plane",
                         kernel_size=(3, 3), stride=2, padding=1, exact=True)  # fmt: skip


def test_channels_last():
    x = np.ascontiguousarray(np.moveaxis(X, 1, -1))
    options = {"data_format": "channels_last"}
    assert_as_on_the_cpu(numbapool.minmax_pool2d, x, 2, **options)
    assert_as_on_the_cpu(numbapool.blur_pool2d, x, **options)
    assert_as_on_the_cpu(numbapool.max_pool2d, x, 2, return_indices=True, index_base="nhwc",
                         exact=True, **options)  # fmt: skip


def test_what_segmenters_and_detectors_are_made_of():
    x = cuda.to_device(X)
    pooled, _ = oracle.select(X, oracle.windows(X.shape, 3, 1, 1), 1)
    np.testing.assert_array_equal(host(numbapool.sppf_pool(x, 3, 1)), np.hstack([X, pooled]))
    for got, axis in zip(host(numbapool.strip_pool(x)), (3, 2), strict=True):
        assert_near(got, X.mean(axis, keepdims=True))
    least = [oracle.select(X, oracle.bins(X.shape, level), -1) for level in (1, 2, 3)]
    got = host(numbapool.spatial_pyramid_pool(x, (1, 2, 3), "min", return_indices=True))
    for one, levels in zip(got, zip(*least, strict=True), strict=True):
        np.testing.assert_array_equal(one, np.hstack([each.reshape(2, -1) for each in levels]))
    for got, level in zip(host(numbapool.pyramid_pool(x, (1, 2), "max")), (1, 2), strict=True):
        np.testing.assert_array_equal(got, oracle.select(X, oracle.bins(X.shape, level), 1)[0])


@pytest.mark.parametrize("mode", ["avg", "max", "max_part"])
def test_points_of_boxes(mode):
    boxes = np.array([[0, 0, 0, 4, 3.5], [1, 2, 1, 5, 5], [0, -9, -9, -8, -8]])
    assert_as_on_the_cpu(numbapool.roi_align, X, boxes, (2, 3), aligned=True, mode=mode)


def test_bins_of_boxes():
    boxes = np.array([[0, 0, 0, 4, 3], [1, 2, 1, 5, 5], [0, 20, 20, 30, 30]])
    assert_as_on_the_cpu(numbapool.roi_pool, X, boxes, 2, return_indices=True, exact=True)
    got = numbapool.roi_pool(X, boxes, 2, target="cuda")
    np.testing.assert_array_equal(got, numbapool.roi_pool(X, boxes, 2))


def test_gradients_by_slopes_of_more_windows_than_scratch_holds(monkeypatch):
    from numbapool.cuda import slopes

    grad = RNG.standard_normal((1, 2, 3, 3)).astype(np.float32)
    monkeypatch.setattr(slopes, "SCRATCH", 24 * 9 * 4)  # four windows of nine taps
    assert_as_on_the_cpu(numbapool.median_pool2d_backward, grad, X[:1], 3, 2, 1)


@pytest.mark.parametrize("function", [
    lambda x: numbapool.gather(x, x.astype(np.int64) if isinstance(x, np.ndarray) else x),
    numbapool.blur_pool2d, numbapool.sppf_pool, lambda x: numbapool.max_pool2d(x, 2, target="cpu"),
    lambda x: numbapool.avg_pool2d_backward(x, (2, 2, 10, 12), 2),
])  # fmt: skip
def test_arrays_that_lie_backwards_are_refused(function):
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    for x in (X[..., ::-1], np.zeros((2, 2, 5, 6), [("a", "f4"), ("b", "u2")])["a"]):
        with pytest.raises(ValueError, match="must have strides of whole elements forwards"):
            function(FakeCUDAArray(x))


def test_a_target_is_that_of_all_that_a_call_does(monkeypatch):
    from numbapool.cuda import arrays

    def refuse(*given):
        raise AssertionError("sent to a device")

    numbapool.set_default_target("cuda")
    monkeypatch.setattr(arrays, "_sent", refuse)
    x, low = X[:0], X[:0, :, :2, :3]  # no pictures: no code is made for the CPU
    for call in (
        partial(numbapool.max_pool2d, x, 2, return_indices=True, index_base="tensor"),
        partial(numbapool.avg_pool2d_backward, low, x.shape, 2),
        partial(numbapool.lp_pool2d_backward, low, x, 2, 2),
        partial(numbapool.minmax_pool2d_backward, low, low, x, 2),
        partial(numbapool.max_blur_pool2d, x, 2),
        partial(numbapool.blur_pool2d_backward, np.ones((0, 2, 3, 3)), x.shape),
        partial(numbapool.minmax_pool2d, x, 2),
        partial(numbapool.sppf_pool, x, 3),
        partial(numbapool.stochastic_pool2d, x, 2, rng=np.random.default_rng(0)),
        partial(numbapool.spatial_pyramid_pool, x, (1, 2)),
    ):
        call(target="cpu")
        with pytest.raises(AssertionError, match="sent to a device"):
            call()


def test_nan_in_complex_sums_is_refused_where_that_is_asked():
    x = np.ones((2, 1, 4, 4), np.complex64)
    assert_as_on_the_cpu(numbapool.sum_pool2d, x, 2, nan_policy="raise")
    x[1, 0, 2, 2] = complex(0, np.nan)
    for given in (x, cuda.to_device(x)):
        with pytest.raises(ValueError, match="has NaN"):
            numbapool.sum_pool2d(given, 2, nan_policy="raise")
