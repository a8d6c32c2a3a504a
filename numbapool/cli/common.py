"""What the commands share: their error, optional packages, the bar and the type of arrays."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class CommandError(Exception):
    """Something the user can put right; its text is the sentence they read."""


def require(module: str) -> Any:
    """Import an optional module, or say in one sentence how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = "Pillow" if module.startswith("PIL") else module.partition(".")[0]
        raise CommandError(f'{package} is not installed: pip install "numbapool[demo]"') from error


class _NoBar:
    """Stands in for a tqdm bar that is not drawn."""

    def update(self, count: int) -> None:
        """Draw nothing."""


@contextmanager
def progress(total: int | None, unit: str, *, quiet: bool = False) -> Iterator[Any]:
    """Give a tqdm bar on a terminal's stderr, and a silent stand-in elsewhere."""
    wanted = not quiet and sys.stderr.isatty()
    if wanted and importlib.util.find_spec("tqdm"):
        from tqdm import tqdm

        with tqdm(total=total, unit=f" {unit}") as bar:
            yield bar
    else:
        yield _NoBar()
