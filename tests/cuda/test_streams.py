"""Which stream the work of a call goes to, and what a call does besides: nothing, the second time.

There are no streams in the simulator: these stand for them, and what is done with them is counted.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from numba import cuda
from test_features import features

import numbapool
from numbapool.cuda import api, libraries, streams

if api.SIMULATED:
    from numba.cuda.simulator.kernel import FakeCUDAKernel

pytestmark = pytest.mark.skipif(not api.SIMULATED, reason="counts what the simulator does")

X = np.random.default_rng(0).standard_normal((1, 2, 6, 6)).astype(np.float32)
WANT = X.reshape(1, 2, 3, 2, 3, 2).max((3, 5))


class Stream:
    def __init__(self, address):
        self.address, self.waited = address, 0

    def synchronize(self):
        self.waited += 1


@pytest.fixture
def made(monkeypatch):
    """The streams that calls make of addresses."""
    found = {}
    monkeypatch.setattr(streams, "at", lambda address: found.setdefault(address, Stream(address)))
    return found


@pytest.fixture
def launched(monkeypatch):
    """The streams that kernels are launched on."""
    found, configured = [], FakeCUDAKernel.__getitem__

    def noted(self, how):
        found.append(how[2])
        return configured(self, how)

    monkeypatch.setattr(FakeCUDAKernel, "__getitem__", noted)
    return found


def named(part):
    """The same name in every process, as workers of pytest-xdist compare them."""
    return getattr(part, "__name__", "-".join(part) if isinstance(part, dict) else str(part))


def calls():
    for kind in ("max", "avg", "sum", "lp", "median", "fractional_max", "fractional_avg",
                 "adaptive_min", "adaptive_avg", "blur", "max_blur", "minmax",
                 "stochastic"):  # fmt: skip
        args, options = features.arguments(kind)
        yield features.function(kind, 2), args, options
    yield numbapool.max_pool2d, (5, 1), {"return_indices": True}
    yield numbapool.avg_pool2d, (2,), {"data_format": "channels_last"}
    yield numbapool.max_pool2d, (2,), {"nan_policy": "raise"}
    yield numbapool.pool, ("max", 2), {"axes": (1, 3)}
    yield from ((getattr(numbapool, f"global_{kind}_pool"), (), {"keepdims": False})
                for kind in ("max", "min", "avg"))  # fmt: skip
    yield numbapool.MaxPool2d(2), (), {}


@pytest.mark.parametrize(("pool", "args", "options"), [*calls()], ids=named)
def test_all_work_of_a_call_goes_to_its_stream(pool, args, options, made, launched):
    x = np.repeat(X, 3, -1)
    got = pool(cuda.to_device(x), *args, stream=4096, **options)
    assert launched
    assert set(launched) == {made[4096]}
    got = got[0] if isinstance(got, tuple) else got
    assert got.stream is made[4096]  # which an array of Numba's tells those who ask
    options |= {"rng": np.random.default_rng(0)} if "rng" in options else {}
    want = pool(cuda.to_device(x), *args, **options)
    want = want[0] if isinstance(want, tuple) else want
    np.testing.assert_array_equal(got.copy_to_host(), want.copy_to_host())


GRAD, AT = np.ones((1, 2, 3, 3), np.float32), np.arange(18, dtype=np.int32).reshape(1, 2, 3, 3)
BACK = [
    (numbapool.max_unpool2d, (GRAD, AT, 2)), (numbapool.max_pool2d_backward, (GRAD, AT, X.shape)),
    (numbapool.avg_pool2d_backward, (GRAD, X.shape, 2)),
    (numbapool.sum_pool2d_backward, (GRAD, X.shape, 2)),
    (numbapool.adaptive_avg_pool2d_backward, (GRAD, X.shape)),
    (numbapool.lp_pool2d_backward, (GRAD, X, 2, 2)), (numbapool.lse_pool2d_backward, (GRAD, X, 2)),
    (numbapool.blur_pool2d_backward, (GRAD, X.shape)),
    (numbapool.minmax_pool2d_backward, (GRAD, GRAD, X, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("back", "args"), BACK, ids=lambda part: getattr(part, "__name__", ""))
def test_all_work_of_the_way_back_goes_to_it_too(back, args, made, launched):
    there = [cuda.to_device(each) if isinstance(each, np.ndarray) else each for each in args]
    got = back(*there, stream=4096)
    assert set(launched) == {made[4096]}
    np.testing.assert_array_equal(got.copy_to_host(), back(*there).copy_to_host())


def test_boxes_pyramids_and_their_kind(made, launched):
    x = cuda.to_device(X)
    box = np.array([[0, 0, 0, 4, 4]], np.float32)
    numbapool.roi_pool(x, box, 2, stream=4096)
    numbapool.roi_align(x, box, 2, stream=4096)
    numbapool.pyramid_pool(x, (1, 2), stream=4096)
    numbapool.strip_pool(x, stream=4096)
    numbapool.sppf_pool(x, 3, 2, stream=4096)
    numbapool.max_pool2d(x, 2, return_indices=True, index_base="tensor", stream=4096)
    assert len(launched) > 9
    assert set(launched) == {made[4096]}


def test_arrays_of_the_host_go_there_and_back_on_it(made, launched):
    got = numbapool.max_pool2d(X, 2, target="cuda", stream=4096)
    np.testing.assert_array_equal(got, WANT)
    halves = X.reshape(1, 2, 2, 3, 2, 3).max((3, 5))
    pyramid = numbapool.spatial_pyramid_pool(X, (1, 2), target="cuda", stream=4096)
    np.testing.assert_array_equal(
        pyramid, np.concatenate([X.max((2, 3)), halves.reshape(1, -1)], 1)
    )
    assert set(launched) == {made[4096]}
    assert made[4096].waited >= 3  # a result each


def test_the_second_call_copies_nothing_and_waits_for_nothing(made, monkeypatch):
    x, out = cuda.to_device(X), cuda.device_array((1, 2, 2, 2), np.float32)
    copies, to_device = [], cuda.to_device
    monkeypatch.setattr(cuda, "to_device", lambda *a, **k: copies.append(1) or to_device(*a, **k))
    for _ in range(3):
        numbapool.max_pool2d(x, 5, 1, out=out, stream=4096)
        numbapool.median_pool2d(x, 3, stream=4096)
    assert len(copies) == made[4096].waited  # of what each kernel is told, once
    before = len(copies)
    monkeypatch.setattr(streams, "captured", lambda stream: True)
    numbapool.max_pool2d(x, 5, 1, out=out, stream=4096)
    assert len(copies) == made[4096].waited == before


def test_a_first_call_is_not_captured(monkeypatch):
    x = cuda.to_device(np.repeat(X, 2, 0))
    monkeypatch.setattr(streams, "captured", lambda stream: True)
    with pytest.raises(RuntimeError, match=r"a first call cannot be captured .* once before"):
        numbapool.max_pool2d(x, (2, 3), 1)
    monkeypatch.undo()
    numbapool.max_pool2d(x, (2, 3), 1)


def test_its_library_works_on_it_too(monkeypatch):
    depth, worked = [], []

    @contextmanager
    def using(address):
        depth.append(address)
        yield
        depth.pop()

    def noting(work):
        def noted(*given):
            worked.append((work.__name__, *depth))
            return work(*given)

        return noted

    library = libraries.NUMBA
    monkeypatch.setattr(libraries, "NUMBA", replace(
        library, using=using, empty=noting(library.empty), reshaped=noting(library.reshaped)
    ))  # fmt: skip
    numbapool.pool(cuda.to_device(X), "max", 5, 1, axes=(1, 3), padding=2, stream=4096)
    assert {name for name, *_ in worked} == {"_numba_empty", "_numba_reshaped"}
    assert all(on == [4096] for _, *on in worked)


def test_torch_takes_memory_for_the_stream(monkeypatch):
    current = []

    @contextmanager
    def stream(one):
        current.append(one)
        yield
        current.pop()

    monkeypatch.setattr(torch.cuda, "stream", stream)
    monkeypatch.setattr(torch.cuda, "ExternalStream", lambda address, device: (address, device))
    empty = torch.empty
    taken = []
    monkeypatch.setattr(torch, "empty", lambda *a, **k: taken.append(*current) or empty(*a, **k))
    library = libraries.torch_on(torch.device("cpu")).on(4096)
    assert library.empty((2, 3), np.dtype(np.float32)).shape == (2, 3)
    assert taken == [(4096, torch.device("cpu"))]
    assert not current


def test_what_is_no_stream_or_no_place_for_one():
    with pytest.raises(ValueError, match=r"stream is for what is pooled on a GPU, .* a ndarray"):
        numbapool.max_pool2d(X, 2, stream=7)
    with pytest.raises(ValueError, match="stream is for what is pooled on a GPU"):
        numbapool.global_avg_pool(cuda.to_device(X), target="cpu", stream=7)
    for wrong in (True, -1, "main", 1.5):
        with pytest.raises(TypeError, match=f"stream must be a stream .* stream={wrong!r}"):
            numbapool.max_pool2d(cuda.to_device(X), 2, stream=wrong)
    got = numbapool.max_pool2d(cuda.to_device(X), 2, stream=cuda.stream())
    np.testing.assert_array_equal(got.copy_to_host(), WANT)
