"""Catch: that the agent learns from the reward alone, and what each part of its loss moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from agents import catch
from agents.catch import Config, Policy, Rollout, Tracker, loss_of, rollout, rows_at, train
from agents.training import fresh_scenes, make_lanes
from glimpse_env import evaluate

ID = "GlimpseCatch-v0"
#: Six columns, the ball three rows up, and an eye that sees most of it wherever it is.
TOY: dict[str, Any] = {"canvas": 6, "budget": 3, "patch": 6, "scales": (1,)}
QUICK: dict[str, Any] = {
    "batch": 128, "features": 48, "learning_rate": 1e-2, "precision": "float32", "begin": 3, "entropy": 0.1,
}  # fmt: skip


def played(**changed: Any) -> Rollout:
    """Two steps of two lanes; the first lane has caught its ball."""
    parts: dict[str, Tensor] = {
        "logits": torch.zeros(2, 2, 3), "moves": torch.tensor([[0, 1], [2, 2]]), "means": torch.zeros(2, 2, 2),
        "gazes": torch.full((2, 2, 2), 0.1), "baselines": torch.full((2, 2), 0.5), "caught": torch.tensor([1.0, 0.0]),
    }  # fmt: skip
    return Rollout(
        **{name: part.clone().requires_grad_(part.is_floating_point()) for name, part in parts.items()}
    )._replace(**changed)


def test_the_loss_by_hand() -> None:
    """Even chances, a surprise of a half either way: likelier what was done in the lane that caught, and only there."""
    game = played()
    loss_of(game, Config(gaze_std=0.1, baseline_weight=1.0), entropy=0.0, look_weight=1.0).backward()
    gain = 0.5 / (torch.tensor([0.5, -0.5, 0.5, -0.5]).std().item() + 1e-3) / 2  # the mean of two lanes
    third = 1 / 3
    expected = np.array([[[third - 1, third, third], [-third, 1 - third, -third]], [[third, third, third - 1]] * 2])
    expected[1, 1] *= -1
    np.testing.assert_allclose(game.logits.grad, gain * expected, atol=1e-6)
    looks = np.zeros((2, 2, 2))
    looks[0, 0], looks[0, 1] = -gain * 0.1 / 0.01, gain * 0.1 / 0.01  # the last look is never taken
    np.testing.assert_allclose(game.means.grad, looks, rtol=1e-5)
    np.testing.assert_allclose(game.baselines.grad, [[-0.25, 0.25]] * 2)  # d/db (R - b)^2 / 4


def test_a_random_gaze_is_not_learned_and_entropy_evens_the_moves_out() -> None:
    game = played()
    loss_of(game, Config(gaze="random"), entropy=0.0, look_weight=1.0).backward()
    assert game.means.grad is None
    sure = torch.zeros(2, 2, 3)
    sure[..., 0] = 2
    sure.requires_grad_()
    loss_of(
        played(logits=sure, baselines=torch.tensor([[1.0, 0.0]] * 2)), Config(), entropy=1.0, look_weight=0
    ).backward()
    assert sure.grad is not None
    assert (sure.grad[..., 0] > 0).all()
    assert (sure.grad[..., 1:] < 0).all()


def test_every_part_of_the_policy_learns() -> None:
    env = make_lanes(ID, 64, **TOY)
    torch.manual_seed(0)
    config = Config(features=16, precision="float32")
    policy = Policy(env, config)
    torch.nn.init.normal_(policy.decide.weight, std=0.1)  # at the start nothing reaches what lies below
    loss_of(rollout(policy, env, fresh_scenes(env, 0, 0)), config, 0.01, 0.02).backward()
    for name, part in policy.named_parameters():
        assert part.grad is not None
        assert part.grad.abs().sum() > 0, name
    assert (policy.decide.weight.grad.norm(dim=1) > 0).all()  # type: ignore[union-attr]


def test_a_pixel_weighs_alike_at_every_scale() -> None:
    env = make_lanes(ID, 1)
    assert Policy(env, Config(features=8)).gain.flatten().tolist() == [1, 4, 16]


def test_games_grow_from_few_rows_to_all() -> None:
    rows = [rows_at(k / 100, Config(begin=4, whole=0.5), 23) for k in range(100)]
    assert rows[0] == 4
    assert rows == sorted(rows)
    assert rows[49] == 23 == rows[99]
    assert set(rows) == set(range(4, 24))
    assert rows_at(0.9, Config(begin=4), 3) == 3


def test_learns_to_catch_from_the_reward_alone(tmp_path: Path) -> None:
    agent = train(ID, seed=0, steps=200 * 128 * 3, folder=tmp_path, overrides=TOY, **QUICK)
    still = evaluate(lambda seen: np.full((len(seen["gaze"]), 3), 1), ID, scenes=1000, progress=False, **TOY).accuracy
    best = evaluate(Tracker(), ID, scenes=1000, progress=False, **TOY).accuracy
    score = evaluate(agent, ID, scenes=1000, progress=False, **TOY).accuracy
    assert still < 0.45
    assert score > still + 0.15 * (best - still), (still, score, best)


def test_goes_on_exactly_where_it_was_killed(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"seed": 3, "steps": 300 * 3 * 16, "overrides": TOY, **QUICK, "batch": 16}

    class Killed(Exception):
        pass

    def kill(row: dict[str, float]) -> None:
        if row["steps"] > 150 * 3 * 16:
            raise Killed

    whole, again = [], []
    train(ID, folder=tmp_path / "whole", log=whole.append, **arguments)
    with pytest.raises(Killed):
        train(ID, folder=tmp_path / "parts", log=kill, **arguments)
    agent = train(ID, folder=tmp_path / "parts", log=again.append, **arguments)
    assert len(again) < len(whole)
    assert [row["accuracy"] for row in again] == [row["accuracy"] for row in whole[-len(again) :]]
    assert isinstance(agent, catch.CatchAgent)


def test_what_steers_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has nothing to steer"):
        train("MovingDigits-v0", seed=0, steps=10, folder=tmp_path)
