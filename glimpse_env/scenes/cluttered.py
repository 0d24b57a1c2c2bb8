"""The scenes of Recurrent Models of Visual Attention: one image among fragments of others.

After the generator of google-deepmind/mnist-cluttered: each fragment is a uniform crop of a uniform image of the same split at a
uniform place; the image itself lies at a uniform place; everything is added and clipped, nothing is ever overwritten. With no
fragments it is the translated task, and with a canvas of the image's own size the centred one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from glimpse_env import state as s
from glimpse_env.random import below

Ints = npt.NDArray[np.int64]

# Draws of a scene's key. New ones go at the end: a scene never changes once it is published.
IMAGE, TOP, LEFT, FRAGMENTS = 2, 3, 4, 5  # 0 and 1 are the first gaze
DRAWS_PER_FRAGMENT = 5


@njit(cache=True)
def _place(sprite: Ints, offset: int, image: Ints, height: int, width: int, top: int, left: int) -> None:
    sprite[s.OFFSET], sprite[s.ROW] = offset, image[s.IMAGE_WIDTH]
    sprite[s.PLANE] = image[s.IMAGE_HEIGHT] * image[s.IMAGE_WIDTH]
    sprite[s.HEIGHT], sprite[s.WIDTH], sprite[s.TOP], sprite[s.LEFT] = height, width, top, left


@njit(cache=True)
def lay_out(key: int, index: int, table: Ints, config: Ints, sprites: Ints) -> int:
    """Draw the scene of `key`.

    Args:
        key: uint64; everything about the scene follows from it.
        index: The image to show, modulo their number, or `state.NO_INDEX` to draw it too.
        table: int64, (images, 4), see `glimpse_env.state`.
        config: int64, the task.
        sprites: int64, (1 + fragments, 7), written.

    Returns:
        The label.
    """
    canvas_height, canvas_width = config[s.CANVAS_HEIGHT], config[s.CANVAS_WIDTH]
    count = table.shape[0]
    image = table[below(key, IMAGE, count) if index == s.NO_INDEX else index % count]
    height, width = image[s.IMAGE_HEIGHT], image[s.IMAGE_WIDTH]
    top = below(key, TOP, canvas_height - height + 1)
    left = below(key, LEFT, canvas_width - width + 1)
    _place(sprites[0], image[s.IMAGE_OFFSET], image, height, width, top, left)
    side = config[s.FRAGMENT]
    for k in range(config[s.CLUTTER]):
        draw = FRAGMENTS + DRAWS_PER_FRAGMENT * k
        piece = table[below(key, draw, count)]
        row = below(key, draw + 1, piece[s.IMAGE_HEIGHT] - side + 1)
        column = below(key, draw + 2, piece[s.IMAGE_WIDTH] - side + 1)
        offset = piece[s.IMAGE_OFFSET] + row * piece[s.IMAGE_WIDTH] + column
        top = below(key, draw + 3, canvas_height - side + 1)
        left = below(key, draw + 4, canvas_width - side + 1)
        _place(sprites[1 + k], offset, piece, side, side, top, left)
    return image[s.IMAGE_LABEL]
