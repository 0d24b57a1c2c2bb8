"""Photographs with sentences about them: Flickr8k, Flickr30k and COCO, in the split files of most captioning code.

Such a file (Karpathy and Fei-Fei's ``dataset_flickr8k.json`` and its like) holds, for each image, its name, its split
and its sentences as lists of words:

    {"images": [{"filename": "1.jpg", "split": "train", "sentences": [{"tokens": ["a", "dog"]}, ...]}, ...]}
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from glimpse_env.sources.images import DataError, ImageSet, Source, Split
from glimpse_env.sources.pictures import Form, checked_size, pixels

UNKNOWN: Final = "<unknown>"  # what a word that training says too seldom is read as
_SPLITS: Final[dict[str, Split]] = {"train": "train", "restval": "train", "val": "validation", "test": "test"}


class _Entry(NamedTuple):
    file: Path
    split: Split
    sentences: list[list[str]]


def captioned(
    annotations: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    size: Sequence[int],
    least: int = 5,
    longest: int = 16,
) -> Source:
    """A source of photographs with sentences, for ``scene="captioned"``.

    Images are RGB, resized. The classes are the words of the training split's sentences that occur there often enough,
    from the commonest on, after `UNKNOWN`, which all other words are read as; labels mean nothing. The splits of the
    file are ``train`` and ``restval`` (training), ``val`` and ``test``. The file is read now, images at the first use
    of their split.

    Args:
        annotations: The JSON file.
        images: The folder of the images; ``filepath`` in an entry, as in COCO's, names a folder in it.
        size: (height, width) in pixels to resize every image to.
        least: How often a word must occur in training.
        longest: Words that a sentence is cut to.

    Raises:
        DataError: If a file is missing or is not what it should be; the message names the file and the entry.
        ValueError: If `size`, `least` or `longest` is out of range.
        ImportError: If Pillow, which reads the images, is not installed.
    """
    form = Form(*checked_size(size), colour=True)
    if least < 1 or longest < 1:
        raise ValueError(f"least={least!r} and longest={longest!r} must be at least 1")
    path, folder = Path(annotations).expanduser().resolve(), Path(images).expanduser().resolve()
    entries = _entries(path, folder)
    counts = Counter(word for entry in entries if entry.split == "train" for text in entry.sentences for word in text)
    words = [word for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count >= least]
    if not words:
        raise DataError(f"no word occurs {least} times in the training sentences of {path}; pass a smaller least")
    numbers = {word: k for k, word in enumerate((UNKNOWN, *words))}
    again = partial(captioned, size=tuple(size), least=least, longest=longest)
    load = partial(_load, path, entries, numbers, form, longest)
    return Source(f"captioned:{path}", tuple(numbers), load, reload=(again, (str(path), str(folder))))


def _entries(path: Path, folder: Path) -> list[_Entry]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}; give the split file of the collection") from error
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list) or not images:
        raise DataError(f"{path} must hold a list 'images' with at least one entry")
    return [_entry(entry, f"{path}, images[{k}]", folder) for k, entry in enumerate(images)]


def _entry(entry: Any, where: str, folder: Path) -> _Entry:
    if not isinstance(entry, dict):
        raise DataError(f"{where} must be an object, got {entry!r}")
    name, split, sentences = (entry.get(key) for key in ("filename", "split", "sentences"))
    if not isinstance(name, str):
        raise DataError(f"{where}: 'filename' must be text, got {name!r}")
    if split not in _SPLITS:
        raise DataError(f"{where} ({name}): 'split' must be one of {', '.join(_SPLITS)}, got {split!r}")
    if not isinstance(sentences, list) or not sentences:
        raise DataError(f"{where} ({name}): 'sentences' must be a list with at least one, got {sentences!r}")
    texts = [text.get("tokens") if isinstance(text, dict) else None for text in sentences]
    for k, tokens in enumerate(texts):
        if not (isinstance(tokens, list) and tokens and all(isinstance(word, str) for word in tokens)):
            raise DataError(f"{where} ({name}): sentences[{k}] must have 'tokens', a list of words, got {tokens!r}")
    file = folder / str(entry.get("filepath", "")) / name
    if not file.is_file():
        raise DataError(f"{where}: there is no image {file}; give the folder that holds the images")
    return _Entry(file, _SPLITS[split], texts)  # type: ignore[arg-type]  # checked above


def _load(
    path: Path, entries: Sequence[_Entry], numbers: Mapping[str, int], form: Form, longest: int, split: Split
) -> ImageSet:
    chosen = [entry for entry in entries if entry.split == split]
    if not chosen:
        raise DataError(f"{path} has no entry for the split {split!r}")
    images = np.stack([pixels(entry.file, form) for entry in chosen])
    length = min(longest, max(len(text) for entry in entries for text in entry.sentences))
    texts = np.full((len(chosen), max(len(entry.sentences) for entry in chosen), length), -1, np.int64)
    for i, entry in enumerate(chosen):
        for k, text in enumerate(entry.sentences):
            words = [numbers.get(word, 0) for word in text[:length]]
            texts[i, k, : len(words)] = words
    return ImageSet(images, np.zeros(len(chosen), np.int64), texts)
