"""Trained policies small enough to publish: weights in half the bits and, beside them, what they were trained for.

    python -m agents.checkpoints export runs/ram_plus/ram_plus.pt checkpoints/crowded.safetensors
    python -m agents.checkpoints evaluate checkpoints/*.safetensors

A safetensors file holds numbers and text and no code, so that loading a stranger's is safe.
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from agents.files import replacing
from agents.training import make_lanes
from glimpse_env import evaluate
from glimpse_env.evaluation import Evaluation
from glimpse_env.vector_env import GlimpseVectorEnv

#: agent, a module of `agents` -> what its checkpoint calls its networks.
AGENTS = {"ram": "policy", "ram_plus": "policy", "dram": "policy", "draw_reader": "reader"}
#: Where the published policies lie.
FOLDER = Path(__file__).parents[1] / "checkpoints"
_PRECISION = torch.float16


def export(checkpoint: Path, file: Path) -> None:
    """Publish the networks of a checkpoint that a training has left.

    Args:
        checkpoint: What the training wrote: ``<agent>.pt``.
        file: What to write: a ``.safetensors`` file.

    Raises:
        ValueError: If it is not the checkpoint of an agent of `AGENTS`.
    """
    agent = checkpoint.stem
    _check(agent, checkpoint)
    state = torch.load(checkpoint, weights_only=False)
    weights = {name: weight.to(_PRECISION).contiguous() for name, weight in state[AGENTS[agent]].items()}
    with replacing(file) as partial:
        save_file(weights, partial, {"agent": agent, "settings": json.dumps(state["settings"])})


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published policy.

    Attributes:
        agent: Ready to be evaluated.
        name: What it is: a key of `AGENTS`.
        task: The id it plays.
        overrides: Keywords of that task that differ from the id's.
        settings: All that it was trained with.
    """

    agent: Any
    name: str
    task: str
    overrides: dict[str, Any]
    settings: dict[str, Any]


def load(file: Path, task: str | None = None, overrides: dict[str, Any] | None = None) -> Published:
    """A published policy.

    Args:
        file: What `export` wrote.
        task: The id to play; None takes the one it was trained on.
        overrides: Keywords of the task that differ from the id's; None takes those it was trained with. Networks bear a
            change of the budget, of stopping and of its price, and none of what they see.

    Raises:
        ValueError: If the file is none of `export`, or its networks do not fit the task.
        DataError: If the task has no real images here.
    """
    name, settings, weights = _read(file)
    task = settings["task"] if task is None else task
    keywords = settings["overrides"] if overrides is None else overrides
    networks, agent = _untrained(name, make_lanes(task, 1, **keywords), settings)
    try:
        networks.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"the networks of {file} do not fit {task} with {keywords}: {error}") from error
    return Published(agent=agent, name=name, task=task, overrides=keywords, settings=settings)


def board_of(file: Path) -> Literal["reward", "labels", "reference"]:
    """What a published policy has used, as `benchmarks.suite.BOARDS` has it; raises as `load` does."""
    name, settings, _ = _read(file)
    if name == "draw_reader" or settings.get("context"):
        return "reference"
    return "labels" if settings.get("label_weight", 1) else "reward"


def begin_from(name: str, agent: str, networks: nn.Module) -> None:
    """Take over the weights of a published policy wherever there are ones of the same name and shape.

    Args:
        name: Of its file in `FOLDER`, without the ending.
        agent: Whose it must be, a key of `AGENTS`.
        networks: What shall be trained on.

    Raises:
        ValueError: If there is no such file, or another agent's.
    """
    file = FOLDER / f"{name}.safetensors"
    if not file.exists():
        known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.safetensors")))
        raise ValueError(f"start={name!r} is no published policy; choose one of {known}, or train from nothing")
    whose, _, weights = _read(file)
    if whose != agent:
        raise ValueError(f"start={name!r} is a policy of {whose}; {agent} can go on from its own alone")
    own = networks.state_dict()
    fitting = {key: weight for key, weight in weights.items() if key in own and own[key].shape == weight.shape}
    networks.load_state_dict({**own, **fitting})


def score(file: Path, changes: dict[str, Any]) -> Evaluation:
    """The score on the frozen test scenes of the task it was trained on, with `changes` to that task's keywords."""
    trained = load(file)
    published = load(file, overrides={**trained.overrides, **changes})
    return evaluate(published.agent, published.task, progress=False, **published.overrides)


def _read(file: Path) -> tuple[str, dict[str, Any], dict[str, torch.Tensor]]:
    """Agent, settings and weights of a published policy."""
    try:
        with safe_open(file, "pt") as opened:
            told = opened.metadata() or {}
            weights = {name: opened.get_tensor(name).float() for name in opened.keys()}  # noqa: SIM118  not a dict
    except SafetensorError as error:
        raise ValueError(f"{file} is no safetensors file ({error}); get it again") from error
    name = told.get("agent", "")
    _check(name, file)
    return name, json.loads(told["settings"]), weights


def _untrained(name: str, env: GlimpseVectorEnv, settings: dict[str, Any]) -> tuple[nn.Module, Any]:
    """The networks that `settings` name, and the agent that plays them."""
    module = importlib.import_module(f"agents.{name}")
    known = {field.name for field in fields(module.Config)}  # an option that came later keeps its default
    recipe = module.Config(**{option: value for option, value in settings.items() if option in known})
    match name:
        case "ram":
            policy = module.Policy(env, recipe.features)
            return policy, module.RamAgent(policy, env, recipe)
        case "ram_plus":
            policy = module.Policy(env, recipe)
            return policy, module.RamPlusAgent(policy, env)
        case "dram":
            policy = module.Policy(env, recipe.features, recipe.steering)
            return policy, module.DramAgent(policy, env, recipe.context)
        case _:
            reader = module.Reader(*env._dynamics.canvas, len(env.source.classes), recipe)
            return reader, module.DrawReaderAgent(reader)


def _check(name: str, file: Path) -> None:
    if name not in AGENTS:
        known = ", ".join(AGENTS)
        raise ValueError(f"{file} is of the agent {name!r}, which cannot be published; known are {known}")


def main(arguments: list[str]) -> None:
    """`export CHECKPOINT FILE`, or `evaluate FILE ... [KEYWORD=JSON ...]`."""
    match arguments:
        case ["export", checkpoint, file]:
            export(Path(checkpoint), Path(file))
            print(f"{file}: {Path(file).stat().st_size / 1e6:.2f} MB")
        case ["evaluate", *rest] if any("=" not in text for text in rest):
            pairs = [text.partition("=") for text in rest if "=" in text]
            changes = {name: json.loads(value) for name, _, value in pairs}
            for file in (text for text in rest if "=" not in text):
                found = score(Path(file), changes)
                error, glimpses = 100 * (1 - found.accuracy), found.mean_glimpses
                print(f"{file}: {found.log.id} test error {error:.2f} % at {glimpses:.2f} glimpses, one path a scene")
        case _:
            raise SystemExit(f"usage: python -m agents.checkpoints {main.__doc__}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
