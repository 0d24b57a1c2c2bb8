from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from agents import ram_plus
from agents.training import make_lanes
from benchmarks.gradient_variance import ESTIMATORS, _row, main, measure

TASK = "CenteredDigits-v0"


def test_signal_and_variance_of_gradients_written_down() -> None:
    drawn = torch.tensor([[3.0, 1.0], [3.0, -1.0], [3.0, 1.0], [3.0, -1.0]]).double()
    row = _row("x", drawn)
    assert row.variance == pytest.approx(4 / 3)
    assert row.signal == pytest.approx(9 - 4 / 3 / 4)
    assert row.noise == pytest.approx(row.variance / row.signal)
    assert _row("x", drawn - torch.tensor([3.0, 0.0])).noise is None, "no signal beyond the noise"


def test_baselines_and_control_variates_change_the_noise_and_not_what_is_estimated() -> None:
    torch.manual_seed(0)
    config = ram_plus.Config(estimator="wake-sleep", copies=8, scenes=4, features=16, steering=16, precision="float32")
    policy = ram_plus.Policy(make_lanes(TASK, 1), config)
    torch.nn.init.normal_(policy.gaze[2].weight, std=0.1)  # type: ignore[arg-type]
    rows = {row.estimator: row for row in measure(policy, make_lanes(TASK, 32), 4, 60)}
    assert list(rows) == list(ESTIMATORS)
    assert rows["REINFORCE, leave one out"].variance < 0.5 * rows["REINFORCE"].variance
    controlled, free = "wake-sleep, looks of q", "wake-sleep, looks of q, no control variate"
    assert rows[controlled].variance < 0.5 * rows[free].variance
    assert policy.config == config, "it is left as it was"


def test_the_command_writes_what_it_measured(tmp_path: Path) -> None:
    output = tmp_path / "result.json"
    main(TASK, steps=512 * 7, scenes=2, copies=2, draws=3, folder=tmp_path / "run", output=output)
    found = json.loads(output.read_text(encoding="utf-8"))
    assert [row["estimator"] for row in found["rows"]] == list(ESTIMATORS)
    assert (found["task"], found["copies"], found["estimator"]) == (TASK, 2, "wake-sleep")
