"""What no cache holds: loads by half a line, and stores that need not read what they write.

Kernels call these as ``stream.store``, as they call what is in `memory`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .frame import LINE
from .machine import MASKS, STREAMS
from .memory import align, place, tag
from .order import ALIGNED
from .vector import Vector, joined

BITS = 8 * LINE


@intrinsic(prefer_literal=True)
def lanes(typing_context: Any, role: Any, base: Any, at: Any, count: Any) -> Any:
    """`memory.lanes`: of vectors of a whole line two loads, which come sooner than one."""
    vector = Vector(base.dtype, count.literal_value)
    loads = 2 if MASKS and vector.lanes * base.dtype.bitwidth == BITS else 1

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_value_type(Vector(base.dtype, vector.lanes // loads))
        read = []
        for number in range(loads):
            further = builder.add(args[2], args[2].type(number * kind.count))
            here = place(builder, args[1], further, kind)
            instruction = builder.load(here, align=align(context, base.dtype))
            read.append(tag(builder, instruction, role.literal_value))
        if loads == 2:  # nothing is done to it, but LLVM would make them one
            itself = ir.FunctionType(kind, [kind])
            read[0] = builder.asm(itself, "", "=v,0", read[:1], False)
        return joined(builder, read)

    return vector(role, base, types.uintp, count), generate


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
