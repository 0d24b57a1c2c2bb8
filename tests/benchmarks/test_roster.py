from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents import checkpoints, dram, ram
from benchmarks.roster import AGENTS, make, resolve
from glimpse_env import evaluate

OWN = """
import numpy as np

class Centre:
    def __init__(self, seed): self.seed = seed
    def act(self, observation): return np.full((len(observation["gaze"]), 3), 4)

class Peeker:
    def peek(self, env): ...

class Reference(Peeker):
    board = "reference"

class Nowhere:
    board = "nowhere"

def function(observation): return None

def trainer(task, *, seed, steps, folder, log, overrides): return (task, seed, steps, folder, overrides)

number = 3
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `own_agents` that can be imported."""
    (tmp_path / "own_agents.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_agents", raising=False)
    return tmp_path


def make_it(text: str, **more: Any) -> Any:
    arguments = {"seed": 7, "overrides": {}, "steps": 10, "folder": Path("f"), "log": print, **more}
    return make(resolve(text), "CenteredDigits-v0", **arguments)


@pytest.mark.parametrize("name", AGENTS)
def test_every_known_agent_has_a_trainer_that_takes_its_configuration(name: str) -> None:
    module, _, attribute = AGENTS[name].what.partition(":")
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))  # importing would load torch
    trainer = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == attribute)
    keywords = {argument.arg for argument in trainer.args.kwonlyargs}
    assert {"seed", "steps", "folder", "log", "overrides"} <= keywords
    assert trainer.args.kwarg or set(AGENTS[name].config) <= keywords


def test_a_known_name_can_be_given_another() -> None:
    assert resolve("ppo") == AGENTS["ppo"]
    renamed = resolve("mine=ppo")
    assert (renamed.name, renamed.source, renamed.config) == ("mine", "ppo", {"algorithm": "ppo"})


def test_own_policies_come_as_they_are(own: Path) -> None:
    entrant = resolve("own_agents:Centre")
    assert (entrant.name, entrant.board, entrant.learns) == ("Centre", "reward", False)
    assert make_it("own_agents:Centre").seed == 7
    assert make_it("own_agents:function").__name__ == "function"
    assert resolve("own_agents:trainer").learns
    assert make_it("own_agents:trainer") == ("CenteredDigits-v0", 7, 10, Path("f"), {})


def test_a_changed_file_is_another_policy(own: Path) -> None:
    before = resolve("own_agents:Centre").sha256
    (own / "own_agents.py").write_text(OWN + "\n")
    assert resolve("own_agents:Centre").sha256 != before


def test_only_references_may_peek(own: Path) -> None:
    assert hasattr(make_it("own_agents:Reference"), "peek")
    with pytest.raises(ValueError, match="only board = 'reference' may"):
        make_it("own_agents:Peeker")


def test_a_saved_model_is_loaded(tmp_path: Path) -> None:
    stable_baselines3 = pytest.importorskip("stable_baselines3")
    sb3 = pytest.importorskip("glimpse_env.sb3")
    env = sb3.make("CenteredDigits-v0", 4)
    stable_baselines3.PPO("MultiInputPolicy", env, n_steps=2, batch_size=8, device="cpu").save(tmp_path / "model.zip")
    entrant = resolve(str(tmp_path / "model.zip"))
    assert (entrant.name, entrant.source, entrant.learns) == ("model", "model.zip", False)
    agent = make_it(str(tmp_path / "model.zip"))
    agent.reset(2)
    assert agent.act(
        {name: np.zeros((2, *space.shape), np.float32) for name, space in env.observation_space.items()}
    ).shape == (2, 3)


@pytest.mark.parametrize(
    ("trainer", "small", "board"),
    [
        (ram.train, {"batch": 4}, "labels"),
        (ram.train, {"batch": 4, "label_weight": 0.0}, "reward"),
        (dram.train, {"scenes": 4}, "reference"),
        (dram.train, {"scenes": 4, "context": False}, "labels"),
    ],
)
def test_a_published_policy_is_loaded_for_the_task_it_is_to_play(
    tmp_path: Path, trainer: Any, small: dict[str, Any], board: str
) -> None:
    name, task = trainer.__module__.rpartition(".")[2], "CenteredDigits-v0"
    stopped: dict[str, Any] = {"stopping": True, "glimpse_cost": 0.01}
    trainer(task, seed=0, steps=1, folder=tmp_path, overrides=stopped, **small)
    file = tmp_path / "own.safetensors"
    checkpoints.export(tmp_path / f"{name}.pt", file)
    entrant = resolve(f"mine={file}")
    assert (entrant.name, entrant.source, entrant.board, entrant.learns) == ("mine", file.name, board, False)
    assert entrant.sha256 == resolve(str(file)).sha256 != resolve("ram").sha256
    speaks = {}
    for overrides in (stopped, {}):
        agent = make(entrant, task, seed=0, overrides=overrides, steps=0, folder=tmp_path, log=print)
        score = evaluate(agent, task, scenes=5, progress=False, **overrides)
        speaks[bool(overrides)] = "speak" in score.log.actions
    assert speaks == {True: True, False: False}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pppo", "did you mean 'ppo'"),
        ("no_such_module:Agent", "cannot load agent 'no_such_module:Agent'"),
        ("own_agents:Missing", "cannot load agent"),
        ("own_agents:number", "is 3; it must be an agent class"),
        ("own_agents:Nowhere", "board='nowhere'; choose one of reward, labels, reference"),
        ("nothing.zip", "there is no file nothing.zip"),
        ("nothing.safetensors", "there is no file nothing.safetensors"),
        ("../up=ppo", "it names a folder"),
    ],
)
def test_what_cannot_be_an_agent_is_refused(own: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve(text)
