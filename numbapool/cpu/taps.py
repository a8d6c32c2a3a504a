"""The taps of neighbouring windows, one vector a tap, however far apart the windows are.

What is read becomes what is folded before windows take their taps of it: most share some.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .calls import Call
from .machine import MASKS, VECTOR
from .reading import Rows
from .vector import Vector, joined, mixture, shuffle

WORD = ir.IntType(32)


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
    rows: Rows, at: list[Any], apart: Any, kernel: int, stride: int, cells: int, planes: int,
    reach: int,
) -> list[Any]:  # fmt: skip
    """All taps are in ``reach`` neighbours of each plane."""
    builder, every = rows.builder, cells * planes
    together = every // rows.size
    starts = [
        builder.add(row, builder.mul(apart, apart.type(on))) for row in at for on in range(planes)
    ]
    singles = [([rows.beyond(at, i)], i) for at in starts for i in range(0, reach, rows.size)]
    read = rows.read(singles, lambda row: row[0])
    vectors = [joined(builder, read[i : i + together]) for i in range(0, len(read), together)]
    count = len(vectors) // len(at)  # of each row
    pieces = [rows.made(rows.folded(vectors[i::count])) for i in range(count)]
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


def _of_pairs(rows: Rows, at: list[Any], kernel: int, cells: int, group: int) -> list[Any]:
    """Taps of mixed windows 2 apart: pairs from the same places, the last from one before."""
    builder, read = rows.builder, []
    # Near an edge, where reading costs more, what lies further on is moved there.
    known = rows.rows(at, [0, cells, 2 * cells][: 3 if rows.bounds and kernel > 2 else 2])
    for tap in range(kernel):
        odd = tap % 2 or tap == kernel - 1 > 0
        pieces, beyond = known, tap - odd
        if beyond and rows.bounds:
            moved = ir.Constant(ir.VectorType(WORD, cells), list(range(beyond, beyond + cells)))
            pieces = [builder.shuffle_vector(*known[i : i + 2], moved) for i in range(2)]
        elif beyond:
            pieces = rows.rows(at, [beyond, beyond + cells])
        places = [2 * cell + odd for cell in mixture(cells, group)]
        read.append(_picked(builder, pieces[:2], places))
    return [rows.made(row, not 2 <= tap < kernel - 2) for tap, row in enumerate(read)]


def _of_strip(rows: Rows, at: list[Any], kernel: int, stride: int, cells: int) -> list[Any]:
    """Taps from rows that hold every ``stride``-th of them."""
    builder = rows.builder
    read: list[Any] = []
    if stride == 1:
        read = rows.rows(at, range(kernel))
    else:
        further = bool(rows.bounds) and kernel > stride
        pieces = rows.rows(at, range(0, (stride + further) * cells, cells))
        for tap in range(kernel):
            if tap < stride:
                every = list(range(tap, stride * cells, stride))
                read.append(_picked(builder, pieces[:stride], every))
                continue
            # The tap a stride earlier, of the next window.
            lane, beyond = tap - stride, pieces[-1]
            if not further:
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
    taking = Call(typing_context, taken_as, read)
    watching = Call(typing_context, watched, read, read)
    joining = Call(typing_context, combine, taking.result, taking.result)
    found = types.UniTuple(Vector(taking.result.dtype, many * n), k)
    result = types.Tuple((found, watching.result))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, base_at, start, step, first, last, end, outside, *_ = args
        starts = cgutils.unpack_tuple(builder, start)
        rows = Rows(context, builder, role.literal_value, base_at, base.dtype, size)
        rows.taken, rows.watched = (each.made(context, builder) for each in (taking, watching))
        rows.kind_watched = watching.result
        if len(at) > 1:
            rows.combine = joining.made(context, builder)
            # What is folded down first is not watched.
            rows.unwatched = [ir.Constant(context.get_value_type(read), None)]
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
def folded(
    typing_context: Any, taken: Any, lane: Any, placed: Any, begun: Any, better: Any, combine: Any
) -> Any:
    """What is folded of taps, and which of them it is, from 0 on; if not ``placed``, 0."""
    beginning = Call(typing_context, begun, taken.dtype)
    kind = beginning.result
    folding = Call(typing_context, combine, kind, kind)
    comparing = Call(typing_context, better, kind, kind) if placed.literal_value else None
    where = Vector(lane.dtype, taken.dtype.lanes)
    result = types.Tuple((kind, where))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        begin, fold = beginning.made(context, builder), folding.made(context, builder)
        is_better = comparing and comparing.made(context, builder)
        places = context.get_value_type(where)
        best, place = None, ir.Constant(places, None)
        for tap, each in enumerate(map(begin, cgutils.unpack_tuple(builder, args[0]))):
            if best is None:
                best = each
                continue
            if is_better:
                number = ir.Constant(places, [tap] * where.lanes)
                place = builder.select(is_better(each, best), number, place)
            best = fold(best, each)
        return context.make_tuple(builder, result, [best, place])

    return result(taken, lane, placed, begun, better, combine), generate


@intrinsic(prefer_literal=True)
def every(
    typing_context: Any, role: Any, base: Any, at: Any, stride: Any, count: Any
) -> Any:
    """Of what lies from ``base[at]`` on, every ``stride``-th, ``count`` of them."""
    many, step = count.literal_value, stride.literal_value
    vector = Vector(base.dtype, many)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = Rows(context, builder, role.literal_value, args[1], base.dtype, many)
        pieces = rows.rows([args[2]], range(0, step * many, many))
        return _picked(builder, pieces, list(range(0, step * many, step)))

    return vector(role, base, types.uintp, stride, count), generate
