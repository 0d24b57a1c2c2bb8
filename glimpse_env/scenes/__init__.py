"""How each task lays out its sprites and its target, inside the kernel; and one table of them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.scenes import captioned, captions, catch, cluttered, drawing, moving, several, words

Ints = npt.NDArray[np.int64]
Names = tuple[str, ...]
Range = tuple[int, int]

END: Final = "end"  # the name of the symbol that closes a text of no fixed length


class Scene(NamedTuple):
    """One way to lay out a scene.

    Attributes:
        number: What the kernels know it by.
        speech: `state.NAMING`, one symbol is the answer; `state.READING`, a text is spoken symbol by symbol;
            `state.STEERING`, each symbol moves a sprite; or `state.DRAWING`, each symbol is a stroke.
        several: Whether the keyword `count` says how many images there are; otherwise there is one.
        symbols: From the classes of the images and `count` to the names of what may be said.
        movers: How many sprites can move; they come first.
        frozen: How many frozen scenes make a test; None: as many as the split has images.
    """

    number: int
    speech: int
    several: bool
    symbols: Callable[[Names, Range], Names]
    movers: int = 0
    frozen: int | None = None


def _classes(classes: Names, count: Range) -> Names:
    return classes


def _sums(classes: Names, count: Range) -> Names:
    return tuple(map(str, range(count[1] * (len(classes) - 1) + 1)))


def _closed(classes: Names, count: Range) -> Names:
    return (*classes, END) if count[0] < count[1] else classes


def _texts(classes: Names, count: Range) -> Names:
    return (*classes, END)


def _on_their_way(classes: Names, count: Range) -> Names:
    return tuple(f"{name} {way}" for name in classes for way in moving.WAYS)


def _strokes(classes: Names, count: Range) -> Names:
    return tuple(drawing.BRUSHES)


def _moves(classes: Names, count: Range) -> Names:
    return catch.MOVES


def _sentences(classes: Names, count: Range) -> Names:
    return (*captions.GRAMMAR, *classes, END)


CROWDED, SCATTERED, SUMMED, LINE, CAPTIONED, WORD, DRIFTING, CATCH, DESCRIBED, DRAWN = range(10)

#: The keyword `scene` -> what it means.
SCENES: dict[str, Scene] = {
    "crowded": Scene(CROWDED, s.NAMING, False, _classes),
    "scattered": Scene(SCATTERED, s.READING, True, _closed),
    "sum": Scene(SUMMED, s.NAMING, True, _sums),
    "line": Scene(LINE, s.READING, True, _closed),
    "captioned": Scene(CAPTIONED, s.READING, False, _texts),
    "word": Scene(WORD, s.READING, True, _closed),
    "drifting": Scene(DRIFTING, s.NAMING, False, _on_their_way, movers=1),
    "catch": Scene(CATCH, s.STEERING, False, _moves, movers=2, frozen=10_000),
    "described": Scene(DESCRIBED, s.READING, True, _sentences),
    "drawing": Scene(DRAWN, s.DRAWING, False, _strokes),
}


@kernel()
def lay_out(key: int, index: int, table: Ints, book: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int) -> None:
    """Draw the scene of `key` in the way of the task; see the kernels themselves, and `glimpse_env.state`."""
    scene = config[s.SCENE]
    if scene == CROWDED:
        cluttered.lay_out(key, index, table, config, sprites, texts, lane)
    elif scene == SCATTERED:
        several.scattered(key, index, table, config, sprites, texts, lane)
    elif scene == SUMMED:
        several.summed(key, index, table, config, sprites, texts, lane)
    elif scene == LINE:
        several.line(key, index, table, config, sprites, texts, lane)
    elif scene == CAPTIONED:
        captioned.lay_out(key, index, table, book, config, sprites, texts, lane)
    elif scene == WORD:
        words.lay_out(key, index, table, book, config, sprites, texts, lane)
    elif scene == DRIFTING:
        moving.drift(key, index, table, config, sprites, texts, lane)
    elif scene == CATCH:
        catch.lay_out(key, table, config, sprites, texts, lane)
    elif scene == DESCRIBED:
        captions.lay_out(key, index, table, book, config, sprites, texts, lane)
    else:
        drawing.lay_out(key, index, table, config, sprites, texts, lane)
