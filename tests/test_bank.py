"""Images of many sizes lie in the bank one after another, and nothing of what surrounds them comes along."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from glimpse_env import GlimpseVectorEnv
from glimpse_env import state as s
from glimpse_env.bank import bank_of
from glimpse_env.sources import DataError, ImageSet, Source
from glimpse_env.testing import noise_images

SIZES = np.random.default_rng(3).integers(5, 15, (60, 2))


def ragged(channels: int = 1) -> Source:
    images, labels = noise_images(channels=channels)
    return Source("ragged", tuple("0123456789"), lambda split: ImageSet(images, labels, sizes=SIZES))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_scene_shows_an_image_in_its_own_size_and_nothing_beside_it(channels: int) -> None:
    source = ragged(channels)
    env = GlimpseVectorEnv(60, source, canvas=40, patch=4)
    env.reset(options={"index": np.arange(60)})
    for image, (canvas, box) in enumerate(zip(env.canvases(), env.boxes()[:, 0], strict=True)):
        top, left, height, width = box
        assert (height, width) == tuple(SIZES[image])
        expected = np.zeros_like(canvas)
        expected[top : top + height, left : left + width] = source.split("train").images[image, :height, :width]
        np.testing.assert_array_equal(canvas, expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_bank_holds_as_many_bytes_as_the_images_have(channels: int) -> None:
    bank = bank_of(ragged(channels), "train")
    np.testing.assert_array_equal(np.diff(bank.table[:, s.IMAGE_OFFSET]), channels * SIZES.prod(axis=1)[:-1])
    assert bank.pixels.any()


@pytest.mark.parametrize("scene", ["scattered", "sum"])
def test_scattered_images_of_many_sizes_lie_apart(scene: str) -> None:
    env = GlimpseVectorEnv(300, ragged(), scene=scene, count=(3, 3), canvas=60, patch=4, stopping=False)
    env.reset(seed=0)
    covered = np.zeros((300, 60, 60), int)
    for lane, boxes in enumerate(env.boxes()):
        for top, left, height, width in boxes:
            covered[lane, top : top + height, left : left + width] += 1
    assert covered.max() == 1
    assert (np.diff(env.boxes()[:, :, 1]) >= 0).all()


@pytest.mark.parametrize(
    "sizes", [SIZES[:9], SIZES.astype(np.int32), SIZES * 0, SIZES + 10], ids=["few", "int32", "zero", "large"]
)
def test_sizes_that_do_not_fit_are_refused(sizes: np.ndarray) -> None:
    images, labels = noise_images()
    with pytest.raises(DataError, match=r"sizes must be int64 with shape \(60, 2\), heights and widths from 1 up to"):
        ImageSet(images, labels, sizes=sizes)


def test_a_pickle_keeps_the_sizes_and_their_protection() -> None:
    again = pickle.loads(pickle.dumps(ragged().split("train")))
    np.testing.assert_array_equal(again.sizes, SIZES)
    assert not again.sizes.flags.writeable
