"""Soft attention over frames: its weights, that it learns a way, and that a kill costs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.soft_video import Config, Network, train, watch
from agents.training import make_lanes
from glimpse_env import evaluate

ID = "MovingDigits-v0"
#: A white square of one class that drifts over black: only its way is to be told, one of four.
TOY: dict[str, Any] = {
    "source": (np.full((40, 4, 4), 255, np.uint8), np.zeros(40, np.int64)), "canvas": 16, "clutter": 0, "patch": 4,
    "budget": 4,
}  # fmt: skip
QUICK: dict[str, Any] = {"batch": 64, "features": 32, "maps": 16, "learning_rate": 5e-3, "precision": "float32"}


def test_the_weights_of_every_frame_are_shares_of_its_places() -> None:
    env = make_lanes(ID, 3, **TOY)
    env.reset(seed=0)
    torch.manual_seed(0)
    network = Network(env, Config(features=8, maps=8))
    logits, weights = watch(network, env)
    places = network.places[0] * network.places[1]
    assert logits.shape == (4, 3, 4)
    assert weights.shape == (4, 3, places)
    torch.testing.assert_close(weights.sum(2), torch.ones(4, 3))
    where = network.annotate(env.canvases())[0, :, -2:]
    assert where[0].tolist() == [-1, -1]
    assert where[-1].tolist() == [1, 1]


def test_learns_which_way_and_looks_at_what_moves(tmp_path: Path) -> None:
    agent = train(ID, seed=0, steps=150 * 64 * 4, folder=tmp_path, overrides=TOY, **QUICK)
    score = evaluate(agent, ID, scenes=4, lanes=200, progress=False, **TOY)
    assert evaluate(agent, ID, split="train", scenes=300, progress=False, **TOY).accuracy > 0.6
    assert np.abs(score.log.actions["gaze"]).max() <= 1


def test_goes_on_exactly_where_it_was_killed(tmp_path: Path) -> None:
    small = {"canvas": 34, "clutter": 0, "budget": 4}  # the bundled digits: arrays of one's own would not compare
    arguments: dict[str, Any] = {"seed": 3, "steps": 6 * 64 * 4, "overrides": small, **QUICK}

    class Killed(Exception):
        pass

    def kill(row: dict[str, float]) -> None:
        if row["steps"] > 3 * 64 * 4:
            raise Killed

    whole, again = [], []
    train(ID, folder=tmp_path / "whole", log=whole.append, **arguments)
    with pytest.raises(Killed):
        train(ID, folder=tmp_path / "parts", log=kill, **arguments)
    train(ID, folder=tmp_path / "parts", log=again.append, **arguments)
    assert len(again) < len(whole)
    assert [row["accuracy"] for row in again] == [row["accuracy"] for row in whole[-len(again) :]]


def test_what_zooms_or_stops_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="watches to the end"):
        train("CrowdedDigits-v0", seed=0, steps=10, folder=tmp_path)
