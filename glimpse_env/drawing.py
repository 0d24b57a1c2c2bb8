"""Lines, dots, rectangles and letters on an RGB picture, in plain numpy: uint8, (height, width, 3), drawn on in place.

Whatever lies past the picture's border is left out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
Place = tuple[float, float]

LETTER_HEIGHT: Final = 7
LETTER_WIDTH: Final = 6  # with the gap to the next letter

_LETTERS: Final = """
.###....#....###...###.....#..#####..###..#####..###...###............#..###..
#...#..##...#...#.#...#...##..#.....#.........#.#...#.#...#..........#..#...#.
#...#...#.......#.....#..#.#..####..#........#..#...#.#...#..........#......#.
#...#...#......#....##..#..#......#.####....#....###...####.#####...#......#..
#...#...#.....#.......#.#####.....#.#...#..#....#...#.....#........#......#...
#...#...#....#....#...#....#..#...#.#...#..#....#...#.....#........#..........
.###...###..#####..###.....#...###...###...#.....###...###........#.......#...

.###..####...###..####..#####.#####..###..#...#..###....###.#...#.#.....#...#.
#...#.#...#.#...#.#...#.#.....#.....#...#.#...#...#......#..#..#..#.....##.##.
#...#.#...#.#.....#...#.#.....#.....#.....#...#...#......#..#.#...#.....#.#.#.
#####.####..#.....#...#.####..####..#.###.#####...#......#..##....#.....#.#.#.
#...#.#...#.#.....#...#.#.....#.....#...#.#...#...#......#..#.#...#.....#...#.
#...#.#...#.#...#.#...#.#.....#.....#...#.#...#...#...#..#..#..#..#.....#...#.
#...#.####...###..####..#####.#......###..#...#..###...##...#...#.#####.#...#.

#...#..###..####...###..####...####.#####.#...#.#...#.#...#.#...#.#...#.#####.
##..#.#...#.#...#.#...#.#...#.#.......#...#...#.#...#.#...#.#...#.#...#.....#.
#.#.#.#...#.#...#.#...#.#...#.#.......#...#...#.#...#.#...#..#.#...#.#.....#..
#..##.#...#.####..#...#.####...###....#...#...#.#...#.#.#.#...#.....#.....#...
#...#.#...#.#.....#.#.#.#.#.......#...#...#...#.#...#.#.#.#..#.#....#....#....
#...#.#...#.#.....#..#..#..#......#...#...#...#..#.#..##.##.#...#...#...#.....
#...#..###..#......##.#.#...#.####....#....###....#...#...#.#...#...#...#####.
"""
_ORDER: Final = ("0123456789-/?", "ABCDEFGHIJKLM", "NOPQRSTUVWXYZ")


def _cut() -> dict[str, npt.NDArray[np.bool_]]:
    letters = {" ": np.zeros((LETTER_HEIGHT, LETTER_WIDTH), np.bool_)}
    for block, characters in zip(_LETTERS.strip().split("\n\n"), _ORDER, strict=True):
        ink = np.array([[dot == "#" for dot in line] for line in block.split("\n")])
        letters.update(zip(characters, np.split(ink, len(characters), axis=1), strict=True))
    return letters


_FONT: Final = _cut()


def fill(picture: Picture, top: int, left: int, height: int, width: int, colour: Colour) -> None:
    """Paint a rectangle."""
    picture[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = colour


def frame(picture: Picture, top: int, left: int, height: int, width: int, thickness: int, colour: Colour) -> None:
    """Draw the outline of a rectangle; the outline lies inside it."""
    fill(picture, top, left, thickness, width, colour)
    fill(picture, top + height - thickness, left, thickness, width, colour)
    fill(picture, top, left, height, thickness, colour)
    fill(picture, top, left + width - thickness, height, thickness, colour)


def stroke(picture: Picture, start: Place, end: Place, width: float, colour: Colour) -> None:
    """Draw a smooth line with round ends; where start and end are the same place, a dot of diameter `width`.

    Args:
        picture: Drawn on.
        start: Row and column in pixels; (0.5, 0.5) is the middle of the first pixel.
        end: Likewise.
        width: In pixels.
        colour: Of the line.
    """
    reach = width / 2 + 1
    (y0, x0), (y1, x1) = start, end
    top, bottom = max(int(min(y0, y1) - reach), 0), min(int(max(y0, y1) + reach) + 1, picture.shape[0])
    left, right = max(int(min(x0, x1) - reach), 0), min(int(max(x0, x1) + reach) + 1, picture.shape[1])
    if top >= bottom or left >= right:
        return
    rows = np.arange(top, bottom)[:, None] + 0.5 - y0
    columns = np.arange(left, right)[None, :] + 0.5 - x0
    squared = (y1 - y0) ** 2 + (x1 - x0) ** 2
    along = np.clip((rows * (y1 - y0) + columns * (x1 - x0)) / squared, 0, 1) if squared else np.zeros(1)
    distance = np.hypot(rows - along * (y1 - y0), columns - along * (x1 - x0))
    cover = np.clip(width / 2 + 0.5 - distance, 0, 1)[..., None]
    part = picture[top:bottom, left:right]
    part[:] = np.rint(part + cover * (np.array(colour) - part))


def write(picture: Picture, top: int, left: int, words: str, size: int, colour: Colour) -> None:
    """Write one line of text, `size` pixels to a dot of a letter; characters not in the font become question marks."""
    ink = np.concatenate([_FONT.get(character, _FONT["?"]) for character in words.upper()] or [_FONT[" "]], axis=1)
    ink = ink.repeat(size, axis=0).repeat(size, axis=1)
    ink = ink[max(-top, 0) :, max(-left, 0) :]
    part = picture[max(top, 0) :, max(left, 0) :][: ink.shape[0], : ink.shape[1]]
    part[ink[: part.shape[0], : part.shape[1]]] = colour
