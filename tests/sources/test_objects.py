"""Objects to describe: what their words say is what their pixels show, and what is held out is never trained on."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from glimpse_env import GlimpseVectorEnv
from glimpse_env.sources import ImageSet, load
from glimpse_env.sources.images import SPLITS, Split
from glimpse_env.sources.objects import HELD_OUT, LIGHTS, NOUNS, SIZES, kinds

# Whoever changes it changes every scene of SceneCaption-v0.
FINGERPRINT = "9136a1c6e2af7861c6e23e7cc7276c372b3deb9654d8a8c5604459cf3ef2090e"


@pytest.fixture(scope="module")
def described() -> ImageSet:
    return load("objects").split("test")


def words(images: ImageSet) -> np.ndarray:
    assert images.texts is not None
    return np.array(load("objects").classes)[images.texts[:, 0]]


def test_same_bits_as_ever(described: ImageSet) -> None:
    assert hashlib.sha256(described.images.tobytes()).hexdigest() == FINGERPRINT


def test_words_are_what_the_pixels_show(described: ImageSet) -> None:
    assert described.sizes is not None
    size, light, noun = words(described).T
    assert (noun == np.array(NOUNS)[described.labels]).all()
    assert (described.sizes == np.where(size == "large", 28, 14)[:, None]).all()
    small = described.images[size == "small"]
    assert not small[:, 14:].any()
    assert not small[:, :, 14:].any()
    brightest = described.images.max(axis=(1, 2))
    assert (brightest[(size == "large") & (light == "bright")] == 255).all()
    assert (brightest[(size == "large") & (light == "dim")] == 127).all()
    assert brightest[(size == "small") & (light == "bright")].min() > 127
    assert brightest[light == "dim"].max() == 127


@pytest.mark.parametrize("split", SPLITS)
def test_every_kind_is_shown_as_often_as_any_other(split: Split) -> None:
    size, light, noun = words(load("objects").split(split)).T
    found, counts = np.unique(np.stack([size, light, noun], axis=1), axis=0, return_counts=True)
    expected = {(SIZES[a], LIGHTS[b], NOUNS[c]) for a, b, c in kinds(split)}
    assert set(map(tuple, found.tolist())) == expected
    assert len(set(counts.tolist())) == 1
    unseen = {kind for kind in expected if HELD_OUT.get(kind[2]) in kind}
    assert len(unseen) == (16 if split == "test" else 0)
    assert len(expected) == (56 if split == "test" else 40)
    assert {word for kind in expected for word in kind} == {*SIZES, *LIGHTS, *NOUNS}


def test_training_scenes_never_show_nor_say_what_is_held_out() -> None:
    for split, expected in (("train", False), ("test", True)):
        env = GlimpseVectorEnv(400, "objects", scene="described", count=(1, 4), canvas=96, split=split)
        env.reset(options={"index": np.arange(400)})
        told = {" ".join(env.symbols[word] for word in row if word >= 0) for text in env.references() for row in text}
        said = {noun for noun, attribute in HELD_OUT.items() if any(f"a {attribute} {noun}" in text for text in told)}
        assert said == (set(HELD_OUT) if expected else set())
        assert all(any(noun in text for text in told) for noun in HELD_OUT)
