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
* Cross-entropy at every glimpse, the last one of a symbol weighing most, and a reward to match: how much likelier the
  right symbol becomes. The baseline reads the upper layer, which it does not train.
* The context's convolutions end in the places of their maps' peaks, so that it can point from the first update on.
* A symbol is named at every glimpse, so that a text is read with the budget shared out evenly: 3 glimpses a symbol in
  `MNISTSequence-v0`. The where of a glimpse includes how much of the budget is left.
* Adam on large batches with a cosine schedule, where the paper has SGD with momentum and an exponential one.
* The environment draws the first gaze at random; the paper's context chooses the first one too.
* Gazes are drawn home a little, as weights are by decay.
* At evaluation the eye goes to the mean of its policy: one path, no averaging over roll-outs.

    python -m agents.dram --task CrowdedMNISTRetina100-v0 --steps 10_000_000
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from agents.checkpoints import begin_from
from agents.descent import adam, cosine, descend, pull_on, warm_up
from agents.dram_networks import Policy, coarse_of
from agents.gains import gains_of
from agents.training import Log, Row, fresh_scenes, ignore, make_lanes, optimise
from glimpse_env.env import Observation
from glimpse_env.scenes import END
from glimpse_env.vector_env import GlimpseVectorEnv


@dataclass(frozen=True)
class Config:
    """The recipe.

    Attributes:
        scenes: In an update. Four times as many (what the first records had) learn the less from the same scenes.
        learning_rate: Of Adam; rises over the first 2 % of the updates, then falls to 0 along a cosine.
        features: Units of the glimpse and of the lower layer.
        steering: Units of the upper layer.
        from_right: Read texts from right to left, see `agents.dram_both_ways`.
        start: Name of a published policy to go on from, wherever its weights fit; the answers of another task do not.
        context: Whether the upper layer starts from the coarse scene, or from nothing.
        gaze_std: Standard deviation of the gaze at the start of training and at its end; it falls geometrically.
        fade: How much less an answer counts for a look than the answer before it.
        early_labels: Weight of the cross-entropy before the last glimpse, against 1 at the last.
        look_weight: Weight of REINFORCE.
        home: Weight of what draws gazes home from the rim: where the tanh is flat REINFORCE has no gradient, and a
            gaze that the first updates threw there never came back (one training of pairs).
        precision: ``"bfloat16"`` runs matrix products on the processor's matrix units, where it has them.
        clip: Largest norm of the gradient.
    """

    scenes: int = 64
    learning_rate: float = 2e-3
    features: int = 256
    steering: int = 256
    context: bool = True
    from_right: bool = False
    start: str | None = None
    gaze_std: tuple[float, float] = (0.25, 0.08)
    fade: float = 0.7
    early_labels: float = 0.3
    look_weight: float = 0.1
    home: float = 1e-3
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    clip: float = 2.0


def length_of(env: GlimpseVectorEnv) -> int:
    """Most symbols of an answer, the closing one included; 1 where one symbol is the answer."""
    return env.most_steps - env.task.budget + 1


def end_of(env: GlimpseVectorEnv) -> int:
    """The symbol that closes a text, or -1 where none does."""
    return len(env.symbols) - 1 if env.symbols[-1] == END else -1


def backwards(labels: Tensor, end: int) -> Tensor:
    """Texts from right to left, their closing symbol `end` still last: (length, lanes), -1 where one has ended."""
    count = ((labels >= 0) & (labels != end)).sum(0)
    place = torch.arange(len(labels))[:, None].expand_as(labels)
    return labels.gather(0, torch.where(place < count, count - 1 - place, place))


class Rollout(NamedTuple):
    """A batch of whole episodes, time first: `looks` glimpses for each symbol of the answer.

    Attributes:
        chosen: Log-probability, up to a constant, of every look that was used: (length * looks - 1, lanes).
        reach: Squared length of their mean before its tanh, (length * looks - 1, lanes).
        baselines: What was expected before each of them: (length * looks - 1, lanes).
        logits: Of the symbol that is being read after every glimpse: (length, looks, lanes, symbols).
        labels: (length, lanes), -1 where a text has ended.
    """

    chosen: Tensor
    reach: Tensor
    baselines: Tensor
    logits: Tensor
    labels: Tensor


def rollout(policy: Policy, env: GlimpseVectorEnv, seen: Observation, config: Config, std: float) -> Rollout:
    """Play the episodes that begin with `seen`, each to the end of its budget; `std` is the gaze's.

    The loop does what the next glimpse depends on; the heads see the outputs of all steps at once, afterwards.
    """
    lanes, zooms, length = env.num_envs, len(env.task.zooms), length_of(env)
    looks = env.task.budget // length
    state = policy.start(lanes, coarse_of(env) if config.context else None)
    lower, upper, gazes, widths = [], [], [], []
    parts = env.single_action_space.spaces  # type: ignore[attr-defined]
    nothing = torch.zeros(lanes, dtype=torch.int64)  # as a symbol it closes no text: all lanes go on to the end
    action = {"zoom": nothing, "symbol": nothing}
    for step in range(length * looks):
        state = policy(seen, state)
        lower.append(state.lower[0])
        upper.append(state.upper[0])
        with torch.no_grad():  # what was sampled must not be attached: it would cancel its own gradient
            mean = policy.mean_gaze(state.upper[0])
            action["gaze"] = mean + std * torch.randn_like(mean)
            if zooms > 1:
                action["zoom"] = torch.distributions.Categorical(logits=policy.zoom(state.upper[0]).float()).sample()
        gazes.append(action["gaze"])
        widths.append(action["zoom"])
        action["speak"] = torch.full_like(nothing, (step + 1) % looks == 0)
        seen, _, _, _, info = env.step({name: action[name].numpy() for name in parts})
    steering = torch.stack(upper[:-1])  # the look of the last step is never taken
    aimed = policy.gaze(steering).float()
    away = (torch.stack(gazes[:-1]) - torch.tanh(aimed)) / std
    chosen = -0.5 * away.square().sum(2)
    if zooms > 1:
        logs = policy.zoom(steering).float().log_softmax(2)
        chosen = chosen + logs.gather(2, torch.stack(widths[:-1])[..., None])[..., 0]
    labels = torch.from_numpy(info["label"]).view(lanes, length).T
    return Rollout(
        chosen,
        aimed.square().sum(2),
        policy.baseline(steering.detach())[..., 0].float(),
        policy.answer(torch.stack(lower)).float().unflatten(0, (length, looks)),
        backwards(labels, end_of(env)) if config.from_right else labels,
    )


def loss_of(played: Rollout, config: Config) -> Tensor:
    """Cross-entropy at every step, REINFORCE for the looks and what draws them home, error of the baseline."""
    length, looks, lanes = played.logits.shape[:3]
    labels = played.labels[:, None].expand(length, looks, lanes)
    each = F.cross_entropy(played.logits.flatten(0, 2), labels.flatten(), reduction="none", ignore_index=-1)
    each = each.view(length, looks, lanes)
    read = (played.labels >= 0).float()
    loss = (each[:, -1].sum() + config.early_labels * each[:, :-1].mean(1).sum()) / read.sum()
    gained = gains_of(-each.detach(), config.fade).flatten(0, 1)[1:]
    read = read.repeat_interleave(looks, 0)[1:]
    count = read.sum(1, keepdim=True).clamp(min=1)
    surprise = gained - played.baselines.detach()
    surprise = (surprise - (surprise * read).sum(1, keepdim=True) / count) * read
    surprise = surprise / ((surprise.square().sum(1, keepdim=True) / count).sqrt() + 1e-3)
    loss = loss + ((gained - played.baselines).square() * read).sum() / read.sum()
    loss = loss + config.home * played.reach.sum(0).mean()
    return loss - config.look_weight * (surprise * played.chosen).sum(0).mean()


def accuracy_of(played: Rollout) -> float:
    """The share of texts that would be read without a fault."""
    right = (played.logits[:, -1].argmax(2) == played.labels) | (played.labels < 0)
    return float(right.all(0).float().mean())


class DramAgent:
    """A trained policy, one path for each scene."""

    action_mode = "hybrid"

    def __init__(self, policy: Policy, env: GlimpseVectorEnv, context: bool) -> None:
        self.policy, self.looks = policy.eval(), env.task.budget // length_of(env)
        self.parts = list(env.single_action_space.spaces)  # type: ignore[attr-defined]
        if context:
            self.peek = self._peek  # what has `peek` stands among the references

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.state, self.glimpses = self.policy.start(lanes), 0

    @torch.no_grad()
    def _peek(self, env: GlimpseVectorEnv) -> None:
        """See the scenes coarsely."""
        self.state = self.policy.start(env.num_envs, coarse_of(env))

    @torch.no_grad()
    def act(self, seen: Observation) -> dict[str, npt.NDArray[Any]]:
        """The most likely look and answer."""
        self.state = self.policy(seen, self.state)
        self.glimpses += 1
        action: dict[str, npt.NDArray[Any]] = {
            "gaze": self.policy.mean_gaze(self.state.upper[0]).numpy(),
            "zoom": self.policy.zoom(self.state.upper[0]).argmax(1).numpy(),
            "speak": np.full(len(seen["gaze"]), int(self.glimpses % self.looks == 0)),
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
        ValueError: If the folder holds a checkpoint made with other settings, or `start` is not published.
    """
    recipe = Config(**config)
    settings = {"task": task, "seed": seed, "steps": steps, "overrides": overrides or {}, **asdict(recipe)}
    env = make_lanes(task, recipe.scenes, **(overrides or {}))
    torch.manual_seed(seed)
    policy = Policy(env, recipe.features, recipe.steering)
    if recipe.start:
        begin_from(recipe.start, "dram", policy)
    optimizer = adam(policy, recipe.learning_rate)
    size = env.num_envs * env.task.budget
    updates = max(1, steps // size)
    first, last = recipe.gaze_std

    def update(k: int) -> Row:
        seen = fresh_scenes(env, seed, k)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            played = rollout(policy, env, seen, recipe, first * (last / first) ** (k / updates))
        optimizer.zero_grad()
        loss_of(played, recipe).backward()
        row = {"accuracy": accuracy_of(played), "location_gradient_norm": pull_on(policy.gaze[2].weight)}
        descend(optimizer, recipe.learning_rate * warm_up(k, updates) * cosine(k, updates), recipe.clip)
        return row

    parts = {"policy": policy, "optimizer": optimizer}
    path = folder / "dram.pt"
    optimise(update, updates, size, title=f"DRAM {task}", path=path, settings=settings, parts=parts, log=log)
    return DramAgent(policy, env, recipe.context)


if __name__ == "__main__":
    from agents.command_line import error_of, train_and_score

    score = train_and_score(train, Config(), task="CrowdedMNISTRetina100-v0", steps=10_000_000, folder="runs/dram")
    print(error_of(score))
