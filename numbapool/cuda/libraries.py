"""Libraries of arrays on a device: how each makes one, turns it, and which stream it is on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from ..ops.base import BFLOAT16
from . import streams
from .api import SIMULATED, FakeCUDAArray, cuda
from .scalars import stored


@dataclass(frozen=True)
class Library:
    """Whose arrays they are: how to make one, turn its axes, and the stream that it is used on.

    ``using`` an address, the library itself works on the stream there and takes memory for it.
    """

    name: str
    empty: Callable[[tuple[int, ...], np.dtype], Any]
    turned: Callable[[Any, Sequence[int]], Any]
    reshaped: Callable[[Any, tuple[int, ...]], Any]
    stream: Callable[[], Any]
    using: Callable[[int], Any]
    address: int | None = None  # of the one stream that it is bound to

    def on(self, address: int) -> Library:
        """The same with all its work on one stream."""

        def there(work: Callable[..., Any]) -> Callable[..., Any]:
            def done(*given: Any) -> Any:
                with self.using(address):
                    return work(*given)

            return done

        stream = streams.at(address)
        empty, reshaped = there(self.empty), there(self.reshaped)
        return replace(
            self, empty=empty, reshaped=reshaped, stream=lambda: stream, address=address
        )


class Interface:
    """What Numba asks of others' arrays."""

    def __init__(
        self, address: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype,
        read_only: bool, owner: Any,
    ) -> None:  # fmt: skip
        self.owner = owner  # whose library may lend its memory anew when it is gone
        self.__cuda_array_interface__ = {
            "shape": shape, "typestr": dtype.str, "data": (address, read_only), "version": 3,
            "strides": strides,
        }  # fmt: skip


def interface(x: Any) -> Any:
    return x.__cuda_array_interface__


def bits(dtype: np.dtype) -> np.dtype:
    """A type that NumPy has, too."""
    return stored(dtype) if dtype == BFLOAT16 else dtype


def _numba_empty(shape: tuple[int, ...], dtype: np.dtype) -> Any:
    return cuda.device_array(shape, bits(dtype))


def _numba_turned(x: Any, order: Sequence[int]) -> Any:
    if SIMULATED:
        return FakeCUDAArray(x._ary.transpose(order))
    address, read_only = interface(x)["data"]
    shape, strides = (tuple(of[axis] for axis in order) for of in (x.shape, x.strides))
    turned = Interface(address, shape, strides, x.dtype, read_only, x)
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


NUMBA = Library(
    "numba", _numba_empty, _numba_turned, _numba_reshaped, lambda: 0, lambda address: nullcontext()
)


def numba_of(x: Any, stream: int | None) -> Library:
    """Numba, where what makes an array is not waited for: on the stream that its interface names.

    Another ``stream`` waits for that one.
    """
    named = None if SIMULATED else interface(x).get("stream")
    if named is None:
        return NUMBA
    if stream is not None:
        streams.follow(streams.at(stream), streams.at(streams.handle(named)))
    return NUMBA.on(streams.handle(named))


def _permuted(x: Any, order: Sequence[int]) -> Any:
    return x.permute(*order)


def _transposed(x: Any, order: Sequence[int]) -> Any:
    return x.transpose(order)


def _reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x.reshape(shape)


@cache
def _torch_kind(dtype: np.dtype) -> Any:
    return getattr(sys.modules["torch"], "bfloat16" if dtype == BFLOAT16 else dtype.name)


def torch_on(device: Any) -> Library:
    torch = sys.modules["torch"]

    def empty(shape: tuple[int, ...], dtype: np.dtype) -> Any:
        return torch.empty(shape, dtype=_torch_kind(dtype), device=device)

    def stream() -> Any:
        return streams.at(torch.cuda.current_stream(device).cuda_stream)

    def using(address: int) -> Any:
        return torch.cuda.stream(torch.cuda.ExternalStream(address, device))

    return Library("torch", empty, _permuted, _reshaped, stream, using)


def cupy_library() -> Library:
    module = sys.modules["cupy"]

    def stream() -> Any:
        return streams.at(module.cuda.get_current_stream().ptr)

    return Library("cupy", module.empty, _transposed, _reshaped, stream, module.cuda.ExternalStream)
