"""Every kernel of the CUDA target compiles for every GPU in use, with no GPU, to what it should.

Kernels, operations and dtypes are gone through together, and compute capabilities in turn.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from numba.core.types import none, uintp
from numba.np.numpy_support import from_dtype

from numbapool.ops import OPS, exponential, mixed, power, quantile, variance
from numbapool.ops.base import BFLOAT16, double, omitting

pytest.importorskip("numba_cuda", reason="pip install numbapool[cuda13]")

from numba import cuda

from numbapool.cuda import api
from numbapool.cuda.program import MAKERS
from numbapool.cuda.scalars import fitting, scalars, stored
from numbapool.cuda.windows import Uniform

CAPABILITIES = ((7, 5), (8, 0), (9, 0), (10, 0))
FLOATS = [np.dtype(name) for name in ("float32", "float64", "float16")] + [BFLOAT16]
OTHERS = [np.dtype(name) for name in ("bool", "int8", "int64", "uint16", "int32", "uint64")]
COMPLEX = [np.dtype("complex64"), np.dtype("complex128")]
FOLDS = [*OPS.values(), power.lp(2.0, 9, False), power.power_average(2.5),
         power.generalized_mean(3.0, 1e-6)]  # fmt: skip
SEEN = [quantile.MEDIAN, variance.variance(0.0, True), exponential.SOFT, mixed.mixed(0.5),
        exponential.log_sum_exp(1.0, False), omitting(OPS["avg"]),
        omitting(OPS["max"])]  # fmt: skip


def cases():
    """(kernel, more arguments of it, op, dtype, axes, indexed)"""
    found = []
    for op in FOLDS:
        sums = op.combine is not None and op.lift is None
        others = [*OTHERS, *(COMPLEX if sums else [])] if op.name in ("max", "sum") else OTHERS[:2]
        for number, dtype in enumerate([*FLOATS, *others]):
            indexed = op.better is not None and number % 2 == 0
            axes = 1 + number % 3
            each = (3,) * axes, (2,) * axes, (1,) * axes
            uniform = Uniform(*each, number % 4 == 1) if number % 2 else None
            placed = indexed and number % 4 == 2
            found.append(("windows", (uniform, placed), op, dtype, axes, indexed))
            if number % 3 == 0:
                found.append(("teams", (32, 1 + number % 8), op, dtype, 1 + number % 2, indexed))
    for number, op in enumerate(SEEN):
        for dtype in (FLOATS[number % 4], OTHERS[number % 6]):
            found.append(("gathered", (True,), op, dtype, 2, op.better is not None))
    return found


def compiled(name, more, op, dtype, axes, indexed, capability):
    op = fitting(op, dtype)
    s = scalars(op, dtype, 0)
    kernel = MAKERS[name](s, axes, None, np.uint32, np.int64, indexed, *more)
    kinds = [stored(dtype), stored(op.result(dtype)), np.int64, np.uint32]
    types = [from_dtype(np.dtype(kind))[::1] for kind in kinds]
    types[2] = types[2] if indexed else none
    if name == "gathered":
        types.append(from_dtype(s.kind)[::1, :])
    if name != "gathered":
        types.append(types[2] if name == "windows" and more[1] else none)
    return cuda.compile_ptx(kernel, tuple(types), cc=capability)[0]


CASES = cases()


def label(case):
    name, more, op, dtype, axes, indexed = case
    kind = "bfloat16" if dtype == BFLOAT16 else dtype
    return f"{name}-{sum(map(bool, more))}-{op.name}-{kind}-{axes}d{'-indexed' * indexed}"


@pytest.mark.parametrize("number", range(len(CASES)), ids=[*map(label, CASES)])
def test_kernels_compile_without_a_gpu(number):
    case = CASES[number]
    _, _, op, dtype, *_ = case
    ptx = compiled(*case, CAPABILITIES[number % 4])
    assert ".local" not in ptx, "a thread's arrays must not go to memory"
    assert not re.search(r"(div|rem)\.[us]64", ptx)
    wide = double in (op.accumulator, op.result) or dtype.kind in "iub" or dtype.itemsize > 4
    wide |= op is quantile.MEDIAN  # a place among the taps is reckoned as it is on the CPU
    if not wide:
        assert ".f64" not in ptx, "a GPU has few units for float64"


def test_none_takes_the_place_of_a_pointer():
    """Which is what launches pass for it."""

    def kernel(out, places, values):
        if places is None:
            out[0] = values[0]

    array = from_dtype(np.dtype(np.float32))[::1]
    ptx = cuda.compile_ptx(kernel, (array, none, array), cc=(9, 0))[0]
    each = len(re.findall(r"\.param \.u64", cuda.compile_ptx(
        lambda out: None, (array,), cc=(9, 0))[0]))  # fmt: skip
    assert len(re.findall(r"\.param \.u64", ptx)) == 2 * each + 1
    assert api.Absent.prepare_args(none, None, stream=0, retr=[]) == (uintp, 0)
