"""Arrays in, arrays of the same kind out: NumPy's, torch's and others', without a copy."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from . import dlpack
from .elementwise import itself, mapped
from .ops.base import BFLOAT16, called, is_half, single

Wrap = Callable[[np.ndarray], Any]


def as_it_is(array: np.ndarray) -> np.ndarray:
    """The array itself: what wraps a result for callers with NumPy arrays."""
    return array


def adapt(name: str, x: Any) -> tuple[np.ndarray, Wrap]:
    """``x`` as a NumPy array that shares its memory, and what makes a result of its kind."""
    if type(x) is np.ndarray:
        if x.dtype.kind == "V" and x.dtype.name == "bfloat16":
            return x.view(BFLOAT16), partial(_as_brain, x.dtype)
        return x, as_it_is
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        array = _from_torch(name, x)
        return array, (_to_torch if array.dtype == BFLOAT16 else torch.from_numpy)
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name} must have no mask, got a masked array of shape {x.shape}")
    if isinstance(x, np.ndarray):
        return x.view(np.ndarray), as_it_is
    if hasattr(x, "__cuda_array_interface__"):
        raise TypeError(f"{name} must be on the host here, got a {type(x).__name__} on a GPU")
    if hasattr(type(x), "__dlpack_device__"):
        return _from_others(name, x)
    raise TypeError(
        f"{name} must be a NumPy array, a torch tensor or another library's array with __dlpack__, "
        f"got {type(x).__name__}"
    )


def _from_others(name: str, x: Any) -> tuple[np.ndarray, Wrap]:
    """An array of JAX's, say, and the way to one of its library."""
    if dlpack.place(x) in dlpack.GPU:
        raise TypeError(f"{name} must be on the host here, got a {type(x).__name__} on a GPU")
    array, made = dlpack.seen(name, x), dlpack.importer(x)
    if made is None:
        raise dlpack.no_way_back(name, x)
    return array, lambda result: made(dlpack.handed(result))


def _as_brain(dtype: np.dtype, array: np.ndarray) -> np.ndarray:
    """A result in somebody's own bfloat16; an index map as it is."""
    return array.view(dtype) if array.dtype == BFLOAT16 else array


def _to_torch(array: np.ndarray) -> Any:
    torch = sys.modules["torch"]
    if array.dtype != BFLOAT16:
        return torch.from_numpy(array)
    return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)


def _callers() -> int:
    """How many frames up from this function's caller the package was called."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals["__name__"].startswith(__package__):
        level, frame = level + 1, frame.f_back
    return level


def _has_memory(x: Any) -> bool:
    """Whether a tensor's numbers lie where it says: a wrapper's do not, nor what was freed."""
    if sys.modules["torch"]._is_functional_tensor(x):
        return False
    try:
        held, begin = x.untyped_storage().nbytes(), x.storage_offset()
    except (RuntimeError, NotImplementedError):  # what NumPy refuses, too
        return True
    last = sum((size - 1) * step for size, step in zip(x.shape, x.stride(), strict=True))
    return x.numel() == 0 or (begin + last + 1) * x.element_size() <= held


def _from_torch(name: str, x: Any) -> np.ndarray:
    if not x.is_cpu:
        raise TypeError(f"{name} must be on the host here, got a tensor on {x.device}")
    if not _has_memory(x):
        raise TypeError(f"{name} must have memory of its own, got a {type(x).__name__} without")
    if x.dtype is sys.modules["torch"].bfloat16:  # which NumPy takes 10 us to refuse
        return _from_other_torch(name, x)
    try:
        array: np.ndarray = x.numpy()
    except (RuntimeError, TypeError):  # not as it is; most are
        return _from_other_torch(name, x)
    return array


def _from_other_torch(name: str, x: Any) -> np.ndarray:
    """A tensor with a gradient, a pending sign or a dtype of torch's own."""
    torch = sys.modules["torch"]
    if x.layout != torch.strided:
        raise TypeError(f"{name} must be a dense tensor, got layout {x.layout}")
    if x.requires_grad and torch.is_grad_enabled():
        warnings.warn(
            f"the result of pooling this {name} is detached, autograd does not know of it: "
            "gradients are functions of their own, such as max_pool2d_backward; pass a detached "
            "tensor if that is meant",
            UserWarning,
            stacklevel=_callers(),
        )
    if x.dtype == torch.bfloat16:
        bits: np.ndarray = x.detach().resolve_neg().view(torch.int16).numpy()
        return bits.view(BFLOAT16)
    try:
        array: np.ndarray = x.detach().resolve_conj().resolve_neg().numpy()
    except TypeError:
        raise TypeError(f"{name} has dtype {x.dtype}, which NumPy does not have") from None
    except RuntimeError as error:
        raise TypeError(
            f"{name} must have memory of its own, got a {type(x).__name__}: {error}"
        ) from None
    return array


#: How hard to look for an overlap of two arrays before calling it one.
WORK: Any = 10_000
INDEX_DTYPES = (np.dtype(np.int64), np.dtype(np.int32))


def checked_index_dtype(index_dtype: Any) -> np.dtype:
    """int64 or int32."""
    try:
        dtype = np.dtype(index_dtype)
    except TypeError:
        dtype = None
    if index_dtype is None or dtype not in INDEX_DTYPES:
        raise ValueError(
            "index_dtype must be int64 or int32, or 'smallest' where a function has index_base=, "
            f"got index_dtype={index_dtype!r}"
        )
    return dtype


def check_dtype(dtype: np.dtype, sums: bool = False) -> None:
    """Refuses what no kernel is made for; only sums are made for complex numbers."""
    if dtype.kind == "c" and dtype.itemsize <= 16 and sums:
        return
    if not (dtype.kind in "iub" or (dtype.kind == "f" and dtype.itemsize <= 8) or is_half(dtype)):
        complex_too = ", complex numbers" if sums else ""
        raise TypeError(
            f"input must be of floats up to float64, integers{complex_too} or bool, "
            f"got dtype {dtype}"
        )


def as_native(array: Any) -> Any:
    """``array`` in the order of bytes that this machine has."""
    native = array.dtype.newbyteorder("=")
    return array if array.dtype == native else array.astype(native)


def widened(array: Any) -> Any:
    """``array`` as NumPy reckons with it: halves in float32, integers and bool in float64."""
    if not isinstance(array, np.ndarray):
        kind = single(array.dtype)
        return array if array.dtype == kind else mapped(itself, array, dtype=kind)
    if array.dtype == BFLOAT16:
        return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return array.astype(single(array.dtype.newbyteorder("=")), copy=False)


def narrowed(array: Any, dtype: np.dtype) -> Any:
    """The way back to a dtype of floats: rounded to nearest, ties to even."""
    if not isinstance(array, np.ndarray):
        return array if array.dtype == dtype else mapped(itself, array, dtype=dtype)
    if dtype != BFLOAT16:
        with np.errstate(over="ignore"):
            return array.astype(dtype, copy=False)
    bits = array.astype(np.float32, copy=False).view(np.uint32)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    return np.where(np.isnan(array), 0x7FC0, rounded).astype(np.uint16).view(BFLOAT16)


@cache
def axes_order(ndim: int, dims: int, inside: bool) -> tuple[int, ...]:
    channels = ndim - dims - 1
    batch, spatial = range(channels), range(channels + 1, ndim)
    if inside:
        return (*batch, *spatial, channels)
    return (*batch, ndim - 1, *range(channels, ndim - 1))


def channels_inside(array: Any, dims: int) -> Any:
    """(N, C, *spatial), or without N, seen as (N, *spatial, C); quicker than ``numpy.moveaxis``."""
    return array.transpose(axes_order(array.ndim, dims, True))


def channels_outside(array: Any, dims: int) -> Any:
    """The way back."""
    return array.transpose(axes_order(array.ndim, dims, False))


def laid_as(array: np.ndarray, result: np.ndarray) -> np.ndarray:
    """``result`` with its axes in memory as those of ``array``, of as many axes."""
    laid = np.empty_like(array, result.dtype, shape=result.shape)
    laid[...] = result
    return laid


def check_outs(
    out: Any, shape: tuple[int, ...], dtypes: Sequence[np.dtype], *sources: Any
) -> list[Any]:
    """``out``, one array or a pair, as arrays that results of these dtypes can be written to."""
    check = _check_out
    if not isinstance(sources[0], np.ndarray):
        from .cuda.arrays import check_out as check  # type: ignore[assignment]
    arrays: list[Any] = []
    for (name, each), dtype in zip(named_outs(out, len(dtypes)), dtypes, strict=True):
        arrays.append(check(each, name, shape, dtype, [*sources, *arrays]))
    return arrays


def named_outs(out: Any, count: int) -> list[tuple[str, Any]]:
    """``out``, one array or a pair, by the names that messages have for them."""
    if count == 1:
        return [("out", out)]
    if not isinstance(out, (tuple, list)) or len(out) != count:
        raise TypeError(f"out must be a pair (values, indices), got {type(out).__name__}")
    return [(f"out[{number}]", each) for number, each in enumerate(out)]


def check_form(
    array: Any, name: str, shape: tuple[int, ...], dtype: np.dtype, writable: bool = True
) -> None:
    """Refuses what is not of this shape and dtype, on whatever device."""
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"{name} must have shape {shape} and dtype {called(dtype)}, "
            f"got shape {array.shape} and dtype {called(array.dtype)}"
        )
    if not writable:
        raise ValueError(f"{name} must be writable, got a read-only array of shape {shape}")


def elsewhere(name: str, array: Any) -> TypeError:
    """The error of an array of the host where results are made on a GPU."""
    return TypeError(f"{name} must be on the GPU that this runs on, got {type(array).__name__}")


def shared_memory(name: str, array: Any, other: Any) -> ValueError:
    """The error of an ``out`` that lies where another array of the call does."""
    return ValueError(
        f"{name} of shape {array.shape} must not share memory with an input or another result "
        f"of the call, here of shape {other.shape}"
    )


def _check_out(
    out: Any, name: str, shape: tuple[int, ...], dtype: np.dtype, apart: list[np.ndarray]
) -> np.ndarray:
    torch: Any = sys.modules.get("torch")
    tensor = torch is not None and isinstance(out, torch.Tensor)
    if tensor and out.requires_grad and torch.is_grad_enabled():
        raise ValueError(f"{name} of shape {tuple(out.shape)} must not require a gradient")
    array, _ = adapt(name, out)
    # What is adapted is a copy of such tensors.
    if array is not out and (getattr(out, "is_neg", bool)() or getattr(out, "is_conj", bool)()):
        raise ValueError(
            f"{name} must not be a negated or conjugate view, here of shape {array.shape}"
        )
    check_form(array, name, shape, dtype, array.flags.writeable)
    for other in apart:
        if _overlap(array, other):
            raise shared_memory(name, array, other)
    if not array.flags.c_contiguous and _overlaps_itself(array):
        raise ValueError(f"{name} of shape {array.shape} has elements that share memory")
    if tensor and not out.is_inference():  # nothing is to be differentiated by its old numbers
        torch.autograd.graph.increment_version(out)
    return array


def _overlap(one: np.ndarray, other: np.ndarray) -> bool:
    try:
        return np.shares_memory(one, other, max_work=WORK)
    except np.exceptions.TooHardError:
        return True


def _overlaps_itself(array: np.ndarray) -> bool:
    """Whether steps along one axis may meet those along another: what no ordinary view does."""
    if array.size == 0:
        return False
    reach = array.itemsize
    steps = zip(map(abs, array.strides), array.shape, strict=True)
    for step, n in sorted(pair for pair in steps if pair[1] > 1):
        if step < reach:
            return True
        reach += step * (n - 1)
    return False
