"""asv: a call of every pooling, by implementation (and its layout or GPU), layer and dtype."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from numbapool.bench.family import OURS
from numbapool.bench.layers import ADAPTIVE, FAMILY, GLOBAL, TINY, WINDOWS, Layer, sample
from numbapool.bench.peers import (
    ON_DEVICE,
    checked,
    implementation,
    no_gradients,
)

IMPLS = ("numbapool", "torch", "numpy")
PEERS = (*IMPLS, "torch channels_last", "onnxruntime", "openvino")
#: On a GPU; skipped, and the reason told, where there is none.
DEVICE = ("numbapool cuda", "torch cuda", "cupy")
DTYPES = ("float32", "float64", "uint8")


class _Pooling:
    """Binds the call, compiles it, checks its result; what a peer refuses is skipped by asv."""

    param_names = ("impl", "layer", "dtype")
    repeat = (3, 10, 1.0)
    rounds = 1
    warmup_time = 0.05
    timeout = 300
    op: str
    layers: Mapping[str, Layer]

    def setup(self, impl: str, layer: str, dtype: str) -> None:
        self.modes = ExitStack()
        implementation(impl)  # or a skip, before anything is made
        case = self.layers[layer]
        self.call = checked(impl, self.op, case, sample(case.shape, dtype))
        if impl in ON_DEVICE:
            from numbapool.bench.devices import waited

            self.call = waited(self.call)
        self.modes.enter_context(no_gradients())

    def teardown(self, impl: str, layer: str, dtype: str) -> None:
        self.modes.close()

    def time_call(self, impl: str, layer: str, dtype: str) -> None:
        self.call()


class Max(_Pooling):
    op, layers = "max", WINDOWS
    params = ((*PEERS, *DEVICE), tuple(WINDOWS), DTYPES)


class MaxWithIndices(Max):
    op = "max with indices"


class Average(Max):
    op = "avg"


class Min(_Pooling):
    op, layers = "min", WINDOWS
    params = (("numbapool", "torch", *DEVICE), tuple(WINDOWS), ("float32",))


class Sum(Min):
    op = "sum"


class AdaptiveMax(_Pooling):
    op, layers = "adaptive max", ADAPTIVE
    params = ((*IMPLS, *DEVICE), tuple(ADAPTIVE), DTYPES)


class AdaptiveAverage(AdaptiveMax):
    op = "adaptive avg"


class Pyramid(_Pooling):
    op, layers = "pyramid", ADAPTIVE
    params = (("numbapool", "torch", *DEVICE), tuple(ADAPTIVE), ("float32",))


class GlobalMax(_Pooling):
    op, layers = "global max", GLOBAL
    params = ((*IMPLS, *DEVICE), tuple(GLOBAL), DTYPES)


class GlobalAverage(GlobalMax):
    op = "global avg"


class Family(_Pooling):
    """Every further pooling: the registry says which, and which implementations have it."""

    param_names = ("impl", "layer", "op")
    layers = FAMILY
    params = ((*IMPLS, *DEVICE), tuple(FAMILY), tuple(OURS))

    def setup(self, impl: str, layer: str, op: str) -> None:
        self.op = op
        super().setup(impl, layer, "float32")


class TinyMax(_Pooling):
    """A plane of sixteen values: what the way from Python to the kernel costs."""

    op, layers = "max", TINY
    params = ((*IMPLS, "numbapool[torch]", *DEVICE), tuple(TINY), ("float32",))


class TinyAverage(TinyMax):
    op = "avg"
