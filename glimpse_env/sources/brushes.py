"""What a hand draws with: a dot and lines with soft edges, as images that lie in the bank behind all others."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

SIDE: Final = 11  # of a brush, in pixels

_HALF, _ROOT = 0.5, math.sqrt(0.5)
_LOW, _HIGH = math.sqrt(2 - math.sqrt(2)) / 2, math.sqrt(2 + math.sqrt(2)) / 2  # sine and cosine of 22.5 degrees
#: Direction of a line (down, across) by its name: degrees, counter-clockwise from a level one.
_WAYS: Final = {
    "0": (0.0, 1.0),
    "22": (-_LOW, _HIGH),
    "45": (-_ROOT, _ROOT),
    "67": (-_HIGH, _LOW),
    "90": (1.0, 0.0),
    "112": (_HIGH, _LOW),
    "135": (_ROOT, _ROOT),
    "157": (_LOW, _HIGH),
}
_LENGTHS: Final = {"short": 5.0, "long": 9.0}
_PEN: Final = 1.1  # half the width of a line, in pixels


def _line(way: tuple[float, float], length: float) -> Bytes:
    """A line through the middle with soft edges: uint8, (SIDE, SIDE)."""
    place = np.arange(SIDE) - SIDE // 2
    along = place[:, None] * way[0] + place[None, :] * way[1]
    aside = place[:, None] * way[1] - place[None, :] * way[0]
    past = np.maximum(np.abs(along) - (length / 2 - _PEN), 0.0)
    distance = np.sqrt(past * past + aside * aside)
    ink: Bytes = np.rint(255 * np.clip(_PEN + _HALF - distance, 0.0, 1.0)).astype(np.uint8)
    return ink


def _brushes() -> dict[str, Bytes]:
    brushes = {"lift": np.zeros((SIDE, SIDE), np.uint8), "dot": _line(_WAYS["0"], 2 * _PEN)}
    for size, length in _LENGTHS.items():
        brushes |= {f"{size} {name}": _line(way, length) for name, way in _WAYS.items()}
    return brushes


#: Symbol -> what it leaves on the canvas: uint8, (SIDE, SIDE). The first one leaves nothing.
BRUSHES: Final = _brushes()
#: All of them as they lie in a bank.
INK: Final = np.concatenate([brush.reshape(-1) for brush in BRUSHES.values()])
