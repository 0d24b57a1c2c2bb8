"""Images in class folders, the layout that most image collections come in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from glimpse_env.sources.arrays import positions
from glimpse_env.sources.images import SPLITS, DataError, ImageSet, Source, Split
from glimpse_env.sources.pictures import ENDINGS, Form, checked_size, header, is_image, pixels

_Files = dict[str, list[Path]]  # class -> images, both sorted


def folder(path: str | os.PathLike[str], *, size: Sequence[int] | None = None) -> Source:
    """A source from ``path/<class>/*.png`` (or jpg, jpeg, bmp, gif, webp, pgm, ppm).

    If ``path/train`` holds class folders, then ``train``, ``validation`` and ``test`` are the splits, and a missing
    validation split is cut from the training one. Else each class is cut by position, in the order of the file names:
    of ten images in a row, the ninth is for validation and the tenth for testing.

    Classes are numbered in the order of their names. The images are RGB if any one of them has colour, else grey;
    transparency is dropped. Files are looked at now, and decoded when their split is first used.

    Args:
        path: The folder.
        size: (height, width) in pixels to resize every image to; by default all must have one size already.

    Raises:
        DataError: If there is no such folder, no image in it or in one of its class folders, an image is broken, or
            sizes differ.
        ImportError: If Pillow, which reads the images, is not installed.
    """
    size = None if size is None else checked_size(size)
    root = Path(path).expanduser().resolve()
    if not root.is_dir():
        raise DataError(f"there is no folder {root}; give one that holds a folder of images for each class")
    splits = _splits(root)
    classes = sorted({name for files in splits.values() for name in files})
    for name in classes:
        if not any(files.get(name) for files in splits.values()):
            raise DataError(f"no image in class folder {name!r} of {root}; known endings are {', '.join(ENDINGS)}")
    form = _common_format((file for files in splits.values() for some in files.values() for file in some), size)
    load = partial(_load, root, splits, classes, form)
    return Source(f"folder:{root}", tuple(classes), load, reload=(partial(folder, size=size), (str(root),)))


def _splits(root: Path) -> dict[Split, _Files]:
    """Which files each split has."""
    train = root / "train"
    if not (train.is_dir() and _folders(train)):  # a class may well be called "train": then it holds images
        files = _class_files(root)
        return {split: {name: _placed(some, split) for name, some in files.items()} for split in SPLITS}
    unknown = [folder.name for folder in _folders(root) if folder.name not in SPLITS]
    if unknown:
        raise DataError(f"{root} has the split 'train', and {unknown} besides; splits are called {', '.join(SPLITS)}")
    parts: dict[Split, _Files] = {split: _class_files(root / split) for split in SPLITS if (root / split).is_dir()}
    if "validation" not in parts:
        parts["validation"] = {name: _placed(files, "validation") for name, files in parts["train"].items()}
        held_out = {file for files in parts["validation"].values() for file in files}
        parts["train"] = {name: [f for f in files if f not in held_out] for name, files in parts["train"].items()}
    return parts


def _placed(files: Sequence[Path], split: Split) -> list[Path]:
    return [files[i] for i in positions(len(files), split)]


def _folders(path: Path) -> list[Path]:
    """The folders inside, without what operating systems and notebooks leave behind (.thumbnails, __MACOSX)."""
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))


def _class_files(path: Path) -> _Files:
    folders = _folders(path)
    if not folders:
        raise DataError(f"{path} holds no class folders; put the images of each class into a folder with its name")
    return {folder.name: sorted(file for file in folder.iterdir() if is_image(file)) for folder in folders}


def _common_format(files: Iterable[Path], size: Sequence[int] | None) -> Form:
    """The one size and colour of all images, read from their headers."""
    first: tuple[Path, tuple[int, int]] | None = None
    colour = False
    for file in files:
        height, width, coloured = header(file)
        colour = colour or coloured
        first = first or (file, (height, width))
        if size is None and (height, width) != first[1]:
            raise DataError(
                f"images must have one size (height, width): {first[0]} has {first[1]}, {file} has {(height, width)}; "
                f"resize them with glimpse_env.sources.folder(path, size={first[1]})"
            )
    assert first is not None, "every class has an image"
    height, width = size or first[1]
    return Form(height, width, colour)


def _load(root: Path, splits: Mapping[Split, _Files], classes: Sequence[str], form: Form, split: Split) -> ImageSet:
    labelled = [(file, label) for label, name in enumerate(classes) for file in splits.get(split, {}).get(name, ())]
    if not labelled:
        raise DataError(
            f"no {split} images in {root}: put them into {split}/<class>/ beside train/<class>/, or let each class "
            "have ten images or more"
        )
    images = np.empty((len(labelled), form.height, form.width, *(3,) * form.colour), np.uint8)
    for i, (file, _) in enumerate(labelled):
        images[i] = pixels(file, form)
    return ImageSet(images, np.array([label for _, label in labelled], np.int64))
