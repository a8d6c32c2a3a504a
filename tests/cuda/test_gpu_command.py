"""`benchmarks/gpu.py` whole, on tiny cases: the forms of what it writes, and what it leaves out."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from test_benchmarks import ROOT  # and with it, benchmarks can be imported

from benchmarks import gpu
from benchmarks.device import checks, short, speed
from benchmarks.device.run import LEAST, MOST, Run
from benchmarks.device.text import markdown_of
from numbapool.bench import peers
from numbapool.cuda import program
from numbapool.cuda.api import SIMULATED, cuda

pytestmark = pytest.mark.skipif(not SIMULATED, reason="on a GPU, the command runs these tests")


def test_a_whole_run(tmp_path):
    command = [sys.executable, ROOT / "benchmarks" / "gpu.py", "--tiny", "--out", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    found = json.loads((tmp_path / "out" / "gpu.json").read_text())
    text = (tmp_path / "out" / "gpu.md").read_text()
    assert found["wrong"] == {}, done.stderr
    assert done.returncode == int(not all(bar["met"] for bar in found["bars"]))
    assert done.stdout.strip() == text.strip()
    assert list(found["seconds"]) == list(gpu.PARTS)
    assert found["tiny"]
    assert found["copy_bytes_per_second"] > 0
    whats = [bar["what"] for bar in found["bars"]]
    assert {what.partition(",")[0] for what in whats} >= {"2x2/s2", "tiny call", "streaming"}
    assert sorted(whats + found["not measured"]) == sorted(LEAST | MOST)
    for part in ("large arrays", "every op", "layers of models"):
        for row in found["found"][part]:
            assert row["name"]
            assert row["bytes"] > 0
            assert row["seconds"]["numbapool cuda"] > 0
            assert row["name"] in text
    assert "1 passed" in found["found"]["tests"]["last line"]
    assert all(name in found["skipped"] or name in found["found"]["large arrays"][0]["seconds"]
               for name in peers.ON_DEVICE)  # fmt: skip
    for what in (*LEAST, *MOST, *found["skipped"]):
        assert what in text


def test_what_there_is_no_time_for_is_named(tmp_path, capsys):
    assert gpu.main(["--tiny", "--seconds", "0", "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["skipped"] == dict.fromkeys(gpu.PARTS, "out of time")
    assert "- launch: out of time" in capsys.readouterr().out
    run = Run(seconds=60, tiny=True)
    assert list(run.within("layers", ["a", "b", "c"], keep=0)) == ["a", "b", "c"]
    assert list(run.within("layers", [("a", 1), "b"], keep=100)) == []
    assert run.skipped == {"layers": "out of time after 0 of 2; left out: a 1, b"}
    kept = [speed.LATER[part] for part in gpu.PARTS if part in speed.LATER]
    assert kept == sorted(kept, reverse=True)  # one that takes all its time leaves some to the next
    assert gpu.SECONDS > kept[0] > kept[-1] > checks.KEPT


def test_a_wrong_result_is_told_and_not_timed(monkeypatch):
    def bind(x, layer):
        right = peers.IMPLEMENTATIONS["numpy"]["max"](x, layer)
        return lambda: right() + 1

    monkeypatch.setattr(peers, "implementation", lambda name: {"max": bind} if (
        name == "numbapool cuda") else peers.IMPLEMENTATIONS[name])  # fmt: skip
    run = Run(seconds=600, tiny=True)
    run.__dict__["libraries"] = ("numbapool cuda",)
    assert speed.rows(run, "large arrays", [speed.COPIED[0]]) == []
    ((case, why),) = run.wrong.items()
    assert case.startswith("max 2x2/s2")
    assert "values differ" in why
    assert f"- {case}: WrongResultError" in markdown_of(run.as_json())


def test_bars_are_of_the_worst_case_and_of_the_mean(monkeypatch):
    monkeypatch.setattr(speed, "_cases", lambda run, cases: cases)
    seconds = {"numbapool cuda": 1e-4, "torch cuda": 4e-4}
    monkeypatch.setattr(speed, "timed", lambda run, case, names, brief: {
        "name": str(case), "bytes": 8, "share": 0.5 if case.dtype == "float16" else 0.95,
        "seconds": seconds if case.op == "max" else seconds | {"torch cuda": 0.5e-4},
    })  # fmt: skip
    run = Run(seconds=600, tiny=False)
    for part in (speed.large, speed.layers, speed.every_op):
        part(run)
    found = {bar.what: bar for bar in run.bars}
    for window in ("2x2/s2", "3x3/s2", "3x3/s1", "global"):
        bar = found[f"{window}, share of a copy's bandwidth"]
        assert (bar.value, bar.met) == (0.5, False)
        assert "float16" in bar.where
    assert found["layers, torch, least"].value == 0.5
    assert 0.5 < found["layers, torch, geometric mean"].value < 4
    assert found["layers with indices, torch, geometric mean"].value == pytest.approx(0.5)
    assert found["13x13/s1, torch"].value == 0.5
    names = [row["name"] for row in run.found["layers of models"]]
    assert len(set(names)) == len(names) > 250
    text = markdown_of(run.as_json())
    assert "over torch cuda" in text
    assert "Not measured: streaming, share of the slowest of copies and kernel; tiny call" in text


def test_a_part_that_fails_leaves_the_others(tmp_path, monkeypatch, capsys):
    def fails(run):
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr(gpu, "functions", lambda: {"launch": fails, "streaming": lambda run: None})
    assert gpu.main(["--tiny", "--out", str(tmp_path)]) == 1
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["wrong"] == {"launch": "ZeroDivisionError: by chance"}
    assert list(found["seconds"]) == ["launch", "streaming"]


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("print('3 passed')", {}),
        ("print('FAILED a - b\\n1 failed'); exit(1)", {"tests": "1 failed"}),
        ("import time; print('..', flush=True); time.sleep(60)", {}),
    ],
)
def test_tests_that_fail_or_take_too_long_are_told(code, wrong, monkeypatch):
    real = subprocess.run
    monkeypatch.setattr(checks.subprocess, "run", lambda command, timeout, **more: real(
        [sys.executable, "-c", code], timeout=min(timeout, 1), **more))  # fmt: skip
    run = Run(seconds=60, tiny=True)
    checks.tests(run)
    assert run.wrong == wrong
    assert ("cut off" in run.skipped.get("tests", "")) == ("sleep" in code)


def test_a_large_plane_that_is_wrong_is_told(monkeypatch):
    run = Run(seconds=60, tiny=True)
    monkeypatch.setattr(checks.devices, "to_device", lambda: lambda x: cuda.to_device(x + 1))
    checks.beyond(run)
    assert next(iter(run.wrong)) == "values over 2**31 elements"


def test_every_kernel_is_in_the_short_run(monkeypatch):
    ran, launch = set(), program.Program.launch

    def seen(self, *given):
        ran.update(step.name for step in self.steps)
        launch(self, *given)

    monkeypatch.setattr(program.Program, "launch", seen)
    for call in short.CALLS.values():
        call(cuda.to_device(np.ones(short.SHAPE, np.float32)))
    assert ran == set(program.MAKERS)
    # To compare all of them is to compile as many for the CPU.
    call = short.CALLS["windows"]
    monkeypatch.setattr(short, "CALLS", {"windows": call})
    assert short.main() == 0

    def off(x):
        return call(x if isinstance(x, np.ndarray) else cuda.to_device(x.copy_to_host() + 1))

    monkeypatch.setattr(short, "CALLS", {"off": off})
    with pytest.raises(AssertionError, match="off"):
        short.main()
