"""Keeping the pool's workers off the processor of the thread that calls.

A sleeping worker may be woken on the processor of its waker, which is busy: with its share of the
work. The caller then does all of it, call after call, until the system happens to look: for
milliseconds, the time of a hundred calls. So whenever the caller is found on another processor
than before, the workers are told to use all but that one; and again after a rest, in which another
user of the same pool may have told them otherwise. Linux only: others cannot be told.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numba
import numpy as np

from . import frame, team
from .drivers import parallel

MEETING = 0.05  # seconds at most
REST, OFTEN = 0.001, 0.0001  # seconds; so often it is looked where the caller runs
_KERNEL = ctypes.CFUNCTYPE(ctypes.c_size_t, *[ctypes.c_size_t] * 7)
_workers: set[int] | None = None  # thread ids, once they are known
_kept_off = -1  # the processor
_looked = _asked = 0.0  # when


def _nowhere() -> int:
    return -1


def _current() -> Callable[[], int]:
    """The function that tells on which processor this thread runs."""
    if not sys.platform.startswith("linux") or len(os.sched_getaffinity(0)) < 2:
        return _nowhere
    return getattr(ctypes.CDLL(None), "sched_getcpu", _nowhere)


_processor = _current()


def _meet(loop: int) -> set[int] | None:
    """The workers' thread ids: every thread of the pool comes to a task, and waits for the rest.

    None where they are at work for another thread.
    """
    usual, count = numba.get_num_threads(), numba.config.NUMBA_NUM_THREADS
    met: set[int] = set()
    barrier = threading.Barrier(count)

    def task(*words: int) -> int:
        met.add(threading.get_native_id())
        with suppress(threading.BrokenBarrierError):  # some are at other work: left as they are
            barrier.wait(MEETING)
        return words[3]

    kernel = _KERNEL(task)
    words = np.zeros(len(frame.FIELDS), np.int64)
    words[frame.KERNEL] = ctypes.cast(kernel, ctypes.c_void_p).value or 0
    words[frame.SCRATCH], words[frame.TASKS] = frame.LINE, count
    words[frame.WORK] = count * team.EACH
    numba.set_num_threads(count)
    try:
        if parallel(words.ctypes.data, loop, words, words, None) == team.BUSY:
            return None
    finally:
        numba.set_num_threads(usual)
    caller = threading.get_native_id()
    return met - {caller} if caller in met else set()  # in workqueue the caller only waits


def rest() -> float:
    """Seconds since this was asked last."""
    global _asked
    before, _asked = _asked, time.monotonic()
    return _asked - before


def keep_off(loop: int) -> None:
    """Keeps the workers off this thread's processor, if they are not kept off it already.

    They come where the loop at this address is run. It is now when `rest` was asked last.
    """
    global _workers, _kept_off, _looked
    if _asked - _looked < OFTEN:
        return
    here, before, _looked = _processor(), _looked, _asked
    if here == _kept_off and (_looked - before < REST or here < 0):
        return
    if numba.get_num_threads() == 1:  # nobody is to come
        return
    known = _workers  # another thread may forget them meanwhile
    if known is None:
        known = _workers = _meet(loop)
    if known is None:
        return
    others = os.sched_getaffinity(0) - {here}
    _kept_off = here
    try:
        for worker in known if others else ():
            os.sched_setaffinity(worker, others)
    except ProcessLookupError:  # one has gone: the next call meets them anew
        _workers, _kept_off = None, -1
    except OSError:  # it is not allowed here
        _workers = set()


def _forget(*_: Any) -> None:
    global _workers, _kept_off
    _workers, _kept_off = None, -1


if _processor is not _nowhere:
    os.register_at_fork(after_in_child=_forget)  # a child has workers of its own
