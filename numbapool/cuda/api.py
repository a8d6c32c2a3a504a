"""The one import of CUDA, and what is said where it is missing."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numba import config

#: Kernels run in Python, thread by thread, on arrays of the host.
SIMULATED = bool(config.ENABLE_CUDASIM)
INSTALL = "pip install 'numbapool[cuda12]' or 'numbapool[cuda13]', as the driver says"

if not (SIMULATED or find_spec("numba_cuda")):
    raise ImportError(f"target 'cuda' needs the package numba-cuda: {INSTALL}")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the simulator of Numba's own says that it is old
    from numba import cuda

if SIMULATED:
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray
else:
    FakeCUDAArray = ()

#: The process that CUDA was first used in: a child of it has no device.
_process: list[int] = []


def check() -> None:
    """Refuses where no kernel could run, before CUDA is asked for anything else."""
    if not _process:
        if not SIMULATED and not cuda.is_available():
            said = " (NUMBAPOOL_TARGET)" if os.environ.get("NUMBAPOOL_TARGET") == "cuda" else ""
            raise RuntimeError(f"target 'cuda'{said} needs a GPU and its driver: {_why()}")
        _process.append(os.getpid())
    if _process[0] != os.getpid():
        raise RuntimeError(
            "CUDA was used before this process was forked: start processes with the 'spawn' "
            "method of multiprocessing, or pool on the CPU"
        )


def name() -> str:
    """The name of the current device."""
    check()
    if SIMULATED:
        return "Numba's simulator"
    found = cuda.get_current_device().name
    return found.decode() if isinstance(found, bytes) else str(found)


def _why() -> str:
    try:
        cuda.current_context()
    except Exception as error:
        return " ".join(str(error).split()).rstrip(" :")
    return "there is none"


#: The simulator runs one kernel at a time.
turn: Any = threading.Lock() if SIMULATED else nullcontext()


def on(device: int) -> Any:
    """A context in which a device is the current one."""
    return nullcontext() if SIMULATED else cuda.gpus[device]


@cache
def device(function: Callable[..., Any]) -> Any:
    """``function`` made callable from kernels; in the simulator, it stays the plain function."""
    return function if SIMULATED else cuda.jit(device=True, inline="always")(function)


def _float_of(bits: Any) -> Any:
    return np.int32(bits).view(np.float32)


def _bits_of(number: Any) -> Any:
    return np.float32(number).view(np.int32)


#: A float32 by its bits, and the way back.
float_of = _float_of if SIMULATED else cuda.libdevice.int_as_float
bits_of = _bits_of if SIMULATED else cuda.libdevice.float_as_int
