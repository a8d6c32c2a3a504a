"""The groups of bars, by name, each measured at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import family, layers, process, relatives, shapes
from .bar import Bar


def groups(every: int = 1) -> dict[str, Callable[[], list[Bar]]]:
    return {
        "layers": partial(layers.bars, every),
        "copies": shapes.copies,
        "windows": shapes.windows,
        "arrays": shapes.arrays,
        "dtypes": shapes.dtypes,
        "bins": relatives.bins,
        "blocks": relatives.blocks,
        "filters": relatives.filters,
        "tiny": process.tiny,
        "threads": shapes.threads,
        "memory": process.memory,
        "starts": process.starts,
        "nan": shapes.nan,
        "lines": family.lines,
        "volumes": family.volumes,
        "last": family.last,
        "norms": family.norms,
        "halves": family.halves,
    }


def measured(name: str, every: int) -> list[Bar]:
    return groups(every)[name]()
