"""Read images from arrays, pictures and CIFAR-10 folders, a batch at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from numbapool.cli.arrays import LIMIT, Batch, array_batches, read_header, slices
from numbapool.cli.cifar import find_cifar, is_cifar, read_cifar
from numbapool.cli.common import Array, CommandError
from numbapool.cli.pictures import SUFFIXES, read_picture


@dataclass(frozen=True)
class Source:
    """
    Images that are read a batch at a time.

    Attributes
    ----------
    batches : iterator of Batch
        The images, in order.
    total : int or None
        The number of images, where it is known before reading.
    lead : tuple of int or None
        The shape in front of the planes of a single array or picture: ``()``, ``(C,)`` or
        ``(N, C)``. None stands for a sequence of images.
    """

    batches: Iterator[Batch]
    total: int | None
    lead: tuple[int, ...] | None


def open_source(
    paths: Sequence[Path], batch: int = 64, key: str | None = None, *, planes: bool = False,
    last: bool = False,
) -> Source:  # fmt: skip
    """
    Find the images in files and folders.

    Parameters
    ----------
    paths : sequence of Path
        ``.npy`` and ``.npz`` files, pictures, folders of pictures, CIFAR-10 batches or folders.
    batch : int
        The most images in a batch. A batch is also kept below 64 MiB, or to one image.
    key : str, optional
        The array to take of an ``.npz`` file that holds several.
    planes : bool
        Allow the batches of an array whose images pass 64 MiB to be single planes.
    last : bool
        The channels of arrays come last.

    Returns
    -------
    Source
        The images, not yet read.
    """
    leaves = [leaf for path in paths for leaf in _leaves(path)]
    headers = {leaf: read_header(leaf, key, last) for leaf in leaves if _kind(leaf) == "array"}
    lead = None
    if len(leaves) == 1 and not paths[0].is_dir():
        lead = headers[leaves[0]].lead if headers else _picture_lead(leaves[0])
    total = sum(header.count for header in headers.values())
    total += sum(_kind(leaf) == "picture" for leaf in leaves)
    counted = not any(_kind(leaf) == "cifar" for leaf in leaves)

    # Single planes would hide the number of channels of a sequence of images.
    planes = planes and lead is not None

    def batches() -> Iterator[Batch]:
        for kind, group in groupby(leaves, _kind):
            if kind == "picture":
                yield from _picture_batches(group, batch)
            else:
                for leaf in group:
                    if kind == "cifar":
                        yield from slices(read_cifar(leaf), batch, leaf.stem)
                    else:
                        yield from array_batches(leaf, headers[leaf], batch, key, planes)

    return Source(batches(), total if counted else None, lead)


def _kind(path: Path) -> str:
    """Say how a file is read: as an array, a CIFAR-10 batch or a picture."""
    if path.suffix.lower() in {".npy", ".npz"}:
        return "array"
    return "cifar" if is_cifar(path) else "picture"


def _leaves(path: Path) -> list[Path]:
    """List the files that a path stands for."""
    if not path.is_dir():
        if not path.exists():
            raise CommandError(f"{path} does not exist")
        return [path]
    found = find_cifar(path) or sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
    if not found:
        raise CommandError(f"the folder {path} holds no pictures and no CIFAR-10 batches")
    return found


def _picture_lead(path: Path) -> tuple[int, ...] | None:
    """Return the channels of a picture; a CIFAR-10 batch is a sequence."""
    return None if _kind(path) == "cifar" else read_picture(path).shape[:1]


def _picture_batches(paths: Iterator[Path], batch: int) -> Iterator[Batch]:
    """Read pictures in order, a batch ending wherever the size or type changes."""
    held: list[Array] = []
    names: list[str] = []
    for path in paths:
        image = read_picture(path)
        if held:
            same = image.shape == held[0].shape and image.dtype == held[0].dtype
            if not same or len(held) == batch or (len(held) + 1) * image.nbytes > LIMIT:
                yield Batch(np.stack(held), names)
                held, names = [], []
        held.append(image)
        names.append(path.stem)
    yield Batch(np.stack(held), names)
