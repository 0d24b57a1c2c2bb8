"""Scenes that move: how a sprite gets on, and an image that drifts among clutter that stays, to be named with its way.

After the action recognition of *Action Recognition using Visual Attention* (Sharma, Kiros, Salakhutdinov 2015,
1511.04119): what is to be told lies in several glimpses and in none of them alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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

WAYS: Final = ("up", "down", "left", "right")
UP, DOWN, LEFT, RIGHT = range(4)

# Draws of a scene's key. New ones go at the end: a scene never changes once it is published.
IMAGE, WAY, SPEED, ALONG, ACROSS, FRAGMENTS = 2, 3, 4, 5, 6, 7  # 0 and 1 are the first gaze


@kernel()
def bounce(place: int, speed: int, room: int) -> tuple[int, int]:
    """One step along one axis: where a sprite comes to lie, and its speed from then on.

    Args:
        place: First row or column of the sprite, in [0, room].
        speed: Pixels a step, at most `room` either way.
        room: Pixels of the canvas less those of the sprite; what would leave the canvas turns at its border.
    """
    ahead = place + speed
    if ahead < 0:
        return -ahead, -speed
    if ahead > room:
        return 2 * room - ahead, -speed
    return ahead, speed


@kernel()
def move(config: Ints, sprites: Ints, lane: int) -> None:
    """Let the sprites of a lane that can move, which come first, get on by one step."""
    for k in range(config[s.MOVERS]):
        top, down = sprites[lane, k, s.TOP], sprites[lane, k, s.DOWN]
        left, across = sprites[lane, k, s.LEFT], sprites[lane, k, s.ACROSS]
        top, down = bounce(top, down, config[s.CANVAS_HEIGHT] - sprites[lane, k, s.HEIGHT])
        left, across = bounce(left, across, config[s.CANVAS_WIDTH] - sprites[lane, k, s.WIDTH])
        sprites[lane, k, s.TOP], sprites[lane, k, s.DOWN] = top, down
        sprites[lane, k, s.LEFT], sprites[lane, k, s.ACROSS] = left, across


@kernel()
def drift(key: int, index: int, table: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int) -> None:
    """An image that drifts up, down, left or right all episode long and stays on the canvas; the text says both.

    Its speed is whole pixels a step, between half of and all of the fastest at which it cannot leave the canvas.

    Args:
        key: uint64; everything about the scene follows from it.
        index: The image to show, modulo their number, or `state.NO_INDEX` to draw it too.
        table: int64, (images, 4), see `glimpse_env.state`.
        config: int64, the task.
        sprites: int64, (lanes, 1 + fragments, 10), written.
        texts: int64, (lanes, 1, 1), written: label times 4, plus the way.
        lane: Whose sprites.
    """
    count = table.shape[0]
    image = below(key, IMAGE, count) if index == s.NO_INDEX else index % count
    height, width = table[image, s.IMAGE_HEIGHT], table[image, s.IMAGE_WIDTH]
    way = below(key, WAY, len(WAYS))
    upright, ahead = way in (UP, DOWN), way in (DOWN, RIGHT)
    rows, columns = config[s.CANVAS_HEIGHT] - height, config[s.CANVAS_WIDTH] - width
    moves = max(config[s.BUDGET] - 1, 1)  # the step that ends an episode moves nothing
    fastest = (rows if upright else columns) // moves
    slowest = (fastest + 1) // 2
    speed = slowest + below(key, SPEED, fastest - slowest + 1)
    # Where the way begins, counted from the border it comes from.
    begin = below(key, ALONG, (rows if upright else columns) - speed * moves + 1)
    beside = below(key, ACROSS, (columns if upright else rows) + 1)
    along = begin if ahead else (rows if upright else columns) - begin
    top, left = (along, beside) if upright else (beside, along)
    place(sprites, lane, 0, table, image, 0, 0, height, width, top, left)
    signed = speed if ahead else -speed
    sprites[lane, 0, s.DOWN] = signed if upright else 0
    sprites[lane, 0, s.ACROSS] = 0 if upright else signed
    fragments(key, FRAGMENTS, 1, table, config, sprites, lane)
    texts[lane, 0, 0] = table[image, s.IMAGE_LABEL] * len(WAYS) + way


def check_room(task: Task, bank: Bank, canvas: tuple[int, int], image: tuple[int, int]) -> None:
    """Raise a `ValueError` unless an image can move a pixel a step, either way."""
    (height, width), (tallest, widest), far = canvas, image, task.budget - 1
    if far > min(height - tallest, width - widest):
        raise ValueError(
            f"canvas {height}x{width} has no room for images of {tallest}x{widest} to move for {task.budget} "
            f"glimpses; pass canvas=({tallest + far}, {widest + far}) or larger, or a smaller budget"
        )
