"""Beliefs are those of the first scenes, step by step, and watching changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.beliefs import SCENES, Watched
from glimpse_env import evaluate

ID = "CenteredDigits-v0"


class Counting:
    """Believes in class k after its k-th look of an episode; a second batch would believe in the last class."""

    action_mode = "hybrid"

    def __init__(self) -> None:
        self.batches = 0

    def reset(self, lanes: int) -> None:
        self.lanes, self.step = lanes, -1
        self.batches += 1

    def act(self, observation: Any) -> Any:
        self.step += 1
        return {"gaze": np.zeros((self.lanes, 2)), "symbol": np.full(self.lanes, 3)}

    def belief(self) -> Any:
        return np.tile(np.eye(10)[self.step if self.batches == 1 else 9], (self.lanes, 1))


def test_beliefs_are_those_of_the_first_scenes_step_by_step() -> None:
    watched, plain = Watched(Counting()), Counting()
    found = evaluate(watched, ID, scenes=90, lanes=70, progress=False)
    assert found.accuracy == evaluate(plain, ID, scenes=90, lanes=70, progress=False).accuracy
    beliefs = watched.beliefs(found.log.steps)
    assert beliefs == ["".join("f".rjust(k + 1, "0").ljust(10, "0") for k in range(7))] * SCENES


def test_beliefs_end_with_the_episode() -> None:
    watched = Watched(Counting())
    watched.reset(2)
    for _ in range(3):
        watched.act({})
    assert [len(path) for path in watched.beliefs(np.array([1, 3])) or ()] == [10, 30]


@pytest.mark.parametrize(("belief", "digits"), [([0.5, 0.5], "88"), ([1.2, -0.1], "f0"), ([np.nan, 1 / 15], "01")])
def test_a_belief_is_rounded_to_fifteenths(belief: list[float], digits: str) -> None:
    class Sure:
        def act(self, observation: Any) -> None: ...

        def belief(self) -> Any:
            return np.array([belief])

    watched = Watched(Sure())
    watched.reset(1)
    watched.act({})
    assert watched.beliefs(np.array([1])) == [digits]


def test_an_agent_without_beliefs_has_none() -> None:
    watched = Watched(lambda observation: np.zeros((len(observation["gaze"]), 3), np.int64))
    found = evaluate(watched, ID, scenes=3, progress=False)
    assert watched.beliefs(found.log.steps) is None
    assert not hasattr(watched, "peek")
