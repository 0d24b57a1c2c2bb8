"""Image files as Pillow reads them: what their headers say, and their pixels, cut and resized."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from glimpse_env.sources.images import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS: Final = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm")
_ORIENTATION, _SIDEWAYS = 0x0112, (5, 6, 7, 8)  # the EXIF tag, and its values for a camera held upright


class Form(NamedTuple):
    """What an image is to become: its size in pixels, and whether it is RGB or grey."""

    height: int
    width: int
    colour: bool


class Box(NamedTuple):
    """A rectangle of pixels, those at `bottom` and `right` no longer in it; what lies past the image is cut off."""

    top: int
    left: int
    bottom: int
    right: int


def checked_size(size: Sequence[int]) -> tuple[int, int]:
    """(height, width), both at least 1.

    Raises:
        ValueError: If `size` is not that.
    """
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size={size!r} must be (height, width), both at least 1")
    return int(size[0]), int(size[1])


def is_image(file: Path) -> bool:
    """Whether a file's name says that it is an image; hidden files are not."""
    return file.suffix.lower() in ENDINGS and not file.name.startswith(".") and file.is_file()


def header(file: Path) -> Form:
    """Size and colour of an image as it is to be seen, without decoding it.

    Raises:
        DataError: If the file is no image.
        ImportError: If Pillow is not installed.
    """
    with _open(file) as image:
        width, height = image.size
        if _has_exif(image) and image.getexif().get(_ORIENTATION) in _SIDEWAYS:
            width, height = height, width
        return Form(height, width, not _is_grey(image))


def pixels(file: Path, form: Form, box: Box | None = None) -> npt.NDArray[np.uint8]:
    """One image, uint8, (height, width) or (height, width, 3).

    Args:
        file: Where it is.
        form: What it is to be.
        box: The part to show; None for all.

    Raises:
        DataError: If the file is no image, or broken, or nothing of it lies in the box.
    """
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
        if box is not None:
            width, height = converted.size
            top, bottom = max(0, box.top), min(height, box.bottom)
            left, right = max(0, box.left), min(width, box.right)
            if top >= bottom or left >= right:
                raise DataError(f"{file} of {height}x{width} pixels has none in {box}")
            converted = converted.crop((left, top, right, bottom))
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
        raise ImportError('images are read with Pillow: pip install "glimpse_env[images]"') from error
    return PIL


def _broken() -> tuple[type[Exception], ...]:
    """What Pillow raises for files that are not what their names say."""
    return (OSError, SyntaxError, ValueError, EOFError, _pillow().Image.DecompressionBombError)
