"""Letters to set words with, and the words: what ``source="words"`` gives."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from glimpse_env.sources import fonts
from glimpse_env.sources.images import ImageSet, Source, Split
from glimpse_env.sources.lexicon import encode, words_of

# Styles of each font and height, and images of each letter in a style. The splits are drawn from different seeds.
_HANDS: Final[dict[Split, int]] = {"train": 8, "validation": 3, "test": 3}
_VARIANTS: Final[dict[Split, int]] = {"train": 2, "validation": 1, "test": 2}
_SEEDS: Final[dict[Split, int]] = {"train": 11, "validation": 12, "test": 13}


@njit(cache=True, nogil=True)
def _draw(
    seed: int,
    style: int,
    letters: npt.NDArray[np.float64],
    advances: npt.NDArray[np.float64],
    baseline: float,
    widths: npt.NDArray[np.int64],
    variants: int,
    field: npt.NDArray[np.float64],
    images: npt.NDArray[np.uint8],
    height: int,
) -> None:
    """Draw a style: letter by letter, each in all its variants, into images, (26 * variants, rows, columns)."""
    for i in range(len(images)):
        letter = i // variants
        cell = images[i, :height, : widths[letter]]
        fonts.draw_letter(seed, style, i, letters[letter], baseline, advances[letter], field, cell)


def _load(split: Split) -> ImageSet:
    pixels, advances, baselines = fonts.masters()
    seed, hands, variants = _SEEDS[split], _HANDS[split], _VARIANTS[split]
    kinds = [
        (font, height) for font in range(len(fonts.FONTS)) for height in fonts.HEIGHTS for _ in range(hands)
    ]  # a kind for each style
    widths = np.stack([
        fonts.cell_widths(advances[font], height, fonts.stretch_of(seed, style))
        for style, (font, height) in enumerate(kinds)
    ])  # fmt: skip
    letters = len(fonts.LETTERS)
    shape = (len(kinds), letters * variants, max(fonts.HEIGHTS), int(widths.max()))
    images, field = np.zeros(shape, np.uint8), np.empty(shape[2:])
    for style, (font, height) in enumerate(kinds):
        letter = (pixels[font], advances[font], baselines[font], widths[style])
        _draw(seed, style, *letter, variants, field, images[style], height)
    heights = np.array([height for _, height in kinds])
    sizes = np.stack(np.broadcast_arrays(heights[:, None, None], widths[:, :, None], np.zeros(variants, np.int64)), -1)
    labels = np.broadcast_to(np.arange(letters)[:, None], (len(kinds), letters, variants))
    return ImageSet(
        images.reshape(-1, *shape[2:]),
        labels.reshape(-1).astype(np.int64),
        encode(words_of(split)),
        sizes[..., :2].reshape(-1, 2).astype(np.int64),
        styles=len(kinds),
    )


def words() -> Source:
    """Printed letters in many styles, and English words: 26 classes, a to z; each split is drawn at its first use.

    A style is a font, a height of line and a way it is slanted, stretched, inked and worn. Images are in order of
    style, then letter, then variant; those of different splits have no style in common, and nor have the words.

    Raises:
        ImportError: When a split is used, if Pillow or matplotlib, whose fonts these are, is not installed.
    """
    return Source("words", fonts.LETTERS, _load)
