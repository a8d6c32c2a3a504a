"""What arguments may be: ints, flags and tuples of them, checked before any array is touched."""

from __future__ import annotations

import operator
import reprlib
from typing import Any

LARGEST = 2**31 - 1


def are_plain(*values: Any) -> bool:
    """Whether all are ints, pairs of ints or None: no float or bool in them."""
    for value in values:
        kind = type(value)
        if kind is tuple:
            if not (len(value) == 2 and type(value[0]) is type(value[1]) is int):
                return False
        elif kind is not int and value is not None:
            return False
    return True


def flag(name: str, value: Any) -> bool:
    """``value`` if it is a bool, Python's or NumPy's."""
    if type(value) is bool or type(value).__name__ == "bool" or type(value).__name__ == "bool_":
        return bool(value)
    raise TypeError(f"{name} must be a bool, got {name}={reprlib.repr(value)}")


def plain(name: str, value: Any) -> Any:
    """``value`` as ints, None or a word, lists as tuples: hashable, and no float or bool in it."""
    kind = type(value)
    if kind is int or value is None or kind is str:
        return value
    if isinstance(value, (list, tuple)):
        return tuple([plain(name, item) for item in value])
    if kind is not bool and kind.__name__ != "bool" and hasattr(value, "__index__"):
        try:
            return operator.index(value)
        except Exception:  # whatever an object's own __index__ raises
            pass
    shown = reprlib.repr(value)  # an array in its place would fill the screen
    raise TypeError(f"{name} must hold ints, got {shown} of type {kind.__name__}")


def spread(name: str, value: Any, dims: int, least: int) -> tuple[int, ...]:
    """One int, a tuple of one, or a tuple of ``dims`` ints, each at least ``least``."""
    items = value if isinstance(value, tuple) else (value,)
    if len(items) == 1:
        items = items * dims
    if len(items) != dims or not all(isinstance(item, int) for item in items):
        raise_kind = ValueError if isinstance(value, tuple) else TypeError
        several = f" or a tuple of {dims} ints" if dims > 1 else ""
        raise raise_kind(f"{name} must be an int{several}, got {reprlib.repr(value)}")
    for item in items:
        if not least <= item <= LARGEST:
            bound = f"at least {least}" if item < least else f"at most {LARGEST}"
            raise ValueError(f"{name} must be {bound}, got {name}={value!r}")
    return items
