"""The layers of real models against every peer: each in its best layout, all in one run."""

from __future__ import annotations

from functools import partial

import torch

import numbapool
from numbapool.bench import peers
from numbapool.bench.layers import Window, sample

from ..models import read_layers
from .bar import Bar, average, mean, once_more, over, pair
from .shapes import floors, timed

PEERS = ("torch", "torch channels_last", "openvino", "onnxruntime")
MOST_ELEMENTS = 20_000_000

Seconds = dict[str, float]


def seconds_of(op: str, layer: Window) -> Seconds:
    x = sample(layer.shape, "float32")
    present = (peer for peer in PEERS if peer in peers.IMPLEMENTATIONS)
    calls = peers.calls(("numbapool", *present), op, layer, x)
    moved = [x, *peers.arrays("numbapool", calls["numbapool"])]
    calls |= floors(sum(array.nbytes for array in moved))
    if op == "max with indices":
        args = (layer.kernel, layer.stride, layer.padding, layer.dilation, layer.ceil_mode)
        calls["values"] = partial(numbapool.max_pool2d, x, *args)
        calls["int32"] = partial(numbapool.max_pool2d, x, *args, True, index_dtype="int32")
    return timed(calls)


def cases(every: int) -> list[tuple[str, Window]]:
    layers = read_layers(MOST_ELEMENTS)[::every]
    return [*layers, *(("max with indices", layer) for op, layer in layers if op == "max")]


def bars(every: int) -> list[Bar]:
    """How fast our layers are against peers'."""
    values: dict[str, Seconds] = {}
    indexed: dict[str, Seconds] = {}
    found = {f"{op} {layer}": (op, layer) for op, layer in cases(every)}
    with torch.inference_mode():
        for name, (op, layer) in found.items():
            (indexed if op == "max with indices" else values)[name] = seconds_of(op, layer)
        for seconds in (values, indexed):
            once_more(seconds, partial(over, others=PEERS), lambda name: seconds_of(*found[name]))

    def ratios(of: dict[str, Seconds], *others: str) -> dict[str, float]:
        return {name: over(seconds, others) for name, seconds in of.items()}

    def two(
        what: str, limits: tuple[float, float], of: dict[str, Seconds], *others: str
    ) -> list[Bar]:
        return pair(what, limits, ratios(of, *others), of)

    nchw = ("torch", "onnxruntime", "openvino")
    return [
        *two("layers, fastest peer on NCHW", (2.5, 1.0), values, *nchw),
        *two("layers, torch channels_last among them", (1.7, 0.95), values, *PEERS),
        average("layers, torch NCHW", 25, ratios(values, "torch"), values),
        *two("indices, torch or ONNX Runtime", (10, 1.0), indexed, *nchw),
        *two("indices, torch channels_last among them", (1.5, 0.95), indexed, *PEERS),
        Bar("int32 index map over none, times as long", 1.6, most=True, value=mean(
            seconds["int32"] / seconds["values"] for seconds in indexed.values()
        )),
        Bar("int64 index map over none, times as long", 2.2, most=True, value=mean(
            seconds["numbapool"] / seconds["values"] for seconds in indexed.values()
        )),
    ]  # fmt: skip
