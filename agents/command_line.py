"""What ``python -m agents.<name>`` does: train, then play the frozen test scenes, once each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
import tyro

from glimpse_env import evaluate
from glimpse_env.evaluation import Evaluation

Recipe = TypeVar("Recipe")


@dataclass(frozen=True, kw_only=True)
class Command(Generic[Recipe]):
    """Train, then score on the frozen test scenes.

    Attributes:
        task: The environment's id.
        steps: Environment steps.
        seed: Of everything.
        folder: For the checkpoint; run again to go on.
        config: The recipe.
    """

    task: str
    steps: int
    seed: int = 0
    folder: Path
    config: Recipe


def train_and_score(train: Callable[..., Any], config: Any, *, task: str, steps: int, folder: str) -> Evaluation:
    """Do what the command line says; see `Command`.

    Args:
        train: Of an agent's module.
        config: Its recipe, where the command line says nothing else; so for the rest.
        task: The environment's id.
        steps: Environment steps.
        folder: For the checkpoint.
    """
    kind: Any = Command[type(config)]  # type: ignore[misc]  # so that it takes the recipe's fields as options
    command = tyro.cli(kind, default=Command(task=task, steps=steps, folder=Path(folder), config=config))
    torch.set_num_threads(1)  # these networks are too small to share
    agent = train(command.task, seed=command.seed, steps=command.steps, folder=command.folder, **asdict(command.config))
    return evaluate(agent, command.task)


def error_of(score: Evaluation) -> str:
    """The test error, in words."""
    error, glimpses = 100 * (1 - score.accuracy), score.mean_glimpses
    return f"{score.log.id}: test error {error:.2f} % at {glimpses:.1f} glimpses, one path a scene"
