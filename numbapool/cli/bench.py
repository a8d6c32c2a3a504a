"""The ``bench`` command: this machine's times, against what else is installed here."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from numbapool.cli.common import CommandError, progress, require
from numbapool.cli.sinks import Atomic
from numbapool.targets import TARGETS

NAMES = {
    "cpu": ("numpy", "torch", "torch channels_last", "onnxruntime", "openvino"),
    "cuda": ("torch cuda", "torch cuda channels_last", "cupy", "jax"),
}
Seconds = dict[str, float]


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("bench", help="time layers of models against what is installed")
    parser.add_argument("--only", default="", metavar="TEXT", help="layers whose name has this")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("numbapool-bench.png"),
        metavar="FILE",
        help="the bar chart to write; default: %(default)s",
    )
    parser.add_argument("--target", choices=TARGETS, default="cpu", help="default: %(default)s")
    parser.add_argument("-q", "--quiet", action="store_true", help="no bar")
    parser.set_defaults(run=run)


def _cases(only: str) -> list[tuple[str, Any]]:
    """Give the op and the layer of every case whose name has the text."""
    from numbapool.bench import layers

    windows, bins, planes = layers.WINDOWS, layers.ADAPTIVE, layers.GLOBAL
    ops = {"max": windows, "max with indices": windows, "avg": windows, "adaptive max": bins,
           "adaptive avg": bins, "global max": planes, "global avg": planes}  # fmt: skip
    return [
        (op, layer) for op, named in ops.items() for layer in named.values()
        if only in f"{op} {layer}"
    ]  # fmt: skip


def measure(
    cases: Iterable[tuple[str, Any]], names: Sequence[str], target: str = "cpu"
) -> Iterator[Seconds]:
    """
    Time each case, results checked.

    Parameters
    ----------
    cases : iterable of (str, Layer)
        What to time.
    names : sequence of str
        Peers; those that are not installed or have no such pooling are left out.
    target : str
        Where numbapool pools.

    Yields
    ------
    dict
        Median seconds by implementation; on a GPU by its own clock, its caches emptied before
        each call.
    """
    from numbapool.bench import layers, peers, timing

    ours, medians = "numbapool", timing.medians
    if target == "cuda":
        from numbapool.cuda import api

        api.check()
        from numbapool.bench.clock import Clock

        ours, medians = "numbapool cuda", Clock().medians
    with peers.no_gradients():
        for op, layer in cases:
            x = layers.sample(layer.shape, "float32")
            found = medians(peers.calls((ours, *names), op, layer, x))
            yield {name.replace(" cuda", ""): seconds for name, seconds in found.items()}


def _others(rows: list[Seconds]) -> list[str]:
    """Name the peers that pooled any case."""
    return [name for name in dict.fromkeys(name for row in rows for name in row)
            if name != "numbapool"]  # fmt: skip


def table(names: list[str], rows: list[Seconds]) -> str:
    """
    Format times.

    Parameters
    ----------
    names : list of str
        The cases.
    rows : list of dict
        Seconds by implementation.

    Returns
    -------
    str
        Microseconds, and how many times longer than numbapool the others take.
    """
    others = _others(rows)
    wide = max(len("microseconds"), *map(len, names))
    lines = [f"{'microseconds':<{wide}}{'numbapool':>11}" + "".join(f"{o:>21}" for o in others)]
    for name, row in zip(names, rows, strict=True):
        ours = row["numbapool"]
        cells = [
            f"{1e6 * row[o]:12.1f} {f'({row[o] / ours:.1f}x)':>8}" if o in row else f"{'-':>21}"
            for o in others
        ]
        lines.append(f"{name:<{wide}}{1e6 * ours:11.1f}" + "".join(cells))
    return "\n".join(lines)


def chart(names: list[str], rows: list[Seconds], path: Path) -> None:
    """
    Draw how many times longer than numbapool the others take.

    Parameters
    ----------
    names : list of str
        The cases.
    rows : list of dict
        Seconds by implementation.
    path : Path
        The PNG file to write.
    """
    require("matplotlib")
    from matplotlib.figure import Figure

    others = _others(rows)
    height = 0.8 / max(len(others), 1)
    figure = Figure(figsize=(9, 1.5 + 0.16 * (len(others) + 1) * len(names)), layout="constrained")
    axes = figure.subplots()
    for number, other in enumerate(others):
        bars = [(place, row[other] / row["numbapool"])
                for place, row in enumerate(rows) if other in row]  # fmt: skip
        axes.barh(
            [place + (number - (len(others) - 1) / 2) * height for place, _ in bars],
            [ratio for _, ratio in bars], height, label=other,
        )  # fmt: skip
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("times as long as numbapool")
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    if others:
        figure.legend(loc="outside upper center", ncols=len(others))
    figure.savefig(path, format="png", dpi=120)


def run(args: argparse.Namespace) -> None:
    """Print the table and draw the chart."""
    if args.output.suffix.lower() != ".png":
        raise CommandError(f"--output names a .png picture, and {args.output} is none")
    require("matplotlib")
    cases = _cases(args.only)
    if not cases:
        raise CommandError(f"no layer's name has {args.only!r}")
    from numbapool.bench.timing import warn_of_load

    if args.target == "cpu":
        warn_of_load()
    names = [f"{op} {layer}" for op, layer in cases]
    rows = []
    with Atomic(args.output) as output:
        with progress(len(cases), "layers", quiet=args.quiet) as bar:
            for row in measure(cases, NAMES[args.target], args.target):
                rows.append(row)
                bar.update(1)
        chart(names, rows, output.part)
    print(table(names, rows))
    print(f"\nwrote {args.output}")
