"""From arguments to a ready-to-call plan, made once for each kind of call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from . import arguments, geometry, results, targets
from .arrays import (
    Wrap,
    adapt,
    as_it_is,
    channels_inside,
    channels_outside,
    check_dtype,
    check_outs,
    checked_index_dtype,
    laid_as,
)
from .cpu import drivers, threads
from .cpu.kernels import Program
from .cpu.programs import program
from .cpu.scalars import stored
from .kept import Plans
from .ops import PoolOp
from .ops.base import is_half
from .ops.tried import tried
from .tensors import Tensors
from .walks import adds, walked

#: How to make the axes of a pooling: ``where[0](sizes, *where[2:])`` for ``where[1]`` axes.
Where = tuple[Any, ...]


class Plan(NamedTuple):
    """All that a call needs besides its arrays."""

    shape: tuple[int, ...]
    dtype: np.dtype
    index_dtype: np.dtype | None
    how: tuple[Program, drivers.Ways] | None  # None where there is nothing to do
    #: What `run` calls at once where nothing is to be looked at, and what that is told first.
    ready: tuple[Callable[..., Any], Any] | None
    halves: bool  # of a type that kernels see as bits
    empty: Callable[[tuple[int, ...], np.dtype], np.ndarray]  # where results lie

    @property
    def program(self) -> Program | None:
        return None if self.how is None else self.how[0]


def output_axes(
    where: Where, shape: tuple[int, ...], op: PoolOp, inside: int = 0
) -> tuple[geometry.Axis, ...]:
    """The axes of a pooling over the last axes of ``shape``, all arguments checked.

    The last ``inside`` axes are not pooled.
    """
    make: Callable[..., tuple[geometry.Axis, ...]] = where[0]
    if inside:
        still = [geometry.Sliding(size, 1) for size in shape[-inside:]]
        return (*make(shape[-inside - where[1] : -inside], *where[2:]), *still)
    channels_may_be_0 = make is geometry.adaptive and op.better is None
    return make(geometry.spatial(shape, where[1], channels_may_be_0), *where[2:])


def laid(
    axes: Sequence[geometry.Axis], steps: Sequence[int], pooled: int
) -> list[geometry.Laid]:
    """``axes`` as they lie in memory, the first ``pooled`` of them numbered in an index map."""
    found: list[geometry.Laid] = []
    by, place = 1, 1
    for number in reversed(range(len(axes))):
        axis = axes[number]
        # Where an axis of size 1 would go next, its stride never matters.
        by = by if axis.size == 1 else steps[number]
        found.append(geometry.Laid(axis, by, place if number < pooled else 0))
        by *= axis.size
        place *= axis.size if number < pooled else 1
    return found[::-1]


class Described(NamedTuple):
    """Planes and the axes that they are pooled over, for any target."""

    shape: tuple[int, ...]  # of the result
    axes: list[geometry.Laid]
    planes: int
    walk: tuple[int, int, int]  # channels in a batch, and elements by batch and by channel


def described(
    op: PoolOp, where: Where, shape: tuple[int, ...], steps: Sequence[int],
    index_dtype: np.dtype | None, inside: int,
) -> Described:  # fmt: skip
    """What there is to pool of an input with this many elements from each to the next, checked."""
    axes = output_axes(where, shape, op, inside)
    sizes = tuple(axis.size for axis in axes[: where[1]])
    if index_dtype is not None and prod(sizes) - 1 > np.iinfo(index_dtype).max:
        raise ValueError(f"index_dtype={index_dtype} cannot index a plane of shape {sizes}")
    outer = shape[: len(shape) - len(axes)]
    by_batch = steps[0] if len(outer) == 2 else 0
    walk = (outer[-1] if outer else 1, by_batch, steps[len(outer) - 1] if outer else 0)
    merged = geometry.merged(laid(axes, steps[len(outer) :], where[1]), index_dtype is not None)
    return Described((*outer, *geometry.lengths(axes)), merged, prod(outer), walk)


def make_plan(
    op: PoolOp, where: Where, shape: tuple[int, ...], strides: tuple[int, ...] | None,
    dtype: np.dtype, return_indices: bool, index_dtype: Any, divisor: int | None, inside: int = 0,
) -> Plan:  # fmt: skip
    """The plan for an input of this shape, dtype and, unless C-contiguous, these strides."""
    check_dtype(dtype, adds(op))
    tried(op, dtype)
    index_dtype = checked_index_dtype(index_dtype) if return_indices else None
    steps = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    if strides is not None:
        steps = [stride // dtype.itemsize for stride in strides]
    result, axes, planes, walk = described(op, where, shape, steps, index_dtype, inside)
    how, ready = None, None
    if 0 not in result:
        try:
            np.empty(result, op.result(dtype))  # refuses what no memory could hold
        except ValueError as error:
            raise ValueError(f"no array can have the output's shape {result}") from error
        made = program(op, axes, planes, walk, dtype, index_dtype, divisor)
        kinds = stored(dtype), stored(op.result(dtype)), index_dtype
        how = made, drivers.ways(kinds, (len(shape), len(result), len(result)))
        ready = None if is_half(dtype) else threads.way_in(*how)
    bytes_each = max(op.result(dtype).itemsize, index_dtype.itemsize if index_dtype else 0)
    empty = results.empty if prod(result) * bytes_each >= results.LARGE else ndarray
    return Plan(result, op.result(dtype), index_dtype, how, ready, is_half(dtype), empty)


def _weight(plan: Plan) -> int:
    return sum(table.nbytes for table in plan.program.tables) if plan.program else 0


plans = Plans(make_plan, _weight)
tensors = Tensors(plans)


def _at_once(plan: Plan, x: np.ndarray) -> Any:
    """The results for an array as it lies; None if something is left."""
    shape, dtype, kept, how, (way_in, told), _, empty = plan  # type: ignore[misc]
    values, indices = empty(shape, dtype), None if kept is None else empty(shape, kept)
    if way_in(told, x, values, indices):
        assert how is not None
        how[0].complete()
        return None
    return values if indices is None else (values, indices)


def pixels(
    op: PoolOp, where: Where, x: Any, return_indices: Any, index_dtype: Any, divisor: int | None
) -> Any:
    """What becomes of (N, *spatial, C) as it lies, if that was planned before; else None."""
    plain = type(x) is ndarray and targets.default is None and type(return_indices) is bool
    if not plain or not x.flags.carray:
        return None
    if index_dtype is not None and index_dtype != "int64":
        index_dtype = checked_index_dtype(index_dtype)
    plan = plans.get((op, where, x.shape, None, x.dtype, return_indices, index_dtype, divisor, 1))
    return None if plan is None or plan.ready is None else _at_once(plan, x)


def run(
    op: PoolOp, where: Where, x: Any, return_indices: bool = False, index_dtype: Any = "int64",
    divisor: int | None = None, out: Any = None, num_threads: int | None = None,
    target: str | None = None,
) -> Any:
    """Pools ``x``: the one road from the public functions to the kernels."""
    if return_indices is not False:
        return_indices = arguments.flag("return_indices", return_indices)
    if index_dtype is not None and index_dtype != "int64":
        index_dtype = checked_index_dtype(index_dtype)
    if num_threads is not None:
        num_threads = threads.checked(num_threads)
    wrap: Wrap
    array, wrap, given, inside, turned, plan = x, as_it_is, x, 0, False, None
    plain = type(x) is ndarray and target is None and targets.default is None
    if plain and x.flags.carray:
        plan = plans.get(
            (op, where, x.shape, None, x.dtype, return_indices, index_dtype, divisor, 0)
        )
    if plan is None:
        usual = out is None and num_threads is None
        if usual and not plain and target is None and targets.default is None:
            found = tensors.at_once(op, where, x, return_indices, index_dtype, divisor)
            if found is not None:
                return found
        if not plain and targets.is_cuda(x, target):
            return targets.run(op, where, x, return_indices, index_dtype, divisor, out)
        away = target == "cpu" and targets.on_device(x)
        array, wrap = targets.fetched(x) if away else adapt("input", x)
        dtype, strides, given = array.dtype, None, array
        if not (array.flags.carray and dtype.isnative):  # read-only ones are looked at again, too
            order, strides, dtype, copied, turned = walked(
                array.shape, array.strides, array.flags.aligned, dtype, op, where
            )
            if copied:
                array = np.ascontiguousarray(array, dtype)
            elif order is not None:
                array, inside = array.transpose(order), 1
        plan = plans[
            op, where, array.shape, strides, dtype, return_indices, index_dtype, divisor, inside
        ]
    elif plan.ready is not None and out is None and num_threads is None:
        found = _at_once(plan, x)
        if found is not None:
            return found
    shape, dtype, kept, how, _, halves, empty = plan
    if out is None:
        asked: list[np.ndarray] = []
        values, indices = empty(shape, dtype), None if kept is None else empty(shape, kept)
    else:
        at = len(shape) - inside - where[1]
        whole = (*shape[:at], *shape[len(shape) - inside :], *shape[at : len(shape) - inside])
        asked = check_outs(out, whole, (dtype,) if kept is None else (dtype, kept), given)
        if inside:
            asked = [channels_inside(a, where[1]) for a in asked]
        dense = [a if a.flags.carray else np.empty(shape, a.dtype) for a in asked]
        values, indices = dense[0], None if kept is None else dense[1]
    if how is not None:
        seen, given_to = array, values
        if halves:
            seen, given_to = (each.view(stored(each.dtype)) for each in (array, values))
        turns = 0
        while threads.run(how, seen, given_to, indices, num_threads):
            if turns:
                raise RuntimeError(
                    f"op {op.name!r} raised an error in a window, which was printed: its results "
                    "are not there"
                )
            how[0].complete()  # and once again: the first time that there is something left
            turns = 1
    if out is None:
        if inside:
            values = channels_outside(values, where[1])
            indices = None if indices is None else channels_outside(indices, where[1])
        elif turned:  # the kernel wrote plane by plane
            values = laid_as(given, values)
            indices = None if indices is None else laid_as(given, indices)
        return wrap(values) if indices is None else (wrap(values), wrap(indices))
    for array, result in zip(asked, (values, indices), strict=False):
        if array is not result:
            array[...] = result
    return out if kept is None else tuple(out)
