"""The words of docstrings: one text a kind of pooling, for any number of axes."""

from .back import BACKWARD as SELECTIONS_AND_SUMS
from .back import UNPOOL
from .chains import BACKWARD as CHAINS
from .compositions import TEXTS as COMPOSITIONS
from .reductions import TEXTS as REDUCTIONS
from .slopes import BACKWARD as SLOPES
from .windows import TEXTS as WINDOWS

TEXTS = {**WINDOWS, **REDUCTIONS, **COMPOSITIONS, "max_un": UNPOOL}
BACKWARD = {**SELECTIONS_AND_SUMS, **SLOPES, **CHAINS}

__all__ = ["BACKWARD", "TEXTS"]
