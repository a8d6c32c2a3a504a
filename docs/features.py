"""Writes ``features.md``, the table of every pooling, by asking the package."""

from __future__ import annotations

import inspect
from pathlib import Path

import ml_dtypes
import numpy as np

import numbapool

TABLE = Path(__file__).with_name("features.md")

KINDS = (
    "max", "min", "avg", "sum", "lp", "power_avg", "gem", "median", "quantile", "var", "std", "lse",
    "soft", "mixed", "minmax", "stochastic", "blur", "max_blur", "fractional_max", "fractional_avg",
    "adaptive_max", "adaptive_min", "adaptive_avg",
)  # fmt: skip
SAMPLES = {
    "float32, float64": np.float32, "float16, bfloat16": ml_dtypes.bfloat16,
    "integers, bool": np.int16, "complex": np.complex64,
}  # fmt: skip

HEAD = """# What there is

Every pooling by its number of spatial axes, and what it takes. Written by
`python docs/features.py`; every cell is checked by `tests/test_features.py`.

| pooling | 1d | 2d | 3d | indices | gradient | channels last | nan_policy | on a GPU | dtypes |
| --- | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | --- |
"""

TAIL = """
A gradient is a function on arrays of float32 and float64, such as `avg_pool2d_backward`. That of
max is by index map, and serves every pooling that has one (min, the adaptive and fractional ones,
stochastic), as does `max_unpool2d`. Where there is a `data_format`, a torch tensor
whose strides say channels_last is pooled as it lies, too. `numbapool.pool` runs max, min, avg, sum
and any `PoolOp` over any axes; `global_max_pool`, `global_min_pool` and `global_avg_pool` over all
spatial ones.
Fractional poolings are in two and three dimensions, as torch's. A maximum, an order or a spread of
complex numbers is none: only what adds takes them.

What runs on a GPU does so for all dtypes and layouts of its row, with its index map and its
gradient, and by `tests/cuda` it gives there what it gives on the CPU. So do `max_unpool1d` and its
like, `gather`, `convert_indices`, `roi_pool`, `roi_align`, `sppf_pool`, `strip_pool` and
`pyramid_pool`.
"""


def function(kind: str, dims: int):
    """The pooling over so many axes, if there is one."""
    return getattr(numbapool, f"{kind}_pool{dims}d", None)


def arguments(kind: str) -> tuple[tuple, dict]:
    """What to call a pooling with, besides an array of four inputs and more along each axis."""
    rng = np.random.default_rng(0)
    special = {
        "lp": ((2, 2), {}), "quantile": ((2,), {"q": 0.5}), "stochastic": ((2,), {"rng": rng}),
        "blur": ((), {}), "fractional_max": ((2, 3), {"rng": rng}),
        "fractional_avg": ((2, 3), {"rng": rng}),
    }  # fmt: skip
    return special.get(kind, ((2,), {}))


def takes(kind: str, dims: int, option: str) -> bool:
    return option in inspect.signature(function(kind, dims)).parameters


def accepts(kind: str, dtype: type) -> bool:
    """Whether a pooling takes arrays of a dtype; those of no pictures need no kernel."""
    dims = 2
    args, options = arguments(kind)
    try:
        function(kind, dims)(np.zeros((0, 1, 6, 6), dtype), *args, **options)
    except TypeError:
        return False
    return True


def has_gradient(kind: str) -> bool:
    """Whether there is one of its own, or an index map, which has max's."""
    indexed = takes(kind, 2, "return_indices")
    return indexed or hasattr(numbapool, f"{kind}_pool2d_backward")


def row(kind: str) -> str:
    dims = [n for n in (1, 2, 3) if function(kind, n)]
    some = dims[0]
    marks = [
        *(n in dims for n in (1, 2, 3)), takes(kind, some, "return_indices"), has_gradient(kind),
        takes(kind, some, "data_format"), takes(kind, some, "nan_policy"),
        takes(kind, some, "target"),
    ]  # fmt: skip
    dtypes = ", ".join(name for name, dtype in SAMPLES.items() if accepts(kind, dtype))
    return f"| {kind} | {' | '.join('yes' if mark else '' for mark in marks)} | {dtypes} |\n"


def table() -> str:
    return HEAD + "".join(map(row, KINDS)) + TAIL


if __name__ == "__main__":
    TABLE.write_text(table())
