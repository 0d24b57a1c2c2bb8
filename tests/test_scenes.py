"""The generator draws what it says, from end to end and evenly; and the frozen test scenes are those of the docs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import scene_hashes
from glimpse_env import TASKS, GlimpseVectorEnv
from glimpse_env import state as s
from glimpse_env.evaluation import fingerprint
from glimpse_env.sources import Source
from glimpse_env.testing import noise_images

pytestmark = pytest.mark.usefixtures("eager_threads")

LANES = 20_000
# 50 images of the size of MNIST's for training and 20 for testing, which share no pixel value.
TRAIN, TRAIN_LABELS = noise_images(50, (28, 28))
TEST, TEST_LABELS = noise_images(20, (28, 28), seed=1)
SOURCE = {"train": (TRAIN // 2, TRAIN_LABELS), "test": (TEST // 2 + 128, TEST_LABELS)}
CROWDED: dict[str, Any] = {"source": SOURCE, "canvas": 60, "clutter": 4, "patch": 4}


def draw(lanes: int = LANES, **keywords: Any) -> tuple[GlimpseVectorEnv, np.ndarray]:
    env = GlimpseVectorEnv(lanes, **{**CROWDED, **keywords})
    env.reset(seed=0)
    return env, env._dynamics.sprites


def assert_even(draws: np.ndarray, count: int) -> None:
    """Every whole number in [0, count) is drawn, and none more often than chance lets it be."""
    found = np.bincount(draws.ravel(), minlength=count)
    assert found.size == count
    assert found.min() > 0
    expected = draws.size / count
    freedom = count - 1
    # Wilson and Hilferty's bound: chi-square exceeds it less than once in 100,000 times.
    limit = freedom * (1 - 2 / (9 * freedom) + 4.3 * np.sqrt(2 / (9 * freedom))) ** 3
    assert ((found - expected) ** 2 / expected).sum() < limit


def test_places_of_the_image_are_even_and_inclusive() -> None:
    env, sprites = draw()
    for side in (s.TOP, s.LEFT):
        assert_even(sprites[:, 0, side], 60 - 28 + 1)
    assert (sprites[:, 0, [s.HEIGHT, s.WIDTH]] == 28).all()
    image = sprites[:, 0, s.OFFSET] // 784
    assert (sprites[:, 0, s.OFFSET] % 784 == 0).all()
    assert_even(image, 50)
    np.testing.assert_array_equal(env.targets(), env.source.split("train").labels[image])


@pytest.mark.parametrize(("canvas", "clutter"), [(60, 4), (100, 8)])
def test_fragments_are_even_crops_of_even_images_at_even_places(canvas: int, clutter: int) -> None:
    _, sprites = draw(canvas=canvas, clutter=clutter)
    fragments = sprites[:, 1:]
    assert fragments.shape[1] == clutter
    assert (fragments[:, :, [s.HEIGHT, s.WIDTH]] == 8).all()
    for k in range(clutter):
        for side in (s.TOP, s.LEFT):
            assert_even(fragments[:, k, side], canvas - 8 + 1)
        image, pixel = np.divmod(fragments[:, k, s.OFFSET], 784)
        assert_even(image, 50)
        row, column = np.divmod(pixel, 28)
        assert_even(row, 21)
        assert_even(column, 21)


def test_draws_are_independent_of_one_another_and_of_the_next_lane() -> None:
    _, sprites = draw()
    pixel = sprites[:, :, s.OFFSET] % 784
    columns = np.concatenate(
        [sprites[:, :, s.OFFSET] // 784, sprites[:, :, s.TOP], sprites[:, :, s.LEFT], pixel[:, 1:] // 28], axis=1
    )
    drawn = np.concatenate([columns[:-1], columns[1:]], axis=1)
    correlations = np.corrcoef(drawn, rowvar=False)[np.triu_indices(drawn.shape[1], 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(LANES)


def test_a_canvas_is_the_clipped_sum_of_its_pieces() -> None:
    """Recomputed from the images of the split alone."""
    env, sprites = draw(200, split="test", canvas=(40, 50))
    images = env.source.split("test").images.astype(int)
    clipped = 0
    for lane, canvas in enumerate(env.canvases()):
        expected = np.zeros((40, 50), int)
        for sprite in sprites[lane]:
            image, pixel = divmod(sprite[s.OFFSET], 784)
            row, column = divmod(pixel, 28)
            height, width, top, left = sprite[[s.HEIGHT, s.WIDTH, s.TOP, s.LEFT]]
            piece = images[image, row : row + height, column : column + width]
            expected[top : top + height, left : left + width] += piece
        clipped += (expected > 255).sum()
        np.testing.assert_array_equal(canvas, np.minimum(expected, 255))
    assert clipped > 1000  # any two pixels of this split add to more than 255


@pytest.mark.parametrize(("split", "low", "high"), [("train", 0, 127), ("test", 128, 255)])
def test_clutter_comes_from_the_split_of_the_image(split: str, low: int, high: int) -> None:
    env, sprites = draw(500, split=split, clutter=1)
    once = np.zeros((500, 60, 60), int)
    for lane in range(500):
        for sprite in sprites[lane]:
            height, width, top, left = sprite[[s.HEIGHT, s.WIDTH, s.TOP, s.LEFT]]
            once[lane, top : top + height, left : left + width] += 1
    alone = env.canvases()[once == 1]
    assert low <= alone.min()
    assert alone.max() <= high
    assert not env.canvases()[once == 0].any()


def test_an_image_as_large_as_the_canvas_fills_it() -> None:
    env, _ = draw(20, canvas=28, clutter=0)
    env.reset(options={"index": np.arange(20)})
    np.testing.assert_array_equal(env.canvases(), TRAIN[:20] // 2)


def test_the_first_gaze_does_not_depend_on_the_scene() -> None:
    """Or else it would tell where the image lies."""
    env, sprites = draw()
    gaze = env.reset(seed=0)[0]["gaze"][:, :2]
    for column in (s.TOP, s.LEFT):
        for axis in (0, 1):
            assert abs(np.corrcoef(gaze[:, axis], sprites[:, 0, column])[0, 1]) < 5 / np.sqrt(LANES)


def test_scenes_are_the_same_in_one_lane_and_many_with_one_thread_and_two() -> None:
    one, many = GlimpseVectorEnv(1, **CROWDED), GlimpseVectorEnv(60, **CROWDED, num_threads=2)
    together = many.reset(options={"index": np.arange(60)})[0]
    for index in range(60):
        alone = one.reset(options={"index": index})[0]
        np.testing.assert_array_equal(one.canvases()[0], many.canvases()[index])
        for name, value in alone.items():
            np.testing.assert_array_equal(value[0], together[name][index])


def test_the_frozen_scenes_of_an_id_do_not_depend_on_threads() -> None:
    scenes = {fingerprint("CrowdedMNIST-v0", source=SOURCE, scenes=300, num_threads=threads) for threads in (1, 2)}
    assert len(scenes) == 1
    assert fingerprint("CrowdedMNIST-v0", source=SOURCE, scenes=299) not in scenes
    assert fingerprint("CrowdedMNIST-v0", source=SOURCE, scenes=300, split="train") not in scenes


def test_the_page_lists_every_id() -> None:
    assert list(scene_hashes.read()) == list(TASKS)


@pytest.mark.parametrize("name", [name for name in TASKS if "MNIST" in name])
def test_mnist_scenes_are_those_of_the_page(name: str, mnist: Source) -> None:
    assert fingerprint(name, scenes=scene_hashes.SCENES) == scene_hashes.read()[name]


@pytest.mark.parametrize("name", [name for name, (_, task) in TASKS.items() if task["source"] != "mnist"])
def test_other_scenes_are_those_of_the_page(name: str) -> None:
    assert fingerprint(name, scenes=scene_hashes.SCENES) == scene_hashes.read()[name]
