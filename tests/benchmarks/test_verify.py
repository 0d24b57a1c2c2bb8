from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import cells, verify
from benchmarks.cells import Cell
from benchmarks.files import write_json
from benchmarks.roster import Entrant
from benchmarks.suite import find
from glimpse_env.action_log import ActionLog
from glimpse_env.sources import DataError


class Guess:
    """Looks somewhere and answers at once, or later, or never."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def act(self, observation: Any) -> Any:
        return self.random.integers([9, 9, 3, 2, 10], size=(len(observation["gaze"]), 5))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A true result on the flagship's twin, as it is read from its file."""
    entrant = Entrant(name="guess", source="guess", what=f"{__name__}:Guess", board="reward", learns=False)
    cell = Cell(suite="smoke", task=find("smoke", ("CrowdedDigits-v0",))[0], entrant=entrant, seed=3)
    made = cells.measure(cell, tmp_path_factory.mktemp("runs"))
    read: dict[str, Any] = json.loads(json.dumps(made))
    return read


def wrong(result: dict[str, Any]) -> list[str]:
    return [check.name for check in verify.verify(result) if not check.holds]


def test_a_true_result_is_confirmed_in_every_number(result: dict[str, Any]) -> None:
    checks = verify.verify(result)
    assert all(check.holds for check in checks)
    numbers = {"accuracy", "mean_return", "mean_glimpses", "by_glimpses", "fingerprint", "coverage", "corner"}
    assert numbers <= {check.name for check in checks}
    assert 0 < result["evaluation"]["accuracy"] < 0.5
    assert len(result["evaluation"]["by_glimpses"]) > 2


@pytest.mark.parametrize(
    ("path", "lie", "name"),
    [
        (("evaluation", "accuracy"), 0.99, "accuracy"),
        (("evaluation", "mean_return"), 0.99, "mean_return"),
        (("evaluation", "mean_glimpses"), 1.0, "mean_glimpses"),
        (("looking", "coverage"), 0.01, "coverage"),
        (("looking", "corner"), 0.0, "corner"),
        (("log", "fingerprint"), "0" * 64, "the log"),
        (("log", "rules"), {"budget": 9}, "the log"),
        (("log", "split"), "validation", "split"),
        (("log", "overrides"), {"clutter": 0}, "overrides of the log"),
        (("log", "id"), "CenteredDigits-v0", "task of the log"),
        (("log", "steps"), "nonsense", "a result of this benchmark"),
        (("overrides",), {"clutter": 0}, "overrides"),
        (("name",), "TranslatedDigits-v0", "task"),
        (("name",), "Unknown-v0", "a result of this benchmark"),
        (("format",), 2, "format"),
        (("finished",), False, "finished"),
    ],
)
def test_every_lie_is_refuted(result: dict[str, Any], path: tuple[str, ...], lie: Any, name: str) -> None:
    false = copy.deepcopy(result)
    place = false
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = lie
    assert name in wrong(false)


def test_the_refutation_names_the_number(result: dict[str, Any]) -> None:
    false = copy.deepcopy(result)
    false["evaluation"]["by_glimpses"][1][2] += 1e-6
    assert wrong(false) == ["by_glimpses"]


def test_a_part_of_the_scenes_is_no_result(result: dict[str, Any]) -> None:
    log = ActionLog.from_json(result["log"])
    part = replace(log, steps=log.steps[:10], actions={name: array[:10] for name, array in log.actions.items()})
    assert wrong({**result, "log": part.to_json()}) == ["scenes"]


def test_another_action_is_another_score(result: dict[str, Any]) -> None:
    log = ActionLog.from_json(result["log"])
    actions = {name: array.copy() for name, array in log.actions.items()}
    actions["action"][..., 4] = (actions["action"][..., 4] + 1) % 10
    assert "accuracy" in wrong({**result, "log": replace(log, actions=actions).to_json()})


def test_what_is_no_result_is_refuted_not_a_crash() -> None:
    assert wrong({}) == ["a result of this benchmark"]
    assert wrong({"suite": "smoke", "name": "CenteredDigits-v0"}) == ["a result of this benchmark"]


def test_the_command_tells_by_its_status(
    result: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(tmp_path / "seed0.json", result)
    assert exit_status(tmp_path / "seed0.json") == 0
    output = capsys.readouterr().out
    assert "confirmed" in output
    assert f"accuracy {result['evaluation']['accuracy']:.4f}" in output
    write_json(tmp_path / "seed1.json", {**result, "evaluation": {**result["evaluation"], "accuracy": 1.0}})
    write_json(tmp_path / "metrics.json", {"of": "an analysis"})
    assert exit_status(tmp_path) == 1  # a folder: both, and nothing else
    output = capsys.readouterr().out
    assert output.count("REFUTED") == 1
    assert f"accuracy: it says 1.0, found {result['evaluation']['accuracy']!r}" in output
    assert exit_status(tmp_path / "missing.json") == 2
    (tmp_path / "empty").mkdir()
    assert exit_status(tmp_path / "empty") == 2
    capsys.readouterr()

    def no_data(*_: Any, **__: Any) -> None:
        raise DataError("there is no MNIST here")

    monkeypatch.setattr(verify, "make_frozen", no_data)
    assert exit_status(tmp_path / "seed0.json") == 2
    assert "not checked" in capsys.readouterr().out


def exit_status(path: Path) -> Any:
    with pytest.raises(SystemExit) as exit:
        verify.main([path])
    return exit.value.code
