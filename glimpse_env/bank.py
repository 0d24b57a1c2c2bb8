"""One split of a source as the kernels read it: a flat run of bytes and a table that says where each image lies."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.simd import OVERHANG
from glimpse_env.sources.brushes import INK
from glimpse_env.sources.images import Source, Split


class Bank(NamedTuple):
    """The images of one split.

    Attributes:
        pixels: uint8, (bytes,), the images one after another, each plane by plane; then the brushes, and a margin.
        table: int64, (images, 4): offset, height, width, label.
        book: int64, (rows, references, length): the texts that come with the images, see `ImageSet`; often no rows.
        channels: 1 for grey, 3 for RGB.
        styles: How many styles the images are drawn in, see `ImageSet`.
        brushes: Where the brushes begin.
    """

    pixels: npt.NDArray[np.uint8]
    table: npt.NDArray[np.int64]
    book: npt.NDArray[np.int64]
    channels: int
    styles: int = 1
    brushes: int = 0


_banks: WeakKeyDictionary[Source, dict[Split, Bank]] = WeakKeyDictionary()


def bank_of(source: Source, split: Split) -> Bank:
    """The bank of one split; every environment on the same source shares it."""
    banks = _banks.setdefault(source, {})
    if split not in banks:
        images, labels, sizes = source.split(split).images, source.split(split).labels, source.split(split).sizes
        planes = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
        count, channels, height, width = planes.shape
        table = np.empty((count, 4), np.int64)
        table[:, s.IMAGE_HEIGHT], table[:, s.IMAGE_WIDTH], table[:, s.IMAGE_LABEL] = height, width, labels
        if sizes is not None:  # what lies beyond an image's own size is left out
            table[:, [s.IMAGE_HEIGHT, s.IMAGE_WIDTH]] = sizes
            rows, columns = (np.arange(side) < sizes[:, axis, None] for axis, side in ((0, height), (1, width)))
            planes = planes[np.broadcast_to((rows[:, :, None] & columns[:, None])[:, None], planes.shape)]
        areas = channels * table[:, s.IMAGE_HEIGHT] * table[:, s.IMAGE_WIDTH]
        table[:, s.IMAGE_OFFSET] = np.cumsum(areas) - areas
        pixels = np.concatenate([planes.reshape(-1), INK, np.zeros(2 * OVERHANG, np.uint8)])
        texts = source.split(split).texts
        book = np.zeros((0, 1, 1), np.int64) if texts is None else texts
        pixels.flags.writeable = table.flags.writeable = False
        banks[split] = Bank(pixels, table, book, channels, source.split(split).styles, int(areas.sum()))
    return banks[split]
