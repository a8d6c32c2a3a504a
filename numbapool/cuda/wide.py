"""Neighbours in memory read and written at once: up to 16 bytes to an instruction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from .api import SIMULATED

U = np.uint64
#: Bytes at most.
BYTES = 16


def pieces(first: int, last: int, width: int) -> list[tuple[int, int]]:
    """What to read so that elements ``first`` to ``last`` are there: from where, and how many.

    Each is the smallest aligned power of two that has what is needed of ``width`` elements, which
    lie aligned from 0 on. There is no gap between them.
    """
    found = []
    for word in range(first - first % width, last, width):
        low, high, size = max(first, word), min(last, word + width), 1
        while low // size != (high - 1) // size:
            size *= 2
        found.append((low - low % size, size))
    return found


if SIMULATED:

    def make_load(sizes: tuple[int, ...]) -> Any:
        total = sum(sizes)
        return lambda x, at: tuple(x[at + U(n)] for n in range(total))

    def make_store(size: int) -> Any:
        def store(x, at, values):
            for number, value in enumerate(values):
                x[at + U(number)] = value

        return store

else:
    from llvmlite import ir
    from numba.cuda.extending import intrinsic
    from numba.cuda.types import UniTuple, void

    def _word(item: int, size: int) -> tuple[Any, int, int]:
        """The integer that ``size`` elements are seen as, how many, and elements to each."""
        bits = max(item, min(32, item * size))
        return ir.IntType(bits), item * size // bits, bits // item

    def _places(
        context: Any, builder: Any, kind: Any, array: Any, at: Any, sizes: Sequence[int]
    ) -> Iterator[tuple[Any, Any, int]]:
        """The address of each piece as one of a vector in global memory, its word, and bytes."""
        item = context.get_abi_sizeof(context.get_data_type(kind.dtype)) * 8
        data = context.make_array(kind)(context, builder, array).data
        for number, size in enumerate(sizes):
            word, count, _ = _word(item, size)
            seen = ir.VectorType(word, count) if count > 1 else word
            far = builder.add(at, ir.Constant(at.type, sum(sizes[:number])))
            address = builder.bitcast(builder.gep(data, [far]), ir.PointerType(seen))
            yield builder.addrspacecast(address, ir.PointerType(seen, 1)), word, item * size // 8

    def _lane(number: int) -> Any:
        return ir.Constant(ir.IntType(32), number)

    @cache
    def make_load(sizes: tuple[int, ...]) -> Any:
        """``load(x, at)``: elements from ``at`` on in pieces of these sizes, each aligned.

        Of what no kernel writes: it goes through the cache for that.
        """

        def emit(context, builder, signature, args):
            kind = signature.args[0]
            made = context.get_value_type(kind.dtype)
            bare = ir.IntType(context.get_abi_sizeof(made) * 8)
            found = []
            for address, word, align in _places(context, builder, kind, *args, sizes):
                value = builder.load(address)
                value.align = align
                value.set_metadata("invariant.load", builder.module.add_metadata([]))
                for number in range(align * 8 // word.width):
                    several = isinstance(value.type, ir.VectorType)
                    whole = builder.extract_element(value, _lane(number)) if several else value
                    for shift in range(0, word.width, bare.width):
                        part = builder.lshr(whole, ir.Constant(word, shift)) if shift else whole
                        part = builder.trunc(part, bare) if word != bare else part
                        found.append(builder.bitcast(part, made))
            return context.make_tuple(builder, signature.return_type, found)

        @intrinsic
        def load(typing, x, at):
            return UniTuple(x.dtype, sum(sizes))(x, at), emit

        return load

    @cache
    def make_store(size: int) -> Any:
        """``store(x, at, values)``: a tuple to ``at`` and on, in aligned pieces of one size."""

        def emit(context, builder, signature, args):
            kind, _, values = signature.args
            array, at, given = args
            item = context.get_abi_sizeof(context.get_data_type(kind.dtype)) * 8
            word, count, each = _word(item, size)
            sizes = [size] * (values.count // size)
            for piece, (address, _, align) in enumerate(
                _places(context, builder, kind, array, at, sizes)
            ):
                whole = ir.Constant(ir.VectorType(word, count), ir.Undefined)
                for number in range(count):
                    joined = ir.Constant(word, 0)
                    for lane in range(each):
                        at_value = piece * size + number * each + lane
                        bits = builder.extract_value(given, at_value)
                        bits = builder.bitcast(bits, ir.IntType(item))
                        bits = builder.zext(bits, word) if item < word.width else bits
                        bits = builder.shl(bits, ir.Constant(word, lane * item))
                        joined = builder.or_(joined, bits)
                    if count == 1:
                        whole = joined
                    else:
                        whole = builder.insert_element(whole, joined, _lane(number))
                builder.store(whole, address).align = align
            return context.get_dummy_value()

        @intrinsic
        def store(typing, x, at, values):
            return void(x, at, values), emit

        return store
