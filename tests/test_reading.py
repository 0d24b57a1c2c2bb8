"""Texts, spoken symbol by symbol: every way an episode can go on, end and pay, by hand; and their scenes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glimpse_env import GlimpseEnv, GlimpseVectorEnv, evaluate, replay
from glimpse_env import state as s
from glimpse_env.evaluation import edit_distance
from glimpse_env.sources import Source
from glimpse_env.testing import assert_identical, noise_images, plain_observation

IMAGES = noise_images()  # 14x14, ten classes
PAIR: dict[str, Any] = {"source": IMAGES, "scene": "scattered", "count": (2, 2), "canvas": 60, "patch": 6, "budget": 3}
LINE: dict[str, Any] = {"source": IMAGES, "scene": "line", "count": (1, 4), "canvas": 60, "patch": 6, "budget": 3}
END = 10
SILENT = None


def play(symbols: list[int | None], **keywords: Any) -> tuple[list[float], dict[str, Any], list[int]]:
    """Say these symbols, None for nothing, until the end; rewards, the last info and the glimpses taken so far."""
    env = GlimpseEnv(**{**PAIR, "zooms": (1,), "reward": "share", **keywords})
    observation, info = env.reset(seed=0, options={"index": 0})
    rewards, glimpses = [], []
    for k, symbol in enumerate(symbols):
        assert info == {}
        action = np.array([0, 0, int(symbol is not None), symbol or 0])
        observation, reward, terminated, _, info = env.step(action)
        rewards.append(reward)
        glimpses.append(round(env.task.budget * (1 - float(observation["budget"][0]))))
        assert terminated == (k == len(symbols) - 1)
    return rewards, info, glimpses


def pair() -> tuple[int, int]:
    env = GlimpseEnv(**PAIR)
    env.reset(options={"index": 0})
    left, right = env._dynamics.texts[0, 0].tolist()
    return left, right


LEFT, RIGHT = pair()
WRONG = next(k for k in range(10) if k not in (LEFT, RIGHT))


@pytest.mark.parametrize(
    ("reward", "symbols", "rewards"),
    [
        ("share", [LEFT, RIGHT], [0.25, 0.75]),  # half for the two symbols, half for both
        ("share", [LEFT, WRONG], [0.25, 0]),
        ("share", [WRONG, RIGHT], [0, 0.25]),
        ("share", [SILENT, LEFT, SILENT, ], [0, 0.25, 0]),
        ("share", [SILENT, LEFT, RIGHT], [0, 0.25, 0.75]),
        ("prefix", [LEFT, RIGHT], [0.5, 0.5]),
        ("prefix", [LEFT, WRONG], [0.5, 0]),
        ("prefix", [WRONG, RIGHT], [0, 0]),  # the first wrong symbol ends the reward
        ("final", [LEFT, RIGHT], [0, 1]),
        ("final", [WRONG, RIGHT], [0, 0]),
        ("final", [RIGHT, LEFT], [0, 0]),  # from left to right
        ("share", [SILENT, SILENT, LEFT, RIGHT], [0, 0, 0.25, 0.75]),  # with the budget spent a text goes on
        ("share", [SILENT, SILENT, SILENT], [0, 0, 0]),  # and silence is the end
    ],
)  # fmt: skip
def test_a_text_of_two(reward: str, symbols: list[int | None], rewards: list[float]) -> None:
    paid, info, glimpses = play(symbols, reward=reward)
    assert paid == rewards
    said = [symbol for symbol in symbols if symbol is not None]
    assert info == {
        "label": [LEFT, RIGHT], "answer": said, "is_success": said == [LEFT, RIGHT], "glimpses": glimpses[-1],
    }  # fmt: skip
    # The first glimpse, then one a step that is neither the last nor beyond the budget.
    assert glimpses == [min(2 + k, 3) for k in range(len(symbols) - 1)] + [min(len(symbols), 3)]


def test_glimpses_cost_the_whole_text_and_not_its_symbols() -> None:
    assert play([SILENT, LEFT, RIGHT], glimpse_cost=0.1)[0] == [0, 0.25, pytest.approx(0.25 + 0.5 * 0.8)]
    assert play([LEFT, WRONG], glimpse_cost=0.1)[0] == [0.25, 0]


def line_of(length: int) -> tuple[int, list[int]]:
    """A frozen scene of so many images, and its text."""
    env = GlimpseVectorEnv(50, **LINE)
    env.reset(options={"index": np.arange(50)})
    lengths = (env.targets() != s.SILENT).sum(axis=1) - 1
    index = int(np.flatnonzero(lengths == length)[0])
    return index, env.targets()[index][: length + 1].tolist()


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_line_is_closed_by_the_end(length: int) -> None:
    index, text = line_of(length)
    assert text[-1] == END
    env = GlimpseEnv(**LINE, reward="share")
    for said, pays in ((text, 1.0), ([END], 0.0), ([*text[:-1], text[0], END], None)):
        env.reset(options={"index": index})
        total, terminated, spoken = 0.0, False, 0
        while not terminated:
            _, reward, terminated, _, info = env.step(np.array([4, 4, 0, 1, said[spoken]]))
            total, spoken = total + reward, spoken + 1
        if pays is None:  # one symbol too many: each of the others is right, the last one there is room for is not
            assert total == pytest.approx(0.5 * length / (length + 1))
            assert info["answer"] == said[:5]
        else:
            assert (total, info["answer"], info["label"]) == (pytest.approx(pays), said, text)
            assert info["is_success"] == (said == text)


def test_the_observation_tells_what_was_said_last_and_how_much() -> None:
    env = GlimpseVectorEnv(6, **LINE)
    env.action_space.seed(0)
    observation, _ = env.reset(seed=1)
    for _ in range(60):
        for lane in range(6):
            assert_identical({name: value[lane] for name, value in observation.items()}, plain_observation(env, lane))
        assert env.observation_space.contains(observation)
        observation = env.step(env.action_space.sample())[0]
    env.reset()
    said = env.step(np.array([[0, 0, 0, 1, 3]] * 6))[0]["spoken"]
    assert said.tolist() == [[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, np.float32(1 / 5)]] * 6


def test_without_stopping_every_step_speaks() -> None:
    env = GlimpseEnv(**PAIR, stopping=False, reward="prefix")
    assert env.action_space.nvec.tolist() == [9, 9, 3, 10]  # type: ignore[attr-defined]
    env.reset(options={"index": 0})
    assert [env.step(np.array([0, 0, 0, symbol]))[1:3] for symbol in (LEFT, RIGHT)] == [(0.5, False), (0.5, True)]


def test_flat_actions_look_or_speak() -> None:
    env = GlimpseEnv(**PAIR, action_mode="flat", grid=2, reward="prefix")
    env.reset(options={"index": 0})
    looks = 2 * 2 * 3
    assert env.action_masks().all()
    assert [env.step(action)[1] for action in (0, looks + LEFT, 0)] == [0, 0.5, 0]
    assert env.action_masks().tolist() == [False] * looks + [True] * 10
    assert env._dynamics.counts[0, s.PHASE] == s.FINISHED


@pytest.mark.parametrize("reward", ["share", "prefix", "final"])
@pytest.mark.parametrize("task", [PAIR, LINE])
def test_lane_i_is_the_single_environment_of_seed_plus_i(task: dict[str, Any], reward: str) -> None:
    vector = GlimpseVectorEnv(7, **task, reward=reward, autoreset_mode="SameStep")
    vector.action_space.seed(1)
    start = vector.reset(seed=5)[0]
    actions = [vector.action_space.sample() for _ in range(150)]
    moves = [vector.step(action) for action in actions]
    for lane in range(7):
        env = GlimpseEnv(**task, reward=reward)
        assert_identical({name: value[lane] for name, value in start.items()}, env.reset(seed=5 + lane)[0])
        for action, (seen, paid, terminated, _, info) in zip(actions, moves, strict=True):
            observation, *result, last = env.step(action[lane])
            assert result == [paid[lane], terminated[lane], False]
            if terminated[lane]:
                assert_identical(info["final_obs"][lane], observation)
                for name in ("label", "answer"):
                    assert [k for k in info["final_info"][name][lane].tolist() if k != -1] == last[name]
                assert info["final_info"]["is_success"][lane] == last["is_success"]
                observation, _ = env.reset()
            assert_identical({name: value[lane] for name, value in seen.items()}, observation)


@pytest.mark.parametrize("scene", ["scattered", "line"])
def test_texts_are_the_labels_from_left_to_right(scene: str) -> None:
    images, labels = noise_images(100, (14, 14))
    env = GlimpseVectorEnv(200, **{**LINE, "source": {"train": (images, labels)}, "scene": scene, "count": (1, 3)})
    env.reset(seed=0)
    texts, shown = env.targets(), []
    for lane, sprites in enumerate(env._dynamics.sprites):
        there = sprites[sprites[:, s.HEIGHT] > 0]
        there = there[np.argsort(there[:, s.LEFT], kind="stable")]
        numbers = there[:, s.OFFSET] // 14**2
        assert texts[lane].tolist() == [*labels[numbers], END, *[-1] * (3 - len(numbers))]
        shown.append(len(numbers))
        canvas = np.zeros((60, 60), int)
        for number, (top, left) in zip(numbers, there[:, [s.TOP, s.LEFT]], strict=True):
            canvas[top : top + 14, left : left + 14] += images[number]
        np.testing.assert_array_equal(env.canvases()[lane], canvas.clip(max=255))
        if scene == "scattered":
            gaps = np.abs(there[:, None, [s.TOP, s.LEFT]] - there[None, :, [s.TOP, s.LEFT]]).max(axis=2)
            assert (gaps[~np.eye(len(there), dtype=bool)] >= 14).all()
        else:
            assert len(set(there[:, s.TOP])) == 1
            assert len(set(np.diff(there[:, s.LEFT]))) <= 1
            assert (np.diff(there[:, s.LEFT]) >= 14 - 5).all()
    assert np.bincount(shown)[1:].min() > 40


def test_sums_are_one_symbol() -> None:
    env = GlimpseVectorEnv(300, **{**PAIR, "scene": "sum", "stopping": False})
    env.reset(seed=0)
    assert env.symbols == tuple(map(str, range(19)))
    assert env.targets().tolist() == env._dynamics.sprites[:, :2, s.CLASS].sum(axis=1).tolist()
    assert len(set(env.targets().tolist())) > 12


def test_one_image_of_a_frozen_scene_is_that_of_its_number() -> None:
    images, labels = noise_images(100, (14, 14))
    env = GlimpseVectorEnv(100, **{**PAIR, "source": {"train": (images, labels)}})
    env.reset(options={"index": np.arange(100)})
    shown = env._dynamics.sprites[:, :2, s.OFFSET] // 14**2
    assert (shown == np.arange(100)[:, None]).any(axis=1).all()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"reward": "running", "stopping": False}, "'running' does not fit scene='scattered'"),
        ({"scene": "crowded", "reward": "share", "count": (1, 1)}, "'share' does not fit scene='crowded'"),
        ({"scene": "crowded"}, r"count=\(2, 2\) has no meaning for scene='crowded'"),
        ({"count": (3, 2)}, r"count=\(3, 2\) must ascend"),
        ({"count": (0, 2)}, "each of count=0 must be at least 1"),
        ({"scene": "row"}, "scene='row' is unknown; choose one of 'crowded', 'scattered'"),
        ({"scene": "line", "count": (1, 9)}, r"no room for a line of 9 images 14 wide; pass canvas=\(14, 86\)"),
        ({"count": (9, 9)}, "no room for 9 scattered images"),
        ({"reward": "prefix", "glimpse_cost": 0.1}, "no meaning with reward='prefix'"),
    ],
)
def test_what_does_not_fit_is_refused(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GlimpseEnv(**{**PAIR, **keywords})


@pytest.mark.parametrize(
    ("said", "text", "edits"),
    [("", "", 0), ("12", "12", 0), ("12", "", 2), ("", "12", 2), ("12", "21", 2), ("132", "12", 1), ("5123", "123", 1)],
)
def test_edit_distance(said: str, text: str, edits: int) -> None:
    assert edit_distance([*map(int, said)], [*map(int, text)]) == edits


class Reader:
    """Says the text of every scene, but the first `wrong` lanes leave out its first symbol."""

    def __init__(self, wrong: int) -> None:
        self.wrong = wrong

    def peek(self, env: GlimpseVectorEnv) -> None:
        self.texts = env.targets()
        self.texts[: self.wrong] = np.roll(self.texts[: self.wrong], -1, axis=1)
        self.step = 0

    def act(self, observation: dict[str, np.ndarray]) -> np.ndarray:
        symbol = self.texts[:, min(self.step // 2, self.texts.shape[1] - 1)]
        action = np.zeros((len(symbol), 4), np.int64)
        action[:, 2], action[:, 3] = self.step % 2, symbol.clip(0)
        self.step += 1
        return action


def test_a_reader_is_scored_and_its_log_replayed(mnist: Source) -> None:
    score = evaluate(Reader(wrong=5), "MNISTSequence-v0", scenes=40)
    assert score.accuracy == 35 / 40
    env = GlimpseVectorEnv(40, "mnist", scene="line", count=(1, 5), canvas=100, split="test")
    env.reset(options={"index": np.arange(40)})
    symbols = ((env.targets() != -1).sum() - 40).item()
    assert score.symbol_error_rate == 5 / symbols
    assert score.glimpses_per_symbol == pytest.approx(score.mean_glimpses * 40 / symbols)
    assert vars(replay(score.log)) | {"log": None} == vars(score) | {"log": None}
