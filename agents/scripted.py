"""Scripted gazes, all read by one learned classifier: the floor and the ceiling that a learned gaze is held against.

    random   anywhere, at any zoom
    centre   the middle of the canvas; with several zooms, from the widest to the closest and again
    raster   a fixed scan: rows of places spread evenly over the canvas, at the zoom that comes nearest to their spacing
    oracle   knows where the image lies: its middle at the zoom that fits it best, then a ring around the middle at the
             zoom that fits half of it best

The classifier is a recurrent network over (glimpse, gaze) pairs, trained with the class label at every step on episodes
of all four gazes in equal shares. It is the same for the four, so the differences between them are those of looking.
Tasks with stopping are answered after `glimpses` looks, by default the whole budget.

    python -m agents.scripted --task CrowdedMNISTRetina-v0 --gaze oracle
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.descent import descend
from agents.gazes import GAZES, PLANS, Gaze, Plan, looks_of, mixture
from agents.training import Log, Row, counted, ignore, make_lanes, restore, save
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv

CONTRAST = 6.0  # factor on the pixels; most are black, and a first layer that sees little learns slowly
VALIDATION = 1000  # frozen scenes of the validation split behind each point of the curve


@dataclass(frozen=True)
class Config:
    """The classifier and its recipe.

    Attributes:
        batch: Episodes in an update; a multiple of 4, for equal shares of the four gazes.
        learning_rate: Adam's at the start; it falls linearly to 0.
        features: Units of the recurrent core and of what feeds it.
        precision: ``"bfloat16"`` runs products on the processor's matrix units, where it has them.
        points: Points of the learning curve; each is also a checkpoint.
    """

    batch: int = 64
    learning_rate: float = 1e-3
    features: int = 256
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    points: int = 20


class Classifier(nn.Module):
    """What was seen, times where; a recurrent core; a class at every step."""

    def __init__(self, env: GlimpseVectorEnv, features: int) -> None:
        super().__init__()
        pixels = math.prod(env.single_observation_space["glimpse"].shape)  # type: ignore[index]
        self.what = nn.Sequential(nn.Linear(pixels, features), nn.ReLU(), nn.Linear(features, features), nn.ReLU())
        self.where = nn.Sequential(nn.Linear(3, features // 4), nn.ReLU(), nn.Linear(features // 4, features))
        self.core = nn.GRU(features, features)
        self.answer = nn.Linear(features, len(env.symbols))

    def forward(self, glimpse: Tensor, gaze: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Read some steps.

        Args:
            glimpse: float32, (steps, lanes, ...).
            gaze: float32, (steps, lanes, 3).
            state: Of the core, (1, lanes, features); None at the start of an episode.

        Returns:
            Logits (steps, lanes, classes) and the core's state.
        """
        seen = self.what(CONTRAST * glimpse.flatten(2)) * (1 + self.where(gaze))
        features, state = self.core(seen, state)
        return self.answer(features), state


def play(env: GlimpseVectorEnv, plan: Plan, seen: Observation) -> tuple[Tensor, Tensor]:
    """Follow a plan through the whole budget: glimpses (budget, lanes, ...) and gazes (budget, lanes, 3)."""
    nothing = np.zeros(env.num_envs, np.int64)
    steps = [seen]
    for k in range(env.task.budget - 1):
        action = {"gaze": plan.gaze[k], "zoom": plan.zoom[k], "speak": nothing, "symbol": nothing}
        steps.append(env.step({name: action[name] for name in env.single_action_space})[0])  # type: ignore[attr-defined]
    glimpses, gazes = (np.stack([step[name] for step in steps]) for name in ("glimpse", "gaze"))
    return torch.from_numpy(glimpses), torch.from_numpy(gazes)


class Scripted:
    """A scripted gaze, and what the classifier makes of it."""

    action_mode = "hybrid"

    def __init__(self, classifier: Classifier, gaze: Gaze, glimpses: int | None) -> None:
        self.classifier, self.gaze, self.glimpses = classifier.eval(), gaze, glimpses
        self.chance = np.random.default_rng(0)

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.state: Tensor | None = None
        self.step = 0

    def peek(self, env: GlimpseVectorEnv) -> None:
        """Plan the gaze; the oracle sees where the image lies."""
        self.plan = PLANS[self.gaze](env, looks_of(env), self.chance)
        self.last = (self.glimpses or env.task.budget) - 1
        self.parts = list(env.single_action_space.spaces)  # type: ignore[attr-defined]

    @torch.no_grad()
    def act(self, observation: Observation) -> dict[str, npt.NDArray[Any]]:
        """Look on, with the answer so far."""
        glimpse, gaze = (torch.from_numpy(observation[name])[None] for name in ("glimpse", "gaze"))
        logits, self.state = self.classifier(glimpse, gaze, self.state)
        self.logits = logits[0]
        answers = self.logits.argmax(1).numpy()
        k = min(self.step, len(self.plan.gaze) - 1)
        speak = np.full(len(answers), int(self.step >= self.last))
        self.step += 1
        action: dict[str, npt.NDArray[Any]] = {
            "gaze": self.plan.gaze[k], "zoom": self.plan.zoom[k], "speak": speak, "symbol": answers,
        }  # fmt: skip
        return {name: action[name] for name in self.parts}

    def belief(self) -> npt.NDArray[np.float32]:
        """Probability of each class after the latest look: float32, (lanes, classes)."""
        return self.logits.softmax(1).numpy()


def train(
    task: str,
    *,
    seed: int,
    steps: int,
    folder: Path,
    log: Log = ignore,
    overrides: dict[str, Any] | None = None,
    gaze: Gaze = "random",
    glimpses: int | None = None,
    shared: Path | None = None,
    **config: Any,
) -> Scripted:
    """Train the classifier that all four gazes share, or find it trained; called again, it goes on from its checkpoint.

    Args:
        task: The environment's id.
        seed: Of the weights, the scenes and the random gazes.
        steps: Environment steps in all; `steps / budget` episodes, the four gazes together.
        folder: Of this agent; used only to find `shared`.
        log: Gets rows of the learning curve, with the accuracy of this gaze on frozen validation scenes.
        overrides: Keywords of the task that differ from the id's.
        gaze: ``"random"``, ``"centre"``, ``"raster"`` or ``"oracle"``.
        glimpses: When to answer in a task with stopping; None takes the whole budget.
        shared: Where the classifier lives; None takes ``classifiers`` beside `folder`.
        **config: See `Config`.

    Raises:
        DataError: If stand-in images would be trained on under an MNIST id.
        ValueError: If a setting is out of range.
    """
    recipe = Config(**config)
    if gaze not in GAZES:
        raise ValueError(f"gaze={gaze!r} is unknown; choose one of {', '.join(GAZES)}")
    if recipe.batch % len(GAZES):
        raise ValueError(f"batch={recipe.batch} must be a multiple of {len(GAZES)}, for equal shares of the gazes")
    settings = {"task": task, "seed": seed, "steps": steps, "overrides": overrides or {}, **asdict(recipe)}
    name = hashlib.sha256(repr(settings).encode()).hexdigest()[:16]
    path = (shared or folder.parent / "classifiers") / f"{task}-{name}.pt"
    with alone(path):
        classifier = train_classifier(
            settings, recipe, path, lambda row: log({**row, "accuracy": row[f"accuracy_{gaze}"]})
        )
    return Scripted(classifier, gaze, glimpses)


def train_classifier(settings: dict[str, Any], recipe: Config, path: Path, log: Log) -> Classifier:
    """The classifier of these settings, trained as far as the checkpoint at `path` is not; logs its whole curve."""
    task, seed, overrides = settings["task"], settings["seed"], settings["overrides"]
    env = make_lanes(task, recipe.batch, **overrides)
    torch.manual_seed(seed)
    classifier = Classifier(env, recipe.features)
    optimizer = torch.optim.Adam(classifier.parameters(), recipe.learning_rate)
    updates = max(1, settings["steps"] // (recipe.batch * env.task.budget))
    every = max(1, updates // recipe.points)
    done, spent = 0, 0.0
    curve: list[Row] = []
    if (saved := restore(path, settings)) is not None:
        classifier.load_state_dict(saved["classifier"])
        optimizer.load_state_dict(saved["optimizer"])
        done, spent, curve = saved["done"], saved["spent"], saved["curve"]
    for earlier in curve:
        log(earlier)
    begun = time.monotonic() - spent
    row: Row = {}
    for update in counted(done, updates, f"classifier, {task}", row):
        seen, _ = env.reset(seed=(seed << 40) + update * recipe.batch)
        chance = np.random.default_rng([seed, update])
        glimpse, gaze = play(env, mixture(env, looks_of(env), chance), seen)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            logits, _ = classifier(glimpse, gaze, None)
        labels = torch.from_numpy(env.targets()).expand(len(logits), -1)
        loss = F.cross_entropy(logits.float().flatten(0, 1), labels.flatten())
        optimizer.zero_grad()
        loss.backward()
        descend(optimizer, recipe.learning_rate * (1 - update / updates), clip=1.0)
        if (update + 1) % every == 0 or update + 1 == updates:
            spent = time.monotonic() - begun
            row.update(steps=(update + 1) * recipe.batch * env.task.budget, seconds=spent, loss=loss.item())
            row.update(validate(classifier, task, overrides))
            curve.append(dict(row))
            log(curve[-1])
            state = {"classifier": classifier.state_dict(), "optimizer": optimizer.state_dict(), "curve": curve}
            save(path, {"settings": settings, "done": update + 1, "spent": spent, **state})
    return classifier


@torch.no_grad()
def validate(classifier: Classifier, task: str, overrides: dict[str, Any]) -> Row:
    """The accuracy after the whole budget, gaze by gaze, on frozen validation scenes."""
    env = make_lanes(task, VALIDATION, "validation", **overrides)
    row = {}
    for name in GAZES:
        seen, _ = env.reset(options={"index": np.arange(VALIDATION)})
        logits, _ = classifier(*play(env, PLANS[name](env, looks_of(env), np.random.default_rng(0)), seen), None)
        row[f"accuracy_{name}"] = float((logits[-1].argmax(1).numpy() == env.targets()).mean())
    return row


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one process at a time train what lives at `path`; the others wait and find it done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file closes, even by a kill
        yield


@dataclass
class Command:
    """Train the classifier, then score one gaze on the frozen test scenes.

    Attributes:
        task: The environment's id.
        gaze: Which gaze.
        steps: Environment steps.
        seed: Of everything.
        folder: For the checkpoint, which all gazes share; run again to go on.
        config: The recipe.
    """

    task: str = "CrowdedMNISTRetina-v0"
    gaze: Gaze = "oracle"
    steps: int = 4_000_000
    seed: int = 0
    folder: Path = Path("runs/scripted")
    config: Config = Config()


if __name__ == "__main__":
    import tyro

    from glimpse_env import evaluate

    command = tyro.cli(Command)
    torch.set_num_threads(1)
    agent = train(
        command.task,
        seed=command.seed,
        steps=command.steps,
        folder=command.folder,
        shared=command.folder,
        gaze=command.gaze,
        **asdict(command.config),
    )
    score = evaluate(agent, command.task)
    print(
        f"{command.task}, {command.gaze} gaze: {100 * score.accuracy:.2f} % right at {score.mean_glimpses:.1f} glimpses"
    )
