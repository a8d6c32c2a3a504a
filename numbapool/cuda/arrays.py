"""Arrays on a device: seen without a copy, results in arrays of the same library."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import arrays, dlpack
from ..ops.base import BFLOAT16
from ..targets import on_device
from . import streams
from .api import SIMULATED, FakeCUDAArray, check, cuda, on
from .launches import View
from .libraries import NUMBA, Interface, Library, cupy_library, interface, numba_of, torch_on
from .scalars import stored
from .wide import BYTES


@dataclass(frozen=True)
class Device:
    """As torch has it."""

    type: str
    index: int


FIRST = Device("cuda", 0)


def _itself(array: DeviceArray) -> Any:
    return array


@dataclass(frozen=True, eq=False)
class DeviceArray:
    """An array on a device by its address; as much of NumPy's as a pooling asks."""

    owner: Any  # keeps the memory
    address: Any  # in the simulator, the array itself
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in bytes
    dtype: np.dtype
    library: Library
    device: Device = FIRST
    writable: bool = True
    wrap: Callable[[DeviceArray], Any] = _itself  # what makes of a result what the caller gets
    host: np.ndarray | None = None  # what it is a copy of

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    def transpose(self, order: Sequence[int]) -> DeviceArray:
        """A view with its axes in another order."""
        return replace(
            self,
            owner=self.library.turned(self.owner, order),
            shape=tuple(self.shape[axis] for axis in order),
            strides=tuple(self.strides[axis] for axis in order),
        )

    def reshape(self, *shape: int) -> DeviceArray:
        """The same in another shape: a view where there can be one, else a copy."""
        view = seen(self.library.reshaped(self.owner, shape), self.library, self.dtype)
        return replace(view, device=self.device, writable=self.writable)

    def part(self, first: int, end: int, axis: int = 0) -> DeviceArray:
        """A view of some of an axis, for kernels."""
        if SIMULATED:
            address = self.address[(slice(None),) * axis + (slice(first, end),)]
        else:
            address = self.address + first * self.strides[axis]
        shape = (*self.shape[:axis], end - first, *self.shape[axis + 1 :])
        return replace(self, address=address, shape=shape)

    def split(self, *lengths: int) -> DeviceArray:
        """A view whose last axis, of neighbours, is several, for kernels."""
        steps = tuple(prod(lengths[axis + 1 :]) * self.itemsize for axis in range(len(lengths)))
        shape, strides = (*self.shape[:-1], *lengths), (*self.strides[:-1], *steps)
        address = self.address.reshape(shape) if SIMULATED else self.address
        return replace(self, address=address, shape=shape, strides=strides)

    def sent(self, host: np.ndarray) -> DeviceArray:
        """A copy of an array of the host, where this one is and of its library."""
        made = self.like(host.shape, host.dtype)
        flat = np.ascontiguousarray(host).view(stored(host.dtype)).reshape(-1)
        if host.size:
            made.memory().copy_to_device(flat, stream=self.library.stream())
        return made

    def like(self, shape: tuple[int, ...], dtype: np.dtype) -> DeviceArray:
        """A new array of the same library, on the same device."""
        return seen(self.library.empty(shape, dtype), self.library, dtype)

    def to_host(self) -> np.ndarray:
        """A copy of it in an array of NumPy's."""
        stream = self.library.stream()
        host = self.memory().copy_to_host(stream=stream)
        streams.wait(stream)
        return as_strided(host.view(self.dtype), self.shape, self.strides)

    @property
    def start(self) -> int:
        """The number of its first byte."""
        return int(self.address.ctypes.data if SIMULATED else self.address)

    @property
    def aligned(self) -> bool:
        """Whether it begins where 16 bytes can be read at once."""
        return self.start % BYTES == 0

    def span(self) -> tuple[int, int]:
        """The bytes that it lies in, from and to."""
        steps = zip(self.shape, self.strides, strict=True)
        return self.start, self.start + sum((n - 1) * step for n, step in steps) + self.itemsize

    def check(
        self, name: str, shape: tuple[int, ...], dtype: np.dtype, apart: list[DeviceArray]
    ) -> None:
        """Refuses what no kernel could write results of this shape and dtype to."""
        arrays.check_form(self, name, shape, dtype, self.writable)
        dense = [prod(shape[axis + 1 :]) * dtype.itemsize for axis in range(len(shape))]
        steps = zip(self.strides, dense, shape, strict=True)
        if self.size and any(step != want for step, want, n in steps if n > 1):
            raise ValueError(
                f"{name} must be contiguous, got shape {shape} with strides {self.strides}"
            )
        for other in apart:
            if self.device != other.device:
                raise ValueError(f"{name} must be on {other.device}, got one on {self.device}")
            (first, end), (others, others_end) = self.span(), other.span()
            if self.size and other.size and first < others_end and others < end:
                raise arrays.shared_memory(name, self, other)

    def flat(self) -> Any:
        """All its memory as one axis, as kernels take it."""
        steps = zip(self.shape, self.strides, strict=True)
        reach = 1 + sum((n - 1) * step for n, step in steps) // self.itemsize if self.size else 0
        return self._seen_as((reach,), (self.itemsize,))

    def memory(self) -> Any:
        """The same as an array of Numba's, which can be copied."""
        flat = self.flat()
        if SIMULATED:
            return FakeCUDAArray(flat)
        address, shape, strides, dtype, owner = flat
        view = Interface(address, shape, strides, dtype, not self.writable, owner)
        return cuda.as_cuda_array(view, sync=False)

    def rows(self) -> Any:
        """The array as it is, as kernels take it."""
        return self._seen_as(self.shape, self.strides)

    def columns(self) -> Any:
        """Its transpose: what neighbours take lies side by side."""
        return self._seen_as(self.shape[::-1], self.strides[::-1])

    def _seen_as(self, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        kind = stored(self.dtype)
        if SIMULATED:
            return as_strided(self.address.view(kind), shape, strides)
        return View(self.address, shape, strides, kind, self.owner)


def check_out(
    out: Any, name: str, shape: tuple[int, ...], dtype: np.dtype, apart: list[DeviceArray]
) -> DeviceArray:
    """``out`` if kernels can write results of this shape and dtype to it."""
    if not on_device(out):
        raise arrays.elsewhere(name, out)
    array, _ = adapt(name, out)
    array.check(name, shape, dtype, apart)
    return array


def adapt(
    name: str, x: Any, stream: int | None = None
) -> tuple[DeviceArray, Callable[[DeviceArray], Any]]:
    """``x`` by its address, and what makes an array of its library of a result.

    All work on it goes to the ``stream`` at this address, or to its library's current one.
    """
    if isinstance(x, DeviceArray):
        library = x.library if stream is None else x.library.on(stream)
        return replace(x, library=library, wrap=_itself), x.wrap
    if not on_device(x):
        host, wrap = arrays.adapt(name, x)
        sent = _sent(host, NUMBA if stream is None else NUMBA.on(stream))
        return sent, lambda result: wrap(result.to_host())
    torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
    made: Callable[[DeviceArray], Any] = _owner
    if torch is not None and isinstance(x, torch.Tensor):
        x, library = x.detach().resolve_conj().resolve_neg(), torch_on(x.device)
    elif cupy is not None and isinstance(x, cupy.ndarray):
        library = cupy_library()
    else:
        taken = dlpack.importer(x) if dlpack.place(x) in dlpack.GPU else None
        if taken is not None:
            from . import exchange

            array, made = exchange.adapt(name, x, taken, stream)
            return _walked(name, array), made
        if not (hasattr(x, "__cuda_array_interface__") or isinstance(x, FakeCUDAArray)):
            raise dlpack.no_way_back(name, x)
        made, library = _bound, numba_of(x, stream)
    return _walked(name, seen(x, library if stream is None else library.on(stream))), made


def _walked(name: str, array: DeviceArray) -> DeviceArray:
    """An array if kernels can walk it."""
    if any(step < 0 or step % array.itemsize for step in array.strides):
        raise ValueError(
            f"{name} must have strides of whole elements forwards on a GPU, got strides "
            f"{array.strides} of shape {array.shape} and dtype {array.dtype}"
        )
    return array


def streamed(name: str, x: Any, stream: Any) -> DeviceArray:
    """``x`` and, with it, the stream that a whole call sends its work to."""
    check()
    array, wrap = adapt(name, x, streams.handle(stream))
    return replace(array, wrap=wrap)


def adapt_beside(
    x: Any, stream: Any
) -> Callable[[str, Any], tuple[DeviceArray, Callable[[DeviceArray], Any]]]:
    """What adapts the arrays of a call: those of the host go where ``x`` is, if on a device.

    All work on them goes to ``stream``, or to the one that ``x`` came with, if one did.
    """
    address = None if stream is None else streams.handle(stream)
    array = adapt("input", x, address)[0] if on_device(x) else None
    first, address = (array.device, array.library.address) if array else (None, address)

    def adapted(name: str, x: Any) -> tuple[DeviceArray, Callable[[DeviceArray], Any]]:
        with nullcontext() if first is None else on(first.index):
            array, wrap = adapt(name, x, address)
        if first is not None and array.device != first:
            raise ValueError(f"{name} must be on {first}, got one on {array.device}")
        return array, wrap

    return adapted


def _sent(host: np.ndarray, library: Library) -> DeviceArray:
    """A copy on the device that lies there as it did here, its axes in the same order."""
    order = sorted(range(host.ndim), key=lambda axis: -abs(host.strides[axis]))
    native = host.dtype.newbyteorder("=")
    dense = np.ascontiguousarray(host.transpose(order), native)
    there = cuda.to_device(dense.view(stored(native)), stream=library.stream())
    copy = seen(there, library, native).transpose([order.index(axis) for axis in range(host.ndim)])
    return replace(copy, host=host)


def _owner(array: DeviceArray) -> Any:
    return array.owner


def _bound(array: DeviceArray) -> Any:
    """An array of Numba's that tells which stream it is used on."""
    stream = array.library.stream()
    return array.owner.bind(stream) if stream else array.owner


def seen(x: Any, library: Library, dtype: np.dtype | None = None) -> DeviceArray:
    """An array of a library."""
    if SIMULATED:
        host = x._ary
        return DeviceArray(x, host, host.shape, host.strides, dtype or host.dtype, library)
    asked, kind = x, dtype
    if library.name == "torch" and str(x.dtype) == "torch.bfloat16":
        asked, kind = x.view(sys.modules["torch"].int16), BFLOAT16
    described = interface(asked)
    found = np.dtype(described["typestr"])
    shape = tuple(described["shape"])
    steps = [prod(shape[axis + 1 :]) * found.itemsize for axis in range(len(shape))]
    address, read_only = described["data"]
    return DeviceArray(
        x, address, shape, tuple(described.get("strides") or steps), kind or found, library,
        _device_of(x), not read_only,
    )  # fmt: skip


def _device_of(x: Any) -> Device:
    device = getattr(x, "device", None)
    number = getattr(device, "index", getattr(device, "id", None))
    return Device("cuda", number if isinstance(number, int) else cuda.get_current_device().id)
