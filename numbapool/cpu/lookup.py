"""Lanes of a row that several vectors hold, looked up by their numbers, in registers.

LLVM has no such instruction; AVX-512 has one for two vectors. Kernels call it as ``lookup.lanes``,
as they call what is in `memory`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from .machine import LEAST_LOOKED_UP
from .vector import Vector, shuffle, spread

#: The instruction's name by the bytes of a number.
NAMES = {1: "qi", 2: "hi", 4: "d", 8: "q"}


def has(item: int, wide: int) -> bool:
    """Whether it can be done for numbers of so many bytes, ``wide`` of them."""
    return item >= LEAST_LOOKED_UP and wide <= 1 << (8 * item - 1)


@intrinsic
def lanes(typing_context: Any, row: Any, places: Any) -> Any:
    """The lanes of a row that ``places`` says; they are signed, as wide, and fill one register.

    A place below 0 gives any lane.
    """
    kind = Vector(row.dtype, places.lanes)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wanted, count = args[1], places.lanes
        parts = [
            builder.bitcast(shuffle(builder, args[0], list(range(at, at + count))), wanted.type)
            for at in range(0, row.lanes, count)
        ]
        of = ir.FunctionType(wanted.type, [wanted.type] * 3)
        name = f"llvm.x86.avx512.vpermi2var.{NAMES[places.dtype.bitwidth // 8]}.512"
        permuted = cgutils.get_or_insert_function(builder.module, of, name)
        pairs = zip(parts[::2], parts[1::2] or parts, strict=True)
        found, size = [builder.call(permuted, [one, wanted, two]) for one, two in pairs], 2 * count
        while len(found) > 1:
            digit = spread(builder, wanted.type.element(size), count)
            second = builder.icmp_signed("!=", builder.and_(wanted, digit), wanted.type(None))
            both = zip(found[::2], found[1::2], strict=True)
            found, size = [builder.select(second, two, one) for one, two in both], 2 * size
        return builder.bitcast(found[0], context.get_value_type(kind))

    return kind(row, places), generate
