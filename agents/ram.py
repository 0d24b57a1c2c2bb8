"""RAM: the recurrent attention model of Mnih, Heess, Graves and Kavukcuoglu (NIPS 2014), after arXiv 1406.6247.

    glimpse   g = relu(W relu(W_x x) + W relu(W_l l))        glimpse network, section 3.1
    core      h' = relu(W h + W g)
    gaze      l' ~ Normal(W h, std), W alone trained by REINFORCE, equation (3), with the baseline b = W h
    answer    softmax(W h) at the last glimpse, trained by cross-entropy with everything but the gaze (the hybrid loss)

What differs from the paper, which leaves these open or to a search:

* The gaze, the running answer and the baseline read h without passing gradient into it, so that REINFORCE trains the
  gaze alone and nothing else trains it.
* Learning rate 0.01 and gaze std 0.15 are fixed rather than searched for each task.
* Gradients are clipped to norm 5.
* At evaluation the eye goes to the mean of its policy: one path, no averaging.
* With several zooms the zoom is drawn from a softmax of h, trained as the gaze is. In a task with stopping it uses the
  whole budget and then answers.
* `label_weight=0` drops the labels: the answer is sampled and trained by REINFORCE too, from the reward alone.

    python -m agents.ram --task CrowdedMNISTRetina-v0 --steps 10_000_000
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.descent import descend, pull_on
from agents.training import Log, Row, fresh_scenes, ignore, make_lanes, optimise
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv


@dataclass(frozen=True)
class Config:
    """The recipe.

    Attributes:
        batch: Episodes in an update.
        optimizer: ``"sgd"``, the paper's, or ``"adam"``.
        learning_rate: At the start; it falls linearly to 0.
        momentum: Of SGD.
        gaze_std: Standard deviation of the gaze, in the gaze's units of [-1, 1].
        gaze: ``"learned"``, or ``"random"``: uniform, the anchor that a learned gaze must beat.
        label_weight: Weight of the cross-entropy with the label; 0 learns from the reward alone.
        features: Units of the core; the glimpse network's first layers have half as many.
        clip: Largest norm of the gradient.
    """

    batch: int = 20
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.9
    gaze_std: float = 0.15
    gaze: Literal["learned", "random"] = "learned"
    label_weight: float = 1.0
    features: int = 256
    clip: float = 5.0


class Policy(nn.Module):
    """RAM's networks for the spaces of one environment."""

    def __init__(self, env: GlimpseVectorEnv, features: int) -> None:
        super().__init__()
        spaces = env.single_observation_space.spaces, env.single_action_space.spaces  # type: ignore[attr-defined]
        pixels, zooms = math.prod(spaces[0]["glimpse"].shape), len(env.task.zooms)
        self.features = features
        self.what = nn.Linear(pixels, features // 2)
        self.where = nn.Linear(3, features // 2)
        self.what_out = nn.Linear(features // 2, features)
        self.where_out = nn.Linear(features // 2, features)
        self.core_in = nn.Linear(features, features)
        self.core = nn.Linear(features, features)
        self.gaze = nn.Linear(features, 2)
        self.zoom = nn.Linear(features, zooms)
        self.answer = nn.Linear(features, int(spaces[1]["symbol"].n))
        self.baseline = nn.Linear(features, 1)

    def start(self, lanes: int) -> Tensor:
        """The core's state before the first glimpse: float32, (lanes, features)."""
        return torch.zeros(lanes, self.features)

    def forward(self, seen: Observation, state: Tensor) -> Tensor:
        """Take in one glimpse: the core's next state."""
        what = F.relu(self.what(torch.from_numpy(seen["glimpse"]).flatten(1)))
        where = F.relu(self.where(torch.from_numpy(seen["gaze"])))
        glimpse = F.relu(self.what_out(what) + self.where_out(where))
        return F.relu(self.core_in(glimpse) + self.core(state))


class Rollout(NamedTuple):
    """A batch of whole episodes, time first.

    Attributes:
        looks: Log-probability of every look that was used: (budget - 1, lanes).
        baselines: What was expected before each of them: (budget - 1, lanes).
        logits: The last answer's: (lanes, symbols).
        spoken: The last answer: (lanes,).
        reward: (lanes,).
        label: (lanes,).
    """

    looks: Tensor
    baselines: Tensor
    logits: Tensor
    spoken: Tensor
    reward: Tensor
    label: Tensor


def rollout(policy: Policy, env: GlimpseVectorEnv, seen: Observation, config: Config) -> Rollout:
    """Play the episodes that begin with `seen`, each to the end of its budget."""
    state, looks, baselines = policy.start(env.num_envs), [], []
    parts = env.single_action_space.spaces  # type: ignore[attr-defined]
    for step in range(env.task.budget):
        last = step == env.task.budget - 1
        state = policy(seen, state)
        frozen = state.detach()
        mean, zooms = policy.gaze(frozen), torch.distributions.Categorical(logits=policy.zoom(frozen))
        place = torch.distributions.Normal(mean, config.gaze_std)
        gaze, zoom = place.sample(), zooms.sample()  # sample() detaches: an attached gaze would cancel its own gradient
        if config.gaze == "random":
            gaze, zoom = 2 * torch.rand_like(gaze) - 1, torch.randint_like(zoom, len(env.task.zooms))
        logits = policy.answer(state if last else frozen)
        answer = logits.argmax(1)
        if last and not config.label_weight:
            answer = torch.distributions.Categorical(logits=logits).sample()
        if not last:  # the look of the last step is never taken
            looks.append(place.log_prob(gaze).sum(1) + zooms.log_prob(zoom))
            baselines.append(policy.baseline(frozen)[:, 0])
        action = {"gaze": gaze, "zoom": zoom, "speak": torch.full_like(zoom, last), "symbol": answer}
        seen, reward, _, _, info = env.step({name: action[name].numpy() for name in parts})
    return Rollout(
        torch.stack(looks), torch.stack(baselines), logits, answer,
        torch.from_numpy(reward).float(), torch.from_numpy(info["label"]),
    )  # fmt: skip


def loss_of(played: Rollout, config: Config) -> Tensor:
    """The hybrid loss: cross-entropy, REINFORCE for the looks, squared error for the baseline."""
    surprise = played.reward - played.baselines
    loss = surprise.square().mean()
    if config.gaze == "learned":
        loss = loss - (surprise.detach() * played.looks).sum(0).mean()
    if config.label_weight:
        return loss + config.label_weight * F.cross_entropy(played.logits, played.label)
    said = torch.distributions.Categorical(logits=played.logits).log_prob(played.spoken)
    return loss - (surprise[-1].detach() * said).mean()


class RamAgent:
    """A trained policy, one path for each scene."""

    action_mode = "hybrid"

    def __init__(self, policy: Policy, env: GlimpseVectorEnv, config: Config) -> None:
        self.policy, self.zooms, self.config = policy.eval(), len(env.task.zooms), config
        self.parts = list(env.single_action_space.spaces)  # type: ignore[attr-defined]
        self.chance = np.random.default_rng(0)

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.state = self.policy.start(lanes)

    @torch.no_grad()
    def act(self, seen: Observation) -> dict[str, np.ndarray]:
        """The most likely look and answer."""
        self.state = self.policy(seen, self.state)
        gaze, zoom = self.policy.gaze(self.state).numpy(), self.policy.zoom(self.state).argmax(1).numpy()
        if self.config.gaze == "random":
            gaze, zoom = self.chance.uniform(-1, 1, gaze.shape), self.chance.integers(0, self.zooms, zoom.shape)
        action = {
            "gaze": gaze,
            "zoom": zoom,
            "speak": (seen["budget"][:, 0] == 0).astype(np.int64),
            "symbol": self.policy.answer(self.state).argmax(1).numpy(),
        }
        return {name: action[name] for name in self.parts}

    @torch.no_grad()
    def belief(self) -> np.ndarray:
        """Probability of each class after the latest look: float32, (lanes, classes)."""
        return self.policy.answer(self.state).softmax(1).numpy()


def train(
    task: str,
    *,
    seed: int,
    steps: int,
    folder: Path,
    log: Log = ignore,
    overrides: dict[str, Any] | None = None,
    **config: Any,
) -> RamAgent:
    """Train on fresh scenes of the training split; called again, it goes on from its checkpoint.

    Args:
        task: The environment's id.
        seed: Of the weights, the scenes and the exploration.
        steps: Environment steps in all; `steps / budget` episodes.
        folder: Where the checkpoint lives.
        log: Gets a row of the learning curve about a hundred times.
        overrides: Keywords of the task that differ from the id's.
        **config: See `Config`.

    Raises:
        DataError: If stand-in images would be trained on under an MNIST id.
        ValueError: If the folder holds a checkpoint made with other settings.
    """
    recipe = Config(**config)
    settings = {"task": task, "seed": seed, "steps": steps, "overrides": overrides or {}, **asdict(recipe)}
    env = make_lanes(task, recipe.batch, **(overrides or {}))
    torch.manual_seed(seed)
    policy = Policy(env, recipe.features)
    if recipe.optimizer == "sgd":
        optimizer: torch.optim.Optimizer = torch.optim.SGD(policy.parameters(), recipe.learning_rate, recipe.momentum)
    else:
        optimizer = torch.optim.Adam(policy.parameters(), recipe.learning_rate)
    updates = max(1, steps // (recipe.batch * env.task.budget))

    def update(k: int) -> Row:
        played = rollout(policy, env, fresh_scenes(env, seed, k), recipe)
        optimizer.zero_grad()
        loss_of(played, recipe).backward()
        row = {
            "accuracy": float((played.logits.argmax(1) == played.label).float().mean()),
            "location_gradient_norm": pull_on(policy.gaze.weight),
        }
        descend(optimizer, recipe.learning_rate * (1 - k / updates), recipe.clip)
        return row

    parts = {"policy": policy, "optimizer": optimizer}
    path, size = folder / "ram.pt", recipe.batch * env.task.budget
    optimise(update, updates, size, title=f"RAM {task}", path=path, settings=settings, parts=parts, log=log)
    return RamAgent(policy, env, recipe)


if __name__ == "__main__":
    from agents.command_line import error_of, train_and_score

    score = train_and_score(train, Config(), task="CrowdedMNISTRetina-v0", steps=10_000_000, folder="runs/ram")
    print(error_of(score))
