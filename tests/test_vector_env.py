"""Many lanes in one call are many single environments, to the last bit."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from glimpse_env import GlimpseEnv, GlimpseVectorEnv
from glimpse_env.testing import assert_identical, noise_images, plain_observation

pytestmark = pytest.mark.usefixtures("eager_threads")

IMAGES = noise_images()
SMALL: dict[str, Any] = {"source": IMAGES, "canvas": 30, "clutter": 3, "patch": 6, "budget": 6, "glimpse_cost": 0.1}
FIXED: dict[str, Any] = {**SMALL, "stopping": False, "glimpse_cost": 0, "reward": "running", "scales": (1, 2)}
SUM: dict[str, Any] = {**FIXED, "scene": "sum", "count": (2, 2), "canvas": 60}
DRIFT: dict[str, Any] = {**FIXED, "scene": "drifting"}
CATCH: dict[str, Any] = {**FIXED, "source": "block", "scene": "catch", "clutter": 0, "reward": "final"}
MODES = list(AutoresetMode)


def act(env: gym.vector.VectorEnv) -> Any:
    """Random actions; in a stopping task with grid actions half of them speak, so that lanes end at different times."""
    return env.action_space.sample()


def unroll(env: GlimpseVectorEnv, steps: int) -> list[Any]:
    return [env.step(act(env)) for _ in range(steps)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "task", [SMALL, FIXED, {**SMALL, "action_mode": "flat"}, {**SMALL, "action_mode": "hybrid"}, SUM, DRIFT, CATCH]
)
def test_it_equals_gymnasiums_own_vector_of_single_environments(task: dict[str, Any], mode: AutoresetMode) -> None:
    lanes = 8
    native = GlimpseVectorEnv(lanes, **task, autoreset_mode=mode)
    sync = SyncVectorEnv([lambda: GlimpseEnv(**task)] * lanes, autoreset_mode=mode)
    assert native.observation_space == sync.observation_space
    assert native.action_space == sync.action_space
    assert native.metadata["autoreset_mode"] == sync.metadata["autoreset_mode"]
    assert_identical(native.reset(seed=11), sync.reset(seed=11))
    native.action_space.seed(1)
    ends = np.zeros(lanes, int)
    together = 0
    for _ in range(400):
        actions = act(native)
        moved = native.step(actions)
        assert_identical(moved, sync.step(actions))
        ends += moved[2]
        together += bool(moved[2].all())
        if mode is AutoresetMode.DISABLED and moved[2].any():
            again = [env.reset(options={"reset_mask": moved[2].copy()}) for env in (native, sync)]
            assert_identical(*again)
    assert ends.min() > 30
    assert together < 5 or not task.get("stopping", True)


def test_lane_i_is_the_single_environment_of_seed_plus_i() -> None:
    lanes, seed, steps = 37, 2**40, 200
    vector = GlimpseVectorEnv(lanes, **SMALL, autoreset_mode="SameStep")
    vector.action_space.seed(1)
    start = vector.reset(seed=seed)[0]
    actions = [act(vector) for _ in range(steps)]
    moves = [vector.step(action) for action in actions]
    for lane in range(lanes):
        env = GlimpseEnv(**SMALL)
        assert_identical({name: value[lane] for name, value in start.items()}, env.reset(seed=seed + lane)[0])
        for action, (seen, reward, terminated, truncated, info) in zip(actions, moves, strict=True):
            observation, *result, last = env.step(action[lane])
            assert result == [reward[lane], terminated[lane], truncated[lane]]
            if terminated[lane]:
                assert_identical(info["final_obs"][lane], observation)
                assert {name: info["final_info"][name][lane] for name in last} == last
                observation, _ = env.reset()
            assert_identical({name: value[lane] for name, value in seen.items()}, observation)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("threads", [2, 3, 16])
def test_threads_change_nothing(threads: int, mode: AutoresetMode) -> None:
    one = GlimpseVectorEnv(16, **SMALL, autoreset_mode=mode)
    many = GlimpseVectorEnv(16, **SMALL, autoreset_mode=mode, num_threads=threads)
    for env in (one, many):
        env.action_space.seed(1)
    assert_identical(one.reset(seed=3), many.reset(seed=3))
    for _ in range(100):
        moved, twin = one.step(act(one)), many.step(act(many))
        assert_identical(moved, twin)
        if mode is AutoresetMode.DISABLED and moved[2].any():
            assert_identical(*(env.reset(options={"reset_mask": moved[2].copy()}) for env in (one, many)))
    np.testing.assert_array_equal(one.canvases(), many.canvases())


def test_every_lane_sees_the_plain_observation() -> None:
    env = GlimpseVectorEnv(5, **{**SMALL, "source": noise_images(channels=3)})
    env.action_space.seed(0)
    observation, _ = env.reset(seed=0)
    for _ in range(40):
        for lane in range(5):
            assert_identical({name: value[lane] for name, value in observation.items()}, plain_observation(env, lane))
        assert env.observation_space.contains(observation)
        observation = env.step(act(env))[0]


def test_observations_are_fresh() -> None:
    env = GlimpseVectorEnv(4, **SMALL, autoreset_mode="SameStep")
    twin = copy.deepcopy(env)
    for value in env.reset(seed=0)[0].values():
        value[:] = 9
    twin.reset(seed=0)
    answers = np.array([[0, 0, 0, 1, 0]] * 4)
    new = env.step(answers)
    assert_identical(new, twin.step(answers))
    kept = copy.deepcopy(new)
    env.step(answers)
    env.reset()
    assert_identical(new, kept)


def test_transition_is_step_without_info() -> None:
    env, twin = GlimpseVectorEnv(4, **SMALL), GlimpseVectorEnv(4, **SMALL)
    env.action_space.seed(0)
    env.reset(seed=0)
    twin.reset(seed=0)
    for _ in range(30):
        actions = act(env)
        observation, reward, terminated, _, info = env.step(actions)
        moved = twin.transition(actions)
        assert_identical((observation, reward, terminated), (moved.observation, moved.reward, moved.terminated))
        if terminated.any():
            assert_identical(info["label"], moved.outcome[0])


def test_targets_answers_and_canvases_are_those_of_the_single_environments() -> None:
    env = GlimpseVectorEnv(4, **SMALL)
    env.reset(options={"index": np.arange(4)})
    labels = env.source.split("train").labels
    np.testing.assert_array_equal(env.targets(), labels[:4])
    assert env.answers().tolist() == [-1] * 4
    env.step(np.array([[0, 0, 0, 1, 7], [0, 0, 0, 0, 7], [0, 0, 0, 1, 2], [0, 0, 0, 0, 2]]))
    assert env.answers().tolist() == [7, -1, 2, -1]
    for lane in range(4):
        single = GlimpseEnv(**SMALL)
        single.reset(options={"index": lane})
        np.testing.assert_array_equal(env.canvases()[lane], single.canvas())


def test_colour_canvases_and_pictures() -> None:
    colour = GlimpseVectorEnv(2, **{**SMALL, "source": noise_images(channels=3)}, render_mode="rgb_array")
    grey = GlimpseVectorEnv(2, **SMALL, render_mode="rgb_array")
    for env, shape in ((colour, (2, 30, 30, 3)), (grey, (2, 30, 30))):
        env.reset(seed=0)
        assert env.canvases().shape == shape
        pictures = env.render()
        assert pictures is not None
        assert [picture.shape for picture in pictures] == [(30, 30, 3)] * 2
    assert GlimpseVectorEnv(2, **SMALL).render() is None


def test_masks_go_lane_by_lane() -> None:
    env = GlimpseVectorEnv(2, **{**SMALL, "budget": 2, "glimpse_cost": 0}, grid=1, zooms=(1,), action_mode="flat")
    env.reset(seed=0)
    assert env.action_masks().tolist() == [[True] * 11] * 2
    env.step(np.array([0, 0]))
    env.reset(options={"reset_mask": np.array([True, False])})
    assert env.action_masks().tolist() == [[True] * 11, [False] + [True] * 10]


# Seeds, indices, masks.


def test_a_reset_mask_leaves_the_other_lanes_in_peace() -> None:
    env, twin = GlimpseVectorEnv(3, **SMALL), GlimpseVectorEnv(3, **SMALL)
    for one in (env, twin):
        one.reset(seed=0)
        one.step(np.array([[1, 2, 0, 0, 0]] * 3))
    before = {name: value[[0, 2]] for name, value in env.step(np.array([[3, 3, 0, 0, 0]] * 3))[0].items()}
    twin.step(np.array([[3, 3, 0, 0, 0]] * 3))
    after = env.reset(options={"reset_mask": np.array([False, True, False])})[0]
    assert_identical({name: value[[0, 2]] for name, value in after.items()}, before)
    assert after["budget"][1] == np.float32(5 / 6)
    look = np.array([[5, 5, 1, 0, 0]] * 3)
    mine, theirs = env.step(look)[0], twin.step(look)[0]
    for name, value in mine.items():
        np.testing.assert_array_equal(value[[0, 2]], theirs[name][[0, 2]])
    single = GlimpseEnv(**SMALL)
    single.reset(seed=1)
    assert_identical({name: value[1] for name, value in after.items()}, single.reset()[0])


def test_a_list_of_seeds_and_none_for_going_on() -> None:
    env = GlimpseVectorEnv(3, **SMALL)
    env.reset(seed=[5, 6, 7])
    observation, _ = env.reset(seed=[8, None, np.int64(7)])
    for lane, (seed, episode) in enumerate([(8, 0), (6, 1), (7, 0)]):
        single = GlimpseEnv(**SMALL)
        expected = [single.reset(seed=seed)[0], single.reset()[0]][episode]
        assert_identical({name: value[lane] for name, value in observation.items()}, expected)
    assert_identical(env.reset(seed=np.array([1, 2, 3])), GlimpseVectorEnv(3, **SMALL).reset(seed=1))


def test_lanes_that_are_given_no_seed_differ() -> None:
    for seed in (None, [None, None, None]):
        scenes = set()
        for _ in range(3):
            env = GlimpseVectorEnv(3, **SMALL)
            env.reset(seed=seed)  # type: ignore[arg-type]
            scenes |= {canvas.tobytes() for canvas in env.canvases()}  # of two first looks both may be black
        assert len(scenes) == 9


def test_seeds_of_lanes_that_are_not_reset_are_not_used() -> None:
    env, twin = GlimpseVectorEnv(2, **SMALL), GlimpseVectorEnv(2, **SMALL)
    env.reset(seed=0)
    twin.reset(seed=0)
    env.reset(seed=50, options={"reset_mask": np.array([True, False])})
    assert_identical(env.reset()[0]["glimpse"][1], twin.reset()[0]["glimpse"][1])


def test_indices_give_the_same_scenes_in_any_lane_and_leave_the_series_alone() -> None:
    env, single = GlimpseVectorEnv(3, **SMALL), GlimpseEnv(**SMALL)
    for seed in (0, 99):
        observation, _ = env.reset(seed=seed, options={"index": [9, 4, 9]})
        for lane, index in enumerate([9, 4, 9]):
            expected, _ = single.reset(options={"index": index})
            assert_identical({name: value[lane] for name, value in observation.items()}, expected)
    assert_identical(env.reset(), GlimpseVectorEnv(3, **SMALL).reset(seed=99))
    everywhere, _ = env.reset(options={"index": 4})
    assert len({look.tobytes() for look in everywhere["glimpse"]}) == 1


def test_an_index_is_for_the_chosen_lanes_only() -> None:
    env, twin = GlimpseVectorEnv(2, **SMALL), GlimpseVectorEnv(2, **SMALL)
    env.reset(seed=0)
    twin.reset(seed=0)
    env.reset(options={"index": [3, 4], "reset_mask": np.array([False, True])})
    assert env.targets()[1] == env.source.split("train").labels[4]
    assert_identical(env.reset()[0]["glimpse"][0], twin.reset()[0]["glimpse"][0])


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"seed": [1, 2]}, ValueError, "seed has 2 entries, but there are 3 lanes"),
        ({"seed": [1, 2, -3]}, ValueError, "seed of lane 2=-3 must be at least 0"),
        ({"seed": [1, 2.5, 3]}, TypeError, "seed of lane 1=2.5 must be a whole number"),
        ({"seed": 1.5}, TypeError, "seed=1.5 must be a whole number, a sequence"),
        ({"seed": -1}, gym.error.Error, "greater or equal to zero"),
        ({"options": {"index": [0, 1]}}, ValueError, r"or have shape \(3,\), got shape \(2,\)"),
        ({"options": {"index": [0, -1, 2]}}, ValueError, "at least 0, got -1"),
        ({"options": {"index": [0.0, 1.0, 2.0]}}, TypeError, "whole numbers"),
        ({"options": {"mask": 1}}, ValueError, "known is 'index', and in vector environments 'reset_mask'"),
        ({"options": {"reset_mask": [True, False, True]}}, TypeError, "must be a boolean array"),
        ({"options": {"reset_mask": np.array([1, 0, 1])}}, TypeError, "must be a boolean array"),
        ({"options": {"reset_mask": np.array([True, False])}}, ValueError, r"must have shape \(3,\), got \(2,\)"),
        ({"options": {"reset_mask": np.zeros(3, bool)}}, ValueError, "chooses no lane; set at least one True"),
    ],
)
def test_a_bad_reset_is_refused(arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    env, twin = GlimpseVectorEnv(3, **SMALL), GlimpseVectorEnv(3, **SMALL)
    env.reset(seed=0)
    twin.reset(seed=0)
    with pytest.raises(error, match=says):
        env.reset(**arguments)
    look = np.array([[3, 3, 0, 0, 0]] * 3)
    assert_identical(env.step(look), twin.step(look))
    assert_identical(env.reset(), twin.reset())


def test_the_callers_options_are_left_as_they_were() -> None:
    options = {"reset_mask": np.ones(3, bool), "index": 1}
    GlimpseVectorEnv(3, **SMALL).reset(seed=0, options=options)
    assert set(options) == {"reset_mask", "index"}


def test_the_first_reset_is_for_all_lanes() -> None:
    env = GlimpseVectorEnv(3, **SMALL)
    with pytest.raises(ValueError, match=r"lanes \[1, 2\] have never been reset"):
        env.reset(seed=0, options={"reset_mask": np.array([True, False, False])})


# Steps.


def test_stepping_what_does_not_run_is_refused() -> None:
    env = GlimpseVectorEnv(3, **SMALL, autoreset_mode="Disabled")
    look = np.zeros((3, 5), int)
    with pytest.raises(RuntimeError, match=r"lanes \[0, 1, 2\] have no running episode: call reset\(\)"):
        env.step(look)
    env.reset(seed=0)
    answer = look.copy()
    answer[1, 3] = 1
    env.step(answer)
    with pytest.raises(RuntimeError, match=r"lanes \[1\] have no running episode: .*reset_mask"):
        env.step(look)
    env.reset(options={"reset_mask": np.array([False, True, False])})
    env.step(look)


@pytest.mark.parametrize("mode", MODES)
def test_a_refused_action_moves_no_lane(mode: AutoresetMode) -> None:
    env = GlimpseVectorEnv(3, **SMALL, autoreset_mode=mode, action_mode="box")
    twin = copy.deepcopy(env)
    env.reset(seed=0)
    twin.reset(seed=0)
    bad = np.full((3, 5), 0.9)
    bad[2, 4] = np.nan
    for _ in range(2):
        with pytest.raises(ValueError, match="symbol=nan of lane 2"):
            env.step(bad)
    good = np.full((3, 5), -0.9)
    assert_identical(env.step(good), twin.step(good))


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_copy_in_mid_episode_goes_on_alike(copier: Any, mode: str) -> None:
    env = GlimpseVectorEnv(6, **SMALL, autoreset_mode=mode, num_threads=2)
    env.action_space.seed(0)
    env.reset(seed=0)
    unroll(env, 3)
    twin = copier(env)
    assert_identical(unroll(env, 40), unroll(twin, 40))


def _unroll_in_child(results: Any) -> None:
    env = GlimpseVectorEnv(4, **SMALL, num_threads=2)
    env.action_space.seed(0)
    env.reset(seed=0)
    results.put(unroll(env, 3)[-1][0]["glimpse"])


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_starts_threads_of_its_own() -> None:
    env = GlimpseVectorEnv(4, **SMALL, num_threads=2)
    env.action_space.seed(0)
    env.reset(seed=0)
    expected = unroll(env, 3)[-1][0]["glimpse"]
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    child = fork.Process(target=_unroll_in_child, args=(results,), daemon=True)
    child.start()
    try:
        assert_identical(results.get(timeout=60), expected)
    finally:
        child.kill()
        child.join()


def test_boxes_tell_where_the_image_and_the_clutter_lie() -> None:
    env = GlimpseVectorEnv(50, **{**SMALL, "clutter": 0, "canvas": (30, 40)})
    env.reset(seed=0)
    assert env.canvas_size == (30, 40)
    boxes = env.boxes()
    assert boxes.shape == (50, 1, 4)
    for canvas, (top, left, height, width) in zip(env.canvases(), boxes[:, 0], strict=True):
        assert (height, width) == IMAGES[0].shape[1:]
        assert canvas[top : top + height, left : left + width].sum() == canvas.sum() > 0
    boxes[:] = 0  # a copy
    assert env.boxes().any()
    assert GlimpseVectorEnv(2, **SMALL).boxes().shape == (2, 4, 4)
