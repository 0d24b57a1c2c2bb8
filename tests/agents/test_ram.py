"""RAM and RAM+: the mistakes everyone makes, each as a test, and learning on a task that needs looking."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from agents import ram, ram_plus, ram_plus_losses
from agents.training import make_lanes, restore, save
from glimpse_env import evaluate
from glimpse_env.vector_env import GlimpseVectorEnv

TASK = "CenteredDigits-v0"
FAMILY = pytest.mark.parametrize("module", [ram, ram_plus], ids=["ram", "ram_plus"])


def lanes(count: int = 16, **overrides: Any) -> GlimpseVectorEnv:
    env = make_lanes(TASK, count, **overrides)
    env.reset(seed=0)
    return env


def play(module: ModuleType, env: GlimpseVectorEnv, **config: Any) -> tuple[Any, Any, Any]:
    """(policy, rollout, config) of one batch of episodes."""
    torch.manual_seed(0)
    if module is ram:
        recipe = ram.Config(**config)
        policy = ram.Policy(env, recipe.features)
        return policy, ram.rollout(policy, env, env.reset()[0], recipe), recipe
    plus = ram_plus.Config(**{"precision": "float32", "copies": 1, **config})
    model = ram_plus.Policy(env, plus)
    torch.nn.init.normal_(model.gaze[2].weight, std=0.1)  # type: ignore[arg-type]
    return model, ram_plus.rollout(model, env, env.reset()[0]), plus


def loss_of(module: ModuleType, played: Any, config: Any) -> torch.Tensor:
    return module.loss_of(played, config) if module is ram else module.loss_of(played, config, 0.0)


def gradients(policy: torch.nn.Module, loss: torch.Tensor) -> dict[str, float]:
    policy.zero_grad()
    loss.backward()
    norms: dict[str, float] = {}
    for name, weight in policy.named_parameters():
        part = name.split(".")[0]
        norms[part] = norms.get(part, 0.0) + (0.0 if weight.grad is None else float(weight.grad.norm()))
    return norms


@FAMILY
def test_the_gaze_has_a_gradient(module: ModuleType) -> None:
    policy, played, config = play(module, lanes(64))
    if module is ram:  # untrained, nearly every reward is 0: give some lanes theirs
        played = played._replace(reward=(torch.arange(64) % 2).float())
    assert gradients(policy, loss_of(module, played, config))["gaze"] > 1e-4


@FAMILY
def test_the_labels_loss_does_not_reach_the_gaze(module: ModuleType) -> None:
    policy, played, _ = play(module, lanes())
    logits = played.logits if module is ram else played.logits[-1]
    norms = gradients(policy, F.cross_entropy(logits, played.label))
    assert norms["gaze"] == norms.get("steer", 0) == 0
    assert norms["what"] > 0
    assert norms["answer"] > 0


@FAMILY
def test_reinforce_trains_the_gaze_alone(module: ModuleType) -> None:
    policy, played, _ = play(module, lanes())
    norms = gradients(policy, played.looks.sum())
    trained = {name for name, norm in norms.items() if norm > 0}
    assert trained <= {"gaze", "zoom", "steer"}
    assert "gaze" in trained


@FAMILY
def test_the_look_that_is_never_taken_is_not_in_the_loss(module: ModuleType) -> None:
    env = lanes()
    assert len(play(module, env)[1].looks) == env.task.budget - 1


def test_the_gradient_of_the_gaze_is_the_one_computed_by_hand() -> None:
    """For a Normal of fixed std, d log p / d mean = (sample - mean) / std**2, and mean = W h."""
    env = lanes(8, budget=2)
    torch.manual_seed(0)
    config = ram.Config(gaze_std=0.2)
    policy = ram.Policy(env, config.features)
    seen, _ = env.reset(seed=0)
    state = policy(seen, policy.start(8))
    torch.manual_seed(1)
    gaze = torch.distributions.Normal(policy.gaze(state.detach()), 0.2).sample()
    torch.manual_seed(1)
    played = ram.rollout(policy, env, env.reset(seed=0)[0], config)
    reward = torch.arange(8.0)
    policy.zero_grad()
    ram.loss_of(played._replace(reward=reward), config).backward()
    surprise = reward - played.baselines[0].detach()
    with torch.no_grad():
        pull = surprise[:, None] * (gaze - policy.gaze(state)) / 0.2**2 / 8
        by_hand = -pull.T @ state
    assert policy.gaze.weight.grad is not None
    torch.testing.assert_close(policy.gaze.weight.grad, by_hand, rtol=1e-3, atol=1e-4)


def test_returns_are_how_much_likelier_the_label_became() -> None:
    chances = torch.tensor([0.5, 0.25, 0.125])
    logits = torch.stack([chances, 1 - chances], 1).log()[:, None]  # (3 glimpses, 1 lane, 2 symbols)
    played = ram_plus_losses.Rollout(
        *torch.zeros(3, 2, 1), logits, torch.zeros(2, 1), torch.zeros(1, dtype=torch.int64)
    )
    log = chances.log()
    for fade in (1.0, 0.5):
        returns = ram_plus_losses.returns_of(played, ram_plus.Config(fade=fade))
        later = (log[1] + fade * (log[2] + fade * log[2])) / (1 + fade + fade**2)
        torch.testing.assert_close(returns[:, 0], torch.stack([later - log[0], log[2] - log[1]]))
    accuracy = ram_plus_losses.returns_of(played, dataclasses.replace(ram_plus.Config(), reward="accuracy"))
    assert accuracy.tolist() == [[0.0], [0.0]]


def test_the_spread_of_the_gaze_falls_from_its_first_to_its_last(tmp_path: Path) -> None:
    agent = ram_plus.train(TASK, seed=0, steps=4 * 7 * 50, folder=tmp_path, scenes=4, features=16, gaze_std=(0.4, 0.1))
    assert agent.policy.std == pytest.approx(0.1, rel=0.05)
    output, zoom = torch.zeros(3, 256), torch.zeros(3, dtype=torch.int64)
    torch.testing.assert_close(agent.policy.gaze_from(output, zoom)[1], torch.full((3, 2), agent.policy.std))


def test_without_steering_the_gaze_is_read_from_the_core() -> None:
    policy, played, _ = play(ram_plus, lanes(), steering=0)
    assert policy.steer is None
    norms = gradients(policy, played.looks.sum())
    assert norms["gaze"] > 0
    assert norms["core"] == 0


def test_copies_of_a_scene_are_each_others_baseline() -> None:
    """Two scenes of two copies: within a scene the surprises are equal and opposite, whatever the scene's level."""
    logits = torch.zeros(2, 4, 2)
    logits[1, :, 0] = torch.tensor([1.0, 3.0, 20.0, 22.0])
    looks = torch.zeros(1, 4, requires_grad=True)
    played = ram_plus_losses.Rollout(
        looks, looks, torch.zeros(1, 4), logits, torch.zeros(1, 4), torch.zeros(4, dtype=torch.int64)
    )
    ram_plus_losses.loss_of(played, ram_plus.Config(copies=2), 0.0).backward()
    assert looks.grad is not None
    pull = -looks.grad[0]
    assert pull[0] < 0 < pull[1]
    torch.testing.assert_close(pull[0::2], -pull[1::2])


@pytest.mark.parametrize(("later", "worth"), [(0.5, [-0.9, 0.1]), (-0.5, [-0.8, 0.1])])
def test_stopping_is_worth_what_the_environment_would_pay(later: float, worth: list[float]) -> None:
    """Right from the second of three glimpses on: stopping there pays 1 - cost, waiting 1 - 2 * cost, the first 0."""
    logits = torch.tensor([[[0.0, 9.0]], [[9.0, 0.0]], [[9.0, 0.0]]])
    stops = torch.tensor([[-1.0], [later]], requires_grad=True)
    played = ram_plus_losses.Rollout(*torch.zeros(3, 2, 1), logits, stops, torch.zeros(1, dtype=torch.int64))
    wanted = torch.tensor(worth)[:, None]
    torch.testing.assert_close(ram_plus_losses.worth_of_stopping(played, 0.1), wanted)
    ram_plus_losses.loss_of(played, ram_plus.Config(gaze="random"), 0.1).backward()
    torch.testing.assert_close(stops.grad, stops.detach() - wanted)  # of the mean of two squares


def test_an_agent_learns_to_stop_where_a_look_costs_more_than_it_brings(tmp_path: Path) -> None:
    """At a price of 0.12 a glimpse hardly anything is worth seven of them; for nothing, all of them are taken."""
    glimpses = {}
    for cost in (0.0, 0.12):
        overrides = {"stopping": True, "glimpse_cost": cost}
        small: dict[str, Any] = {"scenes": 32, "features": 32, "steering": 32, "precision": "float32"}
        folder = tmp_path / str(cost)
        agent = ram_plus.train(TASK, seed=0, steps=32 * 7 * 100, folder=folder, overrides=overrides, **small)
        glimpses[cost] = evaluate(agent, TASK, scenes=200, progress=False, **overrides).mean_glimpses
    assert glimpses[0.0] > glimpses[0.12] + 2


def test_a_learned_spread_has_a_gradient_and_a_fixed_one_has_no_unit_to_learn_it() -> None:
    policy, played, config = play(ram_plus, lanes(64), learned_std=True)
    ram_plus_losses.loss_of(played, config, 0.0).backward()
    assert policy.gaze[2].weight.grad[2:].norm() > 1e-4
    assert play(ram_plus, lanes(), learned_std=False)[0].gaze[2].out_features == 2


def test_the_zoom_of_most_worth_is_taken_or_now_and_then_any(tmp_path: Path) -> None:
    policy = ram_plus.Policy(make_lanes("CrowdedDigits-v0", 1), ram_plus.Config(any_zoom=0.3))
    torch.manual_seed(0)
    output = torch.randn(1, policy.config.steering).expand(30_000, -1)
    best = int(policy.worth(output[0]).argmax())
    share = torch.bincount(policy.zoom_from(output), minlength=3) / 30_000
    torch.testing.assert_close(share, torch.full((3,), 0.1).index_fill(0, torch.tensor(best), 0.8), atol=0.01, rtol=0)
    small: dict[str, Any] = {"scenes": 2, "features": 8, "steering": 8}
    agent = ram_plus.train("CrowdedDigits-v0", seed=0, steps=2 * 8 * 4, folder=tmp_path, **small)
    assert agent.policy.any_zoom == pytest.approx(0.5 / 4)  # in the last of four updates


def test_a_look_teaches_the_gaze_and_the_worth_of_its_own_zoom_alone() -> None:
    env = make_lanes("CrowdedDigits-v0", 16)
    policy = ram_plus.Policy(env, ram_plus.Config(features=16, steering=16, any_zoom=0.0))
    torch.nn.init.constant_(policy.worth[2].bias, 0.0)
    with torch.no_grad():
        policy.worth[2].bias[1] = 9.0
    played = ram_plus.rollout(policy, env, env.reset(seed=0)[0])
    ram_plus_losses.loss_of(played, policy.config, 0.02).backward()
    for head, parts in ((policy.gaze, 2), (policy.worth, 1)):
        taught = head[2].bias.grad.view(3, parts).abs().sum(1)
        assert taught[1] > 0 == taught[0] == taught[2]


@pytest.mark.parametrize("gaze", ["random", "centre"])
def test_nobody_learns_what_the_looks_of_an_anchor_are_worth(gaze: str) -> None:
    policy, played, config = play(ram_plus, lanes(), gaze=gaze)
    norms = gradients(policy, ram_plus_losses.loss_of(played, config, 0.0))
    assert norms["worth"] == norms["gaze"] == 0
    assert norms["answer"] > 0


def test_a_constant_rate_learns_on_where_a_cosine_has_come_to_rest(tmp_path: Path) -> None:
    """The last of many updates hardly moves a weight with one, and does with the other."""
    moved = {}
    for schedule in ("cosine", "constant"):
        folder = tmp_path / schedule
        small: dict[str, Any] = {"scenes": 4, "precision": "float32", "features": 16, "schedule": schedule}
        weights = []

        def keep(row: dict[str, float], folder: Path = folder, weights: list[torch.Tensor] = weights) -> None:
            if (folder / "ram_plus.pt").exists():
                weights.append(torch.load(folder / "ram_plus.pt", weights_only=False)["policy"]["answer.weight"])

        agent = ram_plus.train(TASK, seed=0, steps=4 * 7 * 60, folder=folder, log=keep, **small)
        moved[schedule] = float((agent.policy.answer.weight.detach() - weights[-1]).norm())
    assert moved["cosine"] < 0.1 * moved["constant"]


@FAMILY
def test_training_twice_gives_the_same_bits_and_a_resumed_run_too(module: ModuleType, tmp_path: Path) -> None:
    small = {"batch": 8} if module is ram else {"scenes": 8, "precision": "float32"}
    steps = 8 * 7 * 6

    def weights(folder: Path) -> dict[str, torch.Tensor]:
        agent = module.train(TASK, seed=3, steps=steps, folder=folder, **small)
        return agent.policy.state_dict()

    whole = weights(tmp_path / "whole")

    class Killed(Exception):
        pass

    def kill(row: dict[str, float]) -> None:
        if row["steps"] == steps // 2:
            raise Killed

    with pytest.raises(Killed):
        module.train(TASK, seed=3, steps=steps, folder=tmp_path / "cut", log=kill, **small)
    for again in (weights(tmp_path / "again"), weights(tmp_path / "cut")):
        assert whole.keys() == again.keys()
        assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "x.pt", {"settings": {"steps": 1, "seed": 0}})
    assert restore(tmp_path / "y.pt", {}) is None
    assert restore(tmp_path / "x.pt", {"steps": 1, "seed": 0}) is not None
    with pytest.raises(ValueError, match="other settings \\(steps\\)"):
        restore(tmp_path / "x.pt", {"steps": 2, "seed": 0})


@FAMILY
def test_an_agent_plays_every_hybrid_task(module: ModuleType, tmp_path: Path) -> None:
    small: dict[str, Any] = {"batch": 8} if module is ram else {"scenes": 4, "copies": 2}
    for task, fixed in (("CrowdedDigits-v0", False), ("CrowdedDigitsRetina-v0", True)):
        agent = module.train(task, seed=0, steps=8 * 8 * 2, folder=tmp_path / task, **small)
        score = evaluate(agent, task, scenes=40, progress=False)
        assert 0 <= score.accuracy <= 1
        if fixed or module is ram:
            assert score.mean_glimpses == 8


@pytest.mark.slow
def test_learning_to_look_beats_not_learning_to() -> None:
    """One bright square in a corner of four says the class: random looks find it in two thirds of the scenes.

    A look that pays must first be found by chance, so that now and then a training stays at what random looks reach.
    """
    rng = np.random.default_rng(0)
    images = np.zeros((400, 24, 24), np.uint8)
    labels = rng.integers(0, 4, 400)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[row * 16 : row * 16 + 8, column * 16 : column * 16 + 8] = rng.integers(120, 256, (8, 8))
    source = {split: (images, labels) for split in ("train", "validation", "test")}
    overrides = {"source": source, "canvas": 24, "patch": 4, "budget": 3}
    env = make_lanes(TASK, 64, **overrides)
    small: dict[str, Any] = {"scenes": 64, "features": 64, "steering": 0, "precision": "float32", "contrast": 1.0}
    config = ram_plus.Config(**small, gaze_std=(0.2, 0.2), look_weight=1.0)
    reached = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        env.reset(seed=seed)
        policy = ram_plus.Policy(env, config)
        optimizer = torch.optim.Adam(policy.parameters(), 2e-3)
        right = []
        for _ in range(1000):
            played = ram_plus.rollout(policy, env, env.reset()[0])
            optimizer.zero_grad()
            ram_plus_losses.loss_of(played, config, 0.0).backward()
            optimizer.step()
            right.append(float((played.logits[-1].argmax(1) == played.label).float().mean()))
        reached.append(np.mean(right[-50:]))
    assert max(reached) > 0.75, reached
