"""What plain scalars may do with vectors: compare, calculate, and a little of `math`.

A number beside a vector is one for every lane, in the lanes' type. What is not here (an ``if`` or
an ``and``) does not compile on vectors, and the op that does it runs on scalars.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

from .powers import power
from .roots import cube_root
from .vector import Vector, spread

Generate = Callable[[Any, Any, list[Any]], Any]  # from a builder, the lanes' type and the lanes


def _vector(args: Any) -> Any:
    """The one type of vectors among the arguments, if all others are numbers."""
    vectors = {arg for arg in args if isinstance(arg, Vector)}
    numbers = all(isinstance(arg, (Vector, types.Number)) for arg in args)
    return vectors.pop() if len(vectors) == 1 and numbers else None


class _Comparison(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        kind = _vector(args)
        return kind and signature(Vector(types.boolean, kind.lanes), *args)


class _Arithmetic(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        kind = _vector(args)
        return kind and signature(kind, *args)


class _OfFloats(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        kind = _vector(args)
        return signature(kind, *args) if kind and isinstance(kind.dtype, types.Float) else None


def _lowered(generate: Generate) -> Any:
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = _vector(sig.args)

        def spread_out(value: Any, of: Any) -> Any:
            floats = isinstance(of, types.Float) and isinstance(kind.dtype, types.Float)
            if floats and isinstance(value, ir.Constant):
                return ir.Constant(context.get_value_type(kind), [value.constant] * kind.lanes)
            return spread(builder, context.cast(builder, value, of, kind.dtype), kind.lanes)

        lanes = [
            value if isinstance(of, Vector) else spread_out(value, of)
            for of, value in zip(sig.args, args, strict=True)
        ]
        return generate(builder, kind.dtype, lanes)

    return lower


def _compare(symbol: str) -> Generate:
    def generate(builder: Any, dtype: Any, lanes: list[Any]) -> Any:
        if isinstance(dtype, types.Float):
            kind = builder.fcmp_unordered if symbol == "!=" else builder.fcmp_ordered
        else:
            signed = getattr(dtype, "signed", False)
            kind = builder.icmp_signed if signed else builder.icmp_unsigned
        return kind(symbol, *lanes)

    return generate


def _calculate(on_floats: str, on_ints: str) -> Generate:
    def generate(builder: Any, dtype: Any, lanes: list[Any]) -> Any:
        return getattr(builder, on_floats if isinstance(dtype, types.Float) else on_ints)(*lanes)

    return generate


def _extreme(symbol: str) -> Generate:
    def generate(builder: Any, dtype: Any, lanes: list[Any]) -> Any:
        first, second = lanes  # as Python has it: the first unless the second is beyond it
        return builder.select(_compare(symbol)(builder, dtype, [second, first]), second, first)

    return generate


def _intrinsic(name: str) -> Generate:
    """LLVM's own function of floats; what no processor has becomes a call for every lane."""

    def generate(builder: Any, dtype: Any, lanes: list[Any]) -> Any:
        kind = lanes[0].type
        suffix = f"v{kind.count}f{dtype.bitwidth}"
        signature = ir.FunctionType(kind, [kind] * len(lanes))
        function = cgutils.get_or_insert_function(
            builder.module, signature, f"llvm.{name}.{suffix}"
        )
        return builder.call(function, lanes)

    return generate


def _power(builder: Any, dtype: Any, lanes: list[Any]) -> Any:
    if dtype != types.float32:
        return _intrinsic("pow")(builder, dtype, lanes)
    value, exponent = lanes
    if isinstance(exponent, ir.Constant) and exponent.constant[0].constant == 1 / 3:
        return cube_root(builder, value)
    return power(builder, value, exponent)


def _absolute(builder: Any, dtype: Any, lanes: list[Any]) -> Any:
    if isinstance(dtype, types.Float):
        return _intrinsic("fabs")(builder, dtype, lanes)
    (value,) = lanes
    if not dtype.signed:
        return value
    negative = builder.icmp_signed("<", value, ir.Constant(value.type, None))
    return builder.select(negative, builder.neg(value), value)


def _negative(builder: Any, dtype: Any, lanes: list[Any]) -> Any:
    return (builder.fneg if isinstance(dtype, types.Float) else builder.neg)(*lanes)


FUNCTIONS: tuple[tuple[Any, int, Any, Generate], ...] = (
    *((getattr(operator, name), 2, _Comparison, _compare(symbol)) for name, symbol in (
        ("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="), ("eq", "=="), ("ne", "!=")
    )),
    *((getattr(operator, name), 2, _Arithmetic, _calculate(*kinds)) for names, *kinds in (
        (("add", "iadd"), "fadd", "add"),
        (("sub", "isub"), "fsub", "sub"),
        (("mul", "imul"), "fmul", "mul"),
        (("truediv", "itruediv"), "fdiv", "fdiv"),
        (("or_", "ior"), "or_", "or_"),
        (("and_", "iand"), "and_", "and_"),
        (("mod", "imod"), "frem", "srem"),
    ) for name in names),
    (max, 2, _Arithmetic, _extreme(">")),
    (min, 2, _Arithmetic, _extreme("<")),
    (abs, 1, _Arithmetic, _absolute),
    (operator.neg, 1, _Arithmetic, _negative),
    (operator.pow, 2, _OfFloats, _power),
    (math.sqrt, 1, _OfFloats, _intrinsic("sqrt")),
    (math.exp, 1, _OfFloats, _intrinsic("exp")),
    (math.log, 1, _OfFloats, _intrinsic("log")),
)  # fmt: skip
for _function, _many, _template, _generate in FUNCTIONS:
    infer_global(_function)(type(_template.__name__, (_template,), {}))
    _beside = ((Vector, types.Number), (types.Number, Vector)) if _many == 2 else ()
    for _kinds in ((Vector,) * _many, *_beside):
        lower_builtin(_function, *_kinds)(_lowered(_generate))
