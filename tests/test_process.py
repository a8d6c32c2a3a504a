"""What is seen only from outside a process: start-up, the disk cache, threads, fork."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import numbapool

PACKAGE = Path(__file__).parent.parent / "numbapool"


def python(code, cache, path=PACKAGE.parent, **environment):
    """Runs ``code`` in a process of its own; its output."""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env=os.environ
        | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(path)}
        | {"NUMBA_NUM_THREADS": "2"}
        | environment,
        cwd=path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def kernels(cache):
    """Cached machine code and its age."""
    return {path: path.stat().st_mtime_ns for path in Path(cache).rglob("*.nb[ci]")}


def test_importing_is_light(tmp_path):
    code = """
        import sys, numpy
        before = set(sys.modules)
        import numbapool
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(sorted(new & {"numba", "llvmlite", "torch", "matplotlib", "PIL", "tqdm"}))
    """
    assert python(code, tmp_path).strip() == "[]"


MANY = """
    import numpy as np, numbapool
    x = np.arange(2 * 32 * 9 * 9, dtype="f4").reshape(2, 32, 9, 9)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    y, where = numbapool.max_pool2d(x, 2, return_indices=True)
    found = [
        y, numbapool.max_pool2d(x, 2), numbapool.max_pool2d(x, 7, 1), numbapool.min_pool2d(x, 9),
        numbapool.adaptive_max_pool2d(x, 7), numbapool.max_pool3d(x, 2),
        numbapool.median_pool2d(x, 2), numbapool.max_pool2d(last, 2, data_format="channels_last"),
        numbapool.max_unpool2d(y, where, 2, output_size=(9, 9)),
        numbapool.max_pool2d_backward(y, where, x.shape),
        numbapool.avg_pool2d_backward(y, x.shape, 2),
        numbapool.roi_align(x, np.array([[0, 0, 0, 4, 4]], "f4"), 2),
    ]
    print([float(array.ravel()[-1]) for array in found])
"""


def test_every_kernel_comes_from_the_cache_in_a_second_process(tmp_path):
    first = python(MANY, tmp_path)
    made = kernels(tmp_path)
    assert len(made) > 20
    assert python(MANY, tmp_path) == first
    assert kernels(tmp_path) == made


def test_kernels_need_little_of_numba(tmp_path):
    """A fifth of a second, of SciPy most; a function of the caller's own finds it all still."""
    ours = "print(numbapool.max_pool2d(np.eye(16).reshape(1, 1, 16, 16), 2).sum())"
    mine = "print(numba.njit(lambda x: np.dot(np.sort(x), x).real)(np.arange(3.0)))"
    known = "print('numba.np.arraymath' in sys.modules, 'scipy.linalg' in sys.modules)"
    before = "import sys, numba, numpy as np, numbapool"
    for _ in ("compiled", "from disk"):
        found = python("\n".join([before, ours, known, mine]), tmp_path)
        assert found.split() == ["8.0", "False", "False", "5.0"]
    assert python("\n".join([before, mine, ours]), tmp_path / "other").split() == ["5.0", "8.0"]


@pytest.mark.parametrize("frozen", ["", "gc.freeze()"])
def test_a_first_call_leaves_the_collector_as_it_was(cache, frozen):
    """It looks for no garbage among what it makes, and thaws nothing that somebody froze."""
    code = f"""
        import gc
        import numpy as np, numbapool
        {frozen}
        young = [0]
        gc.callbacks.append(lambda phase, info: young.append(len(gc.get_objects(0))))
        numbapool.max_pool2d(np.ones((1, 1, 5, 5)), 2)
        print(gc.isenabled(), gc.get_freeze_count() > 0, max(young) > 10_000)
        """
    assert python(code, cache).split() == ["True", *[str(bool(frozen))] * 2]


def test_kernels_cached_by_two_processes_do_not_mix_in_a_third(tmp_path):
    # The symbols of machine code were alike once, and the second kernel ran the first.
    code = """
        import numpy as np, numbapool
        x = np.arange(144, dtype="u1").reshape(1, 1, 12, 12)
        print([int(pool(x, 2).ravel()[0]) for pool in ({})])
    """
    names = ["numbapool.max_pool2d", "numbapool.min_pool2d"]
    for name in names:
        python(code.format(name + ","), tmp_path)
    assert python(code.format(", ".join(names)), tmp_path).split() == ["[13,", "0]"]


def test_an_edited_source_is_never_served_stale(tmp_path):
    copy = tmp_path / "lib" / "numbapool"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    code = """
        import numpy as np, numbapool
        print(numbapool.max_pool2d(np.array([[[7, 3, 1, 9]]]), (1, 2)).tolist())
    """
    cache = tmp_path / "cache"

    def run():
        # Python's own bytecode cache would miss an edit within a second.
        return python(code, cache, copy.parent, PYTHONDONTWRITEBYTECODE="1").strip()

    assert run() == "[[[7, 9]]]"
    for file, old, new in (
        ("ops/max.py", "candidate > best", "candidate < best"),
        ("cpu/scalars.py", "earlier), later, earlier)", "earlier), earlier, later)"),
    ):
        source = (copy / file).read_text()
        (copy / file).write_text(source.replace(old, new))
        assert run() == "[[[3, 1]]]", file
        (copy / file).write_text(source)


def test_a_damaged_cache_costs_a_compilation_only(tmp_path):
    code = """
        import numpy as np, numbapool
        print(numbapool.max_pool2d(np.arange(16.0).reshape(1, 4, 4), 2).tolist())
    """
    good = python(code, tmp_path)
    for path in kernels(tmp_path):
        path.write_bytes(b"not machine code")
    assert python(code, tmp_path) == good


def test_a_cache_that_cannot_be_written(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    code = """
        import numpy as np, numbapool
        print(numbapool.max_pool2d(np.arange(16.0).reshape(1, 4, 4), 2).tolist())
    """
    assert python(code, blocked / "cache").strip() == "[[[5.0, 7.0], [13.0, 15.0]]]"


THREADS = """
    import threading
    import numpy as np, numbapool
    from numbapool.cpu.threads import layer
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((4, 8, 60 + n, 64)).astype("f4") for n in range(6)]
    expected = [numbapool.max_pool2d(x, 3, 2, num_threads=1) for x in arrays]
    wrong = []
    def work(n):
        for _ in range(40):
            if not (numbapool.max_pool2d(arrays[n], 3, 2) == expected[n]).all():
                wrong.append(n)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    print(layer(), wrong)
"""


@pytest.fixture
def cache(tmp_path_factory):
    """Where processes find kernels of one another."""
    return tmp_path_factory.getbasetemp() / "kernels"


@pytest.mark.parametrize("layer", ["default", "tbb", "omp", "workqueue"])
def test_calls_from_many_threads(cache, layer):
    name, wrong = python(THREADS, cache, NUMBA_THREADING_LAYER=layer).split(maxsplit=1)
    assert wrong.strip() == "[]"
    assert name == (layer if layer != "default" else name)


FORK = """
    import os, warnings
    import numpy as np, numbapool
    from numbapool.cpu.threads import layer
    x = np.random.default_rng(0).standard_normal((4, 8, 64, 64)).astype("f4")
    expected = numbapool.max_pool2d(x, 3, 2)
    warnings.simplefilter("ignore")
    child = os.fork()
    if not child:
        good = all((numbapool.max_pool2d(x, 3, 2) == expected).all() for _ in range(5))
        os._exit(0 if good else 1)
    print(layer(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    assert (numbapool.max_pool2d(x, 3, 2) == expected).all()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("layer", ["default", "tbb", "omp", "workqueue"])
def test_a_forked_child_pools_too(cache, layer):
    _, status = python(FORK, cache, NUMBA_THREADING_LAYER=layer).split()
    assert status == "0"


def test_same_bits_on_any_number_of_threads(cache):
    code = """
        import numpy as np, numba, numbapool
        x = np.random.default_rng(0).standard_normal((3, 7, 90, 90)).astype("f4")
        for call in (lambda n: numbapool.avg_pool2d(x, 3, 1, 1, num_threads=n),
                     lambda n: numbapool.avg_pool2d(x, 45, 9, num_threads=n),
                     lambda n: numbapool.global_avg_pool(x, num_threads=n)):
            one = call(1)
            assert all(call(n).tobytes() == one.tobytes() for n in (2, 3, 4, None))
        numba.set_num_threads(1)
        numbapool.max_pool2d(x, 3, 2, num_threads=3)
        print(numba.get_num_threads())
    """
    assert python(code, cache, NUMBA_NUM_THREADS="4").strip() == "1"


def test_arrays_past_two_to_the_31_elements(cache):
    # One byte an element, and all but a few pages of it never touched.
    code = """
        import numpy as np, numbapool
        x = np.zeros((1, 2**31 // 2**20 + 2, 1024, 1024), np.uint8)
        x[0, -1, -1, -1] = 7
        y = numbapool.max_pool2d(x[:, -2:], 2)
        assert y[0, 1, -1, -1] == 7 and y.sum() == 7
        y = numbapool.max_pool2d(x[..., :2, :], 2)
        y = numbapool.max_pool2d(x[..., -2:, -2:], 2)
        assert y.shape == (1, 2050, 1, 1) and y[0, -1] == 7 and y.sum() == 7
        print("fine")
    """
    assert python(code, cache).strip() == "fine"


ON_TWO_PROCESSORS = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="one processor, or a system that does not tell",
)


@ON_TWO_PROCESSORS
@pytest.mark.parametrize(("layer", "workers"), [("tbb", 1), ("omp", 1), ("workqueue", 0)])
def test_workers_keep_off_the_caller(layer, workers, cache):
    code = """
    import os
    import numpy as np, numbapool
    from numbapool.cpu import workers
    x = np.ones((8, 64, 64, 64), np.float32)  # pays for waking others
    everywhere = os.sched_getaffinity(0)
    assert (numbapool.max_pool2d(x, 3, 2, num_threads=2) == 1).all()
    here = workers._kept_off
    for worker in workers._workers:
        assert os.sched_getaffinity(worker) == everywhere - {here}
    print(len(workers._workers), os.sched_getaffinity(0) == everywhere)
    if not os.fork():
        assert (numbapool.max_pool2d(x, 3, 2, num_threads=2) == 1).all()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
    """
    out = python(code, cache, NUMBA_THREADING_LAYER=layer)
    assert out.split() == [str(workers), "True"]


def test_workers_that_cannot_be_told_are_left_alone(monkeypatch):
    workers = pytest.importorskip("numbapool.cpu.workers")
    met = []
    monkeypatch.setattr(workers, "_processor", iter([0, 1, 0, 1]).__next__)
    monkeypatch.setattr(workers, "_meet", lambda loop: met.append(1) or {1})
    monkeypatch.setattr(workers.numba, "get_num_threads", lambda: 2)
    monkeypatch.setattr(workers, "_workers", None)
    monkeypatch.setattr(workers, "OFTEN", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda thread: {0, 1}, raising=False)
    for error, meetings in ((ProcessLookupError, 2), (PermissionError, 3)):

        def refuse(thread, places, error=error):
            raise error

        monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
        workers.keep_off(0)
        workers.keep_off(0)
        assert len(met) == meetings
    assert workers._workers == set()


@ON_TWO_PROCESSORS
def test_workers_are_left_alone_by_one_thread(cache):
    code = """
        import numba, numpy as np, numbapool
        from numbapool.cpu import threads, workers
        x = np.zeros((8, 64, 56, 56), "f4")
        threads.layer()
        numba.set_num_threads(1)
        numbapool.max_pool2d(x, 3, 2)
        alone = workers._workers
        numbapool.max_pool2d(x, 3, 2, num_threads=2)
        print(alone, numba.get_num_threads(), len(workers._workers))
    """
    assert python(code, cache, NUMBA_THREADING_LAYER="tbb").split() == ["None", "1", "1"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
def test_results_taken_in_a_forked_child_are_refused(cache):
    found = python(
        """
        import os, numpy as np, numbapool
        results = numbapool.pool_batches([np.zeros((1, 1, 4, 4))] * 9, numbapool.max_pool2d, 2)
        next(results)
        if os.fork() == 0:
            try: next(results)
            except RuntimeError as error: print(error, flush=True)
            os._exit(0)
        os.wait()
        print(len(list(results)))
        """,
        cache,
    )
    assert "begun before this process was forked" in found
    assert found.split()[-1] == "8"


def test_an_iterator_dropped_by_its_reader():
    def source():
        yield np.zeros((1, 1, 4, 4))
        held.clear()  # the last reference
        yield np.zeros((1, 1, 4, 4))

    held = []
    held.append(numbapool.pool_batches(source(), numbapool.max_pool2d, 2, depth=1))
    found = next(held[0])
    assert found.shape == (1, 1, 2, 2)
