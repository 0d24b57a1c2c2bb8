"""Printed words: their scenes piece by piece, what is drawn how often, and letters that are what they say."""

from __future__ import annotations

import builtins
import copy
import importlib.util
import pickle
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from glimpse_env import GlimpseEnv, GlimpseVectorEnv
from glimpse_env import state as s
from glimpse_env.registration import TASKS
from glimpse_env.scenes.words import LOOSEST, TIGHTEST
from glimpse_env.sources import SPLITS, Source, load
from glimpse_env.sources.fonts import FONTS, HEIGHTS, margin
from glimpse_env.sources.images import ImageSet
from glimpse_env.sources.lexicon import LONGEST, WORDS, encode, words_of
from glimpse_env.testing import noise_images

KEYWORDS = TASKS["Words-v0"][1]
END = 26


def make(lanes: int, **keywords: Any) -> GlimpseVectorEnv:
    env = GlimpseVectorEnv(lanes, **{**KEYWORDS, "split": "validation", **keywords})
    env.reset(seed=0)
    return env


def letters(env: GlimpseVectorEnv) -> list[list[int]]:
    """The word of every lane."""
    return [[symbol for symbol in text if symbol not in (-1, END)] for text in env.targets().tolist()]


@pytest.fixture(scope="module")
def images() -> ImageSet:
    return load("words").split("validation")


@pytest.mark.parametrize("keywords", [{}, {"canvas": (60, 200), "clutter": 12, "fragment": 8, "strings": 0.5}])
def test_a_scene_is_the_sum_of_its_letters_and_fragments(keywords: dict[str, Any], images: ImageSet) -> None:
    env = make(200, **keywords)
    height, width = env.task.canvas  # type: ignore[misc]
    starts = np.cumsum(images.sizes.prod(axis=1)) - images.sizes.prod(axis=1)  # type: ignore[union-attr]
    reaches = []
    for lane, (word, canvas) in enumerate(zip(letters(env), env.canvases(), strict=True)):
        sprites = env._dynamics.sprites[lane]
        total = np.zeros((height, width), int)
        for sprite in sprites[sprites[:, s.HEIGHT] > 0]:
            image = int(np.searchsorted(starts, sprite[s.OFFSET], "right")) - 1
            row, column = divmod(sprite[s.OFFSET] - starts[image], sprite[s.ROW])
            tall, wide, top, left = sprite[[s.HEIGHT, s.WIDTH, s.TOP, s.LEFT]]
            piece = images.images[image][row : row + tall, column : column + wide]
            total[top : top + tall, left : left + wide] += piece
        np.testing.assert_array_equal(canvas, total.clip(max=255))
        spelt = sprites[: len(word)]
        numbers = np.searchsorted(starts, spelt[:, s.OFFSET], "right") - 1
        assert images.labels[numbers].tolist() == spelt[:, s.CLASS].tolist() == word
        assert len(set(numbers // (len(images) // images.styles))) == 1
        assert np.ptp(spelt[:, s.TOP]) <= 2
        assert (sprites[len(word) : KEYWORDS["count"][1], s.HEIGHT] == 0).all()
        pitches = spelt[:-1, s.WIDTH] - 2 * margin(spelt[0, s.HEIGHT])
        gaps = np.diff(spelt[:, s.LEFT]) - pitches
        assert len(set(gaps)) <= 1
        assert (gaps <= LOOSEST).all()
        assert spelt[:, s.TOP].min() >= 0
        assert (spelt[:, s.TOP] + spelt[:, s.HEIGHT]).max() <= height
        assert spelt[0, s.LEFT] >= 0
        reaches.append(int(spelt[-1, s.LEFT] + spelt[-1, s.WIDTH]))
        assert reaches[-1] <= width
    fragments = env._dynamics.sprites[:, KEYWORDS["count"][1] :]
    assert fragments.shape[1] == env.task.clutter
    assert fragments[:, :, [s.HEIGHT, s.WIDTH]].max() == env.task.fragment
    assert max(reaches) > 0.9 * width


def test_the_longest_words_fit() -> None:
    env = make(3000, count=(LONGEST, LONGEST), strings=1, clutter=0)
    row = env._dynamics.sprites
    assert row[:, :, s.LEFT].min() >= 0
    assert (row[:, :, s.LEFT] + row[:, :, s.WIDTH]).max() <= 100
    gaps = np.diff(row[:, :, s.LEFT], axis=1) - row[:, :-1, s.WIDTH] + 2 * (row[:, :-1, s.HEIGHT] // 5)
    assert gaps.min() >= TIGHTEST - 2  # a few are set tighter
    assert env.symbols[-1] == "z"  # words of one length have no end


def test_words_are_those_of_the_split_evenly() -> None:
    env = make(6_000, strings=0)
    words = encode(words_of("validation"))[:, 0]
    drawn = np.pad(env.targets(), ((0, 0), (0, 1)), constant_values=-1)
    drawn[drawn == END] = -1
    index = {tuple(word): k for k, word in enumerate(words.tolist())}
    counts = np.bincount([index[tuple(row)] for row in drawn[:, :LONGEST].tolist()], minlength=len(words))
    assert counts.min() > 0
    expected, freedom = 6_000 / len(words), len(words) - 1
    limit = freedom * (1 - 2 / (9 * freedom) + 4.3 * np.sqrt(2 / (9 * freedom))) ** 3
    assert ((counts - expected) ** 2 / expected).sum() < limit


def test_a_share_of_the_scenes_shows_random_letters() -> None:
    known = {tuple(word[word != -1].tolist()) for word in encode(words_of("validation"))[:, 0]}
    env = make(6_000, strings=0.25)
    share = np.mean([tuple(word) not in known for word in letters(env)])
    assert abs(share - 0.25) < 0.03
    strings = letters(make(6_000, strings=1, count=(2, 5)))
    assert np.bincount([len(word) for word in strings], minlength=6)[2:].min() > 1350
    used = np.bincount(np.concatenate(strings))
    assert used.size == 26
    assert used.min() > 0.85 * used.mean()


def test_frozen_scenes_go_through_the_lexicon() -> None:
    env = make(500, strings=0, split="test")
    env.reset(options={"index": np.arange(500)})
    words = words_of("test")
    said = ["".join(env.symbols[letter] for letter in word) for word in letters(env)]
    assert said == [words[i % len(words)] for i in range(500)]


def test_count_chooses_among_the_words() -> None:
    env = make(500, count=(2, 4), strings=0)
    assert {len(word) for word in letters(env)} == {2, 3, 4}
    assert env.targets().shape == (500, 5)
    assert env._dynamics.sprites.shape[1] == 4 + KEYWORDS["clutter"]


def test_no_word_and_no_letter_image_is_in_two_splits() -> None:
    source = load("words")
    assert set().union(*map(words_of, SPLITS)) == set(WORDS)
    assert sum(len(words_of(split)) for split in SPLITS) == len(WORDS) == len(set(WORDS)) > 3000
    pictures = {
        split: {image[:, :wide].tobytes() for image, (_, wide) in zip(part.images, part.sizes, strict=True)}  # type: ignore[arg-type]
        for split, part in ((split, source.split(split)) for split in SPLITS)
    }
    for one, other in combinations(SPLITS, 2):
        assert not set(words_of(one)) & set(words_of(other))
        assert not pictures[one] & pictures[other]
    for split in SPLITS:
        assert len(pictures[split]) == len(source.split(split))


def test_letters_can_be_read(images: ImageSet) -> None:
    """Each is nearest to a letter of its own name, cut to its ink, among those of another split in its font."""
    test = load("words").split("test")
    columns = max(images.images.shape[2], test.images.shape[2])

    def cut(part: ImageSet, font: int, height: int) -> np.ndarray:
        hands = part.styles // (len(FONTS) * len(HEIGHTS))
        first = (font * len(HEIGHTS) + height) * hands
        per = len(part) // part.styles
        found = []
        for image in part.images[first * per : (first + hands) * per]:
            ink = np.flatnonzero(image.max(axis=0) > 60)
            moved = np.zeros((image.shape[0], columns))
            moved[:, : ink[-1] + 1 - ink[0]] = image[:, ink[0] : ink[-1] + 1]
            found.append(moved / np.linalg.norm(moved))
        return np.array(found).reshape(hands * per, -1)

    right = []
    for font in range(len(FONTS)):
        for height in (2, 3, 4):
            nearest = (cut(test, font, height) @ cut(images, font, height).T).argmax(axis=1)
            right += [(nearest % 26) == np.tile(np.arange(26).repeat(2), 3)]
    assert np.mean(right) > 0.75  # chance is 0.04


def test_every_height_and_font_is_seen(images: ImageSet) -> None:
    assert images.styles == len(FONTS) * len(HEIGHTS) * 3
    assert sorted(set(images.sizes[:, 0].tolist())) == list(HEIGHTS)  # type: ignore[index]
    brightest = images.images.reshape(len(images), -1).max(axis=1)
    assert 60 < brightest.min() < 120
    assert 240 < brightest.max() <= 255


def test_drawn_twice_letters_are_the_same(images: ImageSet) -> None:
    from glimpse_env.sources.words import words

    again = words().split("validation")
    for name, array in vars(images).items():
        np.testing.assert_array_equal(getattr(again, name), array)


def test_copies_share_the_letters() -> None:
    env = make(2)
    assert len(pickle.dumps(env)) < 100_000
    for other in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        assert other._dynamics._bank is env._dynamics._bank
        np.testing.assert_array_equal(other.reset(seed=3)[0]["glimpse"], env.reset(seed=3)[0]["glimpse"])


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        (
            {"source": noise_images(size=(28, 28))},
            ValueError,
            "needs letters in several styles, in order; pass source=",
        ),
        ({"count": (13, 13), "strings": 0, "canvas": (32, 200)}, ValueError, "no word of the lexicon has 13 to 13"),
        ({"count": (1, 30)}, ValueError, "no room for 30 letters"),
        ({"canvas": (20, 100)}, ValueError, "canvas 20x100 is smaller than the images"),
        ({"strings": 1.5}, ValueError, r"strings=1.5 must lie in \[0, 1\]"),
        ({"strings": "all"}, TypeError, "strings='all' must be a real number"),
        ({"scene": "scattered", "strings": 0.5, "canvas": 200}, ValueError, "strings=0.5 has no meaning for scene="),
    ],
)
def test_what_does_not_fit_is_refused(keywords: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        GlimpseEnv(**{**KEYWORDS, "split": "validation", **keywords})


@pytest.mark.parametrize("missing", ["PIL", "matplotlib"])
def test_without_what_draws_letters_the_error_names_the_extra(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from glimpse_env.sources.words import words

    find, imported = importlib.util.find_spec, builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == missing:
            raise ImportError(f"No module named {missing!r}")
        return imported(name, *rest, **more)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == missing else find(name, *rest))
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r'pip install "glimpse_env\[words\]"'):
        GlimpseEnv(**{**KEYWORDS, "source": Source("words", words().classes, words().load)})


@pytest.mark.parametrize("word", ["", "thirteenchars", "Upper", "two words", "naïve"])
def test_a_lexicon_is_of_small_letters(word: str) -> None:
    with pytest.raises(ValueError, match="is no word of 1 to 12 letters"):
        encode(["fine", word])
