"""Images that bring their texts along, and images of several sizes in one bank."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from glimpse_env import GlimpseEnv, GlimpseVectorEnv
from glimpse_env import state as s
from glimpse_env.bank import bank_of
from glimpse_env.sources import DataError, ImageSet, Source
from glimpse_env.testing import assert_identical, plain_observation

SIZES = np.array([(9, 7), (5, 12), (8, 8), (1, 1), (12, 16)])
# Two references at most, three symbols at most: of images 1 and 3 there is one, and that of 3 has no symbol at all.
TEXTS = np.array([
    [[0, 1, 2], [2, -1, -1]], [[1, -1, -1], [-1, -1, -1]], [[2, 2, -1], [0, 0, -1]],
    [[-1, -1, -1], [-1, -1, -1]], [[0, -1, -1], [0, 1, 1]],
])  # fmt: skip
END = 3


def source(channels: int = 1) -> Source:
    shape = (5, 12, 16) if channels == 1 else (5, 12, 16, 3)
    images = np.random.default_rng(0).integers(1, 256, shape, np.uint8)
    part = ImageSet(images, np.zeros(5, np.int64), TEXTS, SIZES)
    return Source("five", ("a", "b", "c"), lambda split: part)


def make(lanes: int = 5, channels: int = 1, **keywords: Any) -> GlimpseVectorEnv:
    keywords = {"scene": "captioned", "canvas": (20, 24), "patch": 4, "budget": 3, **keywords}
    return GlimpseVectorEnv(lanes, source(channels), **keywords)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_several_sizes_are_shown_whole_and_alone(channels: int) -> None:
    env = make(channels=channels)
    env.reset(options={"index": np.arange(5)})
    images = env.source.split("train").images
    places = env._dynamics.sprites[:, 0][:, [s.TOP, s.LEFT]]
    for canvas, image, (height, width), (top, left) in zip(env.canvases(), images, SIZES, places, strict=True):
        expected = np.zeros_like(canvas)
        expected[top : top + height, left : left + width] = image[:height, :width]
        np.testing.assert_array_equal(canvas, expected)
    assert bank_of(env.source, "train").table[-1, s.IMAGE_OFFSET] == channels * SIZES[:-1].prod(axis=1).sum()


def test_a_text_is_that_of_its_image_closed_by_the_end() -> None:
    env = make()
    env.reset(options={"index": np.arange(5)})
    assert env.symbols == ("a", "b", "c", "end")
    assert env._dynamics.texts.tolist() == [
        [[0, 1, 2, END], [2, END, -1, -1]],
        [[1, END, -1, -1], [1, END, -1, -1]],  # the first again, where there is no second
        [[2, 2, END, -1], [0, 0, END, -1]],
        [[END, -1, -1, -1], [END, -1, -1, -1]],
        [[0, END, -1, -1], [0, 1, 1, END]],
    ]
    env.reset(seed=0)  # drawn by seed: the text of the image that is shown
    for lane in range(5):
        image = int(np.flatnonzero((env._dynamics.sprites[lane, 0][[s.HEIGHT, s.WIDTH]] == SIZES).all(axis=1))[0])
        text = [symbol for symbol in TEXTS[image, 0].tolist() if symbol != -1]
        assert [symbol for symbol in env.targets()[lane].tolist() if symbol != -1] == [*text, END]


@pytest.mark.parametrize(
    ("index", "said", "right"),
    [(0, [0, 1, 2, END], True), (0, [2, END], True), (0, [0, 1, END], False), (1, [END], False), (3, [END], True)],
)
def test_any_reference_is_right_and_silence_is_not(index: int, said: list[int], right: bool) -> None:
    env = GlimpseEnv(source(), scene="captioned", canvas=(20, 24), patch=4, budget=3, zooms=(1,))
    env.reset(options={"index": index})
    for k, symbol in enumerate(said):
        _, reward, terminated, _, info = env.step(np.array([0, 0, 1, symbol]))
        assert terminated == (k == len(said) - 1)
    assert (info["is_success"], reward) == (right, float(right))
    env.reset(options={"index": 1})
    for _ in range(3):
        _, reward, terminated, _, info = env.step(np.array([0, 0, 0, 0]))
    assert (terminated, info["is_success"], info["answer"]) == (True, False, [])


def test_what_is_seen_is_the_reference_and_lanes_are_single_environments() -> None:
    env = make(4, channels=3, clutter=3, fragment=6, num_threads=2)
    env.action_space.seed(0)
    observation, _ = env.reset(seed=3)
    for _ in range(30):
        for lane in range(4):
            assert_identical({name: value[lane] for name, value in observation.items()}, plain_observation(env, lane))
        observation = env.step(env.action_space.sample())[0]
    for lane in range(4):
        start = env.reset(seed=3)[0]
        single = GlimpseEnv(env.source, **{**env.task.rules(), "scene": "captioned"})
        assert_identical({name: value[lane] for name, value in start.items()}, single.reset(seed=3 + lane)[0])


def test_a_fragment_is_never_larger_than_its_image() -> None:
    env = make(200, clutter=4, fragment=12)
    env.reset(seed=0)
    fragments = env._dynamics.sprites[:, 1:].reshape(-1, s.SPRITE_COLUMNS)
    sizes = {tuple(size) for size in np.minimum(SIZES, 12).tolist()}
    assert {tuple(row) for row in fragments[:, [s.HEIGHT, s.WIDTH]].tolist()} == sizes


def test_copies_keep_sizes_and_texts() -> None:
    part = source().split("train")
    for copied in (pickle.loads(pickle.dumps(part)), copy.deepcopy(part)):
        for name, value in vars(part).items():
            np.testing.assert_array_equal(getattr(copied, name), value)
            assert not (isinstance(value, np.ndarray) and getattr(copied, name).flags.writeable)


@pytest.mark.parametrize(
    "sizes",
    [SIZES[:4], SIZES.astype(np.int32), np.where(SIZES == 1, 0, SIZES), np.where(SIZES == 16, 17, SIZES), SIZES.T],
)
def test_sizes_that_do_not_fit_are_refused(sizes: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"sizes must be int64 with shape \(5, 2\)"):
        ImageSet(np.ones((5, 12, 16), np.uint8), np.zeros(5, np.int64), TEXTS, sizes)


def test_texts_are_needed() -> None:
    with pytest.raises(ValueError, match="needs a text for each of the 10 images, the source brings 0"):
        GlimpseEnv((np.ones((12, 8, 8), np.uint8), np.zeros(12, np.int64)), scene="captioned", patch=4)
