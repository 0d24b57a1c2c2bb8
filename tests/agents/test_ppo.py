"""The stock agents: each learns a little, keeps a checkpoint and goes on from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.ppo import STOCK, train
from glimpse_env import evaluate
from glimpse_env.sb3 import SB3Agent
from glimpse_env.sources import DataError

ID = "CenteredDigits-v0"
NOISE = (np.random.default_rng(0).integers(0, 256, (200, 8, 8), np.uint8), np.arange(200) % 10)
TASK: dict[str, Any] = {"source": NOISE, "canvas": 8, "patch": 4, "budget": 3, "grid": 2, "reward": "running"}
QUICK: dict[str, dict[str, Any]] = {
    "recurrent_ppo": {"policy_kwargs": {"lstm_hidden_size": 16}},
    "dqn": {"learning_starts": 100, "buffer_size": 1000},
}


def weights(agent: SB3Agent) -> Any:
    return np.concatenate([part.detach().numpy().ravel() for part in agent.model.policy.parameters()])


@pytest.mark.parametrize("name", STOCK)
def test_trains_keeps_a_checkpoint_and_goes_on(name: str, tmp_path: Path) -> None:
    rows: list[dict[str, float]] = []
    arguments: dict[str, Any] = {
        "seed": 1, "folder": tmp_path / name, "log": rows.append, "overrides": TASK, "algorithm": name, "lanes": 4,
        **({"n_steps": 32, "batch_size": 32} if "ppo" in name else {}), **QUICK.get(name, {}),
    }  # fmt: skip
    agent = train(ID, steps=256, **arguments)
    assert 256 <= agent.model.num_timesteps < 256 + 4 * 32
    assert [path.name for path in (tmp_path / name).iterdir()] == ["model.zip"]
    assert rows[-1]["steps"] == agent.model.num_timesteps
    assert 0 <= rows[-1]["accuracy"] <= 1
    assert 0 <= rows[-1]["return"] <= 1
    assert (rows[-1].get("location_gradient_norm", 0) > 0) == (name != "dqn")
    first, seconds, n = weights(agent), rows[-1]["seconds"], len(rows)

    again = train(ID, steps=256, **arguments)  # all is done
    np.testing.assert_array_equal(weights(again), first)
    assert len(rows) == n

    more = train(ID, steps=512, **arguments)
    assert 512 <= more.model.num_timesteps < 512 + 4 * 32
    assert not np.array_equal(weights(more), first)
    assert rows[n]["steps"] > 256
    assert rows[n]["seconds"] > seconds
    assert (np.diff([row["steps"] for row in rows]) > 0).all()
    assert evaluate(more, ID, scenes=10, progress=False, **TASK).mean_glimpses == TASK["budget"]


@pytest.mark.parametrize("name", STOCK)
def test_a_text_is_spoken_too(name: str, tmp_path: Path) -> None:
    task = {"source": NOISE, "canvas": 24, "clutter": 0, "patch": 4, "grid": 2}
    quick = {"n_steps": 32, "batch_size": 32} if "ppo" in name else {}
    arguments: dict[str, Any] = {"lanes": 4, "overrides": task, "algorithm": name, **quick, **QUICK.get(name, {})}
    agent = train("DigitsPairs-v0", seed=1, steps=256, folder=tmp_path, **arguments)
    score = evaluate(agent, "DigitsPairs-v0", scenes=20, progress=False, **task)
    assert (score.log.steps >= 2).any()
    assert score.symbol_error_rate is not None


def test_training_is_repeatable_and_continues_on_new_scenes(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"seed": 1, "overrides": TASK, "lanes": 4, "n_steps": 32, "batch_size": 32}
    one, same = (train(ID, steps=256, folder=tmp_path / name, **arguments) for name in "ab")
    np.testing.assert_array_equal(weights(one), weights(same))
    other = train(ID, steps=256, folder=tmp_path / "c", **{**arguments, "seed": 2})
    assert not np.array_equal(weights(one), weights(other))

    begun = train(ID, steps=0, folder=tmp_path / "d", **arguments).model.get_env().reset()
    resumed = train(ID, steps=256, folder=tmp_path / "a", **arguments).model.get_env().reset()
    assert not np.array_equal(begun["gaze"], resumed["gaze"])


@pytest.mark.parametrize("name", ["ppo", "maskable_ppo"])
def test_location_gradient_is_that_of_the_looks_alone(name: str, tmp_path: Path) -> None:
    rows: list[dict[str, float]] = []
    arguments: dict[str, Any] = {"lanes": 4, "n_steps": 32, "batch_size": 32, "overrides": TASK, "algorithm": name}
    agent = train(ID, seed=1, steps=128, folder=tmp_path, log=rows.append, **arguments)
    gradient = agent.model.policy.action_net.weight.grad.numpy()
    assert gradient.shape[0] == 4 + 10  # two rows and two columns, or four cells; then the symbols
    assert rows[-1]["location_gradient_norm"] == pytest.approx(float(np.linalg.norm(gradient[:4])))


def test_a_killed_training_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill(row: dict[str, float]) -> None:
        if row["steps"] >= 640:
            raise Killed

    arguments: dict[str, Any] = {"seed": 1, "folder": tmp_path, "overrides": TASK, "lanes": 4, "n_steps": 32}
    with pytest.raises(Killed):
        train(ID, steps=1280, log=kill, batch_size=32, **arguments)
    assert SB3Agent.load(tmp_path / "model.zip").model.num_timesteps == 512
    assert train(ID, steps=1280, batch_size=32, **arguments).model.num_timesteps == 1280


def test_refuses_what_would_make_a_false_result(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"seed": 1, "steps": 8, "folder": tmp_path, "lanes": 4, "n_steps": 2, "batch_size": 8}
    with pytest.raises(ValueError, match="algorithm='pop' is unknown; choose one of ppo, ppo_history"):
        train(ID, algorithm="pop", overrides=TASK, **arguments)
    train(ID, overrides=TASK, **arguments)
    with pytest.raises(ValueError, match=r"made with other settings \(seed\); choose another folder"):
        train(ID, overrides=TASK, **{**arguments, "seed": 2})


def test_refuses_stand_in_data_under_an_mnist_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("GLIMPSE_DATA", "GLIMPSE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(place, str(tmp_path / "empty"))
    monkeypatch.setattr("glimpse_env.sources._loaded", {})
    with pytest.raises(DataError, match="train on CenteredDigits-v0"):
        train("CenteredMNIST-v0", seed=0, steps=8, folder=tmp_path)
