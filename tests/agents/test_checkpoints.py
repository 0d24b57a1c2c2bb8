"""Published policies: what comes back plays as what went in, and what is none of them is refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from agents import checkpoints, dram, draw_reader, ram, ram_plus
from agents.training import make_lanes
from glimpse_env import evaluate

TASK = "CrowdedDigitsRetina-v0"
SMALL: list[tuple[ModuleType, dict[str, Any]]] = [
    (ram, {"batch": 4, "features": 16}),
    (ram_plus, {"scenes": 4, "features": 16, "steering": 16, "precision": "float32"}),
    (dram, {"scenes": 4, "features": 16, "steering": 16, "precision": "float32"}),
    (draw_reader, {"scenes": 4, "features": 16, "precision": "float32"}),
]


def trained(folder: Path, module: ModuleType = ram_plus, task: str = TASK, **config: Any) -> Any:
    small = dict(SMALL)[module]
    return module.train(task, seed=0, steps=4 * 8 * 2, folder=folder, **{**small, **config})


@pytest.mark.parametrize("module", dict(SMALL), ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_published_agent_plays_as_the_one_that_was_trained(module: ModuleType, tmp_path: Path) -> None:
    agent = trained(tmp_path, module)
    name = module.__name__.rpartition(".")[2]
    checkpoints.export(tmp_path / f"{name}.pt", tmp_path / "published" / "x.safetensors")
    published = checkpoints.load(tmp_path / "published" / "x.safetensors")
    assert (published.name, published.task, published.settings["seed"]) == (name, TASK, 0)
    before, after = (evaluate(who, TASK, scenes=50, progress=False) for who in (agent, published.agent))
    same = np.mean([np.isclose(before.log.actions[part], after.log.actions[part], atol=0.02) for part in ("gaze",)])
    assert same > 0.95, "half the bits move a gaze by hardly a pixel"
    assert np.mean(before.log.actions["symbol"] == after.log.actions["symbol"]) > 0.95


def test_it_takes_half_the_room(tmp_path: Path) -> None:
    agent = trained(tmp_path)
    checkpoints.export(tmp_path / "ram_plus.pt", tmp_path / "x.safetensors")
    numbers = sum(weight.numel() for weight in agent.policy.state_dict().values())
    assert (tmp_path / "x.safetensors").stat().st_size < 2 * numbers + 5000


def test_a_task_changed_in_what_it_can_bear_is_played_and_in_what_it_cannot_is_refused(tmp_path: Path) -> None:
    trained(tmp_path)
    checkpoints.export(tmp_path / "ram_plus.pt", tmp_path / "x.safetensors")
    shorter = checkpoints.load(tmp_path / "x.safetensors", overrides={"budget": 3})
    assert evaluate(shorter.agent, TASK, scenes=10, progress=False, **shorter.overrides).mean_glimpses == 3
    with pytest.raises(ValueError, match=r"do not fit CrowdedDigitsRetina-v0 with {'scales': \[1, 2\]}"):
        checkpoints.load(tmp_path / "x.safetensors", TASK, {"scales": [1, 2]})


def test_what_is_no_published_policy_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torn.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    with pytest.raises(ValueError, match=r"torn\.safetensors is no safetensors file"):
        checkpoints.load(tmp_path / "torn.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors", {"agent": "elsewhere", "settings": json.dumps({})})
    with pytest.raises(ValueError, match="of the agent 'elsewhere', which cannot be published; known are ram"):
        checkpoints.load(tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="of the agent 'ppo'"):
        checkpoints.export(tmp_path / "ppo.pt", tmp_path / "x.safetensors")


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    trained(tmp_path)
    file = str(tmp_path / "x.safetensors")
    checkpoints.main(["export", str(tmp_path / "ram_plus.pt"), file])
    whole = evaluate
    monkeypatch.setattr(checkpoints, "evaluate", lambda *given, **more: whole(*given, **more, scenes=20))
    checkpoints.main(["evaluate", file, "budget=2"])
    said = capsys.readouterr().out
    assert f"{TASK} test error " in said
    assert "at 2.00 glimpses" in said
    with pytest.raises(SystemExit, match=r"usage: .*evaluate FILE"):
        checkpoints.main(["evaluate", "budget=2"])


def test_a_training_begins_from_a_published_policy_where_it_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = trained(tmp_path / "reader", dram, "DigitsSequence-v0")
    checkpoints.export(tmp_path / "reader" / "dram.pt", tmp_path / "reader.safetensors")
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path)
    before, after = reader.policy.state_dict(), dram.Policy(make_lanes("DigitsAddition-v0", 1), 16, 16)
    own = {name: weight.clone() for name, weight in after.state_dict().items()}
    checkpoints.begin_from("reader", "dram", after)
    for name, weight in after.state_dict().items():
        answers = name.startswith("answer")
        torch.testing.assert_close(weight, own[name] if answers else before[name], atol=1e-3, rtol=1e-2)
    once, again = (trained(tmp_path / who, dram, "DigitsAddition-v0", start="reader") for who in "ab")
    for name, weight in once.policy.state_dict().items():
        assert torch.equal(weight, again.policy.state_dict()[name])
    assert (once.policy.lower.weight - before["lower.weight"]).abs().max() < 0.02  # two updates away


def test_what_is_not_published_or_another_agents_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(tmp_path, ram)
    checkpoints.export(tmp_path / "ram.pt", tmp_path / "ram.safetensors")
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="start='rom' is no published policy; choose one of ram, or"):
        trained(tmp_path / "x", dram, start="rom")
    with pytest.raises(ValueError, match="start='ram' is a policy of ram; dram can go on from its own alone"):
        trained(tmp_path / "x", dram, start="ram")
