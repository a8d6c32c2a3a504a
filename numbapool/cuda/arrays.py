"""Arrays on a device: seen without a copy, results in arrays of the same library."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import arrays
from ..ops.base import BFLOAT16
from ..targets import on_device
from .api import SIMULATED, FakeCUDAArray, cuda
from .scalars import stored
from .wide import BYTES


@dataclass(frozen=True)
class Library:
    """Whose arrays they are: how to make one, turn its axes, and the stream that it is used on."""

    name: str
    empty: Callable[[tuple[int, ...], np.dtype], Any]
    turned: Callable[[Any, Sequence[int]], Any]
    reshaped: Callable[[Any, tuple[int, ...]], Any]
    stream: Callable[[], Any]


@dataclass(frozen=True)
class Device:
    """As torch has it."""

    type: str
    index: int


FIRST = Device("cuda", 0)


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
        return seen(self.library.reshaped(self.owner, shape), self.library, self.dtype)

    def sent(self, host: np.ndarray) -> DeviceArray:
        """A copy of an array of the host, where this one is and of its library."""
        made = self.like(host.shape, host.dtype)
        flat = np.ascontiguousarray(host).view(stored(host.dtype)).reshape(-1)
        if SIMULATED:
            made.flat()[:] = flat
        elif host.size:
            made.flat().copy_to_device(flat)
        return made

    def like(self, shape: tuple[int, ...], dtype: np.dtype) -> DeviceArray:
        """A new array of the same library, on the same device."""
        return seen(self.library.empty(shape, dtype), self.library, dtype)

    def to_host(self) -> np.ndarray:
        """A copy of it in an array of NumPy's."""
        flat = self.flat()
        host = np.array(flat) if SIMULATED else flat.copy_to_host()
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

    def columns(self) -> Any:
        """Its transpose: what neighbours take lies side by side."""
        return self._seen_as(self.shape[::-1], self.strides[::-1])

    def _seen_as(self, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        kind = stored(self.dtype)
        if SIMULATED:
            return as_strided(self.address.view(kind), shape, strides)
        view = _Interface(self.address, shape, strides, kind, not self.writable, self.owner)
        return cuda.as_cuda_array(view, sync=False)


class _Interface:
    """What Numba asks of others' arrays."""

    def __init__(
        self, address: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype,
        read_only: bool, owner: Any,
    ) -> None:  # fmt: skip
        self.owner = owner  # whose library may lend its memory anew when it is gone
        self.__cuda_array_interface__ = {
            "shape": shape, "typestr": dtype.str, "data": (address, read_only), "version": 3,
            "strides": strides if len(shape) > 1 else None,
        }  # fmt: skip


def _interface(x: Any) -> Any:
    return x.__cuda_array_interface__


def adapt(name: str, x: Any) -> tuple[DeviceArray, Callable[[DeviceArray], Any]]:
    """``x`` by its address, and what makes an array of its library of a result."""
    if isinstance(x, DeviceArray):
        return x, _itself
    if not on_device(x):
        host, wrap = arrays.adapt(name, x)
        return _sent(host), lambda result: wrap(result.to_host())
    torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
    if torch is not None and isinstance(x, torch.Tensor):
        return seen(x.detach(), _torch(x.device)), _owner
    if cupy is not None and isinstance(x, cupy.ndarray):
        return seen(x, _cupy()), _owner
    return seen(x, NUMBA), _owner


def _sent(host: np.ndarray) -> DeviceArray:
    """A copy on the device that lies there as it did here, its axes in the same order."""
    order = sorted(range(host.ndim), key=lambda axis: -abs(host.strides[axis]))
    native = host.dtype.newbyteorder("=")
    dense = np.ascontiguousarray(host.transpose(order), native)
    copy = seen(cuda.to_device(dense.view(stored(native))), NUMBA, native)
    return copy.transpose([order.index(axis) for axis in range(host.ndim)])


def _owner(array: DeviceArray) -> Any:
    return array.owner


def _itself(array: DeviceArray) -> DeviceArray:
    return array


def seen(x: Any, library: Library, dtype: np.dtype | None = None) -> DeviceArray:
    """An array of a library."""
    if SIMULATED:
        host = x._ary
        return DeviceArray(x, host, host.shape, host.strides, dtype or host.dtype, library)
    asked, kind = x, dtype
    if library.name == "torch" and str(x.dtype) == "torch.bfloat16":
        asked, kind = x.view(sys.modules["torch"].int16), BFLOAT16
    interface = _interface(asked)
    found = np.dtype(interface["typestr"])
    shape = tuple(interface["shape"])
    steps = [prod(shape[axis + 1 :]) * found.itemsize for axis in range(len(shape))]
    address, read_only = interface["data"]
    return DeviceArray(
        x, address, shape, tuple(interface.get("strides") or steps), kind or found, library,
        _device_of(x), not read_only,
    )  # fmt: skip


def _device_of(x: Any) -> Device:
    device = getattr(x, "device", None)
    number = getattr(device, "index", getattr(device, "id", None))
    return Device("cuda", number if isinstance(number, int) else cuda.get_current_device().id)


def _numba_empty(shape: tuple[int, ...], dtype: np.dtype) -> Any:
    return cuda.device_array(shape, stored(dtype) if dtype == BFLOAT16 else dtype)


def _numba_turned(x: Any, order: Sequence[int]) -> Any:
    if SIMULATED:
        return FakeCUDAArray(x._ary.transpose(order))
    address, read_only = _interface(x)["data"]
    shape, strides = (tuple(of[axis] for axis in order) for of in (x.shape, x.strides))
    turned = _Interface(address, shape, strides, x.dtype, read_only, x)
    return cuda.as_cuda_array(turned, sync=False)


def _numba_reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    if SIMULATED:
        return FakeCUDAArray(x._ary.reshape(shape))
    try:
        return x.reshape(shape)
    except NotImplementedError as error:
        raise ValueError(
            f"an array of Numba's of shape {x.shape} with strides {x.strides} has no view of shape "
            f"{shape}: make it contiguous first"
        ) from error


NUMBA = Library("numba", _numba_empty, _numba_turned, _numba_reshaped, lambda: 0)


def _permuted(x: Any, order: Sequence[int]) -> Any:
    return x.permute(*order)


def _transposed(x: Any, order: Sequence[int]) -> Any:
    return x.transpose(order)


def _reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x.reshape(shape)


def _torch(device: Any) -> Library:
    torch = sys.modules["torch"]

    def empty(shape: tuple[int, ...], dtype: np.dtype) -> Any:
        name = "bfloat16" if dtype == BFLOAT16 else dtype.name
        return torch.empty(shape, dtype=getattr(torch, name), device=device)

    def stream() -> Any:
        return cuda.external_stream(torch.cuda.current_stream(device).cuda_stream)

    return Library("torch", empty, _permuted, _reshaped, stream)


def _cupy() -> Library:
    cupy = sys.modules["cupy"]

    def stream() -> Any:
        return cuda.external_stream(cupy.cuda.get_current_stream().ptr)

    return Library("cupy", cupy.empty, _transposed, _reshaped, stream)
