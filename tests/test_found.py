"""Bugs that were found by attacking the package, one test each."""

from __future__ import annotations

import numpy as np
import onnx
import oracle
import pytest
import torch
from test_process import python
from test_windows import assert_same, assert_within

import numbapool
import numbapool.onnx
from numbapool import geometry, kept, plan
from numbapool.cli.common import CommandError
from numbapool.cli.pictures import read_picture
from numbapool.cpu import frame
from numbapool.ops import MAX
from numbapool.plan import make_plan


def test_axes_of_size_1_have_any_stride():
    x = np.arange(32, dtype="f4").reshape(1, 1, 8, 4)[..., ::4]
    assert numbapool.global_max_pool(x).item() == 28
    assert numbapool.max_pool2d(x, (4, 1)).ravel().tolist() == [12, 28]
    t = torch.rand(2, 2, 5, 1).to(memory_format=torch.channels_last)
    expected = torch.nn.functional.adaptive_max_pool2d(t, (5, None))
    assert torch.equal(numbapool.adaptive_max_pool2d(t, (5, None)), expected)
    x = np.arange(4 * 3 * 5 * 6, dtype="f4").reshape(4, 3, 5, 6)[::2][:, :, None]
    assert_same(numbapool.global_max_pool(x), x.max((2, 3, 4), keepdims=True))


def test_scratch_of_tall_windows_of_bytes():
    # Windows of one row among tall ones.
    x = np.random.default_rng(0).integers(0, 255, (4, 1, 20001, 65), dtype="u1")
    tall = 10000
    values, indices = numbapool.max_pool2d(x, (tall, 64), ceil_mode=True, return_indices=True)
    for o, rows in enumerate((slice(0, tall), slice(tall, 2 * tall), slice(2 * tall, None))):
        window = x[:, 0, rows, :64].reshape(4, -1)
        first = window.argmax(1)
        assert_same(values[:, 0, o, 0], window.max(1))
        assert_same(indices[:, 0, o, 0], (o * tall + first // 64) * 65 + first % 64)


def test_scratch_does_not_grow_with_a_plane_pooled_whole():
    where = (geometry.adaptive, 2, 1)
    shape, dtype = (1, 1, 60_000, 60_000), np.dtype(np.uint8)
    made = make_plan(MAX, where, shape, None, dtype, False, "int64", None)
    assert made.program.frame[frame.SCRATCH] < 2**16


@pytest.mark.parametrize("dilation", [10**6, 10**9])
def test_windows_far_larger_than_planes_take_no_memory(dilation):
    where = (geometry.sliding, 2, 2, 1, "same", dilation, False, True)
    made = make_plan(MAX, where, (1, 1, 4, 5), None, np.dtype("f4"), False, "int64", None)
    assert made.program.frame[frame.SCRATCH] < 2**16
    assert sum(table.nbytes for table in made.program.tables) < 2**16
    x = np.random.default_rng(0).standard_normal((1, 1, 4, 5), np.float32)
    # All taps lie on either side of the plane.
    assert_same(numbapool.max_pool2d(x, 2, 1, "same", dilation), np.full_like(x, -np.inf))


def test_out_on_an_input_that_is_copied():
    base = np.arange(64.0).reshape(1, 1, 8, 8)
    before = base.copy()
    with pytest.raises(ValueError, match="share memory"):
        numbapool.max_pool2d(base[..., ::-1], 2, out=base[..., :4, :4])
    crossing = np.lib.stride_tricks.as_strided(np.zeros(64), (1, 2, 4, 4), (0, 16, 32, 8))
    with pytest.raises(ValueError, match="share memory"):
        numbapool.max_pool2d(np.zeros((1, 2, 8, 8)), 2, out=crossing)
    assert_same(base, before)


def test_windows_without_taps_give_true_as_one_byte():
    z = numbapool.min_pool2d(np.zeros((1, 1, 4), bool), 2, 1, ((1, 1), (1, 1)), 2)
    assert (z.view("u1") == 1).all()


def test_leftover_and_dilated_taps_are_summed_pairwise():
    x = np.full((1, 1, 15), 2.0**-24, np.float32)
    x[0, 0, 0] = 1
    got = numbapool.avg_pool2d(x, (1, 15))
    assert_within(got, *oracle.average(x, oracle.windows(x.shape, (1, 15))))
    x = np.random.default_rng(0).random((1, 1, 40000), dtype=np.float32)
    got = numbapool.avg_pool2d(x, (1, 20000), dilation=2)
    error = abs(got.item() - x[0, 0, ::2].mean(dtype=np.float64))
    assert error <= (np.log2(20000) + 2) * np.finfo(np.float32).eps * x.mean()


@pytest.mark.parametrize("kernel", [51, (1, 51), 7])
def test_zeros_of_both_signs_in_large_windows(kernel):
    x = np.ones((2, 1, 60, 60), np.float32)
    x[0, :, ::9, ::7] = -0.0
    x[:, :, ::8, ::11] = 0.0
    expected, _ = oracle.select(x, oracle.windows(x.shape, kernel, 2), -1)
    assert_same(numbapool.min_pool2d(x, kernel, 2), expected)


def test_an_output_that_no_memory_holds():
    with pytest.raises((ValueError, MemoryError)):
        numbapool.adaptive_max_pool2d(np.zeros((1, 1, 4, 4)), 2**31 - 1)
    with pytest.raises(ValueError, match="divisor_override"):
        numbapool.avg_pool2d(np.zeros((1, 1, 4, 4)), 2, divisor_override=10**400)


def test_tensors_with_a_negative_bit():
    t = torch.ones(2, 8, 8, dtype=torch.complex64).conj().imag
    assert torch.equal(numbapool.max_pool2d(t, 2), torch.nn.functional.max_pool2d(t, 2))


def test_a_child_of_a_process_that_used_omp_before(tmp_path):
    code = """
        import os, warnings
        import numpy as np, numba, numbapool
        @numba.njit(parallel=True)
        def total(a):
            s = 0.0
            for i in numba.prange(a.size):
                s += a[i]
            return s
        total(np.ones(1000))
        warnings.simplefilter("ignore")
        x = np.random.default_rng(0).random((4, 8, 64, 64))
        child = os.fork()
        if not child:
            numbapool.max_pool2d(x, 3, 2)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert python(code, tmp_path, NUMBA_THREADING_LAYER="omp").strip() == "0"


def test_layers_that_are_equal_hash_alike():
    one, other = numbapool.MaxPool2d(2, ceil_mode=1), numbapool.MaxPool2d(2, ceil_mode=True)
    assert one == other
    assert hash(one) == hash(other)


def test_a_wrong_array_does_not_fill_the_screen():
    with pytest.raises(TypeError, match="input_shape must hold ints") as caught:
        numbapool.output_shape(np.zeros((30, 30)), 3)
    assert len(str(caught.value)) < 150


def test_frames_of_an_animation_are_not_dropped(tmp_path):
    image = pytest.importorskip("PIL.Image")
    frames = [image.new("L", (8, 8), shade) for shade in (0, 90)]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(CommandError, match="has 2 frames"):
        read_picture(tmp_path / "two.gif")


def test_planes_that_are_broadcast_over_the_batch():
    rows = np.random.default_rng(0).standard_normal((1, 3, 6, 6)).astype(np.float32)
    for x in (
        np.broadcast_to(rows, (2, 3, 6, 6)),
        np.broadcast_to(rows[:, :1], (2, 3, 6, 6)),
        np.broadcast_to(rows[:, :1], (1, 3, 6, 6)),
    ):
        for pool in (
            lambda x: numbapool.max_pool2d(x, 3, 2),
            lambda x: numbapool.adaptive_max_pool2d(x, 4, return_indices=True)[1],
            lambda x: numbapool.avg_pool2d(x, 6, 1),
            numbapool.global_max_pool,
        ):
            assert_same(pool(x), pool(x.copy()))


def test_plans_are_kept_up_to_a_number():
    made = []
    plans = kept.Plans(lambda *call: made.append(call) or len(made))
    calls = [(MAX, (geometry.sliding, 2), number) for number in range(kept.MOST + 2)]
    assert [plans[call] for call in calls] == list(range(1, kept.MOST + 3))
    assert plans[calls[-1]] == kept.MOST + 2
    assert len(plans) == kept.MOST
    assert (calls[1] in plans, calls[2] in plans) == (False, True)


def test_a_few_large_plans_are_kept():
    for width in (300_001, 300_002, 300_003, 300_004, 300_005):
        numbapool.avg_pool2d(np.ones((1, 1, 1, width), np.uint8), (1, 7), 1)
    few = plan.plans.few
    assert [call[2][-1] for call in few] == [300_002, 300_003, 300_004, 300_005]
    assert all(call in plan.plans for call in few)
    numbapool.avg_pool2d(np.ones((1, 1, 1, 3_000_000), np.uint8), (1, 7), 1)  # 24 MB of tables
    assert len(few) == 4
    assert all(call[2][-1] < 3_000_000 for call in plan.plans)


def test_a_negated_tensor_is_no_out():
    z = torch.zeros(2, 3, 2, 2)
    with pytest.raises(ValueError, match="negated or conjugate view"):
        numbapool.max_pool2d(torch.ones(2, 3, 4, 4), 2, out=torch._neg_view(z))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: numbapool.max_pool2d(x, 2, ceil_mode="False"), TypeError, "ceil_mode"),
        (lambda x: numbapool.max_pool2d(x, 2, return_indices=2.5), TypeError, "return_indices"),
        (lambda x: numbapool.avg_pool2d(x, 2, count_include_pad=1), TypeError, "count_include"),
        (lambda x: numbapool.global_max_pool(x, keepdims=[]), TypeError, "keepdims"),
        (lambda x: numbapool.max_pool2d(x, 2, index_dtype="foo"), ValueError, "index_dtype"),
        (lambda x: numbapool.spatial_pyramid_pool(x, "2"), TypeError, "levels"),
        (lambda x: numbapool.spatial_pyramid_pool(x, b"2"), TypeError, "levels"),
        (lambda x: numbapool.spatial_pyramid_pool(x, (2, None)), TypeError, "levels"),
        (lambda x: numbapool.spatial_pyramid_pool(x, mode=["max"]), ValueError, "mode"),
        (lambda x: numbapool.global_max_pool(x, True, False, out=3), TypeError, "out"),
        (lambda x: numbapool.max_pool2d(x, 2, num_threads=np.ones(3)), TypeError, "num_threads"),
        (lambda x: numbapool.output_shape((1, 1, 2**70, 4), 2), ValueError, "input_shape"),
        (lambda x: numbapool.adaptive_max_pool2d(x, 2**31 - 1), ValueError, "output's shape"),
    ],
)
def test_arguments_that_came_through(call, error, match):
    with pytest.raises(error, match=match):
        call(np.ones((2, 3, 4, 4), np.float32))


INTERRUPTED = """
import signal, threading, time
import numpy as np, numbapool
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a shell runs behind it
threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
x = np.ones((1, 2, 8, 8), np.float32)
try:
    numbapool.max_pool2d(x, 3)
    time.sleep(5)
except KeyboardInterrupt:
    assert (numbapool.max_pool2d(x, 3) == 1).all()
    print("fine")
"""


def test_an_interrupt_while_numba_is_imported_waits(tmp_path):
    assert python(INTERRUPTED, tmp_path).strip() == "fine"


def test_out_of_an_empty_batch():
    out = np.empty((0, 3, 2, 2))
    assert numbapool.max_pool2d(np.empty((0, 3, 4, 4)), 2, out=out) is out


def test_a_tensor_with_gradients_is_warned_of_once():
    t = torch.ones(1, 1, 4, 4, requires_grad=True)
    for pool in (numbapool.max_pool2d, numbapool.adaptive_max_pool2d, numbapool.median_pool2d):
        with pytest.warns(UserWarning, match="is detached") as noted:
            pool(t, 2)
        assert len(noted) == 1


def test_the_gradient_of_one_mean_of_many():
    grad = numbapool.adaptive_avg_pool1d_backward(np.ones((1, 1, 1)), (1, 1, 2_000_000))
    assert grad.shape == (1, 1, 2_000_000)
    np.testing.assert_allclose(grad, 5e-7)


@pytest.mark.parametrize("channels", [2, 3, 5])
def test_few_channels_that_come_last_do_so_in_the_result(channels):
    x = torch.randn(2, channels, 8, 8).to(memory_format=torch.channels_last)
    want, where = numbapool.max_pool2d(x.contiguous(), 2, return_indices=True)
    got, indices = numbapool.max_pool2d(x, 2, return_indices=True)
    assert torch.equal(got, want)
    assert torch.equal(indices, where)
    assert got.is_contiguous(memory_format=torch.channels_last)
    last = numbapool.max_pool2d(x.permute(0, 2, 3, 1).numpy(), 2, data_format="channels_last")
    assert last.flags.c_contiguous


def test_a_pooling_op_says_what_is_wrong_with_it():
    with pytest.raises(TypeError, match="identity must be a function of the dtype"):
        numbapool.PoolOp("p", identity=1.0, combine=lambda a, b: a + b)
    node = onnx.helper.make_node("MaxPool", ["x"], ["y"])
    with pytest.raises(ValueError, match="kernel_shape must have 2 entries"):
        numbapool.onnx.run_node(node, [np.zeros((1, 1, 4, 4), np.float32)])
    grad = torch.ones(1, 1, 2, 2, dtype=torch.bfloat16)
    with pytest.raises(TypeError, match="grad_output must be float32 or float64, got dtype bfloat"):
        numbapool.avg_pool2d_backward(grad, (1, 1, 4, 4), 2)


def test_drawn_windows_end_where_the_input_does():
    # Half precision cannot count 1301 places: rounding put a window behind the last one.
    x = np.zeros((1, 1, 2, 1301), np.float32)
    samples = np.array([[[0.92724609375, 0.2]]], np.float16)
    values, where = numbapool.fractional_max_pool2d(
        x, (1, 2), (1, 1298), random_samples=samples, return_indices=True
    )
    assert where.max() < x.size
    assert (values == 0).all()
    back = numbapool.fractional_avg_pool2d_backward(
        np.ones((1, 1, 1, 1298), np.float32), x.shape, (1, 2), (1, 1298), random_samples=samples
    )
    assert back.sum() == 1298
    for size in (1301, 29915, 100_000):
        for sample in np.linspace(0, 0.999, 50).astype(np.float16):
            low, high = numbapool.bins(
                size, kernel_size=2, output_size=size // 2 + 7, random_sample=sample
            ).T
            assert high.max() == size
            assert (np.diff(low) >= 0).all()


def test_conjugate_views_of_tensors():
    x = torch.randn(1, 2, 4, 4, dtype=torch.complex64)
    got = numbapool.avg_pool2d(x.conj(), 2)
    assert torch.equal(got, numbapool.avg_pool2d(x.conj().resolve_conj(), 2))
    with pytest.raises(ValueError, match="out must not be a negated or conjugate view"):
        numbapool.avg_pool2d(x, 2, out=torch.zeros(1, 2, 2, 2, dtype=torch.complex64).conj())


@pytest.mark.parametrize("dtype", [">f4", ">i4", ">f2"])
def test_pyramids_of_foreign_bytes(dtype):
    x = np.arange(32).reshape(1, 2, 4, 4).astype(dtype)
    native = x.astype(x.dtype.newbyteorder("="))
    np.testing.assert_array_equal(numbapool.sppf_pool(x, 3, 1), numbapool.sppf_pool(native, 3, 1))


def test_boxes_past_float32_are_refused():
    x = np.zeros((1, 1, 8, 8), np.float32)
    with pytest.raises(ValueError, match="boxes must be finite in float32"):
        numbapool.roi_pool(x, np.array([[0, 1, 1, 1e300, 5.0]]), 2)
    with pytest.raises(ValueError, match="output_size must be of at most"):
        numbapool.roi_pool(x, np.array([[0, 1, 1, 5.0, 5.0]]), 2**31 - 1)


def test_channels_that_lie_last_stay_there():
    x = np.moveaxis(np.random.default_rng(0).random((2, 8, 8, 16), np.float32), -1, 1)
    y, indices = numbapool.max_pool2d(x, 2, return_indices=True)
    for found in (
        numbapool.sppf_pool(x), numbapool.gather(x, indices), numbapool.minmax_pool2d(x, 2)[1],
        numbapool.max_unpool2d(y, indices, 2),
        numbapool.stochastic_pool2d(x, 2, rng=np.random.default_rng(0)),
    ):  # fmt: skip
        assert np.moveaxis(found, 1, -1).flags.c_contiguous
    np.testing.assert_array_equal(numbapool.gather(x, indices), y)
