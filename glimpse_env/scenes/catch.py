"""Catch, the dynamic task of *Recurrent Models of Visual Attention* (Mnih et al. 2014, section 4.2).

A ball of one pixel falls, a row and a column a step, and bounces off the side walls; a paddle of two pixels on the
bottom row goes left, stays or goes right at each step, and must be there when the ball lands. The paper says neither
how fast the ball goes sideways nor where anything begins: here its way is drawn, left or right, and so are both places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.random import below, mix
from glimpse_env.scenes.moving import bounce
from glimpse_env.scenes.placing import place

if TYPE_CHECKING:
    from glimpse_env.bank import Bank
    from glimpse_env.task import Task

Ints = npt.NDArray[np.int64]

MOVES: Final = ("left", "stay", "right")  # what may be said
BALL, PADDLE = 0, 1  # the sprites
BALL_SIDE, PADDLE_WIDTH = 1, 2

# Draws of a scene's key. New ones go at the end: a scene never changes once it is published.
COLUMN, WAY, PADDLE_COLUMN, SPLIT = 2, 3, 4, 64  # 0 and 1 are the first gaze


@kernel()
def lay_out(key: int, table: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int) -> None:
    """The ball as many rows above the bottom one as there are glimpses, so that it lands after the last of them.

    Args:
        key: uint64; everything about the scene follows from it, and from the split: no image tells one from another.
        table: int64, (images, 4), see `glimpse_env.state`; ball and paddle are the first pixels of the first image.
        config: int64, the task.
        sprites: int64, (lanes, 2, 10), written: the ball and the paddle.
        texts: int64, (lanes, 2, 1), written: the column where the ball will land, and the one before it; a paddle that
            begins in either catches.
        lane: Whose sprites.
    """
    own = mix(key, SPLIT + config[s.SPLIT])
    width, bottom = config[s.CANVAS_WIDTH], config[s.CANVAS_HEIGHT] - 1
    column, way = below(own, COLUMN, width), 2 * below(own, WAY, 2) - 1
    paddle = below(own, PADDLE_COLUMN, width - PADDLE_WIDTH + 1)
    place(sprites, lane, BALL, table, 0, 0, 0, BALL_SIDE, BALL_SIDE, bottom - config[s.BUDGET], column)
    place(sprites, lane, PADDLE, table, 0, 0, 0, 1, PADDLE_WIDTH, bottom, paddle)
    sprites[lane, BALL, s.DOWN], sprites[lane, BALL, s.ACROSS] = 1, way
    sprites[lane, PADDLE, s.DOWN], sprites[lane, PADDLE, s.ACROSS] = 0, 0
    for _ in range(config[s.BUDGET]):
        column, way = bounce(column, way, width - BALL_SIDE)
    texts[lane, 0, 0], texts[lane, 1, 0] = column, column - 1


@kernel()
def steer(symbol: int, config: Ints, sprites: Ints, lane: int) -> int:
    """Give the paddle the speed that was said, none where it would leave the canvas; returns the column it moves to."""
    speed = symbol - 1 if symbol != s.SILENT else 0
    column = sprites[lane, PADDLE, s.LEFT] + speed
    if column < 0 or column > config[s.CANVAS_WIDTH] - PADDLE_WIDTH:
        speed = 0
    sprites[lane, PADDLE, s.ACROSS] = speed
    return sprites[lane, PADDLE, s.LEFT] + speed


def references(task: Task, bank: Bank) -> int:
    """Two columns of the paddle catch a ball."""
    return 2


def largest(task: Task, bank: Bank) -> tuple[int, int]:
    """Height and width of the larger of the sprites that are cut from the corner of the first image.

    Raises:
        ValueError: If that corner is missing or black.
    """
    if bank.table[:, s.IMAGE_WIDTH].max() < PADDLE_WIDTH or not bank.pixels[:PADDLE_WIDTH].all():
        raise ValueError(
            f"scene={task.scene!r} cuts ball and paddle from the first {PADDLE_WIDTH} pixels of the first image, "
            f"which are missing or black in source={task.source!r}; pass source='block'"
        )
    return BALL_SIDE, PADDLE_WIDTH


def check_room(task: Task, bank: Bank, canvas: tuple[int, int], image: tuple[int, int]) -> None:
    """Raise a `ValueError` unless the ball has a row to fall for every glimpse."""
    if task.budget >= canvas[0]:
        raise ValueError(
            f"budget={task.budget} must lie in [1, {canvas[0] - 1}], one glimpse for every row that the ball falls "
            f"on a canvas of {canvas[0]} rows"
        )
