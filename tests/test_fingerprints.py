"""Machine code on disk is told by all that it was made of."""

from __future__ import annotations

import types

import numba
import numpy as np
import pytest
from test_process import python

import numbapool
from numbapool.fingerprints import fingerprint, named

SOURCES = {
    "a number": "K = {}\ndef reduce(taps, count): return taps[0] + K",
    "NumPy's": "K = np.int64({})\ndef reduce(taps, count): return taps[0] + K",
    "an array": "K = np.zeros(4000)\nK[9] = {}\ndef reduce(taps, count): return taps[0] + K[9]",
    "a default": "def more(tap, by={}): return tap + by\n"
                 "def reduce(taps, count): return more(taps[0])",
    "a default by name": "def reduce(taps, count, *, by={}): return taps[0] + by",
    "a module's": "M = types.ModuleType('m')\nM.M, M.K = M, {}\n"
                  "def reduce(taps, count): return taps[0] + M.K",
    "read within": "K = {}\ndef reduce(taps, count): return (lambda tap: tap + K)(taps[0])",
    "compiled": "@numba.njit\ndef more(tap): return tap + {}\n"
                "def reduce(taps, count): return more(taps[0])",
}  # fmt: skip


def op_of(source, value):
    names = {"np": np, "numba": numba, "types": types, "__name__": "somewhere"}
    exec(source.format(value), names)
    return numbapool.PoolOp("odd", identity=lambda dtype: 0, reduce=names["reduce"])


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_an_op_that_is_edited_has_another(source):
    assert fingerprint(op_of(source, 3)) == fingerprint(op_of(source, 3))
    assert fingerprint(op_of(source, 3)) != fingerprint(op_of(source, 5))


def test_lambdas_have_names_of_their_own():
    """Of two by one name, cached by two processes, a third ran one for both."""
    one, other = (eval(f"lambda taps, count: taps[0] + {number}") for number in (1, 2))
    again = eval("lambda taps, count: taps[0] + 1")
    assert named(one).__qualname__ == named(again).__qualname__ != named(other).__qualname__
    assert named(op_of).__qualname__ == "op_of"


def test_an_op_that_raises_is_an_error_once(tmp_path):
    """It was called again and again."""
    code = """
        import numpy as np, numbapool
        inverse = lambda taps, count: taps[0] ** -1
        op = numbapool.PoolOp("inverse", identity=lambda dtype: 0, reduce=inverse)
        try:
            numbapool.pool(np.zeros((4, 4)), op, 2)
        except RuntimeError as error:
            print(error)
        print(numbapool.pool(np.ones((4, 4)), op, 2).tolist())
    """
    said = python(code, tmp_path).splitlines()
    assert said[0].startswith("op 'inverse' raised an error in a window")
    assert said[1] == "[[1.0, 1.0], [1.0, 1.0]]"
