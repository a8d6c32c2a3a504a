"""Reading rows of neighbours as vectors, as far as they lie inside, and watching what is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from llvmlite import ir

from .edges import loaded
from .machine import LEAST_MASKED, MASKS
from .memory import align, place, tag
from .vector import fenced, spread, worse


def limited(builder: Any, number: Any, most: int) -> Any:
    """A number, or what of it is from 0 to ``most``."""
    for limit, beyond in ((number.type(0), "<"), (number.type(most), ">")):
        number = builder.select(builder.icmp_signed(beyond, number, limit), limit, number)
    return number


def kept(builder: Any, mask: Any, width: int) -> Any:
    """A mask of so wide numbers, made once for all rows: LLVM compares again for each of them."""
    numbers = ir.VectorType(ir.IntType(width), mask.type.count)
    signs = fenced(builder, builder.sext(mask, numbers))
    return builder.icmp_signed("<", signs, ir.Constant(numbers, None))


class Rows:
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
        return self.folded([self._item(self.beyond(each, beyond)) for each in at])

    def rows(self, at: list[Any], beyond: Sequence[int]) -> list[Any]:
        """The rows so far ``beyond`` the place ``at`` that bounds are counted from."""
        places = [([self.beyond(each, further) for each in at], further) for further in beyond]
        return self.read(places, self.folded)

    def made(self, row: Any, new: bool = True) -> Any:
        """What is taken of what was read, which is watched if there is something ``new`` in it."""
        if self.combine is not None:
            return row
        if new:
            self.unwatched.append(row)
        return self.taken(row)

    def folded(self, read: list[Any]) -> Any:
        """What is taken and folded of rows read at once; of one, it as it is."""
        return reduce(self.combine, map(self.taken, read)) if self.combine else read[0]

    def read(
        self, rows: Sequence[tuple[list[Any], int]], folded: Callable[[list[Any]], Any]
    ) -> list[Any]:
        """What is ``folded`` of what is read at some places, as far as it is inside.

        Each row is so far beyond what bounds are counted from. No place comes before the first of
        the first row, none after the last of the last.
        """
        builder, kind = self.builder, self.kind
        here = [[place(builder, self.base, at, kind) for at in places] for places, _ in rows]
        if not self.bounds:
            return [folded([self._there(at) for at in places]) for places in here]
        first, count = self.bounds
        masks = []
        for _, beyond in rows:
            numbers = ir.Constant(first.type, [beyond + lane for lane in range(self.size)])
            # One comparison: without registers for masks, two would be packed into bytes.
            masks.append(builder.icmp_unsigned("<", builder.sub(numbers, first), count))
        if not MASKS and self.align >= LEAST_MASKED:
            masks = [kept(builder, mask, 8 * self.align) for mask in masks]
        if self.align >= LEAST_MASKED:
            return self._some(here, masks, folded)
        return self._chosen(rows[0][0][0], rows[-1][0][-1], here, masks, folded)

    def beyond(self, at: Any, places: int) -> Any:
        return self.builder.add(at, at.type(places))

    def _item(self, at: Any) -> Any:
        load = self.builder.load(self.builder.gep(self.base, [at]))
        return spread(self.builder, tag(self.builder, load, self.role), self.size)

    def _there(self, here: Any) -> Any:
        return tag(self.builder, self.builder.load(here, align=self.align), self.role)

    def _some(self, here: list[list[Any]], masks: list[Any], folded: Any) -> list[Any]:
        rest = (self.fill, self.align, self.role)
        return [
            folded([loaded(self.builder, at, mask, *rest) for at in places])
            for places, mask in zip(here, masks, strict=True)
        ]

    def _chosen(
        self, first: Any, last: Any, here: list[list[Any]], masks: list[Any], folded: Any
    ) -> list[Any]:
        """Where there are no masks, all is read and some is taken, if that is in the array."""
        builder, fill = self.builder, folded([self.fill])
        begun = builder.icmp_signed(">=", first, first.type(0))
        room = builder.sub(self.extent, last.type(self.size))
        inside = builder.and_(begun, builder.icmp_signed("<=", last, room))
        with builder.if_else(inside, likely=True) as (all_there, some_there):
            with all_there:
                whole = [
                    builder.select(mask, folded([self._there(at) for at in places]), fill)
                    for places, mask in zip(here, masks, strict=True)
                ]
                ends = [builder.block]
            with some_there:
                some = self._some(here, masks, folded)
                ends.append(builder.block)
        found = []
        for ways in zip(whole, some, strict=True):
            found.append(builder.phi(ways[0].type))
            for way, end in zip(ways, ends, strict=True):
                found[-1].add_incoming(way, end)
        return found
