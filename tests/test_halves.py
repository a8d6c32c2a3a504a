"""float16, bfloat16 and complex numbers: as the same in float32, rounded once, or part by part."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import few

import numbapool

F = torch.nn.functional
HALVES = (torch.float16, torch.bfloat16)


def special(shape, dtype, seed=0):
    """Random halves with both zeros, infinities, NaN, subnormal numbers, and many equals."""
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.integers(-3, 4, shape).astype(np.float32))
    x += torch.from_numpy((rng.random(shape) < 0.3) * rng.standard_normal(shape)).float()
    for value in (0.0, -0.0, np.inf, -np.inf, np.nan, 1e-7, -1e-40):
        x[torch.from_numpy(rng.random(shape) < 0.02)] = value
    return x.to(dtype)


def assert_equal(got, want):
    assert got.dtype == want.dtype
    torch.testing.assert_close(got, want, rtol=0, atol=0, equal_nan=True)
    numbers = ~want.isnan()
    assert torch.equal(torch.signbit(got[numbers]), torch.signbit(want[numbers]))


#: (kernel, stride, dilation)
WINDOWS = ((3, 2, 1), (7, 1, 1), (2, 9, 3))


@pytest.mark.parametrize("dtype", HALVES)
@given(data=st.data())
def test_selections_are_exact(dtype, data):
    kernel, stride, dilation = data.draw(
        st.sampled_from(few(WINDOWS, WINDOWS[HALVES.index(dtype):][:1]))
    )
    padding = data.draw(st.integers(0, kernel // 2))
    shape = (2, 3, data.draw(st.integers(1, 30)), data.draw(st.sampled_from(few((7, 33), (33,)))))
    extent = dilation * (kernel - 1) + 1
    assume(min(shape[2:]) + 2 * padding >= extent)
    x = special(shape, dtype, data.draw(st.integers(0, 9)))
    window = (kernel, stride, padding, dilation)
    want, where = F.max_pool2d(x.float(), *window, return_indices=True)
    some = ~torch.isneginf(want)  # a window without taps has another index in torch
    got, indices = numbapool.max_pool2d(x, *window, return_indices=True)
    assert_equal(got, want.to(dtype))
    assert torch.equal(indices[some], where[some])
    assert_equal(numbapool.max_pool2d(x, *window), want.to(dtype))
    if kernel == 7:
        assert_equal(-numbapool.min_pool2d(-x, *window), want.to(dtype))
    # Without -0.0, which a fast kernel leaves to another; and with NaN of either sign.
    x = torch.where(x == 0, x.abs(), x)
    x.view(torch.int16)[..., ::5, ::4] = -1
    want = F.max_pool2d(x.float(), *window)
    assert_equal(numbapool.max_pool2d(x, *window), want.to(dtype))
    if kernel == 7:
        want = -F.max_pool2d(-x.float(), *window)
        some = want != 0  # the zeros have another sign in the negative
        assert_equal(numbapool.min_pool2d(x, *window)[some], want.to(dtype)[some])


#: The largest bits, a few more that are rare, and whether the sign is set.
BITS = {
    "all": (0x7FFF, [], "either"), "below zero": (0x7000, [0x7FFF], "set"),
    "above zero": (0x7000, [0xFFFF], "none"), "zeros": (2, [], "either"),
    "one zero": (3, [0x8000], "none"), "other zero": (3, [0x0000], "set"),
}  # fmt: skip


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("kind", BITS)
def test_extremes_of_any_bits(kind, dtype):
    below, rare, sign = BITS[kind]
    rng = np.random.default_rng(len(kind))
    shape = (3, 2, 9, 150)
    bits = rng.integers(0, below + 1, shape).astype(np.uint16)
    signs = {"either": rng.integers(0, 2, shape), "set": 1, "none": 0}[sign]
    bits |= (np.ones(shape, np.uint16) * signs << 15).astype(np.uint16)
    for each in rare:
        bits[rng.random(shape) < 0.01] = each
    x = torch.from_numpy(bits.view(np.int16)).view(dtype)
    want = F.max_pool2d(x.float(), 3, 2, 1)
    assert_equal(numbapool.max_pool2d(x, 3, 2, 1), want.to(dtype))
    # The negative has the same order, the other way round; its first of two zeros is the first.
    assert_equal(-numbapool.min_pool2d(-x, 3, 2, 1), want.to(dtype))


def halves(names):
    """Each name with either half; by default with one of the two, by turns."""
    every = [(name, dtype) for name in names for dtype in HALVES]
    return few(every, [(name, HALVES[turn % 2]) for turn, name in enumerate(names)])


@pytest.mark.parametrize(
    ("name", "dtype"), halves(["adaptive", "global", "3d", "channels_last", "1d"])
)
def test_selections_by_other_kernels(name, dtype):
    x = special((40, 8, 7, 9), dtype)
    full = x.float()
    if name == "adaptive":
        got, want = numbapool.adaptive_max_pool2d(x, (3, 5)), F.adaptive_max_pool2d(full, (3, 5))
    elif name == "global":
        got, want = numbapool.global_max_pool(x), F.adaptive_max_pool2d(full, 1)
    elif name == "3d":
        got, want = numbapool.max_pool3d(x, 3, 2, 1), F.max_pool3d(full, 3, 2, 1)
    elif name == "1d":
        got, want = numbapool.max_pool1d(x[0], 3), F.max_pool1d(full[0], 3)
    else:
        last = x.to(memory_format=torch.channels_last)
        got, want = numbapool.max_pool2d(last, 3), F.max_pool2d(full, 3)
    assert_equal(got, want.to(dtype))


#: Ours, and the same by torch in float32.
SUMS = {
    "avg": (lambda x: numbapool.avg_pool2d(x, 3, 2, 1), lambda x: F.avg_pool2d(x, 3, 2, 1)),
    "bins": (lambda x: numbapool.adaptive_avg_pool2d(x, 5), lambda x: F.adaptive_avg_pool2d(x, 5)),
    "sum": (lambda x: numbapool.sum_pool2d(x, 2),
            lambda x: F.avg_pool2d(x, 2, divisor_override=1)),
    "volumes": (lambda x: numbapool.avg_pool3d(x, 2), lambda x: F.avg_pool3d(x, 2)),
    "norm": (lambda x: numbapool.lp_pool2d(x.abs(), 2, 2), lambda x: F.lp_pool2d(x.abs(), 2, 2)),
}  # fmt: skip


@pytest.mark.parametrize(("name", "dtype"), halves(SUMS))
def test_sums_are_rounded_once(name, dtype):
    x = special((2, 3, 20, 33), dtype)
    ours, theirs = SUMS[name]
    got, want = ours(x), theirs(x.float()).to(dtype)
    assert got.dtype == dtype
    torch.testing.assert_close(got.float(), want.float(), rtol=torch.finfo(dtype).eps, atol=1e-6,
                               equal_nan=True)  # fmt: skip


@pytest.mark.parametrize("dtype", few(HALVES, HALVES[1:]))
def test_sums_go_on_past_what_halves_count(dtype):
    ones = torch.ones(1, 1, 300, 300, dtype=dtype)
    assert numbapool.avg_pool2d(ones, 300).item() == 1  # a sum in halves would stop at 2048


#: Of blocks of nine taps, the last axis.
OTHERS = {
    "median": ({}, lambda taps: np.median(taps, -1)),
    "std": ({}, lambda taps: taps.std(-1)),
    "quantile": ({"q": 0.3}, lambda taps: np.quantile(taps, 0.3, -1)),
    "power_avg": ({"p": 3}, lambda taps: (np.abs(taps) ** 3).mean(-1) ** (1 / 3)),
}


@pytest.mark.parametrize(("name", "dtype"), halves(OTHERS))
def test_other_ops(name, dtype):
    x = special((2, 3, 12, 12), dtype).nan_to_num(0, 1, -1)
    options, formula = OTHERS[name]
    got = getattr(numbapool, f"{name}_pool2d")(x, 3, **options)
    assert got.dtype == dtype
    blocks = x.double().numpy().reshape(2, 3, 4, 3, 4, 3).swapaxes(3, 4).reshape(2, 3, 4, 4, 9)
    want = torch.from_numpy(formula(blocks)).to(dtype)
    torch.testing.assert_close(got, want, rtol=2 * torch.finfo(dtype).eps, atol=1e-3)


@pytest.mark.parametrize("dtype", HALVES)
def test_nan_policies(dtype):
    x = special((2, 3, 12, 12), dtype)
    x[0, 0, :3, :3] = np.nan
    got, where = numbapool.max_pool2d(x, 3, nan_policy="omit", return_indices=True)
    full = x.float().numpy()
    want, index = numbapool.max_pool2d(full, 3, nan_policy="omit", return_indices=True)
    assert_equal(got, torch.from_numpy(want).to(dtype))
    np.testing.assert_array_equal(where, index)
    with pytest.raises(ValueError, match="has NaN, the first at"):
        numbapool.max_pool2d(x, 3, nan_policy="raise")
    clean = x.nan_to_num()
    assert_equal(numbapool.max_pool2d(clean, 3, nan_policy="raise"), numbapool.max_pool2d(clean, 3))


def test_arrays_of_both_kinds():
    x = special((2, 3, 9, 8), torch.bfloat16)
    want = numbapool.max_pool2d(x, 3, 2, 1)
    array = x.float().numpy().astype(ml_dtypes.bfloat16)
    got, where = numbapool.max_pool2d(array, 3, 2, 1, return_indices=True)
    assert got.dtype == ml_dtypes.bfloat16
    assert where.dtype == np.int64
    np.testing.assert_array_equal(got.astype(np.float32), want.float().numpy())
    out = np.empty(got.shape, ml_dtypes.bfloat16)
    assert numbapool.max_pool2d(array, 3, 2, 1, out=out) is out
    np.testing.assert_array_equal(out.astype(np.float32), want.float().numpy())
    into = torch.empty(want.shape, dtype=torch.bfloat16)
    numbapool.max_pool2d(x, 3, 2, 1, out=into)
    assert_equal(into, want)
    blocks = numbapool.pool(array, "max", 2, axes=(2, 3))
    assert blocks.dtype == ml_dtypes.bfloat16
    layer = numbapool.MaxPool2d(3)
    assert layer(x.half()).dtype == torch.float16
    back = numbapool.max_unpool2d(*numbapool.max_pool2d(x, 2, return_indices=True), 2,
                                  output_size=(9, 8))  # fmt: skip
    assert back.dtype == torch.bfloat16
    assert_equal(numbapool.max_pool2d(back.abs(), 2), numbapool.max_pool2d(x, 2).abs())
    with pytest.raises(TypeError, match="reduce='sum' is not for"):
        numbapool.max_unpool2d(*numbapool.max_pool2d(x, 2, return_indices=True), 2, reduce="sum")


def test_a_reduction_of_ones_own():
    op = numbapool.PoolOp(
        "furthest", identity=lambda dtype: dtype.type(0),
        better=lambda candidate, best: abs(candidate) > abs(best),
    )  # fmt: skip
    x = special((2, 3, 9, 8), torch.float16).nan_to_num(0, 1, -1)
    got, where = numbapool.pool(x, op, (3, 3), return_indices=True)
    want, index = numbapool.pool(x.float(), op, (3, 3), return_indices=True)
    assert_equal(got, want.half())
    assert torch.equal(where, index)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_sums_and_means(dtype):
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((2, 3, 9, 12)) + 1j * rng.standard_normal((2, 3, 9, 12))).astype(dtype)
    real, imag = torch.from_numpy(x.real.copy()), torch.from_numpy(x.imag.copy())
    for name in ("avg", "sum", "bins", "volumes"):
        ours, theirs = SUMS[name]
        got, want = ours(x), theirs(real).numpy() + 1j * theirs(imag).numpy()
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want, 1e-5 if dtype == np.complex64 else 1e-12)
    for pool in (numbapool.max_pool2d, numbapool.median_pool2d):
        with pytest.raises(TypeError, match="input must be of floats"):
            pool(x, 2)
    with pytest.raises(TypeError, match="input must be of floats"):
        numbapool.lp_pool2d(x, 2, 2)
