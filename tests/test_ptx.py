"""Every kernel of the CUDA target compiles for every GPU in use, with no GPU, to what it should.

All kernels, operations and dtypes are gone through with the profile of many draws; without it a
sample of them, in which each has its turn. Each is lowered once, and made PTX of each
capability from that.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from numba.core.types import none
from numba.np.numpy_support import from_dtype
from strategies import few

from numbapool.geometry import Bins, Sliding
from numbapool.ops import OPS, exponential, mixed, power, quantile, variance
from numbapool.ops.base import BFLOAT16, double, omitting

pytest.importorskip("numba_cuda", reason="pip install numbapool[cuda13]")

from numba import cuda
from ptx import CAPABILITIES, lowered, steps

from numbapool.cuda import launches

FLOATS = [np.dtype(name) for name in ("float32", "float16", "float64")] + [BFLOAT16]
OTHERS = [np.dtype(name) for name in ("int8", "bool", "int64", "uint16", "int32", "uint64")]
COMPLEX = [np.dtype("complex64"), np.dtype("complex128")]
DTYPES = [FLOATS[0], OTHERS[0], *FLOATS[1:3], OTHERS[1], FLOATS[3], *OTHERS[2:]]
FOLDS = [*OPS.values(), power.lp(2.0, 9, False), power.power_average(2.5),
         power.generalized_mean(3.0, 1e-6)]  # fmt: skip
SEEN = [quantile.MEDIAN, variance.variance(0.0, True), exponential.SOFT, mixed.mixed(0.5),
        exponential.log_sum_exp(1.0, False), omitting(OPS["avg"]),
        omitting(OPS["max"])]  # fmt: skip
#: A layer for each kernel: its axes, from the last to the first, and whether arrays are aligned.
SLIDING = [Sliding(256, 3, 2, 1, 1), Sliding(32, 3, 1), Sliding(8, 2, 2)]
LAYERS = {
    "runs": (SLIDING, True), "sliding": (SLIDING, False), "windows": ([Bins(17, 9)] * 3, True),
    "teams": ([Bins(100, 3)] * 2, True), "passes": ([Sliding(20, 9, 1, 4, 4)] * 2, True),
    "doubled": ([Sliding(100, 15, 1, 7, 7)] * 2, True),
}  # fmt: skip


def cases():
    """(kernel, op, dtype, number of axes, indexed)"""
    every, some = [], []
    for at, op in enumerate([*FOLDS, *SEEN]):
        plain = op.combine is not None and op.lift is None
        dtypes = [*DTYPES, *(COMPLEX if plain else [])]
        kernels = list(LAYERS) if op in FOLDS else ["gathered"]
        for turn, kernel in enumerate(kernels):
            for number, dtype in enumerate(dtypes):
                if kernel == "runs" and dtype.kind == "c":
                    continue
                axes = 2 if kernel in ("teams", "passes", "doubled") else 1 + (number + turn) % 3
                indexed = op.better is not None and number % 2 == turn % 2
                every.append((kernel, op, dtype, axes, indexed))
                if (number - 2 * at - 3 * turn) % 17 == 0:
                    some.append(every[-1])
    return few(every, some)


CASES = cases()


def label(case):
    kernel, op, dtype, axes, indexed = case
    kind = "bfloat16" if dtype == BFLOAT16 else dtype
    return f"{kernel}-{op.name}-{kind}-{axes}d{'-indexed' * indexed}"


@pytest.mark.parametrize("case", CASES, ids=[*map(label, CASES)])
def test_kernels_compile_without_a_gpu(case):
    kernel, op, dtype, count, indexed = case
    axes, aligned = LAYERS.get(kernel, (SLIDING, True))
    wide = double in (op.accumulator, op.result) or dtype.kind in "iub" or dtype.itemsize > 4
    wide |= op is quantile.MEDIAN  # a place among the taps is reckoned as it is on the CPU
    for step, function, types in steps(op, axes[:count][::-1], dtype, indexed, aligned):
        names = {"sliding": ["windows"], "passes": ["runs", "windows"]}
        assert step.name in names.get(kernel, [kernel])
        library = lowered(function, types)
        for capability in CAPABILITIES:
            ptx = library.get_asm_str(cc=capability)
            assert ".local" not in ptx, "a thread's arrays must not go to memory"
            assert not re.search(r"(div|rem)\.[us]64", ptx)
            if not wide:
                assert ".f64" not in ptx, "a GPU has few units for float64"
            if kernel == "runs":
                most = r"\.nc\.v(4\.[a-z]32|2\.[a-z]64)"
                assert re.search(r"ld\.global" + most, ptx), "16 bytes are read at once"


@pytest.mark.parametrize(
    ("kernel", "window"), [("runs", (3, 1, 1, 1)), ("doubled", (31, 1, 15, 15))]
)
def test_planes_of_billions_are_told_in_64_bits(kernel, window):
    axes = [Sliding(2**16, *window)] * 2
    for step, function, types in steps(OPS["max"], axes, FLOATS[0], True, True, 1):
        assert (step.name, step.words.dtype) == (kernel, np.uint64)
        assert ".local" not in lowered(function, types).get_asm_str(cc=CAPABILITIES[0])


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
    assert launches._told(None) == (none, [0])
