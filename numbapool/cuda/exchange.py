"""Arrays on a GPU of libraries that speak DLPack, such as JAX: no copy in, none out.

Streams wait for each other on the device, as the protocol has it: who takes an array names the
stream that it will be used on, and who gives it makes that stream wait.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from cuda.core.utils import StridedMemoryView
from numpy.lib.stride_tricks import as_strided

from .. import dlpack
from ..ops.base import BFLOAT16
from . import streams
from .api import SIMULATED, FakeCUDAArray, cuda, on
from .arrays import DeviceArray, seen
from .libraries import NUMBA, Interface, Library, bits, interface

#: The default stream, as DLPack calls it.
DEFAULT = 1
#: What work on a device may still read, and the event after that work.
_read: deque[tuple[Any, Any]] = deque()
#: What other libraries are done with. They say so on threads of theirs, where nothing can be freed.
_returned: list[Any] = []


class _Borrowed:
    """Memory of another library: given back when the device is past what reads it."""

    def __init__(self, view: Any, stream: Any) -> None:
        self.view, self.stream = view, stream

    def __del__(self) -> None:
        if sys.is_finalizing():
            return
        with on(self.view.device_id):
            _read.append((streams.after(self.stream), self.view))


class _Memory:
    """Memory of ours in the hands of another library."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner

    def __del__(self) -> None:
        _returned.append(self.owner)


@dataclass(frozen=True)
class Lent:
    """A result for another library's ``from_dlpack``."""

    array: DeviceArray

    def __dlpack_device__(self) -> tuple[int, int]:
        return dlpack.GPU[0], self.array.device.index

    def __dlpack__(
        self, *, stream: int | None = None, max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None, copy: bool | None = None,
    ) -> Any:  # fmt: skip
        if copy or dl_device not in (None, self.__dlpack_device__()):
            raise BufferError("a result is there to take as it lies, on its device")
        with on(self.array.device.index):
            if stream != -1:
                taker = streams.at(0 if stream is None else streams.handle(stream))
                streams.follow(taker, self.array.library.stream())
            given = _exporting(self.array)
            if self.array.dtype == BFLOAT16:
                given = dlpack.Renamed(given, dlpack.INT, dlpack.BFLOAT)
            return given.__dlpack__(max_version=max_version)


def _exporting(array: DeviceArray) -> Any:
    """What makes capsules of an array."""
    kind = bits(array.dtype)
    if SIMULATED:
        return as_strided(array.address.view(kind), array.shape, array.strides)
    address, owner = array.address, array.owner
    if not array.size:  # which has no memory, and a capsule is asked for its device
        owner = cuda.device_array(1, kind)
        address = interface(owner)["data"][0]
    memory = Interface(address, array.shape, array.strides, kind, False, _Memory(owner))
    return StridedMemoryView.from_cuda_array_interface(memory, stream_ptr=-1)


def adapt(
    name: str, x: Any, made: Callable[[Any], Any], stream: int | None
) -> tuple[DeviceArray, Callable[[DeviceArray], Any]]:
    """``x`` by its address, and what makes an array of its library of a result: ``made``."""
    _returned.clear()
    while _read and streams.passed(_read[0][0]):
        _read.popleft()
    try:
        view = StridedMemoryView.from_dlpack(x, stream_ptr=stream or DEFAULT)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must be an array that DLPack can show, got {type(x).__name__}: {error}"
        ) from error
    return _seen(view, NUMBA.on(stream or 0)), lambda result: made(Lent(result))


class _Shown(Interface):
    """The same for NumPy, in the simulator."""

    @property
    def __array_interface__(self) -> Any:
        return self.__cuda_array_interface__


def _seen(view: Any, library: Library) -> DeviceArray:
    """An array by its description; not to be written, since old capsules cannot tell."""
    dtype = BFLOAT16 if view.dtype.name == "bfloat16" else view.dtype
    steps = view.strides or [prod(view.shape[n + 1 :]) for n in range(len(view.shape))]
    strides = tuple(step * dtype.itemsize for step in steps)
    held = _Borrowed(view, library.stream())
    memory = _Shown(view.ptr, view.shape, strides, bits(dtype), False, held)
    with on(view.device_id):
        if SIMULATED:
            owner = FakeCUDAArray(np.asarray(memory))
        else:
            owner = cuda.as_cuda_array(memory, sync=False)
        return replace(seen(owner, library, dtype), writable=False)
