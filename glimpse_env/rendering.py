"""Pictures of an episode: the hidden scene with the scan path, what the eye sees, the budget and the answer."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from glimpse_env.drawing import LETTER_HEIGHT, LETTER_WIDTH, Colour, Picture, Place, fill, frame, stroke, write
from glimpse_env.retina import window_start
from glimpse_env.task import Task

Observations = Sequence[Mapping[str, npt.NDArray[np.float32]]]  # of an episode so far

BACKGROUND: Final[Colour] = (18, 20, 28)
INK: Final[Colour] = (225, 228, 235)
FAINT: Final[Colour] = (125, 132, 150)
RIGHT: Final[Colour] = (80, 200, 120)
WRONG: Final[Colour] = (240, 90, 90)
SCALE_COLOURS: Final[tuple[Colour, ...]] = ((255, 190, 60), (90, 190, 240), (215, 130, 190), (160, 160, 255))

BAR: Final[Colour] = (60, 66, 82)
_TIME: Final = np.array([(75, 100, 190), (200, 85, 150), SCALE_COLOURS[0]])  # of the first gaze, half-way, the latest
_BLACK: Final = np.array((34, 38, 50))  # a scene's black, lighter than the picture's, so that its extent shows
_UNSEEN: Final = 0.4  # brightness where the agent has not looked


class Window(NamedTuple):
    """A square of canvas pixels; it may reach past the canvas."""

    top: int
    left: int
    side: int


def pixels_of(gaze: npt.NDArray[np.floating[Any]], height: int, width: int) -> npt.NDArray[np.float64]:
    """Row and column, in pixels of a canvas, of gazes in [-1, 1], (..., 2 or more): float64, (..., 2)."""
    pixels: npt.NDArray[np.float64] = (np.asarray(gaze, np.float64)[..., :2] + 1) / 2 * (np.array([height, width]) - 1)
    return pixels


def windows(gaze: npt.NDArray[np.floating[Any]], task: Task, height: int, width: int) -> list[Window]:
    """What the retina covers on a canvas of height x width pixels: one window a scale, in the order of `task.scales`.

    Args:
        gaze: Row, column and zoom in [-1, 1], (3,), as observed.
        task: Says patch, scales and zooms.
        height: Of the canvas.
        width: Of the canvas.
    """
    row, column = float(gaze[0]), float(gaze[1])
    zoom = task.zooms[round((float(gaze[2]) + 1) / 2 * (len(task.zooms) - 1))]
    sides = [task.patch * scale * zoom for scale in task.scales]
    return [Window(window_start(row, height, side), window_start(column, width, side), side) for side in sides]


@dataclass(frozen=True)
class Panel:
    """Where the scene lies in a picture.

    Attributes:
        height: Of the canvas.
        width: Of the canvas.
        side: Wanted length of its longer side, in pixels of the picture.
    """

    height: int
    width: int
    side: int = 360

    @property
    def zoom(self) -> int:
        """Side of a canvas pixel, in pixels of the picture."""
        return max(1, round(self.side / max(self.height, self.width)))

    @property
    def margin(self) -> int:
        """Canvas pixels shown on every side of the canvas."""
        return max(1, max(self.height, self.width) // 15)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the panel, in pixels."""
        return (self.height + 2 * self.margin) * self.zoom, (self.width + 2 * self.margin) * self.zoom

    @property
    def unit(self) -> int:
        """Width of a thin line, in pixels; everything drawn is a multiple of it."""
        return max(1, round(self.zoom * max(self.height, self.width) / 180))

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """The picture's row and column of the top-left corner of a canvas pixel."""
        return (row + self.margin) * self.zoom, (column + self.margin) * self.zoom

    def place(self, gaze: npt.NDArray[np.floating[Any]]) -> tuple[float, float]:
        """The picture's row and column of a gaze in [-1, 1]."""
        row, column = pixels_of(gaze, self.height, self.width).tolist()
        return (row + self.margin + 0.5) * self.zoom, (column + self.margin + 0.5) * self.zoom

    def gaze(self, row: float, column: float) -> tuple[float, float]:
        """The inverse of `place`: the gaze at a place of the picture, or the nearest one where that lies outside."""
        y = (row / self.zoom - self.margin - 0.5) / max(self.height - 1, 1) * 2 - 1
        x = (column / self.zoom - self.margin - 0.5) / max(self.width - 1, 1) * 2 - 1
        return min(max(y, -1.0), 1.0), min(max(x, -1.0), 1.0)


def picture(
    canvas: npt.NDArray[np.uint8],
    path: Observations,
    task: Task,
    *,
    answer: str | None,
    label: str | None,
    side: int = 360,
) -> Picture:
    """Draw an episode.

    On the left the scene: brighter the sharper the agent has seen it, with the numbered gazes and the latest windows,
    one colour a scale. On the right the latest glimpse, its patches framed in the same colours, the glimpses left, and
    the answer: green or red once there is a label to tell.

    Args:
        canvas: The hidden scene, uint8, (height, width) or (height, width, 3).
        path: The observations of the episode so far, at least one.
        task: What is played.
        answer: The class answered last, None for none.
        label: The right class, None as long as the episode runs.
        side: Length of the scene's longer side in pixels; whole multiples of a canvas pixel are used.

    Returns:
        uint8, (height, width, 3); the size is the same all through an episode and for every scene of a task.
    """
    panel = Panel(canvas.shape[0], canvas.shape[1], side)
    left = scene(canvas, path, task, panel)
    column = _column(path, task, panel, answer, label)
    top = max(panel.corner(0, 0)[0] - _line(panel.unit), 4 * panel.unit)  # the patches begin where the scene does
    whole = np.empty((max(len(left), top + len(column)), left.shape[1] + column.shape[1], 3), np.uint8)
    whole[:] = BACKGROUND
    whole[: len(left), : left.shape[1]] = left
    whole[top : top + len(column), left.shape[1] :] = column
    return whole


def _line(unit: int) -> int:
    return (LETTER_HEIGHT + 3) * unit


def scene(
    canvas: npt.NDArray[np.uint8], path: Observations, task: Task, panel: Panel, *, trail: bool = False
) -> Picture:
    """Draw the scene alone, as in `picture`: uint8, (*panel.shape, 3).

    With `trail` it has the finest window of every glimpse, thin and coloured by time, not all the latest windows.
    """
    height, width = canvas.shape[:2]
    colours = canvas if canvas.ndim == 3 else canvas[..., None]
    lit = _BLACK + colours / 255 * (np.array(INK) - _BLACK) * _light(path, task, height, width)[..., None]
    drawn = np.empty((*panel.shape, 3), np.uint8)
    drawn[:] = BACKGROUND
    top, left = panel.corner(0, 0)
    enlarged = np.rint(lit).astype(np.uint8).repeat(panel.zoom, axis=0).repeat(panel.zoom, axis=1)
    drawn[top : top + len(enlarged), left : left + enlarged.shape[1]] = enlarged
    if trail:
        boxes = [
            (windows(seen["gaze"], task, height, width)[0], _colour(k, len(path)), 1) for k, seen in enumerate(path)
        ]
    else:  # the finest on top
        latest = enumerate(windows(path[-1]["gaze"], task, height, width))
        boxes = [(window, SCALE_COLOURS[k % len(SCALE_COLOURS)], panel.unit) for k, window in latest][::-1]
    for window, colour, thickness in boxes:
        y, x = panel.corner(window.top, window.left)
        frame(drawn, y, x, window.side * panel.zoom, window.side * panel.zoom, thickness, colour)
    places = [panel.place(seen["gaze"]) for seen in path]
    for k, (start, end) in enumerate(itertools.pairwise(places)):
        stroke(drawn, start, end, 1.5 * panel.unit, _colour(k + 1, len(path)))
    for k, place in enumerate(places):
        _dot(drawn, place, str(k + 1), panel.unit, _colour(k, len(path)))
    return drawn


def _colour(k: int, count: int) -> Colour:
    """The colour of gaze k of `count`: by time, the latest one always the same."""
    red, green, blue = (round(np.interp(k / (count - 1) if count > 1 else 1.0, (0, 0.5, 1), part)) for part in _TIME.T)
    return red, green, blue


def _dot(drawn: Picture, place: Place, number: str, unit: int, colour: Colour) -> None:
    stroke(drawn, place, place, 11 * unit, BACKGROUND)
    stroke(drawn, place, place, 9.5 * unit, colour)
    size = max(1, unit - len(number) + 1)
    top = round(place[0] - LETTER_HEIGHT * size / 2)
    left = round(place[1] - (LETTER_WIDTH * len(number) - 1) * size / 2)
    write(drawn, top, left, number, size, BACKGROUND if sum(colour) > 450 else (255, 255, 255))


def _light(path: Observations, task: Task, height: int, width: int) -> npt.NDArray[np.float64]:
    """Brightness of each canvas pixel: 1 where it was seen at the sharpest, less where only coarser windows went."""
    light = np.full((height, width), _UNSEEN)
    finest = task.patch * task.scales[0] * task.zooms[0]
    for seen in path:
        for top, left, side in windows(seen["gaze"], task, height, width):
            part = light[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
            np.maximum(part, _UNSEEN + (1 - _UNSEEN) * math.sqrt(finest / side), out=part)
    return light


def _column(path: Observations, task: Task, panel: Panel, answer: str | None, label: str | None) -> Picture:
    unit, line = panel.unit, _line(panel.unit)
    width, gap = 88 * unit, 6 * unit
    shown = windows(path[-1]["gaze"], task, panel.height, panel.width) * (1 + task.draws)  # the scene's, then one's own
    across = math.ceil(math.sqrt(len(shown)))
    tile = (width - gap * (across - 1)) // across
    pitch = line + tile + gap  # from one row of patches to the next
    bar = math.ceil(len(shown) / across) * pitch
    column = np.empty((bar + 6 * line + gap, width + gap, 3), np.uint8)
    column[:] = BACKGROUND
    patches = _patches(path[-1]["glimpse"], len(shown))
    for k, window in enumerate(shown):
        top, left = k // across * pitch, k % across * (tile + gap)
        colour = SCALE_COLOURS[k % len(task.scales) % len(SCALE_COLOURS)]
        write(column, top, left, f"{window.side}PX", unit, colour)
        pixels = np.arange(tile) * task.patch // tile
        column[top + line : top + line + tile, left : left + tile] = patches[k][pixels[:, None], pixels]
        frame(column, top + line, left, tile, tile, unit, colour)
    write(column, bar, 0, f"GLIMPSE {len(path)}/{task.budget}", unit, FAINT)
    edges = [round(k * width / task.budget) for k in range(task.budget + 1)]
    for k, (left, right) in enumerate(itertools.pairwise(edges)):
        colour = BAR if k < len(path) else SCALE_COLOURS[0]
        fill(column, bar + line, left, 5 * unit, max(right - left - unit, 1), colour)
    said = INK if label is None else RIGHT if answer == label else WRONG
    for left, title, name, colour in ((0, "ANSWER", answer, said), (width // 2, "LABEL", label, INK)):
        write(column, bar + 5 * line // 2, left, title, unit, FAINT)
        if name is not None or label is not None:
            _name(column[bar + 7 * line // 2 :, left : left + width // 2], name or "-", unit, colour)
    return column


def _name(part: Picture, name: str, unit: int, colour: Colour) -> None:
    """Write the name of a class as large as it fits."""
    size = max(1, min(3 * unit, part.shape[1] // (LETTER_WIDTH * len(name))))
    write(part, 0, 0, name, size, colour)


def _patches(glimpse: npt.NDArray[np.float32], scales: int) -> Picture:
    """The patches as the agent sees them: uint8, (scales, patch, patch, 3)."""
    patches = glimpse.reshape(scales, -1, *glimpse.shape[1:]).transpose(0, 2, 3, 1)
    return np.rint(np.broadcast_to(patches * 255, (*patches.shape[:3], 3))).astype(np.uint8)


class Viewer:
    """A window on the screen that shows pictures.

    Args:
        fps: Pictures a second, at most.

    Raises:
        ImportError: Without pygame; the message says how to install it.
    """

    def __init__(self, fps: float) -> None:
        try:
            import pygame  # an extra, and slow to import
        except ImportError as error:
            raise ImportError('render_mode="human" needs pygame: pip install "glimpse_env[play]"') from error
        self.pygame, self.fps = pygame, fps
        pygame.display.init()
        self._clock = pygame.time.Clock()
        self._screen: Any = None

    def show(self, picture: Picture) -> None:
        """Show a picture, uint8 (height, width, 3), and wait as long as `fps` asks."""
        pygame = self.pygame
        size = (picture.shape[1], picture.shape[0])
        if self._screen is None or self._screen.get_size() != size:
            self._screen = pygame.display.set_mode(size)
            pygame.display.set_caption("glimpse_env")
        pygame.surfarray.blit_array(self._screen, picture.swapaxes(0, 1))
        pygame.display.flip()
        pygame.event.pump()
        self._clock.tick(self.fps)

    def close(self) -> None:
        """Close the window."""
        self.pygame.display.quit()
