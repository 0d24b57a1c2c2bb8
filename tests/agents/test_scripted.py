"""Scripted gazes: where they look, and that one classifier serves them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents import scripted
from agents.gazes import GAZES, PLANS, Gaze, Plan, looks_of, mixture
from agents.scripted import train
from agents.training import make_lanes
from glimpse_env import evaluate
from glimpse_env.retina import window_start

ID = "CrowdedDigitsRetina-v0"


def signs(count: int = 400) -> tuple[Any, Any]:
    """Images of 8x8, blank but for one of four signs in the middle."""
    labels = np.arange(count) // 10 % 4
    images = np.zeros((count, 8, 8), np.uint8)
    for label, (row, column) in enumerate(((3, 3), (3, 4), (4, 3), (4, 4))):
        images[labels == label, row, column] = 255
    return images, labels


#: A 4x4 eye on a 40x40 canvas: looking at random, or anywhere fixed, hardly ever meets the sign.
TOY: dict[str, Any] = {
    "source": signs(), "canvas": 40, "clutter": 0, "patch": 4, "scales": (1,), "zooms": (1,), "budget": 3,
}  # fmt: skip
QUICK: dict[str, Any] = {"batch": 64, "features": 32, "learning_rate": 0.01, "precision": "float32"}


def plan_of(gaze: Gaze, task: str, lanes: int = 50, **overrides: Any) -> tuple[Any, Plan]:
    env = make_lanes(task, lanes, **overrides)
    env.reset(seed=0)
    return env, PLANS[gaze](env, looks_of(env), np.random.default_rng(0))


@pytest.mark.parametrize("gaze", GAZES)
@pytest.mark.parametrize("task", ["CrowdedDigits-v0", "CrowdedDigitsRetina100-v0", "CenteredDigits-v0"])
@pytest.mark.parametrize("budget", [1, 2, 8])
def test_plans_are_actions(gaze: Gaze, task: str, budget: int) -> None:
    env, plan = plan_of(gaze, task, budget=budget)
    assert plan.gaze.shape == (max(1, budget - 1), 50, 2)
    assert np.abs(plan.gaze).max() <= 1
    assert plan.zoom.shape == plan.gaze.shape[:2]
    assert plan.zoom.min() >= 0
    assert plan.zoom.max() < len(env.task.zooms)


def test_centre_stays_and_zooms_in() -> None:
    _, plan = plan_of("centre", "CrowdedDigits-v0")
    assert (plan.gaze == 0).all()
    assert plan.zoom[:, 0].tolist() == [2, 1, 0, 2, 1, 0, 2]


def test_raster_sees_the_whole_canvas() -> None:
    env, plan = plan_of("raster", "CrowdedDigits-v0", 1, budget=10)
    assert plan.gaze[:, 0, 0].tolist() == pytest.approx([-2 / 3] * 3 + [0] * 3 + [2 / 3] * 3)
    seen = np.zeros((60, 60), bool)
    for (row, column), zoom in zip(plan.gaze[:, 0], plan.zoom[:, 0], strict=True):
        side = 12 * env.task.zooms[zoom]
        top, left = max(window_start(row, 60, side), 0), max(window_start(column, 60, side), 0)
        seen[top : top + side, left : left + side] = True
    assert seen.all()


def test_oracle_looks_at_the_image_and_then_around_its_middle() -> None:
    env, plan = plan_of("oracle", "CrowdedDigits-v0", 200, clutter=0)
    assert (np.array(env.task.zooms)[plan.zoom[:, 0]] == [2, 1, 1, 1, 1, 1, 1]).all()  # 24 pixels for 28, 12 for 14
    pixels = (plan.gaze + 1) / 2 * 59
    middle = pixels[0]
    for canvas, (row, column) in zip(env.canvases(), middle, strict=True):
        top, left = round(row - 13.5), round(column - 13.5)
        assert canvas.any()
        assert not np.delete(np.delete(canvas, slice(top, top + 28), 0), slice(left, left + 28), 1).any()
        assert canvas[top : top + 28, left : left + 28].sum() == canvas.sum()
    inside = (np.abs(pixels - 29.5) < 29).all(axis=(0, 2))  # no gaze cut off at the border
    np.testing.assert_allclose(np.linalg.norm(pixels[1:] - middle, axis=2)[:, inside], 7, atol=1e-3)
    assert inside.any()


def test_mixture_gives_every_gaze_its_share() -> None:
    env, oracle = plan_of("oracle", ID, 8)
    mixed = mixture(env, looks_of(env), np.random.default_rng(0))
    assert (mixed.gaze[:, 1::4] == 0).all()
    assert np.array_equal(mixed.gaze[:, 3::4], oracle.gaze[:, 3::4])
    assert np.array_equal(mixed.gaze[:, 2::4], PLANS["raster"](env, 7, np.random.default_rng(0)).gaze[:, 2::4])
    assert len(np.unique(mixed.gaze[:, ::4])) == 7 * 2 * 2


def test_oracle_beats_random_with_the_same_classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripted, "VALIDATION", 200)
    scores = {}
    for gaze in ("oracle", "random"):
        rows: list[dict[str, float]] = []
        arguments: dict[str, Any] = {"overrides": TOY, "gaze": gaze, "log": rows.append, **QUICK}
        agent = train(ID, seed=0, steps=60_000, folder=tmp_path / gaze, shared=tmp_path / gaze, **arguments)
        scores[gaze] = evaluate(agent, ID, scenes=400, progress=False, **TOY).accuracy
        assert rows[-1]["accuracy"] == rows[-1][f"accuracy_{gaze}"]
    assert scores["oracle"] > 0.9
    assert scores["random"] < 0.6


def test_the_four_share_one_classifier_and_one_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripted, "VALIDATION", 20)
    logs: dict[str, list[dict[str, float]]] = {gaze: [] for gaze in GAZES}
    networks, stamps = [], set()
    for gaze in GAZES:
        arguments: dict[str, Any] = {"gaze": gaze, "log": logs[gaze].append, **QUICK}
        agent = train("CenteredDigits-v0", seed=0, steps=3000, folder=tmp_path / f"{gaze}-seed0", **arguments)
        networks.append(torch.cat([part.flatten() for part in agent.classifier.parameters()]))
        (checkpoint,) = (tmp_path / "classifiers").glob("*.pt")
        stamps.add(checkpoint.stat().st_mtime_ns)
    assert len(stamps) == 1
    for gaze, network in zip(GAZES, networks, strict=True):
        assert torch.equal(network, networks[0])
        assert [row["loss"] for row in logs[gaze]] == [row["loss"] for row in logs["random"]]
    train("CenteredDigits-v0", seed=1, steps=3000, folder=tmp_path / "random-seed1", **QUICK)
    assert len(list((tmp_path / "classifiers").glob("*.pt"))) == 2


def test_goes_on_exactly_where_it_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripted, "VALIDATION", 20)
    arguments: dict[str, Any] = {"seed": 0, "steps": 7 * 64 * 6, "points": 3, **QUICK}
    rows: list[dict[str, float]] = []
    train("CenteredDigits-v0", folder=tmp_path / "whole", shared=tmp_path / "a", log=rows.append, **arguments)
    assert len(rows) == 3

    def kill_at_the_second(row: dict[str, float]) -> None:
        if row["steps"] == rows[1]["steps"]:
            raise KeyboardInterrupt

    killed: dict[str, Any] = {"folder": tmp_path / "killed", "shared": tmp_path / "b", **arguments}
    with pytest.raises(KeyboardInterrupt):
        train("CenteredDigits-v0", log=kill_at_the_second, **killed)
    again: list[dict[str, float]] = []
    train("CenteredDigits-v0", log=again.append, **killed)
    assert [row["loss"] for row in again] == [row["loss"] for row in rows]


@pytest.mark.parametrize(("glimpses", "taken"), [(None, 4), (2, 2), (1, 1)])
def test_answers_a_task_with_stopping_after_so_many_glimpses(glimpses: int | None, taken: int, tmp_path: Path) -> None:
    task = {**TOY, "stopping": True, "budget": 4, "zooms": (1, 2)}
    agent = train(ID, seed=0, steps=64, folder=tmp_path / "x", overrides=task, glimpses=glimpses, **QUICK)
    assert evaluate(agent, ID, scenes=30, progress=False, **task).mean_glimpses == taken


@pytest.mark.parametrize(
    ("keywords", "message"), [({"gaze": "left"}, "'left' is unknown"), ({"batch": 6}, "multiple of 4")]
)
def test_refuses_what_cannot_be(keywords: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        train(ID, seed=0, steps=64, folder=tmp_path, **keywords)


def test_oracle_follows_what_moves() -> None:
    env, plan = plan_of("oracle", "MovingDigits-v0", 200)
    speed = np.abs(env.velocities()[:, 0]).sum(axis=1)
    assert speed.min() >= 2
    for k, gaze in enumerate(plan.gaze):
        action = {"gaze": gaze, "symbol": np.zeros(200, np.int64)}
        seen = env.step(action)[0]
        boxes = env.boxes()[:, 0]
        middle = boxes[:, :2] + (boxes[:, 2:] - 1) / 2
        off = np.abs((seen["gaze"][:, :2] + 1) / 2 * 59 - middle)
        assert off.max() < (0.01 if k == 0 else 7.01)
