"""Words of memory that threads share, and what a thread does while it waits.

Kernels call these as ``atomic.load``, as they call what is in `memory`. All are sequentially
consistent.
"""

from __future__ import annotations

import platform
import sys
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

ORDER = "seq_cst"
WORD = ir.IntType(64)
_MACHINE = platform.machine().lower()


def _at(builder: Any, words: Any, at: Any) -> Any:
    return builder.gep(builder.inttoptr(words, WORD.as_pointer()), [at])


@intrinsic
def load(typing_context: Any, words: Any, at: Any) -> Any:
    """The 64-bit word ``at`` of those at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_at(builder, *args), ORDER, 8)

    return types.uintp(types.uintp, types.uintp), generate


@intrinsic
def store(typing_context: Any, words: Any, at: Any, value: Any) -> Any:
    """Writes a word."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[2], _at(builder, *args[:2]), ORDER, 8)
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.uintp), generate


def _changed(name: str, operation: str, what: str) -> Any:
    def changed(typing_context: Any, words: Any, at: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.atomic_rmw(operation, _at(builder, *args[:2]), args[2], ORDER)

        return types.uintp(types.uintp, types.uintp, types.uintp), generate

    changed.__name__, changed.__doc__ = name, what
    return intrinsic(changed)


add = _changed("add", "add", "Adds to a word; what it was before.")
swap = _changed("swap", "xchg", "Writes a word; what it was before.")


@intrinsic
def pause(typing_context: Any) -> Any:
    """Tells the processor that this thread waits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        hint = ir.IntType(32)
        if _MACHINE in ("x86_64", "amd64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(
                cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), []
            )
        elif _MACHINE in ("aarch64", "arm64"):
            kind = ir.FunctionType(ir.VoidType(), [hint])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.aarch64.hint")
            builder.call(function, [hint(1)])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def give_way(typing_context: Any) -> Any:
    """Lets another thread have this one's processor, where the system has a call for it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if sys.platform != "win32":
            kind = ir.FunctionType(ir.IntType(32), [])
            function = cgutils.get_or_insert_function(builder.module, kind, "sched_yield")
            builder.call(function, [])
        return context.get_dummy_value()

    return types.void(), generate
