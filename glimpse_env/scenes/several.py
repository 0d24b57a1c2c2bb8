"""Scenes of several images, after *Multiple Object Recognition with Visual Attention* (Ba et al. 2015, 1412.7755).

    scattered   images anywhere, their boxes apart, to be read from left to right
    summed      the same, but the answer is the sum of their labels
    line        a row of images at a random height, evenly spaced at random; read from left to right

Clutter is that of the crowded scenes. One image of frozen scene i is image i; the others are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.random import below
from glimpse_env.scenes.cluttered import fragments
from glimpse_env.scenes.placing import place

if TYPE_CHECKING:
    from glimpse_env.bank import Bank
    from glimpse_env.task import Task

Ints = npt.NDArray[np.int64]

# Draws of a scene's key. New ones go at the end: a scene never changes once it is published.
COUNT, TOP, LEFT, PITCH = 2, 3, 4, 5  # 0 and 1 are the first gaze
IMAGES, PLACES, FRAGMENTS = 64, 1024, 65536
TRIES = 64  # to find a place apart from the others; the last one is taken as it is


@kernel()
def most_overlap(width: int) -> int:
    """How many pixels neighbours in a line may share: those of MNIST's margins, a little over a third of an image."""
    return width * 5 // 14


@kernel()
def image_of(key: int, index: int, table: Ints, k: int) -> int:
    """Which image comes at place k: that of its number comes first in a frozen scene, the others are drawn."""
    if k == 0 and index != s.NO_INDEX:
        return index % table.shape[0]
    return below(key, IMAGES + k, table.shape[0])


@kernel()
def draw_images(key: int, index: int, table: Ints, config: Ints, sprites: Ints, lane: int) -> int:
    """Draw how many images there are, and which; where they lie comes later."""
    count = config[s.FEWEST] + below(key, COUNT, config[s.MOST] - config[s.FEWEST] + 1)
    for k in range(config[s.MOST]):
        image = image_of(key, index, table, k)
        height, width = table[image, s.IMAGE_HEIGHT], table[image, s.IMAGE_WIDTH]
        place(sprites, lane, k, table, image, 0, 0, height if k < count else 0, width, 0, 0)
        sprites[lane, k, s.CLASS] = table[image, s.IMAGE_LABEL]
    return count


@kernel()
def _share(sprites: Ints, lane: int, one: int, other: int, start: int, size: int) -> bool:
    """Whether two sprites have a row in common, or with LEFT and WIDTH a column."""
    first, second = sprites[lane, one, start], sprites[lane, other, start]
    return first < second + sprites[lane, other, size] and second < first + sprites[lane, one, size]


@kernel()
def scatter(key: int, config: Ints, sprites: Ints, lane: int, count: int) -> None:
    """Place sprites, each uniformly, apart from those before it; then put them in order, left to right."""
    for k in range(count):
        for attempt in range(TRIES):
            draw = PLACES + 2 * (TRIES * k + attempt)
            sprites[lane, k, s.TOP] = below(key, draw, config[s.CANVAS_HEIGHT] - sprites[lane, k, s.HEIGHT] + 1)
            sprites[lane, k, s.LEFT] = below(key, draw + 1, config[s.CANVAS_WIDTH] - sprites[lane, k, s.WIDTH] + 1)
            apart = True
            for other in range(k):
                rows = _share(sprites, lane, k, other, s.TOP, s.HEIGHT)
                apart = apart and not (rows and _share(sprites, lane, k, other, s.LEFT, s.WIDTH))
            if apart:
                break
    for k in range(1, count):
        for j in range(k, 0, -1):
            here = sprites[lane, j, s.LEFT] * config[s.CANVAS_HEIGHT] + sprites[lane, j, s.TOP]
            before = sprites[lane, j - 1, s.LEFT] * config[s.CANVAS_HEIGHT] + sprites[lane, j - 1, s.TOP]
            if before <= here:
                break
            for column in range(s.SPRITE_COLUMNS):
                kept = sprites[lane, j, column]
                sprites[lane, j, column] = sprites[lane, j - 1, column]
                sprites[lane, j - 1, column] = kept


@kernel()
def _write(config: Ints, sprites: Ints, texts: Ints, lane: int, count: int) -> None:
    """The text of a scene: the labels of its sprites in order, closed by the end symbol where there is one."""
    for k in range(texts.shape[2]):
        texts[lane, 0, k] = sprites[lane, k, s.CLASS] if k < count else s.SILENT
    if config[s.END] != s.SILENT:
        texts[lane, 0, count] = config[s.END]


@kernel()
def scattered(key: int, index: int, table: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int) -> None:
    """Images anywhere; the text is their labels from left to right, those in one column from the top down.

    Args:
        key: uint64; everything about the scene follows from it.
        index: One image, modulo their number, or `state.NO_INDEX` to draw it too.
        table: int64, (images, 4), see `glimpse_env.state`.
        config: int64, the task.
        sprites: int64, (lanes, most images + fragments, 10), written.
        texts: int64, (lanes, 1, length), written.
        lane: Whose sprites.
    """
    count = draw_images(key, index, table, config, sprites, lane)
    scatter(key, config, sprites, lane, count)
    fragments(key, FRAGMENTS, config[s.MOST], table, config, sprites, lane)
    _write(config, sprites, texts, lane, count)


@kernel()
def summed(key: int, index: int, table: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int) -> None:
    """As `scattered`, but the text is one symbol: the sum of the labels."""
    count = draw_images(key, index, table, config, sprites, lane)
    scatter(key, config, sprites, lane, count)
    fragments(key, FRAGMENTS, config[s.MOST], table, config, sprites, lane)
    texts[lane, 0, 0] = 0
    for k in range(count):
        texts[lane, 0, 0] += sprites[lane, k, s.CLASS]


@kernel()
def line(key: int, index: int, table: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int) -> None:
    """A row of images of one size; the text is their labels. Arguments as for `scattered`."""
    count = draw_images(key, index, table, config, sprites, lane)
    height, width = sprites[lane, 0, s.HEIGHT], sprites[lane, 0, s.WIDTH]
    closest, widest = width - most_overlap(width), width
    if count > 1:
        widest = min(widest, (config[s.CANVAS_WIDTH] - width) // (count - 1))
    pitch = closest + below(key, PITCH, widest - closest + 1)
    top = below(key, TOP, config[s.CANVAS_HEIGHT] - height + 1)
    left = below(key, LEFT, config[s.CANVAS_WIDTH] - width - pitch * (count - 1) + 1)
    for k in range(count):
        sprites[lane, k, s.TOP], sprites[lane, k, s.LEFT] = top, left + k * pitch
    fragments(key, FRAGMENTS, config[s.MOST], table, config, sprites, lane)
    _write(config, sprites, texts, lane, count)


def length(task: Task, bank: Bank) -> int:
    """Most symbols of a text, the closing one included where texts differ in length."""
    return task.count[1] + (task.count[0] < task.count[1])


def check_line(task: Task, bank: Bank, canvas: tuple[int, int], image: tuple[int, int]) -> None:
    """Raise a `ValueError` unless the most images fit in a line."""
    (height, width), (tallest, widest), most = canvas, image, task.count[1]
    needed = widest + (most - 1) * (widest - most_overlap(widest))
    if width < needed:
        raise ValueError(
            f"canvas {height}x{width} has no room for a line of {most} images {widest} wide; "
            f"pass canvas=({tallest}, {needed}) or larger, or a smaller count"
        )


def check_room(task: Task, bank: Bank, canvas: tuple[int, int], image: tuple[int, int]) -> None:
    """Raise a `ValueError` unless the most images fit easily, whatever places are drawn for them."""
    (height, width), (tallest, widest), most = canvas, image, task.count[1]
    if most > max(1, (height // tallest) * (width // widest) // 2):
        raise ValueError(
            f"canvas {height}x{width} has no room for {most} scattered images of {tallest}x{widest}; "
            "pass a larger canvas, or a smaller count"
        )
