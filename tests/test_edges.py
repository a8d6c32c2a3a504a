"""Nothing outside an array is touched: arrays that lie at the very edge of what can be."""

from __future__ import annotations

import ctypes
import mmap

import numpy as np
import pytest

import numbapool

if not hasattr(mmap, "PROT_READ"):
    pytest.skip("pages cannot be closed here", allow_module_level=True)

LIBRARY = ctypes.CDLL(None, use_errno=True)
CLOSED = 0

WINDOWS = [(2, 2, 0), (3, 1, 1), (7, 7, 0), (7, 1, 3)]
SHAPES = [(3, 7, 7), (1, 12, 70), (66, 9, 7)]


def between_closed_pages(shape, dtype, at_the_end):
    """An empty array that begins or ends where the process must not look, and its pages."""
    size, page = int(np.prod(shape)) * np.dtype(dtype).itemsize, mmap.PAGESIZE
    inside = -(-size // page) * page
    pages = mmap.mmap(-1, inside + 2 * page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    for closed in (address, address + page + inside):
        assert LIBRARY.mprotect(ctypes.c_void_p(closed), page, CLOSED) == 0
    start = page + inside - size if at_the_end else page
    memory = (ctypes.c_char * size).from_address(address + start)
    return np.frombuffer(memory, dtype).reshape(shape), pages


@pytest.mark.parametrize("at_the_end", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("window", WINDOWS)
def test_nothing_outside_is_touched(window, dtype, at_the_end):
    for shape in SHAPES:
        kernel, stride, padding = window
        x = (np.random.default_rng(0).standard_normal(shape) * 20).astype(dtype)
        wanted = numbapool.max_pool2d(x, kernel, stride, padding, return_indices=True)
        there, pages = between_closed_pages(shape, dtype, at_the_end)
        there[...] = x
        outs, more = zip(*(
            between_closed_pages(each.shape, each.dtype, at_the_end) for each in wanted
        ), strict=True)  # fmt: skip
        found = numbapool.max_pool2d(there, kernel, stride, padding, return_indices=True, out=outs)
        for got, want in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(got, want)
        del there, outs, found, got, pages, more


@pytest.mark.parametrize("at_the_end", [False, True])
@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
def test_rows_that_end_in_the_middle_of_a_vector(name, at_the_end):
    """They are read past their end, and written, where the next row follows."""
    x = np.random.default_rng(0).standard_normal((130, 4, 14), np.float32)
    wanted = getattr(numbapool, name)(x, 2)
    there, pages = between_closed_pages(x.shape, x.dtype, at_the_end)
    out, more = between_closed_pages(wanted.shape, wanted.dtype, at_the_end)
    there[...] = x
    np.testing.assert_array_equal(getattr(numbapool, name)(there, 2, out=out), wanted)
    del there, out, pages, more


@pytest.mark.parametrize("shape", [(1, 4, 4), (5, 6, 5), (33, 8, 6), (4, 12, 7)])
def test_rows_of_a_few_bytes(shape):
    """A vector reaches over several of them."""
    x = np.random.default_rng(0).integers(-99, 99, shape).astype(np.int8)
    height, width = (size // 2 for size in shape[1:])
    blocks = x[..., : 2 * width].reshape(-1, height, 2, width, 2)
    out, pages = between_closed_pages((shape[0], height, width), np.int8, True)
    numbapool.max_pool2d(x, 2, out=out)
    np.testing.assert_array_equal(out, blocks.max((2, 4)))
    del out, pages
