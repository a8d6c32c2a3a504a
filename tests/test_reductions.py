"""Poolings that see all taps of a window: each against its formula over the oracle's windows."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import oracle
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import few, laid_out

import numbapool

# Name, options, and the formula of the taps of one window in float64, given the places it counts.
FORMULAS = [
    ("median", {}, lambda w, n: np.median(w)),
    ("quantile", {"q": 0.3}, lambda w, n: np.quantile(w, 0.3)),
    ("quantile", {"q": 1}, lambda w, n: w.max()),
    ("var", {}, lambda w, n: w.var()),
    ("std", {"correction": 1}, lambda w, n: w.std(ddof=1) if w.size > 1 else np.nan),
    ("lse", {}, lambda w, n: np.log(np.exp(w).sum())),
    ("lse", {"sharpness": -2, "mean": True}, lambda w, n: np.log(np.exp(-2 * w).mean()) / -2),
    ("soft", {}, lambda w, n: (w * np.exp(w)).sum() / np.exp(w).sum()),
    ("mixed", {"alpha": 0.25}, lambda w, n: 0.25 * w.max() + 0.75 * w.mean()),
    ("power_avg", {"p": 1}, lambda w, n: np.abs(w).sum() / n),
    ("power_avg", {"p": 2.5}, lambda w, n: ((np.abs(w) ** 2.5).sum() / n) ** 0.4),
    ("gem", {}, lambda w, n: ((np.maximum(w, 1e-6) ** 3).sum() / n) ** (1 / 3)),
    ("gem", {"p": 2, "eps": 0}, lambda w, n: np.sqrt((np.maximum(w, 0) ** 2).sum() / n)),
]


def expected(formula, x, axes):
    """The formula of every window; NaN where no tap is inside."""
    dims = len(axes)
    found = np.full((*x.shape[: x.ndim - dims], *map(len, axes)), np.nan)
    counted = oracle.over_cells(axes, lambda cell: cell[1])
    for p, plane in enumerate(oracle.planes(x, dims)):
        for where, taps in oracle.windows_of(axes):
            inside = np.array([plane[tap] for tap in taps], np.float64)
            if inside.size:
                oracle.planes(found, dims)[p][where] = formula(inside, counted[where])
    return found


@pytest.mark.parametrize(("name", "options", "formula"), FORMULAS)
@given(data=st.data())
def test_reductions_equal_their_formula(name, options, formula, data):
    on_vectors = name in ("power_avg", "gem")
    dims = data.draw(st.sampled_from(few((1, 2, 3), (2,)) if on_vectors else (1, 2, 3)))
    each = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(dims))  # noqa: E731
    if on_vectors:  # each small window is machine code of its own
        kernel, stride = ((data.draw(st.sampled_from(few((3, 7), (3,)))),) * dims, (2,) * dims)
    else:
        kernel, stride = each(1, 4), each(1, 3)
    window = {
        "kernel_size": kernel, "stride": stride, "dilation": 1 if kernel[0] == 3 else each(1, 2),
        "padding": tuple(data.draw(st.integers(0, k // 2)) for k in kernel),
        "ceil_mode": data.draw(st.booleans()),
    }  # fmt: skip
    width = data.draw(st.sampled_from(few((5, 9), (9,)) if on_vectors else (5, 9)))
    shape = (data.draw(st.integers(1, 2)), 2, *each(3, 9)[:-1], width)
    axes = oracle.windows(shape, **window, dims=dims)
    assume(all(axes))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    # Every dtype is machine code to compile: not all of them for every formula.
    dtypes = {"quantile": np.float64, "median": np.int16, "var": np.int16, "power_avg": np.int16}
    dtype = data.draw(st.sampled_from((np.float32, dtypes.get(name, np.float32))))
    x = (rng.standard_normal(shape) * 3).astype(dtype)
    got = getattr(numbapool, f"{name}_pool{dims}d")(
        data.draw(laid_out(x, dims)), **window, **options
    )
    exact = expected(formula, x, axes)
    if on_vectors:
        exact = np.nan_to_num(exact)  # a sum of no taps is 0
    assert got.dtype == (dtype if dtype != np.int16 else np.float64)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(got, exact, tolerance, tolerance)


@pytest.mark.parametrize(("dims", "p", "ceil_mode"), few(
    [*itertools.product((1, 2, 3), (1, 2, 3, 2.5, float("inf")), (False, True))],
    [(2, 1, False), (2, 2, False), (3, 2, True), (2, 3, True), (1, 2.5, True),
     (3, float("inf"), True)],
))  # fmt: skip
def test_norms_equal_torch(dims, p, ceil_mode):
    x = np.random.default_rng(0).random((2, 3, *(9, 8, 20)[-dims:]), np.float32)
    theirs = getattr(torch.nn.functional, f"lp_pool{dims}d")
    ours = getattr(numbapool, f"lp_pool{dims}d")
    for kernel, stride in ((2, None), (7, 1)) if p in few((p,), (2,)) else ((2, None),):
        want = theirs(torch.from_numpy(x), p, kernel, stride, ceil_mode)
        np.testing.assert_allclose(ours(x, p, kernel, stride, ceil_mode), want, 1e-5, 1e-6)


def test_norms_of_negative_numbers():
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 20)).astype(np.float32)
    for p in (1, 2, 3, 2.5):
        want = torch.nn.functional.lp_pool2d(torch.from_numpy(x), p, 2).numpy()
        got = numbapool.lp_pool2d(x, p, 2)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        np.testing.assert_allclose(got, want, 1e-4, 1e-4)
        axes = oracle.windows(x.shape, 2)
        norm = expected(lambda w, n, p=p: (np.abs(w) ** p).sum() ** (1 / p), x, axes)
        np.testing.assert_allclose(numbapool.lp_pool2d(x, p, 2, abs=True), norm, 1e-5)
    assert numbapool.lp_pool2d(x, np.inf, (8, 20)).ravel().tolist() == \
        np.abs(x).max((2, 3)).ravel().tolist()  # fmt: skip


@pytest.mark.parametrize("name", ["median", "var", "std", "lse", "soft", "mixed", "power_avg",
                                  "gem", "lp"])  # fmt: skip
def test_nan_and_infinities_stay_in_their_windows(name):
    x = np.random.default_rng(0).random((1, 1, 8, 8)).astype(np.float32)
    pool = getattr(numbapool, f"{name}_pool2d")
    extra = (2,) if name == "lp" else ()
    clean = pool(x, *extra, 2)
    x[0, 0, 3, 3] = np.nan
    got = pool(x, *extra, 2)
    assert np.isnan(got[0, 0, 1, 1])
    got[0, 0, 1, 1] = clean[0, 0, 1, 1]
    np.testing.assert_array_equal(got, clean)
    x[0, 0, 3, 3] = np.inf
    got = pool(x, *extra, 2)[0, 0, 1, 1]
    assert np.isnan(got) if name in ("var", "std") else got == np.inf or name == "median"


def test_large_means_cost_no_digits():
    x = np.random.default_rng(0).standard_normal((1, 1, 6, 6))
    np.testing.assert_allclose(numbapool.var_pool2d(x + 1e9, 3), numbapool.var_pool2d(x, 3), 1e-6)
    assert (numbapool.std_pool2d(np.full((1, 1, 300, 300), 0.1), 300) == 0).all()
    big = np.full((1, 1, 2, 2), 800.0)
    assert numbapool.lse_pool2d(big, 2, mean=True).item() == 800
    assert numbapool.soft_pool2d(-big, 2).item() == -800


def test_medians_of_infinities():
    x = np.array([-np.inf, np.inf, np.inf, np.inf, -np.inf, -np.inf]).reshape(1, 1, 6)
    assert numbapool.median_pool1d(x, 3).ravel().tolist() == [np.inf, -np.inf]
    assert numbapool.quantile_pool1d(x, 2, q=0.25).ravel()[1] == np.inf


def test_many_taps_and_many_windows():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 2, 70, 80)).astype(np.float32)
    np.testing.assert_array_equal(numbapool.median_pool2d(x, (70, 80))[..., 0, 0],
                                  np.median(x, (2, 3)))  # fmt: skip
    line = rng.standard_normal((1, 1, 30_001)).astype(np.float32)
    want = np.median(np.lib.stride_tricks.sliding_window_view(line, 4, 2), -1)
    np.testing.assert_allclose(numbapool.median_pool1d(line, 4, 1), want, 1e-6)
    last = numbapool.median_pool2d(np.moveaxis(x, 1, -1), 3, data_format="channels_last")
    np.testing.assert_array_equal(np.moveaxis(last, -1, 1), numbapool.median_pool2d(x, 3))


@pytest.mark.parametrize(("name", "options", "error", "says"), [
    ("quantile", {}, TypeError, "quantile_pool2d.. is missing the keyword argument 'q'"),
    ("quantile", {"q": 1.5}, ValueError, "q must be at least 0 and at most 1, got q=1.5"),
    ("quantile", {"q": True}, TypeError, "q must be a number, got q=True"),
    ("var", {"ddof": 1}, TypeError, "unexpected argument 'ddof'"),
    ("var", {"correction": -1}, ValueError, "correction must be at least 0, got correction=-1"),
    ("lse", {"sharpness": 0}, ValueError, "sharpness must be finite and not 0"),
    ("lse", {"mean": 1}, TypeError, "mean must be a bool"),
    ("gem", {"p": 0}, ValueError, "p must be above 0"),
    ("power_avg", {"p": np.nan}, ValueError, "p must be above 0"),
])  # fmt: skip
def test_wrong_options_are_said(name, options, error, says):
    with pytest.raises(error, match=says):
        getattr(numbapool, f"{name}_pool2d")(np.zeros((1, 4, 4)), 2, **options)


def test_signatures_show_the_options():
    names = list(inspect.signature(numbapool.lse_pool2d).parameters)
    assert names == ["input", "kernel_size", "stride", "padding", "dilation", "ceil_mode",
                     "sharpness", "mean", "data_format", "nan_policy", "out",
                     "num_threads", "target", "stream"]  # fmt: skip
