"""The examples run as a reader would run them."""

import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import numbapool

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run(name, *args):
    """Run an example as a script of its own."""
    line = [sys.executable, str(EXAMPLES / name), *map(str, args)]
    env = {**os.environ, "PYTHONPATH": str(Path(numbapool.__file__).parents[1])}
    return subprocess.run(line, capture_output=True, text=True, timeout=300, env=env)


def test_worked_example():
    done = run("worked_example.py")
    assert done.returncode == 0, done.stderr
    for text in ("[[2. 3.]\n [5. 1.]]", "[[2 3]\n [5 1]]", "[[2.]]", "[[2]]"):
        assert done.stdout.count(text) == 1


def grids(folder):
    """Read back every picture in a log, by tag: a list of HWC arrays."""
    Image = pytest.importorskip("PIL.Image")
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = module.EventAccumulator(str(folder), size_guidance={"images": 0})
    events.Reload()
    return {
        tag: [
            np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))
            for event in events.Images(tag)
        ]
        for tag in events.Tags()["images"]
    }


def test_cifar10(tmp_path):
    pytest.importorskip("tensorboardX")
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    data = np.random.default_rng(0).integers(0, 256, (150, 3072), dtype=np.uint8)
    for name, rows in (("test_batch", data), ("data_batch_1", data[:1])):
        (folder / name).write_bytes(pickle.dumps({b"data": rows}, protocol=2))
    done = run("cifar10_tensorboard.py", tmp_path, "--logdir", tmp_path / "log")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("150 pictures of 32x32 in 3 batches, pooled to 10x10\n")
    seen = grids(tmp_path / "log")
    assert sorted(seen) == ["input", "output"]
    images = data.reshape(-1, 3, 32, 32)
    for tag, batches in (("input", images), ("output", numbapool.max_pool2d(images, 3))):
        assert len(seen[tag]) == 3
        for number, grid in enumerate(seen[tag]):
            batch = batches[64 * number : 64 * number + 64]
            side = batch.shape[2]
            columns = grid.shape[1] // side  # tensorboardX lays a batch out in rows of 8
            assert grid.shape[0] == -(-len(batch) // columns) * side
            for place, picture in enumerate(batch):
                top, left = place // columns * side, place % columns * side
                cell = grid[top : top + side, left : left + side]
                np.testing.assert_array_equal(cell, picture.transpose(1, 2, 0))


def test_photographs_stand_in_for_cifar10(tmp_path):
    pytest.importorskip("tensorboardX")
    pytest.importorskip("skimage")
    done = run("cifar10_tensorboard.py", "--logdir", tmp_path / "log", "--batch", 256)
    assert done.returncode == 0, done.stderr
    count, batches = int(done.stdout.split()[0]), int(done.stdout.split()[5])
    assert count > 500
    assert batches == -(-count // 256)
    seen = grids(tmp_path / "log")
    assert len(seen["input"]) == len(seen["output"]) == batches
    assert seen["input"][0].size == 256 * 32 * 32 * 3
    assert seen["output"][0].size == 256 * 10 * 10 * 3
    assert seen["input"][0].std() > 20


def test_a_wrong_folder_is_one_sentence(tmp_path):
    pytest.importorskip("tensorboardX")
    done = run("cifar10_tensorboard.py", tmp_path, "--logdir", tmp_path / "log")
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path} holds no CIFAR-10 test_batch\n"
    assert list(tmp_path.iterdir()) == []
