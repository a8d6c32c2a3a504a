"""Running a kernel on several threads, and never at the price of the process.

Numba's own layers differ: `workqueue` aborts the process when two threads enter it, a child forked
after `omp` ran is killed when it uses it, `tbb` takes both, but for locks that its threads may hold
at a fork. So `tbb` is loaded where it is installed, and its threads make a team; the others run
Numba's own parallel loop. What a layer could not survive runs on one thread.
"""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numba import config
from numba.np.ufunc import parallel

from ..arguments import plain
from ..lazy import PROCESS
from . import drivers, team, workers

if TYPE_CHECKING:
    from .kernels import Program

#: Nanoseconds of work below which other threads are no help.
SMALL = 5_000
#: Nanoseconds of work that pay for waking others; less is shared with those only who came for a
#: call so many seconds ago, and have not gone yet.
WORTH_WAKING, AT_HAND = 50_000, 0.0002
#: Nanoseconds of work in this process so far that pay for starting threads: 20 ms, or half a second
#: where nothing is on disk.
WORTH_STARTING = 5_000_000

#: How the threads of a layer come to a program's tasks.
LOOPS = {"tbb": team.share, "omp": drivers.spread, "workqueue": team.one_at_a_time}
ALONE = "none", 0

_worked = 0.0  # nanoseconds, until it was worth starting them
_away = parallel._is_initialized and os.getpid() != PROCESS  # in a child of who started them


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


@cache
def layer() -> str:
    """The threading layer, which this starts: tbb, omp, workqueue, or none."""
    _load_tbb()
    try:
        numba.get_num_threads()
        return str(numba.threading_layer())
    except ValueError as error:
        warnings.warn(f"pooling runs on one thread: {error}", RuntimeWarning, stacklevel=2)
        return "none"


def checked(num_threads: Any) -> int:
    """``num_threads`` if it is a number of threads that there are."""
    most = config.NUMBA_NUM_THREADS
    num_threads = plain("num_threads", num_threads)
    if type(num_threads) is not int:
        raise TypeError(f"num_threads must be an int, got num_threads={num_threads!r}")
    if not 1 <= num_threads <= most:
        raise ValueError(f"num_threads must be from 1 to {most}, got num_threads={num_threads!r}")
    return num_threads


@cache
def _loop() -> tuple[str, int]:
    """The layer, and the loop by which its threads come to tasks."""
    name = layer()
    return name, LOOPS[name]() if name in LOOPS else 0


def _way(program: Program, num_threads: int | None) -> tuple[str, int]:
    """The layer and the loop for a program; no loop where one thread is to do it all."""
    global _worked
    work = program.work
    if program.tasks == 1 or work < SMALL:
        return ALONE
    if num_threads is not None:
        if num_threads == 1:
            return ALONE
    elif _worked < WORTH_STARTING:
        _worked += work
        if _worked < WORTH_STARTING:
            return ALONE
    if _away and layer() != "workqueue":
        return ALONE
    name, _ = found = _loop()
    if workers.rest() > AT_HAND and work < WORTH_WAKING and name == "tbb":
        return ALONE
    return found


def run(
    how: tuple[Program, drivers.Ways], x: Any, out: Any, index: Any, num_threads: int | None = None
) -> Any:
    """Runs all tasks of a program, on ``num_threads`` threads or as many as Numba is set to.

    The number of tasks that are left to a kernel which is not compiled yet. With the program come
    the ways in for arrays as these are.
    """
    program, ways = how
    name, loop = _way(program, num_threads)
    if not loop:
        return ways.alone(program.address, x, out, index)
    usual = None
    try:
        if num_threads is not None:
            usual = numba.get_num_threads()
            numba.set_num_threads(num_threads)
        workers.keep_off(loop)
        left = ways.together(program.address, loop, x, out, index)
        if left != team.BUSY:  # with another thread's call
            return left
        if name == "workqueue":
            return ways.alone(program.address, x, out, index)
        return ways.together(program.address, drivers.spread(), x, out, index)
    finally:
        if usual is not None:
            numba.set_num_threads(usual)


def way_in(program: Program, ways: drivers.Ways) -> tuple[Callable[..., Any], Any]:
    """What runs a program where nothing is to be looked at, and what that is told first."""
    if program.work < SMALL:
        return ways.alone, program.address
    return run, (program, ways)


def run_on_bytes(
    program: Program, arrays: tuple[np.ndarray | None, ...], num_threads: int | None
) -> None:
    """`run` on arrays seen as bytes, so that one way in does for all types."""
    seen = [None if array is None else array.reshape(-1).view(np.uint8) for array in arrays]
    kinds = tuple(None if array is None else array.dtype for array in seen)
    x, out, index = seen
    run((program, drivers.ways(kinds, (1, 1, 1))), x, out, index, num_threads)


def _leave() -> None:
    """In a child: threads that were started before it are not there."""
    global _away
    _away = parallel._is_initialized


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave)
