"""Streams of any library's, and what waits for what on them: the host only where it must."""

from __future__ import annotations

from typing import Any

import numpy as np

from .api import SIMULATED, cuda

#: What libraries call the address of a stream: torch, CuPy.
NAMES = ("cuda_stream", "ptr")


def handle(stream: Any) -> int:
    """The address of a stream; 0 is the default one."""
    found = stream
    if hasattr(stream, "__cuda_stream__"):
        found = stream.__cuda_stream__()[1]
    elif SIMULATED and isinstance(stream, cuda.stream):
        found = 0
    else:
        for name in NAMES:
            found = getattr(found, name, found)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise TypeError(
            "stream must be a stream of Numba's, torch's or CuPy's, or of whatever has "
            f"__cuda_stream__, or its address as an int, got stream={stream!r}"
        )
    return 0 if int(found) == 1 else int(found)  # 1 is the default one by its other name


def at(address: int) -> Any:
    """The stream with this address, as Numba launches on it."""
    return cuda.external_stream(address) if address and not SIMULATED else 0


def wait(stream: Any) -> None:
    """The host waits until all work on a stream is done."""
    (stream or cuda.default_stream()).synchronize()


def after(stream: Any) -> Any:
    """The event of all work on a stream so far being done."""
    event = cuda.event() if SIMULATED else cuda.event(timing=False)
    event.record(stream)
    return event


def passed(event: Any) -> bool:
    """Whether it has happened; the host does not wait."""
    return SIMULATED or bool(event.query())


def follow(later: Any, earlier: Any) -> None:
    """Work on a stream from now on waits, on the device, for that on another so far."""
    after(earlier).wait(later)


def captured(stream: Any) -> bool:
    """Whether work on a stream is recorded for a graph instead of done."""
    if SIMULATED or not stream:
        return False
    from numba.cuda.cudadrv.driver import driver

    return int(driver.cuStreamIsCapturing(int(stream.handle))) != 0


def kept(host: np.ndarray, stream: Any) -> Any:
    """A copy on the device for this launch and for all later ones, on whatever stream."""
    if captured(stream):
        raise RuntimeError(
            "a first call cannot be captured in a graph: make the same call, with arrays of the "
            "same shapes and dtypes, once before"
        )
    copy = cuda.to_device(host, stream=stream)
    wait(stream)
    return copy
