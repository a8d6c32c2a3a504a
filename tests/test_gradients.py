"""Gradients against torch's autograd and against finite differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import ACROSS, few, laid_out

import numbapool

F = torch.nn.functional


def rng():
    return np.random.default_rng(0)


def theirs(function, x, grad, *args, **kwargs):
    """torch's gradient of the input."""
    t = torch.from_numpy(x).requires_grad_()
    function(t, *args, **kwargs).backward(torch.from_numpy(grad))
    return t.grad.numpy()


@st.composite
def cases(draw, dims):
    each = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(dims))  # noqa: E731
    kernel = each(6, 7) if draw(st.booleans()) else (3,) * dims
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    lead = draw(st.sampled_from(((2, 3), (3,))))
    sizes = [draw(st.integers(max(k, 5), 12)) for k in kernel]
    stride = (2,) * dims if kernel[0] == 3 else each(1, 8)
    # The last axis alone is in machine code.
    sizes[-1], stride = few((sizes[-1], stride), (9, (*stride[:-1], 2)))
    shape = (*lead, *sizes)
    return shape, (kernel, stride, padding), draw(st.booleans())


@pytest.mark.parametrize("dims", [1, 2, 3])
@given(data=st.data())
def test_averages(dims, data):
    shape, window, ceil_mode = data.draw(cases(dims))
    include = data.draw(st.booleans())
    x = rng().standard_normal(shape)
    pool = getattr(F, f"avg_pool{dims}d")
    y = pool(torch.from_numpy(x), *window, ceil_mode, include)
    grad = rng().standard_normal(tuple(y.shape))
    want = theirs(pool, x, grad, *window, ceil_mode, include)
    backward = getattr(numbapool, f"avg_pool{dims}d_backward")
    got = backward(data.draw(laid_out(grad, dims)), shape, *window, ceil_mode, include)
    np.testing.assert_allclose(got, want, 1e-12, 1e-12)
    assert (backward(grad, shape, *window, ceil_mode, include, num_threads=1) == got).all()


@pytest.mark.parametrize("dims", [1, 2, 3])
@given(data=st.data())
def test_maxima(dims, data):
    shape, window, ceil_mode = data.draw(cases(dims))
    x = rng().standard_normal(shape, np.float32)
    y, where = getattr(numbapool, f"max_pool{dims}d")(
        x, *window, ceil_mode=ceil_mode, return_indices=True
    )
    grad = rng().standard_normal(y.shape, np.float32)
    want = theirs(getattr(F, f"max_pool{dims}d"), x, grad, *window, ceil_mode=ceil_mode)
    backward = getattr(numbapool, f"max_pool{dims}d_backward")
    got = backward(torch.from_numpy(grad), torch.from_numpy(where), shape)
    np.testing.assert_allclose(got.numpy(), want, 1e-5, 1e-6)
    out = np.empty(shape, np.float32)
    assert backward(grad, where, shape, out=out) is out
    assert (out == got.numpy()).all()


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("sizes", few([1, 3, 5, 12], [1, 5, 12]))
def test_bins(dims, sizes):
    shape = (2, 3, *(9, 7, 11)[-dims:])
    x = rng().standard_normal(shape)
    grad = rng().standard_normal((2, 3, *(sizes,) * dims))
    want = theirs(getattr(F, f"adaptive_avg_pool{dims}d"), x, grad, sizes)
    got = getattr(numbapool, f"adaptive_avg_pool{dims}d_backward")(grad, shape)
    np.testing.assert_allclose(got, want, 1e-12, 1e-12)
    x, grad = x.astype(np.float32), np.rint(8 * grad).astype(np.float32)  # sums are exact
    _, where = getattr(numbapool, f"adaptive_max_pool{dims}d")(x, sizes, True)
    want = theirs(getattr(F, f"adaptive_max_pool{dims}d"), x, grad, sizes)
    got = getattr(numbapool, f"max_pool{dims}d_backward")(grad, where, shape)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("dims", "p", "ceil_mode"), few(
    [*itertools.product((1, 2, 3), (1, 2, 3, 2.5), (False, True))],
    [(2, 1, True), (1, 2, False), (2, 2, True), (3, 2, True), (2, 3, False), (2, 2.5, True)],
))  # fmt: skip
def test_norms(dims, p, ceil_mode):
    x = rng().random((2, 3, *(9, 8, 11)[-dims:])) + 0.1
    pool = getattr(F, f"lp_pool{dims}d")
    y = pool(torch.from_numpy(x), p, 3, 2, ceil_mode)
    grad = rng().standard_normal(tuple(y.shape))
    want = theirs(pool, x, grad, p, 3, 2, ceil_mode)
    got = getattr(numbapool, f"lp_pool{dims}d_backward")(grad, x, p, 3, 2, ceil_mode)
    np.testing.assert_allclose(got, want, 1e-10, 1e-10)


def by_differences(pool, x, grad, step=1e-6):
    """The gradient of ``sum(pool(x) * grad)``, one input at a time."""
    found = np.empty_like(x)
    for at in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[at] += step
        down[at] -= step
        found[at] = ((pool(up) - pool(down)) * grad).sum() / (2 * step)
    return found


@given(data=st.data())
def test_what_torch_has_not(data):
    kernel, down, dilation = (data.draw(st.integers(low, 4)) for low in (2, 1, 1))
    stride = down, data.draw(st.sampled_from(ACROSS))
    window = {"kernel_size": (kernel, 3), "stride": stride, "dilation": (dilation, 2)}
    window["padding"] = ((0, 1), (2, 0))
    x = rng().standard_normal((1, 2, 7, 8))
    assume(dilation * (kernel - 1) + 1 <= 7 + 1)
    for options in ({}, {"count_include_pad": False}, {"divisor_override": 3}):
        y = numbapool.avg_pool2d(x, **window, **options)
        grad = rng().standard_normal(y.shape)
        want = by_differences(lambda x, o=options: numbapool.avg_pool2d(x, **window, **o), x, grad)
        got = numbapool.avg_pool2d_backward(grad, x.shape, **window, **options)
        np.testing.assert_allclose(got, want, 1e-6, 1e-7)
    want = by_differences(lambda x: numbapool.lp_pool2d(x, 3, abs=True, **window), x, grad)
    got = numbapool.lp_pool2d_backward(grad, x, 3, abs=True, **window)
    np.testing.assert_allclose(got, want, 1e-4, 1e-6)


def test_nothing_goes_back_from_a_norm_of_zero():
    x = np.zeros((1, 1, 4, 4))
    grad = numbapool.lp_pool2d_backward(np.ones((1, 1, 2, 2)), x, 2, 2)
    assert not grad.any()


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda g: numbapool.avg_pool2d_backward(g, (1, 1, 4, 6), 2), ValueError,
     r"grad_output must be of \(2, 3\) windows"),
    (lambda g: numbapool.avg_pool2d_backward(g, (2, 1, 4, 4), 2), ValueError,
     "input_shape must begin with"),
    (lambda g: numbapool.avg_pool2d_backward(g.astype(int), (1, 1, 4, 4), 2), TypeError,
     "grad_output must be float32 or float64"),
    (lambda g: numbapool.avg_pool2d_backward(g, (1, 1, 4, 4), 2, divisor_override=0), ValueError,
     "divisor_override must be an int other than 0"),
    (lambda g: numbapool.max_pool2d_backward(g, np.full(g.shape, 16), (1, 1, 4, 4)), ValueError,
     "indices must be from -1 to 15"),
    (lambda g: numbapool.max_pool2d_backward(g, np.zeros((1, 1, 2, 3), int), (1, 1, 4, 4)),
     ValueError, "indices must have the shape of grad_output"),
    (lambda g: numbapool.lp_pool2d_backward(g, np.zeros((1, 1, 4, 5)), 2, 2, 1), ValueError,
     "grad_output must have shape"),
    (lambda g: numbapool.lp_pool2d_backward(g, np.zeros((1, 1, 4, 4)), np.inf, 2), ValueError,
     "norm_type must be finite"),
])  # fmt: skip
def test_wrong_gradients_are_said(call, error, says):
    with pytest.raises(error, match=says):
        call(np.zeros((1, 1, 2, 2)))
