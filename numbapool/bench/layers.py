"""The layers that are timed by name; tests and tables bring more."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Pair = tuple[int, int]
Shape = tuple[int, int, int, int]


def _by(pair: Pair) -> str:
    return "x".join(map(str, pair))


def _once(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else _by(pair)


def _shape(shape: Shape) -> str:
    return f"({','.join(map(str, shape))})"


@dataclass(frozen=True)
class Window:
    """A sliding window over (N, C, H, W)."""

    shape: Shape
    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    ceil_mode: bool = False
    count_include_pad: bool = True

    @property
    def taps(self) -> int:
        return math.prod(self.kernel)

    @property
    def window(self) -> str:
        return f"{_by(self.kernel)}/s{_once(self.stride)}"

    def __str__(self) -> str:
        marks = f"/p{_once(self.padding)}" if any(self.padding) else ""
        marks += " ceil" if self.ceil_mode else ""
        marks += "" if self.count_include_pad else " exclude"
        return f"{self.window}{marks} {_shape(self.shape)}"


@dataclass(frozen=True)
class Bins:
    """Adaptive bins over (N, C, H, W); (1, 1) is global pooling."""

    shape: Shape
    output: Pair = (1, 1)

    @property
    def taps(self) -> int:
        """The most taps that a bin can have."""
        (h, w), (rows, columns) = self.shape[2:], self.output
        return math.ceil(h / rows + 1) * math.ceil(w / columns + 1)

    def __str__(self) -> str:
        return f"to {_by(self.output)} {_shape(self.shape)}"


Layer = Window | Bins


def _named(layers: dict[str, Layer]) -> dict[str, Layer]:
    return {f"{who} {layer}": layer for who, layer in layers.items()}


WINDOWS = _named({
    "resnet stem": Window((1, 64, 112, 112), (3, 3), (2, 2), (1, 1)),
    "vgg": Window((1, 64, 224, 224), (2, 2), (2, 2)),
    "inception": Window((1, 192, 28, 28), (3, 3), (1, 1), (1, 1)),
    "yolo SPPF": Window((1, 256, 20, 20), (5, 5), (1, 1), (2, 2)),
    "densenet": Window((1, 512, 14, 14), (2, 2), (2, 2)),
    "small planes": Window((8, 832, 7, 7), (3, 3), (1, 1), (1, 1)),
    "past the caches": Window((8, 64, 224, 224), (3, 3), (2, 2), (1, 1)),
})  # fmt: skip
TINY = _named({"tiny": Window((1, 1, 4, 4), (2, 2), (2, 2))})
ADAPTIVE = _named({
    "alexnet head": Bins((1, 256, 13, 13), (6, 6)),
    "pyramid pooling": Bins((1, 512, 60, 60), (6, 6)),
})  # fmt: skip
GLOBAL = _named({
    "resnet head": Bins((32, 2048, 7, 7)),
    "mobilenet head": Bins((1, 1280, 7, 7)),
    "large planes": Bins((1, 64, 224, 224)),
})  # fmt: skip
#: What all further poolings are timed on.
FAMILY = _named({"family": Window((1, 64, 56, 56), (3, 3), (2, 2))})


def sample(shape: Shape, dtype: str) -> np.ndarray:
    """Random input; positive, so that averages may be compared relatively."""
    rng = np.random.default_rng(0)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    drawn = np.float64 if dtype == "float64" else np.float32
    return rng.random(shape, drawn).astype(dtype, copy=False)
