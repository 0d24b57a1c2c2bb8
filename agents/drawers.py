"""Hands that were taught nothing, for the drawing tasks: the floor and the ceiling that a learned hand is held against.

    RandomHand   any brush at any place
    GreedyHand   sees the whole image and its own canvas, and takes the stroke that takes off most nats, of all brushes
                 at all places of a 14x14 raster: what can be had without a plan

They need no training: ``python -m benchmarks run --suite drawing --agents greedy_hand=agents.drawers:GreedyHand``.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from numba import njit

from glimpse_env.env import Observation
from glimpse_env.retina import window_start
from glimpse_env.scenes.drawing import NATS, WHITE
from glimpse_env.sources.brushes import BRUSHES, SIDE
from glimpse_env.vector_env import GlimpseVectorEnv

GRID = 14  # places on a side, as in the grid action mode of the ids

Ints = npt.NDArray[np.int64]

_BRUSHES = np.stack(list(BRUSHES.values())).astype(np.int64)
_CELLS = (2 * np.arange(GRID) + 1) / GRID - 1


class RandomHand:
    """Any brush at any place; in the grid action mode."""

    board: ClassVar = "reference"
    action_mode = "grid"

    def __init__(self, seed: int = 0) -> None:
        self.chance = np.random.default_rng(seed)

    def act(self, observation: Observation) -> Ints:
        """Row, column and brush of every lane: int64, (lanes, 3)."""
        return self.chance.integers(0, (GRID, GRID, len(BRUSHES)), (len(observation["gaze"]), 3))


class GreedyHand:
    """The stroke that takes off most nats, for a hand that sees everything."""

    board: ClassVar = "reference"
    action_mode = "grid"

    def peek(self, env: GlimpseVectorEnv) -> None:
        """See the images."""
        self.white = (env.canvases() >= WHITE).astype(np.int64)
        self.ink = np.zeros_like(self.white)
        height, width = self.white.shape[1:]
        self.tops = np.array([window_start(cell, height, SIDE) for cell in _CELLS])
        self.lefts = np.array([window_start(cell, width, SIDE) for cell in _CELLS])

    def act(self, observation: Observation) -> Ints:
        """Row, column and brush of every lane: int64, (lanes, 3)."""
        return best_strokes(self.white, self.ink, _BRUSHES, NATS, self.tops, self.lefts)


@njit(cache=True)
def best_strokes(white: Ints, ink: Ints, brushes: Ints, nats: npt.NDArray[np.float64], tops: Ints, lefts: Ints) -> Ints:
    """Find the best stroke for each canvas, and put it there.

    Args:
        white: int64, (lanes, height, width), 1 where a pixel of the image is white, else 0.
        ink: int64, likewise, in [0, 255]; the strokes are added.
        brushes: int64, (brushes, side, side).
        nats: float64, (2, 256): of a black and of a white pixel, by the ink on it.
        tops: int64, (places,): first rows a stroke may have.
        lefts: int64, (places,): first columns.

    Returns:
        int64, (lanes, 3): indices of top, left and brush.
    """
    lanes, height, width = white.shape
    side = brushes.shape[1]
    best = np.zeros((lanes, 3), np.int64)
    for lane in range(lanes):
        most = 0.0  # the first brush leaves nothing and takes off nothing
        for i, top in enumerate(tops):
            for j, left in enumerate(lefts):
                for brush in range(1, len(brushes)):
                    gain = 0.0
                    for row in range(max(top, 0), min(top + side, height)):
                        for column in range(max(left, 0), min(left + side, width)):
                            more = brushes[brush, row - top, column - left]
                            if more:
                                before, part = ink[lane, row, column], nats[white[lane, row, column]]
                                gain += part[before] - part[min(before + more, 255)]
                    if gain > most:
                        most, best[lane, 0], best[lane, 1], best[lane, 2] = gain, i, j, brush
        top, left, brush = tops[best[lane, 0]], lefts[best[lane, 1]], best[lane, 2]
        for row in range(max(top, 0), min(top + side, height)):
            for column in range(max(left, 0), min(left + side, width)):
                ink[lane, row, column] = min(ink[lane, row, column] + brushes[brush, row - top, column - left], 255)
    return best
