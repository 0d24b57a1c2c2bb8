"""The pen strokes of every bundled glyph, as data.

A symbol is written in several ways. Each way is a `Skeleton`: a share (how often it is drawn, relative to the symbol's
other skeletons) and two forms of the same strokes; a glyph is drawn from a random blend of the two. A form is a list of
points ``x,y`` that the pen passes through smoothly, y growing from 0 at the top of a digit to 100 at its foot;
``/`` lifts the pen and ``*`` marks a sharp corner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Skeleton(NamedTuple):
    """One way to write a symbol: its share, and the two forms a glyph blends."""

    share: float
    form: str
    other: str = ""


DIGITS: dict[str, tuple[Skeleton, ...]] = {
    "0": (  # closed, ends that cross and run on inside, a tail that sticks out at the top, open at the top
        Skeleton(3, "32,0 6,30 8,76 30,100 50,72 52,26 30,2", "42,0 0,24 0,80 42,100 80,74 80,24 40,1"),
        Skeleton(1.5, "46,12 28,0 6,28 6,76 30,100 54,72 52,24 22,8", "64,20 34,2 2,32 4,82 38,98 70,70 60,22 20,24"),
        Skeleton(0.5, "50,-8 26,2 4,40 10,84 34,100 56,66 52,22 28,6", "14,-6 24,4 6,36 2,78 34,100 68,78 66,30 16,4"),
        Skeleton(1, "22,4 4,36 8,82 34,100 56,70 52,20 34,0", "26,0 0,28 2,84 40,98 70,66 58,12 38,14"),
    ),
    "1": (
        Skeleton(6, "30,0 30,50 30,100", "34,0 28,50 30,100"),
        Skeleton(1, "14,22 34,0* 32,50 32,100", "4,30 34,0* 34,50 34,100"),
        Skeleton(0.6, "14,22 32,0* 32,98 / 8,100 56,98", "6,16 30,0* 30,98 / 0,98 62,100"),
    ),
    "2": (  # an angle at the foot, a loop at the foot, a wavy base, a straight base low and wide
        Skeleton(
            3,
            "6,24 14,6 32,0 52,10 54,30 36,60 2,98* 30,96 64,96",
            "0,30 10,8 32,0 58,14 56,40 30,72 4,98* 34,92 66,100",
        ),
        Skeleton(
            3,
            "6,24 16,6 34,0 52,12 50,38 32,72 12,96 2,90 8,78 22,82 42,96 66,94",
            "0,16 16,2 38,2 50,20 44,50 28,80 8,100 -6,88 6,70 26,76 46,94 78,88",
        ),
        Skeleton(
            1,
            "6,20 18,2 38,2 52,18 50,48 36,82 16,98 0,86 8,66 28,66 48,84 60,100",
            "12,16 24,0 40,4 46,24 42,56 28,88 12,96 4,80 14,62 30,70 42,90 54,106",
        ),
        Skeleton(
            1.5,
            "4,18 24,0 48,8 50,32 30,66 0,96* 20,86 40,96 66,90",
            "8,10 28,0 44,14 42,44 24,72 4,94* 26,90 46,100 74,98",
        ),
        Skeleton(
            1.5,
            "16,16 32,0 48,12 44,40 26,66 -4,92* 34,94 84,92",
            "20,22 34,4 46,14 40,40 22,68 2,96* 26,98 46,94",
        ),
        Skeleton(
            1.5,
            "10,18 22,2 42,4 44,30 26,68 6,92 -2,84 12,76 42,86 92,80",
            "2,30 14,6 38,0 52,20 44,54 24,90 2,98 -2,84 18,74 66,72",
        ),
        Skeleton(1, "8,16 24,2 44,12 38,44 8,86* 40,82 104,84", "2,26 20,4 48,8 44,46 20,82* 52,84 96,76"),
    ),
    "3": (  # round, a loop in the middle, a flat top, a short tail
        Skeleton(
            3,
            "6,12 28,0 50,10 46,32 22,46* 48,54 56,76 38,98 4,92",
            "2,20 26,0 54,14 48,38 14,48* 50,52 62,74 36,100 -2,84",
        ),
        Skeleton(
            1,
            "6,12 28,0 50,12 44,36 22,48 18,42 28,42 50,56 54,80 34,100 2,90",
            "4,6 26,0 44,10 40,32 16,50 10,42 22,40 52,58 58,82 30,100 -4,96",
        ),
        Skeleton(0.7, "6,2 52,2* 24,40* 50,52 56,76 36,100 2,92", "2,6 50,0* 26,38* 52,46 58,76 34,98 0,98"),
        Skeleton(
            1.5,
            "4,8 30,0 54,8 48,28 24,44* 46,52 48,74 34,96 14,96",
            "10,10 34,0 60,4 52,26 26,50* 42,60 40,80 26,98 6,100",
        ),
    ),
    "4": (  # open with two strokes, open with a bent left stroke, closed, in one stroke
        Skeleton(
            3,
            "14,0 6,30 2,54* 34,54 62,50 / 50,4 48,50 46,100",
            "10,4 0,34 2,58* 32,60 68,44 / 60,0 52,50 42,100",
        ),
        Skeleton(
            1.5,
            "10,4 4,34 12,56 34,60 66,50 / 56,0 50,46 48,100",
            "22,0 8,24 4,50 26,60 58,52 / 48,16 46,56 46,100",
        ),
        Skeleton(1, "10,0 6,28 4,58* 60,54 / 48,0 48,50 48,100", "20,6 8,30 2,64* 72,56 / 44,8 44,60 42,96"),
        Skeleton(1, "44,0* 0,64* 64,64 / 44,0 44,50 44,100", "42,0* 4,52* 66,56 / 46,4 44,50 40,100"),
        Skeleton(
            1.5,
            "10,0 4,40 14,54 40,48 54,2* 50,50 46,100",
            "6,8 0,36 10,50 46,48 56,0* 54,50 52,100",
        ),
    ),
    "5": (  # a bar of its own, one stroke with corners, one round stroke, a bowl that nearly closes
        Skeleton(
            2,
            "14,4 10,42* 34,36 56,54 54,84 28,100 2,92 / 14,4 58,0",
            "18,6 10,46* 36,44 50,62 44,88 22,100 0,90 / 18,6 66,2",
        ),
        Skeleton(
            2,
            "56,2 16,4* 10,42* 34,36 56,54 54,84 28,100 2,92",
            "62,0 20,4* 6,46* 30,46 46,66 40,92 18,100 -4,88",
        ),
        Skeleton(
            1,
            "54,4 26,4 10,22 22,42 48,60 50,86 26,100 2,92",
            "66,0 32,4 16,22 20,40 36,60 34,88 14,100 -8,86",
        ),
        Skeleton(
            1.5,
            "64,6 24,8* 14,46* 38,42 52,60 46,88 22,98 4,82 6,66",
            "70,0 28,6* 14,40* 36,36 48,54 44,84 24,100 2,92 -4,74",
        ),
    ),
    "6": (
        Skeleton(
            3,
            "46,0 20,24 4,60 8,90 28,100 48,88 48,66 30,56 10,70",
            "34,0 16,30 4,66 8,92 26,100 44,92 44,78 30,70 8,84",
        ),
        Skeleton(
            1.5,
            "54,0 22,22 2,58 8,92 32,100 56,84 52,58 30,50 6,66",
            "30,0 10,34 2,72 16,98 40,98 60,82 54,66 32,64 14,84",
        ),
        Skeleton(
            1.5,
            "36,0 12,26 0,62 14,96 44,100 68,76 62,46 38,38 18,54 10,80",
            "22,0 6,36 4,74 24,98 52,92 64,66 54,44 34,48 20,66 18,90",
        ),
        Skeleton(
            1,
            "20,0 4,36 6,76 34,96 70,86 72,62 44,52 14,78",
            "48,0 16,34 2,74 22,98 62,94 78,76 56,62 20,86",
        ),
    ),
    "7": (
        Skeleton(2, "2,6 54,4* 38,45 22,100", "0,2 58,2* 48,48 42,100"),
        Skeleton(1.5, "4,20 6,4* 56,2* 34,50 24,100", "0,24 8,6* 56,4* 42,50 34,100"),
        Skeleton(1, "2,6 54,4* 38,45 22,100 / 16,52 54,48", "0,4 58,2* 44,45 34,100 / 20,50 66,52"),
        Skeleton(1, "2,40 8,8* 54,4* 40,52 32,100", "-4,32 6,14* 62,6* 54,50 46,100"),
        Skeleton(1, "2,14 20,4 40,8 58,2* 36,50 28,100", "0,18 18,0 44,6 60,0* 44,50 36,100"),
    ),
    "8": (  # a figure of eight from its top right, two rings, an open top, from its middle
        Skeleton(
            3,
            "50,14 30,0 10,14 16,36 46,60 52,86 30,100 8,86 16,60 46,36 52,14",
            "52,10 34,0 14,10 16,30 38,54 40,86 20,100 0,86 12,60 44,34 54,12",
        ),
        Skeleton(
            1,
            "30,46 10,26 30,0 50,24 30,46 / 30,46 4,74 30,100 56,74 30,46",
            "30,42 14,22 32,0 46,22 30,44 / 28,44 10,74 28,100 46,74 28,46",
        ),
        Skeleton(
            1.5,
            "56,4 34,2 12,16 22,40 46,62 46,90 26,100 8,84 22,58 50,30 58,8",
            "60,14 38,0 16,12 24,38 42,66 36,92 18,100 6,84 24,56 54,32 66,4",
        ),
        Skeleton(
            1.5,
            "44,8 18,2 2,18 10,38 38,58 40,88 26,100 14,86 22,60 54,32 62,0",
            "58,22 36,2 6,10 4,34 28,54 32,88 22,98 14,84 24,54 52,30 60,12",
        ),
        Skeleton(
            1,
            "74,-2 36,6 14,18 22,40 40,66 36,92 18,98 10,82 28,54 56,26 74,4",
            "66,6 30,2 12,12 20,32 46,58 48,86 28,100 10,86 24,58 48,34 78,-6",
        ),
        Skeleton(
            1.5,
            "60,10 34,0 10,14 20,38 48,64 46,92 24,100 6,84 20,60 48,32",
            "66,16 40,2 8,6 10,32 40,60 40,90 22,100 8,88 20,58 60,20",
        ),
    ),
    "9": (  # a straight stem, a hooked one, a head that meets the stem low, a large or open head
        Skeleton(
            3,
            "48,16 28,0 6,16 6,40 24,50 44,36 50,8* 48,50 44,100",
            "46,12 30,0 10,12 8,30 24,38 42,26 50,6* 46,50 34,100",
        ),
        Skeleton(
            1,
            "50,22 32,0 8,14 8,38 28,48 48,28 50,14 52,50 40,88 20,100 4,92",
            "48,18 30,0 6,12 6,32 24,42 46,26 50,12 50,56 36,92 14,98 -2,84",
        ),
        Skeleton(
            1,
            "50,14 30,2 4,22 10,44 32,40 50,14* 40,60 30,100",
            "52,8 30,2 4,18 6,36 28,36 52,10* 36,60 20,100",
        ),
        Skeleton(
            2,
            "56,12 30,0 0,22 0,54 24,66 50,44 58,12* 52,56 46,100",
            "46,2 20,6 2,28 10,48 32,46 52,22 56,4* 50,56 48,100",
        ),
        Skeleton(
            1.5,
            "56,4 24,4 4,26 12,46 36,40 52,20* 46,60 40,100",
            "66,0 30,6 8,32 18,48 42,40 56,28* 46,62 34,100",
        ),
    ),
}

LETTERS: dict[str, tuple[Skeleton, ...]] = {
    "a": (Skeleton(1, "44,36 22,28 2,46 2,82 20,98 40,84 46,34* 46,80 58,98"),),
    "b": (Skeleton(1, "4,-8 4,50 4,98* 4,50 24,34 46,48 46,80 26,100 4,88"),),
    "c": (Skeleton(1, "46,42 26,30 4,50 4,80 26,100 48,88"),),
    "d": (Skeleton(1, "44,42 22,30 2,52 2,82 20,100 44,84 / 46,-8 46,50 46,98"),),
    "e": (Skeleton(1, "6,66 46,58 40,38 22,30 4,50 6,84 26,100 48,88"),),
    "f": (Skeleton(1, "50,4 36,-8 22,8 22,50 22,100 / 4,40 44,38"),),
    "g": (Skeleton(1, "44,38 24,30 4,46 4,72 22,84 42,70 46,32* 46,90 36,122 8,120"),),
    "h": (Skeleton(1, "4,-8 4,50 4,100* 6,52 26,34 42,48 44,100"),),
    "i": (Skeleton(1, "20,34 20,66 22,100 / 20,8 22,12"),),
    "j": (Skeleton(1, "28,34 28,80 22,116 4,118 / 28,8 30,12"),),
    "k": (Skeleton(1, "4,-8 4,50 4,100 / 42,34 6,68* 44,100"),),
    "l": (Skeleton(1, "18,-8 18,50 20,92 34,100", "18,-8 18,40 18,80 18,100"),),
    "m": (Skeleton(1, "2,34 4,70 4,100* 6,50 20,34 34,50 34,100* 36,50 50,34 64,50 66,100"),),
    "n": (Skeleton(1, "4,34 4,70 4,100* 6,50 26,34 42,50 44,100"),),
    "o": (Skeleton(1, "26,32 4,48 4,80 26,100 48,82 48,48 24,32"),),
    "p": (Skeleton(1, "4,34 4,80 4,130 / 4,48 24,32 46,48 46,78 26,96 4,82"),),
    "q": (Skeleton(1, "44,42 24,30 4,46 4,76 22,92 44,76 / 46,32 46,80 46,126 58,116"),),
    "r": (Skeleton(1, "4,34 4,70 4,100* 6,56 22,36 42,40"),),
    "s": (Skeleton(1, "44,40 26,30 8,42 16,60 40,72 44,90 24,100 2,90"),),
    "t": (Skeleton(1, "22,4 22,50 24,92 44,96 / 2,34 44,32"),),
    "u": (Skeleton(1, "4,34 4,76 20,98 40,82 44,34* 44,76 54,98"),),
    "v": (Skeleton(1, "2,34 24,98* 46,34"),),
    "w": (Skeleton(1, "2,34 18,98* 34,46* 50,98* 66,34"),),
    "x": (Skeleton(1, "4,34 46,100 / 44,34 2,100"),),
    "y": (Skeleton(1, "4,34 8,66 26,74 44,34* 36,90 24,124 4,124"),),
    "z": (Skeleton(1, "4,36 44,36* 4,98* 48,98"),),
}

SYMBOLS: tuple[str, ...] = (*DIGITS, *LETTERS)


class StrokeTable(NamedTuple):
    """All skeletons as arrays, one row a skeleton, padded to the longest.

    Attributes:
        first: int64, shape (symbols + 1,): the skeletons of symbol s are rows first[s] to first[s + 1] - 1.
        upto: float64, shape (skeletons,): cumulative share within the symbol, 1 at its last skeleton.
        length: int64, shape (skeletons,): the number of points.
        points: float64, shape (skeletons, 2 forms, longest, 2): x and y, 1 being the height of a digit.
        starts: bool, shape (skeletons, longest): the pen comes down at this point.
        corners: bool, shape (skeletons, longest): the pen turns sharply at this point.
    """

    first: npt.NDArray[np.int64]
    upto: npt.NDArray[np.float64]
    length: npt.NDArray[np.int64]
    points: npt.NDArray[np.float64]
    starts: npt.NDArray[np.bool_]
    corners: npt.NDArray[np.bool_]


def _read_form(form: str) -> tuple[list[tuple[float, float]], list[bool], list[bool]]:
    """The points of a form, and for each whether a stroke starts there and whether it is a corner."""
    points, starts, corners = [], [], []
    for stroke in form.split("/"):
        for i, word in enumerate(stroke.split()):
            x, y = word.removesuffix("*").split(",")
            points.append((int(x) / 100, int(y) / 100))
            starts.append(i == 0)
            corners.append(word.endswith("*"))
    return points, starts, corners


def stroke_table(symbols: Mapping[str, tuple[Skeleton, ...]]) -> StrokeTable:
    """Every skeleton of the symbols, in their order, as arrays."""
    ways = list(symbols.values())
    skeletons = [skeleton for way in ways for skeleton in way]
    forms = [(_read_form(s.form), _read_form(s.other or s.form)) for s in skeletons]
    for skeleton, (form, other) in zip(skeletons, forms, strict=True):
        if form[1:] != other[1:]:
            raise ValueError(f"the two forms of a skeleton must have the same strokes and corners: {skeleton}")
    length = np.array([len(form[0]) for form, _ in forms], dtype=np.int64)
    points = np.zeros((len(forms), 2, length.max(), 2))
    starts, corners = np.zeros((2, len(forms), length.max()), dtype=np.bool_)
    for row, (form, other) in enumerate(forms):
        points[row, :, : length[row]] = form[0], other[0]
        starts[row, : length[row]], corners[row, : length[row]] = form[1], form[2]
    upto = np.concatenate([np.cumsum([s.share for s in way]) / sum(s.share for s in way) for way in ways])
    first = np.cumsum([0, *(len(way) for way in ways)], dtype=np.int64)
    return StrokeTable(first, upto, length, points, starts, corners)
