"""Things to describe: the bundled digits and a few shapes, large or small, bright or dim.

Large is 28x28, small is 14x14, by averaging 2x2 pixels; dim is half as bright. The words of an image are its text:
size, light, name. Some combinations are kept from the training and validation splits, so that the test shows what has
never been seen together, though each of its words has.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from glimpse_env.sources.glyphs import draw, shuffle
from glimpse_env.sources.images import ImageSet, Source, Split
from glimpse_env.sources.strokes import DIGITS, Skeleton, stroke_table

_SHAPES: dict[str, tuple[Skeleton, ...]] = {
    "square": (Skeleton(1, "0,0* 92,0* 92,100* 0,100* 0,0"),),
    "triangle": (Skeleton(1, "46,0* 96,100* -4,100* 46,0"),),
    "cross": (Skeleton(1, "46,0 46,50 46,100 / -4,50 46,50 96,50"),),
    "arrow": (Skeleton(1, "0,50 50,50 100,50 / 60,8 100,50* 60,92"),),
}
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

NOUNS: Final = (*_NUMBERS, *_SHAPES)
SIZES: Final = ("large", "small")
LIGHTS: Final = ("bright", "dim")

#: What training and validation never show, as noun -> attribute; the test shows it as often as anything else.
HELD_OUT: Final = {
    "zero": "large", "seven": "large", "two": "small", "nine": "small",
    "three": "bright", "square": "bright", "five": "dim", "cross": "dim",
}  # fmt: skip

_STROKES = stroke_table({**DIGITS, **_SHAPES})
_SIDE = 28
_EACH: dict[Split, int] = {"train": 1000, "validation": 100, "test": 200}  # images of each kind
_SEEDS: dict[Split, int] = {"train": 11, "validation": 12, "test": 13}


def kinds(split: Split) -> npt.NDArray[np.int64]:
    """What a split shows, each as often as the others: int64, (kinds, 3), indices into SIZES, LIGHTS and NOUNS."""
    return np.array(
        [
            (size, light, noun)
            for noun, name in enumerate(NOUNS)
            for size, large in enumerate(SIZES)
            for light, bright in enumerate(LIGHTS)
            if split == "test" or HELD_OUT.get(name) not in (large, bright)
        ]
    )


def _load(split: Split) -> ImageSet:
    seed, known = _SEEDS[split], kinds(split)
    order = np.arange(_EACH[split] * len(known)) % len(known)
    shuffle(order, seed)
    size, light, noun = np.ascontiguousarray(known[order].T)
    images = np.zeros((len(order), _SIDE, _SIDE), np.uint8)
    draw(noun, seed, _STROKES, images)
    images[light == 1] //= 2
    small, half = size == 1, _SIDE // 2
    blocks = images[small].reshape(-1, half, 2, half, 2).sum(axis=(2, 4), dtype=np.uint16)
    images[small] = 0
    images[small, :half, :half] = (blocks + 2) // 4
    sides = np.where(small, half, _SIDE)
    texts = np.stack([len(NOUNS) + size, len(NOUNS) + len(SIZES) + light, noun], axis=1)
    return ImageSet(images, noun, texts[:, None], np.stack([sides, sides], axis=1))


def objects() -> Source:
    """40,000 training, 4,000 validation and 11,200 test images; labels are nouns, texts are (size, light, noun)."""
    return Source("objects", (*NOUNS, *SIZES, *LIGHTS), _load)
