"""What may be asked of a task, and how a bad wish is refused: by name, with the range and the remedy."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from glimpse_env import GlimpseEnv, GlimpseVectorEnv
from glimpse_env.task import Task
from glimpse_env.testing import noise_images

IMAGES = noise_images()  # 14x14


@pytest.mark.parametrize(
    ("keywords", "error", "says"),
    [
        (
            {"budgt": 3},
            TypeError,
            r"unknown keyword 'budgt'; did you mean 'budget'\? known are: source, split, fallback",
        ),
        ({"frobnicate": 3}, TypeError, "unknown keyword 'frobnicate'; known are: source"),
        ({"budget": -1}, ValueError, "budget=-1 must be at least 1"),
        ({"budget": 0}, ValueError, "budget=0 must be at least 1"),
        ({"budget": 2.0}, TypeError, "budget=2.0 must be a whole number"),
        ({"budget": True}, TypeError, "budget=True must be a whole number"),
        ({"clutter": -1}, ValueError, "clutter=-1 must be at least 0"),
        ({"grid": 0}, ValueError, "grid=0 must be at least 1"),
        ({"patch": 0}, ValueError, "patch=0 must be at least 1"),
        ({"patch": 15}, ValueError, r"patch=15 must lie in \[1, 14\], the smaller side of the canvas"),
        ({"patch": 15, "canvas": (14, 40)}, ValueError, r"patch=15 must lie in \[1, 14\]"),
        ({"canvas": 13}, ValueError, r"canvas 13x13 is smaller than the images \(14x14\); pass canvas=\(14, 14\)"),
        ({"canvas": (40, 13)}, ValueError, r"pass canvas=\(40, 14\) or larger"),
        ({"canvas": (14, 14, 1)}, TypeError, r"canvas=\(14, 14, 1\) must be a whole number, \(height, width\)"),
        ({"canvas": 14.5}, TypeError, "canvas=14.5 must be a whole number"),
        ({"canvas": "14"}, TypeError, "canvas='14' must be a whole number"),
        ({"clutter": 1, "fragment": 15}, ValueError, r"fragment=15 must lie in \[1, 14\]"),
        ({"zooms": ()}, TypeError, "zooms=.* must be a non-empty tuple"),
        ({"zooms": 2}, TypeError, r"zooms=2 must be a non-empty tuple of whole numbers, as in zooms=\(1, 2, 4\)"),
        ({"zooms": "12"}, TypeError, "zooms='12' must be a non-empty tuple"),
        ({"zooms": (2, 1)}, ValueError, r"zooms=\(2, 1\) must ascend, each once"),
        ({"zooms": (1, 1)}, ValueError, "must ascend, each once"),
        ({"zooms": (0, 1)}, ValueError, "each of zooms=0 must be at least 1"),
        ({"zooms": (1.0,)}, TypeError, "each of zooms=1.0 must be a whole number"),
        ({"scales": (1, 4, 2)}, ValueError, r"scales=\(1, 4, 2\) must ascend"),
        ({"glimpse_cost": 0.2}, ValueError, r"glimpse_cost=0.2 must lie in \[0, 1 / \(budget - 1\)\] = \[0, 0.1429\]"),
        ({"glimpse_cost": -0.01}, ValueError, "glimpse_cost=-0.01 must lie in"),
        ({"glimpse_cost": -1, "budget": 1}, ValueError, "glimpse_cost=-1 must lie in"),
        ({"glimpse_cost": float("nan")}, ValueError, "glimpse_cost=nan must lie in"),
        ({"glimpse_cost": "0.1"}, TypeError, "glimpse_cost='0.1' must be a real number"),
        ({"glimpse_cost": 0.1, "stopping": False}, ValueError, "pass glimpse_cost=0"),
        ({"stopping": 1}, TypeError, "stopping=1 must be True or False"),
        ({"reward": "running"}, ValueError, "pass stopping=False with it"),
        ({"reward": "dense"}, ValueError, "reward='dense' is unknown; choose one of 'final', 'running'"),
        ({"action_mode": "joystick"}, ValueError, "choose one of 'grid', 'flat', 'box', 'hybrid'"),
        ({"split": "dev"}, ValueError, "choose one of 'train', 'validation', 'test'"),
        ({"fallback": "noise"}, ValueError, "fallback='noise' is unknown; choose 'digits', or None"),
        ({"source": "cifar"}, ValueError, "source='cifar' is unknown"),
    ],
)
@pytest.mark.parametrize("make", [GlimpseEnv, GlimpseVectorEnv])
def test_a_bad_wish_is_refused_by_name(make: Any, keywords: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make(**{"source": IMAGES, **keywords})


@pytest.mark.parametrize(
    ("keywords", "error", "says"),
    [
        ({"num_envs": 0}, ValueError, "num_envs=0 must be at least 1"),
        ({"num_envs": True}, TypeError, "num_envs=True must be a whole number"),
        ({"num_threads": -1}, ValueError, "num_threads=-1 must be at least 1"),
        ({"autoreset_mode": "never"}, ValueError, "choose one of 'NextStep', 'SameStep', 'Disabled'"),
        ({"render_mode": "human"}, ValueError, "choose 'rgb_array' or None"),
    ],
)
def test_a_bad_vector_environment_is_refused(keywords: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        GlimpseVectorEnv(**{"source": IMAGES, **keywords})


def test_an_unknown_render_mode_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("choose one of ['rgb_array', 'human'] or None")):
        GlimpseEnv(IMAGES, render_mode="ascii")


def test_an_unknown_keyword_is_refused_through_gym_make_too() -> None:
    with pytest.raises(TypeError, match="did you mean 'zooms'"):
        gym.make("CrowdedMNIST-v0", source=IMAGES, zoom=(1,))


def test_the_most_that_is_allowed() -> None:
    env = GlimpseEnv(IMAGES, patch=14, budget=1, glimpse_cost=1, zooms=(1, 16), grid=1, clutter=2, fragment=14)
    env.reset(seed=0)
    assert GlimpseEnv(IMAGES, budget=8, glimpse_cost=1 / 7).task.glimpse_cost == 1 / 7


def test_lists_and_numpy_numbers_mean_the_same_as_tuples_and_ints() -> None:
    plain = Task(zooms=(1, 2), scales=(1,), budget=4, canvas=(30, 40))
    assert Task(zooms=[1, np.int64(2)], scales=[1], budget=np.int32(4), canvas=(30, 40)) == plain  # type: ignore[arg-type]


def test_rules_are_plain_json_and_all_but_the_images() -> None:
    task = Task(
        source=IMAGES, split="test", budget=np.int64(4), canvas=(np.int64(30), 40), glimpse_cost=np.float64(0.1)
    )  # type: ignore[arg-type]
    rules = task.rules()
    assert json.loads(json.dumps(rules)) == rules
    assert (rules["budget"], rules["canvas"], rules["glimpse_cost"], rules["zooms"]) == (4, [30, 40], 0.1, [1, 2, 4])
    assert set(rules) == {field.name for field in fields(Task)} - {"source", "split", "fallback"}
    assert Task(source=IMAGES, stopping=False).rules() != rules


def test_a_canvas_that_is_not_square() -> None:
    env = GlimpseEnv(IMAGES, canvas=[20, 33])
    env.reset(seed=0)
    assert env.canvas().shape == (20, 33)


def test_no_canvas_means_the_size_of_the_images() -> None:
    env = GlimpseEnv(noise_images(size=(15, 18)))
    env.reset(seed=0, options={"index": 3})
    np.testing.assert_array_equal(env.canvas(), env.source.split("train").images[3])
