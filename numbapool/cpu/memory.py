"""Raw memory for kernels: loads, stores and choices that LLVM vectorises without asking.

Two pointers might overlap, for all LLVM knows: it guards each loop with comparisons of addresses,
and gives up beyond eight. Here everything that a kernel touches has a *role*, and each load and
store says in LLVM's own alias metadata that different roles never share memory. That is worth a
factor of two to four on short rows.

Kernels call these as ``memory.load``: an intrinsic named in a closure by itself would put a random
number into the key of Numba's disk cache.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .frame import EXACT, KERNEL
from .vector import Vector, joined, shuffle

ROLES = range(10)
FRAME, INPUT, OUTPUT, OUTPUT_INDEX, TILE, TILE_INDEX, WHOLE, WHOLE_INDEX, PART, PART_INDEX = ROLES


def tag(builder: Any, instruction: Any, role: int) -> Any:
    """``instruction``, known to touch no memory of another role."""
    module = builder.module
    domain = module.add_metadata(["numbapool"])
    scopes = [module.add_metadata([f"numbapool.{other}", domain]) for other in ROLES]
    others = [scope for other, scope in enumerate(scopes) if other != role]
    instruction.set_metadata("alias.scope", module.add_metadata([scopes[role]]))
    instruction.set_metadata("noalias", module.add_metadata(others))
    return instruction


@intrinsic
def pointer(typing_context: Any, address: Any, dtype: Any) -> Any:
    """An address as a pointer to numbers of a type such as ``np.float32``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(dtype.dtype)(types.uintp, dtype), generate


@intrinsic
def word(typing_context: Any, frame: Any, at: Any) -> Any:
    """The 64-bit word ``at`` of the frame at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        base = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return tag(builder, builder.load(builder.gep(base, [args[1]])), FRAME)

    return types.uintp(types.uintp, types.uintp), generate


def place(builder: Any, base: Any, at: Any, kind: Any) -> Any:
    """The address of ``base[at]``, where something of another kind lies."""
    return builder.bitcast(builder.gep(base, [at]), kind.as_pointer())


def align(context: Any, dtype: Any) -> int:
    """What the address of a number is a multiple of."""
    return int(context.get_abi_alignment(context.get_data_type(dtype)))


@intrinsic(prefer_literal=True)
def load(typing_context: Any, role: Any, base: Any, at: Any) -> Any:
    """``base[at]``; ``role`` is a constant."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        instruction = builder.load(builder.gep(args[1], [args[2]]))
        return tag(builder, instruction, role.literal_value)

    return base.dtype(role, base, types.uintp), generate


@intrinsic(prefer_literal=True)
def lanes(typing_context: Any, role: Any, base: Any, at: Any, count: Any) -> Any:
    """The vector ``base[at : at + count]``; ``role`` and ``count`` are constants."""
    vector = Vector(base.dtype, count.literal_value)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        here = place(builder, args[1], args[2], context.get_value_type(vector))
        instruction = builder.load(here, align=align(context, base.dtype))
        return tag(builder, instruction, role.literal_value)

    return vector(role, base, types.uintp, count), generate


@intrinsic(prefer_literal=True)
def in_order(
    typing_context: Any, role: Any, base: Any, at: Any, count: Any, lanes: Any
) -> Any:
    """The vector ``base[at : at + count]``, read ``lanes`` at a time in the order of addresses.

    Memory foresees that order alone: read to and fro it takes three times as long.
    """
    vector, each = (Vector(base.dtype, number.literal_value) for number in (count, lanes))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        nothing, kind = ir.FunctionType(ir.VoidType(), []), context.get_value_type(each)
        read = []
        for number in range(vector.lanes // each.lanes):
            beyond = args[2].type(number * each.lanes)
            here = place(builder, args[1], builder.add(args[2], beyond), kind)
            instruction = builder.load(here, align=align(context, base.dtype))
            read.append(tag(builder, instruction, role.literal_value))
            builder.asm(nothing, "", "~{memory}", [], True)  # nothing is moved past it
        return joined(builder, read)

    return vector(role, base, types.uintp, count, lanes), generate


def _clipped(builder: Any, at: Any, last: Any, count: int, lanes: int) -> list[Any]:
    """Where vectors begin that lie side by side, but none more than ``last`` places on."""
    places = []
    for beyond in range(0, count, lanes):
        further = builder.icmp_unsigned("<", last, last.type(beyond))
        places.append(builder.add(at, builder.select(further, last, last.type(beyond))))
    return places


@intrinsic(prefer_literal=True)
def clipped(
    typing_context: Any, role: Any, base: Any, at: Any, last: Any, count: Any, lanes: Any
) -> Any:
    """``count`` numbers from ``base[at]`` on, as vectors of ``lanes``.

    Those that would begin more than ``last`` places on begin there.
    """
    vector, each = (Vector(base.dtype, number.literal_value) for number in (count, lanes))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind, read = context.get_value_type(each), []
        for start in _clipped(builder, args[2], args[3], vector.lanes, each.lanes):
            here = place(builder, args[1], start, kind)
            instruction = builder.load(here, align=align(context, base.dtype))
            read.append(tag(builder, instruction, role.literal_value))
        return joined(builder, read)

    return vector(role, base, types.uintp, types.uintp, count, lanes), generate


@intrinsic(prefer_literal=True)
def store_clipped(
    typing_context: Any, role: Any, base: Any, at: Any, last: Any, value: Any, lanes: Any
) -> Any:
    """Where `clipped` reads them from, those that lie there."""
    each = lanes.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        starts = _clipped(builder, args[2], args[3], value.lanes, each)
        for number, start in enumerate(starts):
            part = shuffle(builder, args[4], list(range(number * each, (number + 1) * each)))
            here = place(builder, args[1], start, part.type)
            instruction = builder.store(part, here, align=align(context, base.dtype))
            tag(builder, instruction, role.literal_value)
        return context.get_dummy_value()

    return types.void(role, base, types.uintp, types.uintp, value, lanes), generate


@intrinsic(prefer_literal=True)
def store(typing_context: Any, role: Any, base: Any, at: Any, value: Any) -> Any:
    """``base[at] = value``, or the lanes from there on; ``role`` is a constant."""
    kept = value if isinstance(value, Vector) else base.dtype

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        here = place(builder, args[1], args[2], args[3].type)
        instruction = builder.store(args[3], here, align=align(context, base.dtype))
        tag(builder, instruction, role.literal_value)
        return context.get_dummy_value()

    return types.void(role, base, types.uintp, kept), generate


@intrinsic(prefer_literal=True)
def rows_at(
    typing_context: Any, role: Any, table: Any, told: Any, at: Any, row: Any, by_row: Any,
    count: Any,
) -> Any:  # fmt: skip
    """Where ``count`` rows of an array at ``at`` lie, from ``row`` on; if ``told``, by a table."""
    many = count.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = []
        for number in range(many):
            row = builder.add(args[4], args[4].type(number))
            if told.literal_value:
                load = builder.load(builder.gep(args[1], [row]))
                row = tag(builder, load, role.literal_value)
            found.append(builder.add(args[3], builder.mul(row, args[5])))
        return context.make_tuple(builder, signature.return_type, found)

    words = (types.uintp, types.int64, types.int64)
    return types.UniTuple(types.uintp, many)(role, table, told, *words, count), generate


@intrinsic(prefer_literal=True)
def waiting(
    typing_context: Any, role: Any, index_role: Any, values: Any, indices: Any, at: Any,
    apart: Any, seen: Any, lanes: Any, count: Any,
) -> Any:  # fmt: skip
    """``count`` vectors, ``apart``, with their places, and with what was ``seen`` of them."""
    many = count.literal_value
    vectors = [Vector(base.dtype, lanes.literal_value) for base in (values, indices)]
    each = types.Tuple((*vectors, seen))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = []
        for number in range(many):
            row = []
            for which, base in ((0, values), (1, indices)):
                beyond = builder.mul(args[5], args[5].type(number))
                kind = context.get_value_type(vectors[which])
                here = place(builder, args[2 + which], builder.add(args[4], beyond), kind)
                load = builder.load(here, align=align(context, base.dtype))
                row.append(tag(builder, load, (role, index_role)[which].literal_value))
            found.append(context.make_tuple(builder, each, [*row, args[6]]))
        return context.make_tuple(builder, signature.return_type, found)

    words = (types.uintp, types.uintp)
    roles = (role, index_role, values, indices)
    return types.UniTuple(each, many)(*roles, *words, seen, lanes, count), generate


@intrinsic
def fetch(typing_context: Any, base: Any, at: Any) -> Any:
    """Asks for the cache line of ``base[at]``, wherever that is; nothing is read."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(32)
        here = builder.bitcast(builder.gep(args[0], [args[1]]), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [here.type, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [here, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(base, types.uintp), generate


@intrinsic
def take(typing_context: Any, size: Any) -> Any:
    """The address of so many bytes, to be given back; 0 where there are none.

    By the name of Numba's allocator: its context refuses where no references are counted.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(8).as_pointer(), [ir.IntType(64)])
        allocate = cgutils.get_or_insert_function(builder.module, kind, "NRT_Allocate")
        return builder.ptrtoint(builder.call(allocate, args), ir.IntType(64))

    return types.uintp(types.uintp), generate


@intrinsic
def give_back(typing_context: Any, address: Any) -> Any:
    """Frees what was taken."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
        free = cgutils.get_or_insert_function(builder.module, kind, "NRT_Free")
        builder.call(free, [builder.inttoptr(args[0], kind.args[0])])
        return context.get_dummy_value()

    return types.void(types.uintp), generate


@intrinsic
def call(
    typing_context: Any, frame: Any, scratch: Any, first: Any, last: Any, x: Any, out: Any,
    index: Any,
) -> Any:  # fmt: skip
    """Calls the kernel of the frame at an address for the tasks ``first`` to ``last``.

    From the task where it stops on, the exact kernel goes on, if there is one yet. The number of
    tasks that are left.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        words = builder.inttoptr(args[0], word.as_pointer())
        kind = ir.FunctionType(word, [word] * 7).as_pointer()

        def kernel(field: int) -> Any:
            return builder.load(builder.gep(words, [word(field)]))

        stop = builder.call(builder.inttoptr(kernel(KERNEL), kind), args)
        stopped = cgutils.alloca_once_value(builder, stop)
        exact = kernel(EXACT)
        left = builder.icmp_unsigned("<", stop, args[3])
        known = builder.icmp_unsigned("!=", exact, word(0))
        with builder.if_then(builder.and_(left, known), likely=False):
            rest = [*args[:2], stop, *args[3:]]
            builder.store(builder.call(builder.inttoptr(exact, kind), rest), stopped)
        return builder.sub(args[3], builder.load(stopped))

    return types.uintp(*[types.uintp] * 7), generate


@intrinsic
def spread(typing_context: Any, loop: Any, frame: Any, x: Any, out: Any, index: Any) -> Any:
    """Calls the loop at an address, with the words that follow."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(word, [word] * 4).as_pointer()
        return builder.call(builder.inttoptr(args[0], kind), args[1:])

    return types.uintp(*[types.uintp] * 5), generate


@intrinsic
def threads(typing_context: Any) -> Any:
    """How many threads Numba is set to; they must be running."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(64), [])  # as Numba's own parallel loops declare it
        count = cgutils.get_or_insert_function(builder.module, kind, "get_num_threads")
        return builder.call(count, [])

    return types.uintp(), generate


@intrinsic
def put(typing_context: Any, words: Any, at: Any, value: Any) -> Any:
    """Writes the 64-bit word ``at`` of those at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        base = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        builder.store(args[2], builder.gep(base, [args[1]]))
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.uintp), generate
