"""What must hold for every id, whatever its scenes: a lane is an environment, and only what was looked at is seen."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from glimpse_env import TASKS, GlimpseEnv, GlimpseVectorEnv
from glimpse_env.testing import assert_identical, plain_observation, quick_source

LANES = 3


def make_vector(name: str, lanes: int = LANES, **keywords: Any) -> GlimpseVectorEnv:
    env = gym.make_vec(name, lanes, source=quick_source(name), **keywords)
    assert isinstance(env, GlimpseVectorEnv)
    return env


def make_single(name: str, **keywords: Any) -> GlimpseEnv:
    env = gym.make(name, source=quick_source(name), **keywords).unwrapped
    assert isinstance(env, GlimpseEnv)
    return env


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("name", TASKS)
def test_lane_i_is_the_single_environment_of_seed_plus_i(name: str) -> None:
    vector = make_vector(name, autoreset_mode="SameStep", num_threads=2)
    vector.action_space.seed(0)
    start = vector.reset(seed=7)[0]
    actions = [vector.action_space.sample() for _ in range(40)]
    moves = [vector.step(action) for action in actions]
    for lane in range(LANES):
        env = make_single(name)
        assert_identical({part: value[lane] for part, value in start.items()}, env.reset(seed=7 + lane)[0])
        for action, (seen, paid, terminated, _, info) in zip(actions, moves, strict=True):
            observation, *result, last = env.step(action[lane])
            assert result == [paid[lane], terminated[lane], False]
            if terminated[lane]:
                assert_identical(info["final_obs"][lane], observation)
                assert info["final_info"]["is_success"][lane] == last["is_success"]
                observation, _ = env.reset()
            assert_identical({part: value[lane] for part, value in seen.items()}, observation)


@pytest.mark.parametrize("mode", ["hybrid", "flat"])
@pytest.mark.parametrize("name", TASKS)
def test_observations_are_made_of_the_windows_looked_at_and_of_nothing_else(name: str, mode: str) -> None:
    """The reference pads, crops and averages the canvas, and knows no target."""
    env = make_vector(name, action_mode=mode)
    env.action_space.seed(0)
    observation, info = env.reset(seed=1)
    ended = np.zeros(LANES, bool)
    for _ in range(30):
        assert ("label" in info) == ended.any()
        for lane in range(LANES):
            assert_identical({part: value[lane] for part, value in observation.items()}, plain_observation(env, lane))
        observation, _, ended, _, info = env.step(env.action_space.sample())


@pytest.mark.parametrize("name", TASKS)
def test_the_target_is_told_by_the_reward_and_the_last_info_alone(name: str) -> None:
    """With every target changed, what is seen stays the same, and so do the rewards of silence."""
    heard = []
    for changed in (False, True):
        env = make_vector(name, action_mode="hybrid")
        env.action_space.seed(0)
        moments: list[Any] = [env.reset(seed=2)]
        if changed:
            env._dynamics.texts[:] = np.where(env._dynamics.texts == 1, 0, 1)
        for _ in range(env.task.budget - 1):
            action = env.action_space.sample()
            if "speak" in action:
                action["speak"][:] = 0
            moments.append(env.step(action))
            if moments[-1][2].any():  # the end, which tells
                del moments[-1]
                break
        heard.append([[moment[0], *([moment[1]] if "speak" in action else []), moment[-1]] for moment in moments])
    assert_identical(*heard)
