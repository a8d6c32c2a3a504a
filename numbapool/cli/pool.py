"""The ``pool`` command: stream images through one pooling operation."""

import argparse
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

from numbapool.batches import pool_batches
from numbapool.cli.arrays import Batch
from numbapool.cli.board import BoardSink
from numbapool.cli.common import Array, CommandError, progress
from numbapool.cli.sinks import ArraySink, open_sink
from numbapool.cli.sources import open_source
from numbapool.targets import TARGETS

Operation = Callable[[Array], Array | tuple[Array, Array]]
Size = int | tuple[int, int]

PADDINGS = ("same", "same_upper", "same_lower", "valid")


def size(text: str) -> Size:
    """Read ``3`` or ``3x2`` (height x width)."""
    try:
        numbers = [int(part) for part in text.lower().split("x")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor like 3x2")
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def padding(text: str) -> Size | str:
    """Read a size or a word."""
    if text in PADDINGS:
        return text
    try:
        return size(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, nor one of {', '.join(PADDINGS)}") from error


def positive(text: str) -> int:
    """Read a count of at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "pool",
        help="pool arrays, pictures or CIFAR-10",
        description="Pool images, a batch at a time, in bounded memory. Sizes are written "
        "3 or 3x2 (height x width).",
    )
    add = parser.add_argument
    where = ".npy or .npz (HW, CHW or NCHW), picture, folder of pictures or of CIFAR-10"
    add("input", nargs="+", type=Path, metavar="INPUT", help=where)
    add("-o", "--output", type=Path, required=True, help=".npy file, picture or folder of pictures")
    add("--op", choices=("max", "min", "avg", "sum"), default="max", help="default: max")
    add("-k", "--kernel", type=size, metavar="SIZE", help="size of the window")
    add("-s", "--stride", type=size, metavar="SIZE", help="step of the window; default: its size")
    words = f"or {', '.join(PADDINGS)}; default: 0"
    add("-p", "--padding", type=padding, metavar="SIZE", help=words)
    add("--dilation", type=size, metavar="SIZE", help="step inside the window; default: 1")
    add("--ceil-mode", action="store_true", help="round the output size up")
    add("--adaptive", type=size, metavar="SIZE", help="pool to this output size instead")
    sits = "write where each maximum or minimum sits (h*W + w) to this .npy file"
    add("--indices", type=Path, metavar="FILE", help=sits)
    add("--tensorboard", type=Path, metavar="DIR", help="log input and output batches as pictures")
    most = "the most images at a time (and at most 64 MiB of them); default: %(default)s"
    add("--batch", type=positive, default=64, metavar="N", help=most)
    layout = "channels_last: arrays are HWC or NHWC, and so is the .npy output"
    add("--data-format", choices=("channels_first", "channels_last"), help=layout)
    add("--key", metavar="NAME", help="the array of an .npz file that holds several")
    add("--target", choices=TARGETS, help="where to pool; default: NUMBAPOOL_TARGET, or cpu")
    add("-q", "--quiet", action="store_true", help="no bar and no summary")
    parser.set_defaults(run=run)


def operation(args: argparse.Namespace) -> Operation:
    """
    Choose the function that the options ask for.

    Parameters
    ----------
    args : argparse.Namespace
        The options of the command.

    Returns
    -------
    callable
        Takes an NCHW batch; returns it pooled, or a pair with the indices if they are wanted.
    """
    window = {
        name: value
        for name in ("stride", "padding", "dilation", "ceil_mode")
        if (value := getattr(args, name)) is not None and value is not False
    }
    if args.indices and args.op not in ("max", "min"):
        raise CommandError(f"--indices goes with --op max or min, not {args.op}")
    if (args.adaptive is None) == (args.kernel is None):
        raise CommandError("give either a window by -k or an output size by --adaptive")
    if args.adaptive is not None and window:
        option = next(iter(window)).replace("_", "-")
        raise CommandError(f"--adaptive chooses its windows itself and takes no --{option}")
    if args.adaptive is not None and args.op == "sum":
        raise CommandError("--adaptive goes with --op max, min or avg, not sum")

    import numbapool

    adaptive = "adaptive_" if args.adaptive is not None else ""
    function = getattr(numbapool, f"{adaptive}{args.op}_pool2d")
    extent = "kernel_size" if args.adaptive is None else "output_size"
    window[extent] = args.adaptive if args.kernel is None else args.kernel
    if args.indices:
        window["return_indices"] = True
    return partial(function, **window)


def spare_inputs(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Refuse to write over what is read, be it as a picture in a folder."""
    for path in inputs:
        for output in outputs:
            written = (output.resolve(), (output / f"{path.stem}.png").resolve())
            if path.resolve() in written:
                raise CommandError(f"{output} would write over the input {path}")


def _images(batches: Iterator[Batch], held: deque[Batch]) -> Iterator[Array]:
    """Give the images of batches, which are kept for when their results are written."""
    for batch in batches:
        held.append(batch)
        yield batch.images


def run(args: argparse.Namespace) -> None:
    """Pool every batch and write it wherever the options say."""
    pool = operation(args)
    spare_inputs(args.input, [path for path in (args.output, args.indices) if path])
    if args.indices:
        if args.indices.suffix.lower() != ".npy":
            raise CommandError(f"--indices writes a .npy file, and {args.indices} is none")
        if args.indices.absolute() == args.output.absolute():
            raise CommandError(f"--indices and --output are both {args.output}")
    # Planes may part company only where nothing needs the image as a whole.
    planes = args.output.suffix.lower() == ".npy" and not args.tensorboard
    last = args.data_format == "channels_last"
    source = open_source(args.input, args.batch, args.key, planes=planes, last=last)
    with ExitStack() as stack:
        sink = stack.enter_context(open_sink(args.output, source.lead, last))
        where = args.indices and stack.enter_context(ArraySink(args.indices, source.lead, last))
        board = args.tensorboard and stack.enter_context(BoardSink(args.tensorboard))
        bar = stack.enter_context(progress(source.total, "images", quiet=args.quiet))
        held: deque[Batch] = deque()
        results = stack.enter_context(
            closing(pool_batches(_images(source.batches, held), pool, target=args.target))
        )
        for step, result in enumerate(results):
            pooled, indices = result if args.indices else (result, None)
            batch = held.popleft()
            kind = batch.images.dtype
            sink.write(pooled, batch.names, kind)
            if where:
                where.write(indices, batch.names, kind)
            if board:
                board.write("input", batch.images, kind, step)
                board.write("output", pooled, kind, step)
            bar.update(len(pooled))
    if not args.quiet:
        for written in filter(None, (sink, where)):
            print(f"wrote {written.describe()}")
    sys.stdout.flush()
