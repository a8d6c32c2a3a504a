"""Kernels of the CUDA target as PTX, made with no GPU and no driver."""

from __future__ import annotations

import numpy as np
from numba.core.types import none
from numba.cuda.compiler import _compile_pyfunc_with_fixup
from numba.np.numpy_support import from_dtype

from numbapool.cuda.program import program
from numbapool.cuda.scalars import stored

CAPABILITIES = ((7, 5), (8, 0), (9, 0), (10, 0))


def laid(axes):
    """Axes that lie one inside the other with no gap, and how planes of them follow another."""
    from numbapool.geometry import Laid

    found, by = [], 1
    for axis in reversed(axes):
        found.append(Laid(axis, by, by))
        by *= axis.size
    return found[::-1], by


def steps(op, axes, dtype, indexed, aligned, planes=64):
    """The kernels that pool so, each as a step, a plain function and the types of its arguments."""
    lies, plane = laid(axes)
    places = np.dtype(np.int64)
    made = program(
        op, lies, planes, (planes, 0, plane), dtype, places if indexed else None, None, aligned
    )
    between = [kind for _, kind in made.between]
    given = none
    for step, x, out in zip(
        made.steps, [dtype, *between], [*between, op.result(dtype)], strict=True
    ):
        kinds = [from_dtype(stored(kind))[::1] for kind in (x, out)]
        found = from_dtype(places)[::1] if indexed else none
        scratch = from_dtype(step.kind)[::1, :] if step.scratch else given
        words = from_dtype(step.words.dtype)[::1]
        yield step, step.kernel.made.py_func, (*kinds, found, words, scratch)
        given = found


def lowered(kernel, types):
    """A kernel, not compiled yet, as a library, which gives it as PTX of each capability."""
    return _compile_pyfunc_with_fixup(
        kernel, types, device=False, abi="numba", cc=CAPABILITIES[0]
    )[0]
