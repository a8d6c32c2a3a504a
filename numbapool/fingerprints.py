"""What the machine code of an op depends on, as bytes: code, and all that it holds and reads.

Numba's cache sees only the file of the outermost function; a kernel closes over the number made
of these, so machine code of an edited op or helper is never loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from .ops import PoolOp
from .ops.base import FUNCTIONS

HERE = Path(__file__).parent
#: What Numba makes constants of, where a function reads them.
CONSTANTS = (bool, int, float, complex, str, bytes, tuple, np.generic, np.ndarray)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inside in code.co_consts:
        if isinstance(inside, CodeType):
            yield from _names(inside)


def _cells(function: FunctionType) -> list[Any]:
    return [cell.cell_contents for cell in function.__closure__ or ()]


def _reads(function: FunctionType) -> list[Any]:
    return [function.__globals__.get(name) for name in _names(function.__code__)]


def called(
    function: Any, seen: set[Any] | None = None, compiled: bool = False
) -> list[FunctionType]:
    """The plain functions that an op's function calls, after those that they call; then itself.

    And, of those that Numba has ``compiled``, what they were.
    """
    seen, found = set() if seen is None else seen, []
    seen.add(function)
    for held in (*_cells(function), *_reads(function)):
        plain = getattr(held, "py_func", held) if compiled else held
        if isinstance(plain, FunctionType) and plain not in seen:
            found += called(plain, seen, compiled)
    return [*found, function]


def _code(code: CodeType) -> bytes:
    inside = [_code(c) if isinstance(c, CodeType) else repr(c).encode() for c in code.co_consts]
    return b"".join([code.co_code, repr(code.co_names).encode(), *inside])


def _function(function: FunctionType) -> bytes:
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    return b"".join([_code(function.__code__), *map(_told, defaults)])


def _told(held: Any) -> bytes:
    if isinstance(held, FunctionType):
        return f"{held.__module__}.{held.__qualname__}".encode() + _function(held)
    if isinstance(held, np.ndarray):
        return f"{held.dtype}{held.shape}".encode() + held.tobytes()
    return repr(held).encode()


def named(function: Any) -> Any:
    """``function``, a closure or a lambda, under a name of its own: that of its machine code.

    Numba tells namesakes apart by a counter that starts anew in every process, so code cached by
    two processes would meet under one symbol in a third, which then runs the first for both.
    """
    if "<" in function.__qualname__ and "$" not in function.__qualname__:
        told = b"".join([_function(function), *map(_told, _cells(function))])
        digest = hashlib.sha256(told).hexdigest()
        function.__qualname__ += f"${digest[:16]}"
    return function


def _constants(function: FunctionType) -> list[Any]:
    """What it closes over, and the numbers that it reads, of modules, too."""
    reads, names = _reads(function), [*_names(function.__code__)]
    modules = [each for each in reads if isinstance(each, ModuleType)]
    reads += [getattr(module, name, None) for module in modules for name in names]
    held = [cell for cell in _cells(function) if not callable(cell)]
    return held + [each for each in reads if isinstance(each, CONSTANTS)]


def _told_of_op(function: Callable[..., Any] | None) -> bytes:
    """An op's function and those it calls, with what they close over and the numbers they read."""
    told = []
    for each in called(function, compiled=True) if function else ():
        told += [_function(each), *map(_told, _constants(each))]
    return b"-".join([b"", *told])


@cache
def _sources(target: str) -> bytes:
    shared = [HERE / name for name in ("jit.py", "parts.py", "context.py", "ops/together.py")]
    files = [*shared, *sorted((HERE / target).glob("*.py"))]
    return b"".join(path.read_bytes() for path in files)


@cache
def fingerprint(op: PoolOp, target: str = "cpu") -> int:
    """Changes with the op's code and the kernels'."""
    codes = b"".join(_told_of_op(getattr(op, name)) for name in FUNCTIONS)
    return int.from_bytes(hashlib.sha256(_sources(target) + codes).digest()[:7], "little")
