"""Write pooled batches to an array file, to pictures or to TensorBoard."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from numbapool.cli.common import Array, CommandError, require
from numbapool.cli.pictures import SUFFIXES, to_samples, write_picture

HEADER = 128  # bytes of the head of an .npy file, written last because it holds the shape


class Sink(Protocol):
    """Takes pooled batches; its file appears on a clean exit only."""

    def __enter__(self) -> "Sink": ...

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None: ...

    def write(self, pooled: Array, names: Sequence[str], source: np.dtype[Any]) -> None:
        """Add a batch that was pooled from images of type `source`."""

    def describe(self) -> str:
        """Say in a few words what was written."""


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Name the output in the errors of the disk."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"cannot write {target}: {error.strerror}") from error


class Atomic:
    """Writes beside the target and takes its place when all went well."""

    def __init__(self, target: Path) -> None:
        if not target.absolute().parent.is_dir():
            raise CommandError(f"cannot write {target}: its folder does not exist")
        target = target if target.name else target.resolve()
        self.target = target
        self.part = target.with_name(f".{target.name}.{os.getpid()}.part")

    def start(self) -> None:
        """Open what is written first."""

    def finish(self) -> None:
        """Put the finished output in its place."""
        os.replace(self.part, self.target)

    def discard(self) -> None:
        """Leave nothing behind."""
        self.part.unlink(missing_ok=True)

    def __enter__(self) -> Any:
        with _writing(self.target):
            self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                with _writing(self.target):
                    self.finish()
        finally:
            self.discard()


class ArraySink(Atomic):
    """Appends batches to an .npy file, holding none of them."""

    def __init__(self, target: Path, lead: tuple[int, ...] | None, last: bool) -> None:
        super().__init__(target)
        self.lead, self.last = lead, last
        self.count = 0
        self.form: tuple[tuple[int, ...], np.dtype[Any]] | None = None

    def start(self) -> None:
        """Leave room for the head."""
        self.file = self.part.open("wb")
        self.file.write(bytes(HEADER))

    def write(self, pooled: Array, names: Sequence[str], source: np.dtype[Any]) -> None:
        """Append the bytes of a batch."""
        form = pooled.shape[1:], pooled.dtype
        self.form = self.form or form
        if form != self.form:
            # --adaptive makes heights and widths alike, not channels or types.
            alike = len(form[0]) == len(self.form[0]) and form[0][-2:] == self.form[0][-2:]
            raise CommandError(
                f"images pooled to {self.form[0]} {self.form[1]} and to {form[0]} {form[1]} do "
                f"not fit one array: write a folder{'' if alike else ', or use --adaptive'}"
            )
        with _writing(self.target):
            stored = np.moveaxis(pooled, 1, -1) if self.last else pooled
            self.file.write(np.ascontiguousarray(stored).reshape(-1).view(np.uint8).data)
        self.count += len(pooled)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of all that was written."""
        assert self.form is not None
        (channels, *plane), _ = self.form
        lead = (self.count, channels) if self.lead is None else self.lead
        return (*lead[:-1], *plane, *lead[-1:]) if self.last else (*lead, *plane)

    def finish(self) -> None:
        """Write the head and put the file in its place."""
        assert self.form is not None
        head = {"descr": self.form[1].str, "fortran_order": False, "shape": self.shape}
        magic = np.lib.format.magic(1, 0)
        text = repr(head).ljust(HEADER - len(magic) - 3) + "\n"
        self.file.seek(0)
        self.file.write(magic + len(text).to_bytes(2, "little") + text.encode("latin1"))
        self.file.close()
        super().finish()

    def discard(self) -> None:
        """Close and remove the unfinished file."""
        # Closing flushes, which fails once more on a full disk.
        with suppress(OSError):
            self.file.close()
        super().discard()

    def describe(self) -> str:
        """Say the shape and type of the array."""
        assert self.form is not None
        return f"{self.target}: {self.form[1]} array of shape {self.shape}"


class PictureSink(Atomic):
    """Writes exactly one picture."""

    size = ""

    def write(self, pooled: Array, names: Sequence[str], source: np.dtype[Any]) -> None:
        """Write the picture."""
        if self.size or len(pooled) != 1:
            raise CommandError(
                f"exactly one image fits the picture {self.target}: name a folder or a .npy file"
            )
        samples = to_samples(pooled[0], source)
        with _writing(self.target):
            write_picture(self.part, samples, self.target.suffix.lower())
        self.size = f"{samples.shape[2]}x{samples.shape[1]}"

    def describe(self) -> str:
        """Say the size of the picture."""
        return f"{self.target}: picture of {self.size}"


class FolderSink(Atomic):
    """Writes every image as a PNG into a folder."""

    def start(self) -> None:
        """Collect the pictures in a folder beside the target."""
        self.part.mkdir()
        self.names: set[str] = set()

    def write(self, pooled: Array, names: Sequence[str], source: np.dtype[Any]) -> None:
        """Write the pictures of a batch."""
        for image, name in zip(to_samples(pooled, source), names, strict=True):
            unique, again = name, 1
            while unique in self.names:
                again += 1
                unique = f"{name}-{again}"
            self.names.add(unique)
            with _writing(self.target):
                write_picture(self.part / f"{unique}.png", image, ".png")

    def finish(self) -> None:
        """Move the pictures into the folder."""
        self.target.mkdir(exist_ok=True)
        for picture in self.part.iterdir():
            os.replace(picture, self.target / picture.name)

    def discard(self) -> None:
        """Remove the collecting folder."""
        shutil.rmtree(self.part, ignore_errors=True)

    def describe(self) -> str:
        """Say how many pictures there are."""
        return f"{self.target}: {len(self.names)} pictures"


def open_sink(target: Path, lead: tuple[int, ...] | None, last: bool) -> Sink:
    """
    Choose how to write by the name of the output.

    Parameters
    ----------
    target : Path
        A ``.npy`` file, a picture, or a folder (which need not exist yet) for pictures.
    lead : tuple of int or None
        The shape in front of the planes, as in `Source.lead`.
    last : bool
        Write the channels of an array behind its planes.

    Returns
    -------
    Sink
        A context manager that takes the batches.
    """
    suffix = target.suffix.lower()
    if target.is_dir() or not (suffix or target.exists()):
        require("PIL.Image")
        return FolderSink(target)
    if suffix == ".npy":
        return ArraySink(target, lead, last)
    if suffix in SUFFIXES:
        require("PIL.Image")
        return PictureSink(target)
    raise CommandError(f"cannot write {target}: name a .npy file, a picture or a folder")
