"""The single environment as Gymnasium, Stable-Baselines3 and a careful reader meet it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from glimpse_env import TASKS, GlimpseEnv
from glimpse_env.sources import Source
from glimpse_env.testing import assert_identical, noise_images, plain_observation, quick_source

IMAGES = noise_images()
SMALL: dict[str, Any] = {"source": IMAGES, "canvas": 30, "clutter": 3, "patch": 6}
MODES = ("grid", "flat", "box", "hybrid")


def unroll(env: GlimpseEnv, steps: int) -> list[Any]:
    """What an environment gives under its action space's own samples, resetting without a seed at each end."""
    seen = []
    for _ in range(steps):
        seen.append(env.step(env.action_space.sample()))
        if seen[-1][2]:
            seen.append(env.reset())
    return seen


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", TASKS)
def test_gymnasium_finds_no_fault(name: str, mode: str) -> None:
    env = gym.make(name, action_mode=mode, source=quick_source(name))
    check_env(env.unwrapped, skip_render_check=True)


@pytest.mark.parametrize("name", TASKS)
def test_gymnasium_finds_no_fault_in_the_pictures(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gym.make(name, render_mode="rgb_array", source=quick_source(name))
    check_env(env.unwrapped)


# It takes every array of three axes for a picture, and its convolutions need more pixels than a glimpse has; as float32
# its default extractor flattens it.
@pytest.mark.filterwarnings("ignore:It seems that your observation (space )?glimpse is an image")
@pytest.mark.filterwarnings("ignore:The minimal resolution for an image is 36x36")
@pytest.mark.parametrize("mode", ["grid", "flat", "box"])
@pytest.mark.parametrize("name", TASKS)
def test_stable_baselines_finds_no_fault(name: str, mode: str) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    env = gym.make(name, action_mode=mode, source=quick_source(name))
    checker.check_env(env, warn=True, skip_render_check=True)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("retina", [{}, {"scales": (1, 2, 4), "zooms": (2,)}, {"patch": 5, "zooms": (1, 3)}])
def test_every_observation_is_the_plain_one(mode: str, channels: int, retina: dict[str, Any]) -> None:
    images = noise_images(channels=channels)
    env = GlimpseEnv(**{**SMALL, "source": images, "canvas": (30, 41), "action_mode": mode, **retina})
    env.action_space.seed(1)
    observation, _ = env.reset(seed=1)
    for _ in range(60):
        assert_identical(observation, plain_observation(env))
        assert env.observation_space.contains(observation)
        observation, _, terminated, _, _ = env.step(env.action_space.sample())
        if terminated:
            assert_identical(observation, plain_observation(env))
            observation, _ = env.reset()


def test_the_observation_says_where_and_how_wide_and_what_is_left() -> None:
    env = GlimpseEnv(**SMALL, zooms=(1, 2, 4), budget=4, action_mode="hybrid")
    observation, _ = env.reset(seed=3)
    assert observation["gaze"][2] == 1  # the first glimpse is the widest
    assert observation["budget"].tolist() == [0.75]
    gaze = np.array([0.3, -0.7], np.float32)
    for zoom, shown, left in ((0, -1, 0.5), (1, 0, 0.25), (2, 1, 0)):
        observation, *_ = env.step({"gaze": gaze, "zoom": zoom, "speak": 0, "symbol": 0})
        assert observation["gaze"].tolist() == [gaze[0], gaze[1], shown]
        assert observation["budget"].tolist() == [left]


def test_a_single_zoom_is_shown_as_zero() -> None:
    observation, _ = GlimpseEnv(**SMALL, zooms=(2,)).reset(seed=0)
    assert observation["gaze"][2] == 0


def test_the_first_gaze_is_uniform_over_the_scene() -> None:
    env = GlimpseEnv(**SMALL)
    env.reset(seed=0)
    gazes = np.array([env.reset()[0]["gaze"][:2] for _ in range(4000)])
    counts = np.histogram2d(gazes[:, 0], gazes[:, 1], 5, [[-1, 1], [-1, 1]])[0]
    assert counts.sum() == 4000
    assert ((counts - 160) ** 2 / 160).sum() < 51.2  # once in 1000 with 24 degrees of freedom


def test_a_box_gaze_past_the_border_is_taken_to_it() -> None:
    env = GlimpseEnv(**SMALL, action_mode="box", zooms=(1,))
    env.reset(seed=0)
    observation, *_ = env.step(np.array([-5, 5, -1, 0], np.float32))
    assert observation["gaze"].tolist() == [-1, 1, 0]
    assert_identical(observation, plain_observation(env))


def test_plain_python_numbers_leave_a_single_environment() -> None:
    env = GlimpseEnv(**SMALL, budget=1)
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step(np.array([0, 0, 0, 1, 0]))
    assert type(reward) is float
    assert type(terminated) is bool
    assert type(truncated) is bool
    assert {name: type(value) for name, value in info.items()} == {
        "label": int,
        "answer": int,
        "is_success": bool,
        "glimpses": int,
    }


def test_observations_are_fresh() -> None:
    env, twin = GlimpseEnv(**SMALL), GlimpseEnv(**SMALL)
    look, elsewhere = np.array([1, 2, 0, 0, 0]), np.array([8, 8, 1, 0, 0])
    twin.reset(seed=0)
    for value in env.reset(seed=0)[0].values():
        value[:] = 9
    new = env.step(look)
    assert_identical(new, twin.step(look))  # what was spoilt has no effect on what comes
    kept = copy.deepcopy(new)
    env.step(elsewhere)
    env.reset()
    assert_identical(new, kept)  # and what comes none on what was


def test_a_seed_is_a_series_of_scenes() -> None:
    env, twin = GlimpseEnv(**SMALL), GlimpseEnv(**SMALL)
    series = [env.reset(seed=5), *(env.reset() for _ in range(5))]
    again = [twin.reset(seed=5), *(twin.reset() for _ in range(5))]
    for one, other in zip(series, again, strict=True):
        assert_identical(one, other)
    looks = {observation["glimpse"].tobytes() for observation, _ in series}
    assert len(looks) == 6
    assert env.reset(seed=6)[0]["glimpse"].tobytes() not in looks
    assert_identical(env.reset(seed=5), series[0])


def test_the_series_does_not_depend_on_what_the_agent_does() -> None:
    env, twin = GlimpseEnv(**SMALL), GlimpseEnv(**SMALL)
    env.reset(seed=5)
    env.action_space.seed(0)
    env.step(env.action_space.sample())
    twin.reset(seed=5)
    assert_identical(env.reset(), twin.reset())


def test_without_a_seed_the_first_scene_is_by_chance() -> None:
    assert len({GlimpseEnv(**SMALL).reset()[0]["glimpse"].tobytes() for _ in range(5)}) == 5


def test_seeds_of_any_size() -> None:
    env = GlimpseEnv(**SMALL)
    big, _ = env.reset(seed=2**64 + 3)
    assert_identical(big, env.reset(seed=3)[0])
    assert big["glimpse"].tobytes() != env.reset(seed=2**63)[0]["glimpse"].tobytes()


def test_an_index_is_the_same_scene_for_any_seed_and_does_not_disturb_the_series() -> None:
    env, twin = GlimpseEnv(**SMALL), GlimpseEnv(**SMALL)
    fourth = env.reset(seed=1, options={"index": 4})
    canvas = env.canvas()
    assert_identical(fourth, twin.reset(seed=2, options={"index": 4}))
    np.testing.assert_array_equal(canvas, twin.canvas())
    plain = GlimpseEnv(**SMALL)
    assert_identical(env.reset(), plain.reset(seed=1))
    env.reset(options={"index": np.int64(7)})
    assert_identical(env.reset(), plain.reset())
    assert fourth[0]["glimpse"].tobytes() != env.reset(options={"index": 5})[0]["glimpse"].tobytes()


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_scene_i_of_a_split_shows_image_i(split: str) -> None:
    env = GlimpseEnv(noise_images(100), split=split, budget=1)
    images = env.source.split(split)  # type: ignore[arg-type]
    assert len(images) == {"train": 80, "validation": 10, "test": 10}[split]
    for i in range(len(images)):
        env.reset(options={"index": i})
        np.testing.assert_array_equal(env.canvas(), images.images[i])
        assert env.step(env.action_space.sample())[4]["label"] == images.labels[i]
    env.reset(options={"index": len(images) + 1})  # indices begin again past the end
    np.testing.assert_array_equal(env.canvas(), images.images[1])


def test_test_scene_i_shows_test_image_i_of_mnist(mnist: Source) -> None:
    env = gym.make("TranslatedMNIST-v0", split="test", fallback=None, budget=1).unwrapped
    assert isinstance(env, GlimpseEnv)
    images = mnist.split("test")
    for i in (0, 1, 4999, 9999):
        env.reset(options={"index": i})
        rows, columns = np.nonzero(env.canvas())
        inked = np.nonzero(images.images[i])
        np.testing.assert_array_equal(env.canvas()[rows, columns], images.images[i][inked])
        assert env.step(env.action_space.sample())[4]["label"] == images.labels[i]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"index": -1}, ValueError, "must be at least 0, got -1"),
        ({"index": 1.0}, TypeError, "must be whole numbers, got 1.0"),
        ({"index": True}, TypeError, "must be whole numbers, got True"),
        ({"index": None}, TypeError, "must be whole numbers, got None"),
        ({"index": [1, 2]}, ValueError, r"must be one number or have shape \(1,\), got shape \(2,\)"),
        ({"index": np.uint64(2**64 - 1)}, ValueError, "must be at least 0"),
        ({"scene": 1}, ValueError, r"unknown reset options \['scene'\]; known is 'index'"),
    ],
)
def test_bad_reset_options_are_refused(options: dict[str, Any], error: type[Exception], says: str) -> None:
    env = GlimpseEnv(**SMALL)
    env.reset(seed=0)
    with pytest.raises(error, match=says):
        env.reset(options=options)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(gym.error.Error, match="greater or equal to zero"):
        GlimpseEnv(**SMALL).reset(seed=-1)


def test_stepping_without_a_running_episode_is_refused() -> None:
    env = GlimpseEnv(**SMALL, budget=1)
    action = np.array([0, 0, 0, 1, 0])
    with pytest.raises(RuntimeError, match=r"no running episode: call reset\(\)"):
        env.step(action)
    env.reset(seed=0)
    env.step(action)
    with pytest.raises(RuntimeError, match=r"no running episode: call reset\(\)"):
        env.step(action)


@pytest.mark.parametrize("mode", MODES)
def test_a_refused_action_changes_nothing(mode: str) -> None:
    bad = {
        "grid": np.array([8, 8, 2, 1, 10]),
        "flat": 99_999,
        "box": np.array([1, 1, 1, 1, np.nan]),
        "hybrid": {"gaze": np.array([0.5, np.inf]), "zoom": 1, "speak": 1, "symbol": 1},
    }[mode]
    env, twin = GlimpseEnv(**SMALL, action_mode=mode), GlimpseEnv(**SMALL, action_mode=mode)
    for one in (env, twin):
        one.action_space.seed(0)
        one.reset(seed=0)
    with pytest.raises(ValueError, match="lane 0"):
        env.step(bad)
    assert_identical(unroll(env, 20), unroll(twin, 20))


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_in_mid_episode_goes_on_alike(copier: Any) -> None:
    env = GlimpseEnv(**SMALL, budget=5)
    env.action_space.seed(0)
    env.reset(seed=0)
    env.step(np.array([1, 2, 0, 0, 0]))
    twin = copier(env)
    assert twin is not env
    mine = unroll(env, 50)  # first this one, so that shared state would show
    assert_identical(mine, unroll(twin, 50))


def test_a_deepcopy_shares_the_images_and_nothing_else() -> None:
    env = GlimpseEnv(**SMALL)
    twin = copy.deepcopy(env)
    assert twin.source is env.source
    assert twin.task.source is env.source
    assert twin._dynamics._bank is env._dynamics._bank
    assert not np.shares_memory(twin._dynamics.counts, env._dynamics.counts)


def test_a_pickle_of_a_named_source_holds_no_images(mnist: Source) -> None:
    env = gym.make("CrowdedMNIST-v0")
    env.reset(seed=0)
    data = pickle.dumps(env)
    assert len(data) < 100_000
    action = np.array([1, 2, 0, 0, 0])
    assert_identical(pickle.loads(data).step(action), env.step(action))


def test_another_wrapper_may_truncate() -> None:
    env = gym.make("CrowdedMNIST-v0", source=noise_images(size=(28, 28)), max_episode_steps=2)
    env.reset(seed=0)
    look = np.array([0, 0, 0, 0, 0])
    assert env.step(look)[2:4] == (False, False)
    assert env.step(look)[2:4] == (False, True)
