"""Fractional, stochastic, blurring and other poolings made of others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from strategies import few
from test_windows import assert_same

import numbapool

F = torch.nn.functional


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("dtype", few([np.float32, np.float64], [np.float32]))
@pytest.mark.parametrize(("kernel", "windows"), [(2, 3), (3, 5), (2, 1), (1, 4), (4, 4)])
def test_fractional_equals_torch(dims, dtype, kernel, windows):
    rng = np.random.default_rng(0)
    x = random(4, 3, *(11, 9, 12)[:dims]).astype(dtype)
    x.reshape(-1)[::17] = 1  # equals
    x.reshape(-1)[5] = np.nan
    samples = rng.random((4, 3, dims)).astype(dtype)
    theirs = getattr(F, f"fractional_max_pool{dims}d")
    want = theirs(torch.from_numpy(x), kernel, windows, return_indices=True,
                  _random_samples=torch.from_numpy(samples))  # fmt: skip
    pool = getattr(numbapool, f"fractional_max_pool{dims}d")
    got = pool(torch.from_numpy(x), kernel, windows, None, True, torch.from_numpy(samples))
    for mine, wanted in zip(got, want, strict=True):
        assert_same(mine.numpy(), wanted.numpy())
    one = pool(x[1], kernel, windows, random_samples=samples[1:2])
    assert_same(one, got[0][1].numpy())
    x = np.nan_to_num(x)
    mean = getattr(numbapool, f"fractional_avg_pool{dims}d")(x, kernel, windows, None, samples)
    spread = mean.astype(np.float64)
    assert (spread <= np.nan_to_num(pool(x, kernel, windows, None, False, samples)) + 1e-6).all()
    if kernel == 1:
        assert_same(mean, pool(x, kernel, windows, None, False, samples))


def test_fractional_draws_and_ratios():
    x = random(2, 3, 20, 30)
    draw = lambda: numbapool.fractional_max_pool2d(  # noqa: E731
        x, 2, output_ratio=0.7, rng=np.random.default_rng(3)
    )
    assert draw().shape == (2, 3, 14, 21)
    assert_same(draw(), draw())
    with pytest.raises(ValueError, match="exactly one of output_size and output_ratio"):
        numbapool.fractional_max_pool2d(x, 2, 3, 0.5, rng=np.random.default_rng())
    with pytest.raises(ValueError, match="exactly one of random_samples and rng"):
        numbapool.fractional_max_pool2d(x, 2, 3)
    with pytest.raises(ValueError, match="output_size and kernel_size are too large"):
        numbapool.fractional_max_pool2d(x, 2, 20, rng=np.random.default_rng())
    with pytest.raises(ValueError, match="random_samples must be from 0 up to 1"):
        numbapool.fractional_max_pool2d(x, 2, 3, random_samples=np.ones((2, 3, 2)))
    with pytest.raises(ValueError, match=r"floats of shape \(2, 3, 2\)"):
        numbapool.fractional_max_pool2d(x, 2, 3, random_samples=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="output_ratio must be floats"):
        numbapool.fractional_max_pool2d(x, 2, output_ratio=1.5, rng=np.random.default_rng())
    with pytest.raises(TypeError, match="rng must be a numpy"):
        numbapool.fractional_max_pool2d(x, 2, 3, rng=1)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_minmax_is_min_and_max(dims):
    x = random(3, 2, *(5, 9, 12)[-dims:])
    x.reshape(-1)[7] = np.nan
    least, most = (getattr(numbapool, f"{name}_pool{dims}d") for name in ("min", "max"))
    pool = getattr(numbapool, f"minmax_pool{dims}d")
    for window in few(((3, 2, 1), (2,)), ((3, 2, 1),)):
        for array in (x, x[0], np.asfortranarray(x)):
            low, high = pool(array, *window)
            assert_same(low, least(array, *window))
            assert_same(high, most(array, *window))
    assert [y.shape for y in pool(x[:0], 2)] == [least(x[:0], 2).shape] * 2
    if dims in few((1, 2, 3), (2,)):
        big = random(9, 4, *(2, 300, 1000)[-dims:])  # more than what stays in the caches
        assert_same(pool(torch.from_numpy(big), 2)[1].numpy(), most(big, 2))


def test_stochastic_draws_in_proportion():
    x = np.tile(np.array([[1.0, 2], [3, 4]]), (1, 200, 200))
    values, where = numbapool.stochastic_pool2d(
        x, 2, return_indices=True, rng=np.random.default_rng(0)
    )
    shares = [(values == v).mean() for v in (1, 2, 3, 4)]
    np.testing.assert_allclose(shares, [0.1, 0.2, 0.3, 0.4], atol=0.01)
    assert_same(numbapool.gather(x, where, 2), values)
    again = numbapool.stochastic_pool2d(x, 2, rng=np.random.default_rng(0))
    assert_same(again, values)
    mean = numbapool.stochastic_pool2d(x, 2, train=False)
    np.testing.assert_allclose(mean, 3.0)
    empty = np.zeros((1, 4, 4))
    assert not numbapool.stochastic_pool2d(empty, 2, train=False).any()
    zeros = numbapool.stochastic_pool2d(empty, 2, 2, 0, 1, False, True, rng=np.random.default_rng())
    assert zeros[1].ravel().tolist() == [0, 2, 8, 10]
    with pytest.raises(TypeError, match="rng must be a numpy"):
        numbapool.stochastic_pool2d(x, 2)
    with pytest.raises(ValueError, match="an expectation has no place"):
        numbapool.stochastic_pool2d(x, 2, return_indices=True, train=False)
    with pytest.raises(TypeError, match="input must be of floats up to float64, integers or bool"):
        numbapool.stochastic_pool2d(x * 1j, 2, rng=np.random.default_rng())


FILTERS = {1: [1], 2: [1, 1], 3: [1, 2, 1], 4: [1, 3, 3, 1], 5: [1, 4, 6, 4, 1]}


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("taps", FILTERS)
@pytest.mark.parametrize("mode", ["reflect", "replicate", "zero"])
def test_blurring_is_a_convolution(dims, taps, mode):
    x = random(2, 3, *(8, 9, 12)[-dims:]).astype(np.float64)
    row = np.array(FILTERS[taps]) / sum(FILTERS[taps])
    weights = np.ones(())
    for _ in range(dims):
        weights = np.multiply.outer(weights, row)
    pads = ((taps - 1) // 2, taps // 2) * dims
    name = {"zero": "constant"}.get(mode, mode)
    conv = getattr(F, f"conv{dims}d")

    def blurred(x):
        padded = F.pad(torch.from_numpy(x), pads, name)
        kernel = torch.from_numpy(weights).expand(3, 1, *weights.shape)
        return conv(padded, kernel, stride=2, groups=3).numpy()

    pool = getattr(numbapool, f"blur_pool{dims}d")
    np.testing.assert_allclose(pool(x, taps, padding_mode=mode), blurred(x), 1e-12, 1e-12)
    dense = getattr(numbapool, f"max_pool{dims}d")(x, 2, 1)
    got = getattr(numbapool, f"max_blur_pool{dims}d")(x, 2, taps, padding_mode=mode)
    np.testing.assert_allclose(got, blurred(dense), 1e-12, 1e-12)


def test_wrong_blurring_is_said():
    x = random(1, 1, 4, 4)
    with pytest.raises(ValueError, match="padding_mode must be one of reflect, replicate, zero"):
        numbapool.blur_pool2d(x, padding_mode="same")
    with pytest.raises(ValueError, match="filter_size=9 reflects more"):
        numbapool.blur_pool2d(x, 9)
    with pytest.raises(TypeError, match="input must be of floats up to float64, integers, complex"):
        numbapool.blur_pool2d(x.astype(object))


def test_pyramids_and_strips():
    x = random(2, 3, 13, 17)
    levels = numbapool.pyramid_pool(torch.from_numpy(x))
    for size, level in zip((1, 2, 3, 6), levels, strict=True):
        want = F.adaptive_avg_pool2d(torch.from_numpy(x), size)
        torch.testing.assert_close(level, want)
    rows, columns = numbapool.strip_pool(x, "max")
    assert_same(rows, x.max(3, keepdims=True))
    assert_same(columns, x.max(2, keepdims=True))
    with pytest.raises(ValueError, match="mode must be one of avg, max, min"):
        numbapool.strip_pool(x, "sum")


def test_sppf_is_spp():
    x = random(2, 3, 20, 21)
    want = np.concatenate([x, *(numbapool.max_pool2d(x, k, 1, k // 2) for k in (5, 9, 13))], 1)
    assert_same(numbapool.sppf_pool(x), want)
    assert_same(numbapool.sppf_pool(torch.from_numpy(x[0])).numpy(), want[0])
    with pytest.raises(ValueError, match="kernel_size must be odd"):
        numbapool.sppf_pool(x, 4)
