"""All that is to be known of a GPU by one command: ``python benchmarks/gpu.py --out FOLDER``.

The tests, every pooling against the libraries that are here and against a copy, the cost of a
launch, batches that stream, and compute-sanitizer. Writes ``gpu.json`` and ``gpu.md`` to the
folder, after every part. Ends in under eight minutes: what there was no time for is named.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

if not __package__:  # run by its path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

SECONDS = 450
PARTS = ("large arrays", "launch", "streaming", "over 2**31 elements", "tests", "layers of models",
         "every op", "torch.compile", "sanitizer")  # fmt: skip


def functions() -> dict[str, Callable[[Any], None]]:
    """The parts, most important first; imported here, since asv imports this file anywhere."""
    from benchmarks.device import calls, checks, speed

    return dict(zip(PARTS, (
        speed.large, calls.launch, calls.streaming, checks.beyond, checks.tests, speed.layers,
        speed.every_op, speed.compiled, checks.sanitizer,
    ), strict=True))  # fmt: skip


def measure(run: Any, name: str, part: Callable[[Any], None]) -> None:
    """One part; what it raises is told, and the others are worth as much without it."""
    from numbapool.bench.peers import no_gradients

    print(f"measuring {name}, {run.left:.0f} seconds left", file=sys.stderr, flush=True)
    began = time.monotonic()
    try:
        with no_gradients():
            part(run)
    except Exception as error:
        run.wrong[name] = f"{type(error).__name__}: {error}"
    run.took[name] = time.monotonic() - began


def write(run: Any, folder: Path) -> None:
    """Both files, as far as the run has come."""
    from benchmarks.device.text import markdown_of

    found = run.as_json()
    (folder / "gpu.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / "gpu.md").write_text(markdown_of(found), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 where a bar is missed or a result is wrong, or 2 where there is no GPU."""
    parser = argparse.ArgumentParser(prog="python benchmarks/gpu.py", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="made if need be")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="default: %(default)s")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="some of the parts")
    parser.add_argument("--tiny", action="store_true", help="tiny cases, for Numba's simulator")
    options = parser.parse_args(arguments)
    try:
        from numbapool.cuda import api

        api.check()
    except (ImportError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    from benchmarks.device.run import Run

    options.out.mkdir(parents=True, exist_ok=True)
    run = Run(options.seconds, options.tiny)
    for name, part in functions().items():
        if options.only and name not in options.only:
            continue
        if run.left > 0:
            measure(run, name, part)
        else:
            run.skipped[name] = "out of time"
        write(run, options.out)
    print((options.out / "gpu.md").read_text(encoding="utf-8"))
    return int(bool(run.wrong) or not all(bar.met for bar in run.bars))


if __name__ == "__main__":
    raise SystemExit(main())
