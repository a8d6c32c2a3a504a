"""The one place that says how functions are compiled, and where machine code is kept.

Kernels are closures over plain functions and plain ints: those Numba finds again in its disk cache
in the next process. No fastmath: NaN propagates, and results do not depend on the machine's lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import types
from numba.core import compiler
from numba.core.caching import FunctionCache, NullCache
from numba.core.ccallback import CFunc
from numba.core.typing.templates import infer, infer_global

from .context import Callback, Driver, name_helpers
from .fingerprints import called, named
from .lazy import undisturbed
from .parts import Compiler, template

_kernels: list[CFunc] = []


class _ForgivingCache(FunctionCache):
    """A disk cache whose failures cost a compilation, never a call."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What machine code needs: what compiling does, Numba reads when it comes to that."""
        try:
            name_helpers()
            with self._guard_against_spurious_io_errors():
                return self._load_overload(sig, target_context)
        except Exception:
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception:
            self.disable()


def _cache(function: Callable[..., Any]) -> Any:
    try:
        return _ForgivingCache(function)
    except RuntimeError:  # no folder to write to
        return NullCache()


def compile_kernel(function: Callable[..., Any]) -> int:
    """The address of ``function(frame, scratch, first, last, x, out, index)``, cached on disk.

    It returns the task that it stopped at, or ``last``.
    """
    return _address(function, 7, _nrt=False)  # nothing whose references are counted


def compile_loop(function: Callable[..., Any], parallel: bool = True) -> int:
    """The address of a function of four words and one to give, such as a loop over threads is."""
    return _address(function, 4, parallel=parallel)


def _address(function: Callable[..., Any], words: int, **options: bool) -> int:
    every: dict[str, Any] = {"error_model": "numpy", **options}
    kind, way = (CFunc, compiler.Compiler) if options.get("parallel") else (Callback, Compiler)
    kernel = kind(named(function), ((types.uintp,) * words, types.uintp), {}, every, way)
    kernel._cache = _cache(function)
    with undisturbed():
        kernel.compile()
    _kernels.append(kernel)  # its code lives as long as it does
    return int(kernel.address)


def compile_driver(function: Callable[..., Any]) -> Any:
    """``function`` compiled on its first call, outside the GIL, cached on disk where one can."""
    options = {"nogil": True, "nopython": True, "no_cfunc_wrapper": True, "_nrt": False}
    driver = Driver(function, targetoptions=options, pipeline_class=Compiler)
    driver._cache = _cache(function)
    return driver


@cache
def inner(function: Callable[..., Any], inlined: bool = False) -> Any:
    """``function`` made callable from kernels; it stays the plain function it was.

    LLVM inlines what is small. ``inlined`` makes it do so whatever the size: a function that is
    called returns several vectors through memory.
    """
    function = named(function)
    part = template(function, inlined)
    infer(part)
    infer_global(function, types.Function(part))
    return function


def with_helpers(function: Callable[..., Any]) -> Any:
    """An op's function made callable from kernels, and so are the plain ones that it calls."""
    return [inner(each) for each in called(function)][-1]


def cache_folders() -> list[Path]:
    """The folders that hold compiled kernels of this package."""
    from .cpu.scalars import stored  # Numba keeps machine code by the file of its source

    path = _cache(stored).cache_path
    return [Path(path)] if path else []
