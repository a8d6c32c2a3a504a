"""What calls ask of the driver: Numba's own code and ours, only the GPU is not there."""

from __future__ import annotations

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor

import fake
import ml_dtypes
import numpy as np
import pytest
import torch
from far import Far
from numba import cuda

import numbapool
from numbapool.cuda import program, ready, run, streams

DRIVER = ctypes.CDLL("libcuda.so.1")
DRIVER.asked.restype = DRIVER.arguments.restype = ctypes.c_char_p
X = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32)
STREAM, OTHER, FAR = 0x200, 0x300, 0x1000  # the last is that of the library of `far`


def asked(call, *args, **options):
    """What a call asks of the driver, in order, and its result."""
    DRIVER.asked()
    found = call(*args, **options)
    return [tuple(line.split()) for line in DRIVER.asked().decode().splitlines()], found


def on(what, stream):
    return what, f"{stream:x}"


CALLS = [
    (numbapool.max_pool2d, np.float32, (2,), {}),
    (numbapool.max_pool2d, np.float16, (3, 2, 1), {"return_indices": True, "index_dtype": "int32"}),
    (numbapool.avg_pool2d, ml_dtypes.bfloat16, (2,), {"data_format": "channels_last"}),
    (numbapool.min_pool2d, np.int8, ((8, 1), (7, 1), (4, 0)), {"return_indices": True}),
    (numbapool.max_pool2d, np.bool_, ((9, 8), 1, 4), {"return_indices": True}),
    (numbapool.sum_pool1d, np.complex64, (2,), {}),
    (numbapool.median_pool2d, np.float32, (3,), {}),
    (numbapool.global_max_pool, np.float32, (), {"return_indices": True, "keepdims": False}),
    (numbapool.fractional_max_pool2d, np.float32, (2, 3), {"random_samples": np.zeros((2, 3, 2))}),
]


@pytest.mark.parametrize(("pool", "dtype", "args", "options"), CALLS)
def test_kernels_are_launched(pool, dtype, args, options):
    x = np.ones((2, 3, 16 if "global" in pool.__name__ else 8, 8), dtype)
    x = x[0] if pool is numbapool.sum_pool1d else x
    lines, _ = asked(pool, x, *args, **options, target="cuda", stream=STREAM)
    assert on("launch", STREAM) in lines
    assert {name for name, *_ in lines} <= {
        "allocate", "send", "load", "launch", "synchronize", "fetch", "free"
    }  # fmt: skip
    stray = [line for line in lines if line[0] not in ("allocate", "free", "load")]
    assert {stream for _, stream in stray} == {f"{STREAM:x}"}


GRAD, AT = X[..., :4, :4].copy(), np.zeros((2, 3, 4, 4), np.int64)
OTHERS = [
    (numbapool.max_unpool2d, (GRAD, AT, 2), X.shape),
    (numbapool.avg_pool2d_backward, (GRAD, X.shape, 2), X.shape),
    (numbapool.lse_pool2d_backward, (GRAD, X, 2), X.shape),
    (numbapool.blur_pool2d, (X,), GRAD.shape),
    (numbapool.roi_align, (X, np.array([[0, 0, 0, 4, 4]]), 2), (1, 3, 2, 2)),
    (numbapool.gather, (X, AT), AT.shape),
]


@pytest.mark.parametrize(("call", "args", "shape"), OTHERS)
def test_what_is_no_pooling_is_launched(call, args, shape):
    there = [cuda.to_device(each) if isinstance(each, np.ndarray) else each for each in args]
    options = {} if call is numbapool.gather else {"stream": STREAM}
    stream = options.get("stream", 0)
    first, _ = asked(call, *there, **options)
    again, found = asked(call, *there, **options)
    assert on("launch", stream) in first
    kinds = {name for name, _ in again}
    if call is not numbapool.roi_align:  # its boxes are fetched, and tables made of them are sent
        assert kinds <= {"allocate", "free", "launch"}
    assert all(where == f"{stream:x}" for name, where in again if name == "launch")
    assert found.shape == shape


def test_a_second_call_launches_and_nothing_else():
    x, out = cuda.to_device(X), cuda.device_array((2, 3, 4, 4), np.float32)
    asked(numbapool.max_pool2d, x, 2, out=out)
    for stream in (STREAM, OTHER):
        lines, _ = asked(numbapool.max_pool2d, x, 2, out=out, stream=stream)
        assert lines == [on("launch", stream)]
    lines, found = asked(numbapool.max_pool2d, x, 2, stream=STREAM)
    assert [name for name, _ in lines if name != "free"] == ["allocate", "launch"]
    assert found.__cuda_array_interface__["stream"] == STREAM


def test_a_call_that_ran_before_can_be_captured():
    x, out = cuda.to_device(X), cuda.device_array((2, 3, 2, 4), np.float32)
    asked(numbapool.max_pool2d, x, (4, 2), out=out)
    DRIVER.capture(1)
    try:
        lines, _ = asked(numbapool.max_pool2d, x, (4, 2), out=out, stream=STREAM)
        assert lines == [on("launch", STREAM)]
        with pytest.raises(RuntimeError, match="a first call cannot be captured in a graph"):
            numbapool.max_pool2d(x[:1], (4, 2), stream=STREAM)
    finally:
        DRIVER.capture(0)


def test_arrays_that_say_which_stream_makes_them():
    numbapool.max_pool2d(cuda.to_device(X), 2)
    x = cuda.to_device(X).bind(cuda.external_stream(OTHER))
    lines, _ = asked(numbapool.max_pool2d, x, 2)
    assert [line for line in lines if line[0] not in ("allocate", "free")] == [on("launch", OTHER)]
    lines, _ = asked(numbapool.max_pool2d, x, 2, stream=STREAM)
    assert [line for line in lines if line[0] not in ("allocate", "free")] == [
        on("record", OTHER), on("wait", STREAM), on("launch", STREAM)
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.bool_])
def test_arrays_of_a_library_that_speaks_dlpack(dtype):
    x = Far(X.astype(dtype))
    numbapool.max_pool2d(x, 2)
    x.asked.clear()
    lines, found = asked(numbapool.max_pool2d, x, 2, stream=STREAM)
    assert x.asked == [STREAM]
    assert found.memory.dtype == dtype
    assert found.memory.shape == (2, 3, 4, 4)
    # The library's stream waits for the result, and what it lent is held until it was read.
    assert [line for line in lines if line[0] not in ("allocate", "free")] == [
        on("launch", STREAM), on("record", STREAM), on("wait", FAR), on("record", STREAM)
    ]  # fmt: skip
    assert numbapool.max_pool2d(Far(X[:0].astype(dtype)), 2).memory.shape == (0, 3, 4, 4)


@pytest.fixture
def cupy(monkeypatch):
    module = fake.Module()
    monkeypatch.setitem(sys.modules, "cupy", module)
    yield module
    ready._calls.clear()
    ready._looks.clear()


AGAIN = [
    (numbapool.max_pool2d, (2,), {}), (numbapool.max_pool2d, (3, 2, 1), {"return_indices": True}),
    (numbapool.avg_pool2d, (2,), {"divisor_override": 3}), (numbapool.median_pool2d, (3,), {}),
    (numbapool.max_pool2d, ((9, 8), 1, 4), {"return_indices": True, "index_dtype": "int32"}),
    (numbapool.global_max_pool, (), {}),
]  # fmt: skip


@pytest.mark.parametrize(("pool", "args", "options"), AGAIN)
def test_a_call_like_an_earlier_one_is_lent_memory_and_launched(cupy, pool, args, options):
    """With arrays elsewhere and on another stream; what it is told then is what it was told."""
    x, other = (cupy.asarray(np.repeat(X, 3, 1)) for _ in range(2))
    first = pool(x, *args, **options)
    lines, _ = asked(pool, x, *args, **options, stream=STREAM)
    there = [name for name, _ in lines if name in ("allocate", "launch")]
    DRIVER.arguments()
    pool(x, *args, **options, stream=STREAM)
    wanted = DRIVER.arguments()
    cupy.current = OTHER
    calls = dict(ready._calls)
    assert len(calls) == 1
    DRIVER.arguments()
    lines, again = asked(pool, other, *args, **options)
    assert ready._calls == calls
    assert [name for name, _ in lines if name != "free"] == there
    assert {line for line in lines if line[0] == "launch"} == {on("launch", OTHER)}
    assert DRIVER.arguments() == wanted
    for one, two in zip(parts(first), parts(again), strict=True):
        assert (one.shape, one.strides, one.dtype) == (two.shape, two.strides, two.dtype)
        assert one.data.ptr != two.data.ptr


def parts(found):
    return found if isinstance(found, tuple) else (found,)


def test_a_call_that_differs_is_planned_anew(cupy):
    x = cupy.asarray(X)
    numbapool.max_pool2d(x, 2)
    numbapool.max_pool2d(x, 2)
    assert len(ready._calls) == 1
    numbapool.max_pool2d(cupy.asarray(X[:1]), 2)
    numbapool.max_pool2d(cupy.asarray(X.astype(np.int32)), 2)
    numbapool.max_pool2d(x.transpose((0, 1, 3, 2)), 2)
    numbapool.max_pool2d(fake.ndarray(x.memory, (2, 3, 7, 8), x.strides, 4), 2)
    numbapool.max_pool2d(x, 3)
    numbapool.min_pool2d(x, 2)
    numbapool.max_pool2d(x, 2, return_indices=True)
    assert len(ready._calls) == 8
    out = cupy.empty((2, 3, 4, 4), np.float32)
    assert numbapool.max_pool2d(x, 2, out=out) is out
    numbapool.fractional_max_pool2d(x, 2, 3, random_samples=np.zeros((2, 3, 2)))
    assert len(ready._calls) == 8
    with pytest.raises(ValueError, match="kernel_size"):
        numbapool.max_pool2d(x, 0)


def test_a_call_from_another_context_goes_to_that_of_its_array(cupy):
    x = cupy.asarray(X)
    numbapool.max_pool2d(x, 2)
    with cuda.gpus[1]:
        DRIVER.asked()
        numbapool.max_pool2d(x, 2)
        assert DRIVER.launched_in() == 0
    numbapool.max_pool2d(x, 2)
    assert DRIVER.launched_in() == 0


def test_threads_do_not_share_the_words_of_a_launch(cupy):
    arrays = [cupy.asarray(X) for _ in range(8)]
    numbapool.max_pool2d(arrays[0], 2)

    def pooled(x):
        return [numbapool.max_pool2d(x, 2) for _ in range(50)]

    with ThreadPoolExecutor(8) as crew:
        found = list(crew.map(pooled, arrays))
    assert len({each.data.ptr for some in found for each in some}) == 400


def test_a_tensor_of_the_host_is_sent_for_every_call():
    x = torch.from_numpy(X)
    for _ in range(2):
        lines, found = asked(numbapool.max_pool2d, x, 2, target="cuda")
        assert [name for name, _ in lines if name in ("send", "fetch")][-2:] == ["send", "fetch"]
        assert isinstance(found, torch.Tensor)


def test_words_that_two_threads_send_at_a_time_are_those_of_one(cupy, monkeypatch):
    """The other thread is here while this one waits for its words."""
    x, sent = cupy.asarray(X[:, :1]), []

    def kept(words, stream):
        monkeypatch.undo()
        numbapool.max_pool2d(x, (3, 2), stream=OTHER)
        (step,) = next(reversed(run.plans.values())).program.steps
        sent.append((step, step.on[0]))
        return streams.kept(words, stream)

    cupy_again = sys.modules["cupy"]
    monkeypatch.setattr(program, "kept", kept)
    numbapool.max_pool2d(x, (3, 2))
    sys.modules["cupy"] = cupy_again
    ((step, first),) = sent
    assert step.on[0] is first


def test_results_that_lie_otherwise_are_those_of_another_plan(cupy):
    offsets, empty = [0, 0, 4, 4], cupy.empty

    def next_empty(shape, dtype):
        offset = offsets.pop(0)
        made = empty((*shape[:-1], shape[-1] + 4), dtype)
        return fake.ndarray(made.memory, shape, empty(shape, dtype).strides, offset)

    cupy.empty = next_empty
    x = cupy.asarray(X)
    told = []
    for _ in range(2):
        DRIVER.arguments()
        numbapool.max_pool2d(x, 2)
        told.append(DRIVER.arguments())
    found = numbapool.max_pool2d(x, 2)
    told.append(DRIVER.arguments())
    assert not offsets
    assert found.data.ptr % 16 == 4
    assert told[0] == told[1] != told[2]
