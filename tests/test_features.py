"""The table of all poolings says what there is, cell by cell."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import numbapool

DOCS = Path(__file__).resolve().parent.parent / "docs"
spec = importlib.util.spec_from_file_location("features", DOCS / "features.py")
features = importlib.util.module_from_spec(spec)
spec.loader.exec_module(features)

EVERY = [(kind, dims) for kind in features.KINDS for dims in (1, 2, 3)
         if features.function(kind, dims)]  # fmt: skip


def parts(result):
    return result if isinstance(result, tuple) else (result,)


def test_the_table_is_written():
    assert features.TABLE.read_text() == features.table(), "python docs/features.py writes it"


def test_no_pooling_is_left_out():
    names = {name.removesuffix("d")[:-1] for name in dir(numbapool) if "_pool" in name
             and name[-2:] in ("1d", "2d", "3d")}  # fmt: skip
    assert names == {f"{kind}_pool" for kind in features.KINDS}


@pytest.mark.parametrize("dtype", features.SAMPLES.values(), ids=features.SAMPLES)
@pytest.mark.parametrize(("kind", "dims"), EVERY)
def test_dtypes(kind, dims, dtype):
    """Those of the table are taken in any number of dimensions, others refused by name."""
    args, options = features.arguments(kind)
    x = np.zeros((0, 1, *(6,) * dims), dtype)
    if features.accepts(kind, dtype):
        first, *_ = parts(features.function(kind, dims)(x, *args, **options))
        assert first.shape[:2] == (0, 1)
        assert first.ndim == dims + 2
    else:
        with pytest.raises(TypeError, match="input must be"):
            features.function(kind, dims)(x, *args, **options)


@pytest.mark.parametrize(("kind", "dims"), EVERY)
def test_options(kind, dims):
    """An option is in the table if it is in every number of dimensions, and does something."""
    args, options = features.arguments(kind)
    pool = features.function(kind, dims)
    x = np.zeros((0, 1, *(6,) * dims), np.float32)
    want, *_ = parts(pool(x, *args, **options))
    for option in ("return_indices", "data_format", "nan_policy", "target"):
        assert features.takes(kind, dims, option) == features.takes(kind, 2, option)
    if features.takes(kind, dims, "return_indices"):
        values, indices = pool(x, *args, **options, return_indices=True)
        assert indices.shape == values.shape == want.shape
        assert indices.dtype == np.int64
    if features.takes(kind, dims, "data_format"):
        moved = np.moveaxis(x, 1, -1)
        last, *_ = parts(pool(moved, *args, **options, data_format="channels_last"))
        assert last.shape == np.moveaxis(want, 1, -1).shape
        with pytest.raises(ValueError, match="data_format must be"):
            pool(x, *args, **options, data_format="NHWC")
    if features.takes(kind, dims, "nan_policy"):
        with pytest.raises(ValueError, match="nan_policy must be one of"):
            pool(x, *args, **options, nan_policy="drop")
    if features.takes(kind, dims, "target"):
        there, *_ = parts(pool(x, *args, **options, target="cpu"))
        assert there.shape == want.shape
        with pytest.raises(ValueError, match="target must be one of"):
            pool(x, *args, **options, target="gpu")
