"""The kernels of the CUDA target besides poolings compile for every GPU in use, with no GPU."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numba.core.types import int64, none
from numba.np.numpy_support import from_dtype

from numbapool import blur, elementwise, gradients, stochastic
from numbapool.ops.base import BFLOAT16
from numbapool.reductions import REDUCTIONS, op_of

pytest.importorskip("numba_cuda", reason="pip install numbapool[cuda13]")

from ptx import CAPABILITIES, lowered
from strategies import few

from numbapool.cuda import elementwise as mapping
from numbapool.cuda import regions, scatter, slopes
from numbapool.cuda.scalars import stored

F32, F64, I64, U32 = (np.dtype(name) for name in ("float32", "float64", "int64", "uint32"))
FORMULAS = [
    (elementwise.itself, 1), (elementwise.quotient, 2), (elementwise.product, 2),
    (elementwise.added, 2), (elementwise.larger, 2), (elementwise.is_number, 1),
    (gradients._by_three, 4), (gradients._share, 4), (gradients._part, 3),
    (gradients._part_of_magnitude, 3), (stochastic._mean, 2), (stochastic._number_or_nan, 2),
    (blur._number_or, 2),
]  # fmt: skip


def arrays(*kinds, axes=1):
    tail = (slice(None),) * (axes - 1) + (slice(None, None, 1),)
    return [from_dtype(stored(kind))[tail[0] if axes == 1 else tail] for kind in kinds]


def cases():
    """A label, a kernel, the types that it is called with, and whether it may use float64."""
    for formula, count in FORMULAS:
        for kind in (F32, BFLOAT16) if count == 1 else (F32,):
            given = arrays(*[kind] * count) + [none] * (mapping.MOST - count)
            kernel = mapping.make_map(formula, (kind,) * count, F32, U32)
            yield formula.__name__, kernel, [*arrays(F32, U32), *given], False
    for number in (np.dtype(np.int32), I64):
        yield "link", scatter.make_link(number), [*arrays(I64, number, number), *[int64] * 3], False
    for rule in (scatter.LAST, scatter.SUM, scatter.MAX):
        given = [*arrays(F32, U32, U32, F32), int64, int64]
        yield f"settle{rule}", scatter.make_settle(F32, rule, rule == scatter.SUM), given, False
    given = [*arrays(BFLOAT16, I64, BFLOAT16), *[int64] * 4]
    yield "take", scatter.make_take(BFLOAT16), given, False
    for kind in few([*REDUCTIONS], ["median", "gem"]):
        options = REDUCTIONS[kind][1]
        op = op_of(kind, kind, {"q": 0.5} if "q" in options else {})
        given = [*arrays(F32, F32, U32), int64, int64, *arrays(F64, F64, I64, axes=2)]
        yield f"slopes-{kind}", slopes.make_back(op, F32, 2, U32), given, True
    tables = arrays(I64), arrays(I64, I64, axes=3)
    given = [*arrays(F32), *tables[0], *tables[1], *arrays(F32, I64), *[int64] * 3]
    yield "bins", regions.make_bins(F32), given, False
    for rule in range(3):
        tables = arrays(I64, I64, I64, F64, F64, axes=2)
        given = [*arrays(F32), *tables, *arrays(F32), *[int64] * 5]
        yield f"points{rule}", regions.make_points(F32, rule), given, True


CASES = [*cases()]


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_kernels_compile_without_a_gpu(number):
    _, kernel, types, wide = CASES[number]
    library = lowered(kernel, tuple(types))
    for capability in CAPABILITIES:
        ptx = library.get_asm_str(cc=capability)
        assert ".local" not in ptx, "a thread's arrays must not go to memory"
        if not wide:
            assert ".f64" not in ptx, "a GPU has few units for float64"
            assert not re.search(r"(div|rem)\.[us]64", ptx)
