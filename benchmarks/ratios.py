"""asv: ratios within one run, which survive a machine that is busy or another one.

Less is better in all but one: our time over the fastest peer's, and over a copy of the same bytes.
On a GPU, the share of a copy's bandwidth is tracked, which is to be large.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from numbapool.bench.layers import GLOBAL, WINDOWS, sample
from numbapool.bench.peers import arrays, calls, implementation, no_gradients
from numbapool.bench.timing import medians

from .pooling import DEVICE, PEERS


class Ratios:
    params = (("max", "max with indices", "avg"), tuple(WINDOWS))
    param_names = ("op", "layer")
    unit = "times as long"
    timeout = 300

    def setup(self, op: str, layer: str) -> None:
        case = WINDOWS[layer]
        self.x = sample(case.shape, "float32")
        self.calls = calls(PEERS, op, case, self.x)

    def track_over_fastest_peer(self, op: str, layer: str) -> float:
        with no_gradients():
            seconds = medians(self.calls)
        return seconds.pop("numbapool") / min(seconds.values())

    def track_over_copy(self, op: str, layer: str) -> float:
        ours = self.calls["numbapool"]
        half = (self.x.nbytes + sum(part.nbytes for part in arrays("numbapool", ours))) // 2
        source = np.zeros(half, np.uint8)
        seconds = medians({"ours": ours, "copy": partial(np.copyto, np.empty_like(source), source)})
        return seconds["ours"] / seconds["copy"]


#: An op, and the layers and the name that its layer is found by.
CASES = {
    f"{op} {name}": (op, layers, name)
    for op, layers in (("max", WINDOWS), ("max with indices", WINDOWS), ("avg", WINDOWS),
                       ("global max", GLOBAL), ("global avg", GLOBAL))
    for name in layers
}  # fmt: skip


class RatiosOnDevice:
    """The same on a GPU, by its own clock; skipped where there is none."""

    params = (DEVICE[:1], tuple(CASES), ("float32", "float16"))
    param_names = ("impl", "case", "dtype")
    timeout = 300

    def setup(self, impl: str, case: str, dtype: str) -> None:
        implementation(impl)  # or a skip, before anything is made
        from numbapool.bench.clock import Clock

        op, layers, name = CASES[case]
        self.x = sample(layers[name].shape, dtype)
        self.clock = Clock()
        self.calls = calls(DEVICE, op, layers[name], self.x)

    def track_over_fastest_peer(self, impl: str, case: str, dtype: str) -> float:
        with no_gradients():
            seconds = self.clock.medians(self.calls)
        ours = seconds.pop(impl)
        return ours / min(seconds.values()) if seconds else float("nan")  # asv's word for nothing

    def track_share_of_copy(self, impl: str, case: str, dtype: str) -> float:
        moved = self.x.nbytes + sum(part.nbytes for part in arrays(impl, self.calls[impl]))
        seconds = self.clock.medians({impl: self.calls[impl]})[impl]
        return moved / seconds / self.clock.bandwidth()

    track_over_fastest_peer.unit = "times as long"  # type: ignore[attr-defined]
    track_share_of_copy.unit = "of a copy's bandwidth"  # type: ignore[attr-defined]
