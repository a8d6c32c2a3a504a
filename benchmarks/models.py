"""The pooling layers of real models, from ``model_layers.csv``."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from numbapool.bench.layers import Window

CSV = Path(__file__).with_name("model_layers.csv")


def read_layers(most_elements: int) -> list[tuple[str, Window]]:
    """The different 2-D layers of the CSV as ("max" or "avg", window), small inputs only."""
    with CSV.open(newline="") as file:
        layers = [_layer(row) for row in csv.DictReader(file) if row["spatial"].count("x") == 1]
    return [layer for layer in dict.fromkeys(layers) if math.prod(layer[1].shape) <= most_elements]


def read_volumes(most_elements: int) -> list[tuple[str, Window]]:
    """The different 3-D layers, small inputs only."""
    with CSV.open(newline="") as file:
        layers = [_layer(row) for row in csv.DictReader(file) if row["spatial"].count("x") == 2]
    return [layer for layer in dict.fromkeys(layers) if math.prod(layer[1].shape) <= most_elements]


def _layer(row: dict[str, str]) -> tuple[str, Window]:
    def pair(column: str) -> Any:
        return tuple(map(int, row[column].split("x")))

    op, _, count = row["op"].partition("_")
    window = Window(
        (int(row["n"]), int(row["c"]), *pair("spatial")),
        pair("kernel"),
        pair("stride"),
        pair("padding"),
        pair("dilation"),
        ceil_mode=row["rounding"] == "ceil",
        count_include_pad=count != "exc" or not any(pair("padding")),
    )
    return op, window
