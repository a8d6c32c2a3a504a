"""The one place that says how functions are compiled, and where machine code is kept.

Kernels are closures over plain functions and plain ints: those Numba finds again in its disk cache
in the next process. No fastmath: NaN propagates, and results do not depend on the machine's lanes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from numba import njit, types
from numba.core.caching import FunctionCache, NullCache
from numba.core.ccallback import CFunc
from numba.core.runtime import rtsys
from numba.core.typing.templates import infer, infer_global

from .lazy import undisturbed
from .ops import PoolOp
from .parts import template

HERE = Path(__file__).parent
_kernels: list[CFunc] = []


class _ForgivingCache(FunctionCache):
    """A disk cache whose failures cost a compilation, never a call."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What machine code needs: what compiling does, Numba reads when it comes to that."""
        try:
            rtsys.initialize(target_context)
            with self._guard_against_spurious_io_errors():
                return self._load_overload(sig, target_context)
        except Exception:
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception:
            self.disable()


def _named(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, a closure under a name of its own: the symbol of its machine code.

    Numba tells namesakes apart by a counter that starts anew in every process, so code cached by
    two processes would meet under one symbol in a third, which then runs the first for both.
    """
    if "<locals>" in function.__qualname__ and "$" not in function.__qualname__:
        held = [_told(cell.cell_contents) for cell in function.__closure__ or ()]
        digest = hashlib.sha256(b"".join([_code(function.__code__), *held])).hexdigest()
        function.__qualname__ += f"${digest[:16]}"
    return function


def _cache(function: Callable[..., Any]) -> Any:
    try:
        return _ForgivingCache(function)
    except RuntimeError:  # no folder to write to
        return NullCache()


def compile_kernel(function: Callable[..., Any]) -> int:
    """The address of ``function(frame, scratch, first, last, x, out, index)``, cached on disk.

    It returns the task that it stopped at, or ``last``.
    """
    return _address(function, 7)


def compile_loop(function: Callable[..., Any]) -> int:
    """The address of ``function(frame, x, out, index)``, which calls kernels from all threads."""
    return _address(function, 4, parallel=True)


def _address(function: Callable[..., Any], words: int, parallel: bool = False) -> int:
    options = {"error_model": "numpy", "parallel": parallel}
    kernel = CFunc(_named(function), ((types.uintp,) * words, types.uintp), {}, options)
    kernel._cache = _cache(function)
    with undisturbed():
        kernel.compile()
    _kernels.append(kernel)  # its code lives as long as it does
    return int(kernel.address)


def compile_driver(function: Callable[..., Any]) -> Any:
    """``function`` compiled on its first call, outside the GIL, cached on disk where one can."""
    driver = njit(nogil=True)(function)
    driver._cache = _cache(function)
    return driver


@cache
def inner(function: Callable[..., Any], inlined: bool = False) -> Any:
    """``function`` made callable from kernels; it stays the plain function it was.

    LLVM inlines what is small. ``inlined`` makes it do so whatever the size: a function that is
    called returns several vectors through memory.
    """
    function = _named(function)
    part = template(function, inlined)
    infer(part)
    infer_global(function, types.Function(part))
    return function


def _cells(function: Callable[..., Any]) -> list[Any]:
    return [cell.cell_contents for cell in function.__closure__ or ()]


def _reads(function: Callable[..., Any]) -> list[Any]:
    return [function.__globals__.get(name) for name in function.__code__.co_names]


def _called(
    function: Callable[..., Any], seen: set[Callable[..., Any]] | None = None
) -> list[Callable[..., Any]]:
    """The plain functions that an op's function calls, after those that they call; then itself."""
    seen, found = set() if seen is None else seen, []
    seen.add(function)
    for held in (*_cells(function), *_reads(function)):
        if isinstance(held, FunctionType) and held not in seen:
            found += _called(held, seen)
    return [*found, function]


def with_helpers(function: Callable[..., Any]) -> Any:
    """An op's function made callable from kernels, and so are the plain ones that it calls."""
    return [inner(called) for called in _called(function)][-1]


def cache_folders() -> list[Path]:
    """The folders that hold compiled kernels of this package."""
    from .cpu.scalars import stored  # Numba keeps machine code by the file of its source

    path = _cache(stored).cache_path
    return [Path(path)] if path else []


def _told(held: Any) -> bytes:
    if isinstance(held, FunctionType):
        return f"{held.__module__}.{held.__qualname__}".encode() + _code(held.__code__)
    return repr(held).encode()


def _told_of_op(function: Callable[..., Any] | None) -> bytes:
    """An op's function and those it calls, with what they close over and the numbers they read."""
    told = []
    for called in _called(function) if function else ():
        numbers = [held for held in _reads(called) if isinstance(held, (int, float, tuple))]
        held = [cell for cell in _cells(called) if not isinstance(cell, FunctionType)]
        told += [_code(called.__code__), *map(_told, held + numbers)]
    return b"-".join([b"", *told])


def _code(code: CodeType) -> bytes:
    inner_code = [_code(c) if isinstance(c, CodeType) else repr(c).encode() for c in code.co_consts]
    return b"".join([code.co_code, repr(code.co_names).encode(), *inner_code])


@cache
def _sources(target: str) -> bytes:
    shared = [HERE / "jit.py", HERE / "parts.py", HERE / "ops" / "together.py"]
    files = [*shared, *sorted((HERE / target).glob("*.py"))]
    return b"".join(path.read_bytes() for path in files)


@cache
def fingerprint(op: PoolOp, target: str = "cpu") -> int:
    """Changes with the op's code and the kernels'.

    Numba's cache sees only the file of the outermost function; a kernel closes over this number, so
    machine code of an edited op or helper is never loaded.
    """
    functions = (
        op.combine, op.better, op.overrides, op.reduce, op.slopes, op.lift, op.finish, op.scale,
    )  # fmt: skip
    codes = b"".join(map(_told_of_op, functions))
    return int.from_bytes(hashlib.sha256(_sources(target) + codes).digest()[:7], "little")
