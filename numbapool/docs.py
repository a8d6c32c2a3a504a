"""The docstrings of functions that differ only in their number of axes, from one text for all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .texts import BACKWARD, TEXTS

AXES = {1: "L", 2: "H, W", 3: "D, H, W"}
FLAT = {1: "l", 2: "h * W + w", 3: "(d * H + h) * W + w"}
#: Windows of two along the last axis.
PAIRS = {1: "2", 2: "(1, 2)", 3: "(1, 1, 2)"}
#: The array of an example, and what pooling by twos makes of it.
ARRAYS = {1: "np.arange(8).reshape(1, 1, 8)", 2: "np.arange(16).reshape(1, 1, 4, 4)",
    3: "np.arange(32).reshape(1, 1, 2, 4, 4)"}  # fmt: skip
RESULTS: dict[str, dict[int, list[float]]] = {
    "max": {1: [1, 3, 5, 7], 2: [5, 7, 13, 15], 3: [21, 23, 29, 31]},
    "min": {1: [0, 2, 4, 6], 2: [0, 2, 8, 10], 3: [0, 2, 8, 10]},
    "avg": {1: [0.5, 2.5, 4.5, 6.5], 2: [2.5, 4.5, 10.5, 12.5], 3: [10.5, 12.5, 18.5, 20.5]},
    "median": {1: [0.5, 2.5, 4.5, 6.5], 2: [2.5, 4.5, 10.5, 12.5], 3: [10.5, 12.5, 18.5, 20.5]},
    "quantile": {1: [1.0, 3.0, 5.0, 7.0], 2: [5.0, 7.0, 13.0, 15.0], 3: [21.0, 23.0, 29.0, 31.0]},
    "var": {1: [0.25] * 4, 2: [4.25] * 4, 3: [68.25] * 4},
    "std": {1: [0.5] * 4, 2: [2.062] * 4, 3: [8.261] * 4},
    "lse": {1: [1.313, 3.313, 5.313, 7.313], 2: [5.331, 7.331, 13.331, 15.331],
        3: [21.331, 23.331, 29.331, 31.331]},
    "soft": {1: [0.731, 2.731, 4.731, 6.731], 2: [4.659, 6.659, 12.659, 14.659],
        3: [20.659, 22.659, 28.659, 30.659]},
    "mixed": {1: [0.75, 2.75, 4.75, 6.75], 2: [3.75, 5.75, 11.75, 13.75],
        3: [15.75, 17.75, 23.75, 25.75]},
    "power_avg": {1: [0.707, 2.55, 4.528, 6.519], 2: [3.24, 4.95, 10.7, 12.669],
        3: [13.36, 14.983, 20.261, 22.102]},
    "gem": {1: [0.794, 2.596, 4.555, 6.538], 2: [3.622, 5.296, 10.89, 12.831],
        3: [14.899, 16.525, 21.63, 23.4]},
    "lp": {1: [1.0, 3.606, 6.403, 9.22], 2: [6.481, 9.899, 21.401, 25.338],
        3: [37.789, 42.379, 57.306, 62.514]},
    "sum": {1: [1, 5, 9, 13], 2: [10, 18, 42, 50], 3: [84, 100, 148, 164]},
}
#: What else an example says.
OPTIONS = {"quantile": ", q=1"}
ROUNDED = ("std", "lse", "soft", "power_avg", "gem", "lp")

EXAMPLE = """
Examples
--------
>>> import numpy as np, numbapool
>>> numbapool.{name}({array}, {argument}).ravel(){rounded}.tolist()
{result}
"""


def documented(
    function: Callable[..., Any], kind: str, dims: int, backward: bool = False
) -> Callable[..., Any]:
    """``function`` under its public name, such as ``max_pool2d``, with its words."""
    name = f"{kind}pool{dims}d" if kind == "max_un" else f"{kind}_pool{dims}d"
    axes = AXES[dims]
    adaptive = kind.startswith("adaptive")
    # Pooling by twos, in either spelling.
    argument = {1: "4", 2: "2", 3: "(1, 2, 2)"}[dims] if adaptive else "2"
    if kind == "lp":
        argument = "2, 2"
    words = {
        "dims": dims,
        "axes": f"{axes}",
        "each": axes.replace(", ", " and ", 1) if dims == 2 else axes,
        "flat": FLAT[dims],
        "o": ", ".join(f"O{axis}" for axis in axes.split(", ")),
        "ints": "int" if dims == 1 else f"int or tuple of {dims} ints",
        "name": name,
        "array": ARRAYS[dims],
        "pair": PAIRS[dims],
        "argument": argument + OPTIONS.get(kind, ""),
        "rounded": ".round(3)" if kind in ROUNDED else "",
        "ones": 3.0**dims,
        "result": RESULTS.get(kind.removeprefix("adaptive_"), {}).get(dims),
    }
    name += "_backward" if backward else ""
    function.__name__ = function.__qualname__ = name
    text = BACKWARD[kind] if backward else TEXTS[kind]
    text += "" if "Examples" in text else EXAMPLE
    function.__doc__ = inspect.cleandoc(text).format(**words)
    return function
