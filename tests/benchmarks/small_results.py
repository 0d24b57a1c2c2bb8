"""Results of policies that guess: true ones, but for the training, and small enough to make in a test."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.beliefs import SCENES, Watched
from benchmarks.files import write_json
from benchmarks.suite import Board, find
from glimpse_env.evaluation import evaluate, make_frozen


class Guess:
    """Acts at random, and is sure of what it says (or would say)."""

    def __init__(self, choices: Any, random: np.random.Generator) -> None:
        self.choices, self.random = choices, random

    def act(self, observation: Any) -> Any:
        self.action = self.random.integers(self.choices, size=(len(observation["gaze"]), len(self.choices)))
        return self.action

    def belief(self) -> Any:
        return np.eye(self.choices[-1])[self.action[:, -1]]


def write(
    folder: Path,
    name: str,
    agent: str,
    *,
    board: Board = "reward",
    seed: int = 0,
    suite: str = "smoke",
) -> dict[str, Any]:
    """Score one guessing policy and write its result; the agent may have any name, fit for a folder or not."""
    task = find(suite, (name,))[0]
    choices = make_frozen(task.id, 1, "test", **task.overrides).single_action_space.nvec
    random = np.random.default_rng([seed, len(agent)])
    watched = Watched(Guess(choices, random))
    evaluation = evaluate(
        watched,
        task.id,
        scenes=SCENES,
        progress=False,
        **task.overrides,
    )
    looking = {"unchanged": 0.5, "shuffled": 0.25, "random": 0.125, "coverage": 0.375, "corner": 0.1}
    result = {
        "suite": suite,
        "name": name,
        "task": task.id,
        "agent": agent,
        "board": board,
        "seed": seed,
        "overrides": task.overrides,
        "steps": 4000,
        "train_seconds": 90.0,
        "command": f"python -m benchmarks run --agents {agent}",
        "curve": [{"steps": 1000.0 * k, "accuracy": 0.1 * k} for k in (1, 2, 3)],
        "evaluation": {field: value for field, value in vars(evaluation).items() if field != "log"},
        "looking": {"scenes": SCENES, **looking, "location_gradient_norm": None},
        "beliefs": watched.beliefs(evaluation.log.steps),
        "log": evaluation.log.to_json(),
        "finished": True,
    }
    folder_of_agent = f"agent{sum(agent.encode())}"
    write_json(folder / suite / name / folder_of_agent / f"seed{seed}.json", result)
    read: dict[str, Any] = json.loads(json.dumps(result))
    return read


def further() -> tuple[Any, ...]:
    """A suite of four tasks: a text is read, symbol by symbol; things move; a scene is described; an image is drawn."""
    base = find("smoke", ("CrowdedDigits-v0",))[0]
    ids = ("DigitsSequence-v0", "GlimpseCatch-v0", "SceneCaption-v0", "DrawDigits-v0")
    return tuple(dataclasses.replace(base, name=id, id=id) for id in ids)


def priced(costs: tuple[float, ...]) -> tuple[Any, ...]:
    """A suite like ``"frontier"``, on the bundled glyphs."""
    base = find("smoke", ("CrowdedDigits-v0",))[0]
    return tuple(
        dataclasses.replace(base, name=f"{base.id}-cost{cost:g}", overrides={"glimpse_cost": cost}) for cost in costs
    )
