"""What is compared: ``IMPLEMENTATIONS[name][op](x, layer)`` binds a call without arguments.

All get the same array and the same number of threads, and allocate their outputs. Peers are those
that are installed; those of a GPU are in `devices`. Nothing is timed before its result was found
right.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

import numbapool

from . import engines, family, numpy_pool
from .engines import Refused
from .layers import Layer

Call = Callable[[], Any]
Arrays = tuple[np.ndarray, ...]
Binder = Callable[[np.ndarray, Any], Call]

# The processors this process may use are what Numba takes; peers are given as many.
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WrongResultError(AssertionError):
    """An implementation's result differs from its peer's."""


def no_gradients() -> AbstractContextManager[Any]:
    """torch without what inference does not need, where it is installed."""
    return torch.inference_mode() if "torch" in IMPLEMENTATIONS else nullcontext()


def torch_like(
    f: ModuleType | SimpleNamespace, adapt: Callable[[np.ndarray], Any]
) -> dict[str, Binder]:
    def max_pool(x: np.ndarray, w: Any, return_indices: bool = False) -> Call:
        window = (w.kernel, w.stride, w.padding, w.dilation, w.ceil_mode, return_indices)
        return partial(f.max_pool2d, adapt(x), *window)

    def avg_pool(x: np.ndarray, w: Any) -> Call:
        window = (w.kernel, w.stride, w.padding, w.ceil_mode, w.count_include_pad)
        return partial(f.avg_pool2d, adapt(x), *window)

    def min_pool(x: np.ndarray, w: Any) -> Call:
        window = (w.kernel, w.stride, w.padding, w.dilation, w.ceil_mode)
        return partial(f.min_pool2d, adapt(x), *window)

    def sum_pool(x: np.ndarray, w: Any) -> Call:
        return partial(f.sum_pool2d, adapt(x), w.kernel, w.stride, w.padding)

    return {
        "min": min_pool,
        "sum": sum_pool,
        "pyramid": lambda x, b: partial(f.spatial_pyramid_pool, adapt(x), (1, 2, 4)),
        "max": max_pool,
        "max with indices": partial(max_pool, return_indices=True),
        "avg": avg_pool,
        "adaptive max": lambda x, b: partial(f.adaptive_max_pool2d, adapt(x), b.output),
        "adaptive avg": lambda x, b: partial(f.adaptive_avg_pool2d, adapt(x), b.output),
        "global max": lambda x, b: partial(f.global_max_pool, adapt(x)),
        "global avg": lambda x, b: partial(f.global_avg_pool, adapt(x)),
    }


def _plain(pool: Callable[[np.ndarray, Any], Any]) -> Binder:
    return lambda x, layer: partial(pool, x, layer)


def _engine(engine: Any) -> dict[str, Binder]:
    def bound(op: str) -> Binder:
        return lambda x, layer: engine(op, x, layer, THREADS)

    return {op: bound(op) for op in ("max", "max with indices", "avg")}


#: In NumPy, and in what has its functions.
NUMPY: dict[str, Binder] = {
    "max": _plain(numpy_pool.max_pool),
    "max with indices": _plain(numpy_pool.max_pool_indices),
    "avg": _plain(numpy_pool.avg_pool),
    "adaptive max": _plain(numpy_pool.adaptive_max),
    "adaptive avg": _plain(numpy_pool.adaptive_avg),
    "global max": lambda x, b: partial(x.max, (2, 3), keepdims=True),
    "global avg": lambda x, b: partial(x.mean, (2, 3), keepdims=True),
}

IMPLEMENTATIONS: dict[str, dict[str, Binder]] = {
    "numbapool": torch_like(numbapool, np.asarray) | family.OURS,
    "numpy": NUMPY | family.NUMPY,
}

if importlib.util.find_spec("torch"):
    import torch

    def _channels_last(x: np.ndarray) -> Any:
        return torch.from_numpy(x).to(memory_format=torch.channels_last)

    as_ours = SimpleNamespace(
        **{name: getattr(torch.nn.functional, name) for name in (
            "max_pool2d", "avg_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool2d"
        )},
        min_pool2d=lambda x, *window: -torch.nn.functional.max_pool2d(-x, *window),
        sum_pool2d=lambda x, kernel, stride, padding: torch.nn.functional.avg_pool2d(
            x, kernel, stride, padding, divisor_override=1
        ),
        spatial_pyramid_pool=lambda x, levels: torch.cat(
            [torch.nn.functional.adaptive_max_pool2d(x, n).flatten(1) for n in levels], 1
        ),
        global_max_pool=partial(torch.amax, dim=(2, 3), keepdim=True),
        global_avg_pool=partial(torch.mean, dim=(2, 3), keepdim=True),
    )  # fmt: skip
    IMPLEMENTATIONS |= {
        "torch": torch_like(as_ours, torch.from_numpy) | family.of_torch(torch, torch.from_numpy),
        "torch channels_last": torch_like(as_ours, _channels_last),
        "numbapool[torch]": torch_like(numbapool, torch.from_numpy),
    }
    torch.set_num_threads(THREADS)
if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnx"):
    IMPLEMENTATIONS["onnxruntime"] = _engine(engines.OnnxRuntime)
if importlib.util.find_spec("openvino"):
    IMPLEMENTATIONS["openvino"] = _engine(engines.OpenVino)

#: Implementations that have an array on a GPU, and results there: none is waited for.
ON_DEVICE = ("numbapool cuda", "torch cuda", "torch cuda channels_last", "torch.compile cuda",
             "cupy", "jax")  # fmt: skip

#: Ops whose results are among the inputs, and equal whoever pools.
SELECTIONS = {
    "max", "max with indices", "min", "pyramid", "adaptive max", "adaptive min", "global max",
    "global min", "minmax", "stochastic", "fractional max", "sppf", "roi pool", "unpool",
}  # fmt: skip

#: Whose results are taken for right, in this order.
JUDGES = tuple(name for name in ("torch", "numpy", "numbapool") if name in IMPLEMENTATIONS)


def implementation(name: str) -> dict[str, Binder]:
    """All that a library has; `Refused` where it is not installed, or has no GPU."""
    if name in ON_DEVICE:
        from . import devices

        return devices.implementation(name)
    if name not in IMPLEMENTATIONS:
        raise Refused(f"{name} is not installed")
    return IMPLEMENTATIONS[name]


def bind(name: str, op: str, layer: Layer, x: np.ndarray) -> Call:
    """A call of one implementation; `Refused` where it has none."""
    found = implementation(name)
    if op not in found:
        raise Refused(f"{name} has no {op}")
    return found[op](x, layer)


def arrays(name: str, call: Call) -> Arrays:
    """Run a call; its value, or value and indices, as NumPy arrays."""
    try:
        result = call()
    except RuntimeError as error:
        if name.startswith("torch") and re.search(
            "not implemented for|must be .* dtype", str(error)
        ):
            raise Refused(f"torch refuses the dtype: {error}") from error
        raise
    if isinstance(call, (engines.OnnxRuntime, engines.OpenVino)):
        result = call.results()
    return tuple(map(_on_host, result if isinstance(result, tuple) else (result,)))


def _on_host(part: Any) -> np.ndarray:
    for way in ("copy_to_host", "get", "cpu"):  # Numba's, CuPy's and torch's
        if hasattr(part, way):
            part = getattr(part, way)()
    return np.asarray(part)


def compare(name: str, op: str, layer: Layer, got: Arrays, want: Arrays) -> None:
    """Selections and indices are equal; others agree as far as a sum in order is exact."""
    for mine, theirs in zip(got, want, strict=True):
        tolerance = 0.0
        if op not in SELECTIONS:
            tolerance = (layer.taps + 4) * np.finfo(mine.dtype).eps
        if mine.dtype != theirs.dtype or mine.shape != theirs.shape:
            raise WrongResultError(f"{name}, {op} {layer}: {mine.dtype}{mine.shape} is not "
                                   f"{theirs.dtype}{theirs.shape}")  # fmt: skip
        if not np.array_equal(mine, theirs) and not (
            tolerance and np.allclose(mine, theirs, rtol=tolerance, atol=0)
        ):
            raise WrongResultError(f"{name}, {op} {layer}: {np.sum(mine != theirs)} values differ")


def checked(name: str, op: str, layer: Layer, x: np.ndarray) -> Call:
    """The call, warm, its result compared with that of the first judge that takes the dtype."""
    call = bind(name, op, layer, x)
    got = arrays(name, call)
    for judge in JUDGES:
        if judge == name:
            continue
        try:
            want = arrays(judge, bind(judge, op, layer, x))
        except Refused:
            continue
        compare(name, op, layer, got, want)
        return call
    raise WrongResultError(f"{op} {layer}: nothing to compare {name} with")


def calls(
    names: Iterable[str], op: str, layer: Layer, x: np.ndarray, judge: str = JUDGES[0]
) -> dict[str, Call]:
    """A warm call of each implementation that takes the layer, and gives the judge's result.

    Averages of partial windows are not torch's in every engine, so a peer may differ and is left
    out; numbapool may not.
    """
    want = arrays(judge, bind(judge, op, layer, x))
    found: dict[str, Call] = {}
    for name in names:
        try:
            call = bind(name, op, layer, x)
            compare(name, op, layer, arrays(name, call), want)
        except Refused:
            continue
        except WrongResultError:
            if name.startswith("numbapool"):
                raise
            continue
        found[name] = call
    return found
