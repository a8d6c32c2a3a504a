"""Small sliding windows along neighbours in memory: a thread makes a run of outputs side by side.

It reads what they share once, up to 16 bytes at a time, and checks no bounds but for whole rows.
Outputs that are in no run, those at either end of a row for the most part, are listed and have
threads of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, prod
from typing import Any, NamedTuple

import numpy as np

from .. import spans
from ..geometry import Laid, Sliding, lengths
from .api import cuda, device
from .corner import make_plane_at
from .scalars import Scalars
from .sliding import Uniform, make_edges, make_steps, sliding
from .unrolled import make_choices, make_each, make_sums
from .wide import BYTES, make_load, make_store, pieces
from .words import AXES, AXIS, BY_ONE, CELLS, MORE, PLACE_ONE, PLANES, TOGETHER, WINDOW

U = np.uint64

#: Outputs in a run, and taps of theirs along it, at most: each is code and registers.
LONGEST, TAPS = 8, 64
#: In outputs of a run: what it costs besides, and an output by the table of windows.
AROUND, TABLE = 2, 7
#: The share that runs may cost of what tables for all outputs would.
WORTH = 0.7
#: Behind the other words: threads to a plane, and how many of them make runs; the first window of
#: each axis that a run has, and how many; then the number of each output that is in no run.
ITEMS, RUNS, FULL = range(3)


class Run(NamedTuple):
    """How the outputs of a thread are made, by elements."""

    outputs: int
    width: int  # read at once, at most
    lead: int  # from the last place to read so much at to the first input of a run
    store: int  # written at once
    store_places: int
    place: int  # from tap to tap in an index map


class Runs(NamedTuple):
    """The runs of all planes."""

    run: Run
    items: int  # threads to a plane
    more: np.ndarray  # to be told
    cost: int


def runs(
    axes: Sequence[Laid], uniform: Uniform, planes: int, walk: tuple[int, int, int],
    dtypes: Sequence[np.dtype],
) -> Runs | None:  # fmt: skip
    """The runs that cost least, if there are such; ``dtypes`` are of input and results.

    Long ones read more at once, and leave more outputs to themselves.
    """
    kernel, stride, before = uniform.kernel[-1], uniform.stride[-1], uniform.before[-1]
    if not uniform.unit or uniform.counted is None or dtypes[0].kind == "c":
        return None
    steps = gcd(*walk[1:], *(laid.by for laid in axes[:-1]))
    sizes, found = lengths([laid.axis for laid in axes]), list[Runs]()
    width = BYTES // dtypes[0].itemsize
    while width > 1:
        outputs = width // gcd(width, stride)
        if steps % width == 0 and outputs <= LONGEST and outputs * kernel <= TAPS:
            written = gcd(
                outputs, prod(sizes) if planes > 1 else 0, sizes[-1] if len(axes) > 1 else 0
            )
            most = [min(written, BYTES // dtype.itemsize) for dtype in dtypes[1:]]
            run = Run(outputs, width, -before % width, most[0], most[1], axes[-1].place)
            found.append(_arranged(run, axes, uniform))
        width //= 2
    best = min(found, key=lambda each: each.cost, default=None)
    return best if best and best.cost < TABLE * prod(sizes) * WORTH else None


def _arranged(run: Run, axes: Sequence[Laid], uniform: Uniform) -> Runs:
    """Which outputs are in runs, and a list of the others."""
    plain = [sliding(axis) for axis, _, _ in axes]
    sizes, last = lengths(plain), plain[-1]
    # Rows that lie outside are passed over, if a window's divisor is the same without them.
    full = [_some(axis) if uniform.alike else _all(axis) for axis in plain[:-1]] + [_all(last)]
    # What is read besides may not be behind the row.
    beyond = sum(_read(run, last.kernel, last.stride)[-1]) - run.lead - last.before
    begin = -(-full[-1][0] // run.outputs)
    end = (last.size - beyond) // (run.outputs * last.stride) + 1
    full[-1] = begin, max(begin, min(full[-1][1] // run.outputs, end))
    cells = [*full[:-1], tuple(run.outputs * end for end in full[-1])]
    listed = _outside(cells, sizes)
    ranges = [[first, behind - first] for first, behind in full]
    made = prod(count for _, count in ranges)
    more = np.concatenate([[made + listed.size, made], *ranges, listed])
    return Runs(run, made + listed.size, more, made * (AROUND + run.outputs) + TABLE * listed.size)


def _all(axis: Sliding) -> tuple[int, int]:
    """The windows that lie inside: the first, and behind the last."""
    return axis.inside(axis.extent, len(axis))


def _some(axis: Sliding) -> tuple[int, int]:
    """The windows that have a tap."""
    those = np.flatnonzero(spans.taps(axis))
    return (int(those[0]), int(those[-1]) + 1) if those.size else (0, 0)


def _outside(box: Sequence[Sequence[int]], sizes: Sequence[int]) -> np.ndarray:
    """The numbers of the cells that are not in a box, without a look at those that are."""
    found, rows = list[np.ndarray](), np.zeros((1, 1), np.int64)
    for axis, ((first, behind), size) in enumerate(zip(box, sizes, strict=True)):
        behind_it, here = prod(sizes[axis + 1 :]), np.arange(size)
        out = rows * size + np.concatenate([here[:first], here[behind:]])
        found.append((out.reshape(-1, 1) * behind_it + np.arange(behind_it)).ravel())
        if axis < len(sizes) - 1:
            rows = (rows * size + here[first:behind]).reshape(-1, 1)
    return np.concatenate(found)


def _read(run: Run, kernel: int, stride: int) -> list[tuple[int, int]]:
    taps = (run.outputs - 1) * stride + kernel
    return pieces(run.lead, run.lead + taps, run.width)


def make_first(axes: int, uniform: Uniform, outputs: int, word: type) -> Any:
    """Where a run begins, by its number: in memory, in an index map, there with its first tap, and
    among the outputs; and along each axis. What is before the input wraps around.
    """
    row, axis = AXES + AXIS * (axes - 1), axes - 1
    windows, table = U(row + spans.WINDOWS), U(row + spans.BEGIN)
    by, place = U(row + BY_ONE), U(row + PLACE_ONE)
    begin, count = U(FULL + 2 * axis), U(FULL + 2 * axis + 1)
    stride, before = word(uniform.stride[axis]), word(uniform.before[axis])
    each, partial = word(outputs), uniform.partial[axis] and uniform.alike and outputs == 1
    first_place, a_window = U(spans.FIRST_PLACE), U(WINDOW)

    def along(words, more, number):
        cell = word(word(words[more + begin] + number) * each)
        spot = word(word(cell * stride) - before)
        far = U(word(cell * stride)) - U(before)
        there = word(spot * words[place])
        nearest = there
        if partial:
            nearest = words[U(words[table]) + U(cell) * a_window + first_place]
        return far * U(words[by]), there, nearest, cell, spot

    along = device(along)
    if axes == 1:

        def outermost(words, more, number):
            at, there, nearest, cell, spot = along(words, more, number)
            return at, there, nearest, cell, (spot,)

        return device(outermost)
    outer = make_first(axis, uniform, 1, word)

    def first(words, more, number):
        length = words[more + count]
        at, there, nearest, cell, spot = along(words, more, word(number % length))
        far, further, nearer, cells, spots = outer(words, more, word(number // length))
        cells = word(cells * words[windows] + cell)
        return far + at, word(further + there), word(nearer + nearest), cells, (*spots, spot)

    return device(first)


def make_row(s: Scalars, run: Run, kernel: int, stride: int, word: type) -> Any:
    """Folds a row of taps into all windows of a run."""
    read, beats, taken, combine = _read(run, kernel, stride), s.beats, s.taken, s.combine
    load, start = make_load(tuple(size for _, size in read)), U(read[0][0])
    skipped, taps = run.lead - read[0][0], (run.outputs - 1) * stride + kernel

    def step(tap, place, value, where):
        if beats(tap, value):
            value, where = tap, place
        return value, where

    def take(tap, _):
        return taken(tap)

    def join(earlier, later):
        return combine(earlier, later)

    if s.selects:
        fold = make_choices(step, run.outputs, kernel, stride, run.place)
    else:
        fold = make_sums(join, run.outputs, kernel, stride)
    all_taken = make_each(take, taps, s.kind, skipped)

    def row(x, at, place, values, wheres):
        return fold(all_taken(load(x, at + start), place), place, values, wheres)

    return device(row)


def make_down(
    s: Scalars, run: Run, uniform: Uniform, axis: int, nothing: Any, word: type
) -> Any:
    """Folds all taps of the windows of a run that lie inside, over the axes from ``axis`` on."""
    kernel, selects, combine = uniform.kernel[axis], s.selects, s.combine
    partial = uniform.partial[axis] and uniform.alike
    beyond = word(uniform.dilation[axis])
    if axis == len(uniform.kernel) - 1:
        row = make_row(s, run, uniform.kernel[axis], uniform.stride[axis], word)

        def across(x, at, place, spots, by, step, sizes, values, wheres):
            return row(x, at, place, values, wheres)

        return device(across)

    def join(value, part):
        return combine(value, part)

    inner = make_down(s, run, uniform, axis + 1, nothing, word)
    joined = make_each(join, run.outputs, s.kind)

    def down(x, at, place, spots, by, step, sizes, values, wheres):
        spot = spots[axis]
        for _ in range(kernel):
            if not partial or spot < sizes[axis]:
                if selects:
                    values, wheres = inner(
                        x, at, place, spots, by, step, sizes, values, wheres
                    )
                else:
                    parts, wheres = inner(x, at, place, spots, by, step, sizes, nothing, wheres)
                    values = joined(values, parts)
            at += U(by[axis])
            place = word(place + step[axis])
            spot = word(spot + beyond)
        return values, wheres

    return device(down)


def make_runs(
    s: Scalars, axes: int, divisor: int | None, word: type, index: type, indexed: bool,
    uniform: Uniform, run: Run,
) -> Any:  # fmt: skip
    """The kernel: x over the runs of planes that lie together, and over what is in none; y over
    groups of such planes.
    """
    outputs, lead = run.outputs, U(run.lead)
    finish, stamp = s.finish, s.stamp
    nothing = (s.identity,) * outputs
    first, steps = make_first(axes, uniform, outputs, word), make_steps(axes, True, word)
    plane_at = make_plane_at(word)
    fold = make_down(s, run, uniform, 0, nothing, word)
    edges = make_edges(s, axes, divisor, word, index, indexed, False, uniform)
    many = s.accumulator((uniform.counted or 1) if divisor is None else divisor)
    further_on = tuple(word(n * uniform.stride[-1] * run.place) for n in range(outputs))

    def begin(further, place):
        return word(place + further)

    def result(value, share):
        return finish(value, share)

    def number_of(where, _):
        return index(where)

    begins = make_each(begin, outputs, np.dtype(word))
    results = make_each(result, outputs, s.result)
    numbers = make_each(number_of, outputs, np.dtype(index))
    write, write_places = make_store(run.store), make_store(run.store_places)
    cells_at, planes_at, together_at, more_at = U(CELLS), U(PLANES), U(TOGETHER), U(MORE)
    items_at, runs_at, listed_at = U(ITEMS), U(RUNS), U(FULL + 2 * axes)

    def runs(x, out, places, words, given):
        stamp  # noqa: B018  a name in the closure is part of the cache's key
        cells, together, more = words[cells_at], words[together_at], U(words[more_at])
        item = word(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x)
        beside, number = word(item // words[more + items_at]), word(item % words[more + items_at])
        if beside >= together:
            return
        plane, planes = word(cuda.blockIdx.y * together + beside), words[planes_at]
        further = word(word(cuda.gridDim.y) * together)
        if number < words[more + runs_at]:
            # Where a run lies is the same in all planes, and reckoned once.
            lies, place, nearest, cell, spots = first(words, more, number)
            by, step, sizes = steps(words)
            while plane < planes:
                at = plane_at(words, plane) + lies - lead
                begun = begins(further_on, nearest)
                values, wheres = fold(x, at, place, spots, by, step, sizes, nothing, begun)
                to = U(plane) * U(cells) + U(cell)
                write(out, to, results(values, many))
                if indexed:
                    write_places(places, to, numbers(wheres, to))
                plane = word(plane + further)
        else:
            cell = words[more + listed_at + U(number - words[more + runs_at])]
            edges(x, out, places, words, given, cell, plane, further)

    return runs
