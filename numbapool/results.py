"""The memory of large results, kept for the next ones.

The C library gives blocks of 32 MB and more back to the system as soon as they are free, so calls
that make such results wait for their pages again and again, which can take longer than the pooling.
So memory is lent to a large result, comes back when the last view of it is gone, and is lent to the
next result of its size.

Smaller ones the C library keeps, once it has seen that large blocks are freed: up to twice the
largest that ever was. Until then some lose their pages, too, by the order of their sizes.
"""

from __future__ import annotations

import operator
from math import prod
from typing import ClassVar

import numpy as np

#: What the C library never keeps. So it is shown a block a little smaller, which nobody writes to.
LARGE = 32 * 1024 * 1024
np.empty(LARGE - 64 * 1024, np.uint8)
KEPT = 128 * 1024 * 1024


class _Lent:
    """What a large result lies in; when it goes, the memory is free."""

    # Of the class, which is still there when a process ends and modules are not.
    most = KEPT
    free: ClassVar[list[np.ndarray]] = []  # each change is one step, in whatever thread

    def __init__(self, block: np.ndarray) -> None:
        self.block, self.__array_interface__ = block, block.__array_interface__

    def __del__(self) -> None:
        if self.block.nbytes <= self.most:
            self.free.append(self.block)
            self.shrink()

    @classmethod
    def shrink(cls) -> None:
        """Lets go of what came back first, where it is too much."""
        while sum(block.nbytes for block in cls.free) > cls.most:
            try:
                cls.free.pop(0)
            except IndexError:  # another thread was here
                return


def _taken(size: int) -> np.ndarray:
    """A block of so many bytes, the last one that came back if there is one."""
    free = _Lent.free
    for place in reversed(range(len(free))):
        try:
            block = free.pop(place)
        except IndexError:  # another thread was here
            continue
        if block.nbytes == size:
            return block
        free.insert(place, block)
    return np.empty(size, np.uint8)


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """`numpy.empty` of a result that may be large."""
    size = prod(shape) * dtype.itemsize
    if size < LARGE:
        return np.empty(shape, dtype)
    return np.asarray(_Lent(_taken(size))).view(dtype).reshape(shape)


def set_kept_memory(most: int = KEPT) -> None:
    """Say how much memory of large results is kept for the next ones, in all threads.

    A result on the host of 32 MB or more lies in memory that an earlier one of its size had, if
    that is gone: page faults of new memory can take longer than the pooling.

    Parameters
    ----------
    most : int
        Bytes, 128 MB as at the start if not given. What is more is let go at once: 0 keeps none.

    Raises
    ------
    TypeError, ValueError
        If it is no integer, or below 0.

    Examples
    --------
    >>> import numbapool
    >>> numbapool.set_kept_memory(0)  # gives all back
    >>> numbapool.set_kept_memory()
    """
    try:
        number = operator.index(most)
    except TypeError:
        raise TypeError(f"most must be an integer, got most={most!r}") from None
    if number < 0:
        raise ValueError(f"most must not be below 0, got most={most!r}")
    _Lent.most = number
    _Lent.shrink()
