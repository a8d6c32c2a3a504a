"""Where a pooling runs: an array on a device there, one of the host on the CPU unless told."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from . import arrays, dlpack

TARGETS = ("cpu", "cuda")


def checked(name: str, target: Any) -> str | None:
    """"cpu", "cuda", or None for where the array lies."""
    if target is not None and target not in TARGETS:
        raise ValueError(f"{name} must be one of {', '.join(TARGETS)}, got {name}={target!r}")
    return None if target is None else str(target)


#: Where arrays of the host go.
default: str | None = os.environ.get("NUMBAPOOL_TARGET") or None


def set_default_target(target: str | None) -> None:
    """Say where arrays of the host are pooled, in all threads.

    Parameters
    ----------
    target : "cpu", "cuda" or None
        "cuda" copies every array of the host to the current GPU and its result back. None is
        "cpu", as at the start, unless the environment variable ``NUMBAPOOL_TARGET`` says else.
        Arrays on a GPU are always pooled there.

    Raises
    ------
    ValueError
        If it is neither.
    ImportError, RuntimeError
        If there is no numba-cuda or no GPU, which the message says.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> numbapool.set_default_target("cpu")
    >>> numbapool.max_pool2d(np.zeros((1, 1, 4, 4)), 2).shape
    (1, 1, 2, 2)
    """
    global default
    target = checked("target", target)
    if target == "cuda":
        from .cuda import api

        api.check()
    default = target


def on_device(x: Any) -> bool:
    """Whether ``x`` says that it lies on a GPU."""
    # torch's say so; else, it would take a microsecond to have no interface.
    said = getattr(x, "is_cuda", None)
    if isinstance(said, bool) or isinstance(x, np.ndarray):
        return bool(said)
    if getattr(getattr(x, "device", None), "type", None) == "cuda":
        return True
    if type(x).__module__.startswith("numba.cuda.") or hasattr(x, "__cuda_array_interface__"):
        return True
    return dlpack.place(x) in dlpack.GPU


def is_cuda(x: Any, target: str | None) -> bool:
    """Whether an array is pooled on a GPU."""
    if target is None and default is None:
        return on_device(x)
    target = checked("target", target)
    if target:
        return target == "cuda"
    return checked("NUMBAPOOL_TARGET", default) == "cuda" or on_device(x)


def _check_stream(x: Any, stream: Any, target: str | None) -> None:
    if not is_cuda(x, target):
        raise ValueError(
            "stream is for what is pooled on a GPU, an array there or one of the host with "
            f"target='cuda', got stream={stream!r} for a {type(x).__name__}"
        )


def streamed(x: Any, stream: Any, target: str | None) -> Any:
    """``x`` and, with it, the stream that a call on a GPU sends all its work to."""
    _check_stream(x, stream, target)
    from .cuda.arrays import streamed

    return streamed("input", x, stream)


def adapting(
    x: Any, target: str | None, stream: Any = None
) -> Callable[[str, Any], tuple[Any, Any]]:
    """What adapts the arrays of a call that is pooled where ``x`` is, or where it says.

    All work on them goes to ``stream``, if it is given.
    """
    if stream is not None:
        _check_stream(x, stream, target)
    if is_cuda(x, target):
        from .cuda import api
        from .cuda.arrays import adapt_beside

        api.check()
        return adapt_beside(x, stream)
    return _to_host if target == "cpu" else arrays.adapt


def place(array: Any) -> str | None:
    """The target of what is done with an array that was adapted, wherever others would go."""
    return "cpu" if isinstance(array, np.ndarray) else None


def _to_host(name: str, x: Any) -> tuple[Any, Any]:
    return fetched(x, name) if on_device(x) else arrays.adapt(name, x)


def fetched(x: Any, name: str = "input") -> tuple[Any, Any]:
    """A copy on the host of an array on a device, and what takes a result there."""
    from .cuda.arrays import adapt

    array, wrap = adapt(name, x)
    return array.to_host(), lambda result: wrap(array.sent(result))


def adapt(name: str, x: Any) -> tuple[Any, Any]:
    """``x`` as an array that shares its memory, wherever that is, and the way to one of its kind.

    On a device that is a `cuda.arrays.DeviceArray`, which has what views need of NumPy's.
    """
    if on_device(x):
        from .cuda.arrays import adapt

        return adapt(name, x)
    return arrays.adapt(name, x)


def run(*args: Any) -> Any:
    """`cuda.run.run`, imported when it is needed; it takes this function's place."""
    from .cuda import run

    globals().update(run=run.run)
    return run.run(*args)
