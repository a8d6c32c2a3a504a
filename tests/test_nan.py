"""What becomes of NaN, by policy, in every op."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import torch
from test_windows import assert_same

import numbapool

SHAPE = (2, 3, 9, 10)
WINDOW = (3, 2, 1)


def holes(share=0.3):
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 5, SHAPE).astype(np.float32)
    x[rng.random(SHAPE) < share] = np.nan
    x[0, 0] = np.nan
    return x


def by_window(x, formula, axes):
    """The formula of the taps of every window that are numbers; NaN of none."""
    found = np.full((*x.shape[:2], *map(len, axes)), np.nan)
    for p, plane in enumerate(oracle.planes(x, 2)):
        for where, taps in oracle.windows_of(axes):
            seen = np.array([plane[tap] for tap in taps])
            inside = seen[~np.isnan(seen)].astype(np.float64)
            if inside.size:
                missing = len(seen) - inside.size
                found.reshape(-1, *found.shape[2:])[p][where] = formula(inside, missing, where)
    return found


FORMULAS = {
    "sum": (lambda w: w.sum(), {}), "median": (np.median, {}), "var": (np.var, {}),
    "quantile": (lambda w: np.quantile(w, 0.25), {"q": 0.25}),
    "lse": (lambda w: np.log(np.exp(w).sum()), {}),
    "soft": (lambda w: (w * np.exp(w)).sum() / np.exp(w).sum(), {}),
    "mixed": (lambda w: (w.max() + w.mean()) / 2, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_omit(name):
    x = holes()
    formula, options = FORMULAS[name]
    want = by_window(x, lambda w, missing, where: formula(w), oracle.windows(x.shape, *WINDOW))
    pool = getattr(numbapool, f"{name}_pool2d")
    got = pool(x, *WINDOW, nan_policy="omit", **options)
    np.testing.assert_allclose(got, want, 1e-5, 1e-6)
    clean = np.nan_to_num(x)
    assert_same(pool(clean, *WINDOW, nan_policy="omit", **options), pool(clean, *WINDOW, **options))


@pytest.mark.parametrize("include", [False, True])
def test_means_leave_nan_out_of_the_count(include):
    x = holes()
    axes = oracle.windows(x.shape, *WINDOW)
    counts = oracle.over_cells(axes, lambda cell: cell[1] if include else len(cell[0]))
    want = by_window(x, lambda w, missing, where: w.sum() / (counts[where] - missing), axes)
    got = numbapool.avg_pool2d(x, *WINDOW, count_include_pad=include, nan_policy="omit")
    np.testing.assert_allclose(got, want, 1e-5, 1e-6)
    fixed = numbapool.avg_pool2d(x, *WINDOW, divisor_override=4, nan_policy="omit")
    sums = by_window(x, lambda w, missing, where: w.sum() / 4, axes)
    np.testing.assert_allclose(fixed, sums, 1e-5, 1e-6)
    whole = numbapool.global_avg_pool(x, nan_policy="omit", keepdims=False)
    with pytest.warns(RuntimeWarning, match="Mean of empty slice"):
        np.testing.assert_allclose(whole, np.nanmean(x, (2, 3)), 1e-5)


@pytest.mark.parametrize(("name", "sign"), [("max", 1), ("min", -1)])
def test_selections_leave_nan_out(name, sign):
    x = holes()
    shown = np.where(np.isnan(x), -sign * np.inf, x)
    want, where = oracle.select(shown, oracle.windows(x.shape, *WINDOW), sign)
    none = np.isinf(want)
    want[none], where[none] = np.nan, -1
    pool = getattr(numbapool, f"{name}_pool2d")
    got = pool(x, *WINDOW, return_indices=True, nan_policy="omit")
    assert_same(got[0], want)
    np.testing.assert_array_equal(got[1], where)
    assert_same(pool(x, *WINDOW, nan_policy="omit"), want)
    other = pool(x, *WINDOW, return_indices=True, nan_policy="omit", index_base="tensor")[1]
    np.testing.assert_array_equal(other < 0, none)
    adaptive = getattr(numbapool, f"adaptive_{name}_pool2d")(torch.from_numpy(x), 3,
                                                             nan_policy="omit")  # fmt: skip
    bins, _ = oracle.select(shown, oracle.bins(x.shape, 3), sign)
    assert_same(adaptive.numpy(), np.where(np.isinf(bins), np.nan, bins))


def test_infinities_are_no_nan():
    x = np.array([np.inf, -np.inf, 1, 2]).reshape(1, 1, 4)
    assert numbapool.max_pool1d(x, 2, nan_policy="omit").ravel().tolist() == [np.inf, 2]
    assert numbapool.max_pool1d(x, 2, nan_policy="raise").ravel().tolist() == [np.inf, 2]


def test_omit_in_other_functions():
    x = holes(0.1)
    _, high = numbapool.minmax_pool2d(x, 3, nan_policy="omit")
    assert_same(high, numbapool.max_pool2d(x, 3, nan_policy="omit"))
    blocks = numbapool.pool(x, "avg", 3, axes=2, nan_policy="omit")
    with pytest.warns(RuntimeWarning, match="Mean of empty slice"):
        want = np.nanmean(x.reshape(2, 3, 3, 3, 10), 3)
    np.testing.assert_allclose(blocks, want, 1e-6)
    norm = numbapool.lp_pool2d(x, 2, 3, abs=True, nan_policy="omit")
    some = ~np.isnan(high)
    clean = numbapool.lp_pool2d(np.nan_to_num(x), 2, 3, abs=True)
    np.testing.assert_allclose(norm[some], clean[some], 1e-6)


def test_raise_says_where():
    x = np.zeros(SHAPE)
    x[1, 2, 3, 4] = np.nan
    for pool in (numbapool.max_pool2d, numbapool.avg_pool2d, numbapool.median_pool2d):
        with pytest.raises(ValueError, match=r"has NaN, the first at \(1, 2, 3, 4\)"):
            pool(x, 2, nan_policy="raise")
    numbapool.max_pool2d(np.ones(SHAPE, int), 2, nan_policy="raise")
    with pytest.raises(ValueError, match="nan_policy must be one of propagate, omit, raise"):
        numbapool.max_pool2d(x, 2, nan_policy="ignore")
