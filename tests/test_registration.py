"""The ids: what each means is frozen, and Gymnasium makes them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import glimpse_env
from glimpse_env import TASKS, GlimpseEnv, GlimpseVectorEnv
from glimpse_env.task import Task
from glimpse_env.testing import noise_images, quick_source

# An id never changes: what may affect learning is a new version. Changing this table is the sign that it did.
FLAGSHIP = {
    "scene": "crowded",
    "count": (1, 1),
    "strings": 0.0,
    "canvas": 60,
    "clutter": 4,
    "fragment": 8,
    "patch": 12,
    "scales": (1,),
    "zooms": (1, 2, 4),
    "budget": 8,
    "stopping": True,
    "reward": "final",
    "glimpse_cost": 0.02,
    "action_mode": "grid",
    "grid": 9,
    "split": "train",
    "fallback": "digits",
}
RETINA = {**FLAGSHIP, "scales": (1, 2, 4), "zooms": (1,), "stopping": False, "glimpse_cost": 0.0}
SEVERAL = {**RETINA, "canvas": 100, "clutter": 0, "count": (2, 2)}
READING = {"stopping": True, "reward": "share"}
DRAWING = {"scene": "drawing", "budget": 16, "reward": "running", "grid": 14}
FROZEN: dict[str, dict[str, Any]] = {
    "Crowded{}-v0": FLAGSHIP,
    "Crowded{}Retina-v0": RETINA,
    "Crowded{}Retina100-v0": {**RETINA, "canvas": 100, "clutter": 8, "scales": (1, 2, 4, 8)},
    "Translated{}-v0": {**RETINA, "clutter": 0},
    "Centered{}-v0": {**RETINA, "canvas": 28, "clutter": 0, "patch": 8, "scales": (1,), "budget": 7},
    "{}Pairs-v0": {**SEVERAL, **READING, "scene": "scattered", "clutter": 8},
    "{}Addition-v0": {**SEVERAL, "scene": "sum"},
    "{}Sequence-v0": {**SEVERAL, **READING, "scene": "line", "count": (1, 5), "budget": 18},
    "Moving{}-v0": {**RETINA, "scene": "drifting"},
    "Draw{}-v0": {**RETINA, **DRAWING, "canvas": 28, "clutter": 0, "scales": (1, 2)},
}
WORDS = {
    **RETINA, **READING, "source": "words", "scene": "word", "count": (1, 12), "strings": 0.25, "canvas": (32, 100),
    "fragment": 6, "budget": 26,
}  # fmt: skip
CATCH = {**RETINA, "source": "block", "scene": "catch", "canvas": 24, "clutter": 0, "patch": 6, "budget": 23}
CAPTIONS = {
    **RETINA, "source": "objects", "scene": "described", "count": (1, 4), "canvas": 96, "clutter": 0, "scales": (1, 2),
    "zooms": (1, 2, 4), "budget": 18, "reward": "bleu",
}  # fmt: skip
OTHERS: dict[str, dict[str, Any]] = {"Words-v0": WORDS, "GlimpseCatch-v0": CATCH, "SceneCaption-v0": CAPTIONS}
IMAGES = noise_images(size=(28, 28))


@pytest.mark.parametrize(("name", "source"), [("MNIST", "mnist"), ("Digits", "digits")])
@pytest.mark.parametrize("pattern", FROZEN)
def test_what_an_id_means_is_frozen(pattern: str, name: str, source: str) -> None:
    task = Task.of(TASKS[pattern.format(name)][1])
    assert vars(task) == {**FROZEN[pattern], "source": source}


@pytest.mark.parametrize("name", OTHERS)
def test_what_another_id_means_is_frozen(name: str) -> None:
    assert vars(Task.of(TASKS[name][1])) == OTHERS[name]


def test_no_id_is_left_out() -> None:
    assert len(TASKS) == 2 * len(FROZEN) + len(OTHERS)


@pytest.mark.parametrize("name", TASKS)
def test_registered_keywords_are_plain_json(name: str) -> None:
    spec = gym.spec(name)
    assert spec.kwargs == TASKS[name][1] == json.loads(json.dumps(spec.kwargs))
    assert spec.to_json() == gym.envs.registration.EnvSpec.from_json(spec.to_json()).to_json()
    assert spec.max_episode_steps is None
    assert not spec.nondeterministic


@pytest.mark.parametrize("name", TASKS)
def test_gym_makes_single_and_native_vector_environments(name: str) -> None:
    env = gym.make(name, source=quick_source(name))
    assert isinstance(env.unwrapped, GlimpseEnv)
    vector = gym.make_vec(name, 3, source=quick_source(name))
    assert isinstance(vector, GlimpseVectorEnv)
    assert vector.num_envs == 3
    assert vector.single_observation_space == env.observation_space
    assert vector.single_action_space == env.action_space
    first, _ = env.reset(seed=4)
    lanes, _ = vector.reset(seed=4)
    for part in first:
        np.testing.assert_array_equal(lanes[part][0], first[part])


def test_gymnasiums_own_vectors_work_too() -> None:
    sync = gym.make_vec("CrowdedMNIST-v0", 2, vectorization_mode="sync", source=IMAGES)
    native = gym.make_vec("CrowdedMNIST-v0", 2, source=IMAGES)
    np.testing.assert_array_equal(sync.reset(seed=1)[0]["glimpse"], native.reset(seed=1)[0]["glimpse"])


def test_every_keyword_can_be_overridden() -> None:
    options = {
        "source": IMAGES,
        "budget": 4,
        "zooms": (1,),
        "glimpse_cost": 0,
        "stopping": False,
        "action_mode": "flat",
    }
    for env in (gym.make("CrowdedMNIST-v0", **options), gym.make_vec("CrowdedMNIST-v0", 2, **options)):
        task = env.unwrapped.task  # type: ignore[union-attr]
        assert (task.budget, task.zooms, task.glimpse_cost, task.stopping) == (4, (1,), 0, False)
        assert (task.canvas, task.clutter, task.patch) == (60, 4, 12)
    assert TASKS["CrowdedMNIST-v0"][1]["budget"] == 8


@pytest.mark.usefixtures("eager_threads")
def test_vector_keywords_reach_the_vector_environment() -> None:
    env = gym.make_vec("CrowdedMNIST-v0", 4, source=IMAGES, autoreset_mode="SameStep", num_threads=2)
    assert isinstance(env, GlimpseVectorEnv)
    assert env.autoreset_mode is gym.vector.AutoresetMode.SAME_STEP
    assert env._dynamics.threads == 2


def test_importing_registers_and_loads_nothing_else() -> None:
    code = (
        "import sys, gymnasium as gym, glimpse_env; print('CrowdedMNIST-v0' in gym.registry, "
        "{'numba', 'torch', 'glimpse_env.env', 'glimpse_env.dynamics'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.split("\n", 1)[0] == "True set()"


def test_an_unknown_name_of_the_package_lists_the_known_ones() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'GlimpsEnv'; it has TASKS, GlimpseEnv"):
        glimpse_env.GlimpsEnv  # noqa: B018
    assert set(glimpse_env.__all__) <= set(dir(glimpse_env))
