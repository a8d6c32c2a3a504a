"""One call's tasks on several threads of TBB's, which stay at hand for the next call.

A thread that sleeps takes a dozen microseconds to wake, as long as many a pooling takes. So a
worker that has come looks out for further calls for a moment before it goes, and nobody waits for
one that is on its way: every thread takes chunks of the tasks as long as there are any, its own
first, which it had in the call before.

There is one *board*, with the job of the moment. Its ticket is odd while the job can be joined: a
helper says that it is inside, and looks again whether the ticket is still the same. The caller
closes the job when no chunk is left, and returns when nobody is inside. A caller who finds the
board taken goes another way.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import time
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from ..jit import compile_loop, inner
from . import atomic, memory
from .drivers import CHUNKS_A_THREAD, NO_MEMORY, spread
from .frame import SCRATCH, TASKS, WORK

SEATS = 256  # more threads than that have no seat
#: How often a helper looks for a job before it goes, and a caller before it gives way: some 20
#: nanoseconds each.
LOOKS, WAITS = 5000, 500
EACH = 5000  # nanoseconds of work that are worth a further thread
BUSY = NO_MEMORY - 1
U = np.uintp

# Words of the board: a cache line for each that threads write, then one a seat.
LINE = 8
TAKEN, TICKET, INSIDE, LEFT, JOB, WAYS, FIRST_SEAT = (LINE * number for number in range(7))
FRAME, X, OUT, INDEX, ROOM, SEATED, CHUNKS = (JOB + number for number in range(7))
ADD_TASK, HELP, PATIENCE, LOOP = (WAYS + number for number in range(4))
#: The next chunk; whether somebody is there; the job that they were called for, and the last that
#: they came to.
NEXT, THERE, CALLED, CAME = range(4)
#: So many jobs after a call that nobody answered, as where a fork lost it, it is made again.
PATIENT = 100_000

_board = np.zeros(FIRST_SEAT + LINE * (SEATS + 1), np.int64)
_words = _board[-_board.ctypes.data // 8 % LINE :]
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_board))  # helpers may outlive this module
llvm.add_symbol("numbapool_board", _words.ctypes.data)


@intrinsic
def board(typing_context: Any) -> Any:
    """The board's address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        name, word = "numbapool_board", ir.IntType(64)
        known = builder.module.globals.get(name)
        return builder.ptrtoint(known or ir.GlobalVariable(builder.module, word, name), word)

    return types.uintp(), generate


@intrinsic
def run_later(typing_context: Any, add_task: Any, function: Any, seat: Any) -> Any:
    """Has a worker call a function for a seat, by what Numba calls ``add_task``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word] * 5).as_pointer()
        none = word(0)
        builder.call(builder.inttoptr(args[0], kind), [args[1], args[2], none, none, none])
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.uintp), generate


def _seat(words: Any, number: Any) -> Any:
    return words + U(8 * FIRST_SEAT) + number * U(8 * LINE)


_seat = inner(_seat)


def _free(seat: Any, end: Any, ticket: Any) -> bool:
    """Whether another may take a chunk of a seat: one who is there keeps the last to himself.

    What it reads is in the cache of who had it in the call before.
    """
    return atomic.load(seat, NEXT) + (atomic.load(seat, CAME) == ticket) < end


_free = inner(_free)


def _take_part(words: Any, mine: Any, ticket: Any) -> None:
    """Takes chunks of the job, of one's own seat first, until there are none."""
    atomic.store(_seat(words, mine), CAME, ticket)
    frame, x, out, index = (
        memory.word(words, FRAME), memory.word(words, X), memory.word(words, OUT),
        memory.word(words, INDEX),
    )  # fmt: skip
    seats, chunks = memory.word(words, SEATED), memory.word(words, CHUNKS)
    tasks = memory.word(frame, TASKS)
    scratch = memory.word(words, ROOM) + mine * memory.word(frame, SCRATCH)
    for turn in range(seats):
        number = (mine + turn) % seats
        seat, end = _seat(words, number), (number + U(1)) * chunks // seats
        while turn == 0 or _free(seat, end, ticket):
            chunk = atomic.add(seat, NEXT, U(1))
            if chunk >= end:
                break
            first, last = chunk * tasks // chunks, (chunk + U(1)) * tasks // chunks
            left = memory.call(frame, scratch, first, last, x, out, index)
            if left:
                atomic.add(words, LEFT, left)


_take_part = inner(_take_part)


def _help(number: Any, _: Any, __: Any, ___: Any) -> Any:
    """What a worker does: its part of every job, until there has been none for a while."""
    words = board()
    seat = _seat(words, number)
    if atomic.swap(seat, THERE, U(1)):
        return U(0)
    done, looks = U(0), U(0)
    while True:
        ticket = atomic.load(words, TICKET)
        if ticket & U(1) and ticket != done:
            done, looks = ticket, U(0)
            atomic.add(words, INSIDE, U(1))
            if atomic.load(words, TICKET) == ticket and number < memory.word(words, SEATED):
                _take_part(words, number, ticket)
            atomic.add(words, INSIDE, ~U(0))
        elif looks < atomic.load(words, PATIENCE):
            looks += U(1)
            atomic.pause()
        else:
            atomic.store(seat, CALLED, U(0))
            atomic.store(seat, THERE, U(0))
            ticket = atomic.load(words, TICKET)
            # Who has posted a job meanwhile may have taken this one for present.
            if not ticket & U(1) or ticket == done or atomic.swap(seat, THERE, U(1)):
                return U(0)


def _share(frame: Any, x: Any, out: Any, index: Any) -> Any:
    """Posts a job, calls for help where there is none, and takes part."""
    words = board()
    if atomic.swap(words, TAKEN, U(1)):
        return U(BUSY)
    worth = U(2) + memory.word(frame, WORK) // U(EACH)
    seats = min(memory.threads(), U(SEATS), worth)
    tasks = memory.word(frame, TASKS)
    chunks = min(tasks, U(CHUNKS_A_THREAD) * seats)
    scratch = memory.take(memory.word(frame, SCRATCH) * seats)
    if scratch == U(0):
        atomic.store(words, TAKEN, U(0))
        return U(NO_MEMORY)
    memory.put(words, FRAME, frame)
    memory.put(words, X, x)
    memory.put(words, OUT, out)
    memory.put(words, INDEX, index)
    memory.put(words, ROOM, scratch)
    memory.put(words, SEATED, seats)
    memory.put(words, CHUNKS, chunks)
    memory.put(words, LEFT, U(0))
    for number in range(seats):
        memory.put(_seat(words, U(number)), NEXT, U(number) * chunks // seats)
    ticket = atomic.load(words, TICKET) + U(1)
    atomic.store(words, TICKET, ticket)
    for number in range(U(1), seats):
        seat = _seat(words, number)
        called = atomic.load(seat, CALLED)
        if not atomic.load(seat, THERE) and (not called or ticket - called > U(PATIENT)):
            atomic.store(seat, CALLED, ticket)
            run_later(memory.word(words, ADD_TASK), memory.word(words, HELP), number)
    _take_part(words, U(0), ticket)
    atomic.store(words, TICKET, ticket + U(1))
    waits = U(0)
    while atomic.load(words, INSIDE):
        atomic.pause()
        waits += U(1)
        if waits > U(WAITS):
            atomic.give_way()
    left = atomic.load(words, LEFT)
    memory.give_back(scratch)
    atomic.store(words, TAKEN, U(0))
    return left


@cache
def share() -> int:
    """The address of what runs a program's tasks on a team; TBB's threads must be there."""
    from numba.np.ufunc import tbbpool

    _words[ADD_TASK], _words[HELP] = tbbpool.add_task, compile_loop(_help, parallel=False)
    _words[PATIENCE] = LOOKS
    return compile_loop(_share, parallel=False)


def _each_alone(frame: Any, x: Any, out: Any, index: Any) -> Any:
    """Numba's own loop, if no other thread is in it."""
    words = board()
    if atomic.swap(words, TAKEN, U(1)):
        return U(BUSY)
    left = memory.spread(memory.word(words, LOOP), frame, x, out, index)
    atomic.store(words, TAKEN, U(0))
    return left


@cache
def one_at_a_time() -> int:
    """The address of Numba's loop for a layer that takes one caller at a time."""
    _words[LOOP] = spread()
    return compile_loop(_each_alone, parallel=False)


def _forget() -> None:
    """In a child: nobody is there, and no job."""
    _words[:WAYS] = 0
    _words[FIRST_SEAT:] = 0


def _part() -> None:
    """Sends helpers away before the code that they run goes."""
    _words[PATIENCE] = 0
    patience = time.monotonic() + 0.1
    while _words[FIRST_SEAT + THERE :: LINE].any() and time.monotonic() < patience:
        time.sleep(0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
atexit.register(_part)
