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
from glimpse_env.scenes.placing import place
from glimpse_env.simd import prefetch

Ints = npt.NDArray[np.int64]

# Draws of a scene's key. New ones go at the end: a scene never changes once it is published.
IMAGE, TOP, LEFT, FRAGMENTS = 2, 3, 4, 5  # 0 and 1 are the first gaze
DRAWS_PER_FRAGMENT = 5


@kernel()
def fragments(key: int, draw: int, first: int, table: Ints, config: Ints, sprites: Ints, lane: int) -> None:
    """Lay out the clutter: sprites from `first` on, whose draws are counted from `draw` on.

    Where an image is smaller than a fragment, so is the fragment.
    """
    side = config[s.FRAGMENT]
    for k in range(config[s.CLUTTER]):  # together, rather than one wait for each
        prefetch(table, below(key, draw + k * DRAWS_PER_FRAGMENT, table.shape[0]) * table.shape[1])
    for k in range(config[s.CLUTTER]):
        piece = below(key, draw, table.shape[0])
        height, width = min(side, table[piece, s.IMAGE_HEIGHT]), min(side, table[piece, s.IMAGE_WIDTH])
        row = below(key, draw + 1, table[piece, s.IMAGE_HEIGHT] - height + 1)
        column = below(key, draw + 2, table[piece, s.IMAGE_WIDTH] - width + 1)
        top = below(key, draw + 3, config[s.CANVAS_HEIGHT] - height + 1)
        left = below(key, draw + 4, config[s.CANVAS_WIDTH] - width + 1)
        place(sprites, lane, first + k, table, piece, row, column, height, width, top, left)
        draw += DRAWS_PER_FRAGMENT


@kernel()
def show(key: int, index: int, table: Ints, config: Ints, sprites: Ints, lane: int) -> int:
    """Lay out one image among fragments, with the arguments of `lay_out`; returns which image."""
    count = table.shape[0]
    image = below(key, IMAGE, count) if index == s.NO_INDEX else index % count
    height, width = table[image, s.IMAGE_HEIGHT], table[image, s.IMAGE_WIDTH]
    top = below(key, TOP, config[s.CANVAS_HEIGHT] - height + 1)
    left = below(key, LEFT, config[s.CANVAS_WIDTH] - width + 1)
    place(sprites, lane, 0, table, image, 0, 0, height, width, top, left)
    fragments(key, FRAGMENTS, 1, table, config, sprites, lane)
    return image


@kernel()
def lay_out(key: int, index: int, table: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int) -> None:
    """Draw the scene of `key`; the text is the label.

    Args:
        key: uint64; everything about the scene follows from it.
        index: The image to show, modulo their number, or `state.NO_INDEX` to draw it too.
        table: int64, (images, 4), see `glimpse_env.state`.
        config: int64, the task.
        sprites: int64, (lanes, 1 + fragments, 10), written.
        texts: int64, (lanes, 1, 1), written.
        lane: Whose sprites.
    """
    image = show(key, index, table, config, sprites, lane)
    texts[lane, 0, 0] = table[image, s.IMAGE_LABEL]
