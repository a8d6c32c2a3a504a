"""Large results lie in memory that earlier ones had, and in nobody's who still looks at them."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

import numbapool
from numbapool import results

SHAPE = (1, 9, 1024, 1024)  # its result is one of 36 MB


@pytest.fixture(autouse=True)
def nothing_kept():
    numbapool.set_kept_memory(0)
    numbapool.set_kept_memory(100_000_000)
    yield
    numbapool.set_kept_memory(0)
    numbapool.set_kept_memory()


def kept():
    return sum(block.nbytes for block in results._Lent.free)


def pooled(x=None, **options):
    x = np.ones(SHAPE, np.float32) if x is None else x
    return numbapool.max_pool2d(x, 1, **options)


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_that_is_free_is_used_again():
    first = pooled()
    there, size = address(first), first.nbytes
    assert size > results.LARGE
    assert kept() == 0
    del first
    assert kept() == size
    again = pooled(np.full(SHAPE, 2, np.float32))
    assert address(again) == there
    assert kept() == 0
    assert (again == 2).all()
    assert again.flags.writeable
    assert again.flags.c_contiguous


@pytest.mark.parametrize("view", [
    lambda a: a[0, 3, ::2], lambda a: a.view(np.uint8)[..., 1:3], torch.from_numpy, memoryview,
    np.from_dlpack, lambda a: torch.from_numpy(a)[0, 1], lambda a: a.ctypes.data_as,
])  # fmt: skip
def test_what_somebody_looks_at_is_not_free(view):
    seen = view(pooled())
    other = pooled(np.full(SHAPE, 2, np.float32))
    assert kept() == 0
    if hasattr(seen, "shape"):
        assert not (np.asarray(seen) == 2).any()
    del seen, other
    gc.collect()
    assert kept() > 0


def test_pairs_of_values_and_indices():
    x = np.random.default_rng(0).standard_normal((1, 5, 1024, 1024)).astype(np.float64)
    for _ in range(3):
        values, where = pooled(x, return_indices=True)
        np.testing.assert_array_equal(values, x)
        np.testing.assert_array_equal(where[0, 0], np.arange(2**20).reshape(1024, 1024))
    del values, where
    assert kept() == 2 * x.nbytes
    there = {address(block) for block in results._Lent.free}
    assert {address(each) for each in pooled(x, return_indices=True)} == there


def test_a_tensor_is_one_of_torchs():
    x = torch.ones(SHAPE, dtype=torch.bfloat16).repeat(1, 2, 1, 1)
    first = numbapool.max_pool2d(x, 1)
    there = first.data_ptr()
    assert first.dtype == torch.bfloat16
    del first
    gc.collect()
    assert numbapool.max_pool2d(x, 1).data_ptr() == there


def test_no_more_is_kept_than_may_be():
    alive = [pooled() for _ in range(4)]
    del alive
    size = pooled().nbytes
    assert kept() == 2 * size  # of 100 MB
    small = numbapool.max_pool2d(np.ones((1, 1, 8, 8), np.float32), 2)
    assert small.base is None
    assert kept() == 2 * size
    other = pooled(np.ones((1, 10, 1024, 1024), np.float32))  # of another size
    assert kept() == 2 * size
    bytes_of_other = other.nbytes
    del other
    assert kept() == size + bytes_of_other  # what came back first is let go
    numbapool.set_kept_memory(size)
    assert kept() == 0
    pooled()
    assert kept() == size
    numbapool.set_kept_memory(10)
    assert kept() == 0
    pooled()
    assert kept() == 0


@pytest.mark.parametrize(("most", "error"), [(-1, ValueError), (1.5, TypeError), (None, TypeError)])
def test_what_may_be_kept_is_a_number_of_bytes(most, error):
    with pytest.raises(error, match=f"most={most!r}"):
        numbapool.set_kept_memory(most)
    pooled()
    assert kept() > 0


def test_threads_never_share_a_result():
    wrong = []

    def work(value):
        x = np.full((1, 9, 1024, 1024), value, np.float32)
        for _ in range(6):
            result = pooled(x, num_threads=1)
            if not (result == value).all():
                wrong.append(value)

    team = [threading.Thread(target=work, args=(value,)) for value in range(3)]
    for each in team:
        each.start()
    for each in team:
        each.join()
    assert not wrong
    assert kept() <= 100_000_000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others keep memory otherwise")
@pytest.mark.parametrize("planes", [1, 2, 5])
def test_results_that_are_not_large_keep_their_pages(planes):
    code = f"""
import numpy, numbapool, resource
x = numpy.ones((1, {planes}, 256, 256), "f4")
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def pool(index_dtype):
    numbapool.max_pool2d(x, 63, 1, 31, return_indices=True, index_dtype=index_dtype, num_threads=1)
for index_dtype in ("int32", "int64"):
    pool(index_dtype), pool(index_dtype)
    before = faults()
    for _ in range(20):
        pool(index_dtype)
    print((faults() - before) // 20)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(int(each) < 50 for each in done.stdout.split()), done.stdout


def test_a_process_may_end_with_large_results():
    code = f"""
import numpy, numbapool, sys
x = numpy.ones({SHAPE}, "f4")
kept = numbapool.max_pool2d(x, 1)
sys.kept = numbapool.max_pool2d(x, 1), numbapool
numbapool.kept = numbapool.max_pool2d(x, 1)
numbapool.max_pool2d(x, 1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_gradients_lie_there_too():
    x = np.ones(SHAPE, np.float32)
    grad = np.ones((1, 9, 512, 512), np.float32)
    args = grad, x, 2
    there = address(numbapool.soft_pool2d_backward(*args))
    assert there in {address(block) for block in results._Lent.free}
    assert address(numbapool.soft_pool2d_backward(*args)) == there
