"""A pooling on a device: from checked arguments to a launch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import arguments, arrays, geometry
from ..arrays import (
    axes_order,
    channels_inside,
    channels_outside,
    check_dtype,
    check_outs,
    named_outs,
)
from ..arrays import checked_index_dtype as checked
from ..drawn import as_drawn
from ..elementwise import is_number, mapped
from ..kept import Plans
from ..ops import MIN, PoolOp
from ..ops.tried import tried
from ..plan import Where, described
from ..targets import on_device
from ..walks import FEWEST_INSIDE, adds
from . import api, ready
from .arrays import DeviceArray, adapt
from .program import Program, program


class Plan(NamedTuple):
    """All that a call needs besides its arrays."""

    shape: tuple[int, ...]
    dtype: np.dtype
    index_dtype: np.dtype | None
    program: Program | None  # None where there is nothing to do


def make_plan(
    op: PoolOp, where: Where, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype,
    index_dtype: np.dtype | None, divisor: int | None, inside: int,
    aligned: bool,
) -> Plan:  # fmt: skip
    """The plan for an input of this shape, dtype and these strides."""
    check_dtype(dtype, adds(op))
    tried(op, dtype)
    steps = [stride // dtype.itemsize for stride in strides]
    result, axes, planes, walk = described(op, where, shape, steps, index_dtype, inside)
    made = None
    if 0 not in result:
        made = program(op, axes, planes, walk, dtype, index_dtype, divisor, aligned)
    return Plan(result, op.result(dtype), index_dtype, made)


plans = Plans(make_plan)


def _readable(array: DeviceArray, dims: int, inside: bool) -> tuple[DeviceArray, int]:
    """``array`` as kernels walk it, and how many axes follow the ``dims`` pooled ones.

    Any strides will do; channels that lie ``inside`` go last: neighbours read neighbours.
    """
    item, channels = array.itemsize, array.ndim - dims - 1
    last = array.shape[-1] <= 1 or array.strides[-1] == item
    few = array.shape[channels] < FEWEST_INSIDE or array.strides[channels] != item
    if not inside or last or few:
        return array, 0
    return channels_inside(array, dims), 1


def run(
    op: PoolOp, where: Where, x: Any, return_indices: Any, index_dtype: Any, divisor: int | None,
    out: Any,
) -> Any:  # fmt: skip
    """Pools ``x`` on its device and on the current stream of its library."""
    api.check()
    told = op, where, return_indices, index_dtype, divisor
    found = None if out is not None else ready.again(told, x)
    if found is not None:
        return found
    given, wrap = adapt("input", x)
    check_dtype(given.dtype, adds(op))
    geometry.spatial(given.shape, where[1], channels_may_be_0=True)
    array, inside = _readable(given, where[1], where[0] is not as_drawn)
    indexed = arguments.flag("return_indices", return_indices)
    kind = checked("int64" if index_dtype is None else index_dtype) if indexed else None
    call = op, where, array.shape, array.strides, array.dtype, kind, divisor, inside
    key = *call, array.aligned
    plan = plans[key]
    kinds = [plan.dtype] if kind is None else [plan.dtype, kind]
    outs = [] if out is None else named_outs(out, len(kinds))
    # What is a copy of an array of the host has its results copied back there.
    source = None if any(on_device(each) for _, each in outs) else given.host
    results = _results(given, outs if source is None else [], plan.shape, kinds, inside, where[1])
    shown = [channels_outside(each, where[1]) if inside else each for each in results]
    into = []
    if outs and source is not None:
        into = check_outs(out, shown[0].shape, kinds, source)
    if array.aligned and not all(each.aligned for each in results):
        key = *call, False
        plan = plans[key]
    if plan.program is not None:
        stream = given.library.stream()
        with api.turn, api.on(given.device.index):
            values, places = results[0].flat(), results[1].flat() if kind else None
            plan.program.launch(stream, given, array.flat(), values, places)
    for at_home, result in zip(into, shown, strict=False):
        at_home[...] = result.to_host()
    if out is not None:
        return out
    if where[0] is not as_drawn:
        order = axes_order(given.ndim, where[1], False) if inside else None
        ready.keep(told, x, plan, given, array, kinds, order)
    wrapped = tuple(map(wrap, shown))
    return wrapped if kind else wrapped[0]


def _results(
    given: DeviceArray, outs: list[tuple[str, Any]], shape: tuple[int, ...],
    kinds: list[np.dtype], inside: int, dims: int,
) -> list[DeviceArray]:  # fmt: skip
    """Arrays for results of these dtypes: new ones, or ``outs`` as kernels write them."""
    if not outs:
        with api.on(given.device.index):
            return [given.like(shape, kind) for kind in kinds]
    found: list[DeviceArray] = []
    for (name, each), kind in zip(outs, kinds, strict=True):
        if not on_device(each):
            raise arrays.elsewhere(name, each)
        array, _ = adapt(name, each)
        array = channels_inside(array, dims) if inside else array
        array.check(name, shape, kind, [given, *found])
        found.append(array)
    return found


def a_plane_with_nan(x: Any) -> int | None:
    """The first along the first axis of ``x`` that has NaN, if any; waits for the device."""
    array, _ = adapt("input", x)
    if array.ndim < 2 or array.size == 0 or array.dtype.kind in "iub":
        return None
    numbers = mapped(is_number, array, dtype=np.uint8)
    least = run(MIN, (geometry.adaptive, array.ndim - 1, 1), numbers, False, None, None, None)
    without = least.to_host().ravel() == 0
    return int(without.argmax()) if without.any() else None
