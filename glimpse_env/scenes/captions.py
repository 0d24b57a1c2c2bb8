"""Scenes to be described in a sentence, for *Show, Attend and Tell* (Xu et al. 2015, arXiv 1502.03044).

Objects lie anywhere, apart, and a small grammar says what they are and how they lie. From left to right they are

    one    P                     phrase P      a [attribute ...] noun
    two    P R P                 relation R    left of | right of | above | below: whichever way they lie further apart
    three  P R P and P
    four   P R P and P R P

The words of a phrase come with each image (`ImageSet.texts`, attributes first, the noun last); without them it is the
name of its class. There are as many references as ways to say it: each pair forwards ("P left of Q") or backwards ("Q
right of P"); each attribute alone or, where there are at most two objects, all together. The first is forwards, with
the first attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.scenes.cluttered import fragments
from glimpse_env.scenes.several import FRAGMENTS, draw_images, image_of, scatter

if TYPE_CHECKING:
    from glimpse_env.bank import Bank
    from glimpse_env.task import Task

Ints = npt.NDArray[np.int64]

#: The words of the grammar, which come before those of the objects.
GRAMMAR: Final = ("a", "and", "left", "right", "of", "above", "below")
A, AND, LEFT, RIGHT, OF, ABOVE, BELOW = range(len(GRAMMAR))
WORDS: Final = len(GRAMMAR)
BRIEF: Final = 2  # so many objects at most are named with all their attributes


def references(task: Task, bank: Bank) -> int:
    """How many ways there are to say it, see above."""
    phrase = bank.book.shape[2]
    return 2 * (phrase if phrase > 2 else 1)


def length(task: Task, bank: Bank) -> int:
    """Words of the longest sentence, and its end.

    Raises:
        ValueError: If the images bring phrases of several lengths.
    """
    if len(bank.book) not in (0, len(bank.table)) or (bank.book == s.SILENT).any():
        raise ValueError(
            f"scene={task.scene!r} needs as many words for each of the {len(bank.table)} images, or none; the "
            f"source brings texts of shape {bank.book.shape}, -1 where one ends; give one without texts"
        )
    most, phrase = task.count[1], bank.book.shape[2]
    relations = 2 * (most // 2) + (most > 2)
    brief = min(most, BRIEF)
    return max(most * (1 + min(phrase, 2)) + relations, brief * (1 + phrase) + 2 * (brief // 2)) + 1


@kernel()
def _relation(sprites: Ints, lane: int, one: int, other: int) -> int:
    """How sprite `one` lies to the other, along the axis on which their middles are further apart."""
    down = 2 * (sprites[lane, other, s.TOP] - sprites[lane, one, s.TOP])
    down += sprites[lane, other, s.HEIGHT] - sprites[lane, one, s.HEIGHT]
    across = 2 * (sprites[lane, other, s.LEFT] - sprites[lane, one, s.LEFT])
    across += sprites[lane, other, s.WIDTH] - sprites[lane, one, s.WIDTH]
    if abs(across) >= abs(down):
        return LEFT if across >= 0 else RIGHT
    return ABOVE if down >= 0 else BELOW


@kernel()
def _phrase(book: Ints, sprites: Ints, texts: Ints, lane: int, reference: int, at: int, k: int, attribute: int) -> int:
    """Write "a [attribute ...] noun" for object k from place `at` on; returns the place after it."""
    texts[lane, reference, at] = A
    at += 1
    last = book.shape[2] - 1
    for word in range(last + 1):
        if attribute in (word, last) or word == last:
            named = book[sprites[lane, k, s.CLASS], 0, word] if book.shape[0] else sprites[lane, k, s.CLASS]
            texts[lane, reference, at] = WORDS + named
            at += 1
    return at


@kernel()
def _sentence(
    book: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int, reference: int, count: int, attribute: int
) -> None:
    """Write one reference; `attribute` is the one to name, or the place of the noun for all of them."""
    at = 0
    for k in range(0, count, 2):
        if k > 0:
            texts[lane, reference, at] = AND
            at += 1
        if k + 1 == count:
            at = _phrase(book, sprites, texts, lane, reference, at, k, attribute)
            break
        backwards = reference % 2
        at = _phrase(book, sprites, texts, lane, reference, at, k + backwards, attribute)
        relation = _relation(sprites, lane, k + backwards, k + 1 - backwards)
        texts[lane, reference, at] = relation
        at += 1
        if relation in (LEFT, RIGHT):
            texts[lane, reference, at] = OF
            at += 1
        at = _phrase(book, sprites, texts, lane, reference, at, k + 1 - backwards, attribute)
    texts[lane, reference, at] = config[s.END]


@kernel()
def lay_out(key: int, index: int, table: Ints, book: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int) -> None:
    """Draw the scene of `key`, and write every reference, closed by the end symbol.

    Args:
        key: uint64; everything about the scene follows from it.
        index: One image, modulo their number, or `state.NO_INDEX` to draw it too.
        table: int64, (images, 4), see `glimpse_env.state`.
        book: int64, (images, 1, words of a phrase), or no rows.
        config: int64, the task.
        sprites: int64, (lanes, most images + fragments, columns), written.
        texts: int64, (lanes, references, length), written; what a scene of many objects lacks repeats the first ones.
        lane: Whose sprites.
    """
    count = draw_images(key, index, table, config, sprites, lane)
    for k in range(count if book.shape[0] else 0):
        sprites[lane, k, s.CLASS] = image_of(key, index, table, k)
    scatter(key, config, sprites, lane, count)
    fragments(key, FRAGMENTS, config[s.MOST], table, config, sprites, lane)
    texts[lane] = s.SILENT
    for reference in range(texts.shape[1]):
        attribute = reference // 2
        if attribute == book.shape[2] - 1 and count > BRIEF:
            attribute = 0
        _sentence(book, config, sprites, texts, lane, reference, count, attribute)
