"""What functions of users' ops may do: call others, raise, give what is wider than the input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_own_ops import F, blocks, zero
from test_process import python
from test_windows import assert_same

import numbapool


def farthest(taps, count):
    """A helper that an op calls."""
    best = abs(taps[0])
    for tap in range(1, count):
        best = max(best, abs(taps[tap]))
    return best


def test_an_op_may_call_other_functions():
    op = numbapool.PoolOp("span", identity=zero, reduce=lambda taps, n: 2 * farthest(taps, n))
    x = blocks(2, 3, 12, 21)
    want = 2 * F.max_pool2d(torch.from_numpy(np.abs(x)), 3, 2, 1)
    np.testing.assert_allclose(numbapool.pool(x, op, (3, 3), 2, 1), want, 1e-6)


def nearer(value, centre=1.0, *more):
    return abs(value - centre)


def test_helpers_take_arguments_as_in_python():
    def reduce(taps, count):
        if count < 0:
            raise ValueError("no taps")
        shift = lambda value: value + 1  # noqa: E731
        lasts = [taps[tap] for tap in range(count - 2, count)]
        return nearer(taps[0]) + nearer(taps[1], centre=2.0) + shift(max(lasts))

    op = numbapool.PoolOp("near", identity=zero, reduce=reduce)
    x = blocks(2, 3, 4, 6)
    a, b, c, d = (x[..., i::2, j::2] for i in (0, 1) for j in (0, 1))
    want = abs(a - 1) + abs(b - 2) + np.maximum(c, d) + 1
    np.testing.assert_allclose(numbapool.pool(x, op, (2, 2)), want, 1e-6)


def test_functions_of_one_scalar_call_others():
    def twice(value):
        return 2 * value

    op = numbapool.PoolOp(
        "helped", identity=zero, combine=lambda a, b: a + twice(b) / 2,
        lift=lambda tap: twice(tap), finish=lambda total, count: twice(total) / count,
    )  # fmt: skip
    x = blocks(2, 3, 4, 6)
    np.testing.assert_allclose(numbapool.pool(x, op, (2, 2)), 4 * numbapool.avg_pool2d(x, 2), 1e-5)
    largest = numbapool.PoolOp(
        "helped", identity=zero, better=lambda new, best: twice(new) > best + best,
        overrides=lambda value: twice(value) != twice(value),
    )  # fmt: skip
    x = np.maximum(x, 0)
    assert_same(numbapool.pool(x, largest, (2, 2)), numbapool.max_pool2d(x, 2))


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (4, 16, 64, 64)])
def test_results_of_halves_may_be_wider(shape):
    wide = {name: lambda dtype: np.dtype(np.float64) for name in ("accumulator", "result")}
    op = numbapool.PoolOp("wide", zero, lambda a, b: a + b, **wide)
    found = numbapool.pool(np.full(shape, 0.25, np.float16), op, (2, 2))
    assert_same(found, np.ones((*shape[:2], shape[2] // 2, shape[3] // 2)))


RAISES = """
    import os, numpy as np, numbapool
    os.dup2(1, 2)
    def raising(total, count):
        if total > 100:
            raise ValueError("too much:", total, count)
        return total
    op = numbapool.PoolOp(
        "raising", identity=lambda dtype: dtype.type(0),
        combine=lambda a, b: a + b, finish=raising,
    )
    for shape in ((1, 1, 4, 4), (4, 64, 128, 128)):
        x = np.ones(shape)
        assert (numbapool.pool(x, op, (2, 2)) == 4).all()
        x[-1, -1, -1, -1] = 1e9
        try:
            numbapool.pool(x, op, (2, 2))
        except RuntimeError as error:
            print(error, flush=True)
"""


def test_what_a_function_raises_is_printed(tmp_path):
    """With what it is raised with; Numba once kept the GIL where that was made anew."""
    for _ in ("compiled", "from disk"):
        told = python(RAISES, tmp_path)
        assert told.count("op 'raising' raised an error in a window") == 2
        assert "too much:', 1000000003.0, 4.0" in told


def test_code_that_numba_does_not_know_is_said():
    def first(taps, count):
        one, *_more = taps[0], taps[1]
        return one

    with pytest.raises(TypeError, match=r"op 'first' does not compile .*UNPACK_EX"):
        numbapool.pool(np.ones(4), numbapool.PoolOp("first", identity=zero, reduce=first), 2)
