"""asv: importing numbapool, and a first call with an empty and with a filled disk cache."""

from __future__ import annotations

import subprocess
import sys
import tempfile

FIRST_CALLS = {
    "max": "numbapool.max_pool2d(x, 3, 2, 1)",
    "max with indices": "numbapool.max_pool2d(x, 3, 2, 1, return_indices=True)",
    "avg": "numbapool.avg_pool2d(x, 3, 2, 1)",
}
PREPARE = """
import os, tempfile
os.environ["NUMBA_CACHE_DIR"] = {folder}
import numpy, numbapool
x = numpy.ones((1, 64, 112, 112), numpy.float32)
"""


class Import:
    def timeraw_numbapool(self) -> str:
        return "import numbapool"

    def timeraw_numpy(self) -> str:
        """The floor."""
        return "import numpy"


class FirstCall:
    """From imported to the first result, Numba's own import included."""

    params = (("cold", "warm"), tuple(FIRST_CALLS))
    param_names = ("cache", "op")
    repeat = 3
    rounds = 1
    timeout = 300

    def setup(self, cache: str, op: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        if cache == "warm":
            call, setup = self.timeraw_first_call(cache, op)
            subprocess.run([sys.executable, "-c", f"{setup}\n{call}"], check=True)

    def teardown(self, cache: str, op: str) -> None:
        self.folder.cleanup()

    def timeraw_first_call(self, cache: str, op: str) -> tuple[str, str]:
        parent = repr(self.folder.name)
        folder = parent if cache == "warm" else f"tempfile.mkdtemp(dir={parent})"
        return FIRST_CALLS[op], PREPARE.format(folder=folder)
