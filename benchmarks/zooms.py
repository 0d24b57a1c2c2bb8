"""Which zooms an agent looks with, glimpse by glimpse: counted in a result's action log, and drawn.

python -m benchmarks zooms benchmarks/results/records/CrowdedMNIST-v0/ram_plus_conv/seed0.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tyro
from rich.console import Console

from agents.pictures import sheet
from benchmarks.files import read_json
from benchmarks.score import Result
from glimpse_env.action_log import ActionLog
from glimpse_env.drawing import LETTER_HEIGHT, LETTER_WIDTH, Colour, Picture, fill, write
from glimpse_env.registration import TASKS
from glimpse_env.rendering import BACKGROUND, FAINT, INK
from glimpse_env.task import Task

_COLOURS: tuple[Colour, ...] = ((250, 176, 60), (80, 200, 160), (90, 130, 240), (200, 100, 220), (225, 228, 235))
_UNIT = 3  # pixels of a letter's dot
_BAR, _GAP, _HEIGHT = 64, 20, 240


def shares(result: Result) -> tuple[tuple[int, ...], npt.NDArray[np.int64]]:
    """The task's zooms, and how many episodes took glimpse k = 1, 2, ... with each: int64, (glimpses, zooms).

    The first glimpse is the environment's, at the widest zoom.

    Raises:
        ValueError: If the agent had no zoom to choose.
    """
    log = ActionLog.from_json(result["log"])
    task = Task.of({**TASKS[log.id][1], **log.overrides})
    if "zoom" not in log.actions:
        raise ValueError(
            f"{result['agent']} on {result['name']} chose no zoom: count those of a result of CrowdedMNIST-v0 whose "
            f"actions are 'hybrid', not {task.action_mode!r}"
        )
    zooms = tuple(task.zooms)
    counts = np.zeros((task.budget, len(zooms)), np.int64)
    counts[0, -1] = len(log.steps)
    for k in range(1, task.budget):
        taken = log.steps > k  # the last step of an episode answers
        counts[k] = np.bincount(log.actions["zoom"][taken, k - 1], minlength=len(zooms))
    return zooms, counts


def markdown(result: Result) -> str:
    """The counts as a table, in percent of the glimpses that were taken."""
    zooms, counts = shares(result)
    lines = ["| glimpse | episodes | " + " | ".join(f"zoom {zoom} %" for zoom in zooms) + " |"]
    lines.append("|" + "---|" * (2 + len(zooms)))
    for k, row in enumerate(counts, 1):
        if row.sum():
            percent = " | ".join(f"{100 * share:.1f}" for share in row / row.sum())
            lines.append(f"| {k} | {row.sum()} | {percent} |")
    return "\n".join(lines)


def draw(result: Result) -> Picture:
    """A bar a glimpse, as high as there were episodes that took it, in a colour for each zoom."""
    zooms, counts = shares(result)
    line = 2 * LETTER_HEIGHT * _UNIT
    picture = np.full((_HEIGHT + 2 * _GAP + 2 * line, len(counts) * (_BAR + _GAP) + _GAP, 3), BACKGROUND, np.uint8)
    for k, row in enumerate(counts):
        left, bottom = _GAP + k * (_BAR + _GAP), _GAP + _HEIGHT
        fill(picture, bottom, left, 2, _BAR, FAINT)
        ends = np.round(_HEIGHT * np.cumsum(row) / counts[0].sum()).astype(int)
        for zoom, (low, high) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            fill(picture, bottom - high, left, high - low, _BAR, _COLOURS[zoom % len(_COLOURS)])
        write(picture, bottom + line // 4, left + (_BAR - LETTER_WIDTH * _UNIT) // 2, str(k + 1), _UNIT, INK)
    left = _GAP
    for zoom, name in enumerate(zooms):
        text = f"ZOOM {name}"
        write(picture, _GAP + _HEIGHT + line + line // 4, left, text, _UNIT, _COLOURS[zoom % len(_COLOURS)])
        left += (len(text) + 2) * LETTER_WIDTH * _UNIT
    return picture


def main(result: tyro.conf.Positional[Path], picture: Path | None = None) -> None:
    """Print the table, and draw it.

    Args:
        result: File of a result.
        picture: PNG to write; by default none.
    """
    try:
        read: dict[str, Any] = read_json(result)
        Console(highlight=False).print(markdown(read), markup=False, soft_wrap=True)
        if picture is not None:
            sheet(draw(read), picture)
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
