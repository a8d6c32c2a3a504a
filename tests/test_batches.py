"""Batches stream through a pooling; tests/cuda/test_pipeline.py runs these on a device, too."""

from __future__ import annotations

import gc
import itertools
import threading
import weakref

import numpy as np
import pytest

import numbapool
from numbapool import pool_batches

RNG = np.random.default_rng(0)
MIXED = [
    RNG.standard_normal((2, 3, 8, 8)).astype(np.float32),
    RNG.integers(0, 9, (1, 1, 4, 12)).astype(np.uint8),
    RNG.standard_normal((2, 9, 6, 6)).astype(np.float32).transpose(0, 1, 3, 2),
    np.zeros((0, 3, 8, 8), np.float32),
    RNG.standard_normal((2, 4, 4)).astype(np.float32),
]


@pytest.fixture
def target():
    return "cpu"


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    gc.collect()
    assert not [t for t in threading.enumerate() if t.name.startswith("numbapool-")]


def ones(count, size=4):
    return (np.full((1, 1, size, size), n, np.float32) for n in range(count))


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_results_are_those_of_single_calls_in_order(target, depth):
    got = list(pool_batches(iter(MIXED), numbapool.max_pool2d, 2, depth=depth, target=target))
    assert len(got) == len(MIXED)
    for mine, x in zip(got, MIXED, strict=True):
        want = numbapool.max_pool2d(x, 2, target="cpu")
        assert mine.dtype == want.dtype
        np.testing.assert_array_equal(mine, want)


def test_every_form_of_a_pooling(target):
    x = MIXED[0]
    values, indices = numbapool.max_pool2d(x, 3, 2, return_indices=True, target="cpu")
    layer = numbapool.MaxPool2d(3, 2, return_indices=True)
    for form, *args in [(layer,), (numbapool.max_pool2d, 3, 2, 0, 1, False, True)]:
        ((got, where),) = pool_batches([x], form, *args, target=target)
        np.testing.assert_array_equal(got, values)
        np.testing.assert_array_equal(where, indices)
    largest = numbapool.PoolOp(
        "largest", identity=lambda dtype: dtype.type(-9), better=lambda new, best: new > best
    )
    for op in ("max", largest):
        (got,) = pool_batches([x], op, (3, 3), stride=2, target=target)
        np.testing.assert_array_equal(got, values)

    def twice(batch):
        return numbapool.min_pool2d(numbapool.max_pool2d(batch, 2), 2)

    (got,) = pool_batches([x], twice, target=target)
    want = numbapool.min_pool2d(numbapool.max_pool2d(x, 2, target="cpu"), 2, target="cpu")
    np.testing.assert_array_equal(got, want)


def test_tensors_come_back_as_tensors(target):
    torch = pytest.importorskip("torch")
    batch = torch.arange(16.0).reshape(1, 1, 4, 4)
    for kind in (torch.float32, torch.bfloat16):
        (got,) = pool_batches([batch.to(kind)], numbapool.max_pool2d, 2, target=target)
        assert got.dtype == kind
        assert got.flatten().tolist() == [5, 7, 13, 15]


def test_the_next_batch_is_read_while_one_is_pooled():
    read = [threading.Event() for _ in range(3)]

    def source():
        for number, batch in enumerate(ones(3)):
            read[number].set()
            yield batch

    def pool(batch):
        assert read[int(batch.max()) + 1].wait(10) if batch.max() < 2 else True
        return batch

    assert len(list(pool_batches(source(), pool, depth=2))) == 3


def test_no_more_batches_live_than_the_depth(target):
    alive, most = [], []

    def source():
        for batch in ones(9):
            alive.append(weakref.ref(batch))
            most.append(sum(ref() is not None for ref in alive))
            yield batch
            del batch

    for got in pool_batches(source(), numbapool.max_pool2d, 2, depth=2, target=target):
        del got
    assert len(most) == 9
    assert max(most) <= 2 + 1  # the source's own frame holds the last as it makes the next


def test_batches_without_end_are_read_when_they_are_wanted(target):
    count = itertools.count()
    source = (np.full((1, 1, 4, 4), next(count), np.float32) for _ in itertools.repeat(None))
    results = pool_batches(source, numbapool.max_pool2d, 2, depth=2, target=target)
    assert [next(results).max() for _ in range(3)] == [0, 1, 2]
    results.close()
    assert next(count) <= 3 + 2 + 1
    with pytest.raises(StopIteration):
        next(results)
    dropped = pool_batches(ones(9), numbapool.max_pool2d, 2, target=target)
    next(dropped)
    del dropped  # and no thread is left: see the fixture


def test_one_stream_feeds_another(target):
    first = pool_batches(ones(9, 8), numbapool.max_pool2d, 2, target=target)
    second = pool_batches(first, numbapool.min_pool2d, 2, target=target)
    del first
    assert [next(second).max() for _ in range(2)] == [0, 1]
    second.close()  # and no thread is left of either


def test_an_error_of_the_source_comes_after_the_results_before_it(target):
    def source():
        yield from ones(2)
        raise OSError("the disk is gone")

    results = pool_batches(source(), numbapool.max_pool2d, 2, target=target)
    assert [next(results).max() for _ in range(2)] == [0, 1]
    with pytest.raises(OSError, match="the disk is gone"):
        next(results)


def test_a_bad_batch_is_named(target):
    for bad, kind, words in [
        (np.zeros((1, 1, 1, 4)), ValueError, r"batch 2, of shape \(1, 1, 1, 4\): kernel_size=2"),
        (np.zeros((1, 4, 4), object), TypeError, r"batch 2, of shape \(1, 4, 4\): input must be"),
        ([[1.0]], TypeError, "batch 2, list: input must be a NumPy array"),
    ]:
        results = pool_batches(
            itertools.chain(ones(2), [bad], ones(9)), numbapool.max_pool2d, 2, target=target
        )
        assert [next(results).max() for _ in range(2)] == [0, 1]
        with pytest.raises(kind, match=words):
            next(results)
        with pytest.raises(StopIteration):
            next(results)


def test_an_error_keeps_no_batch(target):
    gc.disable()
    try:
        batch = np.zeros((1, 1, 1, 1))
        kept = weakref.ref(batch)
        results = pool_batches([batch], numbapool.max_pool2d, 2, target=target)
        with pytest.raises(ValueError, match="batch 0") as raised:
            next(results)
        del batch, results, raised
        assert kept() is None
    finally:
        gc.enable()


def test_bad_arguments_are_refused_at_once(target):
    for kind, words, given in [
        (ValueError, "depth must be an int from 1 to .* got depth=0", {"depth": 0}),
        (TypeError, "depth must hold ints, got True", {"depth": True}),
        (ValueError, "target must be one of cpu, cuda", {"target": "gpu"}),
        (ValueError, "out must be None", {"out": np.zeros(1)}),
        (ValueError, "pool must be a function, .* got pool='median'", {"pool": "median"}),
        (TypeError, "batches must be iterable, got int", {"batches": 3}),
    ]:
        options = {"batches": [], "pool": "max", "target": target} | given
        with pytest.raises(kind, match=words):
            pool_batches(**options)


def test_a_layer_can_be_told_where(target):
    layer = numbapool.MaxPool2d(2, target=target)
    np.testing.assert_array_equal(layer(MIXED[0], target="cpu"), layer(MIXED[0]))
