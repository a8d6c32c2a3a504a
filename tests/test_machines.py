"""Processors with fewer kinds of vectors: this one, told to leave out what it has."""

from __future__ import annotations

import pytest
from numba.core.codegen import get_host_cpu_features
from test_process import python

#: What is left out.
MACHINES = {"AVX2": ("avx512", "avx10"), "SSE": ("avx", "fma", "f16c", "xop", "vaes", "vpclmul")}

CODE = """
    import sys
    sys.path.append("tests")
    import numpy as np, numbapool, oracle
    from numbapool.cpu.machine import MASKS, VECTOR

    assert (MASKS, VECTOR) == (False, 32)
    rng = np.random.default_rng(0)
    for dtype, shape, kernel, stride, padding in (
        ("float32", (3, 9, 9), 3, 1, 1),  # rows that one vector holds
        ("int8", (2, 9, 90), 3, 2, 1),  # strips, with an edge on either side
        ("float32", (2, 13, 13), 9, 1, 4),
        ("uint8", (2, 7, 40), (7, 9), 7, 0),
    ):
        x = (rng.standard_normal(shape) * 20).astype(dtype)
        values, indices = numbapool.max_pool2d(x, kernel, stride, padding, return_indices=True)
        axes = oracle.windows(shape, kernel, stride, padding)
        wanted, where = oracle.select(x, axes, 1)
        np.testing.assert_array_equal(values, wanted)
        np.testing.assert_array_equal(indices, where)
"""


@pytest.mark.parametrize("machine", MACHINES)
def test_pools_the_same_without(machine, tmp_path):
    left_out = MACHINES[machine]
    features = [
        f"-{feature[1:]}" if feature[1:].startswith(left_out) else feature
        for feature in get_host_cpu_features().split(",")
    ]
    python(CODE, tmp_path, NUMBA_CPU_FEATURES=",".join(features))
