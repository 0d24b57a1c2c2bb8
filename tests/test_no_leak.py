"""The hidden image leaves through the retina alone: what was not seen changes nothing before the answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glimpse_env import GlimpseEnv, GlimpseVectorEnv
from glimpse_env.retina import window_start
from glimpse_env.testing import assert_identical, noise_images

SIDE = 40
LABELS = (3, 7)  # of the two scenes; nobody ever answers either before the end
RUNNING: dict[str, Any] = {"stopping": False, "reward": "running"}
READING: dict[str, Any] = {"scene": "scattered", "reward": "share"}


def make(image: np.ndarray, label: int, **keywords: Any) -> GlimpseEnv:
    """Scene 0 shows this image, as large as the canvas; other images are for training and never seen."""
    noise, labels = noise_images(size=(SIDE, SIDE))
    source = {"train": (noise, labels), "test": (image[None], np.array([label]))}
    return GlimpseEnv(source, split="test", **{"patch": 4, "zooms": (1, 2), "budget": 6, **keywords})


def seen_pixels(env: GlimpseEnv, observations: list[dict[str, np.ndarray]]) -> np.ndarray:
    """Which pixels of the scene lay in a window so far: bool, (SIDE, SIDE)."""
    seen = np.zeros((SIDE, SIDE), bool)
    for observation in observations:
        row, column, place = observation["gaze"].astype(float)
        zoom = env.task.zooms[round((place + 1) / 2 * (len(env.task.zooms) - 1))] if len(env.task.zooms) > 1 else 1
        width = env.task.patch * env.task.scales[-1] * zoom
        # A pixel more on each side, since the gaze is shown rounded to float32.
        top, left = window_start(row, SIDE, width) - 1, window_start(column, SIDE, width) - 1
        seen[max(top, 0) : top + width + 2, max(left, 0) : left + width + 2] = True
    return seen


def play(env: GlimpseEnv, seed: int, steps: int) -> list[Any]:
    """A reset and the steps until the answer, whose answers (in a fixed-glimpse task) are never right."""
    env.action_space.seed(seed)
    heard = [env.reset(seed=seed)]
    for _ in range(steps):
        if env.task.action_mode == "flat":
            action = np.int64(env.action_space.sample() % env._dynamics.actions.looks)
        else:
            action = env.action_space.sample()
            action["symbol"] = np.int64(0)
            if env.task.stopping:
                action["speak"] = np.int64(0)
        masks = env.action_masks() if env.task.action_mode == "flat" else None
        heard.append((*env.step(action), masks))
    return heard


@pytest.mark.parametrize(
    "keywords", [{}, {"glimpse_cost": 0.1}, {"stopping": False}, RUNNING, {"scales": (1, 2)}, READING]
)
@pytest.mark.parametrize("mode", ["flat", "hybrid"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_scenes_that_agree_where_the_agent_looked_are_the_same_to_it(
    keywords: dict[str, Any], mode: str, seed: int
) -> None:
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (SIDE, SIDE), np.uint8)
    env = make(image, LABELS[0], action_mode=mode, **keywords)
    steps = env.task.budget - 1
    heard = play(env, seed, steps)
    seen = seen_pixels(env, [moment[0] for moment in heard])
    other = np.where(seen, image, 255 - image)
    assert not seen.all()
    twin = make(other, LABELS[1], action_mode=mode, **keywords)
    assert_identical(heard, play(twin, seed, steps))
    assert (env.canvas() != twin.canvas()).any()
    assert all("label" not in moment[-2] for moment in heard[1:])


def test_the_two_scenes_differ_where_they_are_looked_at() -> None:
    """The test above could not fail if every scene looked alike."""
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    one, other = make(image, 3), make(255 - image, 7)
    looks = [env.reset(seed=0)[0]["glimpse"] for env in (one, other)]
    assert (looks[0] != looks[1]).any()


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
@pytest.mark.parametrize("stopping", [True, False])
def test_the_label_is_in_info_on_the_last_step_and_never_before(stopping: bool, mode: str) -> None:
    env = GlimpseVectorEnv(5, noise_images(), patch=4, budget=4, stopping=stopping, autoreset_mode=mode)
    env.action_space.seed(0)
    _, info = env.reset(seed=0)
    assert info == {}
    for _ in range(100):
        hidden = env.targets()
        _, _, terminated, _, info = env.step(env.action_space.sample())
        said = info.get("final_info", info)
        assert ("label" in said) == terminated.any()
        if terminated.any():
            assert said["label"].tolist() == np.where(terminated, hidden, 0).tolist()
            assert said["_label"].tolist() == terminated.tolist()
            if mode == "Disabled":
                env.reset(options={"reset_mask": terminated})


def test_what_an_environment_shows_has_no_trace_of_the_label() -> None:
    """Two sources with one picture and different labels: equal until the answer."""
    image = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE), np.uint8)
    for seed in range(5):
        heard = [play(make(image, label, action_mode="flat", clutter=2), seed, 5) for label in LABELS]
        assert_identical(*heard)
