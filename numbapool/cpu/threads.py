"""Running a kernel on several threads, and never at the price of the process.

Numba's own layers differ: `workqueue` aborts the process when two threads enter it, a child forked
after `omp` ran is killed when it uses it, `tbb` takes both. So `tbb` is loaded where it is
installed, and its threads make a team; the others run Numba's own parallel loop, and are guarded:
what they could not survive runs on one thread.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import warnings
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
from numba import config
from numba.np.ufunc import parallel

from ..arguments import plain
from ..lazy import PROCESS
from . import drivers, team, workers

if TYPE_CHECKING:
    from .kernels import Program

#: Nanoseconds of work that pay for waking others; less is shared with those only who came for a
#: call so many seconds ago, and have not gone yet.
WORTH_WAKING, AT_HAND = 50_000, 0.0002
#: Nanoseconds of work in this process so far that pay for starting threads: 20 ms, or half a second
#: where nothing is on disk.
WORTH_STARTING = 5_000_000

_one_at_a_time = threading.Lock()
_starting = threading.Lock()
_worked = 0.0  # nanoseconds, until it was worth starting them
_launcher = 0  # the thread that started Numba's
_alone = False  # in a child whose locks in TBB may be held for ever


def _load_tbb() -> None:
    """Makes pip's tbb visible to Numba: its library lies off the loader's path."""
    if config.THREADING_LAYER not in ("default", "tbb", "safe", "threadsafe", "forksafe"):
        return
    name = "tbb12.dll" if sys.platform == "win32" else "libtbb.so.12"
    try:
        files = [Path(f.locate()) for f in metadata.files("tbb") or () if f.name == name]
    except metadata.PackageNotFoundError:
        return
    for path in files:
        try:
            ctypes.CDLL(str(path.resolve()), mode=ctypes.RTLD_GLOBAL)
            return
        except OSError:
            continue


def layer() -> str:
    """The threading layer, which this starts: tbb, omp, workqueue, or none."""
    with _starting:
        return _started()


@cache
def _started() -> str:
    global _launcher
    _load_tbb()
    known = threading.main_thread() if parallel._is_initialized else threading.current_thread()
    _launcher = known.ident or 0
    try:
        numba.get_num_threads()
        return str(numba.threading_layer())
    except ValueError as error:
        warnings.warn(f"pooling runs on one thread: {error}", RuntimeWarning, stacklevel=2)
        return "none"


def _forked() -> None:
    """In a child: Numba ends TBB's threads before a fork, if that is the launcher's own."""
    global _alone, _starting
    _starting = threading.Lock()
    busy = team.forget()
    _alone = _alone or busy or threading.get_ident() != _launcher


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def checked(num_threads: Any) -> int:
    """``num_threads`` if it is a number of threads that there are."""
    most = config.NUMBA_NUM_THREADS
    num_threads = plain("num_threads", num_threads)
    if type(num_threads) is not int:
        raise TypeError(f"num_threads must be an int, got num_threads={num_threads!r}")
    if not 1 <= num_threads <= most:
        raise ValueError(f"num_threads must be from 1 to {most}, got num_threads={num_threads!r}")
    return num_threads


def _shared(program: Program, num_threads: int | None) -> bool:
    """Whether threads are started, or to be, for a program."""
    global _worked
    if num_threads is not None:
        return num_threads > 1
    if _worked < WORTH_STARTING:
        _worked += program.work
    return _worked >= WORTH_STARTING


def run(program: Program, arrays: tuple[Any, Any, Any], num_threads: int | None) -> Any:
    """Runs all tasks of a program, on ``num_threads`` threads or as many as Numba is set to.

    The number of tasks that are left to a kernel which is not compiled yet.
    """
    shared = program.tasks > 1 and not _alone and _shared(program, num_threads)
    name = layer() if shared else "none"
    guarded = name not in ("tbb", "omp")
    if (
        name == "none"
        or (name == "omp" and os.getpid() != PROCESS)
        or (name == "tbb" and workers.rest() > AT_HAND and program.work < WORTH_WAKING)
        or (guarded and not _one_at_a_time.acquire(blocking=False))
    ):
        return drivers.serial(program.address, *arrays)
    usual = None
    try:
        if num_threads is not None:
            usual = numba.get_num_threads()
            numba.set_num_threads(num_threads)
        loop = team.share() if name == "tbb" else drivers.spread()
        workers.keep_off(loop)
        left = drivers.parallel(program.address, loop, *arrays)
        if left == team.BUSY:  # with another thread's call
            left = drivers.parallel(program.address, drivers.spread(), *arrays)
        return left
    finally:
        if usual is not None:
            numba.set_num_threads(usual)
        if guarded:
            _one_at_a_time.release()
