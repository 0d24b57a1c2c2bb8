"""The layout of the arrays that hold every lane's state: the columns' names, for kernels and Python alike."""

from __future__ import annotations

from typing import Final

# sprites: int64, (lanes, sprites, 7). A sprite is a rectangle of bank pixels, and where its corner lies on the canvas.
OFFSET: Final = 0  # index of its first pixel in the bank
ROW: Final = 1  # bank elements from one row to the next
PLANE: Final = 2  # bank elements from one colour plane to the next
HEIGHT: Final = 3  # 0 for a sprite that is not there
WIDTH: Final = 4
TOP: Final = 5
LEFT: Final = 6
SPRITE_COLUMNS: Final = 7

# table: int64, (images, 4). Where an image lies in the bank, its planes one after another, and its label.
IMAGE_OFFSET: Final = 0
IMAGE_HEIGHT: Final = 1
IMAGE_WIDTH: Final = 2
IMAGE_LABEL: Final = 3

# counts: int64, (lanes, 9).
SEED: Final = 0  # the bits of the lane's uint64 seed
EPISODE: Final = 1  # how many seeded episodes came before this one
INDEX: Final = 2  # scene to draw at the next reset, or NO_INDEX to draw by (seed, episode)
GLIMPSES: Final = 3  # glimpses taken, the first one of reset included
ZOOM: Final = 4  # index into the zooms of the current gaze
TARGET: Final = 5  # the right answer
ANSWER: Final = 6  # the answer given at the latest step, or NO_ANSWER
SUCCESS: Final = 7  # whether a finished episode ended with the right answer
PHASE: Final = 8  # UNBORN, RUNNING or FINISHED
COUNT_COLUMNS: Final = 9

NO_INDEX: Final = -1
NO_ANSWER: Final = -1
UNBORN: Final = 0
RUNNING: Final = 1
FINISHED: Final = 2

# config: int64, one vector a task, the same for every lane; the zooms, then the scales, follow the named entries.
CANVAS_HEIGHT: Final = 0
CANVAS_WIDTH: Final = 1
CHANNELS: Final = 2
CLUTTER: Final = 3  # how many fragments
FRAGMENT: Final = 4  # the side of a fragment
PATCH: Final = 5
BUDGET: Final = 6
STOPPING: Final = 7
RUNNING_REWARD: Final = 8
PYRAMID: Final = 9  # whether every window is a power of two times an even patch: the fast path
ZOOMS: Final = 10  # how many zooms
SCALES: Final = 11  # how many scales
LISTS: Final = 12  # where the zooms begin
