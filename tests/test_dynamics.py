"""What an episode is, by hand: every way it can go on, end and pay."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from glimpse_env import GlimpseEnv
from glimpse_env.testing import noise_images

IMAGES = noise_images()
LABEL = int(IMAGES[1][0])  # the first image is the first of the training split
RIGHT, WRONG = LABEL, (LABEL + 1) % 10
LOOK = None


class Step(NamedTuple):
    reward: float
    terminated: bool
    left: float  # what the observation says about the budget
    info: dict[str, Any]


def play(moves: list[int | None], *, mode: str = "grid", **keywords: Any) -> list[Step]:
    """Play scene 0: None looks at the top-left cell, a number says that symbol (and looks too where it cannot stop)."""
    env = GlimpseEnv(IMAGES, action_mode=mode, grid=3, canvas=30, **{"zooms": (1,), "patch": 4, **keywords})
    observation, info = env.reset(seed=0, options={"index": 0})
    assert info == {}
    budget = env.task.budget
    assert observation["budget"].tolist() == [np.float32((budget - 1) / budget)]
    steps = []
    for move in moves:
        speaks = move is not None
        symbol = move if speaks else WRONG
        if mode == "flat":
            action: Any = 9 + symbol if speaks else 0
        elif env.task.stopping:
            action = np.array([0, 0, int(speaks), symbol])
        else:
            assert speaks
            action = np.array([0, 0, symbol])
        observation, reward, terminated, truncated, info = env.step(action)
        assert truncated is False
        steps.append(Step(reward, terminated, float(observation["budget"][0]), info))
    return steps


def end(answer: int | None, glimpses: int) -> dict[str, Any]:
    return {
        "label": LABEL,
        "answer": -1 if answer is None else answer,
        "is_success": answer == RIGHT,
        "glimpses": glimpses,
    }


COST = {"glimpse_cost": 0.25}
FIXED = {"stopping": False}
RUNNING = {"stopping": False, "reward": "running"}


@pytest.mark.parametrize("mode", ["grid", "flat"])
@pytest.mark.parametrize(
    ("keywords", "moves", "rewards", "left", "last"),
    [
        # The agent stops: at once, after looking, wrongly, with the budget spent, and never.
        ({"budget": 4, **COST}, [RIGHT], [1.0], [0.75], end(RIGHT, 1)),
        ({"budget": 4, **COST}, [LOOK, LOOK, RIGHT], [0, 0, 0.5], [0.5, 0.25, 0.25], end(RIGHT, 3)),
        ({"budget": 4}, [LOOK, LOOK, RIGHT], [0, 0, 1.0], [0.5, 0.25, 0.25], end(RIGHT, 3)),
        ({"budget": 4, **COST}, [LOOK, WRONG], [0, 0], [0.5, 0.5], end(WRONG, 2)),
        ({"budget": 4, **COST}, [LOOK] * 3 + [RIGHT], [0, 0, 0, 0.25], [0.5, 0.25, 0, 0], end(RIGHT, 4)),
        ({"budget": 4, **COST}, [LOOK] * 4, [0] * 4, [0.5, 0.25, 0, 0], end(LOOK, 4)),
        ({"budget": 1, **COST}, [RIGHT], [1.0], [0], end(RIGHT, 1)),
        ({"budget": 1}, [LOOK], [0], [0], end(LOOK, 1)),
    ],
)
def test_stopping(
    mode: str,
    keywords: dict[str, Any],
    moves: list[int | None],
    rewards: list[float],
    left: list[float],
    last: dict[str, Any],
) -> None:
    steps = play(moves, mode=mode, stopping=True, **keywords)
    assert [step.reward for step in steps] == rewards
    assert [step.terminated for step in steps] == [False] * (len(moves) - 1) + [True]
    assert [step.left for step in steps] == left
    assert [step.info for step in steps] == [{}] * (len(moves) - 1) + [last]


@pytest.mark.parametrize(
    ("keywords", "moves", "rewards", "last"),
    [
        # Only the last answer counts; or every step's.
        (FIXED, [RIGHT, RIGHT, WRONG, RIGHT], [0, 0, 0, 1], end(RIGHT, 4)),
        (FIXED, [RIGHT, RIGHT, RIGHT, WRONG], [0, 0, 0, 0], end(WRONG, 4)),
        (RUNNING, [RIGHT, RIGHT, WRONG, RIGHT], [0.25, 0.25, 0, 0.25], end(RIGHT, 4)),
        (RUNNING, [WRONG, RIGHT, RIGHT, WRONG], [0, 0.25, 0.25, 0], end(WRONG, 4)),
        (RUNNING, [RIGHT] * 4, [0.25] * 4, end(RIGHT, 4)),
    ],
)
def test_fixed_glimpses(
    keywords: dict[str, Any], moves: list[int | None], rewards: list[float], last: dict[str, Any]
) -> None:
    steps = play(moves, budget=4, **keywords)
    assert [step.reward for step in steps] == rewards
    assert [step.terminated for step in steps] == [False, False, False, True]
    assert [step.left for step in steps] == [0.5, 0.25, 0, 0]
    assert [step.info for step in steps] == [{}, {}, {}, last]


@pytest.mark.parametrize(
    ("keywords", "moves", "rewards", "last"),
    [
        # One flat action cannot look and speak: a look leaves that step without an answer, a symbol keeps the gaze.
        (FIXED, [LOOK, LOOK, RIGHT], [0, 0, 1], end(RIGHT, 3)),
        (FIXED, [RIGHT, LOOK, LOOK], [0, 0, 0], end(LOOK, 3)),
        (RUNNING, [RIGHT, LOOK, RIGHT], [1 / 3, 0, 1 / 3], end(RIGHT, 3)),
        (RUNNING, [LOOK, LOOK, LOOK], [0, 0, 0], end(LOOK, 3)),
    ],
)
def test_fixed_glimpses_in_flat_mode(
    keywords: dict[str, Any], moves: list[int | None], rewards: list[float], last: dict[str, Any]
) -> None:
    steps = play(moves, mode="flat", budget=3, **keywords)
    assert [step.reward for step in steps] == rewards
    assert [step.terminated for step in steps] == [False, False, True]
    assert [step.left for step in steps] == [pytest.approx(1 / 3), 0, 0]
    assert steps[-1].info == last


def test_a_budget_of_one_without_stopping_is_one_answer_to_the_first_glimpse() -> None:
    assert play([RIGHT], budget=1, **FIXED) == [Step(1.0, True, 0.0, end(RIGHT, 1))]
    assert play([RIGHT], budget=1, **RUNNING) == [Step(1.0, True, 0.0, end(RIGHT, 1))]


def test_a_flat_symbol_before_the_end_spends_a_glimpse_on_the_same_place() -> None:
    env = GlimpseEnv(IMAGES, action_mode="flat", grid=3, canvas=30, patch=4, zooms=(1, 2), **FIXED)
    first, _ = env.reset(seed=0)
    looks = 3 * 3 * 2
    again, *_ = env.step(looks + WRONG)
    np.testing.assert_array_equal(again["glimpse"], first["glimpse"])
    np.testing.assert_array_equal(again["gaze"], first["gaze"])
    assert again["budget"] < first["budget"]
    elsewhere, *_ = env.step(0)
    np.testing.assert_allclose(elsewhere["gaze"], [-2 / 3, -2 / 3, -1])


def test_the_step_that_ends_an_episode_does_not_look() -> None:
    env = GlimpseEnv(IMAGES, canvas=30, patch=4, budget=2)
    env.reset(seed=0)
    last, *_ = env.step(np.array([0, 0, 0, 0, 0]))
    final, _, terminated, _, info = env.step(np.array([8, 8, 0, 1, WRONG]))
    assert terminated
    assert info["glimpses"] == 2
    for name, value in final.items():
        np.testing.assert_array_equal(value, last[name])


def test_the_price_of_looking_at_the_registered_cost() -> None:
    for looks in range(8):
        steps = play([LOOK] * looks + [RIGHT], budget=8, glimpse_cost=0.02)
        assert steps[-1].reward == pytest.approx(1 - 0.02 * looks)


def test_masks_leave_looks_until_the_budget_is_spent() -> None:
    env = GlimpseEnv(IMAGES, action_mode="flat", grid=2, canvas=30, patch=4, zooms=(1,), budget=3)
    env.reset(seed=0)
    for _ in range(2):
        assert env.action_masks().tolist() == [True] * 14
        env.step(0)
    assert env.action_masks().tolist() == [False] * 4 + [True] * 10


def test_masks_of_a_fixed_glimpse_task_leave_looks_then_symbols() -> None:
    env = GlimpseEnv(IMAGES, action_mode="flat", grid=2, canvas=30, patch=4, zooms=(1,), budget=3, stopping=False)
    env.reset(seed=0)
    for _ in range(2):
        assert env.action_masks().tolist() == [True] * 4 + [False] * 10
        env.step(0)
    assert env.action_masks().tolist() == [False] * 4 + [True] * 10


@pytest.mark.parametrize("mode", ["grid", "box", "hybrid"])
def test_masks_exist_for_flat_actions_only(mode: str) -> None:
    env = GlimpseEnv(IMAGES, action_mode=mode)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=f"action_mode='flat' only, this is '{mode}'"):
        env.action_masks()
