"""The ``demo`` command."""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from numbapool.bench.layers import Window
from numbapool.cli import bench, figure
from numbapool.cli.common import CommandError, require
from numbapool.cli.photos import photographs
from numbapool.cli.sinks import Atomic

WORKED = ((1, 2, 0, 3, 1), (0, 1, 2, 3, 1), (1, 2, 1, 0, 0), (5, 2, 3, 1, 1), (2, 1, 0, 1, 1))

# The photographs to draw, and the point of each to look at closely.
FOCUS = {"chelsea.png": (0.42, 0.36), "rocket.jpg": (0.5, 0.35)}

TIMED = tuple(
    (op, Window((8, 64, 112, 112), (kernel, kernel), (stride, stride)))
    for op, kernel, stride in (("max", 2, 2), ("max", 3, 2), ("max", 3, 1), ("avg", 2, 2))
)


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("demo", help="a worked example, pooled photographs and times")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("numbapool-demo.png"),
        metavar="FILE",
        help="the picture to write; default: %(default)s",
    )
    parser.set_defaults(run=run)


def worked_example() -> None:
    """Print the 5x5 example, with the last windows kept (ceil_mode) and left out."""
    import numbapool

    x = np.array(WORKED, np.float64).reshape(1, 1, 5, 5)
    print(f"input, {x.dtype}, shape {x.shape}\n{x[0, 0]}")
    for ceil_mode in (True, False):
        for values in (x, x.astype(np.int64)):
            pooled = numbapool.max_pool2d(values, 3, ceil_mode=ceil_mode)
            print(f"\nmax_pool2d(input, 3, ceil_mode={ceil_mode}), {pooled.dtype}\n{pooled[0, 0]}")


def run(args: argparse.Namespace) -> None:
    """Print the example, draw the picture, print the times."""
    if args.output.suffix.lower() != ".png":
        raise CommandError(f"--output names a .png picture, and {args.output} is none")
    require("matplotlib")
    from numbapool.cli.info import kernels

    photos = dict(zip(FOCUS.values(), photographs(tuple(FOCUS)), strict=True))
    with Atomic(args.output) as output:
        if not kernels():
            print("compiling kernels: the first run takes a while, later ones not", file=sys.stderr)
        worked_example()
        figure.draw(photos, output.part)
    print(f"\nwrote {args.output}")
    import numba

    print(f"\n{numba.get_num_threads()} threads, results checked equal")
    names = [f"{op} {window}" for op, window in TIMED]
    print(bench.table(names, list(bench.measure(TIMED, ("numpy", "torch")))))
