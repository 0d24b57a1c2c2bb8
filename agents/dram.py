"""DRAM: the deep recurrent attention model of Ba, Mnih and Kavukcuoglu (ICLR 2015, arXiv 1412.7755).

    glimpse   g = what(patches) * where(gaze)                                                 section 3.1
    lower     r1' = LSTM(g, r1)             starts from nothing and alone feeds the answer    section 3.2, 3.4
    upper     r2' = LSTM(r1', r2)           alone emits the gaze, Normal(tanh mean, std)      section 3.3
    context   r2 = context(coarse scene)    the whole scene down-sampled: the upper's start   section 3.5

The context can steer but not classify: nothing of it reaches the answer but through where the eye goes. As it is seen
with `peek`, an agent with a context stands among the references; with `context=False` it sees what every agent sees.

What differs from the paper:

* REINFORCE trains the upper layer, the context and the gaze, and these alone; the cross-entropy trains the rest. In the
  paper the policy gradient also passes through the lower layer.
* Cross-entropy at every glimpse, the last one weighing most, and a reward to match: how likely the label becomes.
  The baseline reads the upper layer, which it does not train.
* Adam on large batches with a cosine schedule, where the paper has SGD with momentum and an exponential one.
* The environment draws the first gaze at random; the paper's context chooses the first one too.
* At evaluation the eye goes to the mean of its policy: one path, no averaging over roll-outs.

    python -m agents.dram --task CrowdedMNISTRetina100-v0 --steps 10_000_000
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.training import Log, Row, fresh_scenes, ignore, make_lanes, optimise
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv

COARSE = 24  # height and width of the context


@dataclass(frozen=True)
class Config:
    """The recipe.

    Attributes:
        scenes: Scenes in an update.
        learning_rate: Of Adam; rises over the first 2 % of the updates, then falls to 0 along a cosine.
        features: Units of the glimpse and of the lower layer.
        steering: Units of the upper layer.
        context: Whether the upper layer starts from the coarse scene, or from nothing.
        gaze_std: Standard deviation of the gaze while training.
        early_labels: Weight of the cross-entropy before the last glimpse, against 1 at the last.
        look_weight: Weight of REINFORCE.
        precision: ``"bfloat16"`` runs matrix products on the processor's matrix units, where it has them.
        clip: Largest norm of the gradient.
    """

    scenes: int = 256
    learning_rate: float = 1e-3
    features: int = 256
    steering: int = 256
    context: bool = True
    gaze_std: float = 0.12
    early_labels: float = 0.3
    look_weight: float = 0.1
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    clip: float = 2.0


class State(NamedTuple):
    """What an agent remembers: output and memory of an LSTM, each (lanes, units).

    Attributes:
        lower: Of what it saw; feeds the answer.
        upper: Of where to look; feeds the gaze.
    """

    lower: tuple[Tensor, Tensor]
    upper: tuple[Tensor, Tensor]


def _mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def _lstm(gates: nn.Linear, seen: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """One step of an LSTM: its next output and memory."""
    keep, write, content, show = gates(torch.cat([seen, state[0].to(seen.dtype)], 1)).float().chunk(4, 1)
    memory = torch.sigmoid(keep + 1) * state[1] + torch.sigmoid(write) * torch.tanh(content)
    return torch.sigmoid(show) * torch.tanh(memory), memory


class Policy(nn.Module):
    """The networks for the spaces of one environment."""

    def __init__(self, env: GlimpseVectorEnv, config: Config) -> None:
        super().__init__()
        spaces = env.single_observation_space.spaces, env.single_action_space.spaces  # type: ignore[attr-defined]
        planes, side, _ = spaces[0]["glimpse"].shape
        self.config, features, steering = config, config.features, config.steering
        self.what = nn.Sequential(
            nn.Conv2d(planes, 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(64 * (side // 2) ** 2, features),
        )  # fmt: skip
        self.where = _mlp(3, 128, features)
        self.lower = nn.Linear(2 * features, 4 * features)
        self.answer = nn.Linear(features, int(spaces[1]["symbol"].n))
        self.upper = nn.Linear(features + steering, 4 * steering)
        self.gaze = _mlp(steering, 128, 2)
        self.zoom = _mlp(steering, 128, len(env.task.zooms))
        self.baseline = _mlp(steering, 128, 1)
        self.context = nn.Sequential(
            nn.Conv2d(planes // len(env.task.scales), 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
            nn.Conv2d(32, 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * (COARSE // 4) ** 2, steering),
        )  # fmt: skip
        nn.init.zeros_(self.gaze[2].weight)  # type: ignore[arg-type]  # begin in the middle of the canvas

    def start(self, lanes: int, coarse: Tensor | None = None) -> State:
        """What is remembered before the first glimpse.

        Args:
            lanes: How many.
            coarse: The whole scenes as `coarse_of` gives them, or None for an upper layer that starts from nothing.
        """
        nothing = torch.zeros(lanes, self.config.features)
        upper = torch.zeros(lanes, self.config.steering) if coarse is None else self.context(coarse).float()
        return State((nothing, nothing), (torch.tanh(upper), upper))

    def forward(self, seen: Observation, state: State) -> State:
        """Take in one glimpse."""
        what = F.relu(self.what(torch.from_numpy(seen["glimpse"])))
        lower = _lstm(self.lower, what * self.where(torch.from_numpy(seen["gaze"])), state.lower)
        upper = _lstm(self.upper, lower[0].detach().to(what.dtype), state.upper)  # labels train the lower layer alone
        return State(lower, upper)

    def mean_gaze(self, state: State) -> Tensor:
        """Where the eye would go next: float32, (lanes, 2), in [-1, 1]."""
        return torch.tanh(self.gaze(state.upper[0]).float())


def coarse_of(env: GlimpseVectorEnv) -> Tensor:
    """The hidden scenes, averaged down: float32, (lanes, channels, COARSE, COARSE), in [0, 1]."""
    scenes = torch.from_numpy(env.canvases()).float().div_(255)
    planes = scenes[:, None] if scenes.ndim == 3 else scenes.permute(0, 3, 1, 2)
    return F.adaptive_avg_pool2d(planes, COARSE)


class Rollout(NamedTuple):
    """A batch of whole episodes, time first.

    Attributes:
        looks: Log-probability of every look that was used: (budget - 1, lanes).
        baselines: What was expected before each of them: (budget - 1, lanes).
        logits: Of the answer after every glimpse: (budget, lanes, symbols).
        label: (lanes,).
    """

    looks: Tensor
    baselines: Tensor
    logits: Tensor
    label: Tensor


def rollout(policy: Policy, env: GlimpseVectorEnv, seen: Observation) -> Rollout:
    """Play the episodes that begin with `seen`, each to the end of its budget."""
    config = policy.config
    state = policy.start(env.num_envs, coarse_of(env) if config.context else None)
    looks, baselines, logits = [], [], []
    parts = env.single_action_space.spaces  # type: ignore[attr-defined]
    for step in range(env.task.budget):
        last = step == env.task.budget - 1
        state = policy(seen, state)
        logits.append(policy.answer(state.lower[0]).float())
        place = torch.distributions.Normal(policy.mean_gaze(state), config.gaze_std)
        zooms = torch.distributions.Categorical(logits=policy.zoom(state.upper[0]).float())
        gaze, zoom = place.sample(), zooms.sample()
        if not last:  # the look of the last step is never taken
            looks.append(place.log_prob(gaze).sum(1) + zooms.log_prob(zoom))
            baselines.append(policy.baseline(state.upper[0].detach())[:, 0].float())
        action = {"gaze": gaze, "zoom": zoom, "speak": torch.full_like(zoom, last), "symbol": logits[-1].argmax(1)}
        seen, _, _, _, info = env.step({name: action[name].numpy() for name in parts})
    return Rollout(torch.stack(looks), torch.stack(baselines), torch.stack(logits), torch.from_numpy(info["label"]))


def loss_of(played: Rollout, config: Config) -> Tensor:
    """Cross-entropy at every step, REINFORCE for the looks, error of the baseline."""
    budget, lanes, symbols = played.logits.shape
    labels = played.label.expand(budget, lanes)
    each = F.cross_entropy(played.logits.reshape(-1, symbols), labels.reshape(-1), reduction="none").view(budget, lanes)
    loss = each[-1].mean() + config.early_labels * each[:-1].mean()
    chance = -each.detach()
    later = chance[1:].flip(0).cumsum(0).flip(0) + chance[-1]
    gained = later / torch.arange(budget, 1, -1)[:, None]
    surprise = gained - played.baselines.detach()
    surprise = surprise / (surprise.std(1, keepdim=True) + 1e-3)
    loss = loss + (gained - played.baselines).square().mean()
    return loss - config.look_weight * (surprise * played.looks).sum(0).mean()


class DramAgent:
    """A trained policy, one path for each scene."""

    action_mode = "hybrid"

    def __init__(self, policy: Policy, env: GlimpseVectorEnv) -> None:
        self.policy = policy.eval()
        self.parts = list(env.single_action_space.spaces)  # type: ignore[attr-defined]
        if policy.config.context:
            self.peek = self._peek  # what has `peek` stands among the references

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.state = self.policy.start(lanes)

    @torch.no_grad()
    def _peek(self, env: GlimpseVectorEnv) -> None:
        """See the scenes coarsely."""
        self.state = self.policy.start(env.num_envs, coarse_of(env))

    @torch.no_grad()
    def act(self, seen: Observation) -> dict[str, npt.NDArray[Any]]:
        """The most likely look and answer."""
        self.state = self.policy(seen, self.state)
        action: dict[str, npt.NDArray[Any]] = {
            "gaze": self.policy.mean_gaze(self.state).numpy(),
            "zoom": self.policy.zoom(self.state.upper[0]).argmax(1).numpy(),
            "speak": (seen["budget"][:, 0] == 0).astype(np.int64),
            "symbol": self.policy.answer(self.state.lower[0]).argmax(1).numpy(),
        }
        return {name: action[name] for name in self.parts}

    @torch.no_grad()
    def belief(self) -> np.ndarray:
        """Probability of each class after the latest look: float32, (lanes, classes)."""
        return self.policy.answer(self.state.lower[0]).softmax(1).numpy()


def train(
    task: str,
    *,
    seed: int,
    steps: int,
    folder: Path,
    log: Log = ignore,
    overrides: dict[str, Any] | None = None,
    **config: Any,
) -> DramAgent:
    """Train on fresh scenes of the training split; called again, it goes on from its checkpoint, to the same bits.

    Args:
        task: The environment's id.
        seed: Of the weights, the scenes and the exploration.
        steps: Environment steps in all.
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
    env = make_lanes(task, recipe.scenes, **(overrides or {}))
    torch.manual_seed(seed)
    policy = Policy(env, recipe)
    optimizer = torch.optim.Adam(policy.parameters(), recipe.learning_rate, betas=(0.9, 0.99), fused=True)
    updates = max(1, steps // (recipe.scenes * env.task.budget))

    def update(k: int) -> Row:
        for group in optimizer.param_groups:
            warm = min(1.0, k / (0.02 * updates))
            group["lr"] = recipe.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * k / updates))
        seen = fresh_scenes(env, seed, k)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            played = rollout(policy, env, seen)
        optimizer.zero_grad()
        loss_of(played, recipe).backward()
        pull = policy.gaze[2].weight.grad
        row = {
            "accuracy": float((played.logits[-1].argmax(1) == played.label).float().mean()),
            "location_gradient_norm": float(pull.norm()) if isinstance(pull, Tensor) else 0.0,
        }
        nn.utils.clip_grad_norm_(policy.parameters(), recipe.clip)
        optimizer.step()
        return row

    parts = {"policy": policy, "optimizer": optimizer}
    path, size = folder / "dram.pt", recipe.scenes * env.task.budget
    optimise(update, updates, size, title=f"DRAM {task}", path=path, settings=settings, parts=parts, log=log)
    return DramAgent(policy, env)


@dataclass
class Command:
    """Train, then score on the frozen test scenes.

    Attributes:
        task: The environment's id.
        steps: Environment steps.
        seed: Of everything.
        folder: For the checkpoint; run again to go on.
        config: The recipe.
    """

    task: str = "CrowdedMNISTRetina100-v0"
    steps: int = 10_000_000
    seed: int = 0
    folder: Path = Path("runs/dram")
    config: Config = Config()


if __name__ == "__main__":
    import tyro

    from glimpse_env import evaluate

    command = tyro.cli(Command)
    torch.set_num_threads(1)
    agent = train(command.task, seed=command.seed, steps=command.steps, folder=command.folder, **asdict(command.config))
    score = evaluate(agent, command.task)
    error, glimpses = 100 * (1 - score.accuracy), score.mean_glimpses
    print(f"{command.task}: test error {error:.2f} % at {glimpses:.1f} glimpses, one path a scene")
