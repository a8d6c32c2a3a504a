"""Which kernels pool what, and how they are launched."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .. import spans
from ..fingerprints import fingerprint
from ..geometry import Laid, lengths, still
from ..ops import PoolOp
from . import doubled
from .arrays import NUMBA, DeviceArray, seen
from .gathered import make_gathered
from .launches import Kernel
from .passes import Pass, passes
from .runs import make_runs, runs
from .scalars import fitting, scalars
from .sliding import Uniform
from .streams import kept
from .teams import BLOCK, make_teams
from .windows import make_windows
from .words import words

#: Windows of more taps than this are a team's; with fewer, neighbours share them in the caches.
ALONE = 64
#: Taps that are worth a member more.
EACH = 8
#: Outputs side by side that a team's loads are spread over: a warp.
WARP = 32
#: Blocks that planes are spread over at most, by the limit of a grid.
HIGHEST = 65535
#: Planes that a thread goes over, and blocks that are enough to keep a GPU busy with fewer of them.
PLANES, ENOUGH = 8, 4096
#: Bytes of scratch where taps are gathered, and threads at most.
SCRATCH, THREADS = 256 * 1024 * 1024, 64 * 1024


class Step(NamedTuple):
    """A kernel and what it is launched with, besides the arrays of a call."""

    name: str
    kernel: Any
    grid: tuple[int, int]
    block: int
    words: np.ndarray
    scratch: tuple[int, int] | None  # threads, and elements for each
    kind: np.dtype  # of scratch
    on: dict[int, Any]  # the words on each device, and what launches it there

    def launch(
        self, stream: Any, lender: DeviceArray, x: Any, out: Any, places: Any, given: Any
    ) -> None:
        """Runs on ``stream``; what it needs more is of the library of ``lender``."""
        number = lender.device.index
        if self.scratch:
            threads, most = self.scratch
            given = lender.like((most, threads), self.kind).columns()
        found = self.on.get(number)
        if found is None:
            held = seen(kept(self.words, stream), NUMBA).flat()
            like = x, out, places, held, given
            made = held, self.kernel.prepared(self.grid, self.block, like)
            found = self.on.setdefault(number, made)  # another thread's, if that was here
        held, launched = found
        launched(stream, (x, out, places, held, given))


class How(NamedTuple):
    """A kernel before it is made: how it is launched, and what it is told for that."""

    name: str
    grid: tuple[int, int]
    block: int
    together: int
    given: tuple[Any, ...]  # to its maker
    told: Sequence[int] | np.ndarray = ()
    scratch: tuple[int, int] | None = None


class Program(NamedTuple):
    """One step, or one along each axis, from the last to the first."""

    steps: tuple[Step, ...]
    between: tuple[tuple[int, np.dtype], ...]  # elements of what each but the last makes, and type
    place: np.dtype | None  # of index maps

    @property
    def name(self) -> str:
        """The kernel, or that it runs along one axis after the other."""
        return self.steps[0].name if len(self.steps) == 1 else "passes"

    def alone(self, device: int) -> Any:
        """The words of its one kernel, which ran there and needs no memory; what launches it."""
        step = self.steps[0]
        return None if len(self.steps) > 1 or step.scratch else step.on[device]

    def launch(
        self, stream: Any, lender: DeviceArray, x: Any, out: Any, places: Any
    ) -> None:
        """Runs on ``stream``; ``places`` is None where there is no index map."""
        given = None
        for step, (elements, kind) in zip(self.steps, self.between, strict=False):
            made = lender.like((elements,), kind).flat()
            found = lender.like((elements,), self.place).flat() if self.place else None
            step.launch(stream, lender, x, made, found, given)
            x, given = made, found
        self.steps[-1].launch(stream, lender, x, out, places, given)


@cache
def kernel(
    name: str, op: PoolOp, dtype: np.dtype, axes: int, divisor: int | None, word: type, index: type,
    indexed: bool, *more: Any,
) -> Any:  # fmt: skip
    s = scalars(op, dtype, fingerprint(op, "cuda"))
    return Kernel(MAKERS[name](s, axes, divisor, word, index, indexed, *more))


MAKERS: dict[str, Any] = {
    "windows": make_windows, "runs": make_runs, "teams": make_teams,
    "doubled": doubled.make_doubled, "gathered": make_gathered,
}  # fmt: skip


def _power_of_two(most: int) -> int:
    return 1 << max(most, 1).bit_length() - 1


def _most(axes: Sequence[Laid]) -> int:
    return prod(int(spans.taps(laid.axis).max()) for laid in axes)


def program(
    op: PoolOp, axes: Sequence[Laid], planes: int, walk: tuple[int, int, int], dtype: np.dtype,
    index_dtype: np.dtype | None, divisor: int | None, aligned: bool,
) -> Program:  # fmt: skip
    """How to pool ``planes`` planes; ``walk`` is (channels, by_batch, by_channel).

    ``aligned``: arrays begin where as much can be read or written at once as ever can.
    """
    op = fitting(op, dtype)
    folds = op.reduce is None and not op.omits_nan and _most(axes) > ALONE
    apart = passes(op, axes, planes, walk, dtype) if folds else []
    if not apart:
        whole = Pass(op, tuple(axes), walk, dtype, op.result(dtype))
        step = _step(whole, planes, index_dtype, divisor, False, False, aligned)
        return Program((step,), (), index_dtype)
    steps = [
        _step(each, planes, index_dtype, divisor if each is apart[-1] else None, True,
              each is not apart[0], aligned)
        for each in apart
    ]  # fmt: skip
    between = tuple(
        (planes * prod(lengths([laid.axis for laid in each.axes])), each.result)
        for each in apart[:-1]
    )
    return Program(tuple(steps), between, index_dtype)


def _step(
    work: Pass, planes: int, index_dtype: np.dtype | None, divisor: int | None, several: bool,
    placed: bool, aligned: bool,
) -> Step:  # fmt: skip
    op, axes, walk, dtype, *_ = work
    places = np.dtype(np.int64 if index_dtype is None else index_dtype)
    indexed = index_dtype is not None
    if op.reduce is not None or op.omits_nan:
        how = _gathered(work, planes, divisor)
    elif work.tile:
        how = _doubled(work, work.tile, planes, placed and indexed)
    elif several or _most(axes) <= ALONE:
        how = _windows(work, planes, divisor, places, placed and indexed, aligned)
    else:
        how = _teams(axes, planes)
    told = words(axes, planes, walk, how.together, how.told)
    given: tuple[Any, ...] = (
        op, dtype, len(axes), divisor, told.dtype.type, places.type, indexed, *how.given,
    )  # fmt: skip
    made = kernel(how.name, *given)
    kind = np.dtype(scalars(op, dtype, 0).accumulator if how.scratch else np.uint8)
    return Step(how.name, made, how.grid, how.block, told, how.scratch, kind, {})


def _together(items: int, planes: int) -> int:
    """Planes that a row of blocks goes over together, with so many threads to each."""
    return max(1, min(4 * BLOCK // items, planes))


def _gathered(work: Pass, planes: int, divisor: int | None) -> How:
    cells, most = work.cells, max(_most(work.axes), 1)
    together, kind = _together(cells, planes), scalars(work.op, work.dtype, 0).kind
    block = min(BLOCK, -(-cells * together // WARP) * WARP)
    blocks = max(min(THREADS, SCRATCH // (most * kind.itemsize)) // block, 1)
    wide = min(-(-cells * together // block), blocks)
    grid = (wide, min(-(-planes // together), max(blocks // wide, 1)))
    scratch = (block * prod(grid), most)
    return How("gathered", grid, block, together, (divisor is None,), scratch=scratch)


def _doubled(work: Pass, tile: doubled.Tile, planes: int, placed: bool) -> How:
    told, windows = doubled.told(tile, work.axes), len(work.axes[tile.along].axis)
    lines = planes * told[doubled.ACROSS]
    grid = (-(-lines // tile.lines), min(-(-windows // told[doubled.EACH]), HIGHEST))
    return How("doubled", grid, BLOCK, planes, (tile, placed), told)


def _teams(axes: Sequence[Laid], planes: int) -> How:
    inside, cells = axes[-1].axis, prod(lengths([laid.axis for laid in axes]))
    beside = min(WARP, _power_of_two(len(inside))) if still(inside) else 1
    team = min(_power_of_two(_most(axes) // EACH), BLOCK // beside)
    together = _together(cells, planes)
    grid = (-(-cells * together * team // BLOCK), min(-(-planes // together), HIGHEST))
    return How("teams", grid, BLOCK, together, (team, beside))


def _windows(
    work: Pass, planes: int, divisor: int | None, places: np.dtype, placed: bool, aligned: bool
) -> How:
    op, axes, walk, dtype, *_ = work
    uniform, found = Uniform.of(op, axes, divisor), None
    if aligned and uniform and not placed:
        found = runs(axes, uniform, planes, walk, (dtype, op.result(dtype), places))
    items = found.items if found else work.cells
    together = _together(items, planes)
    block = min(BLOCK, -(-items * together // WARP) * WARP)
    wide, groups = -(-items * together // block), -(-planes // together)
    grid = (wide, min(max(-(-groups // PLANES), min(groups, -(-ENOUGH // wide))), HIGHEST))
    if found:
        return How("runs", grid, block, together, (uniform, found.run), found.more)
    return How("windows", grid, block, together, (uniform, placed))
