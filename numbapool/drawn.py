"""Windows whose places are drawn, for every plane its own: where fractional poolings look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import arguments
from .arguments import plain


@dataclass(frozen=True, eq=False)
class Drawn:
    """Windows of ``taps`` neighbours, which begin at ``first``, (planes, cells), in each plane."""

    size: int
    first: np.ndarray
    taps: np.ndarray | int
    step = 1

    @classmethod
    def of(cls, samples: np.ndarray, size: int, kernel: int, cells: int) -> Drawn:
        """The windows that these samples, one a plane, place; reckoned in their own precision.

        Where that cannot count the inputs, rounding would place windows behind the last one.
        """
        if size > float(np.finfo(samples.dtype).max):
            samples = samples.astype(np.float32)
        number = np.arange(cells, dtype=samples.dtype)
        alpha = samples.dtype.type(size - kernel) / samples.dtype.type(max(cells - 1, 1))
        steps = ((number + samples[:, None]) * alpha).astype(np.int64)
        first = steps - (samples[:, None] * alpha).astype(np.int64)
        first[:, -1] = size - kernel
        return cls(size, np.minimum(np.maximum.accumulate(first, 1), size - kernel), kernel)

    def __len__(self) -> int:
        return self.first.shape[1]

    def interval(self, cell: Any) -> tuple[Any, Any]:
        """The first tap and the end of a window, in every plane."""
        low = self.first[:, cell]
        taps = self.taps[:, cell] if isinstance(self.taps, np.ndarray) else self.taps
        return low, low + taps

    def count(self, cell: Any) -> Any:
        """How many taps an average divides by, where windows have as many each."""
        return cell * 0 + np.max(self.taps)


def as_drawn(sizes: tuple[int, ...], *axes: Drawn) -> tuple[Drawn, ...]:
    """The axes of a pooling whose windows were drawn before."""
    return axes


def output_sizes(
    sizes: tuple[int, ...], kernel: tuple[int, ...], output_size: Any, output_ratio: Any = None
) -> tuple[int, ...]:
    """How many windows there are along each axis, if so many fit."""
    dims = len(sizes)
    if (output_size is None) == (output_ratio is None):
        raise ValueError(
            "exactly one of output_size and output_ratio must be given, "
            f"got output_size={output_size!r} and output_ratio={output_ratio!r}"
        )
    if output_size is not None:
        found = arguments.spread("output_size", plain("output_size", output_size), dims, 1)
    else:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * dims
        good = len(ratios) == dims and all(isinstance(r, float) and 0 < r < 1 for r in ratios)
        if not good:
            raise ValueError(
                f"output_ratio must be floats between 0 and 1, got output_ratio={output_ratio!r}"
            )
        found = tuple(int(size * r) for size, r in zip(sizes, ratios, strict=True))
    for size, k, n in zip(sizes, kernel, found, strict=True):
        if n < 1 or n + k - 1 > size - (dims == 3):
            raise ValueError(
                f"output_size and kernel_size are too large, or it is too small, for an input of "
                f"spatial shape {sizes}: got {found} windows of {kernel}"
            )
    return found
