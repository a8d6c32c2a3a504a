"""torch's tensors on the host at once, by their addresses: NumPy's view of one takes a microsecond.

What is not as most tensors are, such as one with a gradient, is left to the road of arrays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .arrays import Wrap, adapt, channels_outside
from .cpu import drivers, threads
from .kept import Plans
from .ops import PoolOp
from .walks import walked

#: The size, the strides and the dtype of a result, as `new_empty_strided` is told.
Result = tuple[tuple[int, ...], tuple[int, ...], Any]


class Ready(NamedTuple):
    """All that a call needs besides its tensor."""

    item: int  # bytes that an address is a multiple of
    values: Result
    indices: Result | None
    way_in: Callable[..., Any]
    told: Any  # first
    complete: Callable[[], None]  # the program, where something was left
    weight: int


def _weight(ready: Ready | None) -> int:
    return 0 if ready is None else ready.weight


def _result(
    shape: tuple[int, ...], dtype: np.dtype, inside: int, pooled: int, wrap: Wrap
) -> Result:
    """Channels that stayed inside are written last."""
    result = np.ndarray(shape, dtype)  # memory that nobody touches
    seen = channels_outside(result, pooled) if inside else result
    steps = tuple(step // dtype.itemsize for step in seen.strides)
    return seen.shape, steps, wrap(np.empty(0, dtype)).dtype


class Tensors:
    """Calls on tensors, by the plans of arrays that lie as they do."""

    def __init__(self, plans: Plans) -> None:
        self.plans, self.kinds = plans, Plans(self._make, _weight)

    def _make(
        self, op: PoolOp, where: tuple[Any, ...], shape: tuple[int, ...], stride: tuple[int, ...],
        dtype: Any, *asked: Any,
    ) -> Ready | None:  # fmt: skip
        """None where arrays are needed, such as for results that lie as no kernel writes them."""
        nothing = sys.modules["torch"].empty(0, dtype=dtype, device="cpu")
        array, wrap = adapt("input", nothing)
        kind = array.dtype
        if kind.kind == "c":  # which may wait for its conjugate
            return None
        steps = tuple(step * kind.itemsize for step in stride)
        order, strides, _, copied, turned = walked(tuple(shape), steps, True, kind, op, where)
        if copied or turned:
            return None
        inside, lying = 0, tuple(shape)
        if order is not None:
            inside, lying = 1, tuple(shape[axis] for axis in order)
        call = (op, where, lying, strides, kind, *asked, inside)
        plan = self.plans[call]
        if plan.how is None or plan.empty is not np.ndarray:
            return None
        pooled, indices = where[1], None
        values = _result(plan.shape, plan.dtype, inside, pooled, wrap)
        if plan.index_dtype is not None:
            indices = _result(plan.shape, plan.index_dtype, inside, pooled, wrap)
        program = plan.program
        way_in = threads.way_in(program, drivers.by_address())
        weight = self.plans.weight(plan)
        return Ready(kind.itemsize, values, indices, *way_in, program.complete, weight)

    def at_once(
        self, op: PoolOp, where: tuple[Any, ...], x: Any, return_indices: bool, index_dtype: Any,
        divisor: int | None,
    ) -> Any:  # fmt: skip
        """What becomes of a tensor; None where something is not as usual."""
        torch = sys.modules.get("torch")
        if torch is None or type(x) is not torch.Tensor or not x.is_cpu or x.requires_grad:
            return None
        index, index_at = None, 0
        try:
            at = x.data_ptr()
            ready = self.kinds[
                op, where, x.shape, x.stride(), x.dtype, return_indices, index_dtype, divisor
            ]
            if ready is None or x.is_neg() or torch._is_functional_tensor(x):
                return None
            item, values, indices, way_in, told, complete, _ = ready
            result = x.new_empty_strided(values[0], values[1], dtype=values[2])
            result_at = result.data_ptr()
            if indices is not None:
                index = x.new_empty_strided(indices[0], indices[1], dtype=indices[2])
                index_at = index.data_ptr()
        except RuntimeError:  # of what has no memory of its own
            return None
        # Modes of torch's make tensors that are something else.
        if not at or at % item or not result_at or type(result) is not torch.Tensor:
            return None
        if way_in(told, at, result_at, index_at):
            complete()
            return None
        return result if index is None else (result, index)
