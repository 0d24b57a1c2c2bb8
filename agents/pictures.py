"""Where an agent looked, drawn from its action log on the real scenes: a sheet of scan paths and an animated GIF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from agents.files import replacing
from glimpse_env.action_log import ActionLog, take
from glimpse_env.drawing import LETTER_HEIGHT, LETTER_WIDTH, Colour, Picture, fill, write
from glimpse_env.env import text_of
from glimpse_env.evaluation import make_frozen
from glimpse_env.rendering import BACKGROUND, BAR, FAINT, INK, RIGHT, WRONG, Observations, Panel, picture, scene
from glimpse_env.task import Task

_STEP, _FIRST, _LAST = 700, 1000, 3000  # milliseconds a frame of the animation is shown


@dataclass(frozen=True, kw_only=True, eq=False)
class Episode:
    """One episode of an action log.

    Attributes:
        index: Which frozen scene it is.
        canvas: The hidden scene, uint8, (height, width) or (height, width, 3).
        path: What the agent observed before each of its actions.
        answers: The class said with each action, None where it said none.
        label: The right class.
        classes: The names of all classes.
        task: What was played.
    """

    index: int
    canvas: npt.NDArray[np.uint8]
    path: Observations
    answers: Sequence[str | None]
    label: str
    classes: tuple[str, ...]
    task: Task


def episodes(log: ActionLog, scenes: Sequence[int]) -> list[Episode]:
    """Replay some scenes of a log.

    Args:
        log: What the agent did.
        scenes: Which scenes, each in [0, number of scenes in the log).

    Raises:
        DataError: If real data is missing.
        ValueError: If a scene is not in the log, or none is asked for.
    """
    indices = np.array(scenes, np.int64)
    if not len(indices) or indices.min() < 0 or indices.max() >= len(log.steps):
        raise ValueError(f"scenes={list(scenes)} must be at least one, each in [0, {len(log.steps) - 1}]")
    env = make_frozen(log.id, len(indices), log.split, **log.overrides)
    observation, _ = env.reset(seed=0, options={"index": indices})
    canvases, targets, classes = env.canvases(), env.targets(), env.symbols
    observations, answers = [], []
    for step in range(log.steps[indices].max()):  # a lane that has ended goes on with scenes that nobody looks at
        observations.append(observation)
        observation = env.step(take(log.actions, (indices, step)))[0]
        answers.append(env.answers())
    return [
        Episode(
            index=int(index),
            canvas=canvases[lane],
            path=[{name: value[lane] for name, value in seen.items()} for seen in observations[: log.steps[index]]],
            answers=[classes[said[lane]] if said[lane] >= 0 else None for said in answers[: log.steps[index]]],
            label=str(text_of(targets[lane], classes)),
            classes=classes,
            task=env.task,
        )
        for lane, index in enumerate(indices)
    ]


def scan_paths(
    log: ActionLog,
    scenes: Sequence[int],
    path: Path,
    beliefs: npt.NDArray[np.floating[Any]] | None = None,
    *,
    columns: int = 4,
) -> None:
    """Draw a sheet of scan paths: the numbered gazes, the answer and the label, and the running answers.

    Args:
        log: What the agent did.
        scenes: Which scenes to draw.
        path: The PNG to write.
        beliefs: (scenes, budget, classes): the probability the agent gave each class after each glimpse, for the scenes
            drawn. The strip below a scene then shows as bars how far it believed in the right one.
        columns: Scenes side by side.

    Raises:
        ValueError: If a scene is not in the log, none is asked for, or the beliefs have another shape.
    """
    drawn = episodes(log, scenes)
    wanted = (len(drawn), drawn[0].task.budget, len(drawn[0].classes))
    if beliefs is not None and beliefs.shape != wanted:
        raise ValueError(f"beliefs must have shape {wanted}: scenes drawn, glimpses, classes; got {beliefs.shape}")
    tiles = [_tile(episode, None if beliefs is None else beliefs[k]) for k, episode in enumerate(drawn)]
    sheet(mosaic(tiles, columns), path)


def animate(log: ActionLog, scenes: Sequence[int], path: Path, *, columns: int = 2, side: int = 240) -> None:
    """Draw an animated GIF: glimpse by glimpse, each scene beside what the eye sees, and the answers last.

    Args:
        log: What the agent did.
        scenes: Which scenes to draw.
        path: The GIF to write.
        columns: Scenes side by side.
        side: Length of a scene's longer side in pixels.

    Raises:
        ValueError: If a scene is not in the log, or none is asked for.
    """
    drawn = episodes(log, scenes)
    longest = max(len(episode.path) for episode in drawn)
    frames = [mosaic([_moment(episode, k, side) for episode in drawn], columns) for k in range(longest + 1)]
    film(frames, [_FIRST] + [_STEP] * (longest - 1) + [_LAST], path)


def sheet(picture: Picture, path: Path) -> None:
    """Write a PNG, in full or not at all."""
    with replacing(path) as partial:
        Image.fromarray(picture).save(partial, "PNG", optimize=True)


def film(frames: Sequence[Picture], times: Sequence[int], path: Path) -> None:
    """Write an animated GIF of frames of one size, each shown for so many milliseconds, in full or not at all."""
    height, width, _ = frames[0].shape
    strip = Image.fromarray(np.concatenate(frames)).quantize(256)  # one palette: no frame has a tint of its own
    images = [strip.crop((0, top, width, top + height)) for top in range(0, strip.height, height)]
    how: dict[str, Any] = {"duration": list(times), "loop": 0, "optimize": False}
    with replacing(path) as partial:
        images[0].save(partial, "GIF", save_all=True, append_images=images[1:], **how)


def _moment(episode: Episode, step: int, side: int) -> Picture:
    """An episode after `step` actions; one that has ended by then stays at its end."""
    step = min(step, len(episode.path))
    answer = episode.answers[step - 1] if step else None
    label = episode.label if step == len(episode.path) else None
    return picture(episode.canvas, episode.path[: step + 1], episode.task, answer=answer, label=label, side=side)


def _tile(episode: Episode, beliefs: npt.NDArray[np.floating[Any]] | None) -> Picture:
    """One scene of the sheet: a title, the scan path, and for each glimpse the belief and the answer then."""
    panel = Panel(episode.canvas.shape[0], episode.canvas.shape[1], 300)
    unit, (height, width) = panel.unit, panel.shape
    line, left = (LETTER_HEIGHT + 4) * unit, panel.corner(0, 0)[1]
    bars, answers = (0 if beliefs is None else 3 * line), (0 if episode.task.stopping else line)
    tile = np.empty((line + height + bars + answers, width, 3), np.uint8)
    tile[:] = BACKGROUND
    tile[line : line + height] = scene(episode.canvas, episode.path, episode.task, panel, trail=True)
    said = episode.answers[-1]
    title = [(f"SCENE {episode.index}  ", FAINT), (said or "-", _verdict(said, episode))]
    if said != episode.label:
        title.append((f" NOT {episode.label}", INK))
    at = left
    for words, colour in title:
        write(tile, line - (LETTER_HEIGHT - 2) * unit, at, words, unit, colour)
        at += LETTER_WIDTH * unit * len(words)
    cell = (width - 2 * left) / episode.task.budget
    for k, answer in enumerate(episode.answers):
        at, right = left + round(k * cell), left + round((k + 1) * cell)
        colour = FAINT if answer is None else _verdict(answer, episode)
        if beliefs is not None:
            tall = round(float(beliefs[k, episode.classes.index(episode.label)]) * (bars - 4 * unit))
            fill(tile, line + height, at, bars - 4 * unit, right - at - unit, BAR)
            fill(tile, line + height + bars - 4 * unit - tall, at, tall, right - at - unit, colour)
        words = "-" if answer is None else answer[: max(1, (right - at) // (LETTER_WIDTH * unit))]
        middle = (at + right - unit - (LETTER_WIDTH * len(words) - 1) * unit) // 2
        write(tile, line + height + bars, middle, words, unit, colour)
    return tile


def _verdict(answer: str | None, episode: Episode) -> Colour:
    return RIGHT if answer == episode.label else WRONG


def mosaic(tiles: Sequence[Picture], columns: int) -> Picture:
    """Pictures of one size in rows of `columns`."""
    height, width, _ = tiles[0].shape
    columns = min(columns, len(tiles))
    whole = np.empty((-(-len(tiles) // columns) * height, columns * width, 3), np.uint8)
    whole[:] = BACKGROUND
    for k, tile in enumerate(tiles):
        row, column = divmod(k, columns)
        whole[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    return whole
