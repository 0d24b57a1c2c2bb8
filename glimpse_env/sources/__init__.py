"""Where images come from: `load` takes whatever names them and gives a `Source`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy.typing as npt

from glimpse_env.sources.arrays import arrays, splits
from glimpse_env.sources.folder import folder
from glimpse_env.sources.images import SPLITS, DataError, ImageSet, Source, Split, StandInWarning

__all__ = [
    "SPLITS",
    "DataError",
    "ImageSet",
    "Labelled",
    "Source",
    "Split",
    "StandInWarning",
    "arrays",
    "folder",
    "load",
    "splits",
]

Labelled = tuple[npt.ArrayLike, ...]
"""The pair (images, labels), as `arrays` takes it; that it is a pair is checked at run time."""


def _mnist() -> Source:
    from glimpse_env.sources.mnist import mnist

    return mnist()


def _digits() -> Source:
    from glimpse_env.sources.glyphs import digits

    return digits()


_MAKERS: dict[str, Callable[[], Source]] = {"mnist": _mnist, "digits": _digits}

# Per process, so that any number of environments share one copy of the images: (name, stand_in_for) -> source.
_loaded: dict[tuple[str, str | None], Source] = {}
# Where the search for real data failed, and why: searching again for each environment could take seconds each time.
_refused: dict[tuple[str, str | None, str | None], DataError] = {}


def load(
    source: str | os.PathLike[str] | Labelled | Mapping[Split, Labelled] | Source, *, fallback: str | None = "digits"
) -> Source:
    """The images that ``source`` names.

    Args:
        source: ``"mnist"``; ``"digits"``, the bundled glyphs; the path of a folder of class folders (see `folder`);
            a pair (images, labels) (see `arrays`); a dict of such pairs by split (see `splits`); or a `Source`.
        fallback: What to use, with a warning, where ``"mnist"`` cannot be had: ``"digits"``, or None to raise instead.
            The source returned then says so in ``name`` and ``stand_in_for``.

    Raises:
        ValueError: If ``source`` is no known name and no folder, or ``fallback`` is unknown.
        TypeError: If ``source`` is of another type.
        DataError: If the images cannot be had (with ``fallback=None``) or are not what they should be.
    """
    if fallback not in ("digits", None):
        raise ValueError(f"fallback={fallback!r} is unknown; choose 'digits', or None for an error")
    if isinstance(source, Source):
        return source
    if isinstance(source, str) and source in _MAKERS:
        return _named(source, None) if fallback is None or source == fallback else _named_or(source, fallback)
    if isinstance(source, str | os.PathLike):
        if isinstance(source, str) and not (os.sep in source or Path(source).expanduser().is_dir()):
            raise ValueError(
                f"source={source!r} is unknown and no folder; choose one of {', '.join(map(repr, _MAKERS))}, "
                "or give the path of a folder of class folders, or (images, labels)"
            )
        return folder(source)
    if isinstance(source, Mapping):
        return splits(source)
    if isinstance(source, tuple) and len(source) == 2:
        return arrays(*source)
    raise TypeError(
        "source must be a name, a path, a tuple (images, labels), a dict of such tuples by split, or a Source, "
        f"got {type(source).__name__}" + (f" of length {len(source)}" if isinstance(source, tuple) else "")
    )


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
