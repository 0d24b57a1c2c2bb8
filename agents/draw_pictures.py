"""What DRAW draws: a sheet of drawings step by step, and an animated GIF of many, framed where they are written on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from agents.pictures import film, mosaic, sheet
from glimpse_env.drawing import Picture, frame
from glimpse_env.rendering import WRONG

_UNIT = 3  # pixels of the picture to a pixel of the canvas
_STEP, _LAST = 250, 2500  # milliseconds


def stages(canvases: Tensor, places: Tensor, path: Path) -> None:
    """Write a PNG: one drawing a row, one step a column, and last the finished drawing without a frame.

    Args:
        canvases: Chance of every pixel after every step, (steps, drawings, height, width).
        places: Middle and side of what each step wrote on, (steps, drawings, 3); see `agents.draw.Draw.imagine`.
        path: Of the PNG.
    """
    pixels, squares = canvases.numpy(), places.numpy()
    tiles = []
    for one in range(pixels.shape[1]):
        tiles += [_tile(step[one], square[one]) for step, square in zip(pixels, squares, strict=True)]
        tiles.append(_tile(pixels[-1, one], None))
    sheet(mosaic(tiles, len(pixels) + 1), path)


def animate(canvases: Tensor, places: Tensor, path: Path, *, columns: int = 10) -> None:
    """Write a GIF: all drawings at once, step by step, and last without frames. Arguments as `stages`."""
    pixels, squares = canvases.numpy(), places.numpy()
    frames = [
        mosaic([_tile(canvas, square) for canvas, square in zip(step, where, strict=True)], columns)
        for step, where in zip(pixels, squares, strict=True)
    ]
    frames.append(mosaic([_tile(canvas, None) for canvas in pixels[-1]], columns))
    film(frames, [_STEP] * len(pixels) + [_LAST], path)


def _tile(canvas: npt.NDArray[np.float32], place: npt.NDArray[np.float32] | None) -> Picture:
    """A canvas enlarged, with a dark edge, and framed where it is written on."""
    height, width = canvas.shape
    tile = np.zeros(((height + 1) * _UNIT, (width + 1) * _UNIT, 3), np.uint8)
    grey = np.rint(canvas * 235).astype(np.uint8)[..., None] + np.array([20, 20, 20], np.uint8)
    tile[: height * _UNIT, : width * _UNIT] = grey.repeat(_UNIT, 0).repeat(_UNIT, 1)
    if place is not None:
        row, column, side = (float(number) for number in place)
        top, left, bottom, right = (  # pixel 1 reaches from 0.5 to 1.5
            min(max(round((edge - 0.5) * _UNIT), 0), size * _UNIT)
            for half in (-side / 2, side / 2)
            for edge, size in ((row + half, height), (column + half, width))
        )
        frame(tile, top, left, bottom - top, right - left, 1, WRONG)
    return tile
