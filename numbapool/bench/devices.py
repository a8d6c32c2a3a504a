"""Peers on a GPU: each has the array there before it is called, and leaves its result there.

A call returns when its kernels are queued. JAX alone has streams of its own, so it is waited for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, partial
from types import ModuleType
from typing import Any

import numpy as np

import numbapool

from . import family, numpy_pool
from .engines import Refused
from .layers import Window
from .peers import NUMPY, Binder, Call, torch_like

#: Poolings of `family.OURS` that are timed on a GPU: all but what is drawn on the host.
FAMILY = tuple(name for name in family.OURS if name != "stochastic")


class Waited:
    """A call that returns when its result is there: by the clock of the host, not by events."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def __call__(self) -> Any:
        return self.call()


def _reason(missing: BaseException) -> Refused:
    return Refused(" ".join(str(missing).split()))


def _torch() -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise _reason(error) from error
    if not torch.cuda.is_available():
        raise Refused(f"torch {torch.__version__} finds no GPU")
    return torch


def _cupy() -> ModuleType:
    try:
        import cupy

        cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # no package, no driver, no device: errors of several kinds
        raise _reason(error) from error
    found: ModuleType = cupy
    return found


def to_device() -> Callable[[np.ndarray], Any]:
    """What puts an array there, by a library whose results come from memory that it keeps."""
    try:
        torch = _torch()
    except Refused:
        pass
    else:
        return lambda x: torch.from_numpy(x).cuda()
    try:
        found: Callable[[np.ndarray], Any] = _cupy().asarray
    except Refused:
        from numbapool.cuda.api import cuda

        found = cuda.to_device
    return found


def _ours() -> dict[str, Binder]:
    try:
        from numbapool.cuda import api

        api.check()
    except (ImportError, RuntimeError) as error:
        raise _reason(error) from error
    to = to_device()

    def moved(value: Any) -> Any:  # boxes and samples are read on the host
        return to(value) if isinstance(value, np.ndarray) and value.ndim == 4 else value

    def there(bound: Binder) -> Binder:
        def placed(x: np.ndarray, layer: Any) -> Call:
            call: Any = bound(x, layer)
            return partial(call.func, *map(moved, call.args), **call.keywords)

        return placed

    return torch_like(numbapool, to) | {name: there(family.OURS[name]) for name in FAMILY}


def _of_torch(channels_last: bool = False) -> dict[str, Binder]:
    from .peers import as_ours

    torch = _torch()

    def to(x: np.ndarray) -> Any:
        return torch.from_numpy(x).cuda()

    if channels_last:
        return torch_like(as_ours, lambda x: to(x).to(memory_format=torch.channels_last))
    return torch_like(as_ours, to) | family.of_torch(torch, to)


def _compiled() -> dict[str, Binder]:
    torch, eager = _torch(), _of_torch()

    def there(bound: Binder) -> Binder:
        def compiled(x: np.ndarray, layer: Any) -> Call:
            call: Any = bound(x, layer)
            try:
                torch.compiler.reset()  # it compiles so many shapes of a function, and no more
                found = partial(torch.compile(call.func), *call.args, **call.keywords)
                found()
            except Exception as error:  # whatever its compiler lacks
                raise _reason(error) from error
            return found

        return compiled

    return {op: there(eager[op]) for op in ("max", "max with indices", "avg", "global max",
                                            "global avg")}  # fmt: skip


def _of_cupy() -> dict[str, Binder]:
    cupy = _cupy()

    def there(bound: Binder) -> Binder:
        return lambda x, layer: bound(cupy.asarray(x), layer)

    return {op: there(NUMPY[op]) for op in ("max", "avg", "global max", "global avg")}


def _of_jax() -> dict[str, Binder]:
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # others need memory, too
    try:
        import jax

        device = jax.devices("gpu")[0]
    except (ImportError, RuntimeError) as error:
        raise _reason(error) from error
    return of_jax(jax, device)


def of_jax(jax: Any, device: Any) -> dict[str, Binder]:
    """Poolings by JAX on one of its devices."""
    lax = jax.lax

    def bound(pool: Callable[[Any], Any], x: np.ndarray) -> Call:
        there, pool = jax.device_put(x, device), jax.jit(pool)
        return Waited(lambda: pool(there).block_until_ready())

    def windows(x: np.ndarray, w: Window, start: float, fold: Any) -> Callable[[Any], Any]:
        window = (1, 1, *w.kernel), (1, 1, *w.stride), ((0, 0), (0, 0), *numpy_pool.paddings(x, w))
        dilation = (1, 1, *w.dilation)
        return lambda y: lax.reduce_window(
            y, np.asarray(start, x.dtype)[()], fold, *window, window_dilation=dilation
        )

    def largest(x: np.ndarray, w: Window) -> Call:
        return bound(windows(x, w, numpy_pool.lowest(x.dtype), lax.max), x)

    def mean(x: np.ndarray, w: Window) -> Call:
        counts = [numpy_pool.counts(x, w, axis, n)
                  for axis, n in enumerate(numpy_pool.outputs(x, w))]  # fmt: skip
        divisor = np.outer(*counts).astype(x.dtype)
        total = windows(x, w, 0, lax.add)
        return bound(lambda y: total(y) / divisor, x)

    return {
        "max": largest,
        "avg": mean,
        "global max": lambda x, b: bound(lambda y: y.max((2, 3), keepdims=True), x),
        "global avg": lambda x, b: bound(lambda y: y.mean((2, 3), keepdims=True), x),
    }


_MAKERS: dict[str, Callable[[], dict[str, Binder]]] = {
    "numbapool cuda": _ours,
    "torch cuda": _of_torch,
    "torch cuda channels_last": partial(_of_torch, channels_last=True),
    "torch.compile cuda": _compiled,
    "cupy": _of_cupy,
    "jax": _of_jax,
}


@cache
def _made(name: str) -> dict[str, Binder] | str:
    try:
        return _MAKERS[name]()
    except Refused as reason:
        return str(reason)


def implementation(name: str) -> dict[str, Binder]:
    """All that a library has on this GPU; `Refused` says why there is nothing."""
    found = _made(name)
    if isinstance(found, str):
        raise Refused(f"{name}: {found}")
    return found


def synchronize() -> None:
    """Waits for all that was queued on the current GPU."""
    from numbapool.cuda.api import cuda

    cuda.synchronize()


def waited(call: Call) -> Call:
    """A call and the wait for its result."""

    def both() -> None:
        call()
        synchronize()

    return both
