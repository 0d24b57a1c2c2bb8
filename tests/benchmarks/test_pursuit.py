"""Gaze against the digit's path: by an eye that knows where the digit will be, and one that stays at the middle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.pursuit import draw, follow, lead, logs_of
from glimpse_env.evaluation import evaluate
from glimpse_env.vector_env import GlimpseVectorEnv

TASK = "MovingDigits-v0"


class Eye:
    """Looks where the digit is going to be, or `still` at the middle."""

    action_mode = "hybrid"

    def __init__(self, still: bool = False) -> None:
        self.still = still

    def reset(self, lanes: int) -> None:
        self.lanes = lanes

    def peek(self, env: GlimpseVectorEnv) -> None:
        self.env = env

    def act(self, seen: Any) -> dict[str, Any]:
        size = np.array(self.env.canvases().shape[1:3]) - 1
        top, left, height, width = self.env.boxes()[:, 0].T
        middle = np.stack([top + (height - 1) / 2, left + (width - 1) / 2], 1) + self.env.velocities()[:, 0]
        gaze = np.zeros((self.lanes, 2)) if self.still else 2 * middle / size - 1
        return {"gaze": gaze, "symbol": np.zeros(self.lanes, np.int64)}


def test_an_eye_that_knows_the_way_is_on_the_digit() -> None:
    pursuit = follow(evaluate(Eye(), TASK, scenes=6, progress=False).log, 6)
    assert pursuit.gaze.shape == pursuit.digit.shape == (8, 6, 2)
    moving = np.abs(np.diff(pursuit.digit, axis=0)).sum(2) > 0
    assert moving.any()
    off = pursuit.distance[2:][moving[:-1] & moving[1:]]  # a digit that turns at the border is somewhere else for once
    assert np.median(off) < 0.1


def test_an_eye_that_stays_is_where_it_stays() -> None:
    pursuit = follow(evaluate(Eye(still=True), TASK, scenes=4, progress=False).log, 4)
    assert np.abs(pursuit.gaze[1:] - (pursuit.canvases.shape[1] - 1) / 2).max() == 0


def test_the_picture_has_something_on_it(tmp_path: Path) -> None:
    log = evaluate(Eye(), TASK, scenes=4, progress=False).log
    draw({"learned": follow(log, 4)}, tmp_path / "new" / "pursuit.png")
    pixels = np.asarray(Image.open(tmp_path / "new" / "pursuit.png").convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100


def test_results_are_told_apart_by_seed_and_agent() -> None:
    log = evaluate(Eye(still=True), TASK, scenes=2, progress=False).log
    results = [{"agent": agent, "seed": seed, "log": log.to_json()} for agent in ("ram_plus", "ppo") for seed in (0, 1)]
    assert list(logs_of(results, 1)) == ["learned"]


def test_more_scenes_than_there_are_is_an_error() -> None:
    log = evaluate(Eye(), TASK, scenes=2, progress=False).log
    with pytest.raises(ValueError, match="scenes=3 must be at most the 2"):
        follow(log, 3)


def test_the_lead_is_the_difference_of_means_and_lies_in_its_interval() -> None:
    scores = {"ram_plus": (0.8, 0.9), "ram_plus_centre_gaze": (0.6, 0.5), "ram_plus_random_gaze": (0.4,)}
    results = [{"agent": agent, "evaluation": {"accuracy": x}} for agent, of_it in scores.items() for x in of_it]
    points, interval = lead(results, "ram_plus_centre_gaze")
    assert points == pytest.approx(0.3)
    assert interval == pytest.approx((0.2, 0.4), abs=0.01)
    assert lead(results, "ram_plus_random_gaze") == (pytest.approx(0.45), None)
    with pytest.raises(ValueError, match="no result of ram_plus or of nobody"):
        lead(results, "nobody")
