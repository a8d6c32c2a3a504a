"""What a stream is, of whatever library: its address."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("numba_cuda", reason="pip install numbapool[cuda13]")

from numba.cuda.cudadrv.driver import Stream, binding

from numbapool.cuda.streams import handle


class Own:
    def __cuda_stream__(self):
        return 0, 4096


@pytest.mark.parametrize(("stream", "address"), [
    (4096, 4096), (0, 0), (1, 0), (2, 2), (Own(), 4096), (SimpleNamespace(cuda_stream=4096), 4096),
    (SimpleNamespace(ptr=4096), 4096), (Stream(binding.CUstream(4096)), 4096),
    (Stream(binding.CUstream(0)), 0), (Stream(binding.CUstream(1)), 0),
])  # fmt: skip
def test_streams_by_their_address(stream, address):
    assert handle(stream) == address


@pytest.mark.parametrize("wrong", [True, -1, 1.5, "main", None, SimpleNamespace(ptr="x")])
def test_what_is_none(wrong):
    with pytest.raises(TypeError, match="stream must be a stream of Numba's, torch's or CuPy's"):
        handle(wrong)
