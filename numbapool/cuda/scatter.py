"""Values to the places of an index map and back, the same bits in every run.

Each place has a list of the values that go to it, in the order in which threads came; what becomes
of them is reckoned in the order of their numbers. Only whole numbers are exchanged atomically.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..elementwise import itself
from . import api
from .api import cuda, device
from .arrays import DeviceArray
from .elementwise import BLOCK, U, dense, kept, mapped
from .launches import made
from .program import HIGHEST
from .scalars import stored, stored_as

#: What becomes of values that go to one place.
LAST, SUM, MAX = range(3)
NOBODY = np.array(-1)


def _in_order(following: Any, head: Any) -> Any:
    """The list that begins with ``head``, sorted: runs of 1, 2, 4, ... are merged in turn."""
    run, nobody = 1, np.int64(-1)
    head = np.int64(head)
    while True:
        left, tail, head, merges = head, nobody, nobody, 0
        while left >= 0:
            merges += 1
            right, before = left, 0
            while before < run and right >= 0:
                right = np.int64(following[U(right)])
                before += 1
            behind = run
            while before > 0 or (behind > 0 and right >= 0):
                if before > 0 and (behind == 0 or right < 0 or left < right):
                    chosen, left = left, np.int64(following[U(left)])
                    before -= 1
                else:
                    chosen, right = right, np.int64(following[U(right)])
                    behind -= 1
                if tail >= 0:
                    following[U(tail)] = chosen
                else:
                    head = chosen
                tail = chosen
            left = right
        following[U(tail)] = nobody
        if merges <= 1:
            return head
        run *= 2


def make_link(kind: np.dtype) -> Any:
    """The kernel that puts every value's number before those that came to its place sooner.

    As all kernels here: x over what there is in a plane, y over planes.
    """
    number = kind.type

    def link(indices, heads, following, cells, places, planes):
        cell, plane = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x, U(cuda.blockIdx.y)
        while cell < cells and plane < U(planes):
            item = plane * U(cells) + U(cell)
            place = indices[item]
            if place >= 0 and place < places:
                to = plane * U(places) + U(place)
                following[item] = cuda.atomic.exch(heads, to, number(item))
            plane += U(cuda.gridDim.y)

    return link


def make_settle(kind: np.dtype, rule: int, further: bool) -> Any:
    """The kernel: a thread to a place, which goes through its list. Places of none are 0.

    Sums may go ``further`` from what is there.
    """
    in_order, number, as_stored = device(_in_order), stored(kind).type, stored_as(kind)
    last, summed = rule == LAST, rule == SUM

    def settle(values, heads, following, out, places, planes):
        nothing = as_stored(np.float32(0))  # a float16 written as a constant does not compile
        place, plane = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x, U(cuda.blockIdx.y)
        while place < places and plane < U(planes):
            to = plane * U(places) + U(place)
            plane += U(cuda.gridDim.y)
            first, total = np.int64(heads[to]), nothing
            if first < 0:
                if not further:
                    out[to] = nothing
                continue
            if further:
                total = out[to]
            if not last:
                first = in_order(following, first)
            at, end = first, first
            while at >= 0:
                if summed:
                    total = number(total + values[U(at)])
                if not last or at > end:
                    end = at
                at = np.int64(following[U(at)])
            if not summed:
                total, at = values[U(end)], first
            while not (summed or last) and at >= 0:
                value = values[U(at)]
                if value > total or value != value:
                    total = value
                at = np.int64(following[U(at)])
            out[to] = total

    return settle


def make_take(kind: np.dtype) -> Any:
    """The kernel: the value at each index of its plane, 0 where there is none.

    An index map for all planes has no step ``by_plane``.
    """
    as_stored = stored_as(kind)

    def take(x, indices, out, cells, places, planes, by_plane):
        cell, plane = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x, U(cuda.blockIdx.y)
        while cell < cells and plane < U(planes):
            place, value = indices[plane * U(by_plane) + U(cell)], as_stored(np.float32(0))
            if place >= 0 and place < places:
                value = x[plane * U(places) + U(place)]
            out[plane * U(cells) + U(cell)] = value
            plane += U(cuda.gridDim.y)

    return take


def launch(kernel: Any, like: DeviceArray, items: int, planes: int, *arguments: Any) -> None:
    """Runs a kernel with x over the items of a plane and y over planes."""
    grid = -(-items // BLOCK), min(planes, HIGHEST)
    kernel[grid, BLOCK, like.library.stream()](*arguments)


def scattered(
    values: DeviceArray, indices: Any, dims: int, sizes: tuple[int, ...], rule: int,
    out: DeviceArray | None = None, further: bool = False,
) -> DeviceArray:  # fmt: skip
    """``values`` at their places in planes of these sizes, or ``further`` than what is there.

    An index outside the plane, as
    one below 0, is of a value that goes nowhere.
    """
    values = dense(values)
    if indices.shape == values.shape:
        indices = dense(indices)
    else:
        indices = mapped(itself, [indices], indices.dtype, values.shape, like=values)
    lead, each = values.shape[: values.ndim - dims], prod(values.shape[values.ndim - dims :])
    planes, places = prod(lead), prod(sizes)
    number = np.dtype(np.int32 if values.size < 2**31 else np.int64)
    result = values.like((*lead, *sizes), values.dtype) if out is None else out
    if not result.size:
        return result
    heads = mapped(itself, [NOBODY], number, (planes * places,), like=values)
    with api.turn, api.on(values.device.index):
        lists = heads.flat(), values.like((max(values.size, 1),), number).flat()
        link = made(make_link, number)
        settle = made(make_settle, values.dtype, rule, further)
        if values.size:
            told = each, places, planes
            launch(link, values, each, planes, indices.flat(), *lists, *told)
        launch(
            settle, values, places, planes, values.flat(), *lists, result.flat(), places, planes
        )
    return result


def taken(x: DeviceArray, indices: Any, dims: int) -> DeviceArray:
    """The values of ``x`` at the indices of each plane, or at the same of all; 0 at none."""
    x = dense(x)
    indices = kept(indices, x) if isinstance(indices, np.ndarray) else dense(indices)
    lead, sizes = x.shape[: x.ndim - dims], indices.shape[indices.ndim - dims :]
    planes, cells, places = prod(lead), prod(sizes), prod(x.shape[x.ndim - dims :])
    with api.turn, api.on(x.device.index):
        result = x.like((*lead, *sizes), x.dtype)
        if result.size:
            told = cells, places, planes, cells if indices.ndim == x.ndim else 0
            arrays = x.flat(), indices.flat(), result.flat()
            launch(made(make_take, x.dtype), x, cells, planes, *arrays, *told)
    return result
