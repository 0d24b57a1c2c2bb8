"""The wake-sleep estimator of the gaze: its weights by hand, who is trained by what, and that it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from agents import ram_plus, ram_plus_losses, wake_sleep
from agents.training import make_lanes
from glimpse_env.vector_env import GlimpseVectorEnv

TASK = "CenteredDigits-v0"
WAKE: dict[str, Any] = {
    "estimator": "wake-sleep",
    "scenes": 8,
    "copies": 4,
    "precision": "float32",
    "features": 32,
    "steering": 32,
}


def lanes(count: int) -> GlimpseVectorEnv:
    return make_lanes(TASK, count)


def played(env: GlimpseVectorEnv, **config: Any) -> tuple[ram_plus.Policy, ram_plus_losses.Rollout, ram_plus.Config]:
    torch.manual_seed(0)
    recipe = ram_plus.Config(**{**WAKE, **config})
    policy = ram_plus.Policy(env, recipe)
    torch.nn.init.normal_(policy.gaze[2].weight, std=0.1)  # type: ignore[arg-type]
    return policy, ram_plus.rollout(policy, env, env.reset(seed=0)[0]), recipe


def test_weights_are_the_importance_weights_of_the_paper() -> None:
    chance = torch.tensor([0.5, 0.25, 0.1, 0.1])  # two scenes of two roll-outs
    p, q = torch.tensor([0.2, 0.4, 0.3, 0.1]), torch.tensor([0.1, 0.4, 0.3, 0.1])
    w, u = wake_sleep.weights(chance.log(), p.log(), q.log(), 2)
    torch.testing.assert_close(w, torch.tensor([[1.0, 0.25], [0.1, 0.1]]) / torch.tensor([[1.25], [0.2]]))
    torch.testing.assert_close(u, torch.tensor([[2.0, 1.0], [1.0, 1.0]]) / torch.tensor([[3.0], [2.0]]))


def test_looks_are_pulled_where_the_label_became_likelier_than_by_chance() -> None:
    likely = torch.tensor([0.8, 0.2]).log()
    looks, guesses = (torch.zeros(2, requires_grad=True) for _ in range(2))
    loss, weight = wake_sleep.loss_of(likely, looks, guesses, 2, look_weight=1.0)
    loss.backward()  # type: ignore[no-untyped-call]
    for gradient in (looks.grad, guesses.grad):
        torch.testing.assert_close(gradient, torch.tensor([-0.3, 0.3]))
    torch.testing.assert_close(weight, torch.tensor([1.6, 0.4]))


def test_where_the_label_says_nothing_no_look_is_pulled() -> None:
    """Whatever p and q are: that is what the control variate is for."""
    torch.manual_seed(0)
    looks, guesses = torch.randn(8, requires_grad=True), torch.randn(8)
    loss, weight = wake_sleep.loss_of(torch.full((8,), -1.0), looks, guesses, 4, look_weight=1.0)
    loss.backward()  # type: ignore[no-untyped-call]
    assert looks.grad is not None
    torch.testing.assert_close(looks.grad, torch.zeros(8))
    assert not torch.equal(weight, torch.ones(8)), "the answers of likelier roll-outs still count for more"


def test_the_inference_network_begins_where_the_policy_is_and_is_told_the_label() -> None:
    policy, episode, _ = played(lanes(32))
    torch.testing.assert_close(episode.guesses, episode.looks)
    assert policy.guess is not None
    torch.nn.init.normal_(policy.guess.shift.weight)
    output = torch.randn(2, 32)
    zoom = torch.zeros(2, dtype=torch.int64)
    means = [policy.gaze_from(output, zoom, torch.full((2,), label))[0] for label in (3, 3, 5)]
    assert torch.equal(means[0], means[1])
    assert not torch.equal(means[0], means[2])


def test_each_network_is_trained_by_its_own_part_of_the_loss() -> None:
    policy, episode, _ = played(lanes(32))
    for chosen, trained, still in (
        (episode.looks, policy.gaze, policy.guess),
        (episode.guesses, policy.guess, policy.gaze),
    ):
        assert trained is not None
        assert still is not None
        policy.zero_grad()
        chosen.sum().backward(retain_graph=True)
        assert any(weight.grad is not None and weight.grad.norm() > 0 for weight in trained.parameters())
        assert all(weight.grad is None for weight in still.parameters())
        assert policy.core.weight.grad is None, "the core learns from the labels alone"


@pytest.mark.parametrize("wrong", [{"copies": 1}, {"gaze": "random"}])
def test_what_it_cannot_do_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="copies of at least 2 and gaze='learned'"):
        ram_plus.Config(**{**WAKE, **wrong})


def test_it_trains_twice_to_the_same_bits_and_away_from_where_it_began(tmp_path: Path) -> None:
    weights = []
    for name in ("one", "two"):
        agent = ram_plus.train(TASK, seed=1, steps=32 * 7 * 4, folder=tmp_path / name, **WAKE)
        weights.append(agent.policy.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert weights[0]["guess.shift.weight"].norm() > 0
