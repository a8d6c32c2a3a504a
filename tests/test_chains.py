"""Gradients of poolings made of others: linear ones as transposes, the rest as torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import few

import numbapool

F = torch.nn.functional


def rng():
    return np.random.default_rng(0)


def check_transposed(pool, back, shape, dtype=np.float64):
    """That products with the results and with the gradients are the same, as of a matrix."""
    x = rng().standard_normal(shape).astype(dtype)
    y = pool(x)
    grad = rng().standard_normal(y.shape).astype(dtype)
    found = back(grad)
    assert found.shape == shape
    assert found.dtype == dtype
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose((found * x).sum(), (y * grad).sum(), tolerance, tolerance * x.size)
    return grad, found


@pytest.mark.parametrize("dims", [1, 2])
@given(data=st.data())
def test_sums_are_transposed(dims, data):
    shape = (2, 2, *(8, 7)[-dims:])
    window = {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": data.draw(st.integers(1, 3)),
              "ceil_mode": data.draw(st.booleans())}  # fmt: skip
    pool = getattr(numbapool, f"sum_pool{dims}d")
    back = getattr(numbapool, f"sum_pool{dims}d_backward")
    check_transposed(lambda x: pool(x, **window), lambda g: back(g, shape, **window), shape)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("padding_mode", ["reflect", "replicate", "zero"])
@given(data=st.data())
def test_blurs_are_transposed(dims, padding_mode, data):
    taps, stride = data.draw(st.integers(1, 5)), 2
    shape = data.draw(st.sampled_from(((2, 3), (3,)))) + (6, 5, 12)[-dims:]
    back = getattr(numbapool, f"blur_pool{dims}d_backward")
    arguments = {"filter_size": taps, "stride": stride, "padding_mode": padding_mode}
    grad, found = check_transposed(
        lambda x: getattr(numbapool, f"blur_pool{dims}d")(x, **arguments),
        lambda g: back(g, shape, **arguments),
        shape,
    )
    assert (back(grad, shape, **arguments, num_threads=1) == found).all()


@pytest.mark.parametrize("dims", [2, 3])
@given(data=st.data())
def test_fractions_are_transposed(dims, data):
    shape = data.draw(st.sampled_from(((2, 3), (3,)))) + (9, 7, 8)[-dims:]
    kernel = data.draw(st.integers(1, 3))
    sizes = tuple(data.draw(st.integers(1, n - kernel)) for n in shape[-dims:])
    samples = np.random.default_rng(data.draw(st.integers(0, 9))).random(
        (*(1, *shape)[-dims - 2 : -dims], dims)
    )
    arguments = {"kernel_size": kernel, "output_size": sizes, "random_samples": samples}
    back = getattr(numbapool, f"fractional_avg_pool{dims}d_backward")
    dtype = data.draw(st.sampled_from(few((np.float32, np.float64), (np.float64,))))
    grad, found = check_transposed(
        lambda x: getattr(numbapool, f"fractional_avg_pool{dims}d")(x, **arguments),
        lambda g: back(g, shape, **arguments),
        shape,
        dtype,
    )
    assert (back(grad, shape, **arguments, num_threads=1) == found).all()


@pytest.mark.parametrize("dims", [1, 2])
@given(data=st.data())
def test_smallest_and_largest(dims, data):
    x = rng().standard_normal((2, 2, *(8, 9)[-dims:]), np.float32)
    kernel = data.draw(st.integers(6, 7))
    window = (kernel, 2, data.draw(st.integers(0, kernel // 2)))
    pool = getattr(F, f"max_pool{dims}d")
    leaf = torch.from_numpy(x).requires_grad_()
    low, high = -pool(-leaf, *window), pool(leaf, *window)
    grads = rng().standard_normal((2, *low.shape), np.float32)
    torch.autograd.backward([low, high], list(torch.from_numpy(grads)))
    back = getattr(numbapool, f"minmax_pool{dims}d_backward")
    got = back(*grads, x, *window)
    np.testing.assert_allclose(got, leaf.grad, 1e-5, 1e-6)
    assert (back(*grads, x, *window, num_threads=1) == got).all()


@pytest.mark.parametrize("padding_mode", ["reflect", "replicate"])
def test_maxima_blurred(padding_mode):
    x = rng().standard_normal((2, 3, 9, 8))
    leaf = torch.from_numpy(x).requires_grad_()
    padded = F.pad(F.max_pool2d(leaf, 3, 1), (1, 1, 1, 1), padding_mode)
    binomial = torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64) / 4
    weights = (binomial[:, None] * binomial).expand(3, 1, 3, 3)
    y = F.conv2d(padded, weights, stride=2, groups=3)
    grad = rng().standard_normal(tuple(y.shape))
    y.backward(torch.from_numpy(grad))
    got = numbapool.max_blur_pool2d_backward(grad, x, 3, padding_mode=padding_mode)
    np.testing.assert_allclose(got, leaf.grad, 1e-12, 1e-12)


def test_what_was_drawn_goes_back_by_its_indices():
    x = rng().random((2, 3, 6, 8))
    y, where = numbapool.stochastic_pool2d(x, 2, return_indices=True, rng=rng())
    grad = rng().standard_normal(y.shape)
    back = numbapool.max_pool2d_backward(grad, where, x.shape)
    np.testing.assert_array_equal(numbapool.gather(back, where), grad)
    assert np.count_nonzero(back) == grad.size


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda g, x: numbapool.sum_pool2d_backward(g, x.shape, 3, 3), ValueError,
     r"grad_output must be of \(1, 1\) windows"),
    (lambda g, x: numbapool.minmax_pool2d_backward(g, g[..., 1:], x, 2), ValueError,
     r"grad_max must have shape \(1, 1, 2, 2\) and dtype float64, got shape \(1, 1, 2, 1\)"),
    (lambda g, x: numbapool.minmax_pool2d_backward(g.astype(int), g, x, 2), TypeError,
     "grad_min must be float32 or float64"),
    (lambda g, x: numbapool.blur_pool2d_backward(g, (1, 1, 4, 5)), ValueError,
     r"grad_output must have shape \(1, 1, 2, 3\)"),
    (lambda g, x: numbapool.blur_pool2d_backward(g, x.shape, 9), ValueError,
     "filter_size=9 reflects more"),
    (lambda g, x: numbapool.max_blur_pool2d_backward(g, x.astype("f"), 1), ValueError,
     "grad_output must have the dtype of input, float32, got dtype float64"),
    (lambda g, x: numbapool.fractional_avg_pool2d_backward(g, x.shape, 2, 3,
     random_samples=np.zeros((1, 1, 2))), ValueError, "grad_output must have shape"),
    (lambda g, x: numbapool.fractional_avg_pool2d_backward(g, x.shape, 2, 2,
     random_samples=np.ones((1, 1, 2))), ValueError, "random_samples must be from 0 up to 1"),
])  # fmt: skip
def test_wrong_calls_are_said(call, error, says):
    with pytest.raises(error, match=says):
        call(np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 4, 4)))
