"""Poolings against the libraries that are here, and against a copy of as many bytes."""

from __future__ import annotations

import dataclasses
import random
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from numbapool.bench import devices
from numbapool.bench.layers import Bins, Layer, Window, sample
from numbapool.bench.peers import Refused, arrays, calls

from ..models import read_layers
from .run import Run

OURS, TORCH = "numbapool cuda", "torch cuda"
#: What is compiled for every layer: left out where there are many.
SLOW = ("torch.compile cuda", "jax")
#: Seconds that are left for the parts after each.
LATER = {"large arrays": 250, "layers of models": 130, "every op": 85, "torch.compile": 60}
BRIEF = 0.02  # seconds of samples, where there are many layers


class Case(NamedTuple):
    """What is timed."""

    op: str
    layer: Layer
    dtype: str = "float32"

    def __str__(self) -> str:
        return f"{self.op} {self.layer} {self.dtype}"


PLANES = (16, 64, 224, 224)
#: Held to a share of a copy's bandwidth.
COPIED = [
    Case(op, layer, dtype)
    for op, layer in [
        ("max", Window(PLANES, (2, 2), (2, 2))),
        ("max", Window(PLANES, (3, 3), (2, 2), (1, 1))),
        ("max", Window(PLANES, (3, 3), (1, 1), (1, 1))),
        ("avg", Window(PLANES, (2, 2), (2, 2))),
        ("global max", Bins((64, 256, 56, 56))),
        ("global avg", Bins((64, 256, 56, 56))),
    ]
    for dtype in ("float32", "float16")
]
LARGE = [
    Case("max with indices", Window(PLANES, (2, 2), (2, 2))),
    Case("max with indices", Window(PLANES, (3, 3), (2, 2), (1, 1))),
    Case("max", Window((32, 256, 40, 40), (13, 13), (1, 1), (6, 6))),
    Case("max with indices", Window((32, 256, 40, 40), (13, 13), (1, 1), (6, 6))),
    Case("avg", Window((32, 256, 40, 40), (13, 13), (1, 1), (6, 6))),
]


def shrunk(layer: Layer) -> Layer:
    """The same over a plane that is just large enough."""
    least = layer.kernel if isinstance(layer, Window) else layer.output
    return dataclasses.replace(layer, shape=(1, 2, *(size + 3 for size in least)))


def _cases(run: Run, cases: Sequence[Case]) -> list[Case]:
    """Cases; in a run to try it out, a few of them shrunk."""
    if not run.tiny:
        return list(cases)
    return [case._replace(layer=shrunk(case.layer)) for case in cases[:: max(len(cases) // 3, 1)]]


def timed(run: Run, case: Case, names: Sequence[str], seconds: float | None) -> dict[str, Any]:
    """One row: seconds by implementation, and the share of a copy; results are judged by torch's.

    What torch does not have is judged by the CPU, which has to be compiled for that.
    """
    x = sample(case.layer.shape, case.dtype)
    judge = TORCH if TORCH in names and case.op in devices.implementation(TORCH) else "numbapool"
    bound = calls(names, case.op, case.layer, x, judge)
    if OURS not in bound:
        raise Refused(f"numbapool does not take {case}")
    moved = x.nbytes + sum(part.nbytes for part in arrays(OURS, bound[OURS]))
    found = run.clock.medians(bound, seconds)
    share = moved / found[OURS] / run.bandwidth
    return {"name": str(case), "seconds": found, "bytes": moved, "share": share}


def rows(
    run: Run, what: str, cases: Sequence[Case], without: Sequence[str] = ("torch.compile cuda",),
    seconds: float | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """All cases that there is time for; one that fails is told, and the rest go on."""
    names = [name for name in run.libraries if name not in without]
    found = run.found[what] = []
    for case in run.within(what, _cases(run, cases), LATER[what]):
        try:
            found.append(timed(run, case, names, seconds))
        except Exception as error:
            run.wrong[str(case)] = f"{type(error).__name__}: {error}"
    return found


def over_torch(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    return {row["name"]: row["seconds"][TORCH] / row["seconds"][OURS]
            for row in rows if TORCH in row["seconds"]}  # fmt: skip


def large(run: Run) -> None:
    """What is far past the caches: shares of a copy, and every library."""
    found = rows(run, "large arrays", [*COPIED, *LARGE])
    held = {str(case) for case in _cases(run, COPIED)}
    for window in ("2x2/s2", "3x3/s2", "3x3/s1", "global"):
        shares = {row["name"]: row["share"] for row in found
                  if row["name"] in held and window in row["name"]}  # fmt: skip
        run.bar(f"{window}, share of a copy's bandwidth", shares)
    over = over_torch(found)
    run.bar("13x13/s1, torch", {name: over[name] for name in over if " 13x13/s1" in name})


def every_op(run: Run) -> None:
    """Every further pooling once."""
    layer = Window((32, 64, 112, 112), (3, 3), (2, 2))
    bins = Bins(layer.shape, (6, 6))
    seen = {case.op for case in (*COPIED, *LARGE)}
    cases = [Case(op, bins if op.startswith("adaptive") else layer)
             for op in devices.implementation(OURS) if op not in seen]  # fmt: skip
    rows(run, "every op", cases[::6] if run.tiny else cases, SLOW, BRIEF)


def compiled(run: Run) -> None:
    """torch.compile, which takes seconds a case."""
    if "torch.compile cuda" in run.libraries:
        others = [name for name in run.libraries if name not in (OURS, TORCH, "torch.compile cuda")]
        rows(run, "torch.compile", [case for case in COPIED if case.dtype == "float32"], others)


def layers(run: Run) -> None:
    """Layers of real models, in an order that is cut anywhere and stays a fair choice."""
    cases = [Case(op, layer) for op, layer in read_layers(20_000_000)]
    cases += [Case("max with indices", layer) for op, layer, _ in cases if op == "max"]
    random.Random(0).shuffle(cases)
    over = over_torch(rows(run, "layers of models", cases, SLOW, BRIEF))
    for what, indexed in (("layers", False), ("layers with indices", True)):
        some = {name: over[name] for name in over if ("with indices" in name) == indexed}
        if some:
            mean = {"": statistics.geometric_mean(some.values())}
            run.bar(f"{what}, torch, geometric mean", mean)
            run.bar(f"{what}, torch, least", some)
