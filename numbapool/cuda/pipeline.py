"""Batches of the host through a device: copied there, pooled and copied back, several at a time.

Each is in a slot: a stream, and page-locked and device memory that the next batch uses again.
Nothing is allocated once they are large enough: that, as freeing, would wait for the whole device.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import arrays, results
from ..batches import Call, Slot, named
from . import api, streams
from .api import SIMULATED, cuda
from .arrays import NUMBA, DeviceArray, seen
from .scalars import stored

#: Threads that copy to and from page-locked memory: one alone is slower than the bus.
COPIERS = min(8, os.cpu_count() or 1)
#: Bytes that are worth a thread.
SHARE = 4 * 1024 * 1024


class Kept:
    """Buffers for one batch after another: the nth array that is asked for is in the nth."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make
        self.buffers: list[Any] = []
        self.taken = 0

    def again(self) -> None:
        """Another batch: what was taken is free."""
        self.taken = 0

    def take(self, shape: tuple[int, ...], dtype: np.dtype) -> Any:
        """An array that is not written yet, of a dtype as kernels see it."""
        kind = stored(dtype)
        number, needed = self.taken, max(prod(shape) * kind.itemsize, 1)
        self.taken += 1
        if number == len(self.buffers):
            self.buffers.append(None)
        if self.buffers[number] is None or self.buffers[number].size < needed:
            self.buffers[number] = None  # two at a time may be more than there is room for
            self.buffers[number] = self.make(needed, np.uint8)
        used = self.buffers[number][: prod(shape) * kind.itemsize]
        return used.view(kind).reshape(shape)


def _alike(parts: Any, of: Iterable[Any]) -> Any:
    """A tuple, a named one or a list, as ``parts`` is."""
    make = type(parts)
    return getattr(make, "_make", make)(of)


class OnDevice:
    """A slot of a device."""

    def __init__(self, call: Call, device: int, crew: Executor) -> None:
        self.call, self.device, self.crew = call, device, crew
        self.pinned, self.there = Kept(cuda.pinned_array), Kept(cuda.device_array)
        with api.on(device):
            self.stream = stream = cuda.stream()
        # Whatever the call makes on the device is in the slot's memory, and on its stream.
        self.library = replace(
            NUMBA, empty=self.there.take, stream=lambda: stream, address=streams.handle(stream)
        )
        self.found: Any = None

    def start(self, number: int, batch: Any) -> None:
        """Copies the batch to page-locked memory, and leaves the rest to the stream."""
        with named(number, batch), api.on(self.device):
            self.pinned.again()
            self.there.again()
            host, self.wrap = arrays.adapt("input", batch)
            arrays.check_dtype(host.dtype, True)
            found = self.call(self._sent(host))
            parts = found if isinstance(found, (tuple, list)) else (found,)
            for part in parts:
                if not isinstance(part, DeviceArray):
                    raise TypeError(f"pool must give arrays, got {type(part).__name__}")
            self.found = _alike(parts, map(self._fetched, parts)), parts is not found

    def finish(self) -> Any:
        """Waits for the stream, and takes the results out of page-locked memory."""
        with api.on(self.device):
            self.stream.synchronize()
        (parts, alone), self.found = self.found, None
        results = _alike(parts, (self.wrap(self._owned(*part)) for part in parts))
        return results[0] if alone else results

    def close(self) -> None:
        """Waits for what is on its way, and drops the memory."""
        with api.on(self.device):
            self.stream.synchronize()
            self.found = None
            self.pinned.buffers.clear()
            self.there.buffers.clear()
            if not SIMULATED:
                cuda.current_context().deallocations.clear()

    def _sent(self, host: np.ndarray) -> DeviceArray:
        """A copy that lies there as it did here, its axes in the same order."""
        order = sorted(range(host.ndim), key=lambda axis: -abs(host.strides[axis]))
        native = host.dtype.newbyteorder("=")
        dense, kind = host.transpose(order), stored(native)
        if kind.kind != native.kind:
            dense = dense.view(kind)
        staged = self.pinned.take(dense.shape, kind)
        self._copy(staged, dense)
        array = self.there.take(dense.shape, kind)
        array.copy_to_device(staged, stream=self.stream)
        copy = seen(array, self.library, native)
        return copy.transpose([order.index(axis) for axis in range(host.ndim)])

    def _fetched(self, result: DeviceArray) -> tuple[np.ndarray, DeviceArray]:
        """Page-locked memory that holds all of a result's when the stream is done."""
        flat = result.memory()
        landed = self.pinned.take(flat.shape, flat.dtype)
        flat.copy_to_host(landed, stream=self.stream)
        return landed, result

    def _owned(self, landed: np.ndarray, result: DeviceArray) -> np.ndarray:
        host = results.empty(landed.shape, landed.dtype)
        self._copy(host, landed)
        return as_strided(host.view(result.dtype), result.shape, result.strides)

    def _copy(self, into: np.ndarray, source: np.ndarray) -> None:
        """By several threads, if it is much."""
        if into.flags.c_contiguous and source.flags.c_contiguous:
            into, source = into.reshape(-1), source.reshape(-1)
        parts = min(COPIERS, into.nbytes // SHARE, len(into)) if into.ndim else 1
        if parts <= 1:
            np.copyto(into, source)
            return
        cuts = [len(into) * number // parts for number in range(parts + 1)]
        jobs = [self.crew.submit(np.copyto, into[low:high], source[low:high])
                for low, high in pairwise(cuts)]  # fmt: skip
        wait(jobs)
        for job in jobs:
            job.result()


@contextmanager
def _held(call: Call, depth: int, device: int) -> Iterator[list[Slot]]:
    with ThreadPoolExecutor(COPIERS, "numbapool-copier") as crew, ExitStack() as ends:
        slots: list[Slot] = []
        for _ in range(depth):
            slot = OnDevice(call, device, crew)
            ends.callback(slot.close)
            slots.append(slot)
        yield slots


def slots_on_device(call: Call, depth: int) -> Any:
    """A context with slots of the current device, which is checked at once."""
    api.check()
    return _held(call, depth, 0 if SIMULATED else cuda.get_current_device().id)
