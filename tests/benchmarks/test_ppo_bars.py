"""The published bars of stock PPO, and the measurement of the environment's share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks import env_share, ppo_bars
from benchmarks.files import RESULTS, read_json, write_json


def test_published_results_are_those_of_the_bars_and_clear_them(capsys: pytest.CaptureFixture[str]) -> None:
    ppo_bars.main(seeds=1, runs=Path("nothing is trained"))
    shown = capsys.readouterr().out
    assert "training" not in shown
    for bar in ppo_bars.BARS:
        assert f"{bar.accuracy:.0%}" in shown


def test_a_missed_bar_is_an_error(tmp_path: Path) -> None:
    shutil.copytree(RESULTS / ppo_bars.SUITE, tmp_path / ppo_bars.SUITE)
    path = tmp_path / ppo_bars.SUITE / "CenteredMNIST-v0" / "ppo" / "seed0.json"
    result = read_json(path)
    result["evaluation"]["accuracy"] = 0.399
    write_json(path, result)
    with pytest.raises(SystemExit, match="a bar was missed"):
        ppo_bars.main(seeds=1, results=tmp_path)


def test_share_counts_the_calls_of_the_environment_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(1000))
    monkeypatch.setattr(env_share, "_now", lambda: next(seconds) * env_share.np.ones(2))
    row = env_share.measure("CenteredDigits-v0", "native", 256, 4096)
    # A rollout of 16 steps and one reset, each a second by this clock, and a second between any two readings.
    assert row.wall_seconds == row.cpu_seconds == 2 * (16 + 1) + 1
    assert row.wall_share == row.cpu_share == pytest.approx(17 / 35, abs=1e-4)
