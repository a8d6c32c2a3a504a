"""Which kernels pool a call, and why it is as fast as it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .kept import Plans

_one_at_a_time = threading.RLock()  # what is explained may explain

WHAT = {
    "rows": "small windows: across each row, then down the folded rows, a vector of outputs a time",
    "turned": "large windows on small planes, one to a lane: two pieces a window, of any length",
    "doubling": "large windows: across from two of half the taps, down from two pieces",
    "whole": "small planes pooled whole: a plane in each lane of a vector",
    "bins": "any intervals: down the rows of a window, then across what they folded to",
    "gather": "windows of any kind: the taps of each are gathered, then reduced together",
    "pixels": "small windows with channels inside: a vector of channels, tap by tap",
    "slices": "more than two axes: every slice by the kernel below, then the pooled slices",
    "windows": "on a GPU: a thread to an output, full windows unrolled where they slide",
    "runs": "on a GPU: a thread to a run of outputs, its taps read up to 16 bytes at a time",
    "teams": "on a GPU: a team of threads to each of a few large windows, joined in pairs",
    "passes": "on a GPU: large windows that overlap, one axis after the other",
    "doubled": "on a GPU: large windows along an axis, in shared memory: two of half the taps each",
    "gathered": "on a GPU: the taps of each window are gathered, then reduced together",
}


@dataclass(frozen=True)
class Explanation:
    """How a call was pooled; `str` of it says it in words.

    Attributes
    ----------
    kernels : tuple of str
        The kernel of each pooling in the call, in order: ``"rows"``, ``"turned"``,
        ``"doubling"``, ``"whole"``, ``"bins"``, ``"slices"``, ``"pixels"``, ``"gather"``, on a GPU
        ``"windows"``, ``"runs"``, ``"passes"``, ``"doubled"``, ``"teams"``, ``"gathered"``, or
        ``"none"`` where there is nothing to do. A pyramid has one for every level.
    lines : tuple of str
        A few words on each.
    """

    kernels: tuple[str, ...]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def explain(pool: Callable[..., Any], *args: Any, **kwargs: Any) -> Explanation:
    """Tell which kernel pools a call.

    Parameters
    ----------
    pool : callable
        A function or a layer of this package.
    *args, **kwargs
        What it is called with. The call is made.

    Returns
    -------
    Explanation
        The kernels, with the size and the number of their tasks when printed.

    Raises
    ------
    ValueError, TypeError
        What the call raises.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> x = np.zeros((1, 8, 32, 32), np.float32)
    >>> print(numbapool.explain(numbapool.max_pool2d, x, 3, stride=2))
    max (1, 8, 32, 32) float32 -> (1, 8, 15, 15) float32
      rows: small windows: across each row, then down the folded rows, a vector of outputs a time
      8 tasks on one thread: it is less work than starting others
    """
    from . import plan

    if not callable(pool):
        raise TypeError(f"pool must be a function or a layer, got {type(pool).__name__}")
    noted: list[tuple[tuple[Any, ...], Any]] = []
    # The way to a kernel has no room for a question: for this call, the plans come past here.
    with _one_at_a_time:
        roads = [(road, road.plans) for road in _roads(plan)]
        for road, plans in roads:
            road.plans = _Noting(plans, noted)
        try:
            pool(*args, **kwargs)
        finally:
            for road, plans in roads:
                road.plans = plans
    if not noted:
        return Explanation((), ("none: the call itself pooled no windows with these kernels",))
    kernels = tuple(made.program.name if made.program else "none" for _, made in noted)
    return Explanation(kernels, tuple(line for key, made in noted for line in _lines(key, made)))


class _Noting(dict[tuple[Any, ...], Any]):
    """Plans that note which of them the thread that made this asks for."""

    def __init__(self, plans: Plans, noted: list[tuple[tuple[Any, ...], Any]]) -> None:
        super().__init__()
        self.plans, self.noted, self.asker = plans, noted, threading.get_ident()

    def __missing__(self, call: tuple[Any, ...]) -> Any:
        made = self.plans[call]
        if threading.get_ident() == self.asker:
            self.noted.append((call, made))
        return made


def _roads(plan: Any) -> list[Any]:
    """The modules that make plans, the one of GPUs if there can be any."""
    try:
        from .cuda import run
    except ImportError:
        return [plan]
    return [plan, run]


def _lines(key: tuple[Any, ...], made: Any) -> list[str]:
    from .cpu import threads

    op, _, shape, strides, dtype, *_ = key
    layout = "" if strides is None else f", strides {strides}"
    indices = "" if made.index_dtype is None else f" and {made.index_dtype} indices"
    head = f"{op.name} {shape} {dtype}{layout} -> {made.shape} {made.dtype}{indices}"
    program = made.program
    if program is None:
        return [head, "  none: there is nothing to pool"]
    if hasattr(program, "steps"):
        blocks = [step.grid[0] * step.grid[1] for step in program.steps]
        each = ", ".join(
            f"{step.name} in {n} block{'s' * (n > 1)} of {step.block} threads"
            for n, step in zip(blocks, program.steps, strict=True)
        )
        return [head, f"  {program.name}: {WHAT[program.name]}", f"  {each}"]
    small = program.work < threads.SMALL
    how = "for all threads of the call"
    if small:
        how = "on one thread: it is less work than starting others"
    tasks = f"  {program.tasks} task{'s' * (program.tasks > 1)} {how}"
    kernels = []
    while program is not None:
        kernels.append(f"  {program.name}: {WHAT[program.name]}")
        program = program.inner
    return [head, *kernels, tasks]
