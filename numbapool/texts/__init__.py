"""The words of docstrings: one text a kind of pooling, for any number of axes."""

from .back import BACKWARD, UNPOOL
from .compositions import TEXTS as COMPOSITIONS
from .reductions import TEXTS as REDUCTIONS
from .windows import TEXTS as WINDOWS

TEXTS = {**WINDOWS, **REDUCTIONS, **COMPOSITIONS, "max_un": UNPOOL}

__all__ = ["BACKWARD", "TEXTS"]
