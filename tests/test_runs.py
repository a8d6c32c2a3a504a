"""Which outputs are in runs of the CUDA target, and which are listed: each is in one of both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numba_cuda", reason="pip install numbapool[cuda13]")

from numbapool.cuda.runs import FULL, ITEMS, RUNS, runs
from numbapool.cuda.sliding import Uniform
from numbapool.cuda.wide import pieces
from numbapool.geometry import Laid, Sliding
from numbapool.ops import MAX

F32 = np.dtype("float32")


def laid(sizes, kernel, stride, before):
    each = [Sliding(n, kernel, stride, before, kernel // 2) for n in sizes]
    steps = np.cumprod([1, *sizes[:0:-1]])[::-1].tolist()
    return [Laid(axis, by, by) for axis, by in zip(each, steps, strict=True)], sizes[0] * steps[0]


@given(data=st.data())
def test_every_output_is_made_once(data):
    kernel, stride = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    before = data.draw(st.integers(0, kernel // 2))
    sizes = data.draw(st.lists(st.sampled_from((4, 12, 16, 22, 32)), min_size=1, max_size=3))
    axes, plane = laid(sizes, kernel, stride, before)
    uniform = Uniform.of(MAX, axes, None)
    found = runs(axes, uniform, 2, (2, 0, plane), (F32, F32, np.dtype(np.int64)))
    if found is None:
        return
    cells = tuple(len(axis) for axis, _, _ in axes)
    made = np.zeros(cells, int)
    box = found.more[FULL : FULL + 2 * len(cells)].reshape(-1, 2)
    box[-1] *= found.run.outputs
    made[tuple(slice(first, first + count) for first, count in box)] = 1
    assert found.more[RUNS] * found.run.outputs == made.sum()
    np.add.at(made.reshape(-1), found.more[FULL + 2 * len(cells) :], 1)
    assert (made == 1).all()
    assert found.items == found.more[ITEMS]


@given(st.integers(0, 15), st.integers(1, 40), st.sampled_from((1, 2, 4, 8, 16)))
def test_pieces_are_aligned_and_have_all_that_is_asked_for(first, count, width):
    read = pieces(first, first + count, width)
    held = [n for at, size in read for n in range(at, at + size)]
    assert held == list(range(held[0], held[-1] + 1))
    assert held[0] <= first
    assert held[-1] >= first + count - 1
    assert all(at % size == 0 and size <= width for at, size in read)


def test_a_plane_of_billions_of_outputs_takes_no_mask_of_them():
    axes, plane = laid((2**16, 2**16), 3, 1, 1)
    uniform = Uniform.of(MAX, axes, None)
    found = runs(axes, uniform, 1, (1, 0, plane), (F32, F32, np.dtype(np.int64)))
    assert found is not None
    assert found.more.nbytes < 2**24
