"""Poolings made of others, and drawn ones: dtypes, channels that come last, and NaN by policy."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import oracle
import pytest
import torch
from strategies import few
from test_windows import assert_same

import numbapool

BRAIN = np.dtype(ml_dtypes.bfloat16)
DTYPES = ("int16", "bool", "float16", BRAIN)
RNG = np.random.default_rng(0)
SHAPE = (2, 9, 8, 10)  # channels enough to stay inside
X = RNG.random(SHAPE, np.float32) * 4 - 1
SAMPLES = RNG.random((2, 9, 2))


def seed():
    return np.random.default_rng(7)


#: A call of each, with seeds of its own.
POOLS = {
    "minmax": lambda x, **o: numbapool.minmax_pool2d(x, 3, 2, **o),
    "stochastic": lambda x, **o: numbapool.stochastic_pool2d(
        x, 3, 2, return_indices=True, rng=seed(), **o),
    "expectation": lambda x, **o: (numbapool.stochastic_pool2d(x, 3, 2, train=False, **o),),
    "blur": lambda x, **o: (numbapool.blur_pool2d(x, **o),),
    "max_blur": lambda x, **o: (numbapool.max_blur_pool2d(x, 3, **o),),
    "fractional_max": lambda x, **o: numbapool.fractional_max_pool2d(
        x, 2, 5, None, True, SAMPLES, **o),
    "fractional_avg": lambda x, **o: (
        numbapool.fractional_avg_pool2d(x, 2, 5, None, SAMPLES, **o),),
}  # fmt: skip


def holes(dtype=np.float32):
    x = X.astype(dtype)
    x[np.random.default_rng(1).random(SHAPE) < 0.2] = np.nan
    x[0, 0] = np.nan
    return x


@pytest.mark.parametrize("name", POOLS)
def test_channels_last(name):
    """The same by name and by strides, and as contiguous as the input."""
    want = POOLS[name](X)
    lying = np.ascontiguousarray(np.moveaxis(X, 1, -1))
    by_name = POOLS[name](lying, data_format="channels_last")
    by_strides = POOLS[name](torch.from_numpy(X).to(memory_format=torch.channels_last))
    one = POOLS[name](lying[0], data_format="channels_last") if name in ("minmax", "blur") else ()
    for wanted, named, strided in zip(want, by_name, by_strides, strict=True):
        np.testing.assert_allclose(np.moveaxis(named, -1, 1), wanted, 1e-6)
        np.testing.assert_allclose(strided.numpy(), wanted, 1e-6)
        assert named.flags.c_contiguous
        assert strided.is_contiguous(memory_format=torch.channels_last)
    for wanted, single in zip(want, one, strict=False):
        np.testing.assert_allclose(np.moveaxis(single, -1, 0), wanted[0], 1e-6)
    with pytest.raises(ValueError, match=r"input must have 3 or 4 dimensions, \(\*spatial"):
        POOLS[name](lying[0, 0], data_format="channels_last")


@pytest.mark.parametrize(
    ("name", "options"),
    [("max", {}), ("avg", {}), ("max", {"return_indices": True, "index_dtype": "int32"})],
)
def test_pixels_that_were_planned_before(name, options):
    """They go a shorter way, which leads to the same: whatever lies otherwise, and every error."""
    pool = getattr(numbapool, f"{name}_pool2d")
    lying = np.ascontiguousarray(np.moveaxis(X, 1, -1))
    wide = np.zeros((*lying.shape[:-1], 2 * lying.shape[-1]), np.float32)
    wide[..., ::2] = lying
    holed = np.ascontiguousarray(np.moveaxis(holes(), 1, -1))
    frozen = lying.copy()
    frozen.flags.writeable = False
    for x in (lying, lying, wide[..., ::2], lying.astype(">f4"), frozen, holed, holed, lying):
        first = np.ascontiguousarray(np.moveaxis(x, -1, 1), np.float32)
        want = pool(first, 3, 2, 1, **options)
        got = pool(x, 3, 2, 1, data_format="channels_last", **options)
        pairs = zip(got, want, strict=True) if options else [(got, want)]
        for part, wanted in pairs:
            assert part.dtype == wanted.dtype
            assert part.flags.c_contiguous or not x.flags.c_contiguous
            np.testing.assert_allclose(np.moveaxis(part, -1, 1), wanted, 1e-6)
    if name == "max":
        for wrong in ({"return_indices": 1}, {"return_indices": True, "index_dtype": "int16"}):
            with pytest.raises((TypeError, ValueError), match=list(wrong)[-1]):
                pool(lying, 3, 2, 1, data_format="channels_last", **wrong)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_few_channels_stay_inside_small_windows(dtype):
    """As wide as a camera's pictures, whose copy to planes takes longer than their windows."""
    for channels in (2, 3, 7):
        x = (RNG.random((2, 11, 40, channels)) * 200).astype(dtype)
        if dtype == "float32":
            x[RNG.random(x.shape) < 0.02] = np.nan
        first = np.ascontiguousarray(np.moveaxis(x, -1, 1))
        for window in ((3, 2, 1), (2, 2)):
            want = numbapool.max_pool2d(first, *window, return_indices=True)
            got = numbapool.max_pool2d(
                x, *window, return_indices=True, data_format="channels_last"
            )
            for part, wanted in zip(got, want, strict=True):
                np.testing.assert_array_equal(np.moveaxis(part, -1, 1), wanted)
            want = numbapool.avg_pool2d(first, *window)
            got = numbapool.avg_pool2d(x, *window, data_format="channels_last")
            np.testing.assert_allclose(np.moveaxis(got, -1, 1), want, 1e-6)
    last = {"data_format": "channels_last"}
    for kernel, dilation, lies in ((5, 1, (2, 11, 40, 7)), (3, 2, (2, 7, 11, 40)),
                                   (6, 1, (2, 7, 11, 40))):  # fmt: skip
        told = str(numbapool.explain(numbapool.max_pool2d, x, kernel, 1, 0, dilation, **last))
        assert str(lies) in told.splitlines()[0]


@pytest.mark.parametrize("name", POOLS)
def test_any_strides(name):
    big = np.zeros((2, 9, 11, 23), np.float32)
    for view in (big[:, :, 1:9, 2:12], big[:, :, 1:9, ::-2][..., :10]):
        view[...] = X
        for got, want in zip(POOLS[name](view), POOLS[name](X), strict=True):
            np.testing.assert_allclose(got, want, 1e-6)
    for got, want in zip(POOLS[name](X.astype(">f4")), POOLS[name](X), strict=True):
        assert_same(got, want)


EACH = [(name, dtype) for dtype in DTYPES for name in POOLS]


@pytest.mark.parametrize(("name", "dtype"), few(EACH, EACH[::3]))
def test_dtypes(name, dtype):
    """Integers and halves: what float64 and float32 give of the same values, rounded once."""
    x = X.astype(dtype) if dtype != "int16" else (X * 50).astype(dtype)
    reckoned = x.astype(np.float32 if dtype in ("float16", BRAIN) else np.float64)
    averages = name in ("expectation", "blur", "max_blur", "fractional_avg")
    for number, (got, want) in enumerate(zip(POOLS[name](x), POOLS[name](reckoned), strict=True)):
        if number and name != "minmax":  # places
            assert_same(got, want)
        elif averages and np.dtype(dtype).kind in "ib":
            assert got.dtype == np.float64
            np.testing.assert_allclose(got, want, 1e-12)
        else:
            assert got.dtype == dtype
            if averages:  # where sums were in another order, a half may round the other way
                eps = float(ml_dtypes.finfo(dtype).eps)
                np.testing.assert_allclose(got.astype(float), want.astype(float), eps, eps)
            else:
                np.testing.assert_array_equal(got, want.astype(dtype))


def test_halves_are_rounded_once():
    x = torch.from_numpy(X).bfloat16()
    want = numbapool.blur_pool2d(x.float(), 5).bfloat16()
    assert torch.equal(numbapool.blur_pool2d(x, 5), want)
    big = np.full((1, 1, 8, 8), 60000, np.float16)
    assert (numbapool.blur_pool2d(big) == 60000).all()
    assert (numbapool.stochastic_pool2d(big, 2, train=False) == 60000).all()


def test_complex_numbers_blur():
    z = X + 1j * X[::-1]
    want = numbapool.blur_pool2d(X) + 1j * numbapool.blur_pool2d(np.ascontiguousarray(X[::-1]))
    np.testing.assert_allclose(numbapool.blur_pool2d(z), want, 1e-6, 1e-6)


@pytest.mark.parametrize("name", POOLS)
def test_raise_says_where_it_is_in_the_input(name):
    x = X.copy()
    x[1, 2, 3, 4] = np.nan
    with pytest.raises(ValueError, match=r"has NaN, the first at \(1, 2, 3, 4\)"):
        POOLS[name](x, nan_policy="raise")
    with pytest.raises(ValueError, match=r"has NaN, the first at \(1, 3, 4, 2\)"):
        POOLS[name](np.moveaxis(x, 1, -1), nan_policy="raise", data_format="channels_last")
    for got, want in zip(POOLS[name](X, nan_policy="omit"), POOLS[name](X), strict=True):
        assert_same(got, want)  # nothing to leave out


def test_blurring_scales_the_weights_of_what_is_there():
    x = holes(np.float64)
    there = ~np.isnan(x)
    with np.errstate(invalid="ignore"):
        want = numbapool.blur_pool2d(np.where(there, x, 0)) / numbapool.blur_pool2d(there * 1.0)
    got = numbapool.blur_pool2d(x, nan_policy="omit")
    np.testing.assert_allclose(got, want, 1e-12)
    assert np.isnan(got[0, 0]).all()
    assert not np.isnan(got[0, 1]).all()
    spread = numbapool.blur_pool2d(x)
    touched = numbapool.max_pool2d(np.pad(~there, [(0, 0)] * 2 + [(1, 1)] * 2, "reflect"), 3, 2)
    np.testing.assert_array_equal(np.isnan(spread), touched)
    dense = numbapool.max_pool2d(x, 3, 1, nan_policy="omit")
    got = numbapool.max_blur_pool2d(x, 3, nan_policy="omit")
    np.testing.assert_allclose(got, numbapool.blur_pool2d(dense, nan_policy="omit"), 1e-12)


def test_stochastic_with_nan():
    x = np.abs(holes()) + 1
    values, where = POOLS["stochastic"](x)
    _, last = numbapool.max_pool2d(np.where(np.isnan(x), x, 0), 3, 2, return_indices=True)
    hit = np.isnan(values)
    np.testing.assert_array_equal(hit, np.isnan(numbapool.max_pool2d(x, 3, 2)))
    np.testing.assert_array_equal(where[hit], last[hit])
    values, where = POOLS["stochastic"](x, nan_policy="omit")
    weightless, same = POOLS["stochastic"](np.nan_to_num(x, nan=-1))  # the same draws
    none = np.isnan(values)
    assert none[0, 0].all()
    assert (where[none] == -1).all()
    np.testing.assert_array_equal(values[~none], weightless[~none])
    np.testing.assert_array_equal(where[~none], same[~none])
    axes = oracle.windows(x.shape, 3, 2)
    for options, known in (({}, False), ({"nan_policy": "omit"}, True)):
        want = np.full(values.shape, np.nan)
        for p, plane in enumerate(oracle.planes(x, 2)):
            for cell, taps in oracle.windows_of(axes):
                w = np.array([plane[tap] for tap in taps], np.float64)
                w = w[~np.isnan(w)] if known else w
                if w.size:
                    oracle.planes(want, 2)[p][cell] = (w * w).sum() / w.sum()
        np.testing.assert_allclose(*POOLS["expectation"](x, **options), want, 1e-5)


def test_expectations_of_infinities():
    x = np.array([-np.inf, 1, 2, -np.inf]).reshape(1, 4)
    assert numbapool.stochastic_pool1d(x, 2, train=False).tolist() == [[1, 2]]


@pytest.mark.parametrize("policy", ["propagate", "omit"])
def test_fractional_equals_the_oracle(policy):
    x = holes()
    values, where = POOLS["fractional_max"](x, nan_policy=policy)
    (means,) = POOLS["fractional_avg"](x, nan_policy=policy)
    for n, c in np.ndindex(2, 9):
        axes = oracle.drawn(SHAPE[2:], 2, 5, SAMPLES[n, c][::-1])
        shown = x[n, c] if policy == "propagate" else np.nan_to_num(x[n, c], nan=-np.inf)
        want, place = oracle.select(shown, axes, 1)
        none = np.isinf(want)
        want[none], place[none] = np.nan, -1
        assert_same(values[n, c], want)
        np.testing.assert_array_equal(where[n, c], place)
        for cell, taps in oracle.windows_of(axes):
            w = np.array([x[n, c][tap] for tap in taps])
            w = w[~np.isnan(w)] if policy == "omit" else w
            mean = w.mean() if w.size else np.nan
            np.testing.assert_allclose(means[n, c][cell], mean, 1e-5, 1e-6)


def test_fractional_takes_the_road_of_all_others():
    values, where = POOLS["fractional_max"](X)
    out = np.empty((2, 9, 5, 5), np.float32), np.empty((2, 9, 5, 5), np.int32)
    got = numbapool.fractional_max_pool2d(
        X, 2, 5, None, True, SAMPLES, index_dtype="int32", out=out
    )
    assert got[0] is out[0]
    assert_same(out[0], values)
    np.testing.assert_array_equal(out[1], where)
    based = numbapool.fractional_max_pool2d(
        X, 2, 5, None, True, SAMPLES, index_base="tensor", index_dtype="smallest"
    )[1]
    assert based.dtype == np.uint16
    np.testing.assert_array_equal(based, numbapool.convert_indices(where, X.shape))
    with pytest.raises(ValueError, match="index_base='window' needs windows of one size"):
        numbapool.fractional_max_pool2d(X, 2, 5, None, True, SAMPLES, index_base="window")
    with pytest.raises(ValueError, match=r"out must have shape \(2, 9, 5, 5\)"):
        numbapool.fractional_avg_pool2d(X, 2, 5, None, SAMPLES, out=X)
    whole = numbapool.fractional_max_pool2d(X, (8, 10), 1, None, True, SAMPLES)
    for got, want in zip(whole, numbapool.global_max_pool(X, True), strict=True):
        assert_same(got, want)
    rows = numbapool.fractional_max_pool2d(X, (2, 10), (5, 1), None, False, SAMPLES)
    widest = X.max(-1, keepdims=True)
    assert_same(
        rows, numbapool.fractional_max_pool2d(widest, (2, 1), (5, 1), None, False, SAMPLES)
    )
    assert numbapool.explain(POOLS["fractional_avg"], X).kernels == ("bins",)
