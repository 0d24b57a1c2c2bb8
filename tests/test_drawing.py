"""Hands that draw: what a stroke leaves, earns and shows, against plain numpy; the hidden image stays hidden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glimpse_env import GlimpseEnv, GlimpseVectorEnv
from glimpse_env.retina import reference, window_start
from glimpse_env.scenes.drawing import DOUBT, WHITE
from glimpse_env.sources.brushes import BRUSHES, SIDE
from glimpse_env.testing import assert_identical, noise_images

IMAGES = noise_images(size=(20, 17))
TASK: dict[str, Any] = {
    "source": IMAGES, "scene": "drawing", "patch": 6, "scales": (1, 2), "zooms": (1,), "budget": 5, "stopping": False,
    "reward": "running", "action_mode": "hybrid",
}  # fmt: skip
NAMES = list(BRUSHES)


def nats(image: np.ndarray, ink: np.ndarray) -> float:
    """Minus the log-likelihood of the binarised image under the ink."""
    chance = np.clip(ink / 255, DOUBT, 1 - DOUBT)
    return float(-np.where(image >= WHITE, np.log(chance), np.log(1 - chance)).sum())


def put(ink: np.ndarray, brush: str, gaze: np.ndarray) -> np.ndarray:
    """A canvas with one more stroke on it, clipped at 255."""
    height, width = ink.shape
    padded = np.pad(ink.astype(int), SIDE)
    top, left = (window_start(float(g), n, SIDE) + SIDE for g, n in zip(gaze, (height, width), strict=True))
    padded[top : top + SIDE, left : left + SIDE] += BRUSHES[brush]
    return padded.clip(max=255)[SIDE:-SIDE, SIDE:-SIDE]


def test_brushes() -> None:
    assert len(BRUSHES) == 18
    assert not BRUSHES["lift"].any()
    assert BRUSHES["dot"][SIDE // 2, SIDE // 2] == 255
    np.testing.assert_array_equal(BRUSHES["long 90"], BRUSHES["long 0"].T)
    np.testing.assert_array_equal(BRUSHES["long 135"], BRUSHES["long 45"][::-1])
    np.testing.assert_array_equal(BRUSHES["short 22"], BRUSHES["short 157"][::-1])
    rows = BRUSHES["long 0"].astype(int).sum(axis=1)
    assert rows.argmax() == SIDE // 2  # a level line
    for name, brush in BRUSHES.items():
        np.testing.assert_array_equal(brush, brush[::-1, ::-1])
        assert (brush[[0, -1]].max(), brush[:, [0, -1]].max()) == (0, 0), name  # all of it fits its box


@pytest.mark.parametrize("reward", ["running", "final"])
def test_strokes_earn_the_nats_they_take_off(reward: str) -> None:
    random = np.random.default_rng(0)
    env = GlimpseEnv(**{**TASK, "reward": reward})
    for index in range(5):
        observation, _ = env.reset(options={"index": index})
        image = env.canvas()
        ink = np.zeros(image.shape, int)
        blank = before = nats(image, ink)
        total, terminated, steps = 0.0, False, 0
        while not terminated:
            gaze, brush = random.uniform(-1, 1, 2), int(random.integers(len(NAMES)))
            ink = put(ink, NAMES[brush], gaze)
            observation, paid, terminated, _, info = env.step({"gaze": gaze, "symbol": brush})
            gain, before, steps = before - nats(image, ink), nats(image, ink), steps + 1
            if reward == "running":
                assert paid == pytest.approx(gain / blank, abs=1e-12)
            total += paid
            if not terminated:
                seen = np.concatenate(
                    [reference(part[..., None], *gaze, (1, 2), 6) for part in (image, ink.astype(np.uint8))]
                )
                np.testing.assert_array_equal(observation["glimpse"], seen)
        assert steps == 5
        assert total == pytest.approx(1 - before / blank)
        assert info == {
            "label": int(IMAGES[1][index]), "answer": -1, "is_success": total >= 0.5, "glimpses": 5,
        }  # fmt: skip
        np.testing.assert_array_equal(env.canvas(), image)  # what is hidden has no ink on it


def test_a_blank_canvas_by_hand() -> None:
    image = np.zeros((1, 20, 20), np.uint8)
    image[0, 4, 3:12] = 255
    env = GlimpseEnv(**{**TASK, "source": {"train": (image, np.array([0]))}, "budget": 1})
    env.reset(seed=0)
    # A line of nine white pixels, and a brush as long: its middle at row 4, column 7.
    gaze = 2 * np.array([4, 7]) / 19 - 1
    _, paid, terminated, *_ = env.step({"gaze": gaze, "symbol": NAMES.index("long 0")})
    assert terminated
    blank = -9 * np.log(DOUBT) - 391 * np.log(1 - DOUBT)
    assert 0.3 < paid < 1
    assert paid == pytest.approx(1 - nats(image[0], put(image[0] * 0, "long 0", gaze)) / blank)


def test_flat_actions_look_or_draw_where_they_look() -> None:
    env = GlimpseEnv(**{**TASK, "action_mode": "flat", "grid": 4})
    env.reset(seed=0)
    image = env.canvas()
    looked, paid, *_ = env.step(5)
    assert paid == 0
    assert not looked["glimpse"][2:].any()
    drawn, paid, *_ = env.step(4 * 4 + NAMES.index("dot"))
    gaze = looked["gaze"][:2].astype(float)
    ink = put(np.zeros(image.shape, int), "dot", gaze)
    blank = nats(image, ink * 0)
    assert paid == pytest.approx((blank - nats(image, ink)) / blank)
    assert drawn["glimpse"][2:].any()
    np.testing.assert_array_equal(drawn["gaze"], looked["gaze"])
    assert env.action_masks().all()


@pytest.mark.parametrize("mode", ["grid", "flat", "box", "hybrid"])
def test_lane_i_is_the_single_environment_of_seed_plus_i(mode: str) -> None:
    task = {**TASK, "action_mode": mode}
    vector = GlimpseVectorEnv(5, **task, autoreset_mode="SameStep")
    vector.action_space.seed(1)
    start = vector.reset(seed=5)[0]
    actions = [vector.action_space.sample() for _ in range(60)]
    moves = [vector.step(action) for action in actions]
    for lane in range(5):
        env = GlimpseEnv(**task)
        assert_identical({name: value[lane] for name, value in start.items()}, env.reset(seed=5 + lane)[0])
        for action, (seen, paid, terminated, _, info) in zip(actions, moves, strict=True):
            mine = {name: part[lane] for name, part in action.items()} if mode == "hybrid" else action[lane]
            observation, *result, last = env.step(mine)
            assert result == [paid[lane], terminated[lane], False]
            if terminated[lane]:
                assert_identical(info["final_obs"][lane], observation)
                assert {name: info["final_info"][name][lane] for name in last} == last
                observation, _ = env.reset()
            assert_identical({name: value[lane] for name, value in seen.items()}, observation)


def test_what_the_eye_has_not_seen_changes_nothing_but_the_reward() -> None:
    """The likelihood is of the whole image, so the reward tells of it; the observation does not."""
    image = np.random.default_rng(0).integers(0, 256, (1, 40, 40), np.uint8)
    other = image.copy()
    other[0, 20:, 20:] = 255 - image[0, 20:, 20:]
    seen = []
    for scene in (image, other):
        env = GlimpseEnv(**{**TASK, "source": {"train": (scene, np.array([3]))}})
        env.reset(seed=0, options={"index": 0})
        seen.append([env.step({"gaze": np.array([-0.8, -0.8]), "symbol": k})[0] for k in (1, 4, 9)])
    assert_identical(*seen)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"stopping": True, "reward": "final"}, "stopping=True does not fit scene='drawing'"),
        ({"source": noise_images(channels=3)}, "scene='drawing' is drawn in grey"),
    ],
)
def test_what_does_not_fit_is_refused(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GlimpseEnv(**{**TASK, **keywords})
