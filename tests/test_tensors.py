"""torch's tensors: as arrays of the same numbers, whatever their layout, dtype and mode."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import numbapool

X = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 9, 8, 10), np.float32))
NAN = X.where(X < 1, torch.nan)
F = torch.nn.functional


def cut(x):
    return x[:, 1:, ::2, 1:]


LAYOUTS = {
    "dense": X,
    "channels last": X.to(memory_format=torch.channels_last),
    "cut": cut(X),
    "channels last, cut": cut(X.to(memory_format=torch.channels_last)),
    "three axes": X[0],
    "turned": X.transpose(2, 3),
    "expanded": X[:1].expand(4, 9, 8, 10),
    "negative": torch.complex(-X, -X).conj().imag,
    "NaN": NAN,
    "NaN, channels last": NAN.to(memory_format=torch.channels_last),
    "no batch": X[:0],
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_as_torch_has_it(name):
    x = LAYOUTS[name]
    for _ in range(2):  # the second time of what the first one found
        for indices in (False, True):
            got = numbapool.max_pool2d(x, 3, 2, 1, return_indices=indices)
            want = F.max_pool2d(x, 3, 2, 1, return_indices=indices)
            got, want = (got, want) if indices else ((got,), (want,))
            for mine, theirs in zip(got, want, strict=True):
                assert type(mine) is torch.Tensor
                assert mine.dtype == theirs.dtype
                np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
        average = numbapool.avg_pool2d(x, 3, 2, 1)
        assert torch.allclose(average, F.avg_pool2d(x, 3, 2, 1), 1e-5, 1e-6, equal_nan=True)
    if name == "channels last":
        assert average.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.uint8, torch.int64]
)
def test_dtypes(dtype):
    x = (X * 9).to(dtype)
    for lying in (x, x.to(memory_format=torch.channels_last)):
        for _ in range(2):
            got, where = numbapool.max_pool2d(lying, 2, return_indices=True, index_dtype="int32")
            want, there = F.max_pool2d(x.double(), 2, return_indices=True)
            assert (got.dtype, where.dtype) == (dtype, torch.int32)
            assert torch.equal(got.double(), want)
            assert torch.equal(where.long(), there)


@pytest.mark.parametrize("kind", ["float", "channels last"])
def test_a_result_is_a_tensor_like_any_other(kind):
    x = X if kind == "float" else X.to(memory_format=torch.channels_last)
    once, again = numbapool.max_pool2d(x, 2), numbapool.max_pool2d(x, 2)
    assert once.data_ptr() != again.data_ptr()
    again.add_(1)
    assert torch.equal(once, F.max_pool2d(X, 2))
    with torch.inference_mode():
        assert torch.equal(numbapool.max_pool2d(x, 2), once)


def test_modes_of_torch():
    want = F.max_pool2d(X, 2)
    numbapool.max_pool2d(X, 2)
    with torch.device("meta"):  # where new tensors go
        assert torch.equal(numbapool.max_pool2d(X, 2), want)
        assert torch.equal(numbapool.max_pool2d(X[:1], 2), want[:1])
    with FakeTensorMode() as mode:
        fake = mode.from_tensor(X)
        with pytest.raises(TypeError, match="input must"):
            numbapool.max_pool2d(fake, 2)
    with pytest.raises(TypeError, match="input must have memory of its own"):
        torch.vmap(lambda x: numbapool.max_pool2d(x, 2))(X)
    with pytest.raises(TypeError, match="input must be a dense tensor"):
        numbapool.max_pool2d(X.to_sparse(), 2)
    with pytest.raises(TypeError, match="input must be on the host here, got a tensor on meta"):
        numbapool.max_pool2d(X.to("meta"), 2)
    with pytest.warns(UserWarning, match="detached"):
        assert torch.equal(numbapool.max_pool2d(X.clone().requires_grad_(), 2), want)


def test_memory_that_is_not_there():
    freed, short = X.clone(), X.clone()
    freed.untyped_storage().resize_(0)
    short.untyped_storage().resize_(64)
    with pytest.raises(TypeError, match="input must have memory of its own"):
        numbapool.max_pool2d(freed, 2)
    with pytest.raises(TypeError, match="input must have memory of its own"):
        torch.func.functionalize(lambda x: numbapool.max_pool2d(x, 2))(X)
    for out in (freed, short):
        with pytest.raises(TypeError, match="out must have memory of its own"):
            numbapool.max_pool2d(X, 1, out=out)


def test_autograd_knows_of_out():
    weights, out = torch.ones(2, 9, 4, 5, requires_grad=True), torch.zeros(2, 9, 4, 5)
    product = (weights * out).sum()
    numbapool.max_pool2d(X, 2, out=out)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.backward()
    with torch.inference_mode():
        numbapool.max_pool2d(X, 2, out=torch.zeros(2, 9, 4, 5))
    with pytest.raises(ValueError, match="must not require a gradient"):
        numbapool.max_pool2d(X, 2, out=torch.zeros(2, 9, 4, 5, requires_grad=True))


def test_memory_that_is_not_aligned():
    raw = torch.zeros(X.numel() * 4 + 1, dtype=torch.uint8)
    raw[1:] = X.reshape(-1).view(torch.uint8)
    odd = torch.frombuffer(raw.numpy()[1:], dtype=torch.float32).view(X.shape)
    assert odd.data_ptr() % 4 == 1
    assert torch.equal(numbapool.max_pool2d(odd, 2), F.max_pool2d(X, 2))


def test_errors_are_those_of_arrays():
    for x in (X, X.numpy()):
        with pytest.raises((RuntimeError, ValueError), match="kernel"):
            numbapool.max_pool2d(x, 0)
        with pytest.raises(ValueError, match="input must"):
            numbapool.max_pool2d(x[0, 0, 0], 2)
