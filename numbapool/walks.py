"""How kernels walk arrays that are not as dense as they come."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .arrays import axes_order, check_dtype
from .cpu.kernels import SMALL
from .drawn import as_drawn
from .geometry import adaptive, covered, sliding, spatial, still
from .ops import PoolOp


def _channels_lie_last(shape: Sequence[int], strides: Sequence[int], item: int, dims: int) -> bool:
    """Whether the channels of (N, C, *spatial) are each other's neighbours in memory."""
    channels = len(shape) - dims - 1
    return bool(shape[channels] > 1 and strides[channels] == item and strides[-1] > item)


def _dense(shape: Sequence[int], strides: Sequence[int], item: int) -> bool:
    """Whether elements lie one after the other in the order of the axes."""
    step = item
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


#: Fewer channels that come last fill too little of a vector, and are turned to planes, which is a
#: copy; but where windows are small or all of an axis, the copy takes longer than all the rest.
FEWEST_INSIDE = 8


class Walk(NamedTuple):
    """An array that is not as dense as they come, as kernels can walk it."""

    order: tuple[int, ...] | None  # of axes: channels that lie inside the pooled ones stay there
    strides: tuple[int, ...] | None  # unless it is dense then
    dtype: np.dtype
    copied: bool  # once: no kernel could walk it as it lies
    turned: bool  # its results lie otherwise than kernels write them


def _fewest_inside(op: PoolOp, where: tuple[Any, ...], sizes: tuple[int, ...]) -> int:
    """How many channels stay inside the windows of a pooling of so many inputs an axis."""
    if where[0] not in (sliding, adaptive) or not (op.better or adds(op)):
        return FEWEST_INSIDE
    if all(covered(axis) or still(axis) for axis in where[0](sizes, *where[2:])):
        return 2
    if where[0] is adaptive:
        return FEWEST_INSIDE
    kernel, dilation = where[2], where[5] if len(where) > 5 else 1
    taps = kernel if isinstance(kernel, tuple) else (kernel,)
    apart = dilation if isinstance(dilation, tuple) else (dilation,)
    few = all(type(count) is int and count <= SMALL for count in taps) and set(apart) == {1}
    return 2 if few else FEWEST_INSIDE


def adds(op: PoolOp) -> bool:
    """Whether an op folds the taps themselves, as a sum does."""
    return op.combine is not None and op.lift is None


@lru_cache(maxsize=1024)
def walked(
    shape: tuple[int, ...], strides: tuple[int, ...], aligned: bool, dtype: np.dtype, op: PoolOp,
    where: tuple[Any, ...],
) -> Walk:  # fmt: skip
    """How a pooling's kernels walk arrays of this layout, ``where[1]`` last axes pooled.

    Axes that follow them keep their places if all channels have alike windows.
    """
    check_dtype(dtype, adds(op))
    make, dims, *_ = where
    alike = make is not as_drawn
    sizes = spatial(shape, dims, channels_may_be_0=True)
    item, channels = dtype.itemsize, len(shape) - dims - 1
    turned = not alike or _channels_lie_last(shape, strides, item, dims)
    if aligned and dtype.isnative and all(step >= 0 and step % item == 0 for step in strides):
        if shape[-1] <= 1 or strides[-1] == item or not alike:
            dense = _dense(shape, strides, item)
            return Walk(None, None if dense else strides, dtype, False, turned and not dense)
        if shape[channels] >= _fewest_inside(op, where, sizes) and strides[channels] == item:
            order = axes_order(len(shape), dims, True)
            shape, strides = (tuple(each[axis] for axis in order) for each in (shape, strides))
            dense = _dense(shape, strides, item)
            return Walk(order, None if dense else strides, dtype, False, False)
    return Walk(None, None, dtype.newbyteorder("="), True, turned)
