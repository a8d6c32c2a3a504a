"""A call of every kernel, for compute-sanitizer: ``python -m benchmarks.device.short``."""

from __future__ import annotations

import numpy as np

import numbapool
from numbapool.cuda.api import cuda

SHAPE = (1, 2, 13, 12)
CALLS = {
    "windows": lambda x: numbapool.max_pool2d(x, 3, 2, 1),
    "windows with indices": lambda x: numbapool.max_pool2d(x, 3, 2, 1, return_indices=True),
    "averages": lambda x: numbapool.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
    "passes": lambda x: numbapool.max_pool2d(x, 11, 1, 5),
    "passes with indices": lambda x: numbapool.max_pool2d(x, 11, 1, 5, return_indices=True),
    "doubled": lambda x: numbapool.max_pool1d(x.reshape(1, 2, 156), 71, 1, 35),
    "doubled with indices": lambda x: numbapool.max_pool1d(
        x.reshape(1, 2, 156), 71, 1, 35, return_indices=True
    ),
    "teams": lambda x: numbapool.global_avg_pool(x),
    "bins": lambda x: numbapool.adaptive_max_pool2d(x, (5, 4)),
    "gathered": lambda x: numbapool.median_pool2d(x, 3),
}


def main() -> int:
    """0, or an error where a result is not the CPU's."""
    x = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    for name, call in CALLS.items():
        found, wanted = call(cuda.to_device(x)), call(x)
        pairs = [(found, wanted)] if not isinstance(wanted, tuple) else zip(found, wanted)  # noqa: B905
        for got, want in pairs:
            np.testing.assert_allclose(got.copy_to_host(), want, 1e-6, 1e-6, err_msg=name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
