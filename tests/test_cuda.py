"""The CUDA target with no GPU: its tests in the simulator, and what is said where it lacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True
    )


FILES = sorted((HERE / "cuda").glob("test_*.py"))
PARTS = 4  # of less than a minute each, for as many workers


@pytest.mark.parametrize("part", range(PARTS))
def test_every_kernel_in_the_simulator(part):
    files = FILES[part::PARTS]
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-4000:]
    assert "passed" in found.stdout
    assert "skipped" not in found.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a driver for Linux")
def test_what_is_asked_of_a_driver(tmp_path):
    """With a driver that does nothing in place of the one that there may be."""
    made = tmp_path / "libcuda.so.1"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", made, HERE / "driver" / "cuda.c"], check=True)
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / "driver"],
        env=os.environ | {"NUMBAPOOL_TEST_DRIVER": "1", "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-4000:]
    assert "passed" in found.stdout


def test_no_gpu_is_one_clear_error(tmp_path):
    if _there_is_a_gpu():
        pytest.skip("there is a GPU")
    found = python("import numbapool; numbapool.set_default_target('cuda')")
    assert found.returncode == 1
    assert "target 'cuda' needs a GPU and its driver" in found.stderr.splitlines()[-1]
    pooling = "import numbapool, numpy; numbapool.max_pool1d(numpy.zeros((1, 4)), 2)"
    found = subprocess.run(
        [sys.executable, "-c", pooling], capture_output=True, text=True,
        env=os.environ | {"NUMBAPOOL_TARGET": "cuda"},
    )  # fmt: skip
    assert "target 'cuda' (NUMBAPOOL_TARGET) needs a GPU" in found.stderr.splitlines()[-1]
    np.save(tmp_path / "x.npy", np.zeros((4, 4)))
    for command in (["pool", "x.npy", "-o", "y.npy", "-k", "2"], ["bench", "-o", "y.png"]):
        found = subprocess.run(
            [sys.executable, "-m", "numbapool", *command, "--target", "cuda"],
            cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip
        assert (found.returncode, found.stderr.count("\n")) == (2, 1)
        assert f"numbapool {command[0]}: error: target 'cuda' needs a GPU" in found.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]
    command = [sys.executable, HERE.parent / "benchmarks" / "gpu.py", "--out", tmp_path / "out"]
    found = subprocess.run(command, capture_output=True, text=True)
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert "target 'cuda' needs a GPU" in found.stderr


def test_no_numba_cuda_is_one_clear_error():
    found = python(
        "import sys, numbapool; sys.modules['numba_cuda'] = None;"
        "import importlib.util as u; real = u.find_spec;"
        "u.find_spec = lambda name, *a: None if name == 'numba_cuda' else real(name, *a);"
        "numbapool.set_default_target('cuda')"
    )
    assert found.returncode == 1
    assert "needs the package numba-cuda: pip install 'numbapool[cuda12]'" in found.stderr


def test_the_default_target_comes_from_the_environment():
    pool = "import numpy as np, numbapool; numbapool.max_pool1d(np.ones((1, 1, 4)), 2)"
    assert python(pool, NUMBAPOOL_TARGET="cpu").returncode == 0
    found = python(pool, NUMBAPOOL_TARGET="gpu")
    assert "NUMBAPOOL_TARGET must be one of cpu, cuda, got" in found.stderr
    seen = python(
        "import sys; " + pool + "; assert 'numbapool.cuda.run' in sys.modules",
        NUMBAPOOL_TARGET="cuda", NUMBA_ENABLE_CUDASIM="1",
    )  # fmt: skip
    assert seen.returncode == 0, seen.stderr


def test_a_child_forked_after_cuda_was_used_is_told():
    found = python(
        "import os, numpy as np, numbapool\n"
        "from numbapool.cuda import api\n"
        "api.check()\n"
        "if os.fork() == 0:\n"
        "    try: numbapool.set_default_target('cuda')\n"
        "    except RuntimeError as error: print(error, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()",
        NUMBA_ENABLE_CUDASIM="1",
    )
    assert "CUDA was used before this process was forked" in found.stdout


def _there_is_a_gpu():
    return python("from numbapool.cuda import api; api.check()").returncode == 0
