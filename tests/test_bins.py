"""What `bins` says a pooling sees, against the oracle's windows and torch's results."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import numbapool


def taps(found, step=1):
    assert found.dtype == np.int64
    assert found.shape == (len(found), 2)
    return [list(range(low, high, step)) for low, high in found]


@settings(max_examples=10)
@given(data=st.data())
def test_sliding_windows(data):
    size, kernel = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 6))
    window = {
        "stride": data.draw(st.one_of(st.none(), st.integers(1, 5))),
        "padding": data.draw(st.one_of(
            st.integers(0, kernel // 2), st.sampled_from(("same", "same_lower", "valid"))
        )),
        "dilation": data.draw(st.integers(1, 3)),
        "ceil_mode": data.draw(st.booleans()),
    }  # fmt: skip
    (want,) = oracle.windows((size,), kernel, **window, dims=1)
    assume(want)
    got = numbapool.bins(size, kernel_size=kernel, **window)
    assert taps(got, window["dilation"]) == [inside for inside, _ in want]


@settings(max_examples=10)
@given(size=st.integers(1, 40), cells=st.integers(1, 50))
def test_adaptive_bins(size, cells):
    (want,) = oracle.bins((size,), cells, dims=1)
    assert taps(numbapool.bins(size, output_size=cells)) == [inside for inside, _ in want]


@settings(max_examples=10)
@given(data=st.data())
def test_drawn_windows(data):
    size = data.draw(st.integers(1, 40))
    kernel = data.draw(st.integers(1, size))
    cells = data.draw(st.integers(1, size - kernel + 1))
    sample = data.draw(st.floats(0, 1, exclude_max=True))
    (want,) = oracle.drawn((size,), kernel, cells, (sample,))
    got = numbapool.bins(size, kernel_size=kernel, output_size=cells, random_sample=sample)
    assert taps(got) == [inside for inside, _ in want]


def test_drawn_windows_are_torchs():
    x = torch.arange(17.0).expand(1, 1, 5, 17)
    for sample in np.float32([0, 0.3, 0.999]):
        samples = torch.full((1, 1, 2), float(sample))
        top = torch.nn.functional.fractional_max_pool2d(x, 2, (4, 7), _random_samples=samples)
        got = numbapool.bins(17, kernel_size=2, output_size=7, random_sample=sample)
        assert (got[:, 1] - 1).tolist() == top[0, 0, 0].tolist()


def test_no_bins():
    assert numbapool.bins(5, output_size=0).shape == (0, 2)


@pytest.mark.parametrize(("options", "error", "says"), [
    ({}, ValueError, "output_size or kernel_size must be given"),
    ({"kernel_size": 9}, ValueError, "has no window inside an input of spatial shape .7,"),
    ({"kernel_size": 2.0}, TypeError, "kernel_size must hold ints, got 2.0"),
    ({"kernel_size": (2, 2)}, ValueError, r"kernel_size must be an int, got \(2, 2\)"),
    ({"kernel_size": 2, "ceil_mode": 1}, TypeError, "ceil_mode must be a bool"),
    ({"kernel_size": 2, "random_sample": 0.5}, ValueError, "random_sample=0.5 needs an output"),
    ({"output_size": 3, "kernel_size": 2}, ValueError, "goes alone, or with both kernel_size and"),
    ({"output_size": 3, "random_sample": 0.5}, ValueError, "goes alone, or with both"),
    ({"output_size": 3, "stride": 2}, ValueError, "places the windows by itself, got stride=2 too"),
    ({"output_size": 3, "dilation": 2}, ValueError, "by itself, got dilation=2 too"),
    ({"output_size": -1}, ValueError, "output_size must be at least 0"),
    ({"output_size": 7, "kernel_size": 2, "random_sample": 0.5}, ValueError, "are too large"),
    ({"output_size": 3, "kernel_size": 2, "random_sample": 1.0}, ValueError, "from 0 up to 1"),
    ({"output_size": 3, "kernel_size": 2, "random_sample": "0"}, TypeError, "must be a number"),
])  # fmt: skip
def test_contradictions_are_said(options, error, says):
    with pytest.raises(error, match=says):
        numbapool.bins(7, **options)


def test_a_wrong_size_is_said():
    with pytest.raises(ValueError, match="size must be at least 1, got size=0"):
        numbapool.bins(0, output_size=1)
