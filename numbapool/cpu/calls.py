"""Calls that an intrinsic makes of functions that kernels may call."""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.extending import intrinsic


class Call:
    """A call of what kernels may call, on arguments of these types."""

    def __init__(self, typing_context: Any, function: Any, *kinds: Any) -> None:
        self.function = function
        self.signature = typing_context.resolve_function_type(function, kinds, {})

    @property
    def result(self) -> Any:
        return self.signature.return_type

    def made(self, context: Any, builder: Any) -> Any:
        made = context.get_function(self.function, self.signature)
        context.add_linking_libs(getattr(made, "libs", ()))
        return lambda *values: made(builder, values)


@intrinsic(prefer_literal=True)
def several(
    typing_context: Any, function: Any, count: Any, x: Any, base: Any, layout: Any, row: Any,
    start: Any,
) -> Any:  # fmt: skip
    """What ``function`` gives of ``count`` rows, the first of them ``row``: a tuple."""
    call = Call(typing_context, function, x, base, layout, row, start)
    many = count.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made, first = call.made(context, builder), args[5]
        rows = (builder.add(first, first.type(number)) for number in range(many))
        found = [made(*args[2:5], each, args[6]) for each in rows]
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(call.result, many)(function, count, x, base, layout, row, start), generate
