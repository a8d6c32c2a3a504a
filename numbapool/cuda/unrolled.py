"""Loops over tuples, unrolled where code is emitted: each scalar function is compiled once.

The compiler of CUDA kernels copies an inlined function with all that it calls, at every level.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .api import SIMULATED

Function = Callable[..., Any]


def make_each(function: Function, count: int, kind: np.dtype, skipped: int = 0) -> Any:
    """``each(first, second)``: ``function`` of ``count`` items of a tuple and of ``second``.

    Or of its items, if that is a tuple too; results are of one ``kind``.
    """
    make = _simulated_each if SIMULATED else _each
    return make(function, count, kind, skipped)


def make_choices(step: Function, outputs: int, kernel: int, stride: int, by: int) -> Any:
    """``choices(row, place, values, wheres)``: values and places after a row of taps.

    ``step(tap, place, value, where)`` tells both after one tap; places are ``by`` apart.
    """
    make = _simulated_choices if SIMULATED else _choices
    return make(step, outputs, kernel, stride, by)


def make_sums(combine: Function, outputs: int, kernel: int, stride: int) -> Any:
    """``sums(row, place, values, wheres)``: the same where a row is folded, then joined to them."""
    make = _simulated_sums if SIMULATED else _sums
    return make(combine, outputs, kernel, stride)


if SIMULATED:

    def _simulated_each(function: Function, count: int, kind: np.dtype, skipped: int) -> Any:
        def each(first, second):
            others = second if isinstance(second, tuple) else (second,) * count
            return tuple(map(function, first[skipped : skipped + count], others))

        return each

    def _simulated_choices(step: Function, outputs: int, kernel: int, stride: int, by: int) -> Any:
        def choices(row, place, values, wheres):
            found = list(zip(values, wheres, strict=True))
            for output in range(outputs):
                for at in range(output * stride, output * stride + kernel):
                    further = type(place)(place + type(place)(at * by))
                    found[output] = step(row[at], further, *found[output])
            return tuple(zip(*found, strict=True))

        return choices

    def _simulated_sums(combine: Function, outputs: int, kernel: int, stride: int) -> Any:
        def sums(row, place, values, wheres):
            found = []
            for output, value in enumerate(values):
                first = output * stride
                part = row[first]
                for at in range(first + 1, first + kernel):
                    part = combine(part, row[at])
                found.append(combine(value, part))
            return tuple(found), wheres

        return sums

else:
    from llvmlite import ir
    from numba.cuda.extending import intrinsic
    from numba.cuda.np.numpy_support import from_dtype
    from numba.cuda.types import BaseTuple, UniTuple

    def _each(function: Function, count: int, kind: np.dtype, skipped: int) -> Any:
        made = from_dtype(kind)

        def emit(context, builder, signature, args):
            first, second = signature.args
            several = isinstance(second, BaseTuple)
            one = made(first.dtype, second.dtype if several else second)
            found = []
            for number in range(count):
                other = builder.extract_value(args[1], number) if several else args[1]
                given = builder.extract_value(args[0], skipped + number), other
                found.append(context.compile_internal(builder, function, one, given))
            return context.make_tuple(builder, signature.return_type, found)

        @intrinsic
        def each(typing, first, second):
            return UniTuple(made, count)(first, second), emit

        return each

    def _choices(step: Function, outputs: int, kernel: int, stride: int, by: int) -> Any:
        def emit(context, builder, signature, args):
            row, number, values, wheres = signature.args
            found = BaseTuple.from_types((values.dtype, wheres.dtype))
            one = found(row.dtype, number, values.dtype, wheres.dtype)
            taps, place, *best = args
            made: tuple[list[Any], list[Any]] = [], []
            for output in range(outputs):
                state = [builder.extract_value(each, output) for each in best]
                for at in range(output * stride, output * stride + kernel):
                    tap = builder.extract_value(taps, at)
                    further = builder.add(place, ir.Constant(place.type, at * by))
                    both = context.compile_internal(builder, step, one, (tap, further, *state))
                    state = [builder.extract_value(both, n) for n in range(2)]
                for each, value in zip(made, state, strict=True):
                    each.append(value)
            kinds = signature.return_type
            tuples = [context.make_tuple(builder, *pair) for pair in zip(kinds, made, strict=True)]
            return context.make_tuple(builder, kinds, tuples)

        @intrinsic
        def choices(typing, row, place, values, wheres):
            return BaseTuple.from_types((values, wheres))(row, place, values, wheres), emit

        return choices

    def _sums(combine: Function, outputs: int, kernel: int, stride: int) -> Any:
        def emit(context, builder, signature, args):
            _, _, values, _ = signature.args
            one = values.dtype(values.dtype, values.dtype)

            def joined(*both):
                return context.compile_internal(builder, combine, one, both)

            taps, _, before, wheres = args
            made = []
            for output in range(outputs):
                first = output * stride
                part = builder.extract_value(taps, first)
                for at in range(first + 1, first + kernel):
                    part = joined(part, builder.extract_value(taps, at))
                made.append(joined(builder.extract_value(before, output), part))
            tuples = [context.make_tuple(builder, values, made), wheres]
            return context.make_tuple(builder, signature.return_type, tuples)

        @intrinsic
        def sums(typing, row, place, values, wheres):
            return BaseTuple.from_types((values, wheres))(row, place, values, wheres), emit

        return sums
