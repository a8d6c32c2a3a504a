"""Max-pool CIFAR-10's test pictures in batches of 64 and show both sides in TensorBoard.

    python examples/cifar10_tensorboard.py path/to/cifar-10-batches-py
    tensorboard --logdir runs/numbapool

Without a folder it takes 32x32 tiles of photographs. Needs: pip install "numbapool[demo]"
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tensorboardX import SummaryWriter

import numbapool
from numbapool.cli.cifar import find_cifar
from numbapool.cli.common import CommandError
from numbapool.cli.photos import tiles
from numbapool.cli.sources import open_source


def batches(folder: Path | None, size: int) -> Iterator[np.ndarray]:
    """Find the pictures: uint8 batches of shape (N, 3, 32, 32)."""
    if folder is None:
        images = tiles(32)
        return (images[i : i + size] for i in range(0, len(images), size))
    tests = [path for path in find_cifar(folder) if path.name == "test_batch"]
    if not tests:
        raise CommandError(f"{folder} holds no CIFAR-10 test_batch")
    return (batch.images for batch in open_source(tests, size).batches)


def main() -> None:
    """Read the options and write the events."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="the CIFAR-10 python folder")
    parser.add_argument("--batch", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--logdir", default="runs/numbapool", help="default: %(default)s")
    args = parser.parse_args()
    if args.batch < 1:
        parser.error(f"--batch must be at least 1, got {args.batch}")

    layer = numbapool.MaxPool2d(kernel_size=3, ceil_mode=False)
    pictures = batches(args.folder, args.batch)
    count = step = 0
    with SummaryWriter(args.logdir) as writer:
        for step, images in enumerate(pictures, start=1):
            pooled = layer(images)
            writer.add_images("input", images, step, dataformats="NCHW")
            writer.add_images("output", pooled, step, dataformats="NCHW")
            count += len(images)
    height, width = pooled.shape[2:]
    print(f"{count} pictures of 32x32 in {step} batches, pooled to {height}x{width}")
    print(f"look at them with: tensorboard --logdir {args.logdir}")


if __name__ == "__main__":
    try:
        main()
    except (CommandError, OSError) as error:
        sys.exit(str(error))
