"""Every benchmark runs, on tiny layers; and none would time a wrong result."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
asv_runner = pytest.importorskip("asv_runner.discovery")
from asv_runner._aux import update_sys_path  # noqa: E402

ROOT = Path(__file__).parents[1]
update_sys_path(str(ROOT / "benchmarks"))  # as asv imports them: the package, not its parent

from strategies import WIDTHS, few  # noqa: E402

import numbapool  # noqa: E402
from benchmarks import models, readme, report, table, turns  # noqa: E402
from benchmarks.bars import layers as bars_layers  # noqa: E402
from benchmarks.bars import shapes  # noqa: E402
from benchmarks.bars.__main__ import main as bars_main  # noqa: E402
from benchmarks.bars.bar import AGAIN, Bar, floor, once_more, over, pair, worst_of_runs  # noqa: E402
from benchmarks.bars.bar import markdown as bars_markdown  # noqa: E402
from benchmarks.bars.groups import measured  # noqa: E402
from numbapool.bench import devices, family, layers, peers, timing  # noqa: E402

TABLES = (layers.WINDOWS, layers.TINY, layers.ADAPTIVE, layers.GLOBAL, layers.FAMILY)
BENCHMARKS = {b.name: b for b in asv_runner.disc_benchmarks(str(ROOT / "benchmarks"))}
CASES = [
    pytest.param(name, number, params, id="-".join((name, *map(str, params))))
    for name, benchmark in BENCHMARKS.items()
    for number, params in enumerate(itertools.product(*benchmark._params))
    # Every layer by one dtype, and every dtype by one layer.
    if not {"float64", "uint8"} & set(params) or next(iter(layers.WINDOWS)) in params
]

#: A fifth, and the first of each benchmark.
SOME = [case for number, case in enumerate(CASES)
        if number % 5 == 0 or case.values[0] != CASES[number - 1].values[0]]  # fmt: skip


def tiny(layer):
    """The same layer over a plane that is just large enough.

    Windows lie in rows as wide as those of other tests: the kernels are theirs.
    """
    if isinstance(layer, layers.Bins):
        return dataclasses.replace(layer, shape=(2, 3, *(size + 4 for size in layer.output)))
    *outer, across = layer.kernel
    shape = (2, 3, *(size + 4 for size in outer), max(across + 4, WIDTHS[-1]))
    return dataclasses.replace(layer, shape=shape)


@pytest.fixture
def tiny_layers(monkeypatch):
    for named in TABLES:
        for name, layer in named.items():
            monkeypatch.setitem(named, name, tiny(layer))
    monkeypatch.setattr(timing, "SECONDS", 1e-4)


@pytest.fixture
def wrong(monkeypatch):
    """An implementation whose maxima are one too large."""

    def bind(x, layer):
        right = peers.IMPLEMENTATIONS["numpy"]["max"](x, layer)
        return lambda: right() + 1

    monkeypatch.setitem(peers.IMPLEMENTATIONS, "numbapool", {"max": bind})


def test_asv_finds_every_kind():
    kinds = {re.match(r"\w+\.\w+\.([a-z]+)_", name)[1] for name in BENCHMARKS}
    modules = {name.partition(".")[0] for name in BENCHMARKS}
    assert kinds == {"time", "timeraw", "track"}
    assert modules == {"pooling", "ratios", "startup", "memory"}


def test_every_pooling_is_timed():
    ops = {name.removesuffix("_pool2d").replace("_", " ") for name in vars(numbapool)
           if name.endswith("_pool2d")}  # fmt: skip
    assert ops <= set(peers.IMPLEMENTATIONS["numbapool"])
    assert set(family.OURS) <= set(peers.IMPLEMENTATIONS["numpy"])
    assert set(family.of_torch(torch, torch.from_numpy)) < set(family.OURS)


@pytest.mark.parametrize(("name", "number", "params"), few(CASES, SOME))
def test_runs(name, number, params, tiny_layers):
    benchmark = BENCHMARKS[name]
    if params:
        benchmark.set_param_idx(number)
    if benchmark.do_setup():  # a skip
        assert params[0].startswith(("torch", "onnxruntime", "openvino")) or (
            params[0] in peers.ON_DEVICE
        )
        assert params[0] not in peers.IMPLEMENTATIONS or (params[0], params[-1]) != (
            "torch", "float32"
        )  # fmt: skip
        benchmark.do_teardown()  # asv does so too
        return
    result = benchmark.func(*params)
    if benchmark.type == "track":
        assert result >= 0
    elif name.startswith("startup"):
        call, setup = result if isinstance(result, tuple) else (result, "")
        subprocess.run([sys.executable, "-c", f"{setup}\n{call}"], check=True, cwd=ROOT)
    benchmark.do_teardown()


def test_a_wrong_result_is_not_timed(wrong, tiny_layers):
    name = next(iter(layers.WINDOWS))
    setup = BENCHMARKS["pooling.Max.time_call"].func.__self__.setup
    with pytest.raises(peers.WrongResultError, match="values differ"):
        setup("numbapool", name, "float32")
    with pytest.raises(peers.WrongResultError):
        table.timed("max", layers.WINDOWS[name])


@pytest.mark.parametrize(
    "got",
    [np.zeros((1, 2), np.float64), np.zeros((2, 1), np.float32), np.ones((1, 2), np.float32)],
    ids=["dtype", "shape", "value"],
)
def test_compare_sees(got):
    layer = layers.Window((1, 1, 2, 4), (2, 2), (2, 2))
    want = np.zeros((1, 2), np.float32)
    peers.compare("numpy", "avg", layer, (want,), (want.copy(),))
    with pytest.raises(peers.WrongResultError):
        peers.compare("numpy", "avg", layer, (got,), (want,))


def test_a_refusal_of_numbapool_is_no_skip():
    def refuse():
        raise RuntimeError("not implemented for uint8")

    with pytest.raises(peers.Refused):
        peers.arrays("torch", refuse)
    with pytest.raises(RuntimeError, match="not implemented for"):
        peers.arrays("numbapool", refuse)


@pytest.mark.parametrize("op", ["max", "max with indices", "avg"])
def test_numpy_baseline_on_the_layers_of_models(op):
    """All windows of the CSV, shrunk, against torch; NaN and ties too."""
    windows = {tiny(layer) for _, layer in models.read_layers(10**12) if layer.taps < 500}
    for layer in windows:
        x = layers.sample(layer.shape, "float32").round(1)
        if op != "avg":
            x[0, 0, 1:3, 1:3] = np.nan
        got, want = (
            peers.arrays(name, peers.bind(name, op, layer, x))
            for name in ("numpy", "torch")
        )
        for mine, theirs in zip(got, want, strict=True):
            assert mine.dtype == theirs.dtype
            np.testing.assert_allclose(mine, theirs, rtol=1e-4 if op == "avg" else 0)


def test_jax_and_numpy_agree():
    jax = pytest.importorskip("jax")
    found = devices.of_jax(jax, jax.devices("cpu")[0])
    for layer, ops in [
        (layers.Window((2, 3, 9, 8), (3, 3), (2, 2), (1, 1)), ("max", "avg")),
        (layers.Window((2, 3, 9, 8), (3, 2), (2, 2), (1, 1), (1, 1), True, False), ("max", "avg")),
        (layers.Window((2, 3, 9, 8), (2, 2), (1, 1), dilation=(2, 2)), ("max",)),
        (layers.Bins((2, 3, 9, 8)), ("global max", "global avg")),
    ]:
        x = layers.sample(layer.shape, "float32")
        for op in ops:
            got = peers.arrays("jax", found[op](x, layer))
            want = peers.arrays("numpy", peers.bind("numpy", op, layer, x))
            peers.compare("jax", op, layer, got, want)


@pytest.fixture
def feigned(monkeypatch):
    """torch and CuPy as they would be with a GPU, on the host."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.Tensor, "cuda", lambda tensor: tensor)
    monkeypatch.setattr(torch, "compile", lambda function: function)
    monkeypatch.setattr(torch.compiler, "reset", lambda: None)
    cupy = SimpleNamespace(asarray=np.asarray, cuda=SimpleNamespace(
        runtime=SimpleNamespace(getDeviceCount=lambda: 1)))  # fmt: skip
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    devices._made.cache_clear()
    yield
    devices._made.cache_clear()


@pytest.mark.parametrize("name", peers.ON_DEVICE[1:5])
def test_peers_of_a_gpu_pool_as_those_of_the_cpu(name, feigned):
    window, bins = layers.Window((2, 8, 9, 8), (3, 3), (2, 2), (1, 1)), layers.Bins((2, 8, 9, 8))
    for op in peers.implementation(name):
        if op in family.OURS and op != "lp":
            continue  # by the same functions as on the CPU
        layer = bins if op.startswith(("adaptive", "global", "pyramid")) else window
        x = layers.sample(layer.shape, "float32")
        got = peers.arrays(name, peers.bind(name, op, layer, x))
        peers.compare(name, op, layer, got, peers.arrays(
            "numbapool", peers.bind("numbapool", op, layer, x)))  # fmt: skip
    with pytest.raises(peers.Refused, match=f"{re.escape(name)} has no nothing"):
        peers.bind(name, "nothing", window, x)


def test_csv_names_are_different():
    names = [f"{op} {layer}" for op, layer in models.read_layers(20_000_000)]
    assert len(names) == len(set(names)) > 150


def test_medians_take_turns(monkeypatch):
    monkeypatch.setattr(timing, "SECONDS", 1e-3)
    order = []
    medians = timing.medians({name: partial(order.append, name) for name in "ab"})
    turns = [name for name, _ in itertools.groupby(order)]
    assert turns == ["a", "b"] * timing.TURNS
    assert all(0 < seconds < 1 for seconds in medians.values())


def rows(*over_torch):
    return [
        report.Row("max", "3x3/s2", f"layer {over}", {
            "numbapool": 1.0, "torch": over, "numpy": 8.0, "copy": 0.5
        })
        for over in over_torch
    ]  # fmt: skip


def test_groups_and_total():
    two, other, total = report.groups(
        [*rows(4.0, 9.0), dataclasses.replace(rows(1.0)[0], op="avg")], least=2
    )
    assert two.cells() == ("max 3x3/s2", "2", "6.0", "4.0", "8.0", "2.0")
    assert other.cells()[:4] == ("other windows", "1", "1.0", "1.0")
    assert (total.name, total.count, total.least) == ("all", 3, 1.0)


def test_update_keeps_the_rest_of_the_readme(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("above\n{}\nold\n{}\nbelow\n".format(*report.MARKS))
    text = report.markdown({"values": rows(4.0)})
    report.update(readme, text)
    report.update(readme, text)
    assert readme.read_text() == f"above\n{report.MARKS[0]}\n{text}\n{report.MARKS[1]}\nbelow\n"
    readme.write_text("no marks")
    with pytest.raises(SystemExit, match="no single place"):
        report.update(readme, text)


def test_table_end_to_end(monkeypatch, tmp_path, capsys, tiny_layers):
    monkeypatch.setattr(
        table, "read_layers", lambda most: [(op, tiny(x)) for op, x in models.read_layers(most)]
    )
    out = tmp_path / "out.json"
    arguments = ["--filter", "max 3x3/s2", "--limit", "3", "--json", str(out)]
    assert table.main(arguments) == 0
    assert "slowest over torch" in capsys.readouterr().out
    written = json.loads(out.read_text())
    assert len(written["layers"]["values"]) == len(written["layers"]["max with indices"]) == 3
    assert table.main([*arguments, "--markdown", "--require-geomean", "1e9"]) == 1
    assert table.main([*arguments, "--require-min", "1e9"]) == 1


def test_asv_check():
    pytest.importorskip("asv")
    command = [sys.executable, "-m", "asv", "check", "--environment", "existing:same"]
    environment = os.environ | {"ASV_PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_bars_take_the_worst_of_runs():
    fast, slow = Bar("speed", 2, 3.0), Bar("speed", 2, 1.5, where="a layer")
    small, large = Bar("cost", 2, 1.0, most=True), Bar("cost", 2, 3.0, most=True, where="here")
    assert worst_of_runs([[fast, large], [slow, small]]) == [slow, large]
    assert (fast.met, slow.met, small.met, large.met) == (True, False, True, False)
    assert slow.cells() == ("speed", "≥ 2", "1.50", "", "missed (a layer)")
    assert "≤ 2" in bars_markdown([large])


def test_what_looks_worst_is_measured_once_more():
    first = {str(number): {"ours": float(number)} for number in range(1, 20)}
    found = dict(first)
    once_more(found, lambda seconds: seconds["ours"], lambda name: {"ours": 30.0 + len(name)})
    asked = [name for name in found if found[name] != first[name]]
    assert asked == [str(number) for number in range(1, AGAIN + 1)]


def test_bars_tell_what_a_copy_would_have_had():
    seconds = {"a": {"numbapool": 2.0, "copy": 1.0}, "b": {"numbapool": 1.0, "copy": 1.0}}
    mean, least = pair("speed", (3, 1), {"a": 1.5, "b": 6.0}, seconds)
    assert (mean.value, mean.copy) == (pytest.approx(3), pytest.approx(18**0.5))
    assert least.cells() == ("speed, least", "≥ 1", "1.50", "3.00", "met")
    text = bars_markdown([mean, least, Bar("cost", 2, 1.0)])
    assert "the floor" in text
    assert "4.24" in text
    assert "the floor" not in bars_markdown([Bar("cost", 2, 1.0)])
    assert pair("speed", (3, 1), {"a": 1.5}, {"a": {"numbapool": 2.0}})[0].copy is None
    read = {"numbapool": 2.0, "copy": 1.0, "reading": 1.5, "reading otherwise": 1.25, "torch": 3.0}
    assert (floor(read), over(read)) == (1.25, 1.5)


def test_bars_of_layers(monkeypatch, tiny_layers):
    few = [(op, tiny(layer)) for op, layer in models.read_layers(10**12)][::40]
    monkeypatch.setattr(bars_layers, "read_layers", lambda most: few)
    monkeypatch.setattr(timing, "PAUSES", {})
    found = bars_layers.bars(1)
    assert [bar.what.partition(",")[0] for bar in found[:5]] == ["layers"] * 5
    assert all(bar.value > 0 for bar in found)
    assert all((bar.copy is None) == ("times as long" in bar.what) for bar in found)


def test_the_bars_command(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(timing, "SECONDS", 1e-4)
    monkeypatch.setattr(shapes, "PAST_CACHES", (1, 2, 32, 32))
    monkeypatch.setattr(shapes, "LAYERS", shapes.LAYERS[:1])
    out = tmp_path / "bars.json"
    options = ["--only", "copies", "nan", "--runs", "2", "--json", str(out)]
    missed = bars_main(options, measured)
    written = json.loads(out.read_text())
    assert [bar["most"] for bar in written["bars"]] == [True, True]
    assert missed == any(bar["value"] > bar["limit"] for bar in written["bars"])
    assert "NaN" in capsys.readouterr().out


def test_bars_are_measured_in_a_process_of_their_own():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bars", "--only", "tiny"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    assert "tiny call" in done.stdout


def test_the_readme_comes_from_the_committed_results():
    found = json.loads(readme.LAYERS.read_text())
    text = report.markdown(readme.rows(found))
    assert text in (ROOT / "README.md").read_text()


def test_checkouts_by_turns(tmp_path, capsys):
    only = ["--only", "max 3x3/s2/p1 (1,10,112,112)", "--rounds", "1", "--indices"]
    turns.main([str(ROOT), str(ROOT), *only])
    told = capsys.readouterr().out
    assert re.search(r"^max 3x3/s2/p1 \(1,10,112,112\) .*first .* us .*\| median .* us", told)
    assert re.search(r"^old over new, mean of 1: first [\d.]+, least [\d.]+, median", told, re.M)
    (tmp_path / "numbapool").mkdir()
    wrong = "def max_pool2d(x, *_, **__): return x[..., ::2, ::2].copy(), x[0].copy()"
    (tmp_path / "numbapool" / "__init__.py").write_text(wrong)
    with pytest.raises(SystemExit, match="the results differ"):
        turns.main([str(ROOT), str(tmp_path), *only])
    with pytest.raises(SystemExit, match="no checkout of numbapool: nowhere"):
        turns.main(["nowhere", str(ROOT)])
    with pytest.raises(SystemExit, match="no layer of at most 20000000 elements has 'none'"):
        turns.main([str(ROOT), str(ROOT), "--only", "none"])
    (tmp_path / "numbapool" / "__init__.py").write_text("raise SystemExit(1)")
    with pytest.raises(SystemExit, match=f"what lies in {re.escape(str(tmp_path))} failed"):
        turns.main([str(ROOT), str(tmp_path), *only])
