"""Regions of interest against their published formulas, written out point by point."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_windows import assert_same

import numbapool


def rounded(value):
    """To the nearest int, halves away from zero, of a float32."""
    return math.copysign(math.floor(abs(np.float32(value)) + np.float32(0.5)), value)


def slow_pool(x, boxes, rows, cells, scale):
    """RoIPool: values and places."""
    values = np.zeros((len(boxes), x.shape[1], rows, cells), x.dtype)
    places = np.full(values.shape, -1)
    height, width = x.shape[2:]
    for k, (batch, *corners) in enumerate(boxes):
        x1, y1, x2, y2 = (int(rounded(np.float32(c * scale))) for c in corners)
        tall = np.float32(max(y2 - y1 + 1, 1)) / np.float32(rows)
        broad = np.float32(max(x2 - x1 + 1, 1)) / np.float32(cells)
        for c, i, j in np.ndindex(values.shape[1:]):
            best = None
            for h in range(math.floor(np.float32(i) * tall), math.ceil(np.float32(i + 1) * tall)):
                for w in range(math.floor(np.float32(j) * broad),
                               math.ceil(np.float32(j + 1) * broad)):  # fmt: skip
                    if 0 <= h + y1 < height and 0 <= w + x1 < width:
                        value = x[int(batch), c, h + y1, w + x1]
                        if best is None or value > best or value != value:
                            best = value
                            values[k, c, i, j] = value
                            places[k, c, i, j] = (h + y1) * width + w + x1
    return values, places


def point(plane, y, x):
    """The four weighted inputs about a place; nothing further than one outside."""
    height, width = plane.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return [0.0] * 4
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    low, left = math.floor(y), math.floor(x)
    high, right = min(low + 1, height - 1), min(left + 1, width - 1)
    down, across = y - low, x - left
    return [
        (1 - down) * (1 - across) * plane[low, left], (1 - down) * across * plane[low, right],
        down * (1 - across) * plane[high, left], down * across * plane[high, right],
    ]  # fmt: skip


def slow_align(x, boxes, rows, cells, scale, ratio, aligned, mode):
    values = np.zeros((len(boxes), x.shape[1], rows, cells))
    for k, (batch, *corners) in enumerate(boxes):
        x1, y1, x2, y2 = (c * scale - (0.5 if aligned else 0) for c in corners)
        tall, broad = y2 - y1, x2 - x1
        if not aligned:
            tall, broad = max(tall, 1), max(broad, 1)
        many = ratio if ratio > 0 else max(math.ceil(tall / rows), 0)
        far = ratio if ratio > 0 else max(math.ceil(broad / cells), 0)
        for c, i, j in np.ndindex(values.shape[1:]):
            points = [
                point(x[int(batch), c], y1 + (i + (a + 0.5) / many) * tall / rows,
                      x1 + (j + (b + 0.5) / far) * broad / cells)
                for a in range(many) for b in range(far)
            ]  # fmt: skip
            if points and mode == "avg":
                values[k, c, i, j] = np.mean([sum(p) for p in points])
            elif points:
                values[k, c, i, j] = max(sum(p) if mode == "max" else max(p) for p in points)
    return values


@st.composite
def boxes(draw, batches):
    numbers = st.floats(-6, 20, width=32)
    corners = [[draw(numbers) for _ in range(4)] for _ in range(draw(st.integers(0, 4)))]
    return np.array([[draw(st.integers(0, batches - 1)), *c] for c in corners]).reshape(-1, 5)


def picture():
    return np.random.default_rng(0).standard_normal((2, 3, 9, 11)).astype(np.float32)


@settings(max_examples=30)
@given(boxes=boxes(2), rows=st.integers(1, 4), cells=st.integers(1, 4),
       scale=st.sampled_from((1.0, 0.5, 0.37)))  # fmt: skip
def test_pool(boxes, rows, cells, scale):
    x = picture()
    x[1, 0, 3, 3] = np.nan
    values, places = slow_pool(x, boxes, rows, cells, scale)
    got = numbapool.roi_pool(x, boxes, (rows, cells), scale, True)
    assert_same(got[0], values)
    np.testing.assert_array_equal(got[1], places)


@settings(max_examples=30)
@given(boxes=boxes(2), rows=st.integers(1, 3), cells=st.integers(1, 3),
       scale=st.sampled_from((1.0, 0.37)), ratio=st.integers(-1, 3), aligned=st.booleans(),
       mode=st.sampled_from(("avg", "max", "max_part")))  # fmt: skip
def test_align(boxes, rows, cells, scale, ratio, aligned, mode):
    x = picture().astype(np.float64)
    want = slow_align(x, boxes, rows, cells, scale, ratio, aligned, mode)
    got = numbapool.roi_align(x, boxes, (rows, cells), scale, ratio, aligned, mode=mode)
    np.testing.assert_allclose(got, want, 1e-9, 1e-9)


def test_kinds_of_boxes_and_arrays():
    x = picture()
    rows = np.array([[0, 1, 1, 6, 7], [1, 0, 2, 8, 5], [1, 3, 3, 4, 4.0]])
    lists = [rows[:1, 1:], torch.from_numpy(rows[1:, 1:])]
    for pool in (numbapool.roi_pool, numbapool.roi_align):
        want = pool(x, rows, 3)
        assert_same(pool(x, lists, 3), want)
        assert_same(pool(np.asfortranarray(x), rows, 3, num_threads=1), want)
        got = pool(torch.from_numpy(x), torch.from_numpy(rows), 3)
        assert torch.equal(got, torch.from_numpy(want))
        assert pool(x, np.zeros((0, 5)), 3).shape == (0, 3, 3, 3)
        assert pool(x, [np.zeros((0, 4))] * 2, 3).shape == (0, 3, 3, 3)
    whole = np.array([[0, 0, 0, 10, 8]])
    assert_same(numbapool.roi_pool(x, whole, 1), x[:1].max((2, 3), keepdims=True))


@pytest.mark.parametrize(("change", "error", "says"), [
    ({"boxes": np.array([[0, 0, 0, np.nan, 1]])}, ValueError, "boxes must be finite"),
    ({"boxes": np.array([[2, 0, 0, 1, 1]])}, ValueError, "by whole numbers from 0 to 1, got 2"),
    ({"boxes": np.array([[0.5, 0, 0, 1, 1]])}, ValueError, "must name pictures"),
    ({"boxes": np.zeros((2, 4))}, ValueError, r"boxes must have the shape \(K, 5\)"),
    ({"boxes": [np.zeros((2, 4))]}, ValueError, r"boxes must be 2 arrays of shape \(K, 4\)"),
    ({"boxes": [[0, 0, 0, 1, 1]]}, TypeError, r"boxes must be an array of shape \(K, 5\)"),
    ({"input": np.zeros((2, 3, 4, 4), int)}, TypeError, "input must be float32 or float64"),
    ({"input": np.zeros((3, 4, 4))}, ValueError, r"shape \(N, C, H, W\)"),
    ({"spatial_scale": 0}, ValueError, "spatial_scale must be above 0"),
    ({"spatial_scale": "1"}, TypeError, "spatial_scale must be a number"),
    ({"output_size": (1, 2, 3)}, ValueError, "output_size must be an int or a tuple of 2"),
])  # fmt: skip
def test_what_is_wrong_is_said(change, error, says):
    given = {"input": picture(), "boxes": np.zeros((1, 5)), "output_size": 2} | change
    for pool in (numbapool.roi_pool, numbapool.roi_align):
        with pytest.raises(error, match=says):
            pool(**given)


def test_what_is_wrong_with_points_is_said():
    far = np.array([[0, 0, 0, 1e9, 1e9]])
    with pytest.raises(ValueError, match="give a sampling_ratio"):
        numbapool.roi_align(picture(), far, 2)
    with pytest.raises(ValueError, match="mode must be one of"):
        numbapool.roi_align(picture(), far, 2, mode="min")
    with pytest.raises(TypeError, match="sampling_ratio must hold ints"):
        numbapool.roi_align(picture(), far, 2, 1.0, 2.5)
