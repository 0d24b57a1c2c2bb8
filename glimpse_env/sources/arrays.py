"""Images that the caller already holds as arrays, in one piece or in splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from glimpse_env.sources.images import SPLITS, DataError, ImageSet, Source, Split

_MOST_CLASSES = 65_536  # counted from the labels; more is rather an identifier than a class
_CUT = 10  # of each ten images in a row, the last is for testing and the one before for validation


def arrays(images: npt.ArrayLike, labels: npt.ArrayLike, *, class_names: Sequence[str] | None = None) -> Source:
    """A source from one array of images, split by position.

    Image i belongs to the test split if i % 10 == 9, to the validation split if i % 10 == 8, else to the training
    split, so that arrays sorted by class give balanced splits. The images are copied.

    Args:
        images: uint8, shape (n, height, width) or (n, height, width, 3).
        labels: Integers, shape (n,), each in [0, number of classes).
        class_names: The name of each class; by default ``"0"``, ``"1"``, ... up to the largest label.

    Raises:
        DataError: If an array is not as said, or a split without images is asked for.
    """
    whole = _image_set(images, labels, "")
    places = {split: positions(len(whole), split) for split in SPLITS}
    parts = {split: ImageSet(whole.images[i], whole.labels[i]) for split, i in places.items() if len(i)}
    return _source(parts, class_names, f"there are only {len(whole)} images, and each tenth is for testing")


def splits(parts: Mapping[Split, Sequence[npt.ArrayLike]], *, class_names: Sequence[str] | None = None) -> Source:
    """A source from arrays that are split already.

    Args:
        parts: ``"train"``, ``"validation"`` or ``"test"`` -> (images, labels), each as for `arrays`; what is left out
            is missed only when it is asked for. The images are copied.
        class_names: The name of each class; by default ``"0"``, ``"1"``, ... up to the largest label of all splits.

    Raises:
        ValueError: If a split is unknown, or there is none.
        DataError: If an array is not as said, splits differ in image size, or a split that is missing is asked for.
    """
    unknown = [split for split in parts if split not in SPLITS]
    if unknown or not parts:
        raise ValueError(
            f"splits {list(parts)} given; give at least one of {', '.join(map(repr, SPLITS))} and no other"
        )
    sets = {}
    for split, part in parts.items():
        if not isinstance(part, tuple) or len(part) != 2:
            raise TypeError(f"{split!r} must be a tuple (images, labels), got {type(part).__name__}")
        whole = _image_set(*part, f"{split} ")
        sets[split] = ImageSet(whole.images.copy(), whole.labels)  # theirs may change later, a scene may not
    sizes = {split: part.images.shape[1:] for split, part in sets.items()}
    if len(set(sizes.values())) > 1:
        raise DataError(f"images must have one size in all splits, got {sizes}; resize or pad them")
    return _source(sets, class_names, "the source was given without it")


def positions(count: int, split: Split) -> npt.NDArray[np.intp]:
    """Which of ``count`` images in a row belong to a split, ascending."""
    rest = np.arange(count) % _CUT
    wanted = {"train": rest < _CUT - 2, "validation": rest == _CUT - 2, "test": rest == _CUT - 1}[split]
    return np.flatnonzero(wanted)


def _source(parts: Mapping[Split, ImageSet], class_names: Sequence[str] | None, why_missing: str) -> Source:
    low = min(int(part.labels.min()) for part in parts.values())
    high = max(int(part.labels.max()) for part in parts.values())
    most = _MOST_CLASSES if class_names is None else len(class_names)
    if low < 0 or high >= most:
        raise DataError(
            f"labels must lie in [0, {most - 1}], got [{low}, {high}]; number the classes from 0 with "
            "names, labels = np.unique(labels, return_inverse=True)"
        )
    names = map(str, range(high + 1)) if class_names is None else class_names
    return Source("arrays", tuple(names), partial(_pick, dict(parts), why_missing))


def _pick(parts: Mapping[Split, ImageSet], why_missing: str, split: Split) -> ImageSet:
    if split not in parts:
        raise DataError(
            f"no {split} images: {why_missing}; give each split its own with "
            "source={'train': (images, labels), 'validation': (images, labels), 'test': (images, labels)}"
        )
    return parts[split]


def _image_set(images: npt.ArrayLike, labels: npt.ArrayLike, what: str) -> ImageSet:
    if isinstance(images, Sequence) or (isinstance(images, np.ndarray) and images.dtype.hasobject):
        sizes = sorted({np.shape(image) for image in images})
        if len(sizes) > 1:
            met = ", ".join(map(str, sizes[:5])) + (", ..." if len(sizes) > 5 else "")
            raise DataError(f"{what}images must have one size, got {met}; resize or pad them before")
    index = np.asarray(labels)
    if index.size and not np.issubdtype(index.dtype, np.integer):
        raise DataError(
            f"{what}labels must be integers, got {index.dtype}; number the classes with "
            "names, labels = np.unique(labels, return_inverse=True)"
        )
    return ImageSet(np.asarray(images), index.astype(np.int64))  # the labels are a copy, the images need not be
