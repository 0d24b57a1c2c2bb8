"""Who takes part: the agents known by name, and how to bring your own."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.suite import BOARDS, Board
from glimpse_env.sb3_agent import SB3Agent


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One agent of the benchmark, as plain data that any worker can take.

    Attributes:
        name: The folder of its results.
        source: What names it on the command line: a known name, ``module:attribute`` or the name of a file.
        what: ``module:attribute``, or the path of a saved policy.
        board: What it may use, see `benchmarks.suite.BOARDS`.
        learns: Whether it is trained here, so that the training budget applies.
        most: Environment steps it is trained for where the task's budget is larger, for a learner too slow for that.
        config: Keywords of its trainer.
        sha256: Of the file an own policy comes from, so that two results by one name are by one policy; else None.
    """

    name: str
    source: str
    what: str
    board: Board
    learns: bool = True
    most: int | None = None
    config: dict[str, Any] = field(default_factory=dict)
    sha256: str | None = None


_STOCK = ("ppo", "ppo_history", "maskable_ppo", "a2c", "dqn")
#: RAM's networks and losses, but Adam on large batches: the paper's SGD on 20 episodes needs days for the same.
_FAST: dict[str, Any] = {"batch": 256, "optimizer": "adam", "learning_rate": 1e-3}
#: R2AM with one thing after another, see `benchmarks.r2am_ordering`.
_R2AM: dict[str, dict[str, Any]] = {
    "r2am_cnn": {"decoder": "plain", "iterations": 1},
    "r2am_recursive": {"decoder": "plain"},
    "r2am_recurrent": {"decoder": "plain", "encoder": "recurrent"},
    "r2am_rnn": {"decoder": "rnn"},
    "r2am": {},
}
_GAZES = ("random", "centre", "raster", "oracle")


def _known(name: str, what: str, board: Board, *, most: int | None = None, **config: Any) -> Entrant:
    return Entrant(name=name, source=name, what=what, board=board, most=most, config=config)


#: What each ingredient of RAM+ is worth: name of the variant -> its difference from the recipe.
ABLATIONS: dict[str, dict[str, Any]] = {
    "ram_plus_random_gaze": {"gaze": "random"},
    "ram_plus_no_contrast": {"contrast": 1.0},
    "ram_plus_no_gate": {"gated": False},
    "ram_plus_late_labels": {"early_labels": 0.0},
    "ram_plus_accuracy_reward": {"reward": "accuracy"},
    "ram_plus_no_steering": {"steering": 0},
    "ram_plus_far_sighted": {"fade": 1.0},
    "ram_plus_constant_std": {"gaze_std": [0.12, 0.12]},
    "ram_plus_learned_std": {"learned_std": True},
    "ram_plus_constant_rate": {"schedule": "constant"},
    "ram_plus_copies": {"scenes": 64, "copies": 4},
    "ram_plus_wake_sleep": {"scenes": 64, "copies": 4, "estimator": "wake-sleep"},
    "ram_plus_conv": {"encoder": "conv"},
    "ram_plus_wide": {"features": 512},
}

#: The agents known by name; each module is imported when its agent runs.
AGENTS: dict[str, Entrant] = {
    entrant.name: entrant
    for entrant in (
        *(_known(gaze, "agents.scripted:train", "reference", gaze=gaze) for gaze in _GAZES),
        _known("full_view", "agents.full_view:train", "reference"),
        _known("dram", "agents.dram:train", "reference"),
        # What it knows of digits it has from other labels: those of the sequences it has learned to read.
        _known("dram_from_sequences", "agents.dram:train", "reference", start="MNISTSequence-v0"),
        _known("dram_both_ways", "agents.dram_both_ways:train", "reference"),
        _known("draw_reader", "agents.draw_reader:train", "reference"),
        _known("soft_attention", "agents.soft_attention:train", "reference"),
        _known("hard_attention", "agents.hard_attention:train", "reference"),
        _known("no_attention", "agents.soft_attention:train", "reference", attention=False),
        *(_known(name, "agents.r2am:train", "reference", **config) for name, config in _R2AM.items()),
        _known("ram", "agents.ram:train", "labels", **_FAST),
        _known("ram_random_gaze", "agents.ram:train", "labels", gaze="random", **_FAST),
        _known("ram_plus", "agents.ram_plus:train", "labels"),
        *(_known(name, "agents.ram_plus:train", "labels", **config) for name, config in ABLATIONS.items()),
        _known("ram_plus_centre_gaze", "agents.ram_plus:train", "labels", gaze="centre"),
        _known("soft_video", "agents.soft_video:train", "reference", most=300_000),
        _known("dram_no_context", "agents.dram:train", "labels", context=False),
        _known("ram_reward_only", "agents.ram:train", "reward", label_weight=0.0, **_FAST),
        _known("ram_catch", "agents.catch:train", "reward"),
        _known("ram_catch_random_gaze", "agents.catch:train", "reward", gaze="random"),
        *(_known(stock, "agents.ppo:train", "reward", algorithm=stock) for stock in _STOCK),
        # It unrolls its memory episode by episode in Python, at a tenth of PPO's speed.
        _known("recurrent_ppo", "agents.ppo:train", "reward", most=150_000, algorithm="recurrent_ppo"),
    )
}


def resolve(text: str) -> Entrant:
    """The agent that `text` names.

    Args:
        text: A name of `AGENTS`; ``my_package.my_module:attribute``, the attribute being an agent class that takes no
            arguments (or `seed`), a function from observations to actions, or a trainer like those of `agents`; or
            the path of a ``.zip`` that Stable-Baselines3 saved or of a ``.safetensors`` that `agents.checkpoints` did.
            ``NAME=`` before any of them names its results.

    Raises:
        ValueError: If there is no such agent, or its name is not fit for a folder; the message says what there is.
    """
    name, _, what = text.rpartition("=")
    if name and not re.fullmatch(r"\w[\w.-]*", name):
        raise ValueError(f"agent name {name!r} must consist of letters, digits, '_', '-' and '.': it names a folder")
    if what in AGENTS:
        return replace(AGENTS[what], name=name or what)
    if what.endswith((".zip", ".safetensors")):
        if not Path(what).is_file():
            raise ValueError(
                f"there is no file {what}; the agent to load must be a zip saved by Stable-Baselines3, or a policy "
                "published by `python -m agents.checkpoints export`"
            )
        own, source, digest = name or Path(what).stem, Path(what).name, _sha256(Path(what))
        board: Board = "reward" if what.endswith(".zip") else _checkpoints().board_of(Path(what))
        return Entrant(name=own, source=source, what=what, board=board, learns=False, sha256=digest)
    if ":" not in what:
        near = difflib.get_close_matches(what, AGENTS, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        known = f"{', '.join(AGENTS)}, module:attribute and the path of a .zip or .safetensors"
        raise ValueError(f"unknown agent {what!r}; {hint}known are {known}")
    policy = _load(what)
    if not callable(policy):
        raise ValueError(f"{what} is {policy!r}; it must be an agent class, a function of observations or a trainer")
    board = getattr(policy, "board", "reward")
    if board not in BOARDS:
        raise ValueError(f"{what} has board={board!r}; choose one of {', '.join(BOARDS)}")
    own, digest = name or what.rpartition(":")[2], _sha256(Path(inspect.getfile(policy)))
    return Entrant(name=own, source=what, what=what, board=board, learns=_is_trainer(policy), sha256=digest)


def make(entrant: Entrant, task: str, *, seed: int, overrides: dict[str, Any], **training: Any) -> Any:
    """Train the agent, or load or make the one that comes as it is.

    Args:
        entrant: Who.
        task: The environment's id.
        seed: Of the training; a class gets it too, if it takes one.
        overrides: Keywords of the task that differ from the id's.
        **training: What else every trainer takes: `steps`, `folder` and `log`.

    Raises:
        ValueError: If it cannot be made, or looks at the hidden scene without standing on the reference board.
    """
    if entrant.what.endswith(".zip"):
        agent: Any = SB3Agent.load(entrant.what, task, **overrides)
    elif entrant.what.endswith(".safetensors"):
        agent = _checkpoints().load(Path(entrant.what), task, overrides).agent
    else:
        policy = _load(entrant.what)
        if _is_trainer(policy):
            agent = policy(task, seed=seed, overrides=overrides, **training, **entrant.config)
        elif inspect.isclass(policy):
            agent = policy(**({"seed": seed} if "seed" in inspect.signature(policy).parameters else {}))
        else:
            agent = policy
    if hasattr(agent, "peek") and entrant.board != "reference":
        raise ValueError(f"{entrant.name} looks at the hidden scene (it has `peek`): only board = 'reference' may")
    return agent


def _load(what: str) -> Any:
    module, _, attribute = what.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        package = module.split(".")[0]
        raise ValueError(f"cannot load agent {what!r}: {error}; run from the folder that holds {package!r}") from error


def _checkpoints() -> Any:
    """`agents.checkpoints`, imported when it is called for, as all agents are."""
    return importlib.import_module("agents.checkpoints")


def _is_trainer(policy: Any) -> bool:
    return inspect.isfunction(policy) and {"steps", "folder"} <= set(inspect.signature(policy).parameters)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
