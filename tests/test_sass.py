"""Machine code of the CUDA target's fast path, made with no GPU: registers and instructions."""

from __future__ import annotations

import re
import subprocess
from importlib import metadata
from itertools import product
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="pip install numbapool[cuda13]")

from ptx import lowered, steps
from strategies import few

from numbapool.geometry import Sliding
from numbapool.ops import OPS
from numbapool.ops.base import BFLOAT16

F32, F16, U8 = np.dtype("float32"), np.dtype("float16"), np.dtype("uint8")
WINDOWS = {"2x2/s2": (2, 2, 0), "3x3/s2": (3, 2, 1), "3x3/s1": (3, 1, 1)}
#: Registers at most, and instructions a tap and besides in the run that a full window is, with its
#: store and the way to that of the next plane.
BUDGET = {
    ("max", F32, False): (40, 4, 20), ("max", F32, True): (64, 7, 20),
    ("avg", F32, False): (40, 2, 32), ("max", F16, False): (40, 5, 20),
    ("max", BFLOAT16, False): (40, 6, 22),
    ("max", U8, False): (40, 4, 20),
}  # fmt: skip
#: Where a thread makes a run of outputs: registers, and for each window how many outputs those are,
#: loads of 16 bytes and in all, and instructions an output in a turn of the loop over planes.
RUNS = {
    ("max", F32, False): (32, (2, 2, 2, 23), (2, 3, 6, 39), (4, 3, 9, 31)),
    ("max", F32, True): (56, (2, 2, 2, 31), (2, 3, 6, 52), (4, 3, 9, 42)),
    ("avg", F32, False): (40, (2, 2, 2, 17), (2, 3, 6, 34), (4, 3, 9, 22)),
    ("max", F16, False): (32, (4, 2, 2, 23), (4, 3, 6, 40), (8, 3, 9, 32)),
    ("max", F16, True): (56, (4, 2, 2, 30), (4, 3, 6, 55), (8, 3, 9, 58)),
    ("max", BFLOAT16, False): (32, (4, 2, 2, 31), (4, 3, 6, 48), (8, 3, 9, 40)),
    ("max", U8, False): (48, (8, 2, 2, 14), (8, 3, 6, 23), (8, 0, 9, 19)),
}


#: Where windows are folded in shared memory: registers, its bytes, and instructions of an element
#: in a round.
DOUBLED = {("max", F32, False): (48, 20_000, 13), ("max", F32, True): (56, 28_000, 18),
           ("avg", F32, False): (48, 28_000, 14)}  # fmt: skip


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


def compiled(case, window, aligned, folder, size=224):
    """Of each kernel its name, registers, bytes of shared memory and runs of instructions."""
    (name, dtype, indexed), (kernel, stride, before) = case, window
    axes = [Sliding(size, kernel, stride, before, before)] * 2
    for step, function, types in steps(OPS[name], axes, dtype, indexed, aligned):
        said, runs = machine_code(lowered(function, types).get_asm_str(cc=(9, 0)), folder)
        assert "0 bytes spill stores, 0 bytes spill loads" in said
        shared = re.search(r"(\d+) bytes smem", said)
        used = int(re.search(r"Used (\d+) registers", said)[1])
        yield step.name, used, int(shared[1]) if shared else 0, runs


def count(run, what):
    return sum(what in line for line in run)


def named(case):
    return f"{case[0]}-{case[1]}-{case[2]}"


@pytest.mark.parametrize("window", few(list(WINDOWS), ["3x3/s2"]))
@pytest.mark.parametrize("case", BUDGET, ids=named)
def test_full_windows_keep_to_their_budget(case, window, tmp_path):
    ((name, used, _, runs),) = compiled(case, WINDOWS[window], False, tmp_path)
    registers, a_tap, besides = BUDGET[case]
    taps = WINDOWS[window][0] ** 2
    assert name == "windows"
    assert used <= registers
    full = [run for run in runs if count(run, " LDG.") == taps]
    assert full, "a full window is one run of as many loads as it has taps"
    assert min(map(len, full)) <= a_tap * taps + besides


@pytest.mark.parametrize(
    ("case", "window"),
    few([*product(RUNS, WINDOWS)], [*product(list(RUNS)[:1], WINDOWS),
                                    *product(list(RUNS)[1:], ["3x3/s1"])]),
    ids=lambda value: value if isinstance(value, str) else named(value),
)  # fmt: skip
def test_runs_of_outputs_keep_to_their_budget(case, window, tmp_path):
    ((name, used, _, runs),) = compiled(case, WINDOWS[window], True, tmp_path)
    registers, *windows = RUNS[case]
    outputs, wide, loads, an_output = windows[list(WINDOWS).index(window)]
    assert name == "runs"
    assert used <= registers
    # All rows of a window, or the rows one after the other.
    hot = [run for run in runs if count(run, " LDG.") in (loads, loads / 3)]
    turns = [loads // count(run, " LDG.") for run in hot]
    full = [
        (turn * len(run), turn * count(run, " LDG.E.128"))
        for turn, run in zip(turns, hot, strict=True)
    ]
    assert any(
        found <= an_output * outputs and at_once == wide for found, at_once in full
    ), full


@pytest.mark.parametrize("case", DOUBLED, ids=named)
def test_large_windows_keep_to_their_budget(case, tmp_path):
    for name, used, shared, runs in compiled(case, (31, 1, 15), True, tmp_path, 256):
        registers, room, a_round = DOUBLED[case]
        assert name == "doubled"
        assert used <= registers
        assert shared <= room
        rounds = [run for run in runs if count(run, " LDS") > 1 and count(run, " STS")]
        assert rounds, "an element is joined with another of the tile"
        assert np.median([len(run) for run in rounds]) <= a_round
