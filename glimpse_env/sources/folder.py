"""Images in class folders, the layout that most image collections come in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from glimpse_env.sources.arrays import positions
from glimpse_env.sources.images import SPLITS, DataError, ImageSet, Source, Split

if TYPE_CHECKING:
    from PIL.Image import Image

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm")
_ORIENTATION, _SIDEWAYS = 0x0112, (5, 6, 7, 8)  # the EXIF tag, and its values for a camera held upright
_Files = dict[str, list[Path]]  # class -> images, both sorted


class _Format(NamedTuple):
    height: int
    width: int
    colour: bool


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
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ValueError(f"size={size!r} must be (height, width), both at least 1")
    root = Path(path).expanduser().resolve()
    if not root.is_dir():
        raise DataError(f"there is no folder {root}; give one that holds a folder of images for each class")
    splits = _splits(root)
    classes = sorted({name for files in splits.values() for name in files})
    for name in classes:
        if not any(files.get(name) for files in splits.values()):
            raise DataError(f"no image in class folder {name!r} of {root}; known endings are {', '.join(_ENDINGS)}")
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
    return {folder.name: sorted(file for file in folder.iterdir() if _is_image(file)) for folder in folders}


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in _ENDINGS and not file.name.startswith(".") and file.is_file()


def _common_format(files: Iterable[Path], size: Sequence[int] | None) -> _Format:
    """The one size and colour of all images, read from their headers."""
    first: tuple[Path, tuple[int, int]] | None = None
    colour = False
    for file in files:
        with _open(file) as image:
            width, height = image.size
            if _has_exif(image) and image.getexif().get(_ORIENTATION) in _SIDEWAYS:
                width, height = height, width
            colour = colour or not _is_grey(image)
        first = first or (file, (height, width))
        if size is None and (height, width) != first[1]:
            raise DataError(
                f"images must have one size (height, width): {first[0]} has {first[1]}, {file} has {(height, width)}; "
                f"resize them with glimpse_env.sources.folder(path, size={first[1]})"
            )
    assert first is not None, "every class has an image"
    height, width = size or first[1]
    return _Format(height, width, colour)


def _load(root: Path, splits: Mapping[Split, _Files], classes: Sequence[str], form: _Format, split: Split) -> ImageSet:
    labelled = [(file, label) for label, name in enumerate(classes) for file in splits.get(split, {}).get(name, ())]
    if not labelled:
        raise DataError(
            f"no {split} images in {root}: put them into {split}/<class>/ beside train/<class>/, or let each class "
            "have ten images or more"
        )
    images = np.empty((len(labelled), form.height, form.width, *(3,) * form.colour), np.uint8)
    for i, (file, _) in enumerate(labelled):
        images[i] = _pixels(file, form)
    return ImageSet(images, np.array([label for _, label in labelled], np.int64))


def _pixels(file: Path, form: _Format) -> npt.NDArray[np.uint8]:
    """One image, uint8, (height, width) or (height, width, 3)."""
    pillow = _pillow()
    with _open(file) as image:
        turned = _has_exif(image)
        try:
            image.load()
        except _broken() as error:
            raise DataError(f"{file} is broken: {error}; replace or remove it") from error
        upright = pillow.ImageOps.exif_transpose(image) if turned else image
        if upright.mode.startswith("I"):  # 16 bits; Pillow's own conversion would clip them at 255
            deep = np.asarray(upright, np.uint32)
            upright = pillow.Image.fromarray(((deep * 255 + 32_767) // 65_535).astype(np.uint8))
        converted = upright.convert("RGB" if form.colour else "L")
        if converted.size != (form.width, form.height):
            converted = converted.resize((form.width, form.height), pillow.Image.Resampling.BILINEAR)
        return np.asarray(converted)


def _open(file: Path) -> Image:
    try:
        image: Image = _pillow().Image.open(file)
    except _broken() as error:
        raise DataError(f"{file} cannot be read as an image: {error}; replace or remove it") from error
    return image


def _has_exif(image: Image) -> bool:
    """Whether the header says how the camera was held; asked before loading, as Pillow loads a PNG to look further."""
    return "exif" in image.info


def _is_grey(image: Image) -> bool:
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return image.mode.startswith(("1", "L", "I", "F"))


def _pillow() -> ModuleType:
    try:
        import PIL.Image
        import PIL.ImageOps
    except ImportError as error:
        raise ImportError('images in folders are read with Pillow: pip install "glimpse_env[images]"') from error
    return PIL


def _broken() -> tuple[type[Exception], ...]:
    """What Pillow raises for files that are not what their names say."""
    return (OSError, SyntaxError, ValueError, EOFError, _pillow().Image.DecompressionBombError)
