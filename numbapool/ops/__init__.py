"""The registry of reductions: a new one is a file beside this and a line here."""

from __future__ import annotations

from .base import PoolOp
from .max import MAX
from .mean import MEAN
from .min import MIN
from .sum import SUM

OPS: dict[str, PoolOp] = {op.name: op for op in (MAX, MIN, SUM, MEAN)}

__all__ = ["MAX", "MEAN", "MIN", "OPS", "SUM", "PoolOp"]
