"""Stores past the caches, which then need not read the lines that are written.

Kernels call these as ``stream.store``, as they call what is in `memory`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .machine import STREAMS
from .memory import place, tag
from .order import ALIGNED


@intrinsic(prefer_literal=True)
def store(typing_context: Any, role: Any, base: Any, at: Any, value: Any) -> Any:
    """Stores lanes; `settle` ends such stores."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        here = place(builder, args[1], args[2], args[3].type)
        instruction = builder.store(args[3], here, align=ALIGNED)
        tag(builder, instruction, role.literal_value)
        one = builder.module.add_metadata([ir.IntType(32)(1)])
        instruction.set_metadata("nontemporal", one)
        return context.get_dummy_value()

    return types.void(role, base, types.uintp, value), generate


@intrinsic
def settle(typing_context: Any) -> Any:
    """Waits until what was stored is there for other threads."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if STREAMS:
            kind = ir.FunctionType(ir.VoidType(), [])
            fence = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse.sfence")
            builder.call(fence, [])
        return context.get_dummy_value()

    return types.void(), generate
