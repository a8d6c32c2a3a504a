"""What hypothesis draws: arrays with awkward memory and values, and window arguments that fit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

T = TypeVar("T")


def few(every: Sequence[T], some: Sequence[T]) -> Sequence[T]:
    """``some`` cases, or with the profile of many draws all of them.

    Most of a test's time is the compiling of kernels, a second each.
    """
    return every if os.environ.get("HYPOTHESIS_PROFILE") == "many" else some


FLOATS = ("float32", "float64")
SIGNED = few(("int8", "int16", "int32", "int64"), ("int8", "int32", "int64"))
UNSIGNED = few(("uint8", "uint16", "uint32", "uint64", "bool"), ("uint8", "uint16", "bool"))
DTYPES = (*FLOATS, *SIGNED, *UNSIGNED)

# What max is tested on all of, others need only some of: the ops differ in their scalars alone, and
# every dtype is machine code to compile.
FEW = few((*FLOATS, "int8", "uint16", "int64", "bool"), (*FLOATS, "int8", "bool"))

SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0)


@st.composite
def values(draw, shape, dtypes=DTYPES):
    """An array full of ties; floats have NaN, infinities and both zeros here and there."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spread = draw(st.sampled_from((1, 3, 100)))
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind == "f":
        x = rng.integers(-spread, spread + 1, shape).astype(dtype)
        if draw(st.booleans()):
            x = x + rng.standard_normal(shape).astype(dtype)
        for special in draw(st.lists(st.sampled_from(SPECIAL), max_size=3)):
            x[rng.random(shape) < draw(st.sampled_from((0.02, 0.3, 1.0)))] = special
        return x
    info = np.iinfo(dtype)
    if draw(st.booleans()):
        edges = np.array([info.min, info.max, 0, 1], dtype)
        return rng.choice(edges, shape)
    return rng.integers(max(-spread, info.min), min(spread, info.max), shape).astype(dtype)


@st.composite
def laid_out(draw, x, dims=2):
    """``x`` with the same elements, lying some other way in memory."""
    kind = draw(st.sampled_from(("c", "fortran", "cropped", "stepped", "reversed", "read-only",
                                 "swapped", "odd", "channels last")))  # fmt: skip
    if kind == "fortran":
        return np.asfortranarray(x)
    if kind == "cropped":
        big = np.zeros([n + 3 for n in x.shape], x.dtype)
        view = big[tuple(slice(1, n + 1) for n in x.shape)]
    elif kind == "stepped":
        axis = draw(st.integers(0, x.ndim - 1))
        step = tuple(2 if a == axis else 1 for a in range(x.ndim))
        big = np.zeros([n * s for n, s in zip(x.shape, step, strict=True)], x.dtype)
        view = big[tuple(slice(None, None, s) for s in step)]
    elif kind == "reversed":
        axis = draw(st.integers(0, x.ndim - 1))
        return np.flip(np.flip(x, axis).copy(), axis)
    elif kind == "swapped":
        return x.astype(x.dtype.newbyteorder())
    elif kind == "odd":
        raw = np.zeros(x.nbytes + 1, np.uint8)[1:]
        view = raw.view(x.dtype).reshape(x.shape)
    elif kind == "channels last":
        channels = x.ndim - dims - 1
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, channels, -1)), -1, channels)
    else:
        view = x.copy()
    view[...] = x
    if kind == "read-only":
        view.flags.writeable = False
    return view


#: Few widths: how planes lie in vectors depends on them, which is machine code of its own.
WIDTHS = few((1, 2, 5, 7, 8, 14, 19, 31, 33, 64, 67, 130), (1, 7, 33, 130))


@st.composite
def shapes(draw, largest=20):
    """(N, C, H, W) or (C, H, W); now and then rows long enough for vectors and their tails."""
    height = draw(st.integers(1, largest))
    width = draw(st.sampled_from(WIDTHS))
    outer = draw(st.sampled_from(((1, 1), (2, 1), (1, 3), (3,), (1,))))
    return (*outer, height, width)


# Small windows have machine code of their own for each dtype. Few of them, the same in all files,
# and larger or oblong ones that share theirs: the time goes into draws, not into compiling.
SMALL = few(((2, 2), (3, 2), (3, 1)), ((3, 2), (2, 2)))

#: What large windows move across by, which is in their machine code.
ACROSS = few((1, 2, 3, 4, 5), (1, 2))


@st.composite
def window_arguments(draw, shape, pairs=True):
    """Arguments of a sliding window; they may not fit planes of this shape."""
    def both(value):
        return value if isinstance(value, tuple) else (value, value)

    if draw(st.booleans()):
        kernel, stride = draw(st.sampled_from(SMALL))
        dilation = 1
    else:
        large = st.sampled_from((6, 7))
        kernel = draw(st.one_of(large, st.tuples(st.integers(2, 3), large),
                                st.tuples(large, st.integers(1, 7)), st.just((2, 3))))  # fmt: skip
        across = st.sampled_from(ACROSS)
        stride = draw(st.one_of(st.none(), across, st.tuples(st.integers(1, 5), across)))
        dilation = draw(st.sampled_from((1, 1, 2, 3, (1, 2))))
    taps, apart = both(kernel), both(dilation)
    spans = [(k - 1) * d + 1 for k, d in zip(taps, apart, strict=True)]
    choices = [st.just(0), st.tuples(*[st.integers(0, k // 2) for k in taps])]
    if pairs:
        choices.append(st.tuples(*[st.tuples(*[st.integers(0, n - 1)] * 2) for n in spans]))
        choices.append(st.sampled_from(("same", "same_upper", "same_lower", "valid")))
    padding = draw(st.one_of(*choices))
    return {
        "kernel_size": kernel,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "ceil_mode": draw(st.booleans()),
    }
