"""Arrays in, the same kind of array out; ``out``; layers."""

from __future__ import annotations

import copy
import inspect
import pickle
import threading
import time
import warnings

import numpy as np
import pytest
import torch

import numbapool
from numbapool import plan
from numbapool.cpu import frame
from numbapool.kept import Plans

X = np.random.default_rng(0).standard_normal((2, 3, 20, 24)).astype(np.float32)


def test_torch_in_torch_out_without_a_copy():
    x = torch.from_numpy(X)
    values, indices = numbapool.max_pool2d(x, 3, 2, return_indices=True)
    expected = torch.nn.functional.max_pool2d(x, 3, 2, return_indices=True)
    assert torch.equal(values, expected[0])
    assert torch.equal(indices, expected[1])
    out = torch.empty_like(values)
    assert numbapool.max_pool2d(x, 3, 2, out=out) is out
    assert torch.equal(out, values)
    strided = x.permute(0, 1, 3, 2)
    assert torch.equal(
        numbapool.max_pool2d(strided, 3, 2), torch.nn.functional.max_pool2d(strided, 3, 2)
    )
    assert numbapool.global_avg_pool(x).shape == (2, 3, 1, 1)
    assert isinstance(numbapool.spatial_pyramid_pool(x), torch.Tensor)
    assert isinstance(numbapool.global_max_pool(x, keepdims=False), torch.Tensor)


def test_a_tensor_that_wants_gradients_is_warned_about():
    x = torch.from_numpy(X).requires_grad_()
    for pool in (lambda x: numbapool.max_pool2d(x, 2), numbapool.MaxPool2d(2)):
        with pytest.warns(UserWarning, match="detached") as caught:
            y = pool(x)
        assert caught[0].filename == __file__
    assert not y.requires_grad
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        numbapool.max_pool2d(x, 2)


def test_subclasses_of_arrays(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    got = numbapool.max_pool2d(mapped, 2)
    assert type(got) is np.ndarray
    np.testing.assert_array_equal(got, numbapool.max_pool2d(X, 2))


def test_out_of_any_strides():
    expected, where = numbapool.max_pool2d(X, 2, return_indices=True)
    big = np.zeros((2, 3, 20, 24), np.float32)
    out = big[..., ::2, ::2]
    places = np.zeros((12, 10, 3, 2), np.int64).T
    result = numbapool.max_pool2d(X, 2, return_indices=True, out=[out, places])
    assert result[0] is out
    assert result[1] is places
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(places, where)
    assert (big[..., 1::2, :] == 0).all()
    direct = np.empty_like(expected)
    assert numbapool.max_pool2d(X, 2, out=direct) is direct
    np.testing.assert_array_equal(direct, expected)


def test_inputs_are_never_written():
    before = X.copy()
    for pool in (numbapool.max_pool2d, numbapool.avg_pool2d, numbapool.sum_pool2d):
        pool(X, 3, 1, 1)
    np.testing.assert_array_equal(X, before)


def test_plane_contiguous_views_are_not_copied():
    tracemalloc = pytest.importorskip("tracemalloc")
    x = np.zeros((4, 8, 256, 256), np.float32)
    views = [x[::2], x[:, 1::3], x[..., 3:250, 5:200], np.broadcast_to(x[:, :1], x.shape)]
    for view in views:
        numbapool.max_pool2d(view, 8)
        tracemalloc.start()
        numbapool.max_pool2d(view, 8)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < view.nbytes / 8


LAYERS = [
    (numbapool.MaxPool2d(3, 2, 1), torch.nn.MaxPool2d(3, 2, 1)),
    (numbapool.MaxPool2d((3, 2), ceil_mode=True), torch.nn.MaxPool2d((3, 2), ceil_mode=True)),
    (numbapool.AvgPool2d(3), torch.nn.AvgPool2d(3)),
    (
        numbapool.AvgPool2d(3, 2, 1, True, False, 5),
        torch.nn.AvgPool2d(3, 2, 1, True, False, 5),
    ),
    (numbapool.AdaptiveMaxPool2d((4, None)), torch.nn.AdaptiveMaxPool2d((4, None))),
    (numbapool.AdaptiveAvgPool2d(5), torch.nn.AdaptiveAvgPool2d(5)),
    (numbapool.LPPool2d(2, 3, 2), torch.nn.LPPool2d(2, 3, 2)),
]


@pytest.mark.parametrize(("ours", "theirs"), LAYERS, ids=repr)
def test_layers_are_torch_layers(ours, theirs):
    assert repr(ours) == repr(theirs)
    expected = theirs(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(ours(X), expected, rtol=1e-5, atol=1e-6)
    for twin in (pickle.loads(pickle.dumps(ours)), copy.copy(ours), copy.deepcopy(ours)):
        assert twin == ours
        assert hash(twin) == hash(ours)
        np.testing.assert_array_equal(twin(X), ours(X))


RNG = np.random.default_rng
HELD = [
    (numbapool.MinMaxPool2d(2), numbapool.minmax_pool2d(X, 2)),
    (numbapool.MedianPool2d(3, 2), numbapool.median_pool2d(X, 3, 2)),
    (numbapool.QuantilePool2d(2, q=0.25), numbapool.quantile_pool2d(X, 2, q=0.25)),
    (numbapool.SoftPool2d(2), numbapool.soft_pool2d(X, 2)),
    (numbapool.GeMPool2d(2, p=2, eps=0), numbapool.gem_pool2d(X, 2, p=2, eps=0)),
    (numbapool.BlurPool2d(padding_mode="zero"), numbapool.blur_pool2d(X, padding_mode="zero")),
    (numbapool.MaxBlurPool2d(2), numbapool.max_blur_pool2d(X, 2)),
    (numbapool.StochasticPool2d(2, train=False), numbapool.stochastic_pool2d(X, 2, train=False)),
    (numbapool.FractionalMaxPool2d(2, 7, rng=RNG(3)),
     numbapool.fractional_max_pool2d(X, 2, 7, rng=RNG(3))),
    (numbapool.GlobalAvgPool(keepdims=False), X.mean((2, 3))),
    (numbapool.MaxPool2d(2, nan_policy="omit"), numbapool.max_pool2d(X, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "want"), HELD, ids=repr)
def test_layers_hold_the_arguments_of_functions(layer, want):
    twin = pickle.loads(pickle.dumps(layer))
    assert repr(twin) == repr(layer)
    for y in (layer(X), twin(X)):
        np.testing.assert_allclose(y, want, rtol=1e-6)


def test_every_pooling_has_a_layer():
    """By its name in capitals and lower case, in as many dimensions."""
    layers = {name.lower() for name, value in vars(numbapool).items() if isinstance(value, type)}
    pools = {name.replace("_", "") for name in numbapool.__all__ if name.islower()
             and name[-2:] in ("1d", "2d", "3d")}  # fmt: skip
    assert layers == pools | {"globalmaxpool", "globalminpool", "globalavgpool", "poolop"}


def test_what_layers_say():
    assert repr(numbapool.MaxUnpool2d((2, 2), (2, 2), (0, 0))) == \
        repr(torch.nn.MaxUnpool2d((2, 2), (2, 2), (0, 0)))  # fmt: skip
    assert repr(numbapool.GeMPool1d(2, p=4)).endswith("ceil_mode=False, p=4)")
    assert list(inspect.signature(numbapool.AvgPool2d).parameters) == [
        "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override",
        "dilation", "data_format", "nan_policy", "num_threads", "target",
    ]  # fmt: skip
    assert "`max_pool3d` with its arguments held" in numbapool.MaxPool3d.__doc__
    for wrong, says in (({}, "missing a required argument: 'kernel_size'"),
                        ({"kernel_size": 2, "size": 1}, "an unexpected keyword argument 'size'")):
        with pytest.raises(TypeError, match=rf"MaxPool2d\(\) .*{says}"):
            numbapool.MaxPool2d(**wrong)


def test_what_a_call_brings():
    out = np.empty((2, 3, 10, 12), np.float32)
    assert numbapool.MaxPool2d(2)(X, out=out) is out
    values, indices = numbapool.MaxPool2d(2, return_indices=True)(X)
    back = numbapool.MaxUnpool2d(2)
    np.testing.assert_array_equal(back(values, indices),
                                  numbapool.max_unpool2d(values, indices, 2))  # fmt: skip
    theirs = torch.nn.MaxUnpool2d(2)(torch.from_numpy(values), torch.from_numpy(indices), (21, 25))
    np.testing.assert_array_equal(back(values, indices, (21, 25)), theirs)
    samples = RNG(0).random((2, 3, 2))
    drawn = numbapool.FractionalMaxPool2d(2, output_ratio=0.5)(X, random_samples=samples)
    want = numbapool.fractional_max_pool2d(X, 2, None, 0.5, random_samples=samples)
    np.testing.assert_array_equal(drawn, want)


def test_layers_with_indices():
    values, indices = numbapool.MaxPool2d(2, return_indices=True)(X)
    assert values.shape == indices.shape
    assert len(numbapool.AdaptiveMaxPool2d(2, return_indices=True)(X)) == 2
    assert len(numbapool.GlobalMinPool(return_indices=True)(X)) == 2
    np.testing.assert_array_equal(numbapool.MinPool2d(2)(X), -numbapool.MaxPool2d(2)(-X))
    np.testing.assert_array_equal(numbapool.SumPool2d(2)(np.ones((1, 2, 2))), [[[4]]])
    assert numbapool.GlobalAvgPool(keepdims=False)(X).shape == (2, 3)
    assert numbapool.AdaptiveMinPool2d(1)(X).shape == numbapool.GlobalMaxPool()(X).shape


def test_a_layer_lives_in_a_torch_module():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3)
            self.pool = numbapool.MaxPool2d(2)

        def forward(self, x):
            return self.pool(self.conv(x))

    net = copy.deepcopy(Net())
    with torch.no_grad():
        got = net(torch.from_numpy(X))
        expected = torch.nn.functional.max_pool2d(net.conv(torch.from_numpy(X)), 2)
    assert torch.equal(got, expected)


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (2, 8, 64, 64)])
def test_no_memory_to_work_in_is_an_error(shape, monkeypatch):
    plans = Plans(plan.make_plan)
    monkeypatch.setattr(plan, "plans", plans)
    x = np.ones(shape, np.float32)
    numbapool.max_pool2d(x, 3, 1)
    words = next(iter(plans.values())).program.frame
    room = int(words[frame.SCRATCH])
    words[frame.SCRATCH] = 1 << 60
    try:
        with pytest.raises(MemoryError, match="no memory"):
            numbapool.max_pool2d(x, 3, 1)
    finally:
        words[frame.SCRATCH] = room
    assert (numbapool.max_pool2d(x, 3, 1) == 1).all()


def test_explain_tells_the_kernel():
    x = np.ones((4, 16, 30, 30), np.float32)  # planes turned fit the caches, whatever the vectors
    kernels = {
        "rows": (numbapool.max_pool2d, 3, 2),
        "doubling": (numbapool.AvgPool2d(13, 1),),
        "turned": (numbapool.MaxPool2d(13, 1),),
        "bins": (numbapool.adaptive_avg_pool2d, 7),
        "none": (numbapool.max_pool2d, 2),
    }
    for name, (pool, *args) in kernels.items():
        told = numbapool.explain(pool, x[:0] if name == "none" else x, *args)
        assert told.kernels == (name,)
        assert f"{name}:" in str(told)
    small = np.ones((4, 16, 7, 7), np.float32)
    assert numbapool.explain(numbapool.global_max_pool, small).kernels == ("whole",)
    assert len(numbapool.explain(numbapool.spatial_pyramid_pool, x, (1, 2)).kernels) == 2
    told = numbapool.explain(numbapool.roi_align, x, np.zeros((1, 5)), 3)
    assert (told.kernels, str(told)[:5]) == ((), "none:")
    with pytest.raises(TypeError, match="kernel_size"):
        numbapool.explain(numbapool.max_pool2d, x, 1.5)
    with pytest.raises(TypeError, match="pool must be a function or a layer, got ndarray"):
        numbapool.explain(x)  # type: ignore[arg-type]
    assert type(plan.plans) is Plans  # and are themselves again


def test_explaining_in_threads_and_within():
    """Once the plans of one call were noted for ever, since another began before it ended."""
    x, began = np.ones((1, 2, 9, 9), np.float32), threading.Event()

    def slow(x):
        began.set()
        time.sleep(0.1)
        return numbapool.max_pool2d(x, 3)

    thread = threading.Thread(target=numbapool.explain, args=(slow, x))
    thread.start()
    began.wait()
    told = numbapool.explain(numbapool.explain, numbapool.max_pool2d, x, 3)
    thread.join()
    assert told.kernels == ("rows",)
    assert type(plan.plans) is Plans
