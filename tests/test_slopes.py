"""Gradients of what sees all taps of a window, and of poolings made of others."""

from __future__ import annotations

import inspect

import numpy as np
import oracle
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import laid_out

import numbapool
from numbapool.reductions import REDUCTIONS


def rng():
    return np.random.default_rng(0)


def backward(name, dims):
    return getattr(numbapool, f"{name}_pool{dims}d_backward")


# Name, options, and what torch differentiates: a function of the taps of one window and the number
# of places it counts.
FORMULAS = [
    ("median", {}, lambda w, n: torch.quantile(w, 0.5)),
    ("quantile", {"q": 0.3}, lambda w, n: torch.quantile(w, 0.3)),
    ("var", {}, lambda w, n: w.var(correction=0)),
    ("std", {"correction": 0.5}, lambda w, n: w.std(correction=0.5)),
    ("lse", {}, lambda w, n: w.logsumexp(0)),
    ("lse", {"sharpness": -2, "mean": True}, lambda w, n: (-2 * w).exp().mean().log() / -2),
    ("soft", {}, lambda w, n: (w.softmax(0) * w).sum()),
    ("mixed", {"alpha": 0.25}, lambda w, n: 0.25 * w.max() + 0.75 * w.mean()),
    ("power_avg", {"p": 1}, lambda w, n: w.abs().sum() / n),
    ("power_avg", {"p": 2.5}, lambda w, n: ((w.abs() ** 2.5).sum() / n) ** 0.4),
    ("gem", {}, lambda w, n: ((w.clamp(1e-6) ** 3).sum() / n) ** (1 / 3)),
    ("gem", {"p": 2, "eps": 0.5}, lambda w, n: ((w.clamp(0.5) ** 2).sum() / n) ** 0.5),
]


def expected(formula, x, grad, axes):
    """torch's gradient of the input, through one window after the other."""
    dims = len(axes)
    leaf = torch.from_numpy(x).requires_grad_()
    counted = oracle.over_cells(axes, lambda cell: cell[1])
    total = 0 * leaf.sum()
    for number, plane in enumerate(leaf.reshape(-1, *x.shape[-dims:])):
        for where, taps in oracle.windows_of(axes):
            inside = [plane[tap] for tap in taps]
            if inside:
                share = oracle.planes(grad, dims)[number][where]
                total = total + formula(torch.stack(inside), counted[where]) * share
    total.backward()
    return leaf.grad.numpy()


@pytest.mark.parametrize(("name", "options", "formula"), FORMULAS)
@given(data=st.data())
def test_slopes_equal_torch(name, options, formula, data):
    dims = data.draw(st.sampled_from((1, 2, 3)))
    each = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(dims))  # noqa: E731
    kernel = each(1, 4)
    window = {
        "kernel_size": kernel, "stride": each(1, 3), "dilation": each(1, 2),
        "padding": tuple(data.draw(st.integers(0, k // 2)) for k in kernel),
        "ceil_mode": data.draw(st.booleans()),
    }  # fmt: skip
    shape = (*data.draw(st.sampled_from(((1, 2), (2,)))), *each(3, 6))
    axes = oracle.windows(shape, **window, dims=dims)
    assume(all(axes))
    x = rng().standard_normal(shape)
    grad = rng().standard_normal((*shape[: len(shape) - dims], *map(len, axes)))
    pull = backward(name, dims)
    if name == "std":  # of one tap it is 0, and torch gives NaN
        assume(all(len(list(taps)) > 1 for _, taps in oracle.windows_of(axes)))
    want = expected(formula, x, grad, axes)
    got = pull(data.draw(laid_out(grad, dims)), data.draw(laid_out(x, dims)), **window, **options)
    np.testing.assert_allclose(got, want, 1e-9, 1e-9)
    assert (pull(grad, x, **window, **options, num_threads=1) == got).all()


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_slopes_as_they_are_written(kind):
    """What kernels compile runs as plain Python, too."""
    options = {name: 0.3 if value is ... else value for name, value in REDUCTIONS[kind][1].items()}
    x = rng().standard_normal((1, 1, 7))
    taps, into = x.ravel().tolist(), [0.0] * 7
    REDUCTIONS[kind][0](**options).slopes(taps, into, 7, 7)
    got = backward(kind, 1)(np.ones((1, 1, 1)), x, 7, **options)
    np.testing.assert_allclose(got.ravel(), into, 1e-12)


def test_singles_and_tensors():
    x = rng().standard_normal((3, 2, 9, 8))
    grad = rng().standard_normal((3, 2, 5, 4))
    want = numbapool.lse_pool2d_backward(grad, x, 3, 2, 1)
    tensors = (torch.from_numpy(a.astype(np.float32)) for a in (grad, x))
    got = numbapool.lse_pool2d_backward(*tensors, 3, 2, 1)
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got.numpy(), want, 1e-4, 1e-5)
    assert numbapool.lse_pool2d_backward(grad[:0], x[:0], 3, 2, 1).shape == (0, 2, 9, 8)


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_nan_stays_in_its_windows(kind):
    options = {"q": 0.3} if kind == "quantile" else {}
    x = rng().random((1, 1, 12))
    grad = np.ones((1, 1, 4))
    clean = backward(kind, 1)(grad, x, 3, **options)
    x[0, 0, 4] = np.nan
    got = backward(kind, 1)(grad, x, 3, **options).ravel()
    assert np.isnan(got[3:6]).all()
    np.testing.assert_array_equal(np.delete(got, range(3, 6)), np.delete(clean, range(3, 6)))
    # A dilated window between whose taps the only input is: none of them is inside.
    none = backward(kind, 1)(one := np.ones((1, 1, 1)), one, 2, 1, 1, 2, **options)
    assert none.ravel().tolist() == [0]


def test_what_has_no_derivative():
    flat = np.full((1, 1, 4), 3.0)
    one = np.ones((1, 1, 1))
    assert numbapool.std_pool1d_backward(one, flat, 4).ravel().tolist() == [0] * 4
    assert np.isnan(numbapool.var_pool1d_backward(one, flat, 4, correction=4)).all()
    # The first of equals.
    assert numbapool.median_pool1d_backward(one, flat, 4).ravel().tolist() == [1, 0, 0, 0]
    assert numbapool.mixed_pool1d_backward(one, flat, 4, alpha=1).ravel().tolist() == [1, 0, 0, 0]
    for p in (0.5, 1, 2):
        assert not numbapool.power_avg_pool1d_backward(one, 0 * flat, 4, p=p).any()
        assert not numbapool.gem_pool1d_backward(one, 0 * flat, 4, p=p, eps=0).any()
    assert numbapool.gem_pool1d_backward(one, -flat, 4).ravel().tolist() == [0] * 4


def test_nothing_overflows():
    far = np.array([800.0, 800.0, -np.inf]).reshape(1, 1, 3)
    one = np.ones((1, 1, 1))
    for kind in ("lse", "soft"):
        assert backward(kind, 1)(one, far, 3).ravel().tolist() == [0.5, 0.5, 0]
        assert np.isnan(backward(kind, 1)(one, -far, 3)).all()
    x = rng().standard_normal((1, 1, 6))
    want = numbapool.var_pool1d_backward(one, x, 6)
    np.testing.assert_allclose(numbapool.var_pool1d_backward(one, x + 1e9, 6), want, 1e-5, 1e-6)


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda g, x: numbapool.var_pool2d_backward(g, x, 2, 1), ValueError,
     r"grad_output must have shape \(1, 1, 3, 3\) and dtype float64, got shape \(1, 1, 2, 2\)"),
    (lambda g, x: numbapool.var_pool2d_backward(g.astype("f"), x, 2), ValueError,
     "grad_output must have shape .* and dtype float64, got .* and dtype float32"),
    (lambda g, x: numbapool.var_pool2d_backward(g, x.astype(np.float16), 2), TypeError,
     "input must be float32 or float64"),
    (lambda g, x: numbapool.var_pool2d_backward(g, x, 2, ddof=1), TypeError,
     "var_pool2d_backward.. got an unexpected argument 'ddof'"),
    (lambda g, x: numbapool.quantile_pool2d_backward(g, x, 2), TypeError,
     "quantile_pool2d_backward.. is missing the keyword argument 'q'"),
    (lambda g, x: numbapool.gem_pool2d_backward(g, x, 2, p=0), ValueError, "p must be above 0"),
    (lambda g, x: numbapool.soft_pool2d_backward(g, x[0, 0], 2), ValueError, "input must have 3"),
    (lambda g, x: numbapool.soft_pool2d_backward(g, x, 2, num_threads=0), ValueError,
     "num_threads must be from 1"),
])  # fmt: skip
def test_wrong_calls_are_said(call, error, says):
    with pytest.raises(error, match=says):
        call(np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 4, 4)))


def test_signatures_show_the_options():
    names = list(inspect.signature(numbapool.lse_pool2d_backward).parameters)
    assert names == ["grad_output", "input", "kernel_size", "stride", "padding", "dilation",
                     "ceil_mode", "sharpness", "mean", "num_threads", "target",
                     "stream"]  # fmt: skip
