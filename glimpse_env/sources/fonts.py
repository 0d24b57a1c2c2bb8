"""Printed letters: the fonts that matplotlib ships, drawn by Pillow, then slanted, stretched, inked and worn.

Pillow draws each letter of each font once, large. All else (every slant, width, weight, blur and speckle) is done here
with + - * / in float64 and draws from `glimpse_env.random`, so that the same fonts and the same FreeType, which comes
inside Pillow's wheels, give the same bits on every machine.
"""

from __future__ import annotations

import importlib.util
import string
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from glimpse_env.kernel import kernel
from glimpse_env.random import mix, uniform
from glimpse_env.sources.images import DataError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

LETTERS: Final = tuple(string.ascii_lowercase)

FONTS: Final = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSerif",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralItalic",
    "cmb10",
    "cmr10",
    "cmss10",
    "cmtt10",
)
HEIGHTS: Final = (11, 13, 17, 22, 28)  # of a line in pixels, from the top of its l to the foot of its p

_LINE: Final = 64  # height of a line in the large letters, in pixels
_PAD: Final = 16  # empty pixels on every side of a large letter
_SAMPLES: Final = 3  # of a large letter, along each side of a pixel

# How much a style varies, and within it a letter. Lengths are in heights of a line.
_SLANT: Final = (-0.12, 0.30)  # shear to the right
_STRETCH: Final = (0.85, 1.12)  # factor on the width
_WEIGHT: Final = (0.25, 0.5)  # the level at which a softened letter is cut: low is bold
_EDGE: Final = 0.35  # from white to black, in levels of the softened letter
_SOFTEN: Final = 3  # half the side of the box that softens a large letter, in its pixels
_BLUR: Final = (0.0, 0.22)  # what a pixel gives to each of its two neighbours
_BRIGHT: Final = (0.55, 1.0)  # the brightest pixel
_SPECKLE: Final = (0.0, 0.5)  # how much of a pixel the noise may take
_TURN: Final = 0.06  # tangent of a letter's own angle, at most
_LEAN: Final = 0.06  # its own shear, at most

# Counters of a style's draws, and of a letter's.
_STYLE_SLANT, _STYLE_STRETCH, _STYLE_WEIGHT, _STYLE_BLUR, _STYLE_BRIGHT, _STYLE_SPECKLE = range(6)
_LETTER_TURN, _LETTER_LEAN, _PIXELS = 0, 1, 2


class Masters(NamedTuple):
    """The letters of some fonts, large and softened.

    Attributes:
        pixels: float64, (fonts, 26, rows, columns), in [0, 1]; a line is `_LINE` high and begins at row and column
            `_PAD`.
        advances: float64, (fonts, 26): how far a letter carries the next one, in heights of a line.
        baselines: float64, (fonts,): where the letters stand, in heights of a line from its top.
    """

    pixels: npt.NDArray[np.float64]
    advances: npt.NDArray[np.float64]
    baselines: npt.NDArray[np.float64]


def folder_of_fonts() -> Path:
    """Where matplotlib keeps its fonts; matplotlib itself is not imported.

    Raises:
        ImportError: If it is not installed.
    """
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        raise ImportError('words are set in the fonts that matplotlib ships: pip install "glimpse_env[words]"')
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def masters() -> Masters:
    """Draw every letter of `FONTS`.

    Raises:
        ImportError: If matplotlib, for its fonts, or Pillow, to draw them, is not installed.
        DataError: If matplotlib lacks one of the fonts.
    """
    folder = folder_of_fonts()
    drawn = [_draw_font(folder / f"{name}.ttf") for name in FONTS]
    columns = max(letter.shape[1] for letters, _, _ in drawn for letter in letters)
    pixels = np.zeros((len(FONTS), len(LETTERS), _LINE + 2 * _PAD, columns))
    for row, (letters, _, _) in zip(pixels, drawn, strict=True):
        for place, letter in zip(row, letters, strict=True):
            place[:, : letter.shape[1]] = letter
    return Masters(pixels, np.array([part[1] for part in drawn]), np.array([part[2] for part in drawn]))


def _draw_font(path: Path) -> tuple[list[npt.NDArray[np.float64]], list[float], float]:
    """The softened letters of one font, their advances and the baseline."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise ImportError('words are drawn with Pillow: pip install "glimpse_env[words]"') from error

    def font(size: float) -> FreeTypeFont:
        return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)

    try:
        _, top, _, bottom = font(1000).getbbox("".join(LETTERS), anchor="ls")
    except OSError as error:
        raise DataError(f"matplotlib does not ship the font {path.name} any more: {error}; install 3.11") from error
    face, baseline = font(1000 * _LINE / (bottom - top)), -top / (bottom - top)
    letters, advances = [], []
    for letter in LETTERS:
        advance = face.getlength(letter)
        image = Image.new("L", (int(advance) + 1 + 2 * _PAD, _LINE + 2 * _PAD))
        ImageDraw.Draw(image).text((_PAD, _PAD + round(baseline * _LINE)), letter, fill=255, font=face, anchor="ls")
        letters.append(_softened(np.asarray(image)))
        advances.append(advance / _LINE)
    return letters, advances, baseline


def _softened(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The mean of the box around every pixel, in [0, 1]: exact sums of whole numbers, divided once."""
    side = 2 * _SOFTEN + 1
    sums = np.pad(image.astype(np.int64), ((_SOFTEN + 1, _SOFTEN), (_SOFTEN + 1, _SOFTEN))).cumsum(0).cumsum(1)
    boxes = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return boxes / (255.0 * side * side)


@kernel()
def margin(height: int) -> int:
    """Pixels on either side of a letter's place that belong to its image too."""
    return height // 5


def cell_widths(advances: npt.NDArray[np.float64], height: int, stretch: float) -> npt.NDArray[np.int64]:
    """Width in pixels of the image of each letter: its advance, and a margin on either side for what overhangs."""
    return np.floor(advances * stretch * height + 0.5).astype(np.int64) + 2 * margin(height)


@njit(cache=True)
def _between(key: int, counter: int, low: float, high: float) -> float:
    return low + (high - low) * uniform(key, counter)


@njit(cache=True)
def _sample(letter: npt.NDArray[np.float64], y: float, x: float) -> float:
    """A large letter between its pixels, 0 outside."""
    row, column = int(np.floor(y)), int(np.floor(x))
    if row < 0 or column < 0 or row + 1 >= letter.shape[0] or column + 1 >= letter.shape[1]:
        return 0.0
    down, right = y - row, x - column
    above = letter[row, column] * (1.0 - right) + letter[row, column + 1] * right
    below = letter[row + 1, column] * (1.0 - right) + letter[row + 1, column + 1] * right
    return above * (1.0 - down) + below * down


@njit(cache=True)
def stretch_of(seed: int, style: int) -> float:
    """The factor on the widths of a style's letters."""
    return _between(mix(mix(seed, style), 0), _STYLE_STRETCH, _STRETCH[0], _STRETCH[1])


@njit(cache=True, nogil=True)
def draw_letter(
    seed: int,
    style: int,
    number: int,
    letter: npt.NDArray[np.float64],
    baseline: float,
    advance: float,
    field: npt.NDArray[np.float64],
    image: npt.NDArray[np.uint8],
) -> None:
    """Draw one letter of one style into an image as wide as its cell and as high as a line.

    Args:
        seed: Of all styles.
        style: Slant, width, weight, blur, brightness and speckle follow from it.
        number: Of this image in its style; what it has of its own follows from it.
        letter: Of `Masters`, float64, (rows, columns).
        baseline: Of its font.
        advance: Of the letter.
        field: float64 to work in, at least as large as the image.
        image: uint8, (height, width), written.
    """
    height, width = image.shape
    style_key, key = mix(mix(seed, style), 0), mix(mix(seed, style), 1 + number)
    slant = _between(style_key, _STYLE_SLANT, _SLANT[0], _SLANT[1]) + _between(key, _LETTER_LEAN, -_LEAN, _LEAN)
    stretch = stretch_of(seed, style)
    weight = _between(style_key, _STYLE_WEIGHT, _WEIGHT[0], _WEIGHT[1])
    turn = _between(key, _LETTER_TURN, -_TURN, _TURN)
    middle = 0.5 * advance * stretch
    brightest = 0.0
    for row in range(height):
        for column in range(width):
            total = 0.0
            for sample in range(_SAMPLES * _SAMPLES):
                y = (row + (sample // _SAMPLES + 0.5) / _SAMPLES) / height - baseline
                x = (column - margin(height) + (sample % _SAMPLES + 0.5) / _SAMPLES) / height
                x, y = x + turn * y, y - turn * (x - middle)
                x = (x + slant * (y + 0.5 * baseline)) / stretch
                level = _sample(letter, _PAD - 0.5 + _LINE * (y + baseline), _PAD - 0.5 + _LINE * x)
                total += min(1.0, max(0.0, (level - weight) / _EDGE + 0.5))
            field[row, column] = total / (_SAMPLES * _SAMPLES)
            brightest = max(brightest, field[row, column])
    blur = _between(style_key, _STYLE_BLUR, _BLUR[0], _BLUR[1])
    bright = 255.0 * _between(style_key, _STYLE_BRIGHT, _BRIGHT[0], _BRIGHT[1]) / max(brightest, 0.25)
    speckle = _between(style_key, _STYLE_SPECKLE, _SPECKLE[0], _SPECKLE[1])
    for row in range(height):
        for column in range(width):
            value = 0.0
            for i in range(-1, 2):
                for j in range(-1, 2):
                    share = (blur if i else 1.0 - 2.0 * blur) * (blur if j else 1.0 - 2.0 * blur)
                    if 0 <= row + i < height and 0 <= column + j < width:
                        value += share * field[row + i, column + j]
            value *= bright * (1.0 - speckle * uniform(key, _PIXELS + row * width + column))
            image[row, column] = np.uint8(min(255.0, value + 0.5))
