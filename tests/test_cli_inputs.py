"""Every kind of input of ``numbapool pool`` gives the values that NumPy arrays give."""

import pickle

import numpy as np
import pytest
from commands import RNG, WINDOW, expected, pool

import numbapool

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("shape", [(9, 8), (3, 9, 8), (5, 3, 9, 8)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int64", ">f4", "<i2"])
def test_npy(tmp_path, shape, dtype):
    x = RNG.integers(0, 100, shape).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    pool(tmp_path / "x.npy", "-o", tmp_path / "y.npy", *WINDOW, "--batch", 2)
    y = np.load(tmp_path / "y.npy")
    native = x.astype(x.dtype.newbyteorder("="))
    want = expected(native.reshape((1,) * (4 - x.ndim) + shape)).reshape((*shape[:-2], 5, 4))
    assert y.dtype == native.dtype
    np.testing.assert_array_equal(y, want)


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 3), (5, 9, 8, 3)])
def test_channels_last(tmp_path, shape, fortran):
    x = RNG.integers(0, 100, shape).astype(np.float32)
    np.save(tmp_path / "x.npy", np.asfortranarray(x) if fortran else x)
    out, places = tmp_path / "y.npy", tmp_path / "i.npy"
    given = ["--indices", places, "--batch", 2, "--data-format", "channels_last"]
    pool(tmp_path / "x.npy", "-o", out, *WINDOW, *given)
    images = {2: x[None, ..., None], 3: x[None], 4: x}[x.ndim]
    want = expected(images, return_indices=True, data_format="channels_last")
    form = {2: (5, 4), 3: (5, 4, 3), 4: (5, 5, 4, 3)}[x.ndim]
    for path, array in zip((out, places), want, strict=True):
        np.testing.assert_array_equal(np.load(path), array.reshape(form))


def test_channels_last_of_a_picture(tmp_path):
    x = RNG.integers(0, 256, (9, 8, 3)).astype(np.uint8)
    np.save(tmp_path / "x.npy", x)
    pool(tmp_path / "x.npy", "-o", tmp_path / "y.png", *WINDOW, "--data-format", "channels_last")
    want = expected(x[None], data_format="channels_last")[0]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "y.png")), want)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_fortran_order(tmp_path, suffix):
    x = np.asfortranarray(RNG.random((5, 3, 9, 8)))
    path = tmp_path / f"x.{suffix}"
    np.save(path, x) if suffix == "npy" else np.savez(path, x)
    pool(path, "-o", tmp_path / "y.npy", *WINDOW, "--batch", 2)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected(x))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path, save):
    a, b = RNG.random((2, 5, 3, 9, 8))
    save(tmp_path / "one.npz", a)
    save(tmp_path / "two.npz", a=a, b=b)
    pool(tmp_path / "one.npz", "-o", tmp_path / "y.npy", *WINDOW, "--batch", 2)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected(a))
    pool(tmp_path / "two.npz", "--key", "b", "-o", tmp_path / "y.npy", *WINDOW)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected(b))


def test_empty_batch(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((0, 3, 9, 8), np.float32))
    pool(tmp_path / "x.npy", "-o", tmp_path / "y.npy", *WINDOW)
    y = np.load(tmp_path / "y.npy")
    assert y.shape == (0, 3, 5, 4)
    assert y.dtype == np.float32


def test_several_inputs_make_one_sequence(tmp_path):
    x = RNG.random((5, 3, 9, 8))
    np.save(tmp_path / "a.npy", x[:4])
    np.save(tmp_path / "b.npy", x[4])
    pool(tmp_path / "a.npy", tmp_path / "b.npy", "-o", tmp_path / "y.npy", *WINDOW)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected(x))


def test_images_beyond_a_batch_are_split_into_planes(tmp_path, monkeypatch):
    monkeypatch.setattr("numbapool.cli.arrays.LIMIT", 200)
    x = RNG.random((3, 4, 5, 6))
    np.save(tmp_path / "x.npy", x)
    pool(tmp_path / "x.npy", "-o", tmp_path / "y.npy", *WINDOW, "--indices", tmp_path / "i.npy")
    y, indices = expected(x, return_indices=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), y)
    np.testing.assert_array_equal(np.load(tmp_path / "i.npy"), indices)


def test_picture(tmp_path, photo):
    path, values = photo
    pool(path, "-o", tmp_path / "y.npy", *WINDOW)
    y = np.load(tmp_path / "y.npy")
    assert y.dtype == np.uint8
    np.testing.assert_array_equal(y, expected(values[np.newaxis])[0])


def grey16(path):
    values = RNG.integers(0, 65536, (8, 9), dtype=np.uint16)
    Image.fromarray(values).save(path)
    return values[np.newaxis]


def grey(path):
    values = RNG.integers(0, 256, (8, 9), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return values[np.newaxis]


def bilevel(path):
    values = RNG.integers(0, 2, (8, 9), dtype=np.uint8) * np.uint8(255)
    Image.fromarray(values).convert("1").save(path)
    return values[np.newaxis]


def rgba(path):
    values = RNG.integers(0, 256, (8, 9, 4), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return values.transpose(2, 0, 1)


def palette(path):
    image = Image.fromarray(RNG.integers(0, 4, (8, 9), dtype=np.uint8)).convert("P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    image.save(path)
    return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def rotated(path):
    values = RNG.integers(0, 256, (8, 9, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    Image.fromarray(values).save(path, exif=exif)
    return np.rot90(values, -1).transpose(2, 0, 1)


@pytest.mark.parametrize("make", [grey16, grey, bilevel, rgba, palette, rotated])
def test_kinds_of_pictures(tmp_path, make):
    values = make(tmp_path / "x.png")
    pool(tmp_path / "x.png", "-o", tmp_path / "y.npy", *WINDOW)
    y = np.load(tmp_path / "y.npy")
    assert y.dtype == values.dtype
    np.testing.assert_array_equal(y, expected(np.ascontiguousarray(values)[np.newaxis])[0])


def test_folder_of_pictures_of_equal_size(tmp_path):
    values = RNG.integers(0, 256, (5, 8, 9), dtype=np.uint8)
    (tmp_path / "in").mkdir()
    for number, value in enumerate(values):
        Image.fromarray(value).save(tmp_path / "in" / f"{number}.png")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    pool(tmp_path / "in", "-o", tmp_path / "y.npy", *WINDOW, "--batch", 2)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected(values[:, np.newaxis]))


def test_folder_of_pictures_of_different_sizes(tmp_path):
    (tmp_path / "in").mkdir()
    values = {}
    for name, shape in (("a", (8, 9)), ("b", (12, 7, 3)), ("c", (12, 7, 3)), ("d", (8, 9))):
        value = values[name] = RNG.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(value).save(tmp_path / "in" / f"{name}.bmp")
    pool(tmp_path / "in", "-o", tmp_path / "out", *WINDOW)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.png", "b.png", "c.png", "d.png",
    ]  # fmt: skip
    for name, value in values.items():
        got = np.asarray(Image.open(tmp_path / "out" / f"{name}.png"))
        planes = value.reshape(*value.shape[:2], -1).transpose(2, 0, 1)
        want = expected(np.ascontiguousarray(planes)[np.newaxis])[0].transpose(1, 2, 0)
        np.testing.assert_array_equal(got.reshape(want.shape), want)


def test_adaptive_makes_different_sizes_equal(tmp_path):
    (tmp_path / "in").mkdir()
    for name, shape in (("a", (8, 9, 3)), ("b", (12, 7, 3))):
        Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(
            tmp_path / "in" / f"{name}.png"
        )
    pool(tmp_path / "in", "-o", tmp_path / "y.npy", "--adaptive", "4x2")
    assert np.load(tmp_path / "y.npy").shape == (2, 3, 4, 2)


def write_cifar(path, count, protocol):
    data = RNG.integers(0, 256, (count, 3072), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    batch = {b"batch_label": b"a batch", b"labels": list(range(count)), b"data": data}
    path.write_bytes(pickle.dumps(batch, protocol=protocol))
    return data.reshape(-1, 3, 32, 32)


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("inside", ["", "cifar-10-batches-py"])
def test_cifar_folder(tmp_path, protocol, inside):
    folder = tmp_path / "cifar" / inside
    first = write_cifar(folder / "data_batch_1", 7, protocol)
    test = write_cifar(folder / "test_batch", 4, protocol)
    (folder / "batches.meta").write_bytes(b"not read")
    pool(tmp_path / "cifar", "-o", tmp_path / "y.npy", "-k", 3, "--batch", 3)
    want = numbapool.max_pool2d(np.concatenate([first, test]), 3)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), want)
    pool(folder / "test_batch", "-o", tmp_path / "y.npy", "-k", 3)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), numbapool.max_pool2d(test, 3))


def test_cifar_of_python_2(tmp_path):
    """The true files are pickled by Python 2, with strings as bytes and old module names."""
    data = bytes(range(256)) * 24
    text = (
        b"\x80\x02}q\x01U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\n"
        b"q\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x02M\x00\x0c\x86cnumpy\ndtype\nq\x06U\x02u1K\x00"
        b"K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + len(data).to_bytes(4, "little") + data + b"tbs."
    )  # fmt: skip
    (tmp_path / "test_batch").write_bytes(text)
    pool(tmp_path / "test_batch", "-o", tmp_path / "y.npy", "-k", 3)
    want = numbapool.max_pool2d(np.frombuffer(data, np.uint8).reshape(2, 3, 32, 32), 3)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), want)
