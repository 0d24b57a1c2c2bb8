"""The scenes of Recurrent Models of Visual Attention: one image among fragments of others.

After the generator of google-deepmind/mnist-cluttered: each fragment is a uniform crop of a uniform image of the same
split at a uniform place; the image itself lies at a uniform place; everything is added and clipped, nothing is ever
overwritten. With no fragments it is the translated task, and with a canvas of the image's own size the centred one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.random import below

Ints = npt.NDArray[np.int64]

# Draws of a scene's key. New ones go at the end: a scene never changes once it is published.
IMAGE, TOP, LEFT, FRAGMENTS = 2, 3, 4, 5  # 0 and 1 are the first gaze
DRAWS_PER_FRAGMENT = 5


@kernel()
def _place(
    sprites: Ints,
    lane: int,
    k: int,
    table: Ints,
    image: int,
    row: int,
    column: int,
    height: int,
    width: int,
    top: int,
    left: int,
) -> None:
    """Let sprite k of a lane show height x width pixels of an image from (row, column) on, at (top, left)."""
    pitch = table[image, s.IMAGE_WIDTH]
    sprites[lane, k, s.OFFSET] = table[image, s.IMAGE_OFFSET] + row * pitch + column
    sprites[lane, k, s.ROW] = pitch
    sprites[lane, k, s.PLANE] = table[image, s.IMAGE_HEIGHT] * pitch
    sprites[lane, k, s.HEIGHT], sprites[lane, k, s.WIDTH] = height, width
    sprites[lane, k, s.TOP], sprites[lane, k, s.LEFT] = top, left


@kernel()
def lay_out(key: int, index: int, table: Ints, config: Ints, sprites: Ints, lane: int) -> int:
    """Draw the scene of `key`.

    Args:
        key: uint64; everything about the scene follows from it.
        index: The image to show, modulo their number, or `state.NO_INDEX` to draw it too.
        table: int64, (images, 4), see `glimpse_env.state`.
        config: int64, the task.
        sprites: int64, (lanes, 1 + fragments, 7), written.
        lane: Whose sprites.

    Returns:
        The label.
    """
    canvas_height, canvas_width = config[s.CANVAS_HEIGHT], config[s.CANVAS_WIDTH]
    count = table.shape[0]
    image = below(key, IMAGE, count) if index == s.NO_INDEX else index % count
    height, width = table[image, s.IMAGE_HEIGHT], table[image, s.IMAGE_WIDTH]
    top = below(key, TOP, canvas_height - height + 1)
    left = below(key, LEFT, canvas_width - width + 1)
    _place(sprites, lane, 0, table, image, 0, 0, height, width, top, left)
    side = config[s.FRAGMENT]
    for k in range(config[s.CLUTTER]):
        draw = FRAGMENTS + DRAWS_PER_FRAGMENT * k
        piece = below(key, draw, count)
        row = below(key, draw + 1, table[piece, s.IMAGE_HEIGHT] - side + 1)
        column = below(key, draw + 2, table[piece, s.IMAGE_WIDTH] - side + 1)
        top = below(key, draw + 3, canvas_height - side + 1)
        left = below(key, draw + 4, canvas_width - side + 1)
        _place(sprites, lane, 1 + k, table, piece, row, column, side, side, top, left)
    return table[image, s.IMAGE_LABEL]
