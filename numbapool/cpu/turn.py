"""Square blocks of numbers, turned: rows of planes become vectors of all planes, and back."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .calls import Call
from .memory import align, place, tag
from .vector import Vector, worse

WORD = ir.IntType(32)
HALF = 16  # bytes: shuffles that stay within so many take one step, on every processor


def _shuffled(builder: Any, rows: list[Any], unit: int, span: int) -> list[Any]:
    """As many rows as a ``span`` of lanes has ``unit`` s, turned in each span, unit by unit.

    Rows meet the one half of them further on, lane by lane, as cards do: once for each halving.
    """
    lanes, half = rows[0].type.count, span // unit // 2
    for _ in range(half.bit_length()):
        pairs = list(zip(rows[:half], rows[half:], strict=True))
        rows = []
        for pair in pairs:
            for upper in (0, half):
                places: list[int] = []
                for start in range(0, lanes, span):
                    for at in range(start + upper * unit, start + (upper + half) * unit, unit):
                        places += [*range(at, at + unit), *range(lanes + at, lanes + at + unit)]
                mask = ir.Constant(ir.VectorType(WORD, lanes), places)
                rows.append(builder.shuffle_vector(*pair, mask))
    return rows


def _turned(builder: Any, rows: list[Any], item: int) -> list[Any]:
    """Lane ``i`` of each row in vector ``i``."""
    lanes = len(rows)
    near = min(HALF // item, lanes)
    blocks = [_shuffled(builder, rows[at : at + near], 1, near) for at in range(0, lanes, near)]
    parts = [_shuffled(builder, list(each), near, lanes) for each in zip(*blocks, strict=True)]
    return [parts[lane % near][lane // near] for lane in range(lanes)]


class _Rows:
    """Vectors in memory, each ``apart`` from the one before."""

    def __init__(
        self, context: Any, builder: Any, role: int, base: Any, dtype: Any, at: Any, apart: Any
    ) -> None:
        self.builder, self.role, self.base = builder, role, base
        self.at, self.apart, self.align = at, apart, align(context, dtype)

    def _place(self, number: int, kind: Any) -> Any:
        beyond = self.builder.mul(self.apart, self.apart.type(number))
        return place(self.builder, self.base, self.builder.add(self.at, beyond), kind)

    def load(self, count: int, kind: Any) -> list[Any]:
        builder, places = self.builder, (self._place(number, kind) for number in range(count))
        return [tag(builder, builder.load(here, align=self.align), self.role) for here in places]

    def store(self, rows: list[Any]) -> None:
        for number, row in enumerate(rows):
            stored = self.builder.store(row, self._place(number, row.type), align=self.align)
            tag(self.builder, stored, self.role)


@intrinsic(prefer_literal=True)
def bring(
    typing_context: Any, role: Any, base: Any, at: Any, apart: Any, to_role: Any, tile: Any,
    to: Any, lanes: Any, taken_as: Any, watched: Any,
) -> Any:  # fmt: skip
    """As many neighbours from ``base[at]`` on as there are ``lanes``, of as many planes.

    Planes are ``apart``. What ``taken_as`` makes of each neighbour goes to ``tile[to]`` on, a
    vector of all planes. Gives what is ``watched`` of them, the `vector.either` of all.
    """
    count = lanes.literal_value
    read = Vector(base.dtype, count)
    taking, watching = (
        Call(typing_context, taken_as, read),
        Call(typing_context, watched, read, read),
    )
    words = (role, base, types.uintp, types.uintp, to_role, tile, types.uintp)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        take, watch = taking.made(context, builder), watching.made(context, builder)
        one = args[6].type(count)
        rows = _Rows(context, builder, role.literal_value, args[1], base.dtype, args[2], args[3])
        into = _Rows(context, builder, to_role.literal_value, args[5], tile.dtype, args[6], one)
        found = rows.load(count, context.get_value_type(read))
        seen = None
        for pair in zip(found[::2], found[1::2], strict=True):
            met = watch(*pair)
            seen = met if seen is None else worse(builder, watching.result, seen, met)
        into.store([take(row) for row in _turned(builder, found, base.dtype.bitwidth // 8)])
        return seen

    return watching.result(*words, lanes, taken_as, watched), generate


@intrinsic(prefer_literal=True)
def take_back(
    typing_context: Any, role: Any, tile: Any, at: Any, to_role: Any, base: Any, to: Any,
    apart: Any, lanes: Any,
) -> Any:  # fmt: skip
    """As many vectors from ``tile[at]`` on as there are ``lanes``, to ``base[to]`` on.

    Each lane is a plane, and planes are ``apart``. Places may become wider.
    """
    count = lanes.literal_value
    old, new = tile.dtype, base.dtype

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = args[2].type(count)
        rows = _Rows(context, builder, role.literal_value, args[1], old, args[2], one)
        into = _Rows(context, builder, to_role.literal_value, args[4], new, args[5], args[6])
        found = rows.load(count, ir.VectorType(context.get_value_type(old), count))
        found = _turned(builder, found, old.bitwidth // 8)
        if new.bitwidth > old.bitwidth:  # places
            kind = ir.VectorType(context.get_value_type(new), count)
            found = [builder.sext(row, kind) for row in found]
        into.store(found)
        return context.get_dummy_value()

    words = (role, tile, types.uintp, to_role, base, types.uintp, types.uintp)
    return types.void(*words, lanes), generate
