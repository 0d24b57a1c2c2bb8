"""From the points of a skeleton to pixels: a curve through them, a box to fit it into, ink along it, an image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

PIECES = 5  # straight pieces between two points of a skeleton


@njit(cache=True)
def trace(
    knots: npt.NDArray[np.float64],
    starts: npt.NDArray[np.bool_],
    corners: npt.NDArray[np.bool_],
    path: npt.NDArray[np.float64],
    lifted: npt.NDArray[np.bool_],
) -> int:
    """Run a curve through the knots (non-uniform Catmull-Rom, broken at corners), as a path of short straight pieces.

    Returns:
        How many points of `path` are filled; `lifted` is True where the pen comes down anew.
    """
    n, count = len(knots), 0
    length = np.empty(n)  # from the knot before, 0 at a start
    chord = np.empty((n, 2))  # its direction
    for i in range(n):
        length[i] = 0.0
        if not starts[i]:
            dx, dy = knots[i, 0] - knots[i - 1, 0], knots[i, 1] - knots[i - 1, 1]
            length[i] = np.sqrt(dx * dx + dy * dy) + 1e-9
            chord[i, 0], chord[i, 1] = dx / length[i], dy / length[i]
    for i in range(n):
        if starts[i]:
            path[count], lifted[count] = knots[i], True
            count += 1
            continue
        bent_before = not (starts[i - 1] or corners[i - 1])
        bent_after = not (corners[i] or i + 1 == n or starts[i + 1])
        for piece in range(1, PIECES + 1):
            t = piece / PIECES
            u = 1.0 - t
            for axis in range(2):
                leaves = arrives = chord[i, axis]
                if bent_before:
                    leaves = (chord[i - 1, axis] * length[i] + leaves * length[i - 1]) / (length[i - 1] + length[i])
                if bent_after:
                    arrives = (arrives * length[i + 1] + chord[i + 1, axis] * length[i]) / (length[i] + length[i + 1])
                path[count, axis] = (
                    u * u * (1.0 + 2.0 * t) * knots[i - 1, axis]
                    + t * t * (3.0 - 2.0 * t) * knots[i, axis]
                    + t * u * length[i] * (u * leaves - t * arrives)
                )
            lifted[count] = False
            count += 1
    return count


@njit(cache=True)
def fit(path: npt.NDArray[np.float64], longer: float, middle: float) -> None:
    """Scale a path, in place, until the longer side of its box is `longer`, and put the box's centre at `middle`."""
    left, right = path[:, 0].min(), path[:, 0].max()
    top, bottom = path[:, 1].min(), path[:, 1].max()
    scale = longer / max(right - left, bottom - top)
    for i in range(len(path)):
        path[i, 0] = (path[i, 0] - (left + right) / 2.0) * scale + middle
        path[i, 1] = (path[i, 1] - (top + bottom) / 2.0) * scale + middle


@njit(cache=True)
def ink(
    path: npt.NDArray[np.float64],
    lifted: npt.NDArray[np.bool_],
    pen: float,
    pressure: float,
    soft: float,
    field: npt.NDArray[np.float64],
) -> None:
    """Fill `field`, shape (size, size), with the share of white at each pixel, by its distance to the path.

    The pen's width runs from `pen * (1 - pressure)` at the path's start to `pen * (1 + pressure)` at its end.
    """
    size, n = len(field), len(path)
    field[:] = 1e9  # at first: the least squared distance, in radii of the pen
    for i in range(1, n):
        if lifted[i]:
            continue
        x, y = path[i - 1, 0], path[i - 1, 1]
        dx, dy = path[i, 0] - x, path[i, 1] - y
        squared = dx * dx + dy * dy + 1e-12
        radius = pen / 2.0 * (1.0 + pressure * (2.0 * i / n - 1.0))
        reach = radius + soft
        first_row = max(0, int(np.floor(min(y, y + dy) - reach)))
        last_row = min(size - 1, int(np.floor(max(y, y + dy) + reach)) + 1)
        first_column = max(0, int(np.floor(min(x, x + dx) - reach)))
        last_column = min(size - 1, int(np.floor(max(x, x + dx) + reach)) + 1)
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                px, py = column - x, row - y
                along = min(1.0, max(0.0, (px * dx + py * dy) / squared))
                ox, oy = px - along * dx, py - along * dy
                field[row, column] = min(field[row, column], (ox * ox + oy * oy) / (radius * radius))
    for row in range(size):
        for column in range(size):
            inside = (1.0 - np.sqrt(field[row, column])) * pen / 2.0
            field[row, column] = min(1.0, max(0.0, 0.5 + inside / soft))


@njit(cache=True)
def expose(field: npt.NDArray[np.float64], image: npt.NDArray[np.uint8]) -> None:
    """Copy a field into an image of zeros, the brightest pixel as 255, its centre of mass moved to the middle."""
    size, mass, across, down, brightest = len(field), 0.0, 0.0, 0.0, 0.0
    for row in range(size):
        for column in range(size):
            value = field[row, column]
            mass, across, down = mass + value, across + value * column, down + value * row
            brightest = max(brightest, value)
    right = int(np.floor((size - 1) / 2.0 - across / mass + 0.5))
    lower = int(np.floor((size - 1) / 2.0 - down / mass + 0.5))
    for row in range(max(0, lower), min(size, size + lower)):
        for column in range(max(0, right), min(size, size + right)):
            image[row, column] = np.uint8(field[row - lower, column - right] / brightest * 255.0 + 0.5)
