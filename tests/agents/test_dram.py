"""DRAM: who trains what, that the context steers but cannot classify, and learning where only it knows the way."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from agents import dram
from agents.dram_networks import COARSE, Policy, coarse_of
from agents.training import make_lanes
from glimpse_env import evaluate
from glimpse_env.vector_env import GlimpseVectorEnv

TASK = "CrowdedDigitsRetina-v0"
SEQUENCE = "DigitsSequence-v0"
SMALL: dict[str, Any] = {"scenes": 8, "features": 32, "steering": 16, "precision": "float32"}


def lanes(count: int = 16, **overrides: Any) -> GlimpseVectorEnv:
    env = make_lanes(TASK, count, **overrides)
    env.reset(seed=0)
    return env


CONFIG = dram.Config(**SMALL)


def policy_of(env: GlimpseVectorEnv) -> Policy:
    torch.manual_seed(0)
    policy = Policy(env, 32, 16)
    torch.nn.init.normal_(policy.gaze[2].weight, std=0.3)  # type: ignore[arg-type]
    return policy


def trained_by(policy: Policy, loss: torch.Tensor) -> set[str]:
    """The parts that a loss has a gradient for."""
    policy.zero_grad()
    loss.backward()
    return {
        name.split(".")[0]
        for name, weight in policy.named_parameters()
        if weight.grad is not None and float(weight.grad.norm()) > 0
    }


@torch.no_grad()
def follow(policy: Policy, env: GlimpseVectorEnv, coarse: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and wanted gazes of a policy whose eye is led along one fixed path."""
    seen, _ = env.reset(seed=0)
    path = np.random.default_rng(0).uniform(-1, 1, (env.task.budget, env.num_envs, 2))
    speak, state = np.ones(env.num_envs, np.int64), policy.start(env.num_envs, coarse)
    logits, wanted = [], []
    for step in range(env.task.budget):
        state = policy(seen, state)
        logits.append(policy.answer(state.lower[0]))
        wanted.append(policy.mean_gaze(state.upper[0]))
        seen = env.step({"gaze": path[step], "symbol": speak})[0]
    return torch.stack(logits), torch.stack(wanted)


def test_the_context_steers_but_nothing_of_it_reaches_the_answer() -> None:
    env = lanes()
    policy = policy_of(env)
    coarse = coarse_of(env)
    logits, wanted = follow(policy, env, coarse)
    other_logits, other_wanted = follow(policy, env, torch.rand_like(coarse))
    assert torch.equal(logits, other_logits)
    assert (wanted - other_wanted).abs().amax((1, 2)).min() > 1e-3  # at every step


def test_the_labels_loss_trains_the_lower_layer_alone() -> None:
    env = lanes()
    policy = policy_of(env)
    played = dram.rollout(policy, env, env.reset()[0], CONFIG, 0.2)
    loss = F.cross_entropy(played.logits[0, -1], played.labels[0])
    assert trained_by(policy, loss) == {"what", "where", "lower", "answer"}


def test_reinforce_trains_the_upper_layer_and_the_context_alone() -> None:
    env = lanes()
    policy = policy_of(env)
    played = dram.rollout(policy, env, env.reset()[0], CONFIG, 0.2)
    assert trained_by(policy, played.chosen.sum()) == {"context", "upper", "gaze"}
    played = dram.rollout(policy, env, env.reset()[0], CONFIG, 0.2)
    assert trained_by(policy, played.baselines.sum()) == {"baseline"}


def test_the_look_that_is_never_taken_is_not_in_the_loss() -> None:
    env = lanes()
    played = dram.rollout(policy_of(env), env, env.reset()[0], CONFIG, 0.2)
    assert len(played.chosen) == len(played.baselines) == env.task.budget - 1


def test_gains_are_what_a_glimpse_changed_of_its_own_symbol() -> None:
    chance = torch.tensor([[-3.0, -2.0, -1.0], [-6.0, -5.0, -4.0]])[..., None]  # (2 symbols, 3 looks, 1 lane)
    gained = dram.gains_of(chance, 0.5)[..., 0]
    last = 0.5 * -1 - 1  # the last counts twice
    torch.testing.assert_close(gained[0, 2], torch.tensor(last / 1.5 + 2))
    torch.testing.assert_close(gained[0, 1], torch.tensor((-2 + 0.5 * last) / 1.75 + 3))
    torch.testing.assert_close(gained[0, 0], torch.tensor((-3 - 1 + 0.25 * last) / 1.875))
    torch.testing.assert_close(gained[1, 1:], gained[0, 1:])


def played_by_hand(labels: list[list[int]]) -> dram.Rollout:
    """Symbols of three looks; the first lane ends right, the second one wrong, any other undecided."""
    target = torch.tensor(labels)
    lanes = target.shape[1]
    logits = torch.zeros(len(labels), 3, lanes, 2)
    logits[:, 2, 0, 0], logits[:, 2, 1, 0] = 3.0, -3.0
    looks = 3 * len(labels) - 1
    looked = torch.zeros(looks, lanes, requires_grad=True)
    return dram.Rollout(looked, torch.zeros(looks, lanes), torch.zeros(looks, lanes), logits, target)


def test_a_gaze_at_the_rim_is_drawn_home() -> None:
    """There the tanh is flat, so that REINFORCE alone does not move it."""
    pulls = []
    for home in (0.0, 1e-3):
        env, config = lanes(8), dataclasses.replace(CONFIG, home=home)
        policy = policy_of(env)
        torch.nn.init.zeros_(policy.gaze[2].weight)  # type: ignore[arg-type]
        torch.nn.init.constant_(policy.gaze[2].bias, 9.0)  # type: ignore[arg-type]
        dram.loss_of(dram.rollout(policy, env, env.reset(seed=0)[0], config, 0.1), config).backward()
        pull = policy.gaze[2].bias.grad
        assert isinstance(pull, torch.Tensor)
        pulls.append(pull)
    assert pulls[0].abs().max() < 1e-4
    assert pulls[1].min() > 0.05, "down, where the loss is smaller"


def test_a_better_look_becomes_likelier() -> None:
    played = played_by_hand([[0, 0]])
    dram.loss_of(played, dram.Config()).backward()
    assert played.chosen.grad is not None
    assert (played.chosen.grad[:, 0] < 0).all()  # descent raises these
    assert (played.chosen.grad[:, 1] > 0).all()


def test_nothing_counts_after_the_end_of_a_text() -> None:
    """The second lane's text has one symbol: its looks for another one have no gradient, nor do their logits."""
    played = played_by_hand([[0, 0, 0], [1, -1, 0]])
    played = played._replace(logits=played.logits.requires_grad_())
    dram.loss_of(played, dram.Config()).backward()
    assert played.chosen.grad is not None
    assert played.logits.grad is not None
    assert (played.chosen.grad[2:, 1] == 0).all()
    assert (played.chosen.grad[2:, 0] != 0).all()
    assert (played.logits.grad[1, :, 1] == 0).all()
    assert dram.accuracy_of(played) == pytest.approx(1 / 3)
    assert dram.accuracy_of(played._replace(labels=torch.tensor([[0, 1, 0], [0, -1, 0]]))) == 1.0


def test_the_context_is_the_scene_averaged_down_in_every_channel() -> None:
    grey = lanes(3, canvas=72)
    scenes = grey.canvases().reshape(3, 24, 3, 24, 3).mean((2, 4)) / 255
    np.testing.assert_allclose(coarse_of(grey)[:, 0], scenes, atol=1e-6)
    images = np.random.default_rng(0).integers(0, 256, (40, 24, 24, 3), np.uint8)
    colour = lanes(3, source=(images, np.arange(40) // 4 % 2), canvas=24, patch=8, clutter=0)
    expected = np.moveaxis(colour.canvases(), 3, 1) / 255
    np.testing.assert_allclose(coarse_of(colour), expected, atol=1e-6)


def test_only_with_a_context_does_it_look_at_the_hidden_scene() -> None:
    env = lanes()
    assert hasattr(dram.DramAgent(policy_of(env), env, True), "peek")
    assert not hasattr(dram.DramAgent(policy_of(env), env, False), "peek")


@pytest.mark.parametrize("context", [True, False])
def test_training_twice_gives_the_same_bits_and_a_resumed_run_too(context: bool, tmp_path: Path) -> None:
    steps = 8 * 8 * 4

    def weights(folder: Path, **more: Any) -> dict[str, torch.Tensor]:
        agent = dram.train(TASK, seed=3, steps=steps, folder=folder, context=context, **SMALL, **more)
        return agent.policy.state_dict()

    class Killed(Exception):
        pass

    def kill(row: dict[str, float]) -> None:
        if row["steps"] == steps // 2:
            raise Killed

    whole = weights(tmp_path / "whole")
    with pytest.raises(Killed):
        weights(tmp_path / "cut", log=kill)
    for again in (weights(tmp_path / "again"), weights(tmp_path / "cut")):
        assert whole.keys() == again.keys()
        assert all(torch.equal(whole[name], again[name]) for name in whole)


EVERY = ["CrowdedDigits-v0", "CrowdedDigitsRetina100-v0", "CenteredDigits-v0", "DigitsAddition-v0", "DigitsPairs-v0"]


@pytest.mark.parametrize("task", EVERY)
def test_an_agent_plays_every_hybrid_task(task: str, tmp_path: Path) -> None:
    agent = dram.train(task, seed=0, steps=8 * 8 * 2, folder=tmp_path, **SMALL)
    score = evaluate(agent, task, scenes=20, progress=False)
    assert 0 <= score.accuracy <= 1
    assert score.mean_glimpses in (7, 8)


def test_it_says_a_symbol_of_a_text_every_third_glimpse_until_the_end_symbol(tmp_path: Path) -> None:
    agent = dram.train(SEQUENCE, seed=0, steps=8 * 18, folder=tmp_path, **SMALL)
    with torch.no_grad():
        agent.policy.answer.bias[3] = 50.0
    log = evaluate(agent, SEQUENCE, scenes=20, progress=False).log
    speaks = log.actions["speak"][:, :18]
    assert (speaks[:, 2::3] == 1).all()
    assert speaks.sum() == 20 * 6
    with torch.no_grad():
        agent.policy.answer.bias[10] = 99.0  # the end symbol
    assert evaluate(agent, SEQUENCE, scenes=20, progress=False).mean_glimpses == 3


def test_backwards_keeps_the_closing_symbol_last() -> None:
    labels = torch.tensor([[1, 2, 3, 10], [5, 10, -1, -1]]).T
    assert dram.backwards(labels, 10).T.tolist() == [[3, 2, 1, 10], [5, 10, -1, -1]]
    assert dram.backwards(torch.tensor([[1, 2], [3, 4]]), -1).tolist() == [[3, 4], [1, 2]]


def bars(count: int = 200) -> tuple[Any, Any]:
    """Images of 12x12: a standing bar is class 0, a lying one class 1."""
    labels = np.arange(count) // 10 % 2
    images = np.zeros((count, 12, 12), np.uint8)
    images[labels == 0, :, 5:7] = 255
    images[labels == 1, 5:7, :] = 255
    return images, labels


@pytest.mark.slow
def test_learns_to_go_where_the_context_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a wide canvas, two small glimpses: the first is at random, so only the context can say where the bar is."""
    toy: dict[str, Any] = {"source": bars(), "canvas": 48, "clutter": 0, "patch": 8, "scales": (1,), "budget": 2}
    recipe: dict[str, Any] = {**SMALL, "scenes": 128, "gaze_std": (0.25, 0.25), "learning_rate": 3e-3}
    agent = dram.train(TASK, seed=0, steps=40_000, folder=tmp_path, overrides=toy, **recipe)
    assert evaluate(agent, TASK, scenes=400, progress=False, **toy).accuracy > 0.9
    monkeypatch.setattr(dram, "coarse_of", lambda env: torch.zeros(env.num_envs, 1, COARSE, COARSE))
    assert evaluate(agent, TASK, scenes=400, progress=False, **toy).accuracy < 0.7  # blindfolded
