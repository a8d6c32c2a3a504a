"""The road to the kernels, without their weight: Numba is imported by the first call."""

from __future__ import annotations

import gc
import os
from typing import Any

#: The process that imported the package: under omp, only that one may start threads.
PROCESS = os.getpid()


def run(*args: Any) -> Any:
    """`plan.run`, imported when it is needed; it takes this function's place."""
    # A tenth of importing Numba and compiling would go into looking for garbage.
    collects = gc.isenabled()
    gc.disable()
    try:
        from . import plan

        globals()["run"] = plan.run
        return plan.run(*args)
    finally:
        if collects:
            gc.enable()
