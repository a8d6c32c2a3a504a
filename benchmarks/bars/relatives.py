"""Adaptive and global pooling against torch; block reduction and filters against others."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

import numbapool
from numbapool.bench.layers import Bins, sample
from numbapool.bench.peers import Call, arrays, bind, compare

from .bar import Bar, mean, once_more, over, pair
from .shapes import floors, reading, timed

BINS = tuple(
    Bins(shape, (out, out))
    for shape, outs in {
        (1, 256, 13, 13): (6,), (1, 512, 14, 14): (7,), (8, 512, 14, 14): (7,),
        (1, 512, 60, 60): (2, 3, 6), (1, 256, 56, 56): (7,), (2, 64, 113, 113): (5,),
        (8, 256, 28, 28): (14,),
    }.items()
    for out in outs
)  # fmt: skip
GLOBAL = tuple(map(Bins, (
    (1, 1280, 7, 7), (32, 2048, 7, 7), (1, 512, 60, 60), (8, 256, 56, 56), (1, 64, 224, 224),
    (16, 96, 112, 112), (8, 1024, 14, 14),
)))  # fmt: skip
SIZES = (3, 7, 15)


def bins() -> list[Bar]:
    """Adaptive and global pooling; torch's global pooling is adaptive, to one cell."""
    calls: dict[str, dict[str, Call]] = {}
    times: dict[str, dict[str, float]] = {}
    with torch.inference_mode():
        for prefix, layers in (("adaptive", BINS), ("global", GLOBAL)):
            for kind in ("max", "avg"):
                for layer in layers:
                    x, op = sample(layer.shape, "float32"), f"{prefix} {kind}"
                    both = {
                        "numbapool": bind("numbapool", op, layer, x),
                        "torch": bind("torch", f"adaptive {kind}", layer, x),
                    }
                    got = {name: arrays(name, call) for name, call in both.items()}
                    compare("numbapool", op, layer, got["numbapool"], got["torch"])
                    name, moved = f"{op} {layer}", x.nbytes + sum(a.nbytes for a in got["torch"])
                    calls[name] = {**both, **floors(moved), **reading(x)}
                    times[name] = timed(calls[name])
        once_more(times, over, lambda name: timed(calls[name]))
    ratios = {name: over(seconds) for name, seconds in times.items()}
    return pair("adaptive and global, torch", (10, 1.0), ratios, times)


def blocks() -> list[Bar]:
    """Block reduction against scikit-image and against NumPy's reshape and reduce."""
    from skimage.measure import block_reduce

    skimage, numpy = [], []
    for size, name in ((2, "max"), (2, "avg"), (4, "max"), (4, "avg"), (8, "max")):
        image = sample((1, 1, 2048, 2048), "float32")
        reduce = np.max if name == "max" else np.mean
        pool = partial(getattr(numbapool, f"{name}_pool2d"), image, size)
        tiles = image.reshape(2048 // size, size, 2048 // size, size)
        theirs = {
            "skimage": partial(block_reduce, image[0, 0], (size, size), reduce),
            "numpy": partial(reduce, tiles, axis=(1, 3)),
        }
        for call in theirs.values():
            np.testing.assert_allclose(pool()[0, 0], call(), rtol=1e-5)
        seconds = timed({"ours": pool, **theirs})
        skimage.append(seconds["skimage"] / seconds["ours"])
        if name == "max":
            numpy.append(seconds["numpy"] / seconds["ours"])
    return [
        Bar("block reduction, scikit-image", 10, mean(skimage)),
        Bar("block reduction, NumPy reshape and max", 20, mean(numpy)),
    ]


def filters() -> list[Bar]:
    """Filters of stride 1 against scipy.ndimage; outside the image counts as nothing, or 0."""
    from scipy import ndimage

    image = sample((1, 1, 1024, 1024), "float32")
    ratios = []
    for size in SIZES:
        window = (image, size, 1, size // 2)
        for ours, theirs, outside in (
            (numbapool.max_pool2d, ndimage.maximum_filter, -np.inf),
            (numbapool.min_pool2d, ndimage.minimum_filter, np.inf),
            (numbapool.avg_pool2d, ndimage.uniform_filter, 0),
        ):
            calls = {
                "ours": partial(ours, *window),
                "scipy": partial(theirs, image[0, 0], size, mode="constant", cval=outside),
            }
            np.testing.assert_allclose(calls["ours"]()[0, 0], calls["scipy"](), rtol=1e-4)
            seconds = timed(calls)
            ratios.append(seconds["scipy"] / seconds["ours"])
    return [Bar("filters of stride 1, scipy.ndimage", 10, mean(ratios))]
