from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tyro
from PIL import Image

from benchmarks.files import write_json
from benchmarks.zooms import draw, main, markdown, shares
from glimpse_env.action_log import ActionLog


def result(**more: Any) -> dict[str, Any]:
    """Four episodes of CrowdedDigits: of 1, 2, 3 and 3 glimpses."""
    zoom = np.array([[2, 2, 2], [1, 2, 2], [1, 0, 2], [0, 0, 2]], np.int16)
    log = ActionLog(
        id="CrowdedDigits-v0", split="test", overrides={"action_mode": "hybrid", "budget": 3}, fingerprint="",
        steps=np.array([1, 2, 3, 3]), actions={"zoom": zoom, **more},
    )  # fmt: skip
    return {"agent": "x", "name": "y", "task": "CrowdedDigits-v0", "log": log.to_json()}


def test_zooms_are_counted_over_the_glimpses_that_were_taken() -> None:
    zooms, counts = shares(result())
    assert zooms == (1, 2, 4)
    assert counts.tolist() == [[0, 0, 4], [1, 2, 0], [2, 0, 0]]


def test_the_table_is_in_percent() -> None:
    assert markdown(result()).splitlines()[2:] == [
        "| 1 | 4 | 0.0 | 0.0 | 100.0 |",
        "| 2 | 3 | 33.3 | 66.7 | 0.0 |",
        "| 3 | 2 | 100.0 | 0.0 | 0.0 |",
    ]


def test_bars_are_as_high_as_there_were_episodes() -> None:
    picture = draw(result())[:260]  # without the names below
    colours = {name: np.array(colour) for name, colour in (("near", (250, 176, 60)), ("wide", (90, 130, 240)))}
    heights = {name: (picture == colour).all(2).sum(0) for name, colour in colours.items()}
    columns = [20 + 84 * k + 5 for k in range(3)]
    assert [int(heights["near"][column]) for column in columns] == [0, 60, 120]
    assert int(heights["wide"][columns[0]]) == 240


def test_the_command_draws_and_refuses_what_has_no_zoom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(tmp_path / "x.json", result())
    tyro.cli(main, args=[str(tmp_path / "x.json"), "--picture", str(tmp_path / "x.png")])
    assert "| 2 | 3 | 33.3 | 66.7 | 0.0 |" in capsys.readouterr().out
    with Image.open(tmp_path / "x.png") as image:
        assert np.array_equal(np.asarray(image), draw(result()))
    none = result()
    del none["log"]["actions"]["zoom"]
    write_json(tmp_path / "none.json", none)
    with pytest.raises(SystemExit, match="x on y chose no zoom"):
        main(tmp_path / "none.json")
