"""The python version of CIFAR-10: pickled batches of 32x32 colour pictures."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from numbapool.cli.common import Array, CommandError

FOLDER = "cifar-10-batches-py"


def _latin1(text: str, _encoding: str) -> bytes:
    """Rebuild the bytes that Python 3 pickles as a call of ``_codecs.encode``."""
    return text.encode("latin1")


# All that a pickled array needs. Anything else in the file is refused, so that reading a
# downloaded batch can never run code.
_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
    **{
        (f"numpy.{core}.{module}", name): np.empty(0).__reduce_ex__(protocol)[0]
        for core in ("core", "_core")
        for module, name, protocol in (
            ("multiarray", "_reconstruct", 2),
            ("numeric", "_frombuffer", 5),
        )
    },
}


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that builds NumPy arrays and plain containers only."""

    def find_class(self, module: str, name: str) -> Any:
        """Return an allowed class, or refuse."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None


def find_cifar(folder: Path) -> list[Path]:
    """
    List the CIFAR-10 batches in a folder.

    Parameters
    ----------
    folder : Path
        The unpacked ``cifar-10-batches-py`` folder, or the one that holds it.

    Returns
    -------
    list of Path
        ``data_batch_1`` to ``data_batch_5`` and ``test_batch``, as far as they exist.
    """
    if (folder / FOLDER).is_dir():
        folder = folder / FOLDER
    return sorted(path for path in folder.glob("*_batch*") if is_cifar(path))


def is_cifar(path: Path) -> bool:
    """Tell a CIFAR-10 batch by its name."""
    return (path.name.startswith("data_batch_") or path.name == "test_batch") and path.is_file()


def read_cifar(path: Path) -> Array:
    """
    Read one CIFAR-10 batch.

    Parameters
    ----------
    path : Path
        A pickled batch: a dict whose ``b"data"`` is uint8 of shape (N, 3072).

    Returns
    -------
    ndarray
        The pictures, uint8, of shape (N, 3, 32, 32).
    """
    try:
        with path.open("rb") as file:
            batch = _ArrayUnpickler(file, encoding="bytes").load()
        data = batch[b"data"] if b"data" in batch else batch["data"]
        if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3 * 32 * 32:
            raise ValueError(f"its data is {data.dtype} of shape {data.shape}")
    except OSError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise CommandError(f"{path} is not a CIFAR-10 batch: {error}") from error
    pictures: Array = np.ascontiguousarray(data).reshape(-1, 3, 32, 32)
    return pictures
