"""Intervals and sizes, on plain ints."""

from __future__ import annotations

import itertools
import math

import numpy as np
import oracle
import pytest
import torch

import numbapool
from numbapool import geometry


def test_sizes_equal_torch_everywhere():
    seen = 0
    meta = torch.empty(1, 1, 1, 1, device="meta")
    for size, k, s, d, ceil_mode in itertools.product(
        range(1, 12), range(1, 6), range(1, 5), (1, 2, 3), (False, True)
    ):
        for p in range(k // 2 + 1):
            x = meta.expand(1, 1, size, size)
            try:
                expected = torch.nn.functional.max_pool2d(x, k, s, p, d, ceil_mode).shape[-1]
            except RuntimeError:
                expected = None
            try:
                got = numbapool.output_shape((1, 1, size, size), k, s, p, d, ceil_mode)[-1]
            except ValueError:
                got = None
            assert got == expected, (size, k, s, p, d, ceil_mode)
            seen += 1
    assert seen > 2500


def test_intervals_equal_the_taps_spelled_out():
    for size, k, s, d, before, after, ceil_mode in itertools.product(
        (1, 2, 5, 9), (1, 2, 3), (1, 2, 4), (1, 2), (0, 1, 2), (0, 1), (False, True)
    ):
        span = d * (k - 1) + 1
        if max(before, after) >= span:
            continue
        axis = geometry.Sliding(size, k, s, before, after, d, ceil_mode)
        if not len(axis):
            continue
        spelled = oracle.windows(
            (size, size), k, s, ((before, after),) * 2, d, ceil_mode
        )[0]  # fmt: skip
        assert len(axis) == len(spelled)
        for cell, (taps, counted) in enumerate(spelled):
            low, high = axis.interval(cell)
            assert list(range(low, high, axis.step)) == taps
            assert axis.count(cell) == max(counted, 1)
        first, last = axis.inside(span, len(axis))
        for cell in range(len(axis)):
            assert (first <= cell < last) == (len(spelled[cell][0]) == k)
        cells = np.arange(len(axis))
        pairs = zip(*axis.interval(cells), axis.count(cells), strict=True)
        assert list(pairs) == [(*axis.interval(c), axis.count(c)) for c in cells.tolist()]


@pytest.mark.parametrize("size", range(1, 14))
def test_bins_equal_torch(size):
    for cells in range(1, 17):
        axis = geometry.bins(size, cells)
        spelled = oracle.bins((size, size), cells)[0]
        assert [list(range(*axis.interval(c))) for c in range(len(axis))] == [b[0] for b in spelled]
        assert [axis.count(c) for c in range(len(axis))] == [b[1] for b in spelled]
        ones = torch.arange(size, dtype=torch.float64).reshape(1, 1, 1, size)
        last = torch.nn.functional.adaptive_max_pool2d(ones, (1, cells))
        assert [axis.interval(c)[1] - 1 for c in range(cells)] == last.flatten().tolist()


def merged(axes):
    by = [math.prod(axis.size for axis in axes[at + 1 :]) for at in range(len(axes))]
    laid = map(geometry.Laid, axes, by, by)
    return tuple(found.axis for found in geometry.merged(list(laid), True))


def test_merging_keeps_the_windows():
    rows = geometry.Sliding(6, 2, 2)
    whole = geometry.Bins(5, 1)
    (axis,) = merged((rows, whole))
    assert [axis.interval(c) for c in range(len(axis))] == [(0, 10), (10, 20), (20, 30)]
    assert axis.count(0) == 10
    assert merged((rows, geometry.UNIT)) == (rows,)
    dilated = geometry.Sliding(5, 2, 1, dilation=4)
    assert merged((rows, dilated)) == (rows, dilated)
    still = geometry.Sliding(5, 1)
    assert merged((rows, still, still)) == (rows, geometry.Sliding(25, 1))
    apart = geometry.Laid(rows, 11, 5), geometry.Laid(whole, 1, 1)
    assert geometry.merged(apart, False) == list(apart)
    uncounted = geometry.Laid(rows, 5, 1), geometry.Laid(whole, 1, 0)
    assert geometry.merged(uncounted, True) == list(uncounted)
    assert len(geometry.merged(uncounted, False)) == 1


@pytest.mark.parametrize("mode", ["same", "same_upper", "same_lower"])
def test_same_gives_the_ceiling(mode):
    for size, k, s, d in itertools.product(range(1, 10), (1, 2, 3, 5), (1, 2, 3), (1, 2)):
        for ceil_mode in (False, True):
            shape = numbapool.output_shape((1, 1, size, size), k, s, mode, d, ceil_mode)
            assert shape[2] == -(-size // s)


def test_output_shape_of_any_rank():
    assert numbapool.output_shape((2, 3, 9), 3, 2) == (2, 3, 4)
    assert numbapool.output_shape((2, 3, 8, 9, 10), 2) == (2, 3, 4, 4, 5)
    assert numbapool.output_shape((3, 8, 9), (2, 3)) == (3, 4, 3)


def test_bins_that_slide_are_the_same_bins():
    slides = 0
    for size in range(1, 50):
        for cells in range(60):
            axis, bins = geometry.bins(size, cells), geometry.Bins(size, cells)
            each = np.arange(cells)
            assert len(axis) == cells
            np.testing.assert_array_equal(axis.interval(each), bins.interval(each))
            np.testing.assert_array_equal(axis.count(each), bins.count(each))
            slides += type(axis) is not geometry.Bins
    assert slides > 400
