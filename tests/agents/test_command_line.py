"""The command line of an agent: its options reach the training, and what it says is the score of the frozen scenes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from agents import ram
from agents.command_line import error_of, train_and_score


def test_the_command_line_trains_and_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--steps", "280", "--seed", "3", "--config.batch", "4", "--config.no-such"]
    monkeypatch.setattr("sys.argv", ["ram", *options[:-1]])
    default = ram.Config(features=16)
    score = train_and_score(ram.train, default, task="CenteredDigits-v0", steps=10**9, folder=str(tmp_path))
    settings = torch.load(tmp_path / "ram.pt", weights_only=False)["settings"]
    assert settings.items() >= {"steps": 280, "seed": 3, "batch": 4, "features": 16}.items()
    assert score.log.id == "CenteredDigits-v0"
    assert len(score.log.steps) == 10_000
    wrong = 100 - 100 * score.accuracy
    assert error_of(score) == f"CenteredDigits-v0: test error {wrong:.2f} % at 7.0 glimpses, one path a scene"
    monkeypatch.setattr("sys.argv", ["ram", *options])
    with pytest.raises(SystemExit):
        train_and_score(ram.train, default, task="CenteredDigits-v0", steps=280, folder=str(tmp_path))
