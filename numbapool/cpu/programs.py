"""Whether an op runs on vectors, or a kernel gathers taps for it; and what that one is told."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from textwrap import dedent

import numpy as np
from numba.core.errors import NumbaError, UnsupportedBytecodeError

from .. import spans
from ..geometry import Laid, lengths, still
from ..ops import OPS, PoolOp
from ..ops.base import is_half
from . import frame, kernels, volumes
from .half_scalars import fitting
from .kernels import Program
from .machine import VECTOR
from .scalars import filling, stored
from .tables import divisors

#: Nanoseconds a tap, about.
WORK = 2.0

#: Windows with channels inside are folded tap by tap up to so many of them, and so many times that
#: an input is met again, which slices spare; a sum of more would lose digits.
FEW, AGAIN, FEW_OF_A_SUM = 64, 2.5, 9
#: Vectors of channels side by side. Where a place is of what is better or of NaN, the masks of both
#: meet, and LLVM joins those of more than two vectors only to part them again.
WIDEST, WIDEST_OF_BOTH = 4, 2

_on_scalars_only: set[tuple[PoolOp, np.dtype]] = set()


def _works_on_vectors(op: PoolOp, dtype: np.dtype) -> bool:
    if op.omits_nan or op.reduce is not None or dtype.kind == "c":
        return False
    # Where an op selects, its kernels look for what it chose among the taps as they are.
    if (op, dtype) in _on_scalars_only or (
        is_half(dtype) and op.better is not None and not is_half(op.accumulator(dtype))
    ):
        return False
    # Lanes past a window hold the identity, in the type of the input, and are lifted too.
    if is_half(dtype) and op.lift is None:
        return True
    reckoned = op.accumulator(dtype)
    accumulator = stored(reckoned).type
    nothing = accumulator(op.identity(reckoned))
    if not is_half(dtype) and accumulator(filling(op, dtype, reckoned)) != nothing:
        return False
    return op.lift is None or bool(accumulator(op.lift(nothing)) == nothing)


def _works_on_tables(axes: Sequence[Laid]) -> bool:
    """Whether kernels for vectors have the windows: of planes that differ, those of rows."""
    return spans.alike(axes[0].axis) or (len(axes) <= 2 and axes[-1].by == 1)


def program(
    op: PoolOp, axes: Sequence[Laid], planes: int, walk: tuple[int, int, int], dtype: np.dtype,
    index_dtype: np.dtype | None, divisor: int | None,
) -> Program:  # fmt: skip
    """How to pool ``planes`` of any number of axes, on vectors if the op's scalars work on them."""
    op = fitting(op, dtype)
    if _works_on_tables(axes) and _works_on_vectors(op, dtype):
        given = op, axes, planes, walk, dtype, index_dtype, divisor
        try:
            return _by_pixels(*given) or volumes.program(*given)
        except Exception:  # whatever Numba raises of a user's scalars
            if op in OPS.values():
                raise
            _on_scalars_only.add((op, dtype))
    try:
        return _gathering(op, axes, planes, walk, dtype, index_dtype, divisor)
    except (NumbaError, UnsupportedBytecodeError) as error:
        cause = _innermost(str(error))
        raise TypeError(f"op {op.name!r} does not compile for {dtype}: {cause}") from error


def _innermost(told: str) -> str:
    """What Numba says of the function that failed, without what it says of all that call it."""
    last = told.split("Failed in ")[-1].partition("\n")[2]
    return dedent(last.partition("During: Pass")[0]).strip() or told


def described(
    op: PoolOp, axes: Sequence[Laid], planes: int, walk: tuple[int, int, int], dtype: np.dtype,
    divisor: int | None,
) -> tuple[dict[int, int], dict[int, np.ndarray], bool]:  # fmt: skip
    """What the frame and its tables say of windows one by one, and whether counts are shares."""
    plain = [laid.axis for laid in axes]
    sizes = lengths(plain)
    counts, scaled = divisors(op, plain, divisor, stored(op.accumulator(dtype)))
    windows = spans.of_windows(axes)
    tables = {frame.ROWS: spans.of_axes(axes), frame.COLS: windows}
    if counts:
        tables[frame.DOWN_COUNTS] = np.concatenate(counts)
    words = dict(zip(kernels.WALK, walk, strict=True)) | {
        frame.TASKS: planes * prod(sizes[:-1]),
        frame.AXES: len(axes),
        frame.BY_TABLE: windows.strides[0] if windows.ndim == 3 else 0,
        frame.HEIGHT_OUT: prod(sizes[:-1]),
        frame.CELLS: sizes[-1],
    }
    return words, tables, scaled


def most_taps(axes: Sequence[Laid]) -> list[int]:
    return [int(spans.taps(laid.axis).max()) for laid in axes]


def _gathering(
    op: PoolOp, axes: Sequence[Laid], planes: int, walk: tuple[int, int, int], dtype: np.dtype,
    index_dtype: np.dtype | None, divisor: int | None,
) -> Program:  # fmt: skip
    words, tables, scaled = described(op, axes, planes, walk, dtype, divisor)
    most = prod(most_taps(axes))
    index: type = np.int64 if index_dtype is None else index_dtype.type
    kernel = kernels.kernel(
        "gather", op, dtype, index_dtype is not None, np.int64, index, scaled, False,
        divisor is None and not scaled,
    )  # fmt: skip
    item = stored(op.accumulator(dtype)).itemsize
    words[frame.SCRATCH] = 8 * len(axes) + frame.LINE + most * item
    words[frame.KERNEL] = kernel
    work = words[frame.TASKS] * words[frame.CELLS] * most * WORK
    return kernels.assembled("gather", words, tables, work, lambda: kernel)


def _by_pixels(
    op: PoolOp, axes: Sequence[Laid], planes: int, walk: tuple[int, int, int], dtype: np.dtype,
    index_dtype: np.dtype | None, divisor: int | None,
) -> Program | None:  # fmt: skip
    """Small windows with channels inside them, if they are that."""
    *pooled, inside = axes
    channels = inside.axis.size
    if len(pooled) < 2 or not still(inside.axis) or inside.by != 1:
        return None
    indexed = index_dtype is not None
    lane = kernels.lane_of(axes)
    item = stored(op.accumulator(dtype)).itemsize
    lanes = VECTOR // (max(item, np.dtype(lane).itemsize) if indexed else item)
    both = indexed and op.overrides is not None and dtype.kind == "f" and not is_half(dtype)
    widest = (WIDEST_OF_BOTH if both else WIDEST) * VECTOR // item
    taps = most_taps(pooled)
    windows = prod(lengths([laid.axis for laid in pooled]))
    again = prod(taps) * windows / prod(laid.axis.size for laid in pooled)
    few = prod(taps) <= FEW and again <= AGAIN if op.better else prod(taps) <= FEW_OF_A_SUM
    if channels < lanes or not few:
        return None
    while lanes * 2 <= min(channels, widest):
        lanes *= 2
    words, tables, scaled = described(op, pooled, planes, walk, dtype, divisor)
    index: type = np.int64 if index_dtype is None else index_dtype.type
    kernel = kernels.kernel("pixels", op, dtype, indexed, lane, index, scaled, False, lanes)
    words[frame.WIDTH], words[frame.PLACE_ACROSS] = channels, inside.place
    words[frame.SCRATCH] = 2 * (8 * (len(axes) + prod(taps)) + 2 * frame.LINE)
    words[frame.KERNEL] = kernel
    elements = words[frame.TASKS] * words[frame.CELLS] * channels
    work = elements * item / 4 * (0.05 + 0.05 * prod(taps) * (1 + indexed))
    return kernels.assembled("pixels", words, tables, work, lambda: kernel)
