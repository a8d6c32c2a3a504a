"""The vectors of the processor that kernels are compiled for."""

from __future__ import annotations

from numba.core import config
from numba.core.codegen import get_host_cpu_features

_features = config.CPU_FEATURES
if _features is None:
    _features = get_host_cpu_features()

#: Whether any lanes of a vector can be stored without the others.
MASKS = "+avx512bw" in _features
#: Bytes of the smallest numbers that can be loaded so; more than any has where none can.
LEAST_MASKED = 1 if MASKS else 4 if "+avx2" in _features else 16
#: Bytes of the smallest numbers that can be looked up in registers; more than any where none can.
LEAST_LOOKED_UP = (1 if "+avx512vbmi" in _features.split(",") else 2) if MASKS else 16
#: Whether numbers can be stored past the caches, from addresses that are multiples of 16 bytes on.
STREAMS = "+sse2" in _features.split(",")
#: Bytes of a register.
VECTOR = 64 if MASKS else 32
