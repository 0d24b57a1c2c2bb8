"""How each task lays out its sprites and its target, inside the kernel; and one table of them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.scenes import captioned, captions, catch, cluttered, drawing, moving, several, words
from glimpse_env.scenes.placing import largest_image
from glimpse_env.sources.brushes import BRUSHES

if TYPE_CHECKING:
    from glimpse_env.bank import Bank
    from glimpse_env.task import Task

Ints = npt.NDArray[np.int64]
Names = tuple[str, ...]
Range = tuple[int, int]

END: Final = "end"  # the name of the symbol that closes a text of no fixed length


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
    return tuple(BRUSHES)


def _moves(classes: Names, count: Range) -> Names:
    return catch.MOVES


def _sentences(classes: Names, count: Range) -> Names:
    return (*captions.GRAMMAR, *classes, END)


CROWDED, SCATTERED, SUMMED, LINE, CAPTIONED, WORD, DRIFTING, CATCH, DESCRIBED, DRAWN = range(10)


def _one(task: Task, bank: Bank) -> int:
    return 1


def _all(task: Task, bank: Bank) -> Ints:
    return bank.book


def _nothing(task: Task, bank: Bank, canvas: Range, image: Range) -> None:
    pass


class Scene(NamedTuple):
    """One way to lay out a scene.

    Attributes:
        number: What the kernels know it by.
        speech: `state.NAMING`, one symbol is the answer; `state.READING`, a text is spoken symbol by symbol;
            `state.STEERING`, each symbol moves a sprite; or `state.DRAWING`, each symbol is a stroke.
        several: Whether the keyword `count` says how many images there are; otherwise there is one.
        symbols: From the classes of the images and `count` to the names of what may be said.
        length: Most symbols of an answer, the closing one included.
        references: How many answers a scene has, any of which is right.
        book: The texts to draw from.
        largest: Height of the tallest and width of the widest sprite, clutter apart.
        check_room: Raises a `ValueError` where a canvas (height, width) that holds `largest` is too small all the same.
        movers: How many sprites can move; they come first.
        frozen: How many frozen scenes make a test; None: as many as the split has images.
    """

    number: int
    speech: int
    several: bool = False
    symbols: Callable[[Names, Range], Names] = _classes
    length: Callable[[Task, Bank], int] = _one
    references: Callable[[Task, Bank], int] = _one
    book: Callable[[Task, Bank], Ints] = _all
    largest: Callable[[Task, Bank], Range] = largest_image
    check_room: Callable[[Task, Bank, Range, Range], None] = _nothing
    movers: int = 0
    frozen: int | None = None


#: The keyword `scene` -> what it means.
SCENES: dict[str, Scene] = {
    "crowded": Scene(CROWDED, s.NAMING),
    "scattered": Scene(
        SCATTERED, s.READING, several=True, symbols=_closed, length=several.length, check_room=several.check_room
    ),
    "sum": Scene(SUMMED, s.NAMING, several=True, symbols=_sums, check_room=several.check_room),
    "line": Scene(LINE, s.READING, several=True, symbols=_closed, length=several.length, check_room=several.check_line),
    "captioned": Scene(
        CAPTIONED, s.READING, symbols=_texts, length=captioned.length, references=captioned.references
    ),
    "word": Scene(
        WORD, s.READING, several=True, symbols=_closed, length=several.length, book=words.readable,
        check_room=words.check_room,
    ),
    "drifting": Scene(DRIFTING, s.NAMING, symbols=_on_their_way, check_room=moving.check_room, movers=1),
    "catch": Scene(
        CATCH, s.STEERING, symbols=_moves, references=catch.references, largest=catch.largest,
        check_room=catch.check_room, movers=2, frozen=10_000,
    ),
    "described": Scene(
        DESCRIBED, s.READING, several=True, symbols=_sentences, length=captions.length,
        references=captions.references, check_room=several.check_room,
    ),
    "drawing": Scene(DRAWN, s.DRAWING, symbols=_strokes, largest=drawing.largest),
}  # fmt: skip


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
