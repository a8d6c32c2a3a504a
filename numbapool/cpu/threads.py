"""Running a kernel on several threads, and never at the price of the process.

Numba's own layers differ: `workqueue` aborts the process when two threads enter it, a child forked
after `omp` ran is killed when it uses it, `tbb` takes both. So `tbb` is loaded where it is
installed, and the others are guarded: what they could not survive runs on one thread.
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

from ..arguments import plain
from ..lazy import PROCESS
from . import drivers, workers

if TYPE_CHECKING:
    from .kernels import Program

_one_at_a_time = threading.Lock()


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


def run(program: Program, arrays: tuple[Any, Any, Any], num_threads: int | None) -> Any:
    """Runs all tasks of a program, on ``num_threads`` threads or as many as Numba is set to.

    The number of tasks that are left to a kernel which is not compiled yet.
    """
    name = layer() if num_threads != 1 and program.tasks > 1 else "none"
    guarded = name not in ("tbb", "omp")
    if (
        name == "none"
        or (name == "omp" and os.getpid() != PROCESS)
        or (guarded and not _one_at_a_time.acquire(blocking=False))
    ):
        return drivers.serial(program.address, *arrays)
    usual = None
    try:
        if num_threads is not None:
            usual = numba.get_num_threads()
            numba.set_num_threads(num_threads)
        workers.keep_off()
        return drivers.parallel(program.address, drivers.spread(), *arrays)
    finally:
        if usual is not None:
            numba.set_num_threads(usual)
        if guarded:
            _one_at_a_time.release()
