"""Powers of float32 lanes, all at once: LLVM's own would call a function for every lane.

``x ** y`` is ``2 ** (y * log2(x))`` in float64, which leaves 29 bits more than a float32 keeps.
"""

from __future__ import annotations

from math import inf as INFINITY
from math import log, nan
from typing import Any

from llvmlite import ir
from numba.core import cgutils

#: Terms of log2(m) = 2 / ln(2) * t * (1 + t**2 / 3 + t**4 / 5 + ...) with t = (m - 1) / (m + 1),
#: at most 0.172 in magnitude, and of 2 ** f for f up to a half: what is left out is below 2 ** -35.
LOG_TERMS, EXP_TERMS = 7, 10
HALF_ROOT = 0x3FE6A09E667F3BCD  # 1 / sqrt(2), as bits
#: An integer below 2 ** 51 beside a float64 of this exponent is the float of its sum.
MAGIC, MAGIC_BITS = 2.0**52 + 2.0**51, 0x4338000000000000


class Lanes:
    """Arithmetic on vectors of floats and of their bits, with one number for all lanes."""

    def __init__(self, builder: Any, count: int, width: int = 64) -> None:
        self.builder, self.width = builder, width
        self.floats = ir.VectorType(ir.DoubleType() if width == 64 else ir.FloatType(), count)
        self.bits = ir.VectorType(ir.IntType(width), count)

    def __getattr__(self, name: str) -> Any:
        make = getattr(self.builder, name)

        def made(*lanes: Any) -> Any:
            kind = self.floats if name.startswith("f") else self.bits
            return make(*(self.of(kind, lane) for lane in lanes))

        return made

    def of(self, kind: Any, lane: Any) -> Any:
        """A number as lanes of it."""
        if not isinstance(lane, (int, float)):
            return lane
        return ir.Constant(kind, [lane] * kind.count)

    def called(self, name: str, *lanes: Any) -> Any:
        """LLVM's own function of floats."""
        lanes = tuple(self.of(self.floats, lane) for lane in lanes)
        signature = ir.FunctionType(self.floats, [self.floats] * len(lanes))
        name = f"llvm.{name}.v{self.floats.count}f{self.width}"
        function = cgutils.get_or_insert_function(self.builder.module, signature, name)
        return self.builder.call(function, lanes)

    def fused(self, one: Any, by: Any, more: Any) -> Any:
        """``one * by + more``, rounded once."""
        return self.called("fma", one, by, more)

    def polynomial(self, x: Any, coefficients: list[float]) -> Any:
        """By Horner, the highest power first."""
        found = self.of(self.floats, coefficients[0])
        for coefficient in coefficients[1:]:
            found = self.fused(found, x, coefficient)
        return found


def _log2(v: Lanes, x: Any) -> Any:
    """Of positive numbers that are neither subnormal nor infinite."""
    bits = v.builder.bitcast(x, v.bits)
    # From 1 / sqrt(2) to sqrt(2), so that logarithms near 1 keep their digits.
    exponent = v.ashr(v.sub(bits, HALF_ROOT), 52)
    mantissa = v.builder.bitcast(v.sub(bits, v.shl(exponent, 52)), v.floats)
    whole = v.fsub(v.builder.bitcast(v.add(exponent, MAGIC_BITS), v.floats), MAGIC)
    t = v.fdiv(v.fsub(mantissa, 1.0), v.fadd(mantissa, 1.0))
    terms = [2 / log(2) / (2 * term + 1) for term in reversed(range(LOG_TERMS))]
    return v.fused(t, v.polynomial(v.fmul(t, t), terms), whole)


def _exp2(v: Lanes, z: Any) -> Any:
    """Of numbers from -1000 to 1000."""
    near = v.fadd(z, MAGIC)
    whole = v.sub(v.builder.bitcast(near, v.bits), MAGIC_BITS)
    rest = v.fsub(z, v.fsub(near, MAGIC))
    terms, factor = [1.0], 1.0
    for term in range(1, EXP_TERMS):
        factor *= log(2) / term
        terms.append(factor)
    scale = v.builder.bitcast(v.shl(v.add(whole, 1023), 52), v.floats)
    return v.fmul(v.polynomial(rest, terms[::-1]), scale)


def power(builder: Any, x: Any, y: Any) -> Any:
    """``x ** y`` of vectors of float32, with the special cases of C's ``powf``.

    But for 1 to a power that is NaN, which is NaN here.
    """
    count, single = x.type.count, x.type
    v = Lanes(builder, count)
    wide = builder.fpext(x, v.floats)
    if isinstance(y, ir.Constant):  # with the digits that a float32 would lose
        by = v.of(v.floats, y.constant[0].constant)
    else:
        by = builder.fpext(y, v.floats)
    zero = v.of(v.floats, 0.0)

    def compared(how: str, one: Any, other: Any) -> Any:
        return builder.fcmp_ordered(how, one, other)

    magnitude = v.and_(builder.bitcast(wide, v.bits), 2**63 - 1)
    positive = builder.bitcast(magnitude, v.floats)
    z = v.called("minnum", v.fmul(by, _log2(v, positive)), 1000.0)
    found = _exp2(v, v.called("maxnum", z, -1000.0))
    # Nothing and infinity have no logarithm here: what they give turns on the exponent's sign.
    upwards, infinity = compared(">", by, zero), v.of(v.floats, INFINITY)
    found = builder.select(
        compared("==", positive, zero), builder.select(upwards, zero, infinity), found
    )
    found = builder.select(
        compared("==", positive, infinity), builder.select(upwards, infinity, zero), found
    )
    # Of a number below nothing only a whole power is one, and an odd one keeps the sign.
    near = v.fsub(v.fadd(by, MAGIC), MAGIC)
    twice = v.fmul(by, 0.5)
    odd = builder.fcmp_unordered("!=", twice, v.fsub(v.fadd(twice, MAGIC), MAGIC))
    signed = builder.select(odd, v.fsub(-0.0, found), found)
    unknown = v.of(v.floats, nan)
    is_whole, is_not = compared("==", near, by), builder.fcmp_unordered("!=", near, by)
    below = builder.icmp_signed("<", builder.bitcast(wide, v.bits), v.of(v.bits, 0))
    negative = builder.and_(below, builder.fcmp_ordered("==", wide, wide))
    finite = builder.and_(compared("<", wide, zero), compared(">", wide, v.of(v.floats, -INFINITY)))
    broken = builder.and_(finite, is_not)
    found = builder.select(builder.and_(negative, is_whole), signed, found)
    found = builder.select(broken, unknown, found)
    found = builder.select(builder.fcmp_unordered("uno", wide, by), unknown, found)
    found = builder.select(compared("==", by, zero), v.of(v.floats, 1.0), found)
    return builder.fptrunc(found, single)
