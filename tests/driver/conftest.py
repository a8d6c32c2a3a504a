"""Tests above a driver with no GPU behind it, `cuda.c`: what this package asks of it."""

from __future__ import annotations

import os

collect_ignore_glob = [] if "NUMBAPOOL_TEST_DRIVER" in os.environ else ["test_*.py"]
