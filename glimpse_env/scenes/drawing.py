"""Hands that draw, after *DRAW* (Gregor et al. 2015, arXiv 1502.04623): copy a hidden image, one stroke of ink a step.

The agent's own canvas is a scene like any other, a list of sprites: each stroke is a sprite cut from the brushes, which
lie in the bank behind the images. Where DRAW writes a patch of its own making through Gaussian filters, this hand
chooses one of a few brushes, so that every action encoding and every learner can take part.

A canvas is read as the paper reads it, as the chance of each pixel of the binarised image (its section 4): ink is the
chance that a pixel is white, kept within `DOUBT` of 0 and 1. A stroke earns what it takes off the nats of the image, as
a share of the nats under the blank canvas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.retina import window_start
from glimpse_env.scenes.cluttered import show
from glimpse_env.scenes.placing import largest_image
from glimpse_env.sources.brushes import SIDE

if TYPE_CHECKING:
    from glimpse_env.bank import Bank
    from glimpse_env.task import Task

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

DOUBT: Final = 0.02  # no pixel is surer than this
ENOUGH: Final = 0.5  # a drawing that takes off this share of the blank canvas's nats is a success
WHITE: Final = 128  # a pixel of the image is white from here on

_CHANCE = np.clip(np.arange(256) / 255.0, DOUBT, 1.0 - DOUBT)
NATS = np.stack([-np.log(1.0 - _CHANCE), -np.log(_CHANCE)])  # of a black pixel and of a white one, by the ink on it


@kernel()
def lay_out(key: int, index: int, table: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int) -> None:
    """The image to copy, and a blank canvas; the text is the label. Arguments as for `cluttered.lay_out`."""
    texts[lane, 0, 0] = table[show(key, index, table, config, sprites, lane), s.IMAGE_LABEL]
    for k in range(config[s.STROKES], sprites.shape[1]):
        sprites[lane, k, s.HEIGHT] = 0


@kernel()
def _pixel(bank: Bytes, sprites: Ints, lane: int, first: int, last: int, row: int, column: int) -> int:
    """The sum of some sprites at a place of the canvas, clipped at 255."""
    total = 0
    for k in range(first, last):
        down, across = row - sprites[lane, k, s.TOP], column - sprites[lane, k, s.LEFT]
        if 0 <= down < sprites[lane, k, s.HEIGHT] and 0 <= across < sprites[lane, k, s.WIDTH]:
            total += bank[sprites[lane, k, s.OFFSET] + down * sprites[lane, k, s.ROW] + across]
    return min(total, 255)


@kernel()
def _nats(
    bank: Bytes, sprites: Ints, lane: int, first: int, strokes: int, top: int, left: int, bottom: int, right: int
) -> float:
    """Minus the log-likelihood of a part of the binarised image under the canvas after so many strokes."""
    total = 0.0
    for row in range(top, bottom):
        for column in range(left, right):
            white = int(_pixel(bank, sprites, lane, 0, first, row, column) >= WHITE)
            total += NATS[white, _pixel(bank, sprites, lane, first, first + strokes, row, column)]
    return total


@kernel()
def nats(bank: Bytes, sprites: Ints, lane: int, config: Ints, strokes: int) -> float:
    """Minus the log-likelihood of the whole binarised image under the canvas after so many strokes, in nats."""
    height, width = config[s.CANVAS_HEIGHT], config[s.CANVAS_WIDTH]
    return _nats(bank, sprites, lane, config[s.STROKES], strokes, 0, 0, height, width)


@kernel()
def stroke(
    bank: Bytes, config: Ints, sprites: Ints, lane: int, taken: int, brush: int, row: float, column: float
) -> float:
    """Put a brush to the canvas, its middle at a gaze; returns the nats it takes off.

    Args:
        bank: uint8, (pixels,), the brushes at its end, see `glimpse_env.bank`.
        config: int64, the task.
        sprites: int64, (lanes, images + strokes, columns); the sprite of this stroke is written.
        lane: Whose canvas.
        taken: How many strokes came before.
        brush: Which one.
        row: Gaze in [-1, 1].
        column: Gaze in [-1, 1].
    """
    height, width, first = config[s.CANVAS_HEIGHT], config[s.CANVAS_WIDTH], config[s.STROKES]
    top, left = window_start(row, height, SIDE), window_start(column, width, SIDE)
    k = first + taken
    sprites[lane, k, s.OFFSET] = config[s.BRUSHES] + brush * SIDE * SIDE
    sprites[lane, k, s.ROW], sprites[lane, k, s.PLANE] = SIDE, 0
    sprites[lane, k, s.HEIGHT], sprites[lane, k, s.WIDTH] = SIDE, SIDE
    sprites[lane, k, s.TOP], sprites[lane, k, s.LEFT] = top, left
    bottom, right = min(top + SIDE, height), min(left + SIDE, width)
    top, left = max(top, 0), max(left, 0)
    before = _nats(bank, sprites, lane, first, taken, top, left, bottom, right)
    return before - _nats(bank, sprites, lane, first, taken + 1, top, left, bottom, right)


def largest(task: Task, bank: Bank) -> tuple[int, int]:
    """Height of the tallest and width of the widest image; raises a `ValueError` if they have colours."""
    if bank.channels != 1:
        raise ValueError(f"scene={task.scene!r} is drawn in grey, but the images have {bank.channels} channels")
    return largest_image(task, bank)
