"""Calls that an intrinsic makes of functions that kernels may call."""

from __future__ import annotations

from typing import Any


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
