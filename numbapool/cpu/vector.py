"""A SIMD vector as a type of Numba's: the ops' scalars work on it lane by lane, as they stand.

Left to itself, LLVM vectorises a loop if it can prove enough about it, adds a scalar rest, and
spends most of a short row there. A value that is a vector from the start needs neither.

What scalars do with numbers is in `arithmetic`. Kernels call these as ``vector.splat``: an
intrinsic named in a closure by itself would put a random number into the key of Numba's cache.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, register_model


class Vector(types.Type):
    """``lanes`` numbers of one type; of booleans, a mask."""

    def __init__(self, dtype: Any, lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"{type(self).__name__}({dtype}, {lanes})")


class Wide(Vector):
    """A mask as integers as wide as what it was made of: all bits where it is set."""


@register_model(Wide)
@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        item = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(item, kind.lanes))


def shuffle(builder: Any, vector: Any, places: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)


def spread(builder: Any, value: Any, count: int) -> Any:
    one = ir.Constant(ir.VectorType(value.type, count), ir.Undefined)
    first = builder.insert_element(one, value, ir.Constant(ir.IntType(32), 0))
    return shuffle(builder, first, [0] * count)


def joined(builder: Any, parts: list[Any]) -> Any:
    """Vectors of one length, a power of two of them, one behind the other."""
    while len(parts) > 1:
        count = 2 * parts[0].type.count
        mask = ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(count)))
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [builder.shuffle_vector(one, other, mask) for one, other in pairs]
    return parts[0]


@intrinsic
def beside(typing_context: Any, first: Any, second: Any) -> Any:
    """The lanes of two vectors of one length in one, which is of the second's type."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return joined(builder, list(args))

    return Vector(second.dtype, 2 * second.lanes)(first, second), generate


def worse(builder: Any, kind: Any, one: Any, other: Any) -> Any:
    """Where one of two masks is set; of numbers, the smaller one in each lane.

    Of unsigned ones, the larger.
    """
    if isinstance(kind, Wide) or kind.dtype == types.boolean:
        return builder.or_(one, other)
    if kind.dtype.signed:
        return builder.select(builder.icmp_signed("<", one, other), one, other)
    return builder.select(builder.icmp_unsigned(">", one, other), one, other)


@intrinsic(prefer_literal=True)
def splat(typing_context: Any, value: Any, count: Any) -> Any:
    """``count`` lanes of one value."""
    kind = types.unliteral(value)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return spread(builder, args[0], count.literal_value)

    return Vector(kind, count.literal_value)(kind, count), generate


@intrinsic(prefer_literal=True)
def iota(typing_context: Any, dtype: Any, count: Any, times: Any) -> Any:
    """0, 1, ... ``count - 1``, so many ``times``, of a type such as ``np.int32``."""
    vector = Vector(dtype.dtype, count.literal_value * times.literal_value)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers = list(range(count.literal_value)) * times.literal_value
        return ir.Constant(context.get_value_type(vector), numbers)

    return vector(dtype, count, times), generate


@intrinsic
def upper(typing_context: Any, vector: Any) -> Any:
    """The second half of a vector."""
    half = vector.lanes // 2

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return shuffle(builder, args[0], list(range(half, 2 * half)))

    return Vector(vector.dtype, half)(vector), generate


@intrinsic
def lower(typing_context: Any, vector: Any) -> Any:
    """The first half of a vector."""
    half = vector.lanes // 2

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return shuffle(builder, args[0], list(range(half)))

    return Vector(vector.dtype, half)(vector), generate


@intrinsic(prefer_literal=True)
def mixed(typing_context: Any, vector: Any, group: Any) -> Any:
    """The middle quarters of each ``group`` of lanes swapped; of 0, none."""
    size = group.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return shuffle(builder, args[0], mixture(vector.lanes, size)) if size else args[0]

    return vector(vector, group), generate


def mixture(lanes: int, group: int) -> list[int]:
    """The lanes that `mixed` takes."""
    quarter = group // 4
    starts = (start + at * quarter for start in range(0, lanes, group) for at in (0, 2, 1, 3))
    return [start + lane for start in starts for lane in range(quarter)]


@intrinsic(prefer_literal=True)
def behind(typing_context: Any, first: Any, second: Any, by: Any) -> Any:
    """As many lanes as a vector has, ``by`` lanes on: the last are the second's first."""
    places = list(range(by.literal_value, by.literal_value + first.lanes))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
        return builder.shuffle_vector(args[0], args[1], mask)

    return first(first, second, by), generate


@intrinsic
def only(typing_context: Any, vector: Any) -> Any:
    """The first lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.extract_element(args[0], ir.Constant(ir.IntType(32), 0))

    return vector.dtype(vector), generate


@intrinsic
def convert(typing_context: Any, value: Any, dtype: Any) -> Any:
    """A number, or every lane, as a type such as ``np.float64``."""
    old = value.dtype if isinstance(value, Vector) else types.unliteral(value)
    new = dtype.dtype
    kind = Vector(new, value.lanes) if isinstance(value, Vector) else new

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if old == new:
            return args[0]
        to = context.get_value_type(kind)
        signed = getattr(old, "signed", False)
        if isinstance(old, types.Float):
            assert isinstance(new, types.Float), "floats are never folded as integers"
            widen = new.bitwidth > old.bitwidth
            return (builder.fpext if widen else builder.fptrunc)(args[0], to)
        if isinstance(new, types.Float):
            return (builder.sitofp if signed else builder.uitofp)(args[0], to)
        bits = getattr(old, "bitwidth", 1)  # a truth has none
        if new.bitwidth <= bits:
            return builder.trunc(args[0], to) if new.bitwidth < bits else args[0]
        return (builder.sext if signed else builder.zext)(args[0], to)

    return kind(value, dtype), generate


@intrinsic
def pick(typing_context: Any, condition: Any, yes: Any, no: Any) -> Any:
    """``yes if condition else no`` of two values at hand, in every lane by itself."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(*args)

    kind = condition if isinstance(condition, Vector) else types.boolean
    return no(kind, no, no), generate


def _extreme(name: str, symbol: str) -> Any:
    """The smaller or larger of two integers: the built-in ones take longer to compile."""

    def extreme(typing_context: Any, one: Any, other: Any) -> Any:
        kind = types.unliteral(one)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            compare = builder.icmp_signed if kind.signed else builder.icmp_unsigned
            return builder.select(compare(symbol, *args), *args)

        return kind(kind, kind), generate

    extreme.__name__ = name
    return intrinsic(extreme)


least, most = _extreme("least", "<"), _extreme("most", ">")


@intrinsic(prefer_literal=True)
def halves(typing_context: Any, first: Any, second: Any, groups: Any, which: Any) -> Any:
    """The first or second (0 or 1) half of each of the ``groups`` of lanes of two vectors."""
    size = first.lanes // groups.literal_value
    starts = range(which.literal_value * size // 2, 2 * first.lanes, size)
    places = [start + lane for start in starts for lane in range(size // 2)]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
        return builder.shuffle_vector(args[0], args[1], mask)

    return first(first, second, groups, which), generate


@intrinsic
def some(typing_context: Any, mask: Any) -> Any:
    """Whether any lane of a mask is set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        (there,) = args
        if isinstance(mask, Wide):
            there = builder.icmp_signed("<", there, ir.Constant(there.type, None))
        bits = builder.bitcast(there, ir.IntType(mask.lanes))
        return builder.icmp_unsigned("!=", bits, bits.type(0))

    return types.boolean(mask), generate


@intrinsic
def either(typing_context: Any, one: Any, other: Any) -> Any:
    """The `worse` of two."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return worse(builder, one, *args)

    return one(one, one), generate


@intrinsic
def wide(typing_context: Any, mask: Any, dtype: Any) -> Any:
    """A mask as `Wide`, of vectors of a type of floats.

    LLVM, which would keep the mask and pack it into bytes, does not see through it.
    """
    width = dtype.dtype.bitwidth
    kind = Wide(types.Integer.from_bitwidth(width, True), mask.lanes)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return fenced(builder, builder.sext(args[0], context.get_value_type(kind)))

    return kind(mask, dtype), generate


@intrinsic
def apart(typing_context: Any, vector: Any) -> Any:
    """The same, of which LLVM knows no more where it is from.

    In one of two branches that end alike: what they have in common LLVM would do once, after both,
    with all that it takes in registers. Or in memory that is written again: the better of what lies
    there and another would be stored under a mask, for which the next to read it has to wait.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return fenced(builder, args[0])

    return vector(vector), generate


def fenced(builder: Any, vector: Any) -> Any:
    """The same bits, which LLVM does not see through: it has a fence for floats."""
    kind = vector.type
    floating = {ir.FloatType(): 32, ir.DoubleType(): 64}.get(kind.element)
    count = kind.count * (floating or kind.element.width) // 32
    if not count:  # two lanes of a byte
        return vector
    floats = ir.VectorType(ir.FloatType(), count)
    fence = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(floats, [floats]), f"llvm.arithmetic.fence.v{count}f32"
    )
    return builder.bitcast(builder.call(fence, [builder.bitcast(vector, floats)]), kind)


@intrinsic
def leading(typing_context: Any, mask: Any) -> Any:
    """How many lanes of a mask are set before the first that is not."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], ir.IntType(mask.lanes))
        # Where all are set, a bit beyond them ends the count.
        unset = builder.zext(builder.not_(bits), ir.IntType(2 * mask.lanes))
        count = builder.cttz(builder.or_(unset, unset.type(1 << mask.lanes)), ir.IntType(1)(1))
        return _word(context, builder, count)

    return types.uintp(mask), generate


@intrinsic
def last(typing_context: Any, mask: Any) -> Any:
    """The last lane of a mask that is set, if any is."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], ir.IntType(mask.lanes))
        zeros = builder.ctlz(bits, ir.IntType(1)(1))
        return _word(context, builder, builder.sub(zeros.type(mask.lanes - 1), zeros))

    return types.uintp(mask), generate


def _word(context: Any, builder: Any, value: Any) -> Any:
    word = context.get_value_type(types.uintp)
    resize = builder.zext if value.type.width < word.width else builder.trunc
    return value if value.type == word else resize(value, word)
