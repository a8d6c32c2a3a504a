"""What the table of all poolings says runs on a GPU gives there what it gives on the CPU."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from numba import cuda
from strategies import few
from test_features import EVERY, features, parts

ON_A_GPU = [(kind, dims) for kind, dims in EVERY if features.takes(kind, dims, "target")]
# Halves, an integer and a complex number; float32 is what all other tests are of.
DTYPES = {"bfloat16": ml_dtypes.bfloat16, "int16": np.int16, "complex64": np.complex64}


def array(dims, dtype):
    return (np.random.default_rng(dims).integers(1, 9, (1, 2, *(5,) * dims)) / 2).astype(dtype)


def same(got, want):
    if got.dtype == ml_dtypes.bfloat16:
        np.testing.assert_allclose(got.astype(np.float32), want, 1e-2)
    else:
        np.testing.assert_allclose(got, want, 1e-5, 1e-6)


SOME = ("max", "avg", "median")  # in other dimensions than two


@pytest.mark.parametrize(
    ("kind", "dims"), few(ON_A_GPU, [(kind, n) for kind, n in ON_A_GPU if n == 2 or kind in SOME])
)
def test_as_on_the_cpu(kind, dims):
    pool = features.function(kind, dims)
    # Of every kind another dtype than float32, in turn. The CPU has what they hold as float32, for
    # which it has code, and tells their types from no pictures at all.
    names = [name for name in DTYPES if features.accepts(kind, DTYPES[name])]
    x = array(dims, DTYPES[names[(features.KINDS.index(kind) + dims) % len(names)]])
    args, options = features.arguments(kind)
    seen = x if kind == "stochastic" else x.real.astype(np.float32)  # draws are of a type, too
    want = parts(pool(seen, *args, **options))
    none = parts(pool(x[:0], *args, **options))
    args, options = features.arguments(kind)  # what is drawn is drawn anew
    got = parts(pool(x, *args, **options, target="cuda"))
    for one, other, empty in zip(got, want, none, strict=True):
        assert one.dtype == empty.dtype
        same(one, other)


@pytest.mark.parametrize(
    ("kind", "dims"), few([case for case in ON_A_GPU if case[1] == 2],
                          [("max", 2), ("avg", 2), ("fractional_max", 2), ("adaptive_min", 2)])
)  # fmt: skip
def test_channels_last_and_indices(kind, dims):
    pool = features.function(kind, dims)
    x = np.moveaxis(np.repeat(array(dims, np.float32), 5, 1), 1, -1).copy()
    args, options = features.arguments(kind)
    want = pool(x, *args, **options, data_format="channels_last")
    indexed = features.takes(kind, dims, "return_indices")
    options |= {"return_indices": True} if indexed else {}
    options |= {"rng": np.random.default_rng(0)} if "rng" in options else {}
    got = pool(cuda.to_device(x), *args, **options, data_format="channels_last")
    both = (got, want) if isinstance(want, tuple) else (got[:1] if indexed else (got,), (want,))
    for one, other in zip(*both, strict=True):
        same(one.copy_to_host(), other)
    if indexed:
        planes = np.moveaxis(x, -1, 1).reshape(1, 10, -1)
        places = np.moveaxis(got[1].copy_to_host(), -1, 1).reshape(1, 10, -1)
        taken = np.take_along_axis(planes, places, -1)
        np.testing.assert_array_equal(taken.ravel(), np.moveaxis(want, -1, 1).ravel())
