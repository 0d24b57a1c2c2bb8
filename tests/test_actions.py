"""Four ways to write one decision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glimpse_env import actions as a
from glimpse_env.actions import Actions
from glimpse_env.task import Task

SYMBOLS = 5
MODES = ("grid", "flat", "box", "hybrid")


def make(mode: str, **keywords: Any) -> Actions:
    return Actions(Task(action_mode=mode, **{"grid": 4, "zooms": (1, 2, 4), **keywords}), SYMBOLS)


def decide(actions: Actions, action: Any) -> list[float]:
    """(row, column, zoom, speak, symbol) of one action, which must be the same as one of several lanes."""
    single, three = np.full((1, 5), 77.0), np.full((3, 5), 77.0)
    actions.decode(action, 1, False, single)
    batch = {k: np.stack([v] * 3) for k, v in action.items()} if isinstance(action, dict) else np.stack([action] * 3)
    actions.decode(batch, 3, True, three)
    np.testing.assert_array_equal(three, np.repeat(single, 3, 0))
    return single[0].tolist()


def test_spaces_have_a_component_for_each_choice() -> None:
    assert make("grid").space == spaces.MultiDiscrete([4, 4, 3, 2, SYMBOLS])
    assert make("flat").space == spaces.Discrete(4 * 4 * 3 + SYMBOLS)
    assert make("box").space == spaces.Box(-1, 1, (5,), np.float32)
    gaze = spaces.Box(-1, 1, (2,), np.float32)
    zoom, speak, symbol = spaces.Discrete(3), spaces.Discrete(2), spaces.Discrete(SYMBOLS)
    assert make("hybrid").space == spaces.Dict(gaze=gaze, zoom=zoom, speak=speak, symbol=symbol)


def test_where_there_is_no_choice_there_is_no_component() -> None:
    fixed = {"zooms": (2,), "stopping": False}
    assert make("grid", **fixed).space == spaces.MultiDiscrete([4, 4, SYMBOLS])
    assert make("flat", **fixed).space == spaces.Discrete(4 * 4 + SYMBOLS)
    assert make("box", **fixed).space == spaces.Box(-1, 1, (3,), np.float32)
    assert set(make("hybrid", **fixed).space) == {"gaze", "symbol"}
    assert make("grid", zooms=(2,)).space == spaces.MultiDiscrete([4, 4, 2, SYMBOLS])
    assert make("grid", stopping=False).space == spaces.MultiDiscrete([4, 4, 3, SYMBOLS])


@pytest.mark.parametrize(
    ("mode", "keywords", "action", "decision"),
    [
        # The middles of four cells lie at -0.75, -0.25, 0.25 and 0.75.
        ("grid", {}, np.array([0, 3, 2, 0, 4]), [-0.75, 0.75, 2, 0, 4]),
        ("grid", {}, np.array([1, 2, 0, 1, 0]), [-0.25, 0.25, 0, 1, 0]),
        ("grid", {"grid": 1}, np.array([0, 0, 0, 1, 0]), [0, 0, 0, 1, 0]),
        ("grid", {"zooms": (2,), "stopping": False}, np.array([1, 2, 3]), [-0.25, 0.25, 0, 1, 3]),
        ("grid", {"stopping": False}, np.array([1, 2, 1, 3]), [-0.25, 0.25, 1, 1, 3]),
        ("grid", {"zooms": (2,)}, np.array([1, 2, 0, 3]), [-0.25, 0.25, 0, 0, 3]),
        ("flat", {}, np.int64((1 * 4 + 2) * 3 + 1), [-0.25, 0.25, 1, 0, -1]),
        ("flat", {}, np.int64(47), [0.75, 0.75, 2, 0, -1]),
        ("flat", {}, np.int64(48), [np.nan, np.nan, 0, 1, 0]),
        ("flat", {}, np.int64(52), [np.nan, np.nan, 0, 1, 4]),
        ("flat", {"zooms": (2,), "stopping": False}, np.int64(6), [-0.25, 0.25, 0, 0, -1]),
        ("flat", {"zooms": (2,), "stopping": False}, np.int64(16), [np.nan, np.nan, 0, 1, 0]),
        # Three zooms: below -1/3, to 1/3, above. Five symbols: steps of 0.4 from -1 on. Speak: above 0.
        ("box", {}, np.array([-0.5, 1.0, -0.4, 0.0, -1.0]), [-0.5, 1, 0, 0, 0]),
        ("box", {}, np.array([0.5, -1.0, -0.3, 0.01, -0.5]), [0.5, -1, 1, 1, 1]),
        ("box", {}, np.array([0.5, -1.0, 0.34, -1.0, 1.0]), [0.5, -1, 2, 0, 4]),
        ("box", {}, np.array([-7.0, 1.5, 9.0, 9.0, -9.0]), [-1, 1, 2, 1, 0]),
        ("box", {"zooms": (2,), "stopping": False}, np.array([0.5, -0.5, 0.99]), [0.5, -0.5, 0, 1, 4]),
        ("hybrid", {}, {"gaze": np.array([0.1, -3.0]), "zoom": 2, "speak": 1, "symbol": 4}, [0.1, -1, 2, 1, 4]),
        ("hybrid", {"zooms": (2,), "stopping": False}, {"gaze": np.array([0, 1]), "symbol": 3}, [0, 1, 0, 1, 3]),
    ],
)  # fmt: skip
def test_decisions_by_hand(mode: str, keywords: dict[str, Any], action: Any, decision: list[float]) -> None:
    np.testing.assert_array_equal(decide(make(mode, **keywords), action), decision)


@given(st.sampled_from(MODES), st.booleans(), st.booleans(), st.integers(1, 12), st.integers(0, 2**31))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_sample_of_the_space_is_a_decision(mode: str, stops: bool, zooms: bool, grid: int, seed: int) -> None:
    actions = make(mode, stopping=stops, zooms=(1, 3) if zooms else (2,), grid=grid)
    lanes = 20
    space = batch_space(actions.space, lanes)
    space.seed(seed)
    decisions = np.full((lanes, 5), 77.0)
    actions.decode(space.sample(), lanes, True, decisions)
    gaze = decisions[:, [a.ROW, a.COLUMN]]
    keeps = np.isnan(gaze).any(1)
    assert (np.abs(gaze[~keeps]) <= 1).all()
    assert not keeps.any() or mode == "flat"
    for part, size in ((a.ZOOM, 1 + zooms), (a.SPEAK, 2), (a.SYMBOL, SYMBOLS)):
        allowed = {*range(size), -1} if mode == "flat" and part == a.SYMBOL else {*range(size)}
        assert set(decisions[:, part]) <= allowed
    if mode != "flat" and not stops:
        assert (decisions[:, a.SPEAK] == 1).all()


def test_a_flat_look_is_the_grid_look_of_its_number() -> None:
    flat, grid = make("flat"), make("grid")
    for look in range(48):
        row, column, zoom = np.unravel_index(look, (4, 4, 3))
        assert decide(flat, np.int64(look))[:4] == decide(grid, np.array([row, column, zoom, 0, 0]))[:4]


HYBRID = {"gaze": np.zeros(2, np.float32), "zoom": 0, "speak": 0, "symbol": 0}


@pytest.mark.parametrize(
    ("mode", "action", "error", "says"),
    [
        ("grid", np.array([0, 0, 0, 0, 5]), ValueError, r"symbol=5 of lane 0 must lie in \[0, 4\]"),
        ("grid", np.array([0, 0, 3, 0, 0]), ValueError, r"zoom=3 of lane 0 must lie in \[0, 2\]"),
        ("grid", np.array([0, -1, 0, 0, 0]), ValueError, r"column=-1 of lane 0 must lie in \[0, 3\]"),
        ("grid", np.array([4, 0, 0, 0, 0]), ValueError, r"row=4 of lane 0 must lie in \[0, 3\]"),
        ("grid", np.array([0, 0, 0, 2, 0]), ValueError, r"speak=2 of lane 0 must lie in \[0, 1\]"),
        ("grid", np.array([0, 0, 0, 0]), ValueError, r"must have shape \(5,\), got \(4,\)"),
        ("grid", np.zeros((1, 5), int), ValueError, r"must have shape \(5,\), got \(1, 5\)"),
        ("grid", np.zeros(5), TypeError, "must be whole numbers, got dtype float64"),
        ("grid", np.zeros(5, bool), TypeError, "must be whole numbers, got dtype bool"),
        ("grid", None, TypeError, "must be whole numbers, got dtype object"),
        ("grid", "look", TypeError, "must be whole numbers"),
        ("flat", 53, ValueError, r"action 53 of lane 0 must lie in \[0, 52\]"),
        ("flat", -1, ValueError, r"action -1 of lane 0 must lie in \[0, 52\]"),
        ("flat", np.uint64(2**64 - 1), ValueError, r"must lie in \[0, 52\]"),
        ("flat", np.array([3]), ValueError, r"must have shape \(\), got \(1,\)"),
        ("flat", 3.0, TypeError, "must be whole numbers, got dtype float64"),
        ("box", np.array([0, np.nan, 0, 0, 0]), ValueError, "column=nan of lane 0 must be a finite number"),
        ("box", np.array([np.inf, 0, 0, 0, 0]), ValueError, "row=inf of lane 0 must be a finite number"),
        ("box", np.array([0, 0, 0, 0, np.nan]), ValueError, "symbol=nan of lane 0 must be a finite number"),
        ("box", np.zeros(3), ValueError, r"must have shape \(5,\), got \(3,\)"),
        ("box", np.array(["a"] * 5), TypeError, "must be real numbers"),
        ("hybrid", {**HYBRID, "gaze": np.array([0, -np.inf])}, ValueError, "column=-inf of lane 0 must be a finite"),
        ("hybrid", {**HYBRID, "gaze": np.zeros(3)}, ValueError, r"gaze must have shape \(2,\), got \(3,\)"),
        ("hybrid", {**HYBRID, "zoom": 3}, ValueError, r"zoom=3 of lane 0 must lie in \[0, 2\]"),
        ("hybrid", {**HYBRID, "symbol": -1}, ValueError, r"symbol=-1 of lane 0 must lie in \[0, 4\]"),
        ("hybrid", {**HYBRID, "speak": 0.5}, TypeError, "speak must be whole numbers, got dtype float64"),
        ("hybrid", {**HYBRID, "symbol": np.zeros(2, int)}, ValueError, r"symbol must have shape \(\), got \(2,\)"),
        ("hybrid", {**HYBRID, "tone": 1}, TypeError, r"with keys \['gaze', 'speak', 'symbol', 'zoom'\], got keys"),
        ("hybrid", {"gaze": np.zeros(2)}, TypeError, r"must be a mapping with keys .*, got keys \['gaze'\]"),
        ("hybrid", np.zeros(5), TypeError, "must be a mapping"),
    ],
)  # fmt: skip
def test_a_bad_action_is_refused_by_name(mode: str, action: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make(mode).decode(action, 1, False, np.zeros((1, 5)))


def test_the_lane_at_fault_is_named() -> None:
    actions = np.zeros((4, 5), np.int64)
    actions[2, a.SYMBOL] = 9
    with pytest.raises(ValueError, match=r"symbol=9 of lane 2"):
        make("grid").decode(actions, 4, True, np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"must have shape \(3, 5\), got \(4, 5\)"):
        make("grid").decode(actions, 3, True, np.zeros((3, 5)))


def test_a_column_that_is_absent_does_not_shift_the_name_of_the_fault() -> None:
    with pytest.raises(ValueError, match=r"symbol=7 of lane 0 must lie in \[0, 4\]"):
        make("grid", zooms=(1,), stopping=False).decode(np.array([0, 0, 7]), 1, False, np.zeros((1, 5)))
