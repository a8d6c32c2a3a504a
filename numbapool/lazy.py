"""The road to the kernels, without their weight: Numba is imported by the first call."""

from __future__ import annotations

import os
from typing import Any

#: The process that imported the package: under omp, only that one may start threads.
PROCESS = os.getpid()


def run(*args: Any) -> Any:
    """`plan.run`, imported when it is needed; it takes this function's place."""
    from . import plan

    globals()["run"] = plan.run
    return plan.run(*args)
