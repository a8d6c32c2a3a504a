"""What is not float32 in NCHW planes: lines, volumes, channels last, norms, halves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

import numbapool
from numbapool.bench.engines import OnnxRuntime, OpenVino, Refused
from numbapool.bench.layers import sample
from numbapool.bench.peers import THREADS

from ..models import read_volumes
from .bar import Bar, once_more, over, pair, worst
from .shapes import floors, timed

F = torch.nn.functional
MOST_ELEMENTS = 40_000_000
Seconds = dict[str, float]

LINES = (
    ((8, 64, 1024), 2, 2, 0), ((8, 64, 1024), 3, 2, 1), ((1, 1, 1_000_000), 4, 4, 0),
    ((16, 128, 8177), 4, 4, 0), ((1, 64, 65_536), 5, 1, 2), ((32, 256, 128), 3, 1, 1),
    ((2, 8, 100_000), 160, 80, 0),
)  # fmt: skip
VOLUMES = (
    ((1, 16, 32, 56, 56), 3, 2, 1), ((2, 32, 16, 32, 32), 2, 2, 0), ((1, 32, 8, 28, 28), 3, 1, 1),
)  # fmt: skip
TAPS = ((3, 2, 1), (2, 2, 0), (3, 1, 1))
LAST = (
    ((1, 64, 112, 112), 3, 2, 1), ((8, 64, 112, 112), 3, 2, 1), ((1, 64, 224, 224), 2, 2, 0),
    ((1, 192, 28, 28), 3, 1, 1), ((1, 256, 20, 20), 5, 1, 2), ((1, 512, 14, 14), 2, 2, 0),
    ((8, 832, 7, 7), 3, 1, 1), ((1, 256, 13, 13), 13, 1, 6), ((4, 32, 64, 64), 3, 1, 1),
)  # fmt: skip
NORMS = (((8, 64, 56, 56), 2, 2), ((8, 64, 56, 56), 3, 2), ((1, 32, 112, 112), 3, 1))


class Table:
    """Ratios of a peer's time, the fastest one's, over ours, case by case."""

    def __init__(self) -> None:
        self.calls: dict[str, dict[str, Callable[[], Any]]] = {}
        self.times: dict[str, Seconds] = {}

    def add(self, name: str, ours: partial[Any], **theirs: Callable[[], Any]) -> None:
        """Times a case, once results agree with the first peer's; the input is ``ours``' first."""
        want, got = _arrays(next(iter(theirs.values()))()), _arrays(ours())
        for mine, wanted in zip(got, want, strict=True):
            np.testing.assert_allclose(mine, wanted, 1e-3, 1e-5, err_msg=name)
        moved = ours.args[0].nbytes + sum(mine.nbytes for mine in got)
        self.calls[name] = {"numbapool": ours, **floors(moved), **theirs}
        self.times[name] = timed(self.calls[name])

    def bars(self, what: str, limits: tuple[float, float]) -> list[Bar]:
        once_more(self.times, over, lambda name: timed(self.calls[name]))
        ratios = {name: over(seconds) for name, seconds in self.times.items()}
        return pair(what, limits, ratios, self.times)


def _arrays(result: Any) -> list[np.ndarray]:
    several = result if isinstance(result, tuple) else (result,)
    return [np.asarray(part.float() if part.dtype == torch.bfloat16 else part) for part in several]


def _both(name: str, dims: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    function = f"{name}_pool{dims}d"
    return getattr(numbapool, function), getattr(F, function)


def _sliding(cases: Any, dims: int) -> Table:
    """Maxima, with indices and without, and averages, against torch on the same array."""
    table = Table()
    for shape, kernel, stride, padding in cases:
        x = sample(shape, "float32")
        window = (kernel, stride, padding)
        label = f"{kernel}/s{stride} {shape}".replace(" ", "")
        for name, options in (("max", {}), ("max", {"return_indices": True}), ("avg", {})):
            ours, theirs = _both(name, dims)
            table.add(
                f"{name}{dims}d {'with indices ' if options else ''}{label}",
                partial(ours, x, *window, **options),
                torch=partial(theirs, torch.from_numpy(x), *window, **options),
            )
    return table


def lines() -> list[Bar]:
    """One axis."""
    with torch.inference_mode():
        return _sliding(LINES, 1).bars("1-D, torch", (10, 1.0))


def volumes() -> list[Bar]:
    """Three axes: against torch, against the fastest peer on models' layers, and a tap's cost."""
    with torch.inference_mode():
        return [
            *_sliding(VOLUMES, 3).bars("3-D, torch", (10, 1.0)),
            *_models().bars("3-D layers of models, fastest peer", (2.0, 1.0)),
            _cost_of_a_tap(),
        ]


def _models() -> Table:
    table = Table()
    for op, layer in read_volumes(MOST_ELEMENTS):
        x = sample(layer.shape, "float32")
        ours, theirs = _both(op, 3)
        window: tuple[Any, ...] = (layer.kernel, layer.stride, layer.padding)
        rest = (1, layer.ceil_mode), (layer.ceil_mode, layer.count_include_pad)
        window += rest[op == "avg"]
        here = torch.from_numpy(x)
        peers: dict[str, Callable[[], Any]] = {
            "torch": partial(theirs, here, *window),
            "torch channels_last_3d": partial(
                theirs, here.to(memory_format=torch.channels_last_3d), *window
            ),
        }
        for name, engine in (("onnxruntime", OnnxRuntime), ("openvino", OpenVino)):
            try:
                call = engine(op, x, layer, THREADS)
                call()
                right = np.allclose(call.results()[0], peers["torch"](), 1e-3, 1e-5)
            except Refused:
                continue
            if right:
                peers[name] = call
        table.add(f"{op} {layer}", partial(ours, x, *window), **peers)
    return table


def _cost_of_a_tap() -> Bar:
    ratios = {}
    for kernel, stride, padding in TAPS:
        x = sample((2, 16, 32, 56, 56), "float32")
        flat = x.reshape(-1, 1, 56, 56)
        calls = {
            "3-D": partial(numbapool.max_pool3d, x, kernel, stride, padding),
            "2-D": partial(numbapool.max_pool2d, flat, kernel, stride, padding),
        }
        taps = {name: call().size * kernel ** int(name[0]) for name, call in calls.items()}
        seconds = timed(calls)
        costs = {name: seconds[name] / taps[name] for name in calls}
        ratios[f"{kernel}/s{stride}"] = costs["3-D"] / costs["2-D"]
    return worst("3-D, a tap's cost over 2-D's", 1.5, ratios)


def last() -> list[Bar]:
    """Channels that come last, 32 and more of them."""
    table = Table()
    with torch.inference_mode():
        for shape, kernel, stride, padding in LAST:
            x = torch.from_numpy(sample(shape, "float32"))
            x = x.to(memory_format=torch.channels_last)
            window, label = (kernel, stride, padding), f"{kernel}/s{stride} {shape}"
            for name, options in (("max", {}), ("max", {"return_indices": True}), ("avg", {})):
                ours, theirs = _both(name, 2)
                table.add(
                    f"{name} {'with indices ' if options else ''}{label}",
                    partial(ours, x, *window, **options),
                    torch=partial(theirs, x, *window, **options),
                )  # fmt: skip
        return table.bars("channels last, torch channels_last", (1.3, 0.9))


def norms() -> list[Bar]:
    """lp pooling, of powers that are products and of others."""
    table = Table()
    with torch.inference_mode():
        for shape, kernel, stride in NORMS:
            x = sample(shape, "float32")
            for p in (1, 2, 3, 2.5):
                ours, theirs = _both("lp", 2)
                table.add(
                    f"p={p} {kernel}/s{stride} {shape}",
                    partial(ours, x, p, kernel, stride),
                    torch=partial(theirs, torch.from_numpy(x), p, kernel, stride),
                )
        return table.bars("lp, torch", (10, 1.0))


def halves() -> list[Bar]:
    """Maxima of 16-bit floats at the same number of bytes."""
    ratios = {}
    for kernel, stride, padding in TAPS:
        single = torch.from_numpy(sample((8, 64, 112, 112), "float32"))
        twice = torch.cat([single, single])
        calls = {
            str(x.dtype).removeprefix("torch."): partial(
                numbapool.max_pool2d, x, kernel, stride, padding
            )
            for x in (single, twice.half(), twice.bfloat16())
        }
        for call in calls.values():
            call()
        seconds = timed(calls)
        for name in ("float16", "bfloat16"):
            ratios[f"{name} {kernel}/s{stride}"] = seconds["float32"] / seconds[name]
    least = min(ratios, key=lambda name: ratios[name])
    return [Bar("bytes a second, 16-bit floats over float32", 0.8, ratios[least], where=least)]

