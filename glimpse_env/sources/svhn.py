"""Street View House Numbers, whole numbers (Netzer et al. 2011): PNG files, and boxes and digits in a MATLAB file.

The crop is that of *Multi-digit Number Recognition from Street View Imagery* (Goodfellow et al. 2014), which the DRAM
paper takes over: the smallest box around all digits of a number, grown by 30 % in both directions, resized to 64x64.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np

from glimpse_env.sources.arrays import positions
from glimpse_env.sources.images import DataError, ImageSet, Source, Split
from glimpse_env.sources.pictures import Box, Form, checked_size, pixels

TRUTH: Final = "digitStruct.mat"
LONGEST: Final = 5  # digits; the one longer number of the training images is left out
GROWN: Final = 1.3
_SIZE: Final = (64, 64)
_FIELDS: Final = ("label", "left", "top", "width", "height")


class Number(NamedTuple):
    """One image: its file, the part of it that shows the number, and the digits from left to right."""

    file: Path
    box: Box
    digits: tuple[int, ...]


def svhn(path: str | os.PathLike[str], *, size: Sequence[int] = _SIZE) -> Source:
    """A source of house numbers for ``scene="captioned"``: RGB images with one to five digits each.

    ``path/train`` and ``path/test`` are the unpacked archives (``digitStruct.mat`` beside ``1.png``, ``2.png``, ...);
    images in ``path/extra`` are for training too. Of ten training images in a row the ninth is for validation. A folder
    that holds ``digitStruct.mat`` itself is cut by position: the ninth of ten for validation, the tenth for testing.
    Annotations and images are read when their split is first used.

    Args:
        path: The folder.
        size: (height, width) in pixels to resize every number to.

    Raises:
        DataError: If the folder is not as said, or an annotation is malformed; the message names file and entry.
        ImportError: If Pillow or h5py, which read the files, is not installed.
    """
    form = Form(*(checked_size(size)), True)
    root = Path(path).expanduser().resolve()
    if not is_svhn(root):
        raise DataError(f"neither {root} nor {root / 'train'} holds {TRUTH}; unpack SVHN's archives of format 1 there")
    read = cache(_read)

    def load(split: Split) -> ImageSet:
        numbers = _of_split(root, split, read)
        if not numbers:
            raise DataError(
                f"no {split} images in {root}: unpack test.tar.gz there, or let it hold ten numbers or more"
            )
        texts = np.full((len(numbers), 1, LONGEST), -1, np.int64)
        images = np.empty((len(numbers), form.height, form.width, 3), np.uint8)
        for k, number in enumerate(numbers):
            texts[k, 0, : len(number.digits)] = number.digits
            images[k] = pixels(number.file, form, number.box)
        return ImageSet(images, texts[:, 0, 0].copy(), texts)

    return Source(f"svhn:{root}", tuple("0123456789"), load, reload=(partial(svhn, size=size), (str(root),)))


def is_svhn(root: Path) -> bool:
    """Whether a folder is laid out as `svhn` reads it."""
    return any((root / part / TRUTH).is_file() for part in ("", "train"))


def _of_split(root: Path, split: Split, read: Any) -> list[Number]:
    if (root / TRUTH).is_file():
        whole = read(root)
        return [whole[i] for i in positions(len(whole), split)]
    if split == "test":
        return read(root / "test") if (root / "test" / TRUTH).is_file() else []
    numbers = [*read(root / "train"), *(read(root / "extra") if (root / "extra" / TRUTH).is_file() else ())]
    held_out = set(positions(len(numbers), "validation").tolist())
    return [number for i, number in enumerate(numbers) if (i in held_out) == (split == "validation")]


def _read(folder: Path) -> list[Number]:
    """The numbers of one archive, in its order, without those that have more digits than `LONGEST`."""
    file = folder / TRUTH
    try:
        with _h5py().File(file, "r") as content:
            try:
                names, boxes = content["digitStruct/name"], content["digitStruct/bbox"]
                count = len(names)
            except (KeyError, TypeError) as error:
                raise DataError(f"{file} holds no digitStruct/name and digitStruct/bbox: {error}") from error
            if len(boxes) != count:
                raise DataError(f"{file} has {count} names and {len(boxes)} boxes; fetch it again")
            numbers = [_number(content, folder, i, names[i, 0], boxes[i, 0]) for i in range(count)]
    except OSError as error:
        raise DataError(f"{file} cannot be read as HDF5, which MATLAB 7.3 writes: {error}; fetch it again") from error
    return [number for number in numbers if len(number.digits) <= LONGEST]


def _number(content: Any, folder: Path, i: int, name: Any, boxes: Any) -> Number:
    where = f"{folder / TRUTH}, entry {i + 1}"
    try:
        file = folder / "".join(chr(code) for code in content[name][:].ravel())
        where += f" ({file.name})"
        group = content[boxes]
        columns = [list(_values(content, group[field])) for field in _FIELDS]
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"{where} is malformed: {error}; it needs a name and a box with {', '.join(_FIELDS)}"
        ) from error
    if len({len(column) for column in columns}) != 1 or not columns[0]:
        lengths = ", ".join(f"{len(column)} {field}" for field, column in zip(_FIELDS, columns, strict=True))
        raise DataError(f"{where} has {lengths}; each digit needs one of each")
    labels, lefts, tops, widths, heights = (np.array(column) for column in columns)
    if (labels < 1).any() or (labels > 10).any() or (labels % 1).any():
        raise DataError(f"{where} has the labels {labels.tolist()}; they must be whole numbers in [1, 10], 10 for 0")
    if not (np.isfinite([lefts, tops]).all() and (widths > 0).all() and (heights > 0).all()):
        raise DataError(f"{where} has a box that is empty or no number: {list(zip(*columns, strict=True))}")
    if file.parent != folder or not file.is_file():
        raise DataError(f"{where} names an image that is not in {folder}")
    tight = (tops.min(), lefts.min(), (tops + heights).max(), (lefts + widths).max())
    return Number(file, grown(*tight), tuple(int(label) % 10 for label in labels))


def grown(top: float, left: float, bottom: float, right: float) -> Box:
    """A box `GROWN` times as high and as wide around the same middle, in whole pixels."""
    down, across = (GROWN - 1) / 2 * (bottom - top), (GROWN - 1) / 2 * (right - left)
    edges = (top - down, left - across, bottom + down, right + across)
    return Box(*(int(np.floor(edge + 0.5)) for edge in edges))


def _values(content: Any, column: Any) -> Iterator[float]:
    """A field of all digits: one number where there is one digit, else one reference each."""
    for value in column[:].ravel():
        yield float(content[value][0, 0] if column.dtype == object else value)


def _h5py() -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(f'{TRUTH} is read with h5py: pip install "glimpse_env[svhn]"') from error
    module: ModuleType = h5py
    return module
