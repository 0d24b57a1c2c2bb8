"""Sheets and animations show the scenes, the gazes and the answers of the log, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import glimpse_env  # noqa: F401  registers the ids
from glimpse_env import rendering
from glimpse_env.env import Observation
from glimpse_env.evaluation import Evaluation, evaluate
from glimpse_env.vector_env import GlimpseVectorEnv

pytest.importorskip("PIL")
from PIL import Image

from agents import pictures

_FIXED, _STOPPING = "CrowdedDigitsRetina-v0", "CrowdedDigits-v0"
_SCENES = 12


class ByChance:
    """Looks and answers at random, but names every other scene right."""

    def __init__(self, task: str) -> None:
        self.space = gym.make_vec(task, 1).single_action_space
        self.space.seed(0)

    def peek(self, env: GlimpseVectorEnv) -> None:
        self.targets = env.targets()

    def act(self, observation: Observation) -> Any:
        actions = np.stack([self.space.sample() for _ in self.targets])
        actions[::2, -1] = self.targets[::2]
        return actions


def by_chance(task: str) -> Evaluation:
    return evaluate(ByChance(task), task, scenes=_SCENES, progress=False)


@pytest.fixture(scope="module")
def fixed() -> Evaluation:
    return by_chance(_FIXED)


@pytest.fixture(scope="module")
def stopping() -> Evaluation:
    return by_chance(_STOPPING)


def colours(image: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(colour) for colour in np.unique(image.reshape(-1, 3), axis=0).tolist()}


def judged(frame: np.ndarray) -> bool:
    """Whether an answer is shown as right or wrong; a GIF's palette may be off by a little."""
    distances = [np.abs(frame - np.array(colour)).max(axis=2) for colour in (rendering.RIGHT, rendering.WRONG)]
    return bool((np.minimum(*distances) <= 8).sum() > 50)


@pytest.mark.parametrize("kind", ["fixed", "stopping"])
def test_episodes_are_those_of_the_log(kind: str, request: pytest.FixtureRequest) -> None:
    score: Evaluation = request.getfixturevalue(kind)
    scenes = [7, 2, 11]
    replayed = pictures.episodes(score.log, scenes)
    env = gym.make(score.log.id, split="test").unwrapped
    for scene, episode in zip(scenes, replayed, strict=True):
        observation, _ = env.reset(options={"index": scene})
        assert np.array_equal(episode.canvas, env.canvas())
        for k in range(score.log.steps[scene]):
            for name, value in observation.items():
                assert np.array_equal(episode.path[k][name], value)
            observation, _, ended, _, info = env.step(score.log.actions["action"][scene, k].astype(np.int64))
        assert ended
        assert len(episode.path) == len(episode.answers) == score.log.steps[scene]
        assert episode.label == episode.classes[info["label"]]
        assert episode.answers[-1] == (episode.classes[info["answer"]] if info["answer"] >= 0 else None)


def test_replayed_episodes_have_the_accuracy_of_the_log(fixed: Evaluation) -> None:
    assert fixed.accuracy >= 0.5
    replayed = pictures.episodes(fixed.log, range(_SCENES))
    assert np.mean([episode.answers[-1] == episode.label for episode in replayed]) == fixed.accuracy


@pytest.mark.parametrize("scenes", [[], [-1], [0, _SCENES]])
def test_scenes_that_are_not_in_the_log_are_refused(scenes: list[int], fixed: Evaluation) -> None:
    with pytest.raises(ValueError, match=r"scenes=.* each in \[0, 11\]"):
        pictures.episodes(fixed.log, scenes)


def test_a_sheet_has_a_tile_for_each_scene(tmp_path: Path, fixed: Evaluation) -> None:
    file = tmp_path / "new folder" / "sheet.png"
    pictures.scan_paths(fixed.log, range(5), file, columns=3)
    sheet = np.array(Image.open(file))
    height, width = sheet.shape[0] // 2, sheet.shape[1] // 3
    assert sheet.shape == (2 * height, 3 * width, 3)
    for k, episode in enumerate(pictures.episodes(fixed.log, range(6))):
        tile = sheet[k // 3 * height :, k % 3 * width :][:height, :width]
        if k == 5:
            assert colours(tile) == {rendering.BACKGROUND}
            continue
        found = colours(tile)
        assert (rendering.RIGHT in found) == (episode.label in episode.answers)
        assert (rendering.WRONG in found) == any(answer != episode.label for answer in episode.answers)
    assert [path.name for path in file.parent.iterdir()] == ["sheet.png"]


def test_a_bar_is_as_tall_as_the_belief_in_the_right_class(tmp_path: Path, fixed: Evaluation) -> None:
    heights = []
    for belief in (0.25, 0.5, 1.0):
        beliefs = np.zeros((1, 8, 10))
        (episode,) = pictures.episodes(fixed.log, [0])
        beliefs[0, 0, int(episode.label)] = belief
        pictures.scan_paths(fixed.log, [0], tmp_path / "sheet.png", beliefs)
        sheet = np.array(Image.open(tmp_path / "sheet.png"))
        panel = rendering.Panel(60, 60, 300)
        bars = sheet[-panel.shape[0] // 3 :, panel.corner(0, 0)[1] + 2]
        heights.append(sum(tuple(colour) in (rendering.RIGHT, rendering.WRONG) for colour in bars.tolist()))
    assert heights[0] > 0
    assert heights == pytest.approx([heights[2] / 4, heights[2] / 2, heights[2]], abs=1)


def test_beliefs_of_another_shape_are_refused(tmp_path: Path, fixed: Evaluation) -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 8, 10\).* got \(2, 8, 9\)"):
        pictures.scan_paths(fixed.log, [0, 1], tmp_path / "sheet.png", np.zeros((2, 8, 9)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["fixed", "stopping"])
def test_an_animation_has_a_frame_a_glimpse_and_one_for_the_end(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    score: Evaluation = request.getfixturevalue(kind)
    file = tmp_path / "glimpses.gif"
    pictures.animate(score.log, [0, 1, 2, 3], file)
    with Image.open(file) as movie:
        frames = []
        for k in range(movie.n_frames):
            movie.seek(k)
            frames.append(np.array(movie.convert("RGB")))
    assert len(frames) == score.log.steps[:4].max() + 1
    assert 600 <= frames[0].shape[1] <= 900
    assert file.stat().st_size < 1_500_000
    assert not judged(frames[0])
    assert judged(frames[-1])
    if kind == "fixed":
        assert not judged(frames[-2])


def test_a_frame_of_the_animation_is_the_picture_of_that_moment(tmp_path: Path, fixed: Evaluation) -> None:
    pictures.animate(fixed.log, [5], tmp_path / "one.gif", side=360)
    (episode,) = pictures.episodes(fixed.log, [5])
    expected = rendering.picture(episode.canvas, episode.path[:3], episode.task, answer=episode.answers[1], label=None)
    with Image.open(tmp_path / "one.gif") as movie:
        movie.seek(2)
        frame = np.array(movie.convert("RGB")).astype(int)
    far = np.abs(frame - expected).max(axis=2) > 60  # a palette rounds, but not as far
    assert far.sum() < 20
    assert episode.answers[1] not in (episode.answers[0], episode.answers[2])


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, fixed: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sheet.png"
    file.write_bytes(b"before")

    def save(self: Any, path: Path, *args: Any, **kwargs: Any) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(OSError, match="no space"):
        pictures.scan_paths(fixed.log, [0], file)
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]
