"""What every source gives: named splits of labelled images, read once and never changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


class DataError(ValueError):
    """The images asked for cannot be had, or are not what they claim to be."""


class StandInWarning(UserWarning):
    """The images asked for cannot be had, and others are used in their place."""


@dataclass(frozen=True)
class ImageSet:
    """One split of a source.

    Attributes:
        images: uint8, shape (n, height, width) for grey or (n, height, width, 3) for RGB, contiguous, read-only.
        labels: int64, shape (n,), each in [0, number of classes), read-only.
        texts: None, or int64, shape (rows, references, length), read-only: sequences of classes, -1 where one ends.
            What a row is depends on the scene: the texts of an image, or a word of a lexicon.
        sizes: None, or int64, shape (n, 2), read-only: where images are smaller than the array that holds them, how
            much of the top left corner each one fills, (height, width).
        styles: In how many styles the images are drawn, such as fonts. With more than one, images are in order of
            style, then label, then variant; each style has as many of each label.

    Raises:
        DataError: If dtype, shape or length do not fit, or there is no image at all.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    texts: npt.NDArray[np.int64] | None = None
    sizes: npt.NDArray[np.int64] | None = None
    styles: int = 1

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if images.dtype != np.uint8:
            raise DataError(
                f"images must be uint8 in [0, 255], got {images.dtype}; convert them, for floats in [0, 1] with "
                "(images * 255).round().astype('uint8')"
            )
        if not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
            raise DataError(
                f"images must have shape (n, height, width) or (n, height, width, 3), got {images.shape}; "
                "drop a last axis of 1 with images[..., 0], move channels last with images.transpose(0, 2, 3, 1)"
            )
        if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
            raise DataError(
                f"labels must be int64 with shape ({len(images)},), one for each image, "
                f"got {labels.dtype} with shape {labels.shape}"
            )
        if not images.size:
            raise DataError(f"no images: shape {images.shape}; give at least one image of at least one pixel")
        texts = self.texts
        if texts is not None and (texts.dtype != np.int64 or texts.ndim != 3 or not texts.size):
            raise DataError(
                f"texts must be int64 with shape (rows, references, length), none of them 0, "
                f"got {texts.dtype} with shape {texts.shape}"
            )
        sizes = self.sizes
        if sizes is not None and (
            sizes.dtype != np.int64
            or sizes.shape != (len(images), 2)
            or sizes.min() < 1
            or (sizes > images.shape[1:3]).any()
        ):
            raise DataError(
                f"sizes must be int64 with shape ({len(images)}, 2), heights and widths from 1 up to "
                f"{images.shape[1:3]}, got {sizes.dtype} with shape {sizes.shape}"
            )
        for name, array in (("images", images), ("labels", labels), ("texts", texts), ("sizes", sizes)):
            if array is None:
                continue
            view = np.ascontiguousarray(array).view()  # a view, so that the caller's own array stays writeable
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def __len__(self) -> int:
        return len(self.labels)

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the checks, because a pickle forgets "read-only".
        return ImageSet, (self.images, self.labels, self.texts, self.sizes, self.styles)


@dataclass(frozen=True, eq=False)
class Source:
    """Labelled images in three splits, each loaded at its first use.

    Attributes:
        name: What the images really are: ``"mnist"``, ``"digits"``, ``"arrays"``, ``"folder:/path"``.
        classes: The name of each class; a label is an index into it.
        load: Split name -> `ImageSet`; called at most once a split.
        stand_in_for: The name that was asked for where this source is only its fallback, else None.
        reload: A function and its arguments that give this source again. A pickle then holds these and not the
            images; None where the images exist nowhere else, so that a pickle holds ``load`` and all it knows.
    """

    name: str
    classes: tuple[str, ...]
    load: Callable[[Split], ImageSet]
    stand_in_for: str | None = None
    reload: tuple[Callable[..., Source], tuple[Any, ...]] | None = None
    _cache: dict[Split, ImageSet] = field(default_factory=dict, repr=False)

    def split(self, split: Split) -> ImageSet:
        """The images of one split.

        Raises:
            ValueError: If there is no split of this name.
            DataError: If the images cannot be read, or a label has no class.
        """
        if split not in SPLITS:
            raise ValueError(f"split={split!r} is unknown; choose one of {', '.join(map(repr, SPLITS))}")
        if split not in self._cache:
            images = self.load(split)
            low, high = int(images.labels.min()), int(images.labels.max())
            if low < 0 or high >= len(self.classes):
                raise DataError(
                    f"labels of {self.name!r} ({split}) lie in [{low}, {high}], but must lie in "
                    f"[0, {len(self.classes) - 1}]: there are {len(self.classes)} classes"
                )
            if images.texts is not None and (images.texts.max() >= len(self.classes) or images.texts.min() < -1):
                raise DataError(
                    f"texts of {self.name!r} ({split}) lie in [{images.texts.min()}, {images.texts.max()}], but must "
                    f"lie in [-1, {len(self.classes) - 1}]: there are {len(self.classes)} classes, and -1 ends a text"
                )
            self._cache[split] = images
        return self._cache[split]

    def __deepcopy__(self, memo: object) -> Source:
        return self  # images never change, so copies of an environment share them

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reload or (Source, (self.name, self.classes, self.load, self.stand_in_for))
