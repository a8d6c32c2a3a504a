"""The road to the kernels, without their weight: Numba is imported by the first call."""

from __future__ import annotations

import os
from typing import Any

#: The process that imported the package: under omp, only that one may start threads.
PROCESS = os.getpid()

_run: Any = None


def run(*args: Any) -> Any:
    """`plan.run`, imported when it is needed."""
    global _run
    if _run is None:
        from .plan import run as _run
    return _run(*args)
