"""The road to the kernels, without their weight: Numba is imported by the first call."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: The process that imported the package: under omp, only that one may start threads.
PROCESS = os.getpid()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C waits: cut off while it imports or compiles, Numba stays broken for good.

    The garbage collector rests, too: a tenth of the time would go into looking for garbage.
    """
    import signal
    import threading

    collects, held = gc.isenabled(), []
    here = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if here else None
    if handler is not None:
        signal.signal(signal.SIGINT, lambda *signalled: held.append(signalled))
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
            if held:
                signal.raise_signal(signal.SIGINT)


def run(*args: Any) -> Any:
    """`plan.run`, imported when it is needed; it takes this function's place."""
    with undisturbed():
        from . import plan

        globals().update(run=plan.run, pixels=plan.pixels)
        result = plan.run(*args)
        if not gc.get_freeze_count():
            # What was made here becomes old without being looked at, for a tenth of the time.
            gc.freeze()
            gc.unfreeze()
        return result


def pixels(*args: Any) -> Any:
    """`plan.pixels`, once that is imported: before, nothing was planned."""
    return None
