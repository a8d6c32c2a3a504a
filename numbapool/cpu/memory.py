"""Raw memory for kernels: loads, stores and choices that LLVM vectorises without asking.

Two pointers might overlap, for all LLVM knows: it guards each loop with comparisons of addresses,
and gives up beyond eight. Here everything that a kernel touches has a *role*, and each load and
store says in LLVM's own alias metadata that different roles never share memory. That is worth a
factor of two to four on short rows.

Kernels call these as ``memory.load``: an intrinsic named in a closure by itself would put a random
number into the key of Numba's disk cache.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

ROLES = range(10)
FRAME, INPUT, OUTPUT, OUTPUT_INDEX, TILE, TILE_INDEX, WHOLE, WHOLE_INDEX, PART, PART_INDEX = ROLES


def _tag(builder: Any, instruction: Any, role: int) -> Any:
    module = builder.module
    domain = module.add_metadata(["numbapool"])
    scopes = [module.add_metadata([f"numbapool.{other}", domain]) for other in ROLES]
    others = [scope for other, scope in enumerate(scopes) if other != role]
    instruction.set_metadata("alias.scope", module.add_metadata([scopes[role]]))
    instruction.set_metadata("noalias", module.add_metadata(others))
    return instruction


@intrinsic
def pointer(typing_context: Any, address: Any, dtype: Any) -> Any:
    """An address as a pointer to numbers of a type such as ``np.float32``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(dtype.dtype)(types.uintp, dtype), generate


@intrinsic
def word(typing_context: Any, frame: Any, at: Any) -> Any:
    """The 64-bit word ``at`` of the frame at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        base = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return _tag(builder, builder.load(builder.gep(base, [args[1]])), FRAME)

    return types.uintp(types.uintp, types.uintp), generate


@intrinsic(prefer_literal=True)
def load(typing_context: Any, role: Any, base: Any, at: Any) -> Any:
    """``base[at]``; ``role`` is a constant."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        instruction = builder.load(builder.gep(args[1], [args[2]]))
        return _tag(builder, instruction, role.literal_value)

    return base.dtype(role, base, types.uintp), generate


@intrinsic(prefer_literal=True)
def store(typing_context: Any, role: Any, base: Any, at: Any, value: Any) -> Any:
    """``base[at] = value``; ``role`` is a constant."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        instruction = builder.store(args[3], builder.gep(args[1], [args[2]]))
        _tag(builder, instruction, role.literal_value)
        return context.get_dummy_value()

    return types.void(role, base, types.uintp, base.dtype), generate


@intrinsic
def pick(typing_context: Any, condition: Any, yes: Any, no: Any) -> Any:
    """``yes if condition else no`` of two values at hand.

    As a branch, LLVM would turn two loads into one from a chosen address: a gather.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(*args)

    return no(types.boolean, no, no), generate


@intrinsic
def call(
    typing_context: Any, kernel: Any, frame: Any, scratch: Any, at: Any, first: Any, last: Any
) -> Any:
    """Calls the kernel at an address for the tasks ``first`` to ``last``.

    It has the scratch from byte ``at`` on. The arrays come as such, so that they outlive the call.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word] * 4)
        data = [
            builder.ptrtoint(context.make_array(array)(context, builder, value).data, word)
            for array, value in zip((frame, scratch), args[1:3], strict=True)
        ]
        kernel_at = builder.inttoptr(args[0], kind.as_pointer())
        builder.call(kernel_at, [data[0], builder.add(data[1], args[3]), *args[4:]])
        return context.get_dummy_value()

    return types.void(types.int64, frame, scratch, *[types.int64] * 3), generate
