"""Batches, as many as there are, pooled while others are read: the same loop for either target."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from queue import SimpleQueue
from typing import Any, Protocol

from . import targets
from .arguments import plain
from .axes import pool as pool_axes
from .ops import OPS, PoolOp

Call = Callable[[Any], Any]
#: Batches at a time, at most: each has a place of its own.
DEEPEST = 1024


class Slot(Protocol):
    """The place of one batch at a time, from when it is read until its result is there."""

    def start(self, number: int, batch: Any) -> None:
        """Takes a batch; called by the thread that reads."""

    def finish(self) -> Any:
        """The result; called by the caller's thread, in the order of the batches."""


def pool_batches(
    batches: Iterable[Any],
    pool: Callable[..., Any] | str | PoolOp,
    *args: Any,
    depth: int = 3,
    target: str | None = None,
    **options: Any,
) -> Generator[Any, None, None]:
    """Pool batches of the host one after the other, reading and pooling at the same time.

    Parameters
    ----------
    batches : iterable of arrays
        NumPy arrays or torch CPU tensors of any shapes and dtypes, in any number: a list, a
        generator, a torch DataLoader that gives tensors and nothing beside them. It is gone through
        by a thread of its own, ahead of the results, so each batch must be an array of its own, not
        one that is filled anew.
    pool : callable, str or `PoolOp`
        A function or a layer of this package, or a function of yours that calls some: it is given
        a batch, ``args`` and ``options``. A name or a `PoolOp` is what `numbapool.pool` takes:
        ``pool_batches(batches, "max", (2, 2))`` pools the last two axes.
    depth : int
        Batches that are held at a time: read, on their way, or being pooled.
    target : "cpu", "cuda" or None
        Where batches are pooled. None: where `set_default_target` says. On a GPU (the current one),
        batches go through page-locked memory and are copied, pooled and copied back on ``depth``
        streams, so copies and kernels overlap.
    *args, **options
        What ``pool`` is called with, besides the batch.

    Yields
    ------
    array, or a tuple of arrays
        What ``pool`` gives for each batch, in their order and of their kind: arrays of their own,
        on the host.

    Raises
    ------
    ValueError, TypeError
        ``batches``, ``pool``, ``depth`` and ``target``, at once; what ``pool`` refuses, with the
        number and the shape of the batch. What else it or ``batches`` raises comes as it is. Either
        comes after the results of the batches before.
    ImportError, RuntimeError
        If there is no numba-cuda or no GPU.

    Notes
    -----
    The host holds ``depth`` batches; on a GPU, page-locked copies of ``depth`` batches and their
    results besides, one batch as it is read, and the GPU as much. These buffers are used again,
    and grow with the largest batch. All are released when the last result was taken, an error was
    raised, or the iterator is closed or dropped; closing waits for a batch that is being read.

    Examples
    --------
    >>> import numpy as np, numbapool
    >>> batches = (np.full((2, 1, 4, 4), n) for n in range(3))
    >>> [y.max().item() for y in numbapool.pool_batches(batches, numbapool.max_pool2d, 2)]
    [0, 1, 2]
    >>> layer = numbapool.MaxPool2d(2, return_indices=True)
    >>> for values, indices in numbapool.pool_batches([np.eye(4)[None]], layer):
    ...     print(values.tolist(), indices.tolist())
    [[[1.0, 0.0], [0.0, 1.0]]] [[[0, 2], [8, 10]]]
    >>> [y.tolist() for y in numbapool.pool_batches([np.arange(6)], "avg", 3)]
    [[1.0, 4.0]]
    """
    depth = plain("depth", depth)
    if type(depth) is not int or not 1 <= depth <= DEEPEST:
        raise ValueError(f"depth must be an int from 1 to {DEEPEST}, got depth={depth!r}")
    if not isinstance(batches, Iterable):
        raise TypeError(f"batches must be iterable, got {type(batches).__name__}")
    for name, why in (("out", "every batch has a result"), ("stream", "every batch has a stream")):
        if options.get(name) is not None:
            raise ValueError(f"{name} must be None: {why} of its own, got {name}={options[name]!r}")
    function, given = _called(pool)
    on_device = targets.is_cuda(None, target)
    if targets.default == "cuda" and not on_device:  # which the call would go by
        options["target"] = "cpu"

    def call(batch: Any) -> Any:
        return function(batch, *given, *args, **options)

    slots: AbstractContextManager[list[Slot]]
    if on_device:
        from .cuda.pipeline import slots_on_device

        slots = slots_on_device(call, depth)
    else:
        slots = nullcontext([_OnHost(call) for _ in range(depth)])
    return _streamed(batches, slots)


def _called(pool: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The function that pools a batch, and what it is given before all else."""
    if isinstance(pool, PoolOp) or (isinstance(pool, str) and pool in OPS):
        return pool_axes, (pool,)
    if not callable(pool):
        raise ValueError(
            f"pool must be a function, a layer, a PoolOp or one of {', '.join(OPS)}, "
            f"got pool={pool!r}"
        )
    return pool, ()


@contextmanager
def named(number: int, batch: Any) -> Iterator[None]:
    """Says in an error which batch it is of."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if len(error.args) == 1:
            shape = getattr(batch, "shape", None)
            form = type(batch).__name__ if shape is None else f"of shape {tuple(shape)}"
            error.args = (f"batch {number}, {form}: {error}",)
        raise


class _OnHost:
    """A batch that waits for its turn on the CPU."""

    held: tuple[int, Any] | None = None

    def __init__(self, call: Call) -> None:
        self.call = call

    def start(self, number: int, batch: Any) -> None:
        self.held = number, batch

    def finish(self) -> Any:
        assert self.held is not None
        (number, batch), self.held = self.held, None
        with named(number, batch):
            return self.call(batch)


def _next(ready: SimpleQueue[Any], process: int) -> Any:
    """What the reader has done next."""
    if os.getpid() != process:
        raise RuntimeError(
            "batches were begun before this process was forked, and their reader stayed behind: "
            "begin them in the process that takes the results"
        )
    return ready.get()


def _streamed(
    batches: Iterable[Any], making: AbstractContextManager[list[Slot]]
) -> Generator[Any, None, None]:
    """Results in order; a thread takes a free slot, then a batch to start in it."""
    free: SimpleQueue[Slot | None] = SimpleQueue()
    ready: SimpleQueue[Slot | BaseException | None] = SimpleQueue()
    closed, process = threading.Event(), os.getpid()

    def read() -> None:
        try:
            source = enumerate(batches)
            while (slot := free.get()) is not None and not closed.is_set():
                found = next(source, None)
                if found is None:
                    break
                slot.start(*found)
                del found  # the slot alone holds it
                ready.put(slot)
            ready.put(None)
        except BaseException as error:  # the caller's to know, whatever it is
            ready.put(error)

    with making as slots:
        for slot in slots:
            free.put(slot)
        # A daemon: one who leaves without closing must not be kept from it.
        reader = threading.Thread(target=read, name="numbapool-reader", daemon=True)
        reader.start()
        try:
            while (slot_or_end := _next(ready, process)) is not None:
                if isinstance(slot_or_end, BaseException):
                    try:
                        raise slot_or_end
                    finally:
                        del slot_or_end  # it would keep this frame, and this frame it
                result = slot_or_end.finish()
                free.put(slot_or_end)
                yield result
                del result  # the caller alone holds it
        finally:
            closed.set()
            free.put(None)
            if reader is not threading.current_thread():  # which may be who drops the iterator
                reader.join()
