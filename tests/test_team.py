"""Threads that stay at hand: every task is done once, whoever comes, and they go again."""

from __future__ import annotations

import signal

import pytest
from test_process import python

#: A look at the board, and a pooling whose work is shared.
BEGIN = """
        import os, threading, time
        import numba, numpy as np, numbapool
        from numbapool.cpu import team
        rng = np.random.default_rng(0)
        x = rng.standard_normal((7, 61, 56, 56), np.float32)
        expected = numbapool.max_pool2d(x, 3, 2, num_threads=1)
        def helpers():
            return int(team._words[team.FIRST_SEAT + team.THERE :: team.LINE].sum())
        def pooled(count=None):
            return np.array_equal(numbapool.max_pool2d(x, 3, 2, num_threads=count), expected)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where processes find kernels of one another."""
    return tmp_path_factory.getbasetemp() / "kernels"


def test_helpers_come_stay_and_go(cache):
    code = """
        before = helpers()
        right = all(pooled() for _ in range(50))
        during = 0
        for _ in range(1000):
            numbapool.max_pool2d(x, 3, 2)
            during = max(during, helpers())
        time.sleep(0.2)
        print(before, right, during, helpers())
    """
    found = python(BEGIN + code, cache, NUMBA_NUM_THREADS="2", NUMBA_THREADING_LAYER="tbb")
    assert found.split() == ["0", "True", "1", "0"]


def test_any_number_of_threads_does_every_task_once(cache):
    code = """
        counts = [1, 2, 3, 4, 7, 7, 2, 4, 3, 1] * 20
        right = all(pooled(count) for count in counts)
        few = x[:1, :2]  # fewer tasks than threads
        one = numbapool.max_pool2d(few, 3, 2, num_threads=7)
        seats = [int(team._words[team.SEATED])]
        all(pooled(7) for _ in range(2))
        seats.append(int(team._words[team.SEATED]))
        y = np.where(rng.random(x.shape) < 0.01, np.nan, x)  # left to another kernel
        exact = numbapool.max_pool2d(y, 3, 2, num_threads=1)
        nan = numbapool.max_pool2d(y, 3, 2, num_threads=5)
        print(right, np.array_equal(one, expected[:1, :2]), np.array_equal(nan, exact, True),
              seats[0] <= 3, seats[1])
    """
    found = python(BEGIN + code, cache, NUMBA_NUM_THREADS="7", NUMBA_THREADING_LAYER="tbb")
    assert found.split() == ["True"] * 4 + ["7"]


@pytest.mark.parametrize("launcher", ["caller", "main"])
def test_callers_at_once_and_a_child(cache, launcher):
    """TBB's locks may be held for ever in a child: it pools on one thread."""
    code = f"""
        wrong = []
        {launcher == "caller"} or pooled(3)
        def call():
            for _ in range(200):
                pooled() or wrong.append(1)
        callers = [threading.Thread(target=call) for _ in range(4)]
        for caller in callers: caller.start()
        for caller in callers: caller.join()
        assert pooled()
        children = []
        for number in range(30):  # helpers go about now
            assert pooled()
            time.sleep(number * 1e-5)
            child = os.fork()
            if not child:
                right = all(pooled() for _ in range(3)) and not team._words[team.TICKET]
                os._exit(0 if right else 1)
            children.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        print(len(wrong), children, pooled())
    """
    found = python(BEGIN + code, cache, NUMBA_NUM_THREADS="3", NUMBA_THREADING_LAYER="tbb")
    assert found.splitlines()[-1] == f"0 {[0] * 30} True"  # Numba may say a line before


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such signals here")
@pytest.mark.parametrize("layer", ["tbb", "workqueue"])
def test_a_signal_whose_handler_pools(cache, layer):
    code = """
        import signal
        from numbapool.cpu import threads
        wrong, held = [], []
        def handle(*_):
            held.append(pooled() or wrong.append(1))
        pooled(2)
        signal.signal(signal.SIGALRM, handle)
        for number in range(300):
            signal.setitimer(signal.ITIMER_REAL, 1e-6 + number % 7 * 1e-4)
            pooled() or wrong.append(1)
        time.sleep(0.01)
        print(len(held) > 10, wrong, int(team._words[team.TAKEN]))
    """
    found = python(BEGIN + code, cache, NUMBA_NUM_THREADS="2", NUMBA_THREADING_LAYER=layer)
    assert found.strip() == "True [] 0"


def test_threads_start_once_it_is_worth_it(cache):
    code = """
        from numba.np.ufunc import parallel
        started = [pooled() and parallel._is_initialized for _ in range(100)]
        print(started[0], started[-1], started == sorted(started))
    """
    found = python(BEGIN + code, cache, NUMBA_NUM_THREADS="2")
    assert found.split() == ["False", "True", "True"]


def test_little_work_is_shared_only_with_those_at_hand(monkeypatch):
    workers = pytest.importorskip("numbapool.cpu.workers")
    from numbapool.cpu import threads

    monkeypatch.setattr(threads, "_loop", lambda: ("tbb", 1))
    monkeypatch.setattr(threads, "_worked", threads.WORTH_STARTING)
    monkeypatch.setattr(workers, "keep_off", lambda loop: None)

    class Program:
        address, tasks, work = 0, 8, 0.9 * threads.WORTH_WAKING

    class Ways:
        def alone(*words):
            return "alone"

        def together(*words):
            return "shared"

    for rest, work, way in ((1.0, 1, "alone"), (0.0, 1, "shared"), (1.0, 2, "shared")):
        monkeypatch.setattr(workers, "rest", lambda rest=rest: rest)
        Program.work = work * 0.9 * threads.WORTH_WAKING
        assert threads.run((Program, Ways), None, None, None) == way
