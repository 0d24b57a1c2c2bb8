"""RAM with what ten years have taught: still hard glimpses, class labels only, and no look at the whole image.

    glimpse   g = what(patches) * (1 + where(gaze))      gated as in DRAM (Ba, Mnih, Kavukcuoglu 2015, section 3)
    core      LSTM, which the labels train
    steering  a second LSTM on the core's outputs, which REINFORCE trains: where to look takes a memory of its own
    answer    softmax at every step; cross-entropy at every step, the last one weighing most
    gaze      Normal(tanh mean, std), REINFORCE; reward: how much likelier the label becomes, not just whether it wins;
              or the wake-sleep of `agents.wake_sleep`
    worth     of the next look with every zoom, regressed on that reward: the best one is taken, and its worth is the
              baseline; or that is the mean of the scene's other roll-outs (Kool, van Hoof, Welling 2019)
    stop      regressed on what stopping pays more than going on: known for every glimpse, as no roll-out stops early

The test stays what it was: the right answer or not, one path a scene, the eye at the mean of its policy.

    python -m agents.ram_plus --task CrowdedMNISTRetina-v0 --steps 20_000_000
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from agents.descent import adam, cosine, descend, pull_on, warm_up
from agents.ram_plus_losses import Rollout, loss_of
from agents.ram_plus_networks import Policy
from agents.training import Log, Row, fresh_scenes, ignore, make_lanes, optimise
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv


@dataclass(frozen=True)
class Config:
    """The recipe.

    Attributes:
        scenes: Scenes in an update.
        copies: Roll-outs of each scene; with several, the baseline of one is the mean of the others.
        learning_rate: Of Adam; rises over the first 2 % of the updates.
        schedule: ``"cosine"``: then it falls to 0; ``"constant"``: it stays.
        encoder: ``"conv"``, or ``"dense"``: one layer on the pixels.
        contrast: Factor on the pixels. Most are black, and a first layer that sees little learns slowly.
        gated: Multiply what was seen by where; otherwise add them.
        features: Units of the glimpse and of the core.
        steering: Units of the LSTM that steers; 0 reads the gaze from the core, whose memory only the labels train.
        gaze: ``"learned"``; or an anchor that a learned gaze must beat, ``"random"``: uniform, or ``"centre"``:
            the middle of the canvas. Their zooms are uniform.
        gaze_std: Standard deviation of the gaze at the start of training and at its end; it falls geometrically.
        learned_std: Learn its logarithm from there, for every place it looks from.
        any_zoom: Which share of the zooms is drawn uniformly at the start of training; it falls linearly to 0. Without,
            the zoom that pays first is the only one that ever gets good at paying. (And a softmax over zooms, as RAM
            has it, is certain of the widest long before a closer look can pay, and does not come back.)
        estimator: Of the gaze's gradient: ``"reinforce"``, or ``"wake-sleep"``, which needs several copies and tells
            the network that chooses the looks of training what the label is.
        reward: ``"likelihood"``: how much likelier the label becomes; ``"accuracy"``: whether it wins in the end.
        fade: How much less an answer counts for a look than the answer before it.
        early_labels: Weight of the cross-entropy before the last glimpse, against 1 at the last.
        look_weight: Weight of REINFORCE.
        precision: ``"bfloat16"`` runs matrix products on the processor's matrix units, where it has them.
        clip: Largest norm of the gradient.
    """

    scenes: int = 256
    copies: int = 1
    learning_rate: float = 2e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    encoder: Literal["conv", "dense"] = "dense"
    contrast: float = 6.0
    gated: bool = True
    features: int = 256
    steering: int = 256
    gaze: Literal["learned", "random", "centre"] = "learned"
    gaze_std: tuple[float, float] = (0.3, 0.1)
    learned_std: bool = False
    any_zoom: float = 0.5
    estimator: Literal["reinforce", "wake-sleep"] = "reinforce"
    reward: Literal["likelihood", "accuracy"] = "likelihood"
    fade: float = 0.7
    early_labels: float = 0.3
    look_weight: float = 0.1
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    clip: float = 2.0

    def __post_init__(self) -> None:
        if self.estimator == "wake-sleep" and (self.copies < 2 or self.gaze != "learned"):
            raise ValueError(
                f"estimator='wake-sleep' compares roll-outs of a scene that look where it has learned to: it needs "
                f"copies of at least 2 and gaze='learned', not copies={self.copies}, gaze={self.gaze!r}"
            )


def rollout(policy: Policy, env: GlimpseVectorEnv, seen: Observation) -> Rollout:
    """Play the episodes that begin with `seen`, each to the end of its budget.

    The loop does what the next glimpse depends on; the heads see the outputs of all steps at once, afterwards.
    """
    config, lanes, zooms = policy.config, env.num_envs, len(env.task.zooms)
    state = policy.start(lanes)
    outputs, steering, gazes, chosen = [], [], [], []
    parts = env.single_action_space.spaces  # type: ignore[attr-defined]
    nothing = torch.zeros(lanes, dtype=torch.int64)
    told = torch.from_numpy(env.targets()) if config.estimator == "wake-sleep" else None
    action = {"zoom": nothing, "symbol": nothing}
    for step in range(env.task.budget):
        state = policy(seen, state)
        outputs.append(state.output)
        steering.append(state.steering)
        with torch.no_grad():  # what was sampled must not be attached: it would cancel its own gradient
            if config.gaze == "learned":
                action["zoom"] = policy.zoom_from(state.steering)
                mean, std = policy.gaze_from(state.steering, action["zoom"], told)
                action["gaze"] = mean + std * torch.randn_like(mean)
            else:
                anywhere = 2 * torch.rand(lanes, 2) - 1
                action["gaze"] = anywhere if config.gaze == "random" else torch.zeros_like(anywhere)
                action["zoom"] = torch.randint(zooms, (lanes,))
        gazes.append(action["gaze"])
        chosen.append(action["zoom"])
        action["speak"] = torch.full_like(nothing, step == env.task.budget - 1)
        seen, _, _, _, info = env.step({name: action[name].numpy() for name in parts})
    output = torch.stack(outputs)
    steered = torch.stack(steering[:-1])  # the last look is never taken
    used, zoom = torch.stack(gazes[:-1]), torch.stack(chosen[:-1])
    looks = guesses = _log_chance(used, *policy.gaze_from(steered, zoom))
    if told is not None:
        guesses = _log_chance(used, *policy.gaze_from(steered.detach(), zoom, told))
    return Rollout(
        looks,
        guesses,
        policy.worth(steered.detach()).float().gather(2, zoom[..., None])[..., 0],
        policy.answer(output).float(),
        policy.stop(output[:-1].detach())[..., 0].float(),
        torch.from_numpy(info["label"]),
    )


def _log_chance(gaze: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Log-density of gazes (..., 2) under a Normal, up to a constant: (...)."""
    return -(((gaze - mean) / std).square() / 2 + std.log()).sum(-1)


class RamPlusAgent:
    """A trained policy, one path for each scene."""

    action_mode = "hybrid"

    def __init__(self, policy: Policy, env: GlimpseVectorEnv) -> None:
        self.policy, self.zooms = policy.eval(), len(env.task.zooms)
        self.parts = list(env.single_action_space.spaces)  # type: ignore[attr-defined]
        self.chance = np.random.default_rng(0)

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.state = self.policy.start(lanes)

    @torch.no_grad()
    def act(self, seen: Observation) -> dict[str, np.ndarray]:
        """The most likely look and answer."""
        self.state = self.policy(seen, self.state)
        output, steering = self.state.output, self.state.steering
        best = self.policy.worth(steering).argmax(1)
        gaze, zoom = self.policy.gaze_from(steering, best)[0].numpy(), best.numpy()
        if self.policy.config.gaze != "learned":
            gaze, zoom = self.chance.uniform(-1, 1, gaze.shape), self.chance.integers(0, self.zooms, zoom.shape)
            if self.policy.config.gaze == "centre":
                gaze = np.zeros_like(gaze)
        enough = self.policy.stop(output)[:, 0].numpy() > 0
        action = {
            "gaze": gaze,
            "zoom": zoom,
            "speak": (enough | (seen["budget"][:, 0] == 0)).astype(np.int64),
            "symbol": self.policy.answer(output).argmax(1).numpy(),
        }
        return {name: action[name] for name in self.parts}

    @torch.no_grad()
    def belief(self) -> np.ndarray:
        """Probability of each class after the latest look: float32, (lanes, classes)."""
        return self.policy.answer(self.state.output).softmax(1).numpy()


def train(
    task: str,
    *,
    seed: int,
    steps: int,
    folder: Path,
    log: Log = ignore,
    overrides: dict[str, Any] | None = None,
    **config: Any,
) -> RamPlusAgent:
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
    lanes = recipe.scenes * recipe.copies
    env = make_lanes(task, lanes, **(overrides or {}))
    torch.manual_seed(seed)
    policy = Policy(env, recipe)
    optimizer = adam(policy, recipe.learning_rate)
    updates = max(1, steps // (lanes * env.task.budget))

    def update(k: int) -> Row:
        first, last = recipe.gaze_std
        policy.std = first * (last / first) ** (k / updates)
        policy.any_zoom = recipe.any_zoom * (1 - k / updates)
        seen = fresh_scenes(env, seed, k, recipe.copies)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            played = rollout(policy, env, seen)
        optimizer.zero_grad()
        loss_of(played, recipe, env.task.glimpse_cost).backward()
        row = {
            "accuracy": float((played.logits[-1].argmax(1) == played.label).float().mean()),
            "location_gradient_norm": pull_on(policy.gaze[2].weight),
        }
        fall = cosine(k, updates) if recipe.schedule == "cosine" else 1.0
        descend(optimizer, recipe.learning_rate * warm_up(k, updates) * fall, recipe.clip)
        return row

    parts = {"policy": policy, "optimizer": optimizer}
    path, size = folder / "ram_plus.pt", lanes * env.task.budget
    optimise(update, updates, size, title=f"RAM+ {task}", path=path, settings=settings, parts=parts, log=log)
    return RamPlusAgent(policy, env)


if __name__ == "__main__":
    from agents.command_line import error_of, train_and_score

    score = train_and_score(train, Config(), task="CrowdedMNISTRetina-v0", steps=20_000_000, folder="runs/ram_plus")
    print(error_of(score))
