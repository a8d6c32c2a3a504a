"""The command as a process: its speed, its memory, and the demo, info and warmup commands."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import numbapool
from numbapool.bench import timing
from numbapool.cli import demo, main


def command(*args, **options):
    """Run the command in a process of its own."""
    return python("-m", "numbapool", *args, **options)


def python(*args, **options):
    """Run Python in a process that finds the package wherever this one did."""
    path = str(Path(numbapool.__file__).parents[1])
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(
        [sys.executable, *map(str, args)],
        env={**os.environ, "PYTHONPATH": path},
        text=True,
        timeout=300,
        **options,
    )


TWICE = """
import sys
from numbapool.cli import main
for op in ("max", "min"):
    assert main(["pool", sys.argv[1], "-o", f"{op}.npy", "--op", op, "-k", "2"]) == 0
"""


def test_kernels_cached_by_two_processes_meet_in_a_third(tmp_path, monkeypatch):
    """Each must stay what it is: Numba numbers the symbols of every process from one."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    x = np.random.default_rng(0).integers(0, 256, (30, 40), dtype=np.uint8)
    np.save(tmp_path / "x.npy", x)
    for op in ("max", "min"):
        done = command("pool", tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--op", op, "-k", "2")
        assert done.returncode == 0, done.stderr
    python("-c", TWICE, tmp_path / "x.npy", cwd=tmp_path, check=True)
    windows = x.reshape(15, 2, 20, 2)
    np.testing.assert_array_equal(np.load(tmp_path / "max.npy"), windows.max(axis=(1, 3)))
    np.testing.assert_array_equal(np.load(tmp_path / "min.npy"), windows.min(axis=(1, 3)))


def test_version_and_help_are_quick():
    code = (
        "import sys, json, contextlib, io\n"
        "from numbapool.cli import main\n"
        "for option in ('--version', '--help'):\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as t:\n"
        "        with contextlib.suppress(SystemExit):\n"
        "            main([option])\n"
        "heavy = {'numba', 'matplotlib', 'PIL', 'torch', 'tqdm'} & set(sys.modules)\n"
        "print(json.dumps([sorted(heavy), t.getvalue()]))\n"
    )
    done = python("-c", code, check=True)
    heavy, text = json.loads(done.stdout)
    assert heavy == []
    assert "pool" in text
    assert command("--version").stdout == f"numbapool {numbapool.__version__}\n"


def test_no_command_is_one_line():
    done = command()
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_process_reports_errors_without_a_traceback(tmp_path):
    done = command("pool", tmp_path / "none.npy", "-o", tmp_path / "y.npy", "-k", 3)
    assert done.returncode == 2
    assert done.stderr == f"numbapool pool: error: {tmp_path / 'none.npy'} does not exist\n"


def test_broken_pipe_is_silent(tmp_path):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = command("info", stdout=pipe)
    assert done.returncode != 0
    assert done.stderr == ""


def test_quiet(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 9, 8)))
    args = ["pool", str(tmp_path / "x.npy"), "-o", str(tmp_path / "y.npy"), "-k", "3", "-q"]
    assert main(args) == 0
    assert capsys.readouterr() == ("", "")


LIMITED = """
import resource, sys
import numpy as np
import numbapool
from numbapool.cli import main
numbapool.max_pool2d(np.zeros((64, 1, 320, 320), np.float32), 2)  # compiled, threads started
pages = int(open("/proc/self/statm").read().split()[0])
room = pages * resource.getpagesize() + 350 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (room, room))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_large_array_takes_little_memory(tmp_path):
    """600 MB pass where the process may grow by 350 MB: the array cannot even be mapped."""
    shape = (1500, 1, 320, 320)
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, shape)
    x[0, 0, 0, 0], x[-1, 0, -1, -1] = 1, 2  # the rest stays a hole in the file
    del x
    done = python("-c", LIMITED, "pool", tmp_path / "x.npy", "-o", tmp_path / "y.npy", "-k", 2)
    assert (done.returncode, done.stderr) == (0, "")
    y = np.load(tmp_path / "y.npy", mmap_mode="r")
    assert y.shape == (1500, 1, 160, 160)
    assert (y[0, 0, 0, 0], y[-1, 0, -1, -1]) == (1, 2)
    assert y[1:-1].max() == 0


def test_demo(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    pytest.importorskip("skimage")
    small = [(op, dataclasses.replace(layer, shape=(1, 2, 20, 130))) for op, layer in demo.TIMED]
    monkeypatch.setattr(demo, "TIMED", small)
    monkeypatch.setattr(timing, "SECONDS", 1e-4)
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "-o", str(tmp_path / "demo.png")]) == 0
    out = capsys.readouterr().out
    for text in ("[[2. 3.]\n [5. 1.]]", "[[2 3]\n [5 1]]", "[[2.]]", "[[2]]"):
        assert text in out
    assert "numpy" in out.splitlines()[-5]
    assert [path.name for path in tmp_path.iterdir()] == ["demo.png"]
    picture = np.asarray(
        pytest.importorskip("PIL.Image").open(tmp_path / "demo.png").convert("RGB")
    )
    assert min(picture.shape[:2]) > 500
    assert picture.std() > 20


def test_demo_wants_a_png(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "-o", "demo.jpg"]) == 2
    assert capsys.readouterr().err == (
        "numbapool demo: error: --output names a .png picture, and demo.jpg is none\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_info(capsys):
    import numba

    assert main(["info"]) == 0
    rows = dict(
        line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line[0] != " "
    )
    assert rows["numbapool"] == numbapool.__version__
    assert rows["numpy"] == np.__version__
    assert rows["numba"] == numba.__version__
    assert rows["threads"].endswith(f", {numba.get_num_threads()} threads")
    assert rows["cuda"]  # a GPU, or what there is not
    assert rows["cache"].endswith("compiled kernels")


def test_warmup_fills_the_cache(capsys):
    assert main(["warmup", "--dtype", "float32"]) == 0
    count = int(capsys.readouterr().out.split()[0])
    assert count > 0
    assert main(["info"]) == 0
    assert f"{count} compiled kernels" in capsys.readouterr().out


def test_bench_prints_times_and_draws_them(tmp_path):
    chart = tmp_path / "bench.png"
    done = command("bench", "--only", "(1,1280,7,7)", "-o", chart)
    assert done.returncode == 0, done.stderr
    head, first, *_ = done.stdout.splitlines()
    assert head.split()[:3] == ["microseconds", "numbapool", "numpy"]
    assert first.startswith("global max to 1x1 (1,1280,7,7)")
    assert chart.read_bytes()[:4] == b"\x89PNG"
    refused = command("bench", "--only", "no such layer", "-o", chart)
    assert refused.returncode == 2
    assert "no layer's name has 'no such layer'" in refused.stderr
