"""Every operation and every kind of output of ``numbapool pool``."""

import itertools

import numpy as np
import pytest
from commands import RNG, WINDOW, expected, pool
from strategies import few

import numbapool

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("op", ["max", "min", "avg", "sum"])
def test_operations(tmp_path, op):
    x = RNG.random((2, 3, 9, 8), np.float32)
    np.save(tmp_path / "x.npy", x)
    pool(tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--op", op, "-k", "3x2", "-s", "1x2",
         "-p", "1x0", "--dilation", "2", "--ceil-mode")  # fmt: skip
    function = getattr(numbapool, f"{op}_pool2d")
    want = function(x, (3, 2), (1, 2), padding=(1, 0), dilation=2, ceil_mode=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), want)


@pytest.mark.parametrize(("op", "kernel", "dtype"), few(
    [*itertools.product(("max", "min", "avg", "sum"), (2, 10), ("uint8", "float64"))],
    [("max", 2, "uint8"), ("min", 2, "float64"), ("avg", 10, "float64"), ("sum", 2, "uint8")],
))  # fmt: skip
def test_operations_by_numpy(tmp_path, op, kernel, dtype):
    x = RNG.integers(0, 256, (2, 3, 40, 20)).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    pool(tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--op", op, "-k", kernel)
    windows = x.reshape(2, 3, 40 // kernel, kernel, 20 // kernel, kernel)
    want = getattr(np, {"avg": "mean"}.get(op, op))(windows, axis=(3, 5))
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), want, rtol=1e-12)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_named_padding(tmp_path, padding):
    x = RNG.random((1, 1, 9, 8))
    np.save(tmp_path / "x.npy", x)
    pool(tmp_path / "x.npy", "-o", tmp_path / "y.npy", "-k", 3, "-s", 1, "-p", padding)
    shape = (9, 8) if padding == "same" else (7, 6)
    y = np.load(tmp_path / "y.npy")
    assert y.shape[2:] == shape
    np.testing.assert_array_equal(y, numbapool.max_pool2d(x, 3, 1, padding))


@pytest.mark.parametrize("op", ["max", "min", "avg"])
def test_adaptive(tmp_path, op):
    x = RNG.random((2, 3, 9, 8), np.float32)
    np.save(tmp_path / "x.npy", x)
    pool(tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--op", op, "--adaptive", "4x3")
    want = getattr(numbapool, f"adaptive_{op}_pool2d")(x, (4, 3))
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), want)


@pytest.mark.parametrize("op", ["max", "min"])
@pytest.mark.parametrize("options", [["-k", "2"], ["--adaptive", "4x3"]])
def test_indices_point_at_the_values(tmp_path, op, options):
    x = RNG.random((5, 3, 9, 8), np.float32)
    np.save(tmp_path / "x.npy", x)
    pool(tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--op", op, *options, "--batch", 2,
         "--indices", tmp_path / "i.npy")  # fmt: skip
    indices = np.load(tmp_path / "i.npy")
    assert indices.dtype == np.int64
    flat = np.take_along_axis(x.reshape(5, 3, -1), indices.reshape(5, 3, -1), axis=2)
    np.testing.assert_array_equal(flat.reshape(indices.shape), np.load(tmp_path / "y.npy"))


def test_output_picture(tmp_path, photo, capsys):
    path, values = photo
    pool(path, "-o", tmp_path / "y.png", *WINDOW)
    want = expected(values[np.newaxis])[0].transpose(1, 2, 0)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "y.png")), want)
    assert capsys.readouterr().out == f"wrote {tmp_path / 'y.png'}: picture of 16x12\n"


def test_average_of_a_picture_is_rounded(tmp_path, photo):
    path, values = photo
    pool(path, "-o", tmp_path / "y.png", "--op", "avg", "-k", 2)
    exact = values[:, :24, :30].reshape(3, 12, 2, 15, 2).mean(axis=(2, 4)).transpose(1, 2, 0)
    got = np.asarray(Image.open(tmp_path / "y.png"))
    assert np.abs(got - exact).max() <= 0.5


def test_16_bit_picture_stays_16_bit(tmp_path):
    values = RNG.integers(0, 65536, (1, 8, 9), dtype=np.uint16)
    Image.fromarray(values[0]).save(tmp_path / "x.png")
    pool(tmp_path / "x.png", "-o", tmp_path / "y.png", *WINDOW)
    got = np.asarray(Image.open(tmp_path / "y.png")).astype(np.uint16)
    np.testing.assert_array_equal(got, expected(values[np.newaxis])[0, 0])


def test_floats_from_0_to_1_are_a_picture(tmp_path):
    x = RNG.random((3, 8, 9))
    np.save(tmp_path / "x.npy", x)
    pool(tmp_path / "x.npy", "-o", tmp_path / "y.png", *WINDOW)
    want = np.rint(255 * expected(x[np.newaxis])[0]).transpose(1, 2, 0)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "y.png")), want)


def test_output_folder_keeps_pictures_of_equal_name_apart(tmp_path, photo):
    path, _ = photo
    Image.open(path).save(tmp_path / "photo.bmp")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept")
    pool(path, tmp_path / "photo.bmp", "-o", tmp_path / "out", *WINDOW)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "mine.txt", "photo-2.png", "photo.png",
    ]  # fmt: skip


def test_array_to_folder_of_pictures(tmp_path):
    x = RNG.integers(0, 256, (3, 3, 8, 9), dtype=np.uint8)
    np.save(tmp_path / "x.npy", x)
    pool(tmp_path / "x.npy", "-o", tmp_path / "out", *WINDOW, "--batch", 2)
    for number, want in enumerate(expected(x)):
        got = np.asarray(Image.open(tmp_path / "out" / f"x-{number:05d}.png"))
        np.testing.assert_array_equal(got, want.transpose(1, 2, 0))


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    x = RNG.integers(0, 256, (5, 3, 8, 9), dtype=np.uint8)
    np.save(tmp_path / "x.npy", x)
    pool(tmp_path / "x.npy", "-o", tmp_path / "y.npy", *WINDOW, "--batch", 4,
         "--tensorboard", tmp_path / "log")  # fmt: skip
    events = accumulator.EventAccumulator(str(tmp_path / "log"), size_guidance={"images": 0})
    events.Reload()
    assert sorted(events.Tags()["images"]) == ["input", "output"]
    for tag in ("input", "output"):
        assert [event.step for event in events.Images(tag)] == [0, 1]
