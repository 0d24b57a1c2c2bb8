from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.looking import Altered, examine, habits, scan_paths
from glimpse_env.evaluation import evaluate, make_frozen
from glimpse_env.task import Task

FIXED, STOPPING = "CenteredDigits-v0", "CrowdedDigits-v0"
LANES = 50


class Random:
    """Uniformly random actions, remembered."""

    def __init__(self, id: str, mode: str) -> None:
        self.action_mode = mode
        self.space = make_frozen(id, LANES, "test", action_mode=mode).action_space
        self.space.seed(0)
        self.taken: list[Any] = []

    def reset(self, lanes: int) -> None:
        self.taken = []

    def act(self, observation: Any) -> Any:
        action = self.space.sample()
        self.taken.append(action)
        return action


class Courier:
    """Knows the label, but remembers it only in where it looks: column 0.2 * label - 0.9 says it."""

    action_mode = "hybrid"

    def peek(self, env: Any) -> None:
        self.columns = 0.2 * env.targets() - 0.9
        self.first = True

    def act(self, observation: Any) -> Any:
        read = np.rint((observation["gaze"][:, 1] + 0.9) / 0.2).astype(int).clip(0, 9)
        column = self.columns if self.first else observation["gaze"][:, 1]
        self.first = False
        return {"gaze": np.stack([np.zeros(len(read)), column], axis=1), "symbol": read}


def split(action: Any, mode: str, task: Task) -> tuple[list[Any], list[Any]]:
    """The look (place and zoom) and the rest of each lane's action as plain values; of a flat action one is None."""
    zoom = len(task.zooms) > 1
    if mode == "flat":
        says = action >= task.grid**2 * len(task.zooms)
        return [None if s else int(a) for a, s in zip(action, says, strict=True)], [
            int(a) if s else None for a, s in zip(action, says, strict=True)
        ]
    if mode == "hybrid":
        parts = [action["gaze"], *([action["zoom"][:, None]] if zoom else [])]
        rest = [action[name][:, None] for name in ("speak", "symbol") if name in action]
        return np.concatenate(parts, axis=1).tolist(), np.concatenate(rest, axis=1).tolist()
    return action[:, : 2 + zoom].tolist(), action[:, 2 + zoom :].tolist()


def observation(id: str, spent: np.ndarray | None = None) -> dict[str, Any]:
    budget = np.full((LANES, 1), 0.5, np.float32)
    if spent is not None:
        budget[spent] = 0
    return {"budget": budget}


@pytest.mark.parametrize("mode", ["grid", "flat", "box", "hybrid"])
@pytest.mark.parametrize("id", [FIXED, STOPPING])
def test_shuffled_looks_are_the_same_looks_elsewhere_and_answers_stay(id: str, mode: str) -> None:
    agent = Random(id, mode)
    task = make_frozen(id, 1, "test", action_mode=mode).task
    altered = Altered(agent, task, "shuffled")
    altered.reset(LANES)
    action = altered.act(observation(id))
    looks, rest = split(action, mode, task)
    true_looks, true_rest = split(agent.taken[0], mode, task)
    assert rest == true_rest
    assert sorted(map(str, looks)) == sorted(map(str, true_looks))
    assert looks != true_looks


@pytest.mark.parametrize("mode", ["grid", "flat", "box", "hybrid"])
@pytest.mark.parametrize("id", [FIXED, STOPPING])
def test_random_places_keep_zoom_and_answer(id: str, mode: str) -> None:
    agent = Random(id, mode)
    env = make_frozen(id, LANES, "test", action_mode=mode)
    task = env.task
    altered = Altered(agent, task, "random")
    altered.reset(LANES)
    action = altered.act(observation(id))
    looks, rest = split(action, mode, task)
    true_looks, true_rest = split(agent.taken[0], mode, task)
    assert rest == true_rest
    assert env.action_space.contains(action) or mode in ("box", "hybrid")  # float64 is no element of a float32 box
    moved = [a != b for a, b in zip(looks, true_looks, strict=True)]
    assert np.mean([m for m, a in zip(moved, looks, strict=True) if a is not None]) > 0.2
    if len(task.zooms) > 1 and mode == "flat":
        kept = [(a % 3, b % 3) for a, b in zip(looks, true_looks, strict=True) if a is not None]
        assert all(a == b for a, b in kept)
    elif len(task.zooms) > 1:
        assert [look[2] for look in looks] == [look[2] for look in true_looks]


def test_only_running_episodes_that_look_take_part_in_the_shuffle() -> None:
    task = make_frozen(STOPPING, 1, "test").task
    spoken = np.zeros(LANES, bool)
    spoken[:10] = True
    spent = np.zeros(LANES, bool)
    spent[10:20] = True
    table = np.tile(np.arange(LANES)[:, None], (1, 5)) % 9
    table[:, 2] %= 3
    table[:, 4] = 0

    def agent(observation: Any) -> Any:
        return np.where(np.arange(5) == 3, spoken[:, None], table)

    altered = Altered(agent, task, "shuffled")
    altered.reset(LANES)
    first = altered.act(observation(STOPPING, spent))
    np.testing.assert_array_equal(first[:10, :3], table[:10, :3])  # they spoke
    spoken[:] = False
    second = altered.act(observation(STOPPING))
    np.testing.assert_array_equal(second[:20, :3], table[:20, :3])  # these ended, by speaking or by silence at the end
    assert (second[20:, :3] != table[20:, :3]).any()


def test_an_agent_that_needs_its_gaze_is_found_out() -> None:
    agent = Courier()
    evaluation = evaluate(agent, FIXED, scenes=300, progress=False)
    assert evaluation.accuracy == 1.0
    found = examine(agent, evaluation, 0.25)
    assert found["scenes"] == 300
    assert found["unchanged"] == 1.0
    assert found["shuffled"] < 0.3
    assert found["random"] < 0.3
    assert found["location_gradient_norm"] == 0.25


def test_scan_paths_are_the_gazes_that_the_agent_met() -> None:
    met = []

    class Watcher(Random):
        def act(self, observation: Any) -> Any:
            met.append(observation["gaze"])
            return super().act(observation)

    evaluation = evaluate(Watcher(STOPPING, "grid"), STOPPING, scenes=LANES, lanes=LANES, progress=False)
    paths = scan_paths(evaluation.log)
    assert paths.shape == (LANES, 8, 3)
    running = np.arange(8) < evaluation.log.steps[:, None]
    assert running.any(axis=0).sum() > 2
    np.testing.assert_array_equal(np.isnan(paths[..., 0]), ~running)
    for step, gaze in enumerate(met):
        np.testing.assert_array_equal(paths[running[:, step], step], gaze[running[:, step]])


def test_coverage_and_corner_by_hand() -> None:
    def corner(observation: Any) -> Any:
        lanes = len(observation["gaze"])
        return {"gaze": np.tile([-1.0, -1.0], (lanes, 1)), "symbol": np.zeros(lanes, int)}

    overrides: dict[str, Any] = {"action_mode": "hybrid", "budget": 2}
    log = evaluate(corner, FIXED, scenes=20, progress=False, **overrides).log
    found = habits(log)
    assert found["corner"] == 1.0
    env = make_frozen(FIXED, 20, "test", **overrides)
    gaze = env.reset(seed=0, options={"index": np.arange(20)})[0]["gaze"]
    shares = []
    for row, column in (gaze[:, :2] + 1) / 2 * 27:
        seen = np.zeros((28 + 16, 28 + 16), bool)  # with a margin
        top, left = (int(np.floor(middle - 3.5 + 0.5)) + 8 for middle in (row, column))
        seen[top : top + 8, left : left + 8] = True
        seen[8 : 8 + 5, 8 : 8 + 5] = True  # half the window lies outside: -3 ... 4
        shares.append(seen[8:-8, 8:-8].mean())
    assert found["coverage"] == pytest.approx(np.mean(shares))


def test_a_window_as_wide_as_the_canvas_covers_it() -> None:
    def centre(observation: Any) -> Any:
        lanes = len(observation["gaze"])
        return {"gaze": np.zeros((lanes, 2)), "symbol": np.zeros(lanes, int)}

    log = evaluate(centre, FIXED, scenes=5, progress=False, action_mode="hybrid", scales=[1, 4]).log
    assert habits(log) == {"coverage": 1.0, "corner": 0.0}


def test_who_never_looks_sticks_to_no_corner() -> None:
    def answer(observation: Any) -> Any:
        return np.tile([0, 0, 0, 1, 3], (len(observation["gaze"]), 1))

    assert habits(evaluate(answer, STOPPING, scenes=5, progress=False).log)["corner"] == 0.0
