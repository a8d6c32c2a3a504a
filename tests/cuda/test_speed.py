"""What times calls on a GPU, on tiny layers: in the simulator its figures mean nothing."""

from __future__ import annotations

import itertools
import re
from functools import partial

import numpy as np
import pytest
from strategies import few
from test_benchmarks import BENCHMARKS, layers, peers, tiny_layers  # noqa: F401

from numbapool.bench import clock, devices
from numbapool.cli import main
from numbapool.cuda.api import SIMULATED


def test_the_command_shows_a_table_and_a_chart(tiny_layers, tmp_path, capsys):  # noqa: F811
    pytest.importorskip("matplotlib")
    chart = tmp_path / "bench.png"
    assert main(["bench", "--target", "cuda", "--only", "to 1x1", "-o", str(chart)]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["microseconds", "numbapool"]
    assert sum(row.startswith("global ") for row in rows) == 2 * len(layers.GLOBAL)
    assert chart.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("name", peers.ON_DEVICE)
def test_a_library_pools_as_the_cpu_does_or_says_why_not(name, tiny_layers):  # noqa: F811
    layer = next(iter(layers.WINDOWS.values()))
    x = layers.sample(layer.shape, "float32")
    if isinstance(devices._made(name), str):
        assert name != "numbapool cuda"
        with pytest.raises(peers.Refused, match=rf"^{re.escape(name)}: \w+"):
            peers.bind(name, "max", layer, x)
        return
    got = peers.arrays(name, peers.bind(name, "max", layer, x))
    want = peers.arrays("numpy", peers.bind("numpy", "max", layer, x))
    peers.compare(name, "max", layer, got, want)


@pytest.mark.parametrize("op", few(devices.FAMILY, ["minmax", "unpool", "roi align",
                                                    "avg backward", "strip"]))  # fmt: skip
def test_every_pooling_is_timed_on_what_it_takes_there(op, tiny_layers):  # noqa: F811
    layer = next(iter(layers.FAMILY.values()))
    x = layers.sample(layer.shape, "float32")
    got = peers.arrays("numbapool cuda", peers.bind("numbapool cuda", op, layer, x))
    want = peers.arrays("numbapool", peers.bind("numbapool", op, layer, x))
    peers.compare("numbapool cuda", op, layer, got, want)


def test_a_clock_takes_turns_and_waits(monkeypatch):
    order = []
    monkeypatch.setattr(clock, "SECONDS", 0)
    monkeypatch.setattr(clock, "TURNS", 3)
    calls = {name: devices.Waited(partial(order.append, name)) for name in "ab"}
    found = clock.Clock().medians(calls)
    turns = [name for name, _ in itertools.groupby(order)]
    assert turns == ["a", "b"] * 4
    assert all(0 < seconds < 1 for seconds in found.values())
    assert clock.Clock().bandwidth() > 0


ASV = [name for name, benchmark in BENCHMARKS.items()
       if any("numbapool cuda" in values for values in benchmark._params)]  # fmt: skip


@pytest.mark.skipif(not SIMULATED, reason="layers are of their own size on a GPU")
@pytest.mark.parametrize("name", ASV)
def test_asv_on_the_device(name, tiny_layers):  # noqa: F811
    benchmark = BENCHMARKS[name]
    for number, params in enumerate(itertools.product(*benchmark._params)):
        benchmark.set_param_idx(number)
        if params[0] == "numbapool cuda" and not benchmark.do_setup():
            result = benchmark.func(*params)
            if benchmark.type == "track":
                assert result > 0 or np.isnan(result)
            benchmark.do_teardown()
            return
    pytest.fail(f"nothing of {name} runs on the device")


def test_asv_times_every_window_on_the_device():
    assert {"pooling.Max.time_call", "pooling.GlobalAverage.time_call", "pooling.Family.time_call",
            "ratios.RatiosOnDevice.track_share_of_copy"} <= set(ASV)  # fmt: skip
