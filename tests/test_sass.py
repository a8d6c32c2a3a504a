"""Machine code of the CUDA target's fast path, made with no GPU: registers and instructions."""

from __future__ import annotations

import re
import subprocess
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from numba.core.types import none
from numba.np.numpy_support import from_dtype

pytest.importorskip("numba_cuda", reason="pip install numbapool[cuda13]")

from numba import cuda

from numbapool.cuda.scalars import fitting, scalars, stored
from numbapool.cuda.windows import Uniform, make_windows
from numbapool.ops import OPS
from numbapool.ops.base import BFLOAT16

F32, F16, U8 = np.dtype("float32"), np.dtype("float16"), np.dtype("uint8")
WINDOWS = {"2x2/s2": (2, 2, 0), "3x3/s2": (3, 2, 1), "3x3/s1": (3, 1, 1)}
#: Registers at most, and instructions a tap and besides in the run that a full window is.
BUDGET = {
    ("max", F32, False): (40, 4, 12), ("max", F32, True): (64, 7, 16),
    ("avg", F32, False): (40, 2, 16), ("max", F16, False): (40, 5, 14),
    ("max", BFLOAT16, False): (40, 6, 14),
    ("max", U8, False): (40, 4, 12),
}  # fmt: skip


def tool(name, package):
    """A program of NVIDIA's that a wheel brings."""
    try:
        files = metadata.files(package) or ()
    except metadata.PackageNotFoundError:
        pytest.skip(f"pip install {package}")
    return next(Path(str(file.locate())) for file in files if Path(file).name == name)


def machine_code(ptx, folder, architecture="sm_90"):
    """What the assembler says of a kernel, and its instructions in runs without a branch."""
    source, made = folder / "kernel.ptx", folder / "kernel.cubin"
    source.write_text(ptx)
    said = subprocess.run(
        [tool("ptxas", "nvidia-cuda-nvcc"), "-v", f"-arch={architecture}", source, "-o", made],
        check=True, capture_output=True, text=True,
    ).stderr  # fmt: skip
    listing = subprocess.run(
        [tool("nvdisasm", "nvidia-cuda-nvdisasm"), "-c", made],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    runs, lines = [], []
    for line in listing.splitlines():
        if re.match(r"\.L_x_\d+:", line):
            runs, lines = [*runs, lines], []
        elif re.match(r"\s+/\*[0-9a-f]{4,}\*/", line):
            lines.append(line)
    return said, [*runs, lines]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("case", BUDGET, ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}")
def test_full_windows_keep_to_their_budget(case, window, tmp_path):
    (name, dtype, indexed), (kernel, stride, before) = case, WINDOWS[window]
    op = fitting(OPS[name], dtype)
    uniform = Uniform((kernel,) * 2, (stride,) * 2, (before,) * 2, True)
    made = make_windows(
        scalars(op, dtype, 0), 2, None, np.uint32, np.int64, indexed, uniform, False
    )
    kinds = [stored(dtype), stored(op.result(dtype)), np.dtype(np.int64), np.dtype(np.uint32)]
    types = [from_dtype(kind)[::1] for kind in kinds] + [none]
    types[2] = types[2] if indexed else none
    said, runs = machine_code(cuda.compile_ptx(made, tuple(types), cc=(9, 0))[0], tmp_path)
    registers, a_tap, besides = BUDGET[case]
    assert "0 bytes spill stores, 0 bytes spill loads" in said
    assert int(re.search(r"Used (\d+) registers", said)[1]) <= registers
    taps = kernel * kernel
    full = [run for run in runs if sum(" LDG." in line for line in run) == taps]
    assert full, "a full window is one run of as many loads as it has taps"
    assert min(map(len, full)) <= a_tap * taps + besides
