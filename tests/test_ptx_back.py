"""The kernels of the CUDA target besides poolings compile for every GPU in use, with no GPU."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numba.core.types import int64, none
from numba.np.numpy_support import from_dtype

from numbapool import bases, blur, elementwise, gradients, stochastic
from numbapool.ops.base import BFLOAT16
from numbapool.reductions import REDUCTIONS, op_of

pytest.importorskip("numba_cuda", reason="pip install numbapool[cuda13]")

from ptx import CAPABILITIES, lowered
from strategies import few

from numbapool.cuda import elementwise as mapping
from numbapool.cuda import regions, scatter, slopes
from numbapool.cuda.scalars import stored

F32, F64, F16, I64, U32 = (
    np.dtype(name) for name in ("float32", "float64", "float16", "int64", "uint32")
)
#: What kernels read as it is; 16-bit floats come widened where they are reckoned with.
NUMBERS = [F32, F64, *map(np.dtype, (
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"
))]  # fmt: skip
READ = few(NUMBERS, [F32])
FORMULAS = [
    (elementwise.itself, 1), (elementwise.quotient, 2), (elementwise.product, 2),
    (elementwise.added, 2), (elementwise.larger, 2), (elementwise.is_number, 1),
    (gradients._by_three, 4), (gradients._share, 4), (gradients._part, 3),
    (gradients._part_of_magnitude, 3), (stochastic._mean, 2), (stochastic._number_or_nan, 2),
    (blur._number_or, 2),
]  # fmt: skip


#: Of indices; they divide by sizes that may be past 32 bits.
OF_INDICES = [(bases._coordinate, 3), (bases._joined, 3), (bases._tap, 3), (bases._place, 4),
              (bases._some, 2)]  # fmt: skip


def arrays(*kinds, axes=1):
    tail = (slice(None),) * (axes - 1) + (slice(None, None, 1),)
    return [from_dtype(stored(kind))[tail[0] if axes == 1 else tail] for kind in kinds]


def cases():
    """A label, a kernel, the types that it is called with, and whether it may use float64."""
    for formula, count in FORMULAS:
        for kind in few((F32, F64, F16, BFLOAT16), (F32, BFLOAT16 if count == 1 else F16)):
            given = arrays(*[kind] * count) + [none] * (mapping.MOST - count)
            result = F64 if kind == F64 else F32
            kernel = mapping.make_map(formula, (kind,) * count, result, U32)
            yield formula.__name__, kernel, [*arrays(result, U32), *given], kind == F64
    for formula, count in OF_INDICES:
        given = arrays(*[I64] * count) + [none] * (mapping.MOST - count)
        kernel = mapping.make_map(formula, (I64,) * count, I64, U32)
        yield formula.__name__, kernel, [*arrays(I64, U32), *given], True
    for number in (np.dtype(np.int32), I64):
        yield "link", scatter.make_link(number), [*arrays(I64, number, number), *[int64] * 3], False
    for kind in READ:
        for rule in (scatter.LAST, scatter.SUM, scatter.MAX):
            given = [*arrays(kind, U32, U32, kind), int64, int64]
            kernel = scatter.make_settle(kind, rule, rule == scatter.SUM)
            yield f"settle{rule}-{kind}", kernel, given, kind == F64
    for kind in (F16, BFLOAT16):
        given = [*arrays(kind, U32, U32, kind), int64, int64]
        yield "settle-halves", scatter.make_settle(kind, scatter.LAST, False), given, False
    for kind in few([*NUMBERS, F16, BFLOAT16], [F16, BFLOAT16]):
        given = [*arrays(kind, I64, kind), *[int64] * 4]
        yield "take", scatter.make_take(kind), given, kind == F64
    for kind in few([*REDUCTIONS], ["median", "gem"]):
        options = REDUCTIONS[kind][1]
        op = op_of(kind, kind, {"q": 0.5} if "q" in options else {})
        for dtype in few((F32, F64), (F32,)):
            given = [*arrays(dtype, F32, U32), int64, int64, *arrays(F64, F64, I64, axes=2)]
            yield f"slopes-{kind}-{dtype}", slopes.make_back(op, dtype, 2, U32), given, True
    for kind in READ:
        tables = arrays(I64), arrays(I64, I64, axes=3)
        given = [*arrays(kind), *tables[0], *tables[1], *arrays(kind, I64), *[int64] * 3]
        yield f"bins-{kind}", regions.make_bins(kind), given, kind == F64
        for rule in range(3):
            tables = arrays(I64, I64, I64, F64, F64, axes=2)
            given = [*arrays(kind), *tables, *arrays(kind), *[int64] * 5]
            yield f"points{rule}-{kind}", regions.make_points(kind, rule), given, True


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
