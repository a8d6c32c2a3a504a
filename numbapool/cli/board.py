"""Show batches in TensorBoard."""

from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from numbapool.cli.common import Array, CommandError, require
from numbapool.cli.pictures import to_samples


class BoardSink:
    """Writes batches to TensorBoard as pictures."""

    def __init__(self, folder: Path) -> None:
        self.make = partial(require("tensorboardX").SummaryWriter, str(folder))

    @cached_property
    def writer(self) -> Any:
        """The log, which exists from its first batch on."""
        return self.make()

    def __enter__(self) -> "BoardSink":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if "writer" in vars(self):
            self.writer.close()

    def write(self, tag: str, images: Array, source: np.dtype[Any], step: int) -> None:
        """
        Write a batch of NCHW images under a tag.

        Parameters
        ----------
        tag : str
            The name TensorBoard shows.
        images : ndarray
            Shape (N, C, H, W); an alpha channel is left out.
        source : dtype
            The type of the images before pooling, which says what white is.
        step : int
            The number of the batch.
        """
        channels = images.shape[1]
        if channels > 4:
            raise CommandError(f"TensorBoard shows 1 to 4 channels, and these are {channels}")
        samples = to_samples(images[:, : 1 if channels < 3 else 3], source)
        if samples.dtype == np.uint16:
            samples = (samples >> 8).astype(np.uint8)
        self.writer.add_images(tag, samples, step, dataformats="NCHW")
