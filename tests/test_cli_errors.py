"""Every error of ``numbapool pool`` is one sentence and exit code 2, and leaves nothing."""

import os
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from numbapool.cli import main

Image = pytest.importorskip("PIL.Image")

RNG = np.random.default_rng(0)
WINDOW = ["-k", "3", "-s", "2", "-p", "1"]


def truncated(folder):
    np.save(folder / "x.npy", np.zeros((9, 3, 9, 8)))
    (folder / "x.npy").write_bytes((folder / "x.npy").read_bytes()[:-100])
    return "x.npy"


def text_as_npy(folder):
    (folder / "x.npy").write_text("not an array")
    return "x.npy"


def bad_npz(folder):
    (folder / "x.npz").write_text("not an archive")
    return "x.npz"


def damaged_npz(folder):
    np.savez(folder / "x.npz", np.zeros((5, 3, 9, 8)))
    data = bytearray((folder / "x.npz").read_bytes())
    data[1000] ^= 255
    (folder / "x.npz").write_bytes(data)
    return "x.npz"


def npz_of_two(folder):
    np.savez(folder / "x.npz", a=np.zeros((9, 8)), b=np.zeros((9, 8)))
    return "x.npz"


def objects(folder):
    np.save(folder / "x.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    return "x.npy"


def complex_numbers(folder):
    np.save(folder / "x.npy", np.zeros((9, 8), complex))
    return "x.npy"


def one_dimension(folder):
    np.save(folder / "x.npy", np.zeros(9))
    return "x.npy"


def empty_folder(folder):
    (folder / "x").mkdir()
    return "x"


def no_picture(folder):
    (folder / "x.png").write_text("no picture")
    return "x.png"


def cut_picture(folder):
    Image.fromarray(RNG.integers(0, 256, (64, 64), dtype=np.uint8)).save(folder / "x.png")
    (folder / "x.png").write_bytes((folder / "x.png").read_bytes()[:500])
    return "x.png"


class _Evil:
    def __reduce__(self):
        return os.system, ("touch evil",)


def evil_cifar(folder):
    (folder / "test_batch").write_bytes(pickle.dumps({b"data": _Evil()}))
    return "test_batch"


def odd_cifar(folder):
    (folder / "test_batch").write_bytes(pickle.dumps({b"data": np.zeros((2, 9), np.uint8)}))
    return "test_batch"


INPUTS = {
    truncated: "cut short",
    text_as_npy: "not a readable NumPy file",
    bad_npz: "not a readable NumPy file",
    damaged_npz: "damaged",
    npz_of_two: "--key",
    objects: "object",
    complex_numbers: "complex128",
    one_dimension: "(9,)",
    empty_folder: "holds no pictures",
    no_picture: "not a picture",
    cut_picture: "cannot read the picture",
    evil_cifar: "not a CIFAR-10 batch",
    odd_cifar: "not a CIFAR-10 batch",
}


def fails(capsys, folder, *args):
    """Run ``pool``; require exit code 2, one sentence and nothing written. Return the sentence."""
    before = sorted(folder.rglob("*"))
    try:
        code = main(["pool", *map(str, args)])
    except SystemExit as exit:
        code = exit.code
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert err.startswith("numbapool pool: error: ")
    assert err.count("\n") == 1
    assert sorted(folder.rglob("*")) == before
    return err


@pytest.mark.parametrize("make", INPUTS)
def test_bad_inputs(tmp_path, monkeypatch, capsys, make):
    monkeypatch.chdir(tmp_path)
    name = make(tmp_path)
    assert INPUTS[make] in fails(capsys, tmp_path, name, "-o", "y.npy", *WINDOW)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["none.npy", "-o", "y.npy", "-k", "3"], "none.npy does not exist"),
        (["x.npy", "-o", "none/y.npy", "-k", "3"], "folder does not exist"),
        (["x.npy", "-o", "y.doc", "-k", "3"], "name a .npy file"),
        (["x.npy", "-o", "file", "-k", "3"], "name a .npy file"),
        (["x.npy", "-o", "x.npy/y.npy", "-k", "3"], "folder does not exist"),
        (["x.npy", "-o", "y.npy"], "-k"),
        (["x.npy", "-o", "y.npy", "-k", "3", "--adaptive", "2"], "--adaptive"),
        (["x.npy", "-o", "y.npy", "-s", "3", "--adaptive", "2"], "--stride"),
        (["x.npy", "-o", "y.npy", "--op", "sum", "--adaptive", "2"], "sum"),
        (["x.npy", "-o", "y.npy", "-k", "3", "--op", "avg", "--indices", "i.npy"], "--indices"),
        (["x.npy", "-o", "y.npy", "-k", "3", "--indices", "y.npy"], "--indices"),
        (["x.npy", "-o", "y.npy", "-k", "3", "--indices", "i.png"], "--indices"),
        (["x.npy", "-o", "y.npy", "-k", "3x3x3"], "3x3x3"),
        (["x.npy", "-o", "y.npy", "-k", "three"], "three"),
        (["x.npy", "-o", "y.npy", "-k", "3", "--batch", "0"], "'0'"),
        (["x.npy", "-o", "y.npy", "-k", "99"], "99"),
        (["x.npy", "-o", "y.npy", "-k", "99", "--tensorboard", "log"], "99"),
        (["deep.npy", "-o", "y.npy", "-k", "3", "--tensorboard", "log"], "5"),
        (["x.npy", "-o", "y.npy", "-k", "0"], "kernel_size"),
        (["x.npy", "-o", "y.npy", "-k", "2", "-p", "2"], "padding"),
        (["x.npy", "-o", "y.png", "-k", "3"], "exactly one image"),
        (["sums.npy", "-o", "y.png", "--op", "sum", "-k", "3"], "0 to 255"),
        (["x.npy", "-o", "x.npy", "-k", "3"], "write over the input"),
        (["x.npy", "-o", "y.npy", "-k", "3", "-s", "0"], "stride=0"),
        (["x.npy", "-o", "y.npy", "-k", "3", "-p", "full"], "same_lower"),
        (["nan.npy", "-o", "y.png", "-k", "3"], "no picture"),
        (["deep.npy", "-o", "y.png", "-k", "3"], "5 channels"),
        (["x.npy", "deep.npy", "-o", "y.npy", "-k", "3"], "do not fit one array"),
        (["x.npy", "-k", "3"], "--output"),
    ],
)
def test_bad_options(tmp_path, monkeypatch, capsys, args, text):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.zeros((2, 3, 9, 8)))
    Path("file").write_text("neither a folder nor a picture")
    np.save("sums.npy", np.full((3, 9, 8), 200, np.uint8))
    np.save("nan.npy", np.full((3, 9, 8), np.nan))
    np.save("deep.npy", np.zeros((5, 9, 8)))
    assert text in fails(capsys, tmp_path, *args)


def test_an_existing_output_survives_an_error(tmp_path, capsys):
    (tmp_path / "y.npy").write_text("precious")
    truncated(tmp_path)
    fails(capsys, tmp_path, tmp_path / "x.npy", "-o", tmp_path / "y.npy", *WINDOW, "--batch", "1")
    assert (tmp_path / "y.npy").read_text() == "precious"


def test_missing_pillow(tmp_path, monkeypatch, capsys):
    Image.new("L", (9, 8)).save(tmp_path / "x.png")
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    text = fails(capsys, tmp_path, tmp_path / "x.png", "-o", tmp_path / "y.npy", *WINDOW)
    assert 'Pillow is not installed: pip install "numbapool[demo]"' in text


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full to fill")
def test_full_disk(tmp_path, monkeypatch, capsys):
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 9, 8)))
    opened = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda self, mode="r": opened(Path("/dev/full") if "w" in mode else self, mode),
    )
    text = fails(capsys, tmp_path, tmp_path / "x.npy", "-o", tmp_path / "y.npy", *WINDOW)
    assert "No space left on device" in text


def test_ctrl_c_leaves_nothing(tmp_path, monkeypatch, capsys):
    np.save(tmp_path / "x.npy", np.zeros((9, 3, 9, 8)))

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("numbapool.cli.sinks.ArraySink.write", interrupt)
    args = ["pool", str(tmp_path / "x.npy"), "-o", str(tmp_path / "y.npy"), *WINDOW]
    assert main(args) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_damaged_member_is_named(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("readme.txt", "no array")
    text = fails(capsys, tmp_path, tmp_path / "x.npz", "-o", tmp_path / "y.npy", *WINDOW)
    assert "not a readable NumPy file" in text


def test_a_folder_is_not_written_over_itself(tmp_path, capsys):
    pytest.importorskip("PIL.Image").new("RGB", (9, 9)).save(tmp_path / "a.png")
    for args in ([tmp_path, "-o", tmp_path], [tmp_path / "a.png", "-o", tmp_path]):
        assert "write over the input" in fails(capsys, tmp_path, *args, *WINDOW)
