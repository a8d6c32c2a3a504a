"""Tests of the CUDA target: in Numba's simulator (NUMBA_ENABLE_CUDASIM=1), or on a GPU."""

from __future__ import annotations

import os

import pytest

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"


def _there_is_a_gpu() -> bool:
    try:
        from numbapool.cuda import api

        api.check()
    except (ImportError, RuntimeError):
        return False
    return True


collect_ignore_glob = [] if SIMULATED or _there_is_a_gpu() else ["test_*.py"]
if SIMULATED:
    import turns

    turns.install()
else:
    collect_ignore_glob.append("turns.py")


def pytest_collection_modifyitems(items):
    """The simulator reckons with NumPy's scalars, which warn where a processor wraps."""
    quiet = pytest.mark.filterwarnings("ignore:.*encountered in scalar:RuntimeWarning")
    for item in items:
        if SIMULATED and "cuda" in item.path.parts:
            item.add_marker(quiet)


@pytest.fixture(autouse=True)
def _apart():
    """Every test begins with arrays of the host on the CPU."""
    from numbapool import set_default_target

    set_default_target(None)
    yield
    set_default_target(None)
