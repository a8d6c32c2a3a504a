"""A large sliding window along one axis: windows of twice the taps from two, in shared memory.

A block loads a tile: so many neighbours along the axis, of several lines. Round by round each place
of it holds the fold of more taps from there on, so that taps cost their logarithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .. import spans
from ..geometry import Laid, Sliding, lengths, still
from ..ops import PoolOp
from .api import cuda, device
from .corner import make_divided_by, make_plane_at
from .scalars import Scalars
from .teams import BLOCK
from .words import AXES, AXIS, BY_ONE, CELLS, COUNT, MORE, PLACE_ONE, PLANES, WINDOW

U = np.uint64

#: Elements of a tile, and bytes of shared memory for them, at most.
TILE, BYTES = 2048, 44 * 1024
#: Lines of a tile at most, and those of neighbours in memory that are worth a request.
LINES, BESIDE = 64, 8
#: By instructions, in taps of a window that is folded one by one: a round for an element of a tile,
#: what comes before and after the rounds, and what a window costs besides its taps.
ROUND, AROUND, BESIDES = 3, 6, 10
#: Taps at least.
FEWEST = 12
#: Behind the other words: lines to a plane; taps and the highest power of two in them; stride;
#: padding before; inputs; windows to a tile; outputs from a window to the next; positions in use.
ACROSS, TAPS, HIGHEST, STRIDE, BEFORE, SIZE, EACH, APART, SPAN = range(9)


class Tile(NamedTuple):
    """What a block makes at once."""

    along: int  # the axis
    inside: bool  # whether others follow it
    positions: int
    lines: int


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def tile(op: PoolOp, axes: Sequence[Laid], dtype: np.dtype) -> Tile | None:
    """The tile for axes that are pooled along one of them; None where it is not worth it."""
    pooled = [
        number for number, (axis, _, _) in enumerate(axes)
        if isinstance(axis, Sliding) and not still(axis)
    ]  # fmt: skip
    if len(pooled) != 1:
        return None
    (along,) = pooled
    axis = axes[along].axis
    assert isinstance(axis, Sliding)
    taps = axis.kernel
    # Two tiles by turns; sums need the inputs as well, and choices where they were.
    item = op.accumulator(dtype).itemsize
    bytes_each = 2 * (item + 2) if op.better is not None else 3 * item
    room = min(TILE, _power_of_two(BYTES // bytes_each + 1) // 2)
    inside = prod(lengths([laid.axis for laid in axes[along + 1 :]])) > 1
    most = room // BESIDE if inside and 2 * BESIDE * taps <= room else room
    positions = min(_power_of_two(min(_reach(axis), 4 * taps)), most)
    positions = max(positions, room // LINES)
    if taps < FEWEST or cost(axis, positions) >= taps:
        return None
    return Tile(along, inside, positions, room // positions)


def _reach(axis: Sliding) -> int:
    """Inputs from the first tap of the first window to the last of the last, padding too."""
    return (len(axis) - 1) * axis.stride + axis.kernel


def cost(axis: Sliding, positions: int) -> float:
    """What a window costs, in taps of one that is folded tap by tap."""
    windows = min((positions - axis.kernel) // axis.stride + 1, len(axis))
    rounds, span = (axis.kernel - 1).bit_length(), min(positions, _reach(axis))
    return span * (AROUND + ROUND * rounds) / windows - BESIDES if windows > 0 else np.inf


def windows_of(made: Tile, axis: Sliding) -> int:
    """Windows that a tile has the taps of."""
    return (made.positions - axis.kernel) // axis.stride + 1


def told(made: Tile, axes: Sequence[Laid]) -> list[int]:
    """What the kernel is told besides."""
    axis = axes[made.along].axis
    assert isinstance(axis, Sliding)
    cells, highest = lengths([laid.axis for laid in axes]), 1 << axis.kernel.bit_length() - 1
    return [
        prod(cells) // len(axis), axis.kernel, highest, axis.stride, axis.before, axis.size,
        windows_of(made, axis), prod(cells[made.along + 1 :]), min(made.positions, _reach(axis)),
    ]  # fmt: skip


def make_line(axes: int, along: int, word: type) -> Any:
    """Where a line begins: in memory, in an index map, among the outputs, and what it counts."""
    axis = axes - 1
    row = AXES + AXIS * axis
    windows, begin = U(row + spans.WINDOWS), U(row + spans.BEGIN)
    first, first_place, count = U(spans.FIRST), U(spans.FIRST_PLACE), U(COUNT)
    each, one = U(WINDOW), word(1)
    if axes == 0:
        return device(lambda words, number, by: (U(0), word(0), word(0), one))
    outer = make_line(axis, along, word)
    pooled = axis == along

    def line(words, number, by):
        length = words[windows]
        further = word(by * length)
        if pooled:
            return outer(words, number, further)
        start, place, cell, counts = outer(words, word(number // length), further)
        mine = word(number % length)
        at = U(words[begin]) + U(mine) * each
        start += U(words[at + first])
        place = word(place + words[at + first_place])
        return start, place, word(cell + mine * by), word(counts * words[at + count])

    def same(words, number, by):
        return outer(words, number, word(by * words[windows]))

    return device(same if pooled else line)


def make_doubled(
    s: Scalars, axes: int, divisor: int | None, word: type, index: type, indexed: bool,
    made: Tile, placed: bool,
) -> Any:  # fmt: skip
    """The kernel: x over lines, y over tiles along them."""
    line_of, plane_at = make_line(axes, made.along, word), make_plane_at(word)
    taken, combine, beats, finish = s.taken, s.combine, s.beats, s.finish
    divided_by, stamp, kind, selects = make_divided_by(s, divisor), s.stamp, s.kind, s.selects
    identity, size_of_tile, block = s.identity, made.positions * made.lines, BLOCK
    positions, lines, tiles = word(made.positions), word(made.lines), 2 if selects else 3
    # Neighbours in memory are neighbours in a tile, too.
    apart = word(made.lines if made.inside else 1)
    turns, lines_at_most, chosen = size_of_tile // BLOCK, made.lines, selects and indexed
    room, room_chosen = tiles * size_of_tile, 2 * size_of_tile if chosen else 1
    row = AXES + AXIS * made.along
    windows_at, begin_at, by_at, place_at = (
        U(row + n) for n in (spans.WINDOWS, spans.BEGIN, BY_ONE, PLACE_ONE)
    )
    cells_at, planes_at, more_at = U(CELLS), U(PLANES), U(MORE)
    across_at, taps_at, highest_at, stride_at = U(ACROSS), U(TAPS), U(HIGHEST), U(STRIDE)
    before_at, size_at, each_at = U(BEFORE), U(SIZE), U(EACH)
    apart_at, span_at = U(APART), U(SPAN)
    each_window, count_at, inside = U(WINDOW), U(COUNT), made.inside
    zero, one, two = word(0), word(1), word(2)
    whole, inputs = word(size_of_tile), word((tiles - 1) * size_of_tile)

    def place_in(item):
        if inside:
            return word(item // lines), word(item % lines)
        return word(item % positions), word(item // positions)

    place_in = device(place_in)

    def doubled(x, out, places, words, given):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        values = cuda.shared.array(room, kind)
        wheres = cuda.shared.array(room_chosen, np.uint16)
        begins = cuda.shared.array(lines_at_most, np.uint64)
        first_outputs = cuda.shared.array(lines_at_most, np.uint64)
        first_places = cuda.shared.array(lines_at_most, np.uint64)
        counts = cuda.shared.array(lines_at_most, np.uint64)
        more, thread = U(words[more_at]), word(cuda.threadIdx.x)
        across, taps = words[more + across_at], words[more + taps_at]
        stride, before = words[more + stride_at], words[more + before_at]
        size, each, step = words[more + size_at], words[more + each_at], words[more + apart_at]
        windows, by, span = words[windows_at], U(words[by_at]), words[more + span_at]
        first_line = word(word(cuda.blockIdx.x) * lines)
        known = min(lines, word(across * words[planes_at] - first_line))
        if thread < known:
            number = word(first_line + thread)
            plane = word(number // across)
            start, place, cell, count = line_of(words, word(number % across), one)
            begins[thread] = plane_at(words, plane) + start
            first_outputs[thread] = U(plane) * U(words[cells_at]) + U(cell)
            first_places[thread] = U(place)
            counts[thread] = U(count)
        output = word(word(cuda.blockIdx.y) * each)
        while output < windows:
            cuda.syncthreads()
            first = word(output * stride)
            for turn in range(turns):
                item = word(thread + word(turn * block))
                position, line = place_in(item)
                at, value = word(first + position), identity
                if position < span:
                    if line < known and at >= before and at < before + size:
                        value = taken(x[begins[line] + U(at - before) * by])
                    values[inputs + item] = value
                    if chosen:
                        wheres[inputs + item] = np.uint16(position)
            now, then, wide = inputs, zero, one
            digit = word(words[more + highest_at] // two)
            while wide < taps:
                cuda.syncthreads()
                # Choices may meet a tap twice; sums go by the binary digits of their taps.
                odd = not selects and (taps & digit) > zero
                further = min(wide, word(taps - wide)) if selects else wide
                after = word(wide + further)
                for turn in range(turns):
                    item = word(thread + word(turn * block))
                    position, line = place_in(item)
                    if position + after + word(odd) <= span:
                        mine, other = word(now + item), word(now + item + further * apart)
                        if chosen:
                            best = other if beats(values[other], values[mine]) else mine
                            values[then + item] = values[best]
                            wheres[then + item] = wheres[best]
                        else:
                            value = combine(values[mine], values[other])
                            if odd:
                                value = combine(value, values[inputs + item + after * apart])
                            values[then + item] = value
                wide, digit = word(after + word(odd)), word(digit // two)
                now, then = then, word(whole - then)
            cuda.syncthreads()
            for turn in range(turns):
                item = word(thread + word(turn * block))
                position, line = place_in(item)
                number = word(output + position)
                if position < each and number < windows and line < known:
                    found = word(now + item + position * word(stride - one) * apart)
                    count = U(words[U(words[begin_at]) + U(number) * each_window + count_at])
                    to = first_outputs[line] + U(number) * U(step)
                    out[to] = finish(values[found], divided_by(word(counts[line] * count)))
                    if indexed:
                        at = word(first + wheres[found])
                        at = word(at - before) if at > before else zero
                        if placed:
                            places[to] = given[begins[line] + U(at) * by]
                        else:
                            places[to] = index(first_places[line] + U(at) * U(words[place_at]))
            output = word(output + word(cuda.gridDim.y) * each)

    return doubled
