"""Vectors at an edge, of which some lanes are there, and no others are touched.

Where the machine has no masks for them, LLVM asks lane by lane. Here lanes are loaded from a copy,
and stored by the binary digits of their number: half a vector, a quarter, and so on. So they are
with AVX2, whose masked stores take some processors longer than ten others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .machine import LEAST_MASKED, MASKS
from .memory import align, place, tag
from .vector import shuffle, spread

WORD = ir.IntType(32)


def masked(builder: Any, name: str, vector: Any, result: Any, args: Any) -> Any:
    """Calls LLVM's masked load or store of a type of vectors."""
    kind = ir.FunctionType(result, [arg.type for arg in args])
    item = {ir.FloatType(): "f32", ir.DoubleType(): "f64"}.get(vector.element)
    suffix = f"v{vector.count}{item or f'i{vector.element.width}'}"
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.{suffix}.p0")
    return builder.call(function, args)


def _copying(module: Any, kind: Any, size: int) -> Any:
    """A function that copies the lanes from the first to the last of some into a vector.

    A lane has so many bytes.
    """
    byte, word, bits = ir.IntType(8), ir.IntType(64), ir.IntType(kind.count)
    of = ir.FunctionType(kind, [byte.as_pointer(), bits, kind])
    name = f"numbapool.copying.{kind.count}.{kind.element}"
    function = module.globals.get(name)
    if function is None:
        function = ir.Function(module, of, name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        builder = ir.IRBuilder(function.append_basic_block())
        here, wanted, fill = function.args
        copy = builder.alloca(kind)
        builder.store(fill, copy)
        zeros = [count(wanted, ir.IntType(1)(0)) for count in (builder.cttz, builder.ctlz)]
        before, after = (builder.zext(zero, word) for zero in zeros)
        lanes = builder.sub(word(kind.count), builder.add(before, after))
        some = builder.icmp_signed(">", lanes, word(0))
        start = builder.mul(builder.select(some, before, word(0)), word(size))
        places = (builder.gep(at, [start]) for at in (builder.bitcast(copy, here.type), here))
        cgutils.raw_memcpy(builder, *places, builder.select(some, lanes, word(0)), size)
        builder.ret(builder.load(copy))
    return function


def loaded(builder: Any, here: Any, mask: Any, fill: Any, item: int, role: int) -> Any:
    """The vector at an address where the mask is set, ``fill`` elsewhere; that is not read."""
    kind = fill.type
    if item >= LEAST_MASKED:
        arguments = [here, WORD(item), mask, fill]
        return tag(builder, masked(builder, "masked.load", kind, kind, arguments), role)
    bits = builder.bitcast(mask, ir.IntType(kind.count))
    bytes_there = builder.bitcast(here, ir.IntType(8).as_pointer())
    copied = builder.call(_copying(builder.module, kind, item), [bytes_there, bits, fill])
    return builder.select(mask, copied, fill)


@intrinsic(prefer_literal=True)
def some(typing_context: Any, role: Any, base: Any, at: Any, mask: Any, fill: Any) -> Any:
    """The vector at ``base[at]`` where the mask is set, ``fill`` elsewhere; that is not read."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, start, offset, there, nothing = args
        here, item = place(builder, start, offset, nothing.type), align(context, base.dtype)
        return loaded(builder, here, there, nothing, item, role.literal_value)

    return fill(role, base, types.uintp, mask, fill), generate


def first(builder: Any, count: Any, lanes: int) -> Any:
    """A mask of the first ``count`` lanes."""
    number = ir.Constant(ir.VectorType(WORD, lanes), list(range(lanes)))
    return builder.icmp_signed("<", number, spread(builder, builder.trunc(count, WORD), lanes))


def _store_masked(
    builder: Any, value: Any, here: Any, count: Any, item: int, role: int
) -> None:
    """Stores the first ``count`` lanes."""
    to = builder.bitcast(here, value.type.as_pointer())
    arguments = [value, to, WORD(item), first(builder, count, value.type.count)]
    tag(builder, masked(builder, "masked.store", value.type, ir.VoidType(), arguments), role)


def _store_pieces(
    builder: Any, value: Any, here: Any, count: Any, store: Callable[..., None]
) -> None:
    """Stores the first ``count`` lanes, fewer than there are: those of each binary digit."""
    size = value.type.count // 2
    if size == 0:  # of one lane, none is left
        return
    lower, upper = (shuffle(builder, value, list(range(at, at + size))) for at in (0, size))
    digit, before = builder.and_(count, count.type(size)), builder.block
    there = builder.icmp_unsigned("!=", digit, count.type(0))
    with builder.if_then(there):
        store(lower, here)
        beyond = builder.gep(here, [count.type(size)])
        within = builder.block
    rest, at = builder.phi(lower.type), builder.phi(here.type)
    for phi, if_not, if_so in ((rest, lower, upper), (at, here, beyond)):
        phi.add_incoming(if_not, before)
        phi.add_incoming(if_so, within)
    _store_pieces(builder, rest, at, count, store)


@intrinsic(prefer_literal=True)
def store_some(
    typing_context: Any, role: Any, base: Any, at: Any, apart: Any, value: Any, each: Any,
    count: Any,
) -> Any:  # fmt: skip
    """Stores of ``each`` so many lanes of a vector the first ``count``, and those ``apart``."""
    lanes = each.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        item = align(context, base.dtype)
        number, many = args[6], args[6].type(lanes)

        def store(part: Any, here: Any) -> None:
            to = builder.bitcast(here, part.type.as_pointer())
            tag(builder, builder.store(part, to, align=item), role.literal_value)

        for plane in range(value.lanes // lanes):
            part = shuffle(builder, args[4], list(range(plane * lanes, (plane + 1) * lanes)))
            beyond = builder.mul(args[3], args[3].type(plane))
            here = builder.gep(args[1], [builder.add(args[2], beyond)])
            if MASKS:
                _store_masked(builder, part, here, number, item, role.literal_value)
                continue
            with builder.if_else(builder.icmp_unsigned(">=", number, many)) as (whole, some):
                with whole:
                    store(part, here)
                with some:
                    _store_pieces(builder, part, here, number, store)
        return context.get_dummy_value()

    return types.void(role, base, types.uintp, types.uintp, value, each, types.uintp), generate
