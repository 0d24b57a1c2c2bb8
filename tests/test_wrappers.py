"""What the episode has seen so far, and the whole scene: the same for one lane and for many, however lanes end."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.utils.env_checker import check_env

from glimpse_env.env import GlimpseEnv
from glimpse_env.vector_env import GlimpseVectorEnv
from glimpse_env.wrappers import FullView, FullViewVector, GlimpseHistory, GlimpseHistoryVector, History

LANES, STEPS, SEED = 5, 60, 11
STOPPING: dict[str, Any] = {"canvas": 24, "clutter": 2, "fragment": 4, "patch": 6, "zooms": (1, 2), "budget": 4}
FIXED: dict[str, Any] = {"canvas": 24, "patch": 6, "scales": (1, 2), "zooms": (1,), "budget": 3, "stopping": False}


def noise(channels: int = 1) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    shape = (200, 12, 12) if channels == 1 else (200, 12, 12, channels)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8), np.arange(200) % 10


def random_actions(space: gym.Space[Any], steps: int) -> list[npt.NDArray[Any]]:
    space.seed(SEED)
    return [space.sample() for _ in range(steps)]


def assert_same(one: Any, other: Any) -> None:
    assert set(one) == set(other)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def by_hand(seen: list[dict[str, Any]], budget: int) -> dict[str, Any]:
    """The stacked observation of an episode that has given the observations `seen`, written naively."""
    channels, patch, _ = seen[0]["glimpse"].shape
    glimpse, gaze = np.zeros((budget, channels, patch, patch), np.float32), np.zeros((budget, 3), np.float32)
    for k, observation in enumerate(seen):
        glimpse[k], gaze[k] = observation["glimpse"], observation["gaze"]
    return {"glimpse": glimpse.reshape(-1, patch, patch), "gaze": gaze, "budget": seen[-1]["budget"]}


@pytest.mark.parametrize("task", [STOPPING, FIXED])
def test_history_holds_every_glimpse_of_the_episode_in_order(task: dict[str, Any]) -> None:
    plain, stacked = GlimpseEnv(noise(), **task), GlimpseHistory(GlimpseEnv(noise(), **task))
    plain.action_space.seed(SEED)
    lengths = set()
    for episode in range(40):
        seed = SEED if episode == 0 else None
        seen = [plain.reset(seed=seed)[0]]
        assert_same(stacked.reset(seed=seed)[0], by_hand(seen, task["budget"]))
        terminated = False
        while not terminated:
            action = plain.action_space.sample()
            observation, _, terminated, _, _ = plain.step(action)
            after = stacked.step(action)[0]
            if terminated:  # the last step takes no glimpse
                assert_same(after, by_hand(seen, task["budget"]))
            else:
                seen.append(observation)
                assert_same(after, by_hand(seen, task["budget"]))
        lengths.add(len(seen))
    assert lengths == ({1, 2, 3, 4} if task is STOPPING else {3})


@pytest.mark.parametrize("task", [STOPPING, FIXED])
@pytest.mark.parametrize("wrapper", [(GlimpseHistory, GlimpseHistoryVector), (FullView, FullViewVector)])
@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_lane_equals_single_environment(task: dict[str, Any], wrapper: tuple[Any, Any], mode: str) -> None:
    single, vector = wrapper
    env = vector(GlimpseVectorEnv(LANES, noise(), autoreset_mode=mode, **task))
    lanes = [single(GlimpseEnv(noise(), **task)) for _ in range(LANES)]
    observation, _ = env.reset(seed=SEED)
    for lane, one in enumerate(lanes):
        assert_same({name: value[lane] for name, value in observation.items()}, one.reset(seed=SEED + lane)[0])
    assert observation in env.observation_space
    finished = np.zeros(LANES, np.bool_)
    ended = 0
    for actions in random_actions(env.action_space, STEPS):
        observation, _, terminated, _, info = env.step(actions)
        for lane, one in enumerate(lanes):
            if finished[lane]:  # next-step autoreset
                expected, _ = one.reset()
            else:
                expected, _, done, _, _ = one.step(actions[lane])
                assert done == terminated[lane]
                if done and mode == "SameStep":
                    assert info["_final_obs"][lane]
                    assert_same(info["final_obs"][lane], expected)
                    expected, _ = one.reset()
            assert_same({name: value[lane] for name, value in observation.items()}, expected)
        ended += int(terminated.sum())
        finished = terminated & (mode == "NextStep")
        if mode == "Disabled" and terminated.any():
            observation, _ = env.reset(options={"reset_mask": terminated})
            for lane, one in enumerate(lanes):
                if terminated[lane]:
                    expected, _ = one.reset()
                    assert_same({name: value[lane] for name, value in observation.items()}, expected)
    assert ended > 2 * LANES


@pytest.mark.parametrize("wrapper", [GlimpseHistoryVector, FullViewVector])
def test_what_a_wrapper_returned_is_the_callers_own(wrapper: Any) -> None:
    spoiled, clean = (wrapper(GlimpseVectorEnv(LANES, noise(), autoreset_mode="SameStep", **FIXED)) for _ in range(2))
    observation, _ = spoiled.reset(seed=SEED)
    clean.reset(seed=SEED)
    for actions in random_actions(clean.action_space, FIXED["budget"]):
        for value in observation.values():
            value[:] = 0.5
        expected, _, _, _, clean_info = clean.step(actions)
        observation, _, _, _, info = spoiled.step(actions)
        assert_same(observation, expected)
    for lane in range(LANES):
        assert_same(info["final_obs"][lane], clean_info["final_obs"][lane])


def test_history_of_a_lane_alone() -> None:
    history = History(3, 2)
    glimpse, gaze = np.ones((3, 1, 2, 2), np.float32), np.ones((3, 3), np.float32)
    half, spent = np.full((3, 1), 0.5, np.float32), np.zeros((3, 1), np.float32)
    history.add({"glimpse": glimpse, "gaze": gaze, "budget": half})
    one = history.add({"glimpse": glimpse[:1] * 0.25, "gaze": gaze[:1], "budget": spent[:1]}, np.array([1]))
    assert one["glimpse"][0, :, 0, 0].tolist() == [1.0, 0.25]
    everything = history.add({"glimpse": glimpse, "gaze": gaze, "budget": half})
    assert everything["glimpse"][1, :, 0, 0].tolist() == [1.0, 0.0], "a first glimpse empties the lane"


@pytest.mark.parametrize("channels", [1, 3])
def test_full_view_is_the_hidden_scene(channels: int) -> None:
    env = FullView(GlimpseEnv(noise(channels), **STOPPING))
    observation, _ = env.reset(seed=SEED)
    canvas = env.unwrapped.canvas().reshape(24, 24, channels)  # type: ignore[attr-defined]
    assert observation["canvas"].shape == (channels, 24, 24)
    np.testing.assert_array_equal(np.rint(observation["canvas"] * 255).astype(np.uint8), np.moveaxis(canvas, 2, 0))
    assert observation["canvas"].max() > 0.9
    assert set(observation) == {"canvas", "gaze", "budget"}


@pytest.mark.filterwarnings("ignore:.*different from the unwrapped version", "ignore:.*no spec")
@pytest.mark.parametrize("wrapper", [GlimpseHistory, FullView])
def test_wrapped_environment_keeps_gymnasiums_contract(wrapper: Any) -> None:
    check_env(wrapper(GlimpseEnv(noise(), **STOPPING)), skip_render_check=True)


@pytest.mark.parametrize("wrapper", [GlimpseHistory, FullView])
def test_only_glimpse_environments_can_be_wrapped(wrapper: Any) -> None:
    with pytest.raises(TypeError, match="GlimpseEnv inside, got CartPole"):
        wrapper(gym.make("CartPole-v1"))
