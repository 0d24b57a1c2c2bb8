"""How a sprite comes to lie on a canvas: the one place where its columns are filled in; and how large one may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel

if TYPE_CHECKING:
    from glimpse_env.bank import Bank
    from glimpse_env.task import Task

Ints = npt.NDArray[np.int64]


@kernel()
def place(
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


def largest_image(task: Task, bank: Bank) -> tuple[int, int]:
    """Height of the tallest and width of the widest image."""
    return int(bank.table[:, s.IMAGE_HEIGHT].max()), int(bank.table[:, s.IMAGE_WIDTH].max())
