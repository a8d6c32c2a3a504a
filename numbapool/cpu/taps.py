"""The taps of neighbouring windows, one vector a tap, however far apart the windows are."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .memory import align, masked, place, tag
from .vector import Vector, joined, shuffle, spread

WORD = ir.IntType(32)


class _Rows:
    """Reads rows of ``size`` neighbours; places outside ``bounds`` are not read, but ``fill``."""

    def __init__(self, context: Any, builder: Any, role: int, base: Any, dtype: Any, size: int):
        self.builder, self.role, self.base, self.size = builder, role, base, size
        self.align = align(context, dtype)
        self.kind = ir.VectorType(context.get_data_type(dtype), size)
        self.bounds: list[Any] = []
        self.fill: Any = None

    def mask(self, low: Any, high: Any, fill: Any) -> None:
        words = [self.builder.trunc(bound, WORD) for bound in (low, high)]
        self.bounds = [spread(self.builder, word, self.size) for word in words]
        self.fill = spread(self.builder, fill, self.size)

    def item(self, at: Any) -> Any:
        load = self.builder.load(self.builder.gep(self.base, [at]))
        return tag(self.builder, load, self.role)

    def row(self, at: Any, beyond: int = 0) -> Any:
        """The row ``beyond`` the place ``at`` that bounds are counted from."""
        builder = self.builder
        here = place(builder, self.base, builder.add(at, at.type(beyond)), self.kind)
        if not self.bounds:
            return tag(builder, builder.load(here, align=self.align), self.role)
        places = ir.Constant(
            ir.VectorType(WORD, self.size), [beyond + lane for lane in range(self.size)]
        )
        inside = builder.and_(
            builder.icmp_signed(">=", places, self.bounds[0]),
            builder.icmp_signed("<", places, self.bounds[1]),
        )
        arguments = [here, WORD(self.align), inside, self.fill]
        return tag(
            builder, masked(builder, "masked.load", self.kind, self.kind, arguments), self.role
        )


def _of_reach(
    rows: _Rows, at: Any, apart: Any, kernel: int, stride: int, cells: int, planes: int
) -> list[Any]:
    """All taps are in one row of each plane."""
    builder, size = rows.builder, rows.size
    starts = [builder.add(at, builder.mul(apart, apart.type(plane))) for plane in range(planes)]
    everything = joined(builder, [rows.row(start) for start in starts])
    taken = []
    for tap in range(kernel):
        # The lanes past the last window may take anything.
        columns = [min(tap + stride * cell, size - 1) for cell in range(cells)]
        places = [plane * size + column for plane in range(planes) for column in columns]
        taken.append(shuffle(builder, everything, places))
    return taken


def _of_strip(rows: _Rows, at: Any, kernel: int, stride: int, cells: int) -> list[Any]:
    """Taps from rows that hold every ``stride``-th of them."""
    builder = rows.builder
    if stride == 1:
        return [rows.row(at, tap) for tap in range(kernel)]
    first = rows.row(at)
    taken: list[Any] = []
    for tap in range(kernel):
        if tap < stride:
            taken.append(shuffle(builder, first, list(range(tap, stride * cells, stride))))
        elif rows.bounds:
            row = rows.row(at, tap)
            taken.append(shuffle(builder, row, list(range(0, stride * cells, stride))))
        else:  # the tap a stride earlier, of the next window
            beyond = rows.item(builder.add(at, at.type(tap + stride * (cells - 1))))
            places = ir.Constant(ir.VectorType(WORD, cells), list(range(1, cells + 1)))
            ahead = spread(builder, beyond, cells)
            taken.append(builder.shuffle_vector(taken[tap - stride], ahead, places))
    return taken


@intrinsic(prefer_literal=True)
def taps(
    typing_context: Any, role: Any, base: Any, at: Any, apart: Any, low: Any, high: Any, fill: Any,
    kernel: Any, stride: Any, cells: Any, planes: Any, reach: Any,
) -> Any:  # fmt: skip
    """Tap 0, 1, ... of ``cells`` windows a ``stride`` apart in each of ``planes`` planes.

    The first is at ``base[at]``, the next plane's ``apart`` on. Places before ``low`` and from
    ``high`` on, counted from there, are not read and hold ``fill``; if that is None, all are read.
    With a ``reach``, all taps of a plane lie in so many places.
    """
    k, s, n = kernel.literal_value, stride.literal_value, cells.literal_value
    many, span = planes.literal_value, reach.literal_value
    result = types.UniTuple(Vector(base.dtype, many * n), k)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, base_at, start, step, first, last, outside, *_ = args
        rows = _Rows(context, builder, role.literal_value, base_at, base.dtype, span or s * n)
        if fill != types.none:
            rows.mask(first, last, outside)
        if span:
            taken = _of_reach(rows, start, step, k, s, n, many)
        else:
            taken = _of_strip(rows, start, k, s, n)
        return context.make_tuple(builder, result, taken)

    kinds = (role, base, types.uintp, types.uintp, types.int64, types.int64, fill, kernel, stride)
    return result(*kinds, cells, planes, reach), generate
