"""Half floats as their 16 bits, and the float32 that they are.

Called as ``halves.widened``, as everything in `vector` is.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .vector import Vector, joined, shuffle


def _like(kind: Any, item: Any) -> Any:
    """An LLVM type with as many lanes as a Numba type has."""
    return ir.VectorType(item, kind.lanes) if isinstance(kind, Vector) else item


def _as(kind: Any, dtype: Any) -> Any:
    return Vector(dtype, kind.lanes) if isinstance(kind, Vector) else dtype


WORD, HALF, FLOAT = ir.IntType(32), ir.HalfType(), ir.FloatType()


@intrinsic
def widened(typing_context: Any, bits: Any) -> Any:
    """float16 bits, of a number or in every lane, as float32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        halves = builder.bitcast(args[0], _like(bits, HALF))
        return builder.fpext(halves, _like(bits, FLOAT))

    return _as(bits, types.float32)(bits), generate


@intrinsic
def narrowed(typing_context: Any, value: Any) -> Any:
    """float32 as float16 bits, rounded to nearest, ties to even."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        halves = builder.fptrunc(args[0], _like(value, HALF))
        return builder.bitcast(halves, _like(value, ir.IntType(16)))

    return _as(value, types.int16)(value), generate


def _constant(kind: Any, number: int) -> Any:
    """A 32-bit number, in every lane of a type."""
    if isinstance(kind, ir.VectorType):
        return ir.Constant(kind, [number] * kind.count)
    return ir.Constant(kind, number)


@intrinsic(prefer_literal=True)
def both_extremes(typing_context: Any, one: Any, other: Any, signed: Any) -> Any:
    """In the first half of the lanes the larger of two, ``signed`` or not; else the smaller."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        count = one.lanes // 2
        (first, low), (second, high) = (
            [shuffle(builder, value, list(range(start, start + count))) for start in (0, count)]
            for value in args[:2]
        )
        compare = builder.icmp_signed if signed.literal_value else builder.icmp_unsigned
        larger = builder.select(compare(">", second, first), second, first)
        smaller = builder.select(builder.icmp_signed("<", high, low), high, low)
        return joined(builder, [larger, smaller])

    return one(one, one, signed), generate


@intrinsic
def brain_widened(typing_context: Any, bits: Any) -> Any:
    """bfloat16 bits as float32: its upper half."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        words = builder.zext(args[0], _like(bits, WORD))
        upper = builder.shl(words, _constant(words.type, 16))
        return builder.bitcast(upper, _like(bits, FLOAT))

    return _as(bits, types.float32)(bits), generate


@intrinsic
def brain_narrowed(typing_context: Any, value: Any) -> Any:
    """float32 as bfloat16 bits, rounded to nearest, ties to even; NaN stays NaN."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = _like(value, WORD)
        words = builder.bitcast(args[0], kind)
        sixteen = _constant(kind, 16)
        odd = builder.and_(builder.lshr(words, sixteen), _constant(kind, 1))
        nearest = builder.add(builder.add(words, odd), _constant(kind, 0x7FFF))
        number = builder.fcmp_ordered("ord", args[0], args[0])
        kept = builder.select(number, nearest, _constant(kind, 0x7FC00000))
        return builder.trunc(builder.lshr(kept, sixteen), _like(value, ir.IntType(16)))

    return _as(value, types.int16)(value), generate
