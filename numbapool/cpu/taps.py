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
    """Reads ``size`` neighbours; places outside ``bounds`` are not read, but ``fill``."""

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

    def rows(self, at: Any, beyond: int, count: int) -> list[Any]:
        """So many rows, one behind the other."""
        return [self.row(at, beyond + number * self.size) for number in range(count)]


def _picked(builder: Any, pieces: list[Any], places: list[int]) -> Any:
    """The lanes at some places of vectors that lie one behind the other.

    One shuffle for each further vector: LLVM takes apart what asks for more than two at once.
    """
    size = pieces[0].type.count
    first, *others = sorted({at // size for at in places})
    mask = [at % size if at // size == first else 0 for at in places]
    taken = shuffle(builder, pieces[first], mask) if not others else pieces[first]
    for piece in others:
        mask = [
            size + at % size if at // size == piece else kept
            for at, kept in zip(places, mask, strict=True)
        ]
        constant = ir.Constant(ir.VectorType(WORD, len(mask)), mask)
        taken = builder.shuffle_vector(taken, pieces[piece], constant)
        mask = list(range(size))
    return taken


def _of_reach(
    rows: _Rows, at: Any, apart: Any, kernel: int, stride: int, cells: int, planes: int, reach: int
) -> list[Any]:
    """All taps are in ``reach`` neighbours of each plane."""
    builder, every = rows.builder, cells * planes
    starts = [builder.add(at, builder.mul(apart, apart.type(plane))) for plane in range(planes)]
    read = [row for start in starts for row in rows.rows(start, 0, reach // rows.size)]
    together = every // rows.size
    pieces = [joined(builder, read[i : i + together]) for i in range(0, len(read), together)]
    taken = []
    for tap in range(kernel):
        # The lanes past the last window may take anything.
        columns = [min(tap + stride * cell, reach - 1) for cell in range(cells)]
        places = [plane * reach + column for plane in range(planes) for column in columns]
        taken.append(_picked(builder, pieces, places))
    return taken


def _of_strip(rows: _Rows, at: Any, kernel: int, stride: int, cells: int) -> list[Any]:
    """Taps from rows that hold every ``stride``-th of them."""
    builder = rows.builder
    if stride == 1:
        return [rows.row(at, tap) for tap in range(kernel)]
    pieces = rows.rows(at, 0, stride)
    taken: list[Any] = []
    for tap in range(kernel):
        if tap < stride:
            taken.append(_picked(builder, pieces, list(range(tap, stride * cells, stride))))
        elif rows.bounds:
            further = rows.rows(at, tap, stride)
            taken.append(_picked(builder, further, list(range(0, stride * cells, stride))))
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
        size = min(span, many * n) if span else n
        rows = _Rows(context, builder, role.literal_value, base_at, base.dtype, size)
        if fill != types.none:
            rows.mask(first, last, outside)
        if span:
            taken = _of_reach(rows, start, step, k, s, n, many, span)
        else:
            taken = _of_strip(rows, start, k, s, n)
        return context.make_tuple(builder, result, taken)

    kinds = (role, base, types.uintp, types.uintp, types.int64, types.int64, fill, kernel, stride)
    return result(*kinds, cells, planes, reach), generate
