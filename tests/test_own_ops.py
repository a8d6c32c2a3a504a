"""Reductions that users write: on vectors where they compile so, else on gathered taps."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numba
import numpy as np
import oracle
import pytest
import torch
from strategies import few
from test_windows import assert_same

import numbapool
from numbapool.ops import MAX
from numbapool.ops.base import is_nan

F = torch.nn.functional
README = Path(__file__).resolve().parent.parent / "README.md"


def zero(dtype):
    return dtype.type(0)


def further(candidate, best):
    return abs(candidate) > abs(best)


def further_with_branches(candidate, best):
    if candidate < 0:
        candidate = -candidate
    if best < 0:
        best = -best
    return candidate > best


def further_in_an_array(candidate, best):
    both = np.empty(2)
    both[0], both[1] = abs(candidate), abs(best)
    return both[0] > both[1]


def add(earlier, later):
    return earlier + later


def add_with_a_branch(earlier, later):
    if later == 0:
        return earlier
    return earlier + later


def blocks(*shape):
    return np.random.default_rng(0).integers(-4, 5, shape).astype(np.float32)


def furthest(x, axes):
    """The tap that is first among the furthest from zero, and its place."""
    magnitudes, where = oracle.select(np.abs(x), axes, 1)
    outer = x.shape[: x.ndim - len(axes)]
    flat = x.reshape(*outer, -1)
    taken = np.take_along_axis(flat, where.reshape(*outer, -1), -1).reshape(where.shape)
    assert (np.abs(taken) == magnitudes).all()
    return taken, where


LINE, PLANE, VOLUME = (2, 40), (3, 9, 21), (2, 5, 7, 9)
ON_VECTORS, GATHERED = (further, None), (further_with_branches, "gather")


@pytest.mark.parametrize(("op", "window", "shape"), few(
    [*itertools.product((ON_VECTORS, GATHERED), ((3, 1), (5, 7)), (LINE, PLANE, VOLUME))],
    [(ON_VECTORS, (3, 1), PLANE), (ON_VECTORS, (5, 7), VOLUME), (ON_VECTORS, (5, 7), LINE),
     (GATHERED, (3, 1), PLANE), (GATHERED, (5, 7), VOLUME), (GATHERED, (5, 7), LINE)],
))  # fmt: skip
def test_selections(op, window, shape):
    better, kernel = op
    op = numbapool.PoolOp("furthest", identity=zero, better=better)
    x = blocks(*shape)
    axes = tuple(range(1, len(shape)))
    sizes = tuple(min(window[0], n) for n in shape[1:])
    values, places = furthest(x, oracle.windows(x.shape, sizes, window[1], dims=len(axes)))
    got, indices = numbapool.pool(x, op, sizes, window[1], axes=axes, return_indices=True)
    assert_same(got, values)
    assert_same(indices, places)
    assert_same(numbapool.pool(x, op, sizes, window[1], axes=axes), values)
    if kernel:
        assert numbapool.explain(numbapool.pool, x, op, sizes, axes=axes).kernels == (kernel,)


def test_functions_may_make_arrays():
    op = numbapool.PoolOp("furthest", identity=zero, better=further_in_an_array)
    x = blocks(2, 6, 8)
    want, _ = furthest(x, oracle.windows(x.shape, 3))
    assert_same(numbapool.pool(x, op, (3, 3)), want)


def test_the_first_of_equals_is_taken_whatever_the_kernel():
    op = numbapool.PoolOp("furthest", identity=zero, better=further)
    for shape in ((64, 7, 7), (2, 12, 24), (1, 300, 300)):
        x = np.random.default_rng(0).choice([-1.0, 1.0], shape).astype(np.float32)
        for kernel in (shape[1:], (shape[1], 6)):
            want = furthest(x, oracle.windows(x.shape, kernel))[0]
            assert_same(numbapool.pool(x, op, kernel), want)


@pytest.mark.parametrize("combine", [add, add_with_a_branch])
def test_folds_with_lift_and_finish(combine):
    op = numbapool.PoolOp(
        "share of ones", identity=zero, combine=combine, lift=lambda tap: (tap == 1) * 1.0,
        finish=lambda total, count: total / count,
    )  # fmt: skip
    x = blocks(2, 3, 12, 21)
    want = F.avg_pool2d(torch.from_numpy(x == 1).float(), 3, 2, 1)
    got = numbapool.pool(x, op, (3, 3), 2, 1)
    np.testing.assert_allclose(got, want, 1e-6)


def test_a_lift_that_moves_the_identity():
    op = numbapool.PoolOp(
        "sum of cosines", identity=zero, combine=add, lift=lambda tap: np.cos(tap)
    )
    x = blocks(2, 3, 12, 21)
    want = F.avg_pool2d(torch.from_numpy(np.cos(x)), 3, 2, 1, divisor_override=1)
    np.testing.assert_allclose(numbapool.pool(x, op, (3, 3), 2, 1), want, 1e-5, 1e-5)
    assert numbapool.explain(numbapool.pool, x, op, (3, 3)).kernels == ("gather",)


def test_what_overrides():
    op = numbapool.PoolOp("other max", identity=MAX.identity, better=MAX.better, overrides=is_nan)
    x = blocks(2, 3, 12, 21)
    x[0, 0, 3, 3] = np.nan
    got = numbapool.pool(x, op, (3, 3), 2, 1, return_indices=True)
    want = F.max_pool2d(torch.from_numpy(x), 3, 2, 1, return_indices=True)
    for mine, theirs in zip(got, want, strict=True):
        assert_same(mine, theirs.numpy())


def test_the_example_of_the_readme():
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 9)).astype(np.float32)
    blocks_of_code = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    names = {"np": np, "numbapool": numbapool, "x": x}
    exec(next(code for code in blocks_of_code if "PoolOp" in code), names)
    want = np.lib.stride_tricks.sliding_window_view(x > 0, (2, 3, 3), (1, 2, 3))
    np.testing.assert_array_equal(names["y"], want[:, ::2, ::3, ::3].sum((-1, -2, -3)))
    assert names["indices"].shape == (2, 3, 4, 4)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("window", [((1, 3), (1, 1), (0, 1)), ((3, 3), (2, 2), (1, 1))])
def test_the_last_of_equals_lies_inside(dtype, window):
    """Once a tap beyond the right border, which equals the identity, won with a place there."""
    op = numbapool.PoolOp("last max", identity=MAX.identity, better=lambda a, b: a >= b)
    x = np.full((2, 3, 6, 21), MAX.identity(np.dtype(dtype)))
    x[1, 1, ::2, ::3] = 1
    values, places = numbapool.pool(x, op, *window, return_indices=True)
    for p, plane in enumerate(oracle.planes(x, 2)):
        for where, taps in oracle.windows_of(oracle.windows(x.shape, *window)):
            best = max(taps, key=lambda tap: (plane[tap], tap))
            at = (p // 3, p % 3, *where)
            assert (values[at], places[at]) == (plane[best], best[0] * 21 + best[1])


def test_what_does_not_compile_is_said():
    op = numbapool.PoolOp("odd", identity=zero, combine=lambda earlier, later: earlier.name)
    with pytest.raises(TypeError, match="op 'odd' does not compile for float32: Unknown attrib"):
        numbapool.pool(blocks(4, 4), op, 2)
    op = numbapool.PoolOp("odd", identity=zero, better=lambda candidate, best: nowhere)  # noqa: F821
    with pytest.raises(TypeError, match=r"float32: NameError: name 'nowhere' is not defined\Z"):
        numbapool.pool(blocks(4, 4), op, 2)
    with pytest.raises(ValueError, match="one of combine, better and reduce, got name='none'"):
        numbapool.PoolOp("none", identity=zero)


def add(earlier, later):
    return earlier + later


@pytest.mark.parametrize(("dtype", "functions", "says"), [
    ("uint8", {"combine": add, "lift": lambda tap: tap * 0.5},
     "lift gives float64, which uint8 cannot hold: give the op a function `accumulator`"),
    ("int32", {"combine": lambda a, b: (a + b) / 2}, "combine gives float64, which int32"),
    ("int64", {"combine": add, "finish": lambda s, n: s / n}, "finish gives .* int64 .*`result`"),
    ("bool", {"combine": add, "lift": lambda tap: 2 if tap else 1}, "lift gives int, which bool"),
    ("uint8", {"combine": add, "lift": lambda tap: tap + 300}, "lift does not work on uint8: .*"),
    ("uint8", {"reduce": lambda taps, n: taps[0] / n}, "reduce gives float64, which uint8 cannot"),
    ("float32", {"reduce": lambda taps, n: None}, "reduce must give a number, got None"),
    ("float32", {"reduce": lambda taps, n: (taps[0], n)}, "reduce must give a number, got .*, 4"),
    ("float32", {"combine": add, "result": lambda dtype: "f8"}, "result must give a dtype .*'f8'"),
    ("float32", {"combine": add, "identity": lambda: 0}, "identity does not take float32: "),
    ("int32", {"combine": add, "identity": lambda d: -np.inf}, "identity gives -inf, which int32"),
    ("uint8", {"combine": add, "identity": lambda d: 300}, "identity gives 300, which uint8"),
    ("bool", {"combine": add, "identity": lambda d: 0.5}, "identity gives 0.5, which bool cannot"),
    ("float32", {"combine": add, "identity": lambda d: None}, "identity must give a number, got N"),
])  # fmt: skip
def test_what_its_types_cannot_hold_is_said(dtype, functions, says):
    """Once such a float was cut to an integer."""
    op = numbapool.PoolOp("odd", **{"identity": zero, **functions})
    with pytest.raises(TypeError, match="op 'odd': " + says):
        numbapool.pool(blocks(4, 4).astype(dtype), op, 2)


@pytest.mark.parametrize("given", [{"combine": np.maximum}, {"better": 3}, {"reduce": max}])
def test_what_is_no_plain_function_is_said(given):
    (name,) = given
    with pytest.raises(TypeError, match=f"{name} must be a plain function .*, got name='odd'"):
        numbapool.PoolOp("odd", identity=zero, **given)


def test_functions_that_numba_has_compiled_are_taken_as_they_were():
    op = numbapool.PoolOp("sum", identity=zero, combine=numba.njit(add))
    x = blocks(2, 3, 12, 21)
    np.testing.assert_allclose(numbapool.pool(x, op, (2, 2)), numbapool.sum_pool2d(x, 2), 1e-6)


def test_truths_are_counted():
    op = numbapool.PoolOp("above", identity=zero, combine=add, lift=lambda tap: tap > 2)
    for dtype in (np.uint8, np.float32):
        x = np.arange(16).reshape(4, 4).astype(dtype)
        assert numbapool.pool(x, op, 2).tolist() == [[2, 3], [4, 4]]


def test_an_identity_that_inputs_cannot_hold():
    """Windows that hang over are folded of what is there."""
    least = numbapool.PoolOp(
        "least", identity=lambda dtype: np.float64(np.inf), combine=lambda a, b: min(a, b),
        accumulator=lambda dtype: np.dtype(np.float64), result=lambda dtype: np.dtype(np.float64),
    )  # fmt: skip
    x = np.random.default_rng(0).integers(-100, 100, (2, 3, 20, 41)).astype(np.int16)
    want, _ = oracle.select(x, oracle.windows(x.shape, 3, 2, 1), -1)
    np.testing.assert_array_equal(numbapool.pool(x, least, (3, 3), 2, 1), want)


COUNT = {"combine": lambda a, b: a + b, "identity": lambda dtype: dtype.type(0)}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"accumulator": lambda dtype: np.dtype(np.int64)}, "accumulator must hold the taps"),
        ({"result": np.int64}, "result must be a function of the input's dtype"),
        ({"accumulator": "float64"}, "accumulator must be a function of the input's dtype"),
    ],
)
def test_types_that_are_not_what_they_should_be(given, says):
    op = numbapool.PoolOp("count", **COUNT, **given)
    with pytest.raises(TypeError, match=f"^op 'count': {says}"):
        numbapool.pool(np.ones((1, 9), np.float32), op, 3)


@pytest.mark.parametrize(
    ("name", "function", "takes"),
    [
        ("combine", lambda a: a, r"\(earlier, later\)"),
        ("finish", lambda value, count, more: value, r"\(folded, count\)"),
        ("lift", lambda: 1, r"\(tap\)"),
    ],
)
def test_functions_of_another_number_of_arguments(name, function, takes):
    with pytest.raises(TypeError, match=f"^{name} must take {takes}, got name='count' with"):
        numbapool.PoolOp("count", **COUNT | {name: function})
    numbapool.PoolOp("count", **COUNT, finish=lambda *both: both[0])
    numbapool.PoolOp("count", **COUNT, lift=lambda tap, by=2: tap * by)
