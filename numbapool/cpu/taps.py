"""The taps of neighbouring windows, one vector a tap, however far apart the windows are.

What is read becomes what is folded before windows take their taps of it: most share some.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .edges import loaded
from .machine import LEAST_MASKED
from .memory import align, place, tag
from .vector import Vector, joined, shuffle, spread, worse

WORD = ir.IntType(32)


class _Call:
    """A call of what kernels may call, on an argument of this type."""

    def __init__(self, typing_context: Any, function: Any, kind: Any) -> None:
        self.function = function
        self.signature = typing_context.resolve_function_type(function, (kind,), {})

    @property
    def result(self) -> Any:
        return self.signature.return_type

    def made(self, context: Any, builder: Any) -> Any:
        made = context.get_function(self.function, self.signature)
        context.add_linking_libs(getattr(made, "libs", ()))
        return lambda value: made(builder, (value,))


def limited(builder: Any, number: Any, most: int) -> Any:
    """A number, or what of it is from 0 to ``most``."""
    for limit, beyond in ((number.type(0), "<"), (number.type(most), ">")):
        number = builder.select(builder.icmp_signed(beyond, number, limit), limit, number)
    return number


class _Rows:
    """Reads ``size`` neighbours; places outside ``bounds`` are not read, but ``fill``.

    What ``taken`` makes of them is given; what is ``watched`` of all is ``seen``.
    """

    def __init__(
        self, context: Any, builder: Any, role: int, base: Any, dtype: Any, size: int
    ) -> None:
        self.builder, self.role, self.base, self.size = builder, role, base, size
        self.align = align(context, dtype)
        self.kind = ir.VectorType(context.get_data_type(dtype), size)
        self.word = ir.IntType(32 if self.align > 2 else 16)
        self.bounds: list[Any] = []
        self.fill: Any = None
        self.extent: Any = None
        self.taken: Any = None
        self.watched: Any = None
        self.kind_watched: Any = None
        self.seen: Any = None

    def mask(self, low: Any, high: Any, fill: Any, extent: Any) -> None:
        # Numbers as narrow as what is read are compared a vector at once.
        most = 2 ** (self.word.width - 1) - 1
        first, end = (limited(self.builder, bound, most) for bound in (low, high))
        bounds = (first, self.builder.sub(end, first))
        words = [self.builder.trunc(bound, self.word) for bound in bounds]
        self.bounds = [spread(self.builder, word, self.size) for word in words]
        self.fill, self.extent = spread(self.builder, fill, self.size), extent

    def watch(self, row: Any) -> None:
        watched = self.watched(row)
        if self.seen is not None:
            watched = worse(self.builder, self.kind_watched, self.seen, watched)
        self.seen = watched

    def item(self, at: Any) -> Any:
        """The one there, in every lane."""
        load = self.builder.load(self.builder.gep(self.base, [at]))
        return spread(self.builder, tag(self.builder, load, self.role), self.size)

    def row(self, at: Any, beyond: int = 0) -> Any:
        """The row ``beyond`` the place ``at`` that bounds are counted from."""
        builder = self.builder
        here = place(builder, self.base, builder.add(at, at.type(beyond)), self.kind)
        if not self.bounds:
            return tag(builder, builder.load(here, align=self.align), self.role)
        places = ir.Constant(
            ir.VectorType(self.word, self.size), [beyond + lane for lane in range(self.size)]
        )
        first, count = self.bounds
        # One comparison: without registers for masks, two would be packed into bytes and met there.
        inside = builder.icmp_unsigned("<", builder.sub(places, first), count)
        if self.align >= LEAST_MASKED:
            return loaded(builder, here, inside, self.fill, self.align, self.role)
        return self._chosen(builder.add(at, at.type(beyond)), here, inside)

    def _chosen(self, at: Any, here: Any, inside: Any) -> Any:
        """Where there are no masks, all is read and some is taken, if that is in the array."""
        builder, read = self.builder, []
        room = builder.sub(self.extent, at.type(self.size))
        begun, ended = (
            builder.icmp_signed("<=", low, high) for low, high in ((at.type(0), at), (at, room))
        )
        with builder.if_else(builder.and_(begun, ended)) as (all_there, some_there):
            with all_there:
                row = tag(builder, builder.load(here, align=self.align), self.role)
                read.append((builder.select(inside, row, self.fill), builder.block))
            with some_there:
                row = loaded(builder, here, inside, self.fill, self.align, self.role)
                read.append((row, builder.block))
        found = builder.phi(self.kind)
        for way in read:
            found.add_incoming(*way)
        return found

    def rows(self, at: Any, beyond: int, count: int) -> list[Any]:
        """So many rows, one behind the other."""
        return [self.row(at, beyond + number * self.size) for number in range(count)]

    def made(self, row: Any, new: bool = True) -> Any:
        """What is taken of what was read, which is watched if there is something ``new`` in it."""
        if new:
            self.watch(row)
        return self.taken(row)


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
    groups = (read[i : i + together] for i in range(0, len(read), together))
    pieces = [rows.made(joined(builder, group)) for group in groups]
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
    read: list[Any] = []
    if stride == 1:
        read = [rows.row(at, tap) for tap in range(kernel)]
    else:
        pieces = rows.rows(at, 0, stride)
        further = rows.row(at, stride * cells) if rows.bounds and kernel > stride else None
        for tap in range(kernel):
            if tap < stride:
                read.append(_picked(builder, pieces, list(range(tap, stride * cells, stride))))
                continue
            # The tap a stride earlier, of the next window.
            lane, beyond = tap - stride, further
            if beyond is None:
                lane, beyond = 0, rows.item(builder.add(at, at.type(tap + stride * (cells - 1))))
            places = ir.Constant(ir.VectorType(WORD, cells), [*range(1, cells), cells + lane])
            read.append(builder.shuffle_vector(read[tap - stride], beyond, places))
    # The first and the last taps of a stride meet every input.
    return [rows.made(row, not stride <= tap < kernel - stride) for tap, row in enumerate(read)]


@intrinsic(prefer_literal=True)
def taps(
    typing_context: Any, role: Any, base: Any, at: Any, apart: Any, low: Any, high: Any,
    extent: Any, fill: Any, kernel: Any, stride: Any, cells: Any, planes: Any, reach: Any,
    taken_as: Any, watched: Any,
) -> Any:  # fmt: skip
    """Tap 0, 1, ... of ``cells`` windows a ``stride`` apart in each of ``planes`` planes.

    The first is at ``base[at]``, the next plane's ``apart`` on. Places before ``low`` and from
    ``high`` on, counted from there, are not read and hold ``fill``; if that is None, all are read.
    At the most what lies before ``base[extent]`` is.
    With a ``reach``, all taps of a plane lie in so many places.

    Taps are what ``taken_as`` makes of what is read. With them comes what is ``watched`` in it, the
    `vector.either` of all.
    """
    k, s, n = kernel.literal_value, stride.literal_value, cells.literal_value
    many, span = planes.literal_value, reach.literal_value
    size = min(span, many * n) if span else n
    read = Vector(base.dtype, many * n)
    taking, watching = (_Call(typing_context, each, read) for each in (taken_as, watched))
    found = types.UniTuple(Vector(taking.result.dtype, many * n), k)
    result = types.Tuple((found, watching.result))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, base_at, start, step, first, last, end, outside, *_ = args
        rows = _Rows(context, builder, role.literal_value, base_at, base.dtype, size)
        rows.taken, rows.watched = (each.made(context, builder) for each in (taking, watching))
        rows.kind_watched = watching.result
        if fill != types.none:
            rows.mask(first, last, outside, end)
        if span:
            taken = _of_reach(rows, start, step, k, s, n, many, span)
        else:
            taken = _of_strip(rows, start, k, s, n)
        taken = context.make_tuple(builder, found, taken)
        return context.make_tuple(builder, result, [taken, rows.seen])

    words = (types.uintp, types.uintp, types.int64, types.int64, types.uintp)
    kinds = (fill, kernel, stride, cells, planes, reach, taken_as, watched)
    return result(role, base, *words, *kinds), generate


@intrinsic(prefer_literal=True)
def every(
    typing_context: Any, role: Any, base: Any, at: Any, stride: Any, count: Any
) -> Any:
    """Of what lies from ``base[at]`` on, every ``stride``-th, ``count`` of them."""
    many, step = count.literal_value, stride.literal_value
    vector = Vector(base.dtype, many)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = _Rows(context, builder, role.literal_value, args[1], base.dtype, many)
        pieces = rows.rows(args[2], 0, step)
        return _picked(builder, pieces, list(range(0, step * many, step)))

    return vector(role, base, types.uintp, stride, count), generate
