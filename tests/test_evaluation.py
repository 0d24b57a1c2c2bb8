"""Scores: by hand on a case small enough, and the same again from the action log alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from glimpse_env import GlimpseVectorEnv, evaluate, replay, sources
from glimpse_env.action_log import ActionLog
from glimpse_env.evaluation import Evaluation, make_frozen
from glimpse_env.sources import DataError
from glimpse_env.testing import noise_images

IMAGES = noise_images(300)  # 30 for testing
SMALL: dict[str, Any] = {"source": IMAGES, "canvas": 30, "patch": 4, "grid": 3, "zooms": (1, 2), "budget": 4}
STOPPING = {**SMALL, "glimpse_cost": 0.1}
FIXED = {**SMALL, "stopping": False, "glimpse_cost": 0, "zooms": (1,)}


class RandomAgent:
    """Acts at random in its own mode; forgets nothing, so that only the log can tell what it did."""

    def __init__(self, mode: str, **task: Any) -> None:
        self.action_mode = mode
        self.task = task
        self.random = np.random.default_rng(0)

    def reset(self, lanes: int) -> None:
        env = GlimpseVectorEnv(lanes, **{**self.task, "action_mode": self.action_mode})
        self.space = env.action_space
        self.space.seed(int(self.random.integers(2**31)))

    def act(self, observation: Any) -> Any:
        assert set(observation) == {"glimpse", "gaze", "budget"}
        return self.space.sample()


class PlannedAgent:
    """Says what it is told at each step, right (True) or wrong (False), or looks (None), scene by scene."""

    def __init__(self, plans: list[list[bool | None]]) -> None:
        self.plans, self.done = plans, 0

    def reset(self, lanes: int) -> None:
        self.now = self.plans[self.done : self.done + lanes]
        self.done += lanes
        self.step = 0

    def peek(self, env: GlimpseVectorEnv) -> None:
        self.labels, self.stops = env.targets(), env.task.stopping

    def act(self, observation: Any) -> Any:
        rows = []
        for plan, label in zip(self.now, self.labels, strict=True):
            said = plan[self.step] if self.step < len(plan) else None
            symbol = label if said else (label + 1) % 10
            rows.append([0, 0, 0, said is not None, symbol] if self.stops else [0, 0, symbol])
        self.step += 1
        return np.array(rows)


def scores(evaluation: Evaluation) -> tuple[Any, ...]:
    return (evaluation.accuracy, evaluation.mean_return, evaluation.mean_glimpses, evaluation.by_glimpses)


@pytest.mark.parametrize("lanes", [1, 2, 1000])
def test_a_stopping_score_by_hand(lanes: int) -> None:
    plans = [[True], [None, True], [None, False], [None, None, None, True], [None] * 4]
    found = evaluate(PlannedAgent(plans), "CrowdedMNIST-v0", scenes=5, lanes=lanes, progress=False, **STOPPING)
    assert found.accuracy == 3 / 5
    assert found.mean_return == pytest.approx((1 + 0.9 + 0.7) / 5)
    assert found.mean_glimpses == (1 + 2 + 2 + 4 + 4) / 5
    assert found.by_glimpses == ((1, 1, 1.0), (2, 2, 0.5), (4, 2, 0.5))
    assert found.log.steps.tolist() == [1, 2, 2, 4, 4]


def test_a_fixed_glimpse_score_by_hand() -> None:
    plans = [[True, True, False, True], [False, True, True, False], [False, False, True, True]]
    found = evaluate(PlannedAgent(plans), "CrowdedMNIST-v0", scenes=3, progress=False, **FIXED)
    assert scores(found) == (2 / 3, 2 / 3, 4, ((1, 3, 1 / 3), (2, 3, 2 / 3), (3, 3, 2 / 3), (4, 3, 2 / 3)))
    plans = [plan[:] for plan in plans]
    running = evaluate(
        PlannedAgent(plans), "CrowdedMNIST-v0", scenes=3, progress=False, **{**FIXED, "reward": "running"}
    )
    assert running.mean_return == pytest.approx((0.75 + 0.5 + 0.5) / 3)
    assert running.accuracy == found.accuracy


@pytest.mark.parametrize("task", [STOPPING, FIXED])
@pytest.mark.parametrize("mode", ["grid", "flat", "box", "hybrid"])
def test_a_log_replays_to_the_same_score(mode: str, task: dict[str, Any]) -> None:
    agent = RandomAgent(mode, **task)
    found = evaluate(agent, "CrowdedMNIST-v0", lanes=13, progress=False, **task)
    assert len(found.log.steps) == 30  # all of the test split
    again = replay(found.log, lanes=7)
    assert scores(again) == scores(found)
    np.testing.assert_array_equal(again.log.steps, found.log.steps)
    lived = np.arange(4) < found.log.steps[:, None]  # actions past an episode's end mean nothing
    for part, actions in found.log.actions.items():
        np.testing.assert_array_equal(again.log.actions[part][lived], actions[lived])
    assert found.log.overrides["action_mode"] == mode


def test_a_log_survives_json_and_is_small() -> None:
    found = evaluate(
        RandomAgent("hybrid", **gym.spec("CenteredDigits-v0").kwargs), "CenteredDigits-v0", scenes=50, progress=False
    )
    text = json.dumps(found.log.to_json())
    assert len(text) < 50 * 7 * 10
    log = ActionLog.from_json(json.loads(text))
    assert log.id == "CenteredDigits-v0"
    assert log.rules == found.log.rules
    assert log.rules["budget"] == 7
    assert scores(replay(log)) == scores(found)


def logged(mode: str = "grid", **task: Any) -> ActionLog:
    options = {**STOPPING, **task}
    agent = RandomAgent(mode, **options)
    return evaluate(agent, "CrowdedMNIST-v0", scenes=10, progress=False, **options).log


def test_a_log_that_was_tampered_with_is_refused() -> None:
    log = logged()
    patient = int(np.flatnonzero(log.steps > 1)[0])
    hasty = {"action": log.actions["action"].copy()}
    hasty["action"][patient, 0, 3] = 1
    with pytest.raises(ValueError, match=rf"scene {patient} ends after 1 steps, the log has {log.steps[patient]}"):
        replay(dataclasses.replace(log, actions=hasty))
    longer = {"action": np.concatenate([log.actions["action"]] * 2, axis=1)}
    with pytest.raises(ValueError, match="scene 0 ends after"):
        replay(dataclasses.replace(log, steps=log.steps + 1, actions=longer))
    wild = {"action": log.actions["action"] + 100}
    with pytest.raises(ValueError, match="must lie in"):
        replay(dataclasses.replace(log, actions=wild))
    with pytest.raises(ValueError, match=r"'action' of the log has shape \(9, 4, 5\), too small for 10 scenes"):
        replay(dataclasses.replace(log, actions={"action": log.actions["action"][:9]}))
    with pytest.raises(ValueError, match=r"has shape \(10, 1, 5\), too small"):
        replay(dataclasses.replace(log, actions={"action": log.actions["action"][:, :1]}))


def test_a_log_of_other_scenes_is_refused() -> None:
    log = logged()
    with pytest.raises(DataError, match="the scenes of CrowdedMNIST-v0 differ from the log's: fingerprint"):
        replay(dataclasses.replace(log, split="train"))
    with pytest.raises(DataError, match="differ"):
        replay(dataclasses.replace(log, steps=log.steps[:9]))
    with pytest.raises(DataError, match="differ"):
        replay(dataclasses.replace(log, overrides={**log.overrides, "source": noise_images(300, seed=5)}))


def test_a_log_of_other_rules_is_refused() -> None:
    log = logged()
    assert (log.rules["budget"], log.rules["glimpse_cost"], log.rules["stopping"]) == (4, 0.1, True)
    for name, was in (("budget", 5), ("glimpse_cost", 0.0), ("stopping", False)):
        other = dataclasses.replace(log, rules={**log.rules, name: was})
        with pytest.raises(
            ValueError, match=f"the rules of CrowdedMNIST-v0 differ from the log's: {name} .* has {was}"
        ):
            replay(other)
    assert scores(replay(dataclasses.replace(log, rules={}))) == scores(replay(log)), (
        "a log from before rules were kept"
    )


def test_changing_an_answer_changes_the_replayed_score() -> None:
    log = logged()
    right = evaluate(PlannedAgent([[True]] * 10), "CrowdedMNIST-v0", scenes=10, progress=False, **STOPPING)
    assert right.accuracy == 1
    assert replay(log).accuracy < 1
    wrong = {"action": right.log.actions["action"].copy()}
    wrong["action"][0, 0, 4] = (wrong["action"][0, 0, 4] + 1) % 10
    assert replay(dataclasses.replace(right.log, actions=wrong)).accuracy == 0.9


@pytest.mark.parametrize("harm", ["steps", "actions", "id"])
def test_what_is_no_log_is_refused(harm: str) -> None:
    data = logged().to_json()
    with pytest.raises(ValueError, match="this is no action log"):
        ActionLog.from_json({name: value for name, value in data.items() if name != harm})
    with pytest.raises(ValueError, match="this is no action log"):
        ActionLog.from_json({**data, "steps": data["steps"][: len(data["steps"]) // 8 * 4]})


def test_a_plain_function_is_an_agent() -> None:
    def centre(observation: Any) -> np.ndarray:
        return np.tile([1, 1, 0, 1, 0], (len(observation["budget"]), 1))

    found = evaluate(centre, "CrowdedMNIST-v0", progress=False, **STOPPING)
    labels = make_frozen("CrowdedMNIST-v0", 1, "test", **STOPPING).source.split("test").labels
    assert found.accuracy == float((labels == 0).mean())
    assert found.mean_glimpses == 1


def test_splits_are_scored_apart() -> None:
    lengths = {
        split: len(
            evaluate(
                RandomAgent("grid", **STOPPING), "CrowdedMNIST-v0", split=split, progress=False, **STOPPING
            ).log.steps
        )
        for split in ("train", "validation", "test")
    }
    assert lengths == {"train": 240, "validation": 30, "test": 30}


def test_an_agent_that_diverged_is_told_so() -> None:
    def diverged(observation: Any) -> Any:
        lanes = len(observation["budget"])
        return np.full((lanes, 5), np.nan)

    with pytest.raises(ValueError, match="row=nan of lane 0 must be a finite number"):
        evaluate(diverged, "CrowdedMNIST-v0", progress=False, action_mode="box", **STOPPING)


@pytest.mark.parametrize(("scenes", "error"), [(0, ValueError), (-1, ValueError), (2.5, TypeError)])
def test_a_bad_number_of_scenes_is_refused(scenes: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"scenes={scenes}"):
        evaluate(RandomAgent("grid", **STOPPING), "CrowdedMNIST-v0", scenes=scenes, progress=False, **STOPPING)


@pytest.fixture
def without_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that has no real MNIST, in a process that has not looked for it."""
    monkeypatch.setattr(sources, "_refused", {})
    monkeypatch.setattr(
        sources, "_loaded", {name: value for name, value in sources._loaded.items() if "mnist" not in name}
    )
    monkeypatch.delenv("GLIMPSE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.usefixtures("without_mnist")
def test_stand_in_data_can_be_used_but_never_scored() -> None:
    env = gym.make_vec("CenteredMNIST-v0", 2)
    assert isinstance(env, GlimpseVectorEnv)
    assert (env.source.name, env.source.stand_in_for) == ("digits", "mnist")
    env.reset(seed=0)
    agent = RandomAgent("grid", **FIXED)
    with pytest.raises(
        DataError, match=r"CenteredMNIST-v0 would be scored on 'digits' images.*or use CenteredDigits-v0"
    ):
        evaluate(agent, "CenteredMNIST-v0", scenes=5, progress=False)
    log = dataclasses.replace(logged(), id="CenteredMNIST-v0", overrides={})
    with pytest.raises(DataError, match="use CenteredDigits-v0"):
        replay(log)


@pytest.mark.parametrize("name", ["CrowdedDigits-v0", "CrowdedDigitsRetina-v0"])
def test_registered_ids_are_scored(name: str) -> None:
    task = gym.spec(name).kwargs
    found = evaluate(RandomAgent("hybrid", **task), name, scenes=50, progress=False)
    assert 0 <= found.mean_return <= found.accuracy < 0.5
    assert sum(row[1] for row in found.by_glimpses) == (50 if task["stopping"] else 50 * task["budget"])
