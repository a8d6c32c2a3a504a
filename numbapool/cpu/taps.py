"""The taps of neighbouring windows, one vector a tap, however far apart the windows are.

What is read becomes what is folded before windows take their taps of it: most share some.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .edges import loaded
from .machine import LEAST_MASKED, MASKS, VECTOR
from .memory import align, place, tag
from .vector import Vector, joined, mixture, shuffle, spread, worse

WORD = ir.IntType(32)


class _Call:
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


def limited(builder: Any, number: Any, most: int) -> Any:
    """A number, or what of it is from 0 to ``most``."""
    for limit, beyond in ((number.type(0), "<"), (number.type(most), ">")):
        number = builder.select(builder.icmp_signed(beyond, number, limit), limit, number)
    return number


class _Rows:
    """Reads ``size`` neighbours; places outside ``bounds`` are not read, but ``fill``.

    What ``taken`` makes of them is given; what is ``watched`` of all is `seen`. Where several
    rows are read at once, what is taken of them is folded by ``combine``.
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
        self.combine: Any = None
        self.watched: Any = None
        self.kind_watched: Any = None
        self.unwatched: list[Any] = []

    def mask(self, low: Any, high: Any, fill: Any, extent: Any) -> None:
        # Numbers as narrow as what is read are compared a vector at once.
        most = 2 ** (self.word.width - 1) - 1
        first, end = (limited(self.builder, bound, most) for bound in (low, high))
        bounds = (first, self.builder.sub(end, first))
        words = [self.builder.trunc(bound, self.word) for bound in bounds]
        self.bounds = [spread(self.builder, word, self.size) for word in words]
        self.fill, self.extent = spread(self.builder, fill, self.size), extent

    def seen(self) -> Any:
        """What is watched of all that was read, two at once."""
        rows = self.unwatched
        pairs = zip(rows[::2], rows[1::2] + rows[-1:] * (len(rows) % 2), strict=True)
        met = [self.watched(*pair) for pair in pairs]
        return reduce(lambda one, other: worse(self.builder, self.kind_watched, one, other), met)

    def item(self, at: list[Any], beyond: int) -> Any:
        """The one ``beyond`` the place ``at``, in every lane."""
        return self.joined([self._item(self._beyond(each, beyond)) for each in at])

    def row(self, at: list[Any], beyond: int = 0) -> Any:
        """The row ``beyond`` the place ``at`` that bounds are counted from."""
        return self.joined([self.read(each, beyond) for each in at])

    def rows(self, at: list[Any], beyond: int, count: int) -> list[Any]:
        """So many rows, one behind the other."""
        return [self.row(at, beyond + number * self.size) for number in range(count)]

    def joined(self, read: list[Any]) -> Any:
        """What is folded of rows read at once; of one, it as it is."""
        if self.combine is None:
            return read[0]
        self.unwatched += read
        return reduce(self.combine, map(self.taken, read))

    def made(self, row: Any, new: bool = True) -> Any:
        """What is taken of what was read, which is watched if there is something ``new`` in it."""
        if self.combine is not None:
            return row
        if new:
            self.unwatched.append(row)
        return self.taken(row)

    def _beyond(self, at: Any, places: int) -> Any:
        return self.builder.add(at, at.type(places))

    def _item(self, at: Any) -> Any:
        load = self.builder.load(self.builder.gep(self.base, [at]))
        return spread(self.builder, tag(self.builder, load, self.role), self.size)

    def read(self, at: Any, beyond: int) -> Any:
        """A row as it lies there."""
        builder = self.builder
        here = place(builder, self.base, self._beyond(at, beyond), self.kind)
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
        return self._chosen(self._beyond(at, beyond), here, inside)

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
    rows: _Rows, at: list[Any], apart: Any, kernel: int, stride: int, cells: int, planes: int,
    reach: int,
) -> list[Any]:  # fmt: skip
    """All taps are in ``reach`` neighbours of each plane."""
    builder, every = rows.builder, cells * planes
    together = every // rows.size

    def vectors(at: Any) -> list[Any]:
        starts = (builder.add(at, builder.mul(apart, apart.type(on))) for on in range(planes))
        read = [rows.read(start, i) for start in starts for i in range(0, reach, rows.size)]
        return [joined(builder, read[i : i + together]) for i in range(0, len(read), together)]

    pieces = [rows.made(rows.joined(list(row))) for row in zip(*map(vectors, at), strict=True)]
    taken = []
    for tap in range(kernel):
        # The lanes past the last window may take anything.
        columns = [min(tap + stride * cell, reach - 1) for cell in range(cells)]
        places = [plane * reach + column for plane in range(planes) for column in columns]
        taken.append(_picked(builder, pieces, places))
    return taken


def mixing(item: int, cells: int, stride: int, planes: int) -> int:
    """The groups of lanes in which windows of inputs of so many bytes are `vector.mixed`, or 0.

    Every second lane of two registers costs less where none crosses the middle of its own; with
    AVX-512 it does not.
    """
    mixes = not MASKS and stride == 2 and planes == 1 and cells * item >= VECTOR >= 4 * item
    return VECTOR // item if mixes else 0


def _of_pairs(rows: _Rows, at: list[Any], kernel: int, cells: int, group: int) -> list[Any]:
    """Taps of mixed windows 2 apart: pairs from the same places, the last from one before."""
    builder, read = rows.builder, []
    # Near an edge, where reading costs more, what lies further on is moved there.
    known = rows.rows(at, 0, 3 if rows.bounds and kernel > 2 else 2)
    for tap in range(kernel):
        odd = tap % 2 or tap == kernel - 1 > 0
        pieces, beyond = known, tap - odd
        if beyond and rows.bounds:
            moved = ir.Constant(ir.VectorType(WORD, cells), list(range(beyond, beyond + cells)))
            pieces = [builder.shuffle_vector(*known[i : i + 2], moved) for i in range(2)]
        elif beyond:
            pieces = rows.rows(at, beyond, 2)
        places = [2 * cell + odd for cell in mixture(cells, group)]
        read.append(_picked(builder, pieces[:2], places))
    return [rows.made(row, not 2 <= tap < kernel - 2) for tap, row in enumerate(read)]


def _of_strip(rows: _Rows, at: list[Any], kernel: int, stride: int, cells: int) -> list[Any]:
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
                lane, beyond = 0, rows.item(at, tap + stride * (cells - 1))
            places = ir.Constant(ir.VectorType(WORD, cells), [*range(1, cells), cells + lane])
            read.append(builder.shuffle_vector(read[tap - stride], beyond, places))
    # The first and the last taps of a stride meet every input.
    return [rows.made(row, not stride <= tap < kernel - stride) for tap, row in enumerate(read)]


@intrinsic(prefer_literal=True)
def taps(
    typing_context: Any, role: Any, base: Any, at: Any, apart: Any, low: Any, high: Any,
    extent: Any, fill: Any, kernel: Any, stride: Any, cells: Any, planes: Any, reach: Any,
    taken_as: Any, watched: Any, combine: Any,
) -> Any:  # fmt: skip
    """Tap 0, 1, ... of ``cells`` windows a ``stride`` apart in each of ``planes`` planes.

    The first is at ``base[at]`` of each row ``at``, and the next plane's ``apart`` on. What
    ``combine`` makes of the rows' taps is given. Places before ``low`` and from ``high`` on,
    counted from there, are not read and hold ``fill``; if it is None, all are read. At the most
    what lies before ``base[extent]`` is.
    With a ``reach``, all taps of a plane lie in so many places. Windows may be `mixing`.

    Taps are what ``taken_as`` makes of what is read. With them comes what is ``watched`` in it, the
    `vector.either` of all.
    """
    k, s, n = kernel.literal_value, stride.literal_value, cells.literal_value
    many, span = planes.literal_value, reach.literal_value
    size = min(span, many * n) if span else n
    group = mixing(base.dtype.bitwidth // 8, n, s, many)
    read = Vector(base.dtype, many * n)
    taking = _Call(typing_context, taken_as, read)
    watching = _Call(typing_context, watched, read, read)
    joining = _Call(typing_context, combine, taking.result, taking.result)
    found = types.UniTuple(Vector(taking.result.dtype, many * n), k)
    result = types.Tuple((found, watching.result))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, base_at, start, step, first, last, end, outside, *_ = args
        starts = cgutils.unpack_tuple(builder, start)
        rows = _Rows(context, builder, role.literal_value, base_at, base.dtype, size)
        rows.taken, rows.watched = (each.made(context, builder) for each in (taking, watching))
        rows.kind_watched = watching.result
        if len(at) > 1:
            rows.combine = joining.made(context, builder)
        if fill != types.none:
            rows.mask(first, last, outside, end)
        if group:
            taken = _of_pairs(rows, starts, k, n, group)
        elif span:
            taken = _of_reach(rows, starts, step, k, s, n, many, span)
        else:
            taken = _of_strip(rows, starts, k, s, n)
        taken = context.make_tuple(builder, found, taken)
        return context.make_tuple(builder, result, [taken, rows.seen()])

    words = (at, types.uintp, types.int64, types.int64, types.uintp)
    kinds = (fill, kernel, stride, cells, planes, reach, taken_as, watched, combine)
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
        pieces = rows.rows([args[2]], 0, step)
        return _picked(builder, pieces, list(range(0, step * many, step)))

    return vector(role, base, types.uintp, stride, count), generate
