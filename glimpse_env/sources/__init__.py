"""Where images come from: `load` takes whatever names them and gives a `Source`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glimpse_env.sources.arrays import arrays, splits
from glimpse_env.sources.captioned import captioned
from glimpse_env.sources.folder import folder
from glimpse_env.sources.images import SPLITS, DataError, ImageSet, Source, Split, StandInWarning
from glimpse_env.sources.svhn import is_svhn, svhn
from glimpse_env.sources.word_folder import is_word_folder, word_folder

__all__ = [
    "SPLITS",
    "DataError",
    "ImageSet",
    "Labelled",
    "Source",
    "Split",
    "StandInWarning",
    "arrays",
    "captioned",
    "folder",
    "load",
    "splits",
    "svhn",
    "word_folder",
]

Labelled = tuple[npt.ArrayLike, npt.ArrayLike]
"""Images and labels, as `arrays` takes them."""


def _mnist() -> Source:
    from glimpse_env.sources.mnist import mnist

    return mnist()


def _digits() -> Source:
    from glimpse_env.sources.glyphs import digits

    return digits()


def _words() -> Source:
    from glimpse_env.sources.words import words

    return words()


def _block() -> Source:
    return replace(splits({split: (np.full((1, 1, 2), 255, np.uint8), [0]) for split in SPLITS}), name="block")


def _objects() -> Source:
    from glimpse_env.sources.objects import objects

    return objects()


_MAKERS: dict[str, Callable[[], Source]] = {
    "mnist": _mnist, "digits": _digits, "words": _words, "block": _block, "objects": _objects,
}  # fmt: skip

# Folders with annotations, told by their names; others hold a folder for each class.
_LAYOUTS: tuple[tuple[Callable[[Path], bool], Callable[[Path], Source]], ...] = (
    (is_svhn, svhn),
    (is_word_folder, word_folder),
)

# Per process, so that any number of environments share one copy of the images: (name, stand_in_for) -> source.
_loaded: dict[tuple[str, str | None], Source] = {}
# Where the search for real data failed, and why: searching again for each environment could take seconds each time.
_refused: dict[tuple[str, str | None, str | None], DataError] = {}


def load(
    source: str | os.PathLike[str] | Labelled | Mapping[Split, Labelled] | Source, *, fallback: str | None = "digits"
) -> Source:
    """The images that ``source`` names.

    Args:
        source: ``"mnist"``; ``"digits"``, the bundled glyphs; ``"words"``, printed letters and a lexicon;
            ``"objects"``, the glyphs and a few shapes with words about them; ``"block"``, one white image of 1x2
            pixels; the path of a folder: of house numbers (see `svhn`), of photographed words (see `word_folder`), or
            else of class folders (see `folder`); a pair (images, labels) (see `arrays`); a dict of such pairs by split
            (see `splits`); or a `Source`.
        fallback: What to use, with a warning, where ``"mnist"`` cannot be had: ``"digits"``, or None to raise instead.
            The source returned then says so in ``name`` and ``stand_in_for``.

    Raises:
        ValueError: If ``source`` is no known name and no folder, or ``fallback`` is unknown.
        TypeError: If ``source`` is of another type.
        DataError: If the images cannot be had (with ``fallback=None``) or are not what they should be.
    """
    if fallback != "digits" and fallback is not None:
        raise ValueError(f"fallback={fallback!r} is unknown; choose 'digits', or None for an error")
    given: object = source  # the types above are checked here too, since few users run a type checker
    if isinstance(given, Source):
        return given
    if isinstance(given, str) and given in _MAKERS:
        return _named(given, None) if fallback in (None, given) else _named_or(given, fallback)
    if isinstance(given, str) and not (os.sep in given or os.path.isdir(given)):
        raise ValueError(
            f"source={given!r} is unknown and no folder; choose one of {', '.join(map(repr, _MAKERS))}, "
            "or give the path of a folder of class folders, or (images, labels)"
        )
    if isinstance(given, str | os.PathLike):
        return _at(Path(given).expanduser())
    if isinstance(given, Mapping):
        return splits(given)
    if isinstance(given, tuple) and len(given) == 2:
        return arrays(*given)
    raise TypeError(
        "source must be a name, a path, a tuple (images, labels), a dict of such tuples by split, or a Source, "
        f"got {type(given).__name__}" + (f" of length {len(given)}" if isinstance(given, tuple) else "")
    )


def _at(path: Path) -> Source:
    """The images of a folder, read as what lies in it."""
    return next((read(path) for fits, read in _LAYOUTS if fits(path)), None) or folder(path)


def _named(name: str, stand_in_for: str | None) -> Source:
    """The source of this name; pickles come back through here, so they carry no images."""
    if (name, stand_in_for) not in _loaded:
        made = _MAKERS[name]() if stand_in_for is None else _named(name, None)
        _loaded[name, stand_in_for] = replace(made, stand_in_for=stand_in_for, reload=(_named, (name, stand_in_for)))
    return _loaded[name, stand_in_for]


def _named_or(name: str, fallback: str) -> Source:
    """The source of this name, or else its stand-in."""
    where = (name, os.environ.get("GLIMPSE_DATA"), os.environ.get("GLIMPSE_OFFLINE"))
    if where not in _refused or (name, None) in _loaded:
        try:
            return _named(name, None)
        except DataError as error:
            if (fallback, name) not in _loaded:  # the first time in this process
                warnings.warn(
                    f"USING STAND-IN DATA: {name!r} cannot be had, so the bundled {fallback!r} are used in its place. "
                    f"Results are NOT results on {name!r}. {error}",
                    StandInWarning,
                    stacklevel=3,
                )
            _refused[where] = error
    return _named(fallback, name)
