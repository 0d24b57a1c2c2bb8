"""Words on photographs, as ICDAR's word recognition tasks and IIIT5K-Words have them: images and a list.

A line of ICDAR 2011 to 2015 is ``word_1.png, "Tiredness"``, one of the lists that IIIT5K-Words is commonly read by
``test/1_1.png WORD``; tabs do as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from glimpse_env.sources.arrays import positions
from glimpse_env.sources.images import SPLITS, DataError, ImageSet, Source, Split
from glimpse_env.sources.pictures import ENDINGS, Form, checked_size, pixels

TRUTH: Final = "gt.txt"
_SIZE: Final = (32, 100)
_LINE: Final = re.compile(rf"(.+?(?:{'|'.join(map(re.escape, ENDINGS))}))\s*[,\s]\s*(\S.*)", re.IGNORECASE)


class Word(NamedTuple):
    """One image and the word on it."""

    file: Path
    text: str


def word_folder(path: str | os.PathLike[str], *, size: Sequence[int] = _SIZE, fold: bool = True) -> Source:
    """A source of photographed words for ``scene="captioned"``: grey images, each with its word.

    Every list is UTF-8 with a line for each image: its name, beside the list or below, a comma, tab or space, and its
    word, in quotes or not. In ``path`` there are

    * ``train.txt`` and ``test.txt``, and ``validation.txt`` if there is one; or
    * folders ``train``, ``test`` and maybe ``validation``, each with ``gt.txt``; or
    * ``gt.txt`` alone, cut by position: of ten images in a row the ninth is for validation, the tenth for testing.

    A missing validation split is cut from the training one in the same way. Symbols are the characters of all words in
    the order of their code points. Lists are read now, images when their split is first used.

    Args:
        path: The folder.
        size: (height, width) in pixels to resize every image to; 32x100 as in the R2AM paper.
        fold: Take capitals as small letters, as the papers' word accuracy does.

    Raises:
        DataError: If there is no list, or a line is malformed, or its image missing; the message names file and line.
    """
    form = Form(*checked_size(size), colour=False)
    root = Path(path).expanduser().resolve()
    if not is_word_folder(root):
        raise DataError(f"{root} holds neither train.txt nor train/{TRUTH} nor {TRUTH}; put a list of words there")
    splits = _splits(root, fold)
    everything = [word.text for words in splits.values() for word in words]
    symbols = sorted({character for text in everything for character in text})
    load = partial(_load, root, splits, symbols, max(map(len, everything)), form)
    again = partial(word_folder, size=size, fold=fold)
    return Source(f"words:{root}", tuple(symbols), load, reload=(again, (str(root),)))


def is_word_folder(root: Path) -> bool:
    """Whether a folder is laid out as `word_folder` reads it."""
    return any((root / name).is_file() for name in ("train.txt", f"train/{TRUTH}", TRUTH))


def _splits(root: Path, fold: bool) -> dict[Split, list[Word]]:
    if (root / TRUTH).is_file():
        words = read_list(root / TRUTH, fold)
        return {split: [words[i] for i in positions(len(words), split)] for split in SPLITS}
    form = "{}.txt" if (root / "train.txt").is_file() else f"{{}}/{TRUTH}"
    lists = {split: root / form.format(split) for split in SPLITS}
    parts = {split: read_list(file, fold) for split, file in lists.items() if file.is_file()}
    if "validation" not in parts:
        held_out = set(positions(len(parts["train"]), "validation").tolist())
        parts["validation"] = [word for i, word in enumerate(parts["train"]) if i in held_out]
        parts["train"] = [word for i, word in enumerate(parts["train"]) if i not in held_out]
    return parts


def read_list(file: Path, fold: bool) -> list[Word]:
    """The words of one list, in its order.

    Raises:
        DataError: Naming file and line, if a line is no name and word, or its image is not there; or if it has no line.
    """
    words = []
    for number, line in enumerate(file.read_bytes().split(b"\n"), 1):
        where = f"{file}, line {number}"
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise DataError(f"{where} is not UTF-8: {error}; save the list as UTF-8") from error
        if not text:
            continue
        found = _LINE.fullmatch(text)
        word = _unquoted(found[2]) if found else ""
        if not found or not word:
            raise DataError(f'{where}: {text!r} must be an image and its word, as in word_1.png, "Tiredness"')
        image = (file.parent / found[1].strip()).resolve()
        if not image.is_relative_to(file.parent) or not image.is_file():
            raise DataError(f"{where}: there is no image {found[1]!r} in {file.parent}")
        words.append(Word(image, word.lower() if fold else word))
    if not words:
        raise DataError(f"{file} lists no word")
    return words


def _unquoted(word: str) -> str:
    """A word without its quotes; inside them a backslash protects quotes and itself."""
    if len(word) >= 2 and word[0] == word[-1] == '"':
        return re.sub(r'\\(["\\])', r"\1", word[1:-1])
    return word


def _load(
    root: Path, splits: dict[Split, list[Word]], symbols: Sequence[str], longest: int, form: Form, split: Split
) -> ImageSet:
    words = splits.get(split)
    if not words:
        raise DataError(f"no {split} images in {root}: give them a list of their own, or let {TRUTH} have ten lines")
    texts = np.full((len(words), 1, longest), -1, np.int64)
    images = np.empty((len(words), form.height, form.width), np.uint8)
    index = {symbol: k for k, symbol in enumerate(symbols)}
    for k, word in enumerate(words):
        texts[k, 0, : len(word.text)] = [index[character] for character in word.text]
        images[k] = pixels(word.file, form)
    return ImageSet(images, texts[:, 0, 0].copy(), texts)
