"""`numbapool.pool_batches` on a device: what is tested of it on the CPU, and what is its own."""

from __future__ import annotations

import gc
import weakref

import ml_dtypes
import numpy as np
import pytest
import test_batches
from numba import cuda
from test_batches import *  # noqa: F403
from test_batches import _no_thread_is_left  # noqa: F401

import numbapool
from numbapool import pool_batches
from numbapool.cli import main
from numbapool.cuda import pipeline
from numbapool.cuda.program import Program

X = test_batches.MIXED[0]


@pytest.fixture
def target():
    return "cuda"


@pytest.fixture
def slots(monkeypatch):
    """All slots that are made."""
    made = []

    class Seen(pipeline.OnDevice):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(pipeline, "OnDevice", Seen)
    return made


def test_kernels_run_on_the_streams_of_their_slots(slots, monkeypatch):
    streams, launch = [], Program.launch

    def seen(self, stream, *args):
        streams.append(stream)
        launch(self, stream, *args)

    monkeypatch.setattr(Program, "launch", seen)
    assert len(list(pool_batches([X] * 5, "max", (2, 2), depth=2, target="cuda"))) == 5
    assert set(map(id, streams)) == {id(slot.stream) for slot in slots}
    assert len(slots) == 2


def test_memory_is_used_again_and_grows(slots):
    sizes = [4, 4, 8, 2, 8]
    results = pool_batches(
        (np.full((1, 1, n, n), n, np.float32) for n in sizes), numbapool.max_pool2d, 2,
        return_indices=True, depth=1, target="cuda",
    )  # fmt: skip
    seen = []
    for values, _ in results:
        (slot,) = slots
        seen.append([id(buffer) for buffer in (*slot.pinned.buffers, *slot.there.buffers)])
        assert slot.pinned.buffers[0].size >= values.size * 4 * 4
    assert list(map(len, seen)) == [6] * 5  # input, values, indices; here and there
    assert seen[0] == seen[1]
    assert seen[2] == seen[3] == seen[4]
    assert slot.there.buffers == slot.pinned.buffers == []


@pytest.mark.parametrize("end", ["last", "closed", "source", "batch"])
def test_everything_is_released(end, slots):
    def source():
        yield from [X] * 4
        if end == "source":
            raise OSError
        yield X[0, 0, 0] if end == "batch" else X

    results = pool_batches(source(), numbapool.max_pool2d, 2, target="cuda")
    next(results)
    made = [b for s in slots for b in (*s.pinned.buffers, *s.there.buffers)]
    buffers = [weakref.ref(b) for b in made if b is not None]  # one may be about to be made
    del made
    assert buffers
    if end == "closed":
        results.close()
    elif end == "last":
        assert len(list(results)) == 4
    else:
        with pytest.raises((OSError, ValueError)):
            list(results)
    gc.collect()
    assert all(buffer() is None for buffer in buffers)


def test_large_batches_are_copied_by_several_threads(monkeypatch):
    monkeypatch.setattr(pipeline, "SHARE", 64)
    monkeypatch.setattr(pipeline, "COPIERS", 3)
    for x in (X, X[:, :, ::2], X.astype(">f4")):
        (got,) = pool_batches([x], numbapool.max_pool2d, 2, target="cuda")
        np.testing.assert_array_equal(got, numbapool.max_pool2d(x, 2, target="cpu"))


def test_layouts_and_dtypes_of_their_own():
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(np.repeat(X, 4, 1), 1, -1)), -1, 1)
    flipped = X[:, :, ::-1]
    brain = X.astype(ml_dtypes.bfloat16)
    for x in (last, flipped, brain):
        want = numbapool.max_pool2d(x, 2, target="cpu")
        (got,) = pool_batches([x], numbapool.max_pool2d, 2, target="cuda")
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got.astype(np.float32), want.astype(np.float32))
    assert got is not want


def test_the_default_target_is_heeded(slots):
    numbapool.set_default_target("cuda")
    list(pool_batches([X], "max", (2, 2)))
    assert len(slots) == 3
    (got,) = pool_batches([X], "max", (2, 2), target="cpu")
    (layered,) = pool_batches([X], numbapool.MaxPool2d(2), target="cpu")
    assert len(slots) == 3
    np.testing.assert_array_equal(got, layered)


def test_what_is_no_batch_of_the_host_or_no_result_is_refused():
    with pytest.raises(TypeError, match=r"batch 0, of shape .*: input must be"):
        list(pool_batches([cuda.to_device(X)], "max", (2, 2), target="cuda"))
    with pytest.raises(TypeError, match=r"batch 0, .* pool must give arrays, got int"):
        list(pool_batches([X], lambda batch: 1, target="cuda"))


def test_the_command_pools_there(slots, tmp_path):
    np.save(tmp_path / "x.npy", np.repeat(X, 3, 0))
    for target in ("cpu", "cuda"):
        out = [str(tmp_path / f"{name}-{target}.npy") for name in ("y", "where")]
        options = ["-k", "2", "--batch", "2", "--target", target, "-q"]
        assert main(
            ["pool", str(tmp_path / "x.npy"), "-o", out[0], "--indices", out[1], *options]
        ) == 0
        assert len(slots) == (0 if target == "cpu" else 3)
    for name in ("y", "where"):
        got, want = (np.load(tmp_path / f"{name}-{target}.npy") for target in ("cuda", "cpu"))
        np.testing.assert_array_equal(got, want)
