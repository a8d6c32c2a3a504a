"""Numba's simulator with the threads of a block by turns: each runs until it waits or ends.

Its own way is a thread of the host for every one, all of which it polls: most of a test's time.
"""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
from numba.cuda.simulator import kernel, kernelapi


class Thread:
    """What the simulator asks of the thread that runs; one whose kernel never waits is no more."""

    def __init__(self, block, number):
        self.blockIdx, self.threadIdx = kernelapi.Dim3(*block), kernelapi.Dim3(*number)


class Waiting(Thread):
    """On a thread of the host, as it goes on from where it waited."""

    def __init__(self, block, number, run):
        super().__init__(block, number)
        self.mine, self.others = threading.Semaphore(0), threading.Semaphore(0)
        self.ended, self.error = False, None
        threading.Thread(target=self.work, args=(run,), daemon=True).start()

    def work(self, run):
        self.mine.acquire()
        try:
            run()
        except BaseException as error:
            self.error = error
        self.ended = True
        self.others.release()

    def go_on(self):
        self.mine.release()
        self.others.acquire()
        if self.error:
            raise self.error

    def syncthreads(self):
        self.others.release()
        self.mine.acquire()


class Block(kernel.BlockManager):
    running: Thread

    def run(self, block, *args):
        numbers = np.ndindex(*self._block_dim)
        if "syncthreads" not in self._f.__code__.co_names:
            for number in numbers:
                Block.running = Thread(block, number)
                self._f(*args)
            return
        waiting = [Waiting(block, number, lambda: self._f(*args)) for number in numbers]
        while waiting:
            for Block.running in waiting:
                Block.running.go_on()
            # Now from the last: a wait that is missing shows in one order or the other.
            waiting = [thread for thread in reversed(waiting) if not thread.ended]


def install():
    kernel.BlockManager = Block
    kernelapi.threading = SimpleNamespace(current_thread=lambda: Block.running)
