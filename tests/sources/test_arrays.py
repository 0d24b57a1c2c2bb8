from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from glimpse_env.sources import SPLITS, DataError, arrays, splits

LABELS = np.arange(20) % 3
IMAGES = np.random.default_rng(0).integers(0, 256, (20, 4, 5), np.uint8)
IMAGES[0, 0, 0] = 255


def pair(count: int = 4, size: tuple[int, ...] = (4, 5), top: int = 1) -> tuple[np.ndarray, np.ndarray]:
    return np.full((count, *size), 255, np.uint8), np.arange(count) % (top + 1)


class TestOnePair:
    def test_each_image_goes_to_the_split_of_its_position(self) -> None:
        source = arrays(IMAGES, LABELS)
        kept = {"train": [*range(8), *range(10, 18)], "validation": [8, 18], "test": [9, 19]}
        for split in SPLITS:
            np.testing.assert_array_equal(source.split(split).images, IMAGES[kept[split]], strict=True)
            assert source.split(split).labels.tolist() == LABELS[kept[split]].tolist()
            assert source.split(split).labels.dtype == np.int64
        assert (source.name, source.classes) == ("arrays", ("0", "1", "2"))

    def test_arrays_sorted_by_class_stay_balanced(self) -> None:
        source = arrays(np.zeros((1000, 2, 2), np.uint8), np.repeat(np.arange(4), 250))
        assert np.bincount(source.split("test").labels).tolist() == [25] * 4

    def test_colour_and_any_integer_labels(self) -> None:
        colour = np.random.default_rng(0).integers(0, 256, (3, 2, 2, 3), np.uint8)
        for dtype in (np.uint8, np.int8, np.int32, np.uint64):
            source = arrays(colour, np.array([0, 1, 2], dtype))
            np.testing.assert_array_equal(source.split("train").images, colour)
            assert source.split("train").labels.tolist() == [0, 1, 2]

    def test_lists_are_taken(self) -> None:
        assert arrays(list(IMAGES), LABELS.tolist()).split("train").images.shape == (16, 4, 5)

    def test_too_few_for_a_split_is_said_when_it_is_asked_for(self) -> None:
        source = arrays(IMAGES[:9], LABELS[:9])
        assert (len(source.split("train")), len(source.split("validation"))) == (8, 1)
        with pytest.raises(DataError, match=r"no test images: there are only 9 images.*source=\{'train': "):
            source.split("test")

    def test_class_names(self) -> None:
        assert arrays(IMAGES, LABELS, class_names=["cat", "dog", "eel", "fly"]).classes == ("cat", "dog", "eel", "fly")
        with pytest.raises(DataError, match=r"must lie in \[0, 1\], got \[0, 2\]"):
            arrays(IMAGES, LABELS, class_names=["cat", "dog"])

    @pytest.mark.parametrize(
        ("images", "labels", "complaint"),
        [
            (IMAGES / 255, LABELS, r"uint8 in \[0, 255\], got float64.*\(images \* 255\)"),
            (IMAGES.astype(np.int8), LABELS, "got int8"),
            (IMAGES > 9, LABELS, "got bool"),
            (IMAGES[..., None], LABELS, r"got \(20, 4, 5, 1\); drop a last axis of 1 with images\[..., 0\]"),
            (IMAGES[0], LABELS[:4], r"got \(4, 5\)"),
            (IMAGES, LABELS[:-1], r"shape \(20,\), one for each image, got int64 with shape \(19,\)"),
            (IMAGES, LABELS[:, None], r"shape \(20, 1\)"),
            (IMAGES, LABELS + 0.5, "integers, got float64.*np.unique"),
            (IMAGES, ["cat"] * 20, "integers, got <U3.*np.unique"),
            (IMAGES, LABELS - 1, r"\[0, 65535\], got \[-1, 1\]"),
            (IMAGES, LABELS * 10**6, r"\[0, 65535\], got \[0, 2000000\]"),
            (IMAGES[:0], [], "no images"),
            (IMAGES[:, :0], LABELS, "no images"),
            ([IMAGES[0], IMAGES[1].T], [0, 1], r"one size, got \(4, 5\), \(5, 4\); resize or pad"),
            (np.array([IMAGES[0], IMAGES[1][:2], None], object)[:2], [0, 1], r"one size, got \(2, 5\), \(4, 5\)"),
        ],
    )
    def test_bad_arrays_are_refused(self, images: Any, labels: Any, complaint: str) -> None:
        with pytest.raises(DataError, match=complaint):
            arrays(images, labels)


class TestGivenSplits:
    def test_each_is_what_was_given(self) -> None:
        source = splits({"train": pair(6), "test": pair(3, top=2)})
        assert (len(source.split("train")), len(source.split("test"))) == (6, 3)
        assert source.classes == ("0", "1", "2")
        with pytest.raises(DataError, match=r"no validation images: the source was given without it"):
            source.split("validation")

    def test_unknown_or_no_splits_are_refused(self) -> None:
        for parts in ({"training": pair()}, {}):
            with pytest.raises(ValueError, match=r"one of 'train', 'validation', 'test'"):
                splits(parts)  # type: ignore[arg-type]

    def test_a_split_must_be_a_pair(self) -> None:
        with pytest.raises(TypeError, match="'train' must be a tuple"):
            splits({"train": pair()[0]})  # type: ignore[dict-item]

    def test_sizes_must_agree(self) -> None:
        with pytest.raises(DataError, match=r"one size in all splits.*\(4, 5\).*\(5, 5\)"):
            splits({"train": pair(), "test": pair(size=(5, 5))})

    def test_the_split_with_the_bad_array_is_named(self) -> None:
        with pytest.raises(DataError, match="test labels must be integers"):
            splits({"train": pair(), "test": (pair()[0], np.full(4, 0.5))})


@pytest.mark.parametrize("make", [lambda i, n: arrays(i, n), lambda i, n: splits({"train": (i, n)})])
def test_the_caller_keeps_their_arrays_and_cannot_change_ours(make: Any) -> None:
    images, labels = pair()
    part = make(images, labels).split("train")
    images[:] = 7
    labels[:] = 7
    assert (part.images.min(), part.labels.max()) == (255, 1)
    with pytest.raises(ValueError, match="read-only"):
        part.images[0] = 0


def test_a_pickle_carries_the_arrays() -> None:
    source = arrays(IMAGES, LABELS)
    other = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(other.split("test").images, source.split("test").images)
    assert (other.name, other.classes) == (source.name, source.classes)
    assert not other.split("test").images.flags.writeable
    with pytest.raises(DataError, match="no test images"):
        pickle.loads(pickle.dumps(arrays(IMAGES[:5], LABELS[:5]))).split("test")
