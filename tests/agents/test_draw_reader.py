"""DRAW's reader: that it learns where to look by gradient alone, what its log shows, and that a kill costs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents import filterbank
from agents.draw_reader import Config, DrawReaderAgent, Reader, amid, as_input, lessons, loss_of, train
from agents.training import make_lanes
from benchmarks.looking import scan_paths
from glimpse_env import evaluate

ID = "CrowdedDigitsRetina100-v0"


def bars(count: int = 200) -> tuple[Any, Any]:
    """Images of 12x12: a standing bar is class 0, a lying one class 1."""
    labels = np.arange(count) // 10 % 2
    images = np.zeros((count, 12, 12), np.uint8)
    images[labels == 0, :, 5:7] = 255
    images[labels == 1, 5:7, :] = 255
    return images, labels


TOY: dict[str, Any] = {
    "source": bars(), "canvas": 24, "clutter": 0, "patch": 4, "scales": (1,), "budget": 3, "stopping": False,
}  # fmt: skip
SMALL: dict[str, Any] = {"scenes": 32, "features": 32, "patch": 4, "learning_rate": 1e-2}


def test_learns_and_its_log_shows_where_it_reads(tmp_path: Path) -> None:
    rows: list[dict[str, float]] = []
    agent = train(ID, seed=0, steps=3 * 32 * 150, folder=tmp_path, overrides=TOY, log=rows.append, **SMALL)
    score = evaluate(agent, ID, scenes=100, progress=False, **TOY)
    assert score.accuracy > 0.9
    assert score.by_glimpses[-1][2] >= score.by_glimpses[0][2]
    assert rows[-1]["location_gradient_norm"] > 0
    env = make_lanes(ID, 100, "test", **TOY)
    env.reset(seed=0, options={"index": np.arange(100)})
    with torch.no_grad():
        logits, gazes = agent.reader(as_input(env.canvases()), 3)
    assert gazes[1:].std(1).min() > 0  # the later reads depend on the scene
    assert np.allclose(scan_paths(score.log)[:, 1:, :2], gazes[1:].transpose(0, 1).numpy(), atol=2e-3)
    answers = (logits.argmax(2).numpy() == env.targets()).mean(1)
    assert [share for _, _, share in score.by_glimpses] == pytest.approx(answers.tolist())


def test_cross_entropy_alone_moves_the_gaze() -> None:
    torch.manual_seed(0)
    reader = Reader(20, 30, 5, Config(features=16))
    labels = torch.tensor([0, 1, 2])
    logits, gazes = reader(torch.rand(3, 20, 30), 2)
    assert logits.shape == (2, 3, 5)
    assert torch.allclose(gazes[0], torch.zeros(3, 2), atol=1e-6)  # begins in the middle
    loss_of(logits[:1], labels, 0.0).backward()
    first = reader.grid.bias.grad
    assert isinstance(first, torch.Tensor)
    assert first.abs().min() > 0
    assert reader.grid.weight.grad is None or reader.grid.weight.grad.abs().max() == 0  # nothing was seen before


def test_scenes_grow_to_those_of_the_task_amid_darkness() -> None:
    env = make_lanes(ID, 4)
    env.reset(seed=0)
    course = lessons(ID, 4, env, {})
    for lesson in course:
        lesson.reset(seed=0)
    assert [lesson.canvases().shape[1] for lesson in course] == [40, 52, 64, 76, 88, 100]
    assert [lesson.task.clutter for lesson in course] == [1, 2, 3, 5, 6, 8]
    assert course[-1] is env
    scenes = as_input(course[0].canvases())
    wide = amid(scenes, 100, 101)
    assert wide.shape == (4, 100, 101)
    assert torch.equal(wide[:, 30:70, 30:70], scenes)
    assert wide.sum().item() == pytest.approx(scenes.sum().item())


def test_a_read_sees_the_canvas_through_the_filterbank() -> None:
    reader = Reader(20, 30, 5, Config(features=16, patch=3))
    canvas = torch.rand(2, 20, 30)
    bank = filterbank.filterbank(filterbank.spanning(3, 20, 30, Config().span).expand(2, -1), 3, 20, 30)
    seen: list[torch.Tensor] = []
    reader.what.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    reader(canvas, 1)
    assert torch.allclose(seen[0], filterbank.read(bank, canvas).flatten(1), atol=1e-6)


def test_the_loss_weighs_early_answers() -> None:
    logits = torch.tensor([[[0.0, 0.0]], [[0.0, 0.0]], [[5.0, -5.0]]])
    early, late = np.log(2), np.log1p(np.exp(-10))
    assert loss_of(logits, torch.tensor([0]), 0.3).item() == pytest.approx(late + 0.3 * early, rel=1e-4)


def test_answers_when_the_budget_is_spent_where_it_could_stop(tmp_path: Path) -> None:
    task = {**TOY, "stopping": True, "glimpse_cost": 0.02, "zooms": (1, 2)}
    agent = train(ID, seed=0, steps=3 * 32 * 2, folder=tmp_path, overrides=task, **SMALL)
    score = evaluate(agent, ID, scenes=20, progress=False, **task)
    assert score.mean_glimpses == 3


def test_goes_on_exactly_where_it_was_killed(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"seed": 3, "steps": 2 * 32 * 6, "overrides": {"budget": 2}, **SMALL}
    rows: list[dict[str, float]] = []
    whole = train(ID, folder=tmp_path / "whole", log=rows.append, **arguments)

    def kill_at_the_third(row: dict[str, float]) -> None:
        if row["steps"] == rows[2]["steps"]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(ID, folder=tmp_path / "killed", log=kill_at_the_third, **arguments)
    resumed = train(ID, folder=tmp_path / "killed", **arguments)
    for one, other in zip(whole.reader.parameters(), resumed.reader.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match="other settings"):
        train(ID, folder=tmp_path / "killed", **{**arguments, "seed": 4})


def test_colours_are_refused() -> None:
    with pytest.raises(ValueError, match=r"grey scenes.*\(2, 5, 4, 3\)"):
        as_input(np.zeros((2, 5, 4, 3), np.uint8))


def test_it_looks_at_the_hidden_scene_and_says_so() -> None:
    from benchmarks.roster import AGENTS

    assert hasattr(DrawReaderAgent, "peek")
    assert AGENTS["draw_reader"].board == "reference"
