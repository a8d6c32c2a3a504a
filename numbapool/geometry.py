"""Where a pooling looks: the interval of inputs behind every output cell, one axis at a time.

Plain arithmetic on ints, or on whole arrays of cells at once. Every argument of a window is checked
here, before any array is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any, NamedTuple

import numpy as np

from .arguments import spread
from .drawn import Drawn


def larger(a: Any, b: Any) -> Any:
    """The larger of two ints, or of each of an array and an int."""
    return (a + b + abs(a - b)) // 2


def smaller(a: Any, b: Any) -> Any:
    """The smaller of two ints, or of each of an array and an int."""
    return (a + b - abs(a - b)) // 2


@dataclass(frozen=True)
class Sliding:
    """Windows of ``kernel`` taps, ``dilation`` apart, moving by ``stride`` over a padded axis."""

    size: int
    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    ceil_mode: bool = False
    count_include_pad: bool = True

    @property
    def extent(self) -> int:
        """Inputs from the first tap of a window to its last."""
        return self.dilation * (self.kernel - 1) + 1

    def __len__(self) -> int:
        room = self.size + self.before + self.after - self.extent
        cells = (room + (self.stride - 1 if self.ceil_mode else 0)) // self.stride + 1
        # A window may not start past the input and its left padding.
        if self.ceil_mode and (cells - 1) * self.stride >= self.size + self.before:
            cells -= 1
        return max(cells, 0)

    @property
    def step(self) -> int:
        return self.dilation

    @property
    def unpadded(self) -> bool:
        """Whether no window takes anything from outside."""
        return self.before == 0 and (len(self) - 1) * self.stride + self.extent <= self.size

    def interval(self, cell: Any) -> tuple[Any, Any]:
        """The first valid tap and the end of the valid taps; ``(0, 0)`` where none is inside."""
        start = cell * self.stride - self.before
        low = start + larger(-(start // self.dilation), 0) * self.dilation
        high = smaller(start + self.extent, self.size)
        some = low < high
        return low * some, high * some

    def count(self, cell: Any) -> Any:
        """How many taps an average divides by."""
        low, high = self.interval(cell)
        if self.count_include_pad:
            low = cell * self.stride - self.before
            high = smaller(low + self.extent, self.size + self.after)
        return larger(-((low - high) // self.dilation), 1)

    def inside(self, taps: int, count: int) -> tuple[int, int]:
        """Which of ``count`` runs of ``taps`` neighbours, one a stride, lie inside the input."""
        first = min(-(-self.before // self.stride), count)
        last = min((self.size - taps + self.before) // self.stride + 1, count)
        return first, max(first, last)


@dataclass(frozen=True)
class Bins:
    """An axis cut into ``cells`` bins as equal as whole inputs allow; they may overlap by one."""

    size: int
    cells: int
    step = 1

    def __len__(self) -> int:
        return self.cells

    def interval(self, cell: Any) -> tuple[Any, Any]:
        return cell * self.size // self.cells, -((-(cell + 1) * self.size) // self.cells)

    def count(self, cell: Any) -> Any:
        low, high = self.interval(cell)
        return high - low


@dataclass(frozen=True)
class Merged:
    """An axis and the whole of the axis inside it, ``width`` inputs, as one axis."""

    outer: Axis
    width: int
    taps: int
    step = 1

    @property
    def size(self) -> int:
        return self.outer.size * self.width

    def __len__(self) -> int:
        return len(self.outer)

    def interval(self, cell: Any) -> tuple[Any, Any]:
        low, high = self.outer.interval(cell)
        return low * self.width, high * self.width

    def count(self, cell: Any) -> Any:
        return self.outer.count(cell) * self.taps


@dataclass(frozen=True, eq=False)
class Transposed:
    """The other way round: which windows of an axis each of its inputs is a tap of."""

    size: int  # windows
    step: int
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, axis: Sliding | Bins) -> Transposed:
        """From the axis; windows that share a tap are as far apart as taps and strides let them."""
        cells = np.arange(len(axis))
        first, end = axis.interval(cells)
        if axis.step == 1:  # no window is empty, and all come in order
            inputs = np.arange(axis.size)
            return cls(len(axis), 1, *(
                np.searchsorted(ends, inputs, "right") for ends in (end, first)
            ))  # fmt: skip
        low, high = np.full(axis.size, len(axis)), np.zeros(axis.size, np.int64)
        for tap in range(int((-((first - end) // axis.step)).max())):
            place = first + tap * axis.step
            some = place < end
            np.minimum.at(low, place[some], cells[some])
            np.maximum.at(high, place[some], cells[some] + 1)
        low[low >= high] = 0
        assert isinstance(axis, Sliding)
        return cls(len(axis), axis.step // gcd(axis.step, axis.stride), low, high)

    def __len__(self) -> int:
        return len(self.low)

    def interval(self, cell: Any) -> tuple[Any, Any]:
        return self.low[cell], self.high[cell]

    def count(self, cell: Any) -> Any:
        return cell * 0 + 1


Axis = Sliding | Bins | Merged | Transposed | Drawn
UNIT = Sliding(1, 1)


def covered(axis: Axis) -> bool:
    """Whether a single window has all inputs, in every plane."""
    if len(axis) != 1:
        return False
    low, high = axis.interval(0)
    return bool(np.all(low == 0) and np.all(high == axis.size))


def still(axis: Axis) -> bool:
    """Whether each output is one input, in place."""
    return isinstance(axis, Sliding) and (axis.kernel, axis.stride, len(axis)) == (1, 1, axis.size)


class Laid(NamedTuple):
    """An axis as it lies: from input to input in memory, and in the numbers of an index map."""

    axis: Axis
    by: int
    place: int

    def spans(self, inside: Laid, indexed: bool) -> bool:
        """Whether this axis and the one inside it can be walked as one."""
        size = inside.axis.size
        numbered = self.place == inside.place * size or not indexed
        return self.by == inside.by * size and numbered


def merged(axes: Sequence[Laid], indexed: bool) -> list[Laid]:
    """``axes`` without the innermost ones that a single window covers whole.

    A run of whole rows is contiguous: global pooling of any number of axes has one, and a trailing
    axis of size 1 costs nothing. Neighbours not pooled along are one axis, which stays if last.
    """
    rest: list[Laid] = []
    for number, laid in enumerate(axes):
        if laid.axis.size == 1 and still(laid.axis) and number < len(axes) - 1:
            continue
        if rest and still(laid.axis) and still(rest[-1].axis) and rest[-1].spans(laid, indexed):
            both = Sliding(rest.pop().axis.size * laid.axis.size, 1)
            rest.append(laid._replace(axis=both))
        else:
            rest.append(laid)
    inside = [rest.pop()] if still(rest[-1].axis) and rest[-1].axis.size > 1 < len(rest) else []
    last, by, place = rest.pop()
    while rest and covered(last):
        outer, taps = rest[-1].axis, last.count(0)
        if not rest[-1].spans(Laid(last, by, place), indexed) or (last.step > 1 and last.size > 1):
            break
        if last.size == 1 and taps == 1:
            last = outer
        elif outer.step == 1:
            last = Merged(outer, last.size, taps)
        else:
            break
        rest.pop()
    return [*rest, Laid(last, by, place), *inside]


def pads(
    padding: Any, kernel: Sequence[int], extents: Sequence[int], strides: Sequence[int],
    sizes: Sequence[int],
) -> list[tuple[int, int]]:
    """The padding before and after each axis, from any of the spellings of ``padding``."""
    dims = len(sizes)
    if isinstance(padding, str):
        if padding == "valid":
            return [(0, 0)] * dims
        if padding not in ("same", "same_upper", "same_lower"):
            raise ValueError(
                "padding must be ints, pairs, 'same', 'same_upper', 'same_lower' or 'valid', "
                f"got padding={padding!r}"
            )
        total = [
            max((-(-size // stride) - 1) * stride + extent - size, 0)
            for size, stride, extent in zip(sizes, strides, extents, strict=True)
        ]
        less_first = [(pad // 2, pad - pad // 2) for pad in total]
        return [(b, a) for a, b in less_first] if padding == "same_lower" else less_first
    if isinstance(padding, tuple) and padding and isinstance(padding[0], tuple):
        pairs = padding * dims if len(padding) == 1 else padding
        if len(pairs) != dims or not all(isinstance(p, tuple) and len(p) == 2 for p in pairs):
            raise ValueError(f"padding must have {dims} pairs (before, after), got {padding!r}")
        sided = [(low, high) for low, high in (spread("padding", p, 2, 0) for p in pairs)]
        for pair, extent in zip(sided, extents, strict=True):
            if max(pair) >= extent:
                raise ValueError(
                    f"padding on one side must be less than the {extent} inputs that a window "
                    f"spans, got padding={padding!r} with kernel_size={tuple(kernel)}"
                )
        return sided
    each = spread("padding", padding, dims, 0)
    for pad, taps in zip(each, kernel, strict=True):
        if pad > taps // 2:
            raise ValueError(
                "padding must be at most half of kernel_size, "
                f"got padding={padding!r} with kernel_size={tuple(kernel)}"
            )
    return [(pad, pad) for pad in each]


def sliding(
    sizes: Sequence[int], kernel_size: Any, stride: Any = None, padding: Any = 0,
    dilation: Any = 1, ceil_mode: bool = False, count_include_pad: bool = True,
) -> tuple[Sliding, ...]:
    """The axes of a sliding window over ``sizes``, with torch's limits on every argument."""
    dims = len(sizes)
    kernel = spread("kernel_size", kernel_size, dims, 1)
    strides = kernel if stride is None or stride == () else spread("stride", stride, dims, 1)
    dilations = spread("dilation", dilation, dims, 1)
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    padded = pads(padding, kernel, extents, strides, sizes)
    axes = tuple(
        Sliding(size, k, s, low, high, d, ceil_mode, count_include_pad)
        for size, k, s, (low, high), d in zip(
            sizes, kernel, strides, padded, dilations, strict=True
        )
    )
    if not all(len(axis) for axis in axes):
        raise ValueError(
            f"kernel_size={kernel_size!r} with stride={stride!r}, padding={padding!r}, "
            f"dilation={dilation!r} has no window inside an input of spatial shape {tuple(sizes)}"
        )
    return axes


def bins(size: int, cells: int) -> Axis:
    """An axis cut into ``cells`` bins; where all lie alike they are windows that slide."""
    stride, rest = divmod(size, cells) if cells else (0, 0)
    if stride and rest == 0:
        return Sliding(size, stride, stride)
    if stride and rest == 1:
        return Sliding(size, stride + 1, stride)
    if stride and rest == cells - 1:  # the first begins one before the input, the last ends behind
        return Sliding(size, stride + 2, stride + 1, 1, 1, count_include_pad=False)
    return Bins(size, cells)


def adaptive(sizes: Sequence[int], output_size: Any) -> tuple[Axis, ...]:
    """The bins that give ``output_size`` cells; None keeps the size of its axis."""
    dims = len(sizes)
    items = output_size if isinstance(output_size, tuple) else (output_size,)
    items = items * dims if len(items) == 1 else items
    if len(items) != dims:
        raise ValueError(f"output_size must have {dims} entries, got output_size={output_size!r}")
    if any(isinstance(n, tuple) for n in items):
        raise TypeError(f"output_size must hold ints, got output_size={output_size!r}")
    cells = [size if n is None else n for size, n in zip(sizes, items, strict=True)]
    cells = [spread("output_size", n, 1, 0)[0] for n in cells]
    return tuple(bins(size, n) for size, n in zip(sizes, cells, strict=True))


def transposed(
    sizes: Sequence[int], inputs: tuple[int, ...], make: Any, *arguments: Any
) -> tuple[Transposed, ...]:
    """The axes that lead from windows, so many of them, back to the inputs they were made of."""
    axes = make(inputs, *arguments)
    assert lengths(axes) == tuple(sizes)
    return tuple(Transposed.of(axis) for axis in axes)


def spatial(shape: Sequence[int], dims: int, channels_may_be_0: bool = False) -> tuple[int, ...]:
    """The last ``dims`` sizes of an (N, C, *spatial) or (C, *spatial) shape, checked."""
    shape = tuple(shape)
    if len(shape) not in (dims + 1, dims + 2):
        raise ValueError(
            f"input must have {dims + 1} or {dims + 2} dimensions, (C, *spatial) or "
            f"(N, C, *spatial), got shape {shape}"
        )
    counted = shape[-dims:] if channels_may_be_0 else shape[-dims - 1 :]
    if 0 in counted:
        raise ValueError(f"input may be empty in the batch only, got shape {shape}")
    return shape[-dims:]


def lengths(axes: Iterable[Axis]) -> tuple[int, ...]:
    """Output cells along each axis."""
    return tuple(len(axis) for axis in axes)
