"""Whole-image networks: what they see, that they learn, and that a killed training goes on exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents import full_view
from agents.full_view import NETWORKS, Network, as_input, predict, train
from glimpse_env import evaluate

ID = "CrowdedDigits-v0"  # with stopping and zooms, so that every part of an action is there


def bars(count: int = 200) -> tuple[Any, Any]:
    """Images of 12x12: a standing bar is class 0, a lying one class 1."""
    labels = np.arange(count) // 10 % 2
    images = np.zeros((count, 12, 12), np.uint8)
    images[labels == 0, :, 5:7] = 255
    images[labels == 1, 5:7, :] = 255
    return images, labels


TOY: dict[str, Any] = {"source": bars(), "canvas": 24, "clutter": 0, "patch": 4, "budget": 2}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_view, "DRAW", 64)
    monkeypatch.setattr(full_view, "VALIDATION", 40)


@pytest.mark.parametrize("network", ["fc64", "cnn"])
def test_learns_what_a_glimpse_could_not_show_and_answers_at_once(network: Network, tmp_path: Path) -> None:
    rows: list[dict[str, float]] = []
    arguments: dict[str, Any] = {"overrides": TOY, "network": network, "batch": 32, "log": rows.append}
    agent = train(ID, seed=0, steps=8000, folder=tmp_path, **arguments)
    score = evaluate(agent, ID, scenes=200, progress=False, **TOY)
    assert score.accuracy > 0.95
    assert score.mean_glimpses == 1
    assert rows[-1]["accuracy"] > 0.95
    assert rows[-1]["steps"] >= 8000


def test_answers_at_every_step_of_a_fixed_glimpse_task_and_looks_about(tmp_path: Path) -> None:
    task = {**TOY, "stopping": False, "glimpse_cost": 0, "budget": 3}
    agent = train(ID, seed=0, steps=600, folder=tmp_path, overrides=task, network="fc64")
    score = evaluate(agent, ID, scenes=50, progress=False, **task)
    assert score.mean_glimpses == 3
    assert len({accuracy for _, _, accuracy in score.by_glimpses}) == 1
    assert np.ptp(score.log.actions["gaze"][:, :2], axis=(0, 1)).min() > 1


def test_goes_on_exactly_where_it_was_killed(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"seed": 3, "steps": 7 * 64 * 6, "network": "cnn", "batch": 32, "points": 3}
    rows: list[dict[str, float]] = []
    whole = train("CenteredDigits-v0", folder=tmp_path / "whole", log=rows.append, **arguments)

    def kill_at_the_second(row: dict[str, float]) -> None:
        if row["steps"] == rows[1]["steps"]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("CenteredDigits-v0", folder=tmp_path / "killed", log=kill_at_the_second, **arguments)
    again: list[dict[str, float]] = []
    resumed = train("CenteredDigits-v0", folder=tmp_path / "killed", log=again.append, **arguments)
    assert [row["loss"] for row in again] == [row["loss"] for row in rows[1:]]
    for one, other in zip(whole.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(one, other)
    third: list[dict[str, float]] = []
    train("CenteredDigits-v0", folder=tmp_path / "killed", log=third.append, **arguments)
    assert third == []  # nothing left to do
    with pytest.raises(ValueError, match="other settings"):
        train("CenteredDigits-v0", folder=tmp_path / "killed", **{**arguments, "seed": 4})


def test_seeds_begin_with_other_weights_and_see_other_scenes(tmp_path: Path) -> None:
    rows: list[dict[str, float]] = []
    arguments: dict[str, Any] = {"steps": 400, "network": "fc64", "learning_rate": 1e-9, "log": rows.append}
    one, other = (train("CenteredDigits-v0", seed=k, folder=tmp_path / str(k), **arguments) for k in (0, 1))
    weights = [next(agent.network.parameters()) for agent in (one, other)]
    assert (weights[0] - weights[1]).abs().max() > 1e-3
    assert rows[0]["loss"] != rows[1]["loss"]


def test_networks_see_full_intensity_and_the_right_channels() -> None:
    canvases = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), np.uint8)
    canvases[0, 0, 0] = 255
    seen = as_input(canvases)
    assert seen.shape == (2, 3, 5, 4)
    assert seen[0, :, 0, 0].tolist() == [1, 1, 1]
    np.testing.assert_allclose(seen[1, 2], canvases[1, :, :, 2] / 255, rtol=1e-6)
    np.testing.assert_allclose(as_input(canvases[..., 1])[1, 0], canvases[1, :, :, 1] / 255, rtol=1e-6)


@pytest.mark.parametrize("network", list(NETWORKS))
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 60, 100)])
def test_every_network_takes_every_canvas(network: Network, shape: tuple[int, int, int]) -> None:
    canvases = np.zeros((3, *shape[1:], *([3] * (shape[0] == 3))), np.uint8)
    answers = predict(NETWORKS[network](shape, 7), canvases)
    assert answers.shape == (3,)
    assert 0 <= answers.min() <= answers.max() < 7


def test_the_papers_networks_are_the_papers() -> None:
    def weights(network: Network) -> int:
        built = NETWORKS[network]((1, 60, 60), 10)
        predict(built, np.zeros((1, 60, 60), np.uint8))
        return sum(part.numel() for part in built.parameters())

    assert weights("fc64") == 3600 * 64 + 64 + 64 * 64 + 64 + 64 * 10 + 10
    assert weights("fc256") == 3600 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10
    assert weights("conv") == 8 * 100 + 8 + 8 * 11 * 11 * 256 + 256 + 256 * 10 + 10
