"""Arrays of any library through DLPack: seen without a copy, results handed over without one."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .ops.base import BFLOAT16

#: DLPack's numbers of devices: memory that the CPU reads, and memory of a GPU.
HOST, GPU = (1, 3), (2, 13)
#: Its numbers of kinds of elements.
INT, BFLOAT = 0, 4

#: Where a capsule's memory tells the kind of its elements, by the capsule's name.
_KIND = {b"dltensor": 20, b"dltensor_versioned": 52}
_name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(
    ("PyCapsule_GetName", ctypes.pythonapi)
)
_memory_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _kind_in(capsule: Any) -> ctypes.c_uint8:
    """The kind of the elements of a capsule that nobody has taken yet, to read or to write."""
    name = _name_of(capsule)
    return ctypes.c_uint8.from_address(_memory_of(capsule, name) + _KIND[name])


class Renamed:
    """An array whose elements, where they are of one kind, are said to be of another."""

    def __init__(self, array: Any, was: int, kind: int) -> None:
        self.array, self.was, self.kind, self.renamed = array, was, kind, False

    def __dlpack_device__(self) -> tuple[int, int]:
        device: tuple[int, int] = self.array.__dlpack_device__()
        return device

    def __dlpack__(self, **asked: Any) -> Any:
        capsule = self.array.__dlpack__(**asked)
        kind = _kind_in(capsule)
        if kind.value == self.was:
            kind.value, self.renamed = self.kind, True
        return capsule


def place(x: Any) -> int | None:
    """The kind of device that an array says it is on, if it says so."""
    if not hasattr(type(x), "__dlpack_device__"):
        return None
    try:
        return int(x.__dlpack_device__()[0])
    except (BufferError, RuntimeError, ValueError):  # on several, or on what DLPack does not know
        return None


def importer(x: Any) -> Callable[[Any], Any] | None:
    """What makes an array of the library of ``x`` of whatever speaks DLPack, if anything does."""
    asked = getattr(x, "__array_namespace__", None)
    library = asked() if asked else sys.modules.get(type(x).__module__.partition(".")[0])
    found: Callable[[Any], Any] | None = getattr(library, "from_dlpack", None)
    return found


def no_way_back(name: str, x: Any) -> TypeError:
    """The error of an array whose library takes no results."""
    return TypeError(f"{name} must be of a library that has from_dlpack, got {type(x).__name__}")


def seen(name: str, x: Any) -> np.ndarray:
    """An array on the host as NumPy's, waiting until it is there; bfloat16 by its bits."""
    bits = Renamed(x, BFLOAT, INT)
    try:
        array = np.from_dlpack(bits)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must be an array that NumPy can see, got {type(x).__name__}: {error}"
        ) from error
    return array.view(BFLOAT16) if bits.renamed else array


def handed(array: np.ndarray) -> Any:
    """A result for a library's ``from_dlpack``."""
    array = array if array.flags.writeable else array.copy()  # old capsules cannot tell
    return Renamed(array.view(np.int16), INT, BFLOAT) if array.dtype == BFLOAT16 else array
