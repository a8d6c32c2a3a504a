"""The orders in which small windows go over their rows, each where it is taken, against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from strategies import few
from test_windows import assert_same

import numbapool
from numbapool.cpu.ends import as_one
from numbapool.cpu.order import (
    BEYOND,
    FAR,
    MOST_KEPT,
    NEAR_OVERLAPPING,
    STREAMED_FROM,
    Lanes,
)
from numbapool.geometry import Laid, Sliding


def equals_torch(x, kernel, stride, padding=0):
    """Maxima, their indices and averages of a large array."""
    torch_x, window = torch.from_numpy(x), (kernel, stride, padding)
    expected, where = torch.nn.functional.max_pool2d(torch_x, *window, return_indices=True)
    got, indices = numbapool.max_pool2d(x, *window, return_indices=True)
    assert_same(got, expected.numpy())
    assert_same(indices, where.numpy())
    assert_same(numbapool.max_pool2d(x, *window), expected.numpy())
    mean = torch.nn.functional.avg_pool2d(torch_x, *window).numpy()
    np.testing.assert_allclose(numbapool.avg_pool2d(x, *window), mean, 1e-5, 1e-6)


@pytest.mark.parametrize("shape", [(3, 60, 230, 190), (40, 70, 56, 56)])
@pytest.mark.parametrize(("kernel", "stride"), few([(2, 2), (3, 1), (3, 2), (2, 3)],
                                                  [(2, 2), (3, 2), (2, 3)]))  # fmt: skip
def test_arrays_past_the_caches(shape, kernel, stride):
    assert np.prod(shape) * 4 > FAR
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    x[1, 2, 3, 4] = np.nan
    equals_torch(x, kernel, stride)


@pytest.mark.parametrize("window", few(
    [(2, 2), (3, 2, 1), (3, 1, 1), (3, (2, 1), (0, 1)), (5, (3, 2), 2), (2, (1, 3)), (4, (5, 4))],
    [(2, 2), (3, (2, 1), (0, 1)), (5, (3, 2), 2)],
))  # fmt: skip
def test_rows_that_wait_for_others(window):
    x = np.random.default_rng(0).standard_normal((2, 9, 230, 190), np.float32)
    assert FAR > x.nbytes > BEYOND
    assert x[0, 0].nbytes > NEAR_OVERLAPPING
    x = np.maximum(x, 0)  # many that are equal
    x[1, 2, 3, 4] = np.nan
    equals_torch(x, *window)


def test_rows_too_long_to_keep():
    x = np.random.default_rng(0).standard_normal((1, 1, 5, MOST_KEPT // 12 + 9), np.float32)
    equals_torch(x, 3, 1, 1)


@pytest.mark.parametrize("kernel", few([3, 4, 5, (1, 5), (5, 1), 6, (6, 12), (1, 10)],
                                       [4, (1, 5), (6, 12), (1, 10)]))  # fmt: skip
@pytest.mark.parametrize("size", few([(17, 411), (61, 90), (130, 300)], [(17, 411), (61, 90)]))
def test_windows_side_by_side(kernel, size):
    x = np.random.default_rng(0).standard_normal((2, 9, *size), np.float32)
    equals_torch(x, kernel, None)


@pytest.mark.parametrize("kernel", few([2, 3], [3]))
def test_small_planes_past_the_second_cache(kernel):
    x = np.random.default_rng(0).standard_normal((9, 417, 14, 14), np.float32)
    assert FAR > x.nbytes > BEYOND
    x[1, 2, 3, 4] = np.nan
    equals_torch(x, kernel, 2)


@pytest.mark.parametrize(
    ("shape", "beside"),
    [
        ((2, 65, 6, 14), 1), ((1, 640, 2, 40), 1), ((4, 256, 14, 14), 2), ((5, 80, 13, 13), 2),
        ((4, 128, 8, 8), 4), ((3, 128, 4, 2), 4), ((2, 192, 9, 7), 4), ((40, 512, 15, 14), 1),
    ],
)  # fmt: skip
def test_planes_that_are_pooled_as_one(shape, beside):
    images, channels, height, width = shape
    rows = Laid(Sliding(height, 2, 2), width, width)
    plane, lanes = height * width, Lanes(16 // beside, beside, 32)
    assert as_one(rows, images * channels, plane, 4 * plane, lanes, 0)
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    x[0, 7, 1, 1] = np.nan
    equals_torch(x, 2, 2)
    equals_torch(x, 1, 2)


@pytest.mark.parametrize("window", [(2, 2), (3, 2, 1)])
def test_results_that_are_stored_past_the_caches(window):
    x = np.random.default_rng(0).standard_normal((5, 64, 224, 180), np.float32)
    assert x.nbytes > STREAMED_FROM
    x[3, 2, 100, 90] = np.nan
    expected = torch.nn.functional.max_pool2d(torch.from_numpy(x), *window).numpy()
    assert_same(numbapool.max_pool2d(x, *window), expected)
    room = np.full(expected.size + 8, 7, np.float32)
    for start in (1, 4):  # begins at a multiple of 16 bytes or not
        out = room[start : start + expected.size].reshape(expected.shape)
        assert_same(numbapool.max_pool2d(x, *window, out=out), expected)
        assert np.all(room[:start] == 7)
        assert np.all(room[start + expected.size :] == 7)
        room[:] = 7


def test_what_no_window_takes_is_not_seen():
    x = np.random.default_rng(0).standard_normal((1, 9, 7, 15), np.float32)
    x[..., -1], x[..., -1, :] = np.nan, np.inf
    equals_torch(x, 2, 2)
    assert np.isfinite(numbapool.avg_pool2d(x, 2)).all()
