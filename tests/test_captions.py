"""Scenes to be described: what is said is what lies there, in every way the grammar knows, and the reward says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glimpse_env import GlimpseEnv, GlimpseVectorEnv, evaluate, replay
from glimpse_env import state as s
from glimpse_env.evaluation import make_frozen
from glimpse_env.scenes.captions import GRAMMAR
from glimpse_env.sentences import score
from glimpse_env.sources import ImageSet, Source
from glimpse_env.testing import assert_identical, noise_images

IMAGES = noise_images()
BARE: dict[str, Any] = {"source": IMAGES, "scene": "described", "count": (1, 4), "canvas": 60, "patch": 6}
NAMES = ("ball", "cube", "red", "blue", "old", "new")


def phrased(words: int) -> Source:
    """Sixty images whose phrases have so many words: a noun, after a colour, after an age."""
    images, labels = noise_images(classes=2)
    texts = np.stack([4 + labels[::-1] % 2, 2 + np.arange(60) // 2 % 2, labels], axis=1)[:, None, 3 - words :]
    return Source("phrased", NAMES, lambda split: ImageSet(images, labels, texts))


def told(env: GlimpseVectorEnv, lane: int) -> list[str]:
    """The references of a lane as text."""
    rows = env.references()[lane]
    assert all(env.symbols[row[row >= 0][-1]] == "end" for row in rows)
    return [" ".join(env.symbols[word] for word in row[row >= 0][:-1]) for row in rows]


def retold(env: GlimpseVectorEnv, lane: int, phrases: list[list[str]]) -> list[str]:
    """The same from the boxes and the objects' words alone, after the grammar of the paper's page."""
    boxes = env.boxes()[lane][: len(phrases)].astype(float)
    middles = boxes[:, :2] + boxes[:, 2:] / 2

    def relation(one: int, other: int) -> str:
        down, across = middles[other] - middles[one]
        if abs(across) >= abs(down):
            return "left of" if across >= 0 else "right of"
        return "above" if down >= 0 else "below"

    def sentence(chosen: list[str], backwards: bool) -> str:
        clauses = []
        for k in range(0, len(chosen), 2):
            pair = list(range(k, min(k + 2, len(chosen))))[:: -1 if backwards else 1]
            middle = f" {relation(*pair)} " if len(pair) == 2 else ""
            clauses.append(middle.join(f"a {chosen[j]}" for j in pair))
        return " and ".join(clauses)

    attributes = len(phrases[0]) - 1
    chosen = [[f"{phrase[j]} {phrase[-1]}" for phrase in phrases] for j in range(attributes)]
    if attributes == 0:
        chosen = [[phrase[0] for phrase in phrases]]
    if attributes > 1:
        chosen.append([" ".join(phrase) for phrase in phrases] if len(phrases) <= 2 else chosen[0])
    return [sentence(words, backwards) for words in chosen for backwards in (False, True)]


@pytest.mark.parametrize("words", [1, 2, 3])
def test_references_tell_what_lies_where(words: int) -> None:
    env = GlimpseVectorEnv(300, **{**BARE, "source": phrased(words)})
    assert env.symbols == (*GRAMMAR, *NAMES, "end")
    env.reset(seed=0)
    texts = env.source.split("train").texts
    assert texts is not None
    met = set()
    for lane, sprites in enumerate(env._dynamics.sprites):
        shown = (sprites[sprites[:, s.HEIGHT] > 0, s.OFFSET] // 14**2).tolist()
        expected = retold(env, lane, [[NAMES[word] for word in texts[image, 0]] for image in shown])
        assert told(env, lane) == expected
        met.update({word for text in expected for word in text.split()} | {len(shown)})
    assert met == {1, 2, 3, 4, *GRAMMAR, *NAMES[: 2 * words]}
    assert (env.references() != s.SILENT).sum(axis=2).max() == env.references().shape[2]  # no longer than it must be


def test_without_phrases_objects_are_called_by_their_class() -> None:
    env = GlimpseVectorEnv(50, **BARE)
    env.reset(seed=0)
    for lane, sprites in enumerate(env._dynamics.sprites):
        there = sprites[sprites[:, s.HEIGHT] > 0]
        assert told(env, lane) == retold(env, lane, [[str(label)] for label in there[:, s.CLASS]])


def speak(env: GlimpseEnv, text: np.ndarray) -> tuple[list[float], dict[str, Any]]:
    rewards, info = [], {}
    for word in text[text >= 0]:
        _, reward, terminated, _, info = env.step(np.array([4, 4, 0, word]))
        rewards.append(reward)
    assert terminated
    return rewards, info


@pytest.mark.parametrize("reward", ["bleu", "cider"])
def test_a_sentence_is_paid_at_its_end(reward: str) -> None:
    keywords = {**BARE, "source": phrased(3), "stopping": False, "reward": reward, "budget": 18}
    env, lanes = GlimpseEnv(**keywords), GlimpseVectorEnv(20, **keywords)
    lanes.reset(options={"index": np.arange(20)})
    tables = lanes._dynamics._frequencies
    swapped = np.roll(lanes.references(), 1, axis=0)
    for lane, references in enumerate(lanes.references()):
        for text in (*references, swapped[lane, 0]):
            env.reset(options={"index": lane})
            rewards, info = speak(env, text)
            expected = score(references[None], text[None], len(lanes.symbols) - 1, tables)[0]
            assert rewards[:-1] == [0] * (len(rewards) - 1)
            assert rewards[-1] == expected[["bleu", "cider"].index(reward)]
            assert info["is_success"] == any((text == row).all() for row in references)
            assert not (reward == "bleu" and info["is_success"]) or rewards[-1] == 1


@pytest.mark.parametrize("reward", ["bleu", "cider"])
def test_lane_i_is_the_single_environment_of_seed_plus_i(reward: str) -> None:
    keywords = {**BARE, "source": phrased(3), "stopping": False, "reward": reward, "budget": 5}
    vector = GlimpseVectorEnv(5, **keywords, autoreset_mode="SameStep")
    vector.action_space.seed(1)
    seen = vector.reset(seed=3)[0]
    actions = [vector.action_space.sample() for _ in range(120)]
    moves = [vector.step(action) for action in actions]
    assert np.concatenate([move[1] for move in moves]).max() > 0
    for lane in range(5):
        env = GlimpseEnv(**keywords)
        assert_identical({name: value[lane] for name, value in seen.items()}, env.reset(seed=3 + lane)[0])
        for action, (seen_then, paid, terminated, _, _) in zip(actions, moves, strict=True):
            observation, *result = env.step(action[lane])
            assert result[:2] == [paid[lane], terminated[lane]]
            if terminated[lane]:
                observation, _ = env.reset()
            assert_identical({name: value[lane] for name, value in seen_then.items()}, observation)


def test_frequencies_are_those_of_the_training_scenes_whatever_the_split() -> None:
    images, labels = noise_images(classes=2)
    parts = {"train": (images, labels), "test": (images[:7], labels[:7])}
    of = [GlimpseVectorEnv(1, **{**BARE, "source": parts, "reward": "cider", "split": split}) for split in parts]
    assert of[0]._dynamics._frequencies[0, 0] == 60
    np.testing.assert_array_equal(*(env._dynamics._frequencies for env in of))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"scene": "crowded", "count": (1, 1), "reward": "bleu"}, "reward='bleu' does not fit scene='crowded'"),
        ({"reward": "cider", "glimpse_cost": 0.1}, "no meaning with reward='cider'"),
        ({"count": (1, 5), "canvas": 50}, "no room for 5 scattered images"),
    ],
)
def test_what_does_not_fit_is_refused(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GlimpseEnv(**{**BARE, **keywords})


def test_texts_that_are_no_phrases_are_refused() -> None:
    images, labels = noise_images(classes=2)
    for texts in (np.zeros((3, 1, 2), np.int64), np.full((60, 1, 2), -1)):
        source = Source("wrong", ("a", "b"), lambda split, texts=texts: ImageSet(images, labels, texts))
        with pytest.raises(ValueError, match="as many words for each of the 60 images"):
            GlimpseEnv(**{**BARE, "source": source})


class Teller:
    """Says reference 3 of every scene, but nothing of the first lanes."""

    def peek(self, env: GlimpseVectorEnv) -> None:
        self.texts, self.step = env.references()[:, 3], 0
        self.texts[:5] = len(env.symbols) - 1

    def act(self, observation: dict[str, np.ndarray]) -> np.ndarray:
        word = self.texts[:, min(self.step, self.texts.shape[1] - 1)].clip(0)
        self.step += 1
        return np.stack([word * 0, word * 0, word * 0, word], axis=1)


def test_a_teller_is_scored_and_its_log_replayed() -> None:
    score = evaluate(Teller(), "SceneCaption-v0", scenes=50, progress=False)
    assert (score.accuracy, score.mean_return) == (45 / 50, 45 / 50)
    assert replay(score.log).mean_return == score.mean_return


def test_errors_are_counted_against_the_nearest_reference() -> None:
    class Backwards(Teller):
        """Says the second reference, but of the last scene with another first word."""

        def peek(self, env: GlimpseVectorEnv) -> None:
            self.texts, self.step = env.references()[:, 1], 0
            self.texts[-1, 0] += 1

    env = make_frozen("SceneCaption-v0", 20, "test", count=(2, 2))
    env.reset(options={"index": np.arange(20)})
    first, second = (env.references()[:, k] for k in (0, 1))
    assert (first != second).any(axis=1).all()
    score = evaluate(Backwards(), "SceneCaption-v0", scenes=20, progress=False, count=(2, 2))
    assert score.accuracy == 19 / 20
    assert score.symbol_error_rate == 1 / ((second >= 0).sum() - 20)
