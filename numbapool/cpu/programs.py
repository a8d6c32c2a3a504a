"""Whether an op runs on vectors, or a kernel gathers taps for it; and what that one is told."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numba.core.errors import NumbaError

from ..geometry import Laid, lengths
from ..ops import OPS, PoolOp
from ..ops.base import is_half
from . import frame, kernels, volumes
from .half_scalars import fitting
from .kernels import Program
from .scalars import stored

#: Nanoseconds a tap, about.
WORK = 2.0

_on_scalars_only: set[tuple[PoolOp, np.dtype]] = set()


def _works_on_vectors(op: PoolOp, dtype: np.dtype) -> bool:
    if op.omits_nan or op.reduce is not None or dtype.kind == "c":
        return False
    # Where an op selects, its kernels look for what it chose among the taps as they are.
    if (op, dtype) in _on_scalars_only or (
        is_half(dtype) and op.better is not None and not is_half(op.accumulator(dtype))
    ):
        return False
    # Lanes past a window hold the identity, and are lifted too.
    accumulator = stored(op.accumulator(dtype)).type
    if op.lift is None:
        return True
    nothing = accumulator(op.identity(op.accumulator(dtype)))
    return bool(accumulator(op.lift(nothing)) == nothing)


def program(
    op: PoolOp, axes: Sequence[Laid], planes: int, walk: tuple[int, int, int], dtype: np.dtype,
    index_dtype: np.dtype | None, divisor: int | None,
) -> Program:  # fmt: skip
    """How to pool ``planes`` of any number of axes, on vectors if the op's scalars work on them."""
    op = fitting(op, dtype)
    if _works_on_vectors(op, dtype):
        try:
            return volumes.program(op, axes, planes, walk, dtype, index_dtype, divisor)
        except Exception:  # whatever Numba raises of a user's scalars
            if op in OPS.values():
                raise
            _on_scalars_only.add((op, dtype))
    try:
        return _gathering(op, axes, planes, walk, dtype, index_dtype, divisor)
    except NumbaError as error:
        raise TypeError(f"op {op.name!r} does not compile for {dtype}: {error}") from error


def _gathering(
    op: PoolOp, axes: Sequence[Laid], planes: int, walk: tuple[int, int, int], dtype: np.dtype,
    index_dtype: np.dtype | None, divisor: int | None,
) -> Program:  # fmt: skip
    plain = [laid.axis for laid in axes]
    sizes = lengths(plain)
    spans = []
    for axis, by, place in axes:
        low, high = axis.interval(np.arange(len(axis), dtype=np.int64))
        spans.append(np.stack([low * by, low * place, -((low - high) // axis.step)], 1))
    begins = np.cumsum([0, *sizes[:-1]])
    table = [
        [length, begin, axis.step * by, axis.step * place]
        for length, begin, (axis, by, place) in zip(sizes, begins, axes, strict=True)
    ]
    accumulator = stored(op.accumulator(dtype))
    counts, scaled = kernels.counts(op, plain, divisor, accumulator)
    tables = {frame.ROWS: np.array(table, np.int64), frame.COLS: np.concatenate(spans)}
    if counts:
        tables[frame.DOWN_COUNTS] = np.concatenate(counts)
    most = prod(int(span[:, 2].max()) for span in spans)
    index: type = np.int64 if index_dtype is None else index_dtype.type
    made = kernels.kernel(
        "gather", op, dtype, index_dtype is not None, np.int64, index, scaled, False,
        divisor is None and not scaled,
    )  # fmt: skip
    return kernels.assembled(
        "gather",
        {
            frame.SCRATCH: 8 * len(axes) + frame.LINE + most * accumulator.itemsize,
            frame.KERNEL: made,
            frame.TASKS: planes * prod(sizes[:-1]),
            frame.CHANNELS: walk[0],
            frame.BY_BATCH: walk[1],
            frame.BY_CHANNEL: walk[2],
            frame.AXES: len(axes),
            frame.HEIGHT_OUT: prod(sizes[:-1]),
            frame.CELLS: sizes[-1],
        },
        tables,
        planes * prod(sizes) * most * WORK,
        lambda: made,
    )
