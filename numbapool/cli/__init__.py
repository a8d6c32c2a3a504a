"""The ``numbapool`` command."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import numbapool
from numbapool.cli import bench, demo, info, pool
from numbapool.cli.common import CommandError

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, without the usage, and exit with 2."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    """Declare the command and its sub-commands."""
    parser = _Parser(prog="numbapool", description="Pooling for arrays, compiled by Numba.")
    parser.add_argument("--version", action="version", version=f"numbapool {numbapool.__version__}")
    commands: argparse._SubParsersAction[Any] = parser.add_subparsers(
        metavar="COMMAND", dest="command", required=True
    )
    demo.add_parser(commands)
    pool.add_parser(commands)
    bench.add_parser(commands)
    info.add_parsers(commands)
    return parser


def _sentence(error: BaseException) -> str:
    """Put an error in one line."""
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{place}"
    return " ".join(str(error).split()) or type(error).__name__


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        The exit code: 0, 2 after an error, 130 after Ctrl-C.
    """
    args = _parser().parse_args(argv)
    try:
        args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read the output has left; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except (
        CommandError, ValueError, TypeError, OSError, MemoryError, ImportError, RuntimeError,
    ) as error:  # fmt: skip
        print(f"numbapool {args.command}: error: {_sentence(error)}", file=sys.stderr)
        return 2
    return 0
