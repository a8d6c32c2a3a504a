"""asv: ratios within one run, which survive a machine that is busy or another one.

Less is better in both: our time over the fastest peer's, and over a copy of the same bytes.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from numbapool.bench.layers import WINDOWS, sample
from numbapool.bench.peers import arrays, calls, no_gradients
from numbapool.bench.timing import medians

from .pooling import PEERS


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
