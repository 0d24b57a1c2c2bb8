"""Words in print, after *Recursive Recurrent Nets with Attention Modeling for OCR* (Lee, Osindero 2016, 1603.03101).

A word is one of a lexicon, or now and then a string of random letters. Its letters are sprites of one style (a font, a
size, a slant, ...) that stand in a row, the space between them the same throughout, each a pixel up or down. Clutter
is that of the crowded scenes: fragments of other letters, in any style. Frozen scene i shows word i of the lexicon
(modulo their number), or a random string where one is drawn.

Images come in order of style, letter and variant. Those of a letter in a style have one size: a line's height, and the
width its place takes in a row plus a margin on either side, into which it may overhang.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.random import below
from glimpse_env.scenes.cluttered import fragments
from glimpse_env.scenes.placing import place
from glimpse_env.sources.fonts import margin

if TYPE_CHECKING:
    from glimpse_env.bank import Bank
    from glimpse_env.task import Task

Ints = npt.NDArray[np.int64]

# Draws of a scene's key. New ones go at the end: a scene never changes once it is published.
KIND, COUNT, WORD, TRACKING, TOP, LEFT = 2, 3, 4, 5, 6, 7  # 0 and 1 are the first gaze
LETTERS, VARIANTS, JITTERS, STYLES, FRAGMENTS = 64, 1024, 2048, 4096, 65536
PARTS = 1_000_000  # in which the share of random strings is counted
TRIES = 64  # to find a style in which the word fits; else the narrowest of these is set tighter
TIGHTEST, LOOSEST = -1, 2  # pixels between letters, beyond what their font says


@kernel()
def _write(key: int, index: int, book: Ints, config: Ints, texts: Ints, lane: int) -> int:
    """Draw the word; returns its length."""
    length = 0
    texts[lane, 0] = s.SILENT
    if below(key, KIND, PARTS) < config[s.STRINGS]:
        length = config[s.FEWEST] + below(key, COUNT, config[s.MOST] - config[s.FEWEST] + 1)
        for k in range(length):
            texts[lane, 0, k] = below(key, LETTERS + k, config[s.CLASSES])
    else:
        row = below(key, WORD, book.shape[0]) if index == s.NO_INDEX else index % book.shape[0]
        while length < book.shape[2] and book[row, 0, length] != s.SILENT:
            texts[lane, 0, length] = book[row, 0, length]
            length += 1
    if config[s.END] != s.SILENT:
        texts[lane, 0, length] = config[s.END]
    return length


@kernel()
def _image(key: int, style: int, letter: int, k: int, table: Ints, config: Ints) -> int:
    """Which image shows letter k of a word."""
    letters = table.shape[0] // config[s.STYLES]
    variants = letters // config[s.CLASSES]
    return style * letters + letter * variants + below(key, VARIANTS + k, variants)


@kernel()
def _room(key: int, style: int, length: int, table: Ints, config: Ints, texts: Ints, lane: int) -> int:
    """Width of the word in a style, up to the place of its last letter and with both margins."""
    width, height = 0, 0
    for k in range(length):
        image = _image(key, style, texts[lane, 0, k], k, table, config)
        height = table[image, s.IMAGE_HEIGHT]
        width += table[image, s.IMAGE_WIDTH] - 2 * margin(height)
    return width + 2 * margin(height)


@kernel()
def lay_out(key: int, index: int, table: Ints, book: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int) -> None:
    """Draw the scene of `key`; the text is the word, closed by the end symbol where words differ in length.

    Args:
        key: uint64; everything about the scene follows from it.
        index: The word to show, modulo their number, or `state.NO_INDEX` to draw it too.
        table: int64, (styles * letters * variants, 4), see `glimpse_env.state`.
        book: int64, (words, 1, longest).
        config: int64, the task.
        sprites: int64, (lanes, most letters + fragments, 10), written.
        texts: int64, (lanes, 1, length), written.
        lane: Whose sprites.
    """
    length = _write(key, index, book, config, texts, lane)
    canvas = config[s.CANVAS_WIDTH]
    style, room = 0, -1
    for attempt in range(TRIES):
        drawn = below(key, STYLES + attempt, config[s.STYLES])
        needed = _room(key, drawn, length, table, config, texts, lane)
        if room < 0 or needed < room:
            style, room = drawn, needed
        if room <= canvas:
            break
    # Space as drawn, but no more than there is; what is still too wide is set tighter, letter by letter.
    gaps = max(1, length - 1)
    spare = (canvas - room) // gaps
    space = min(spare, TIGHTEST + below(key, TRACKING, LOOSEST - TIGHTEST + 1))
    height = table[_image(key, style, 0, 0, table, config), s.IMAGE_HEIGHT]
    jitter = min(1, (config[s.CANVAS_HEIGHT] - height) // 2)
    top = jitter + below(key, TOP, config[s.CANVAS_HEIGHT] - height - 2 * jitter + 1)
    left = below(key, LEFT, canvas - room - space * (length - 1) + 1)
    for k in range(config[s.MOST]):
        if k >= length:
            sprites[lane, k, s.HEIGHT] = 0
            continue
        image = _image(key, style, texts[lane, 0, k], k, table, config)
        width = table[image, s.IMAGE_WIDTH]
        down = below(key, JITTERS + k, 2 * jitter + 1) - jitter
        place(sprites, lane, k, table, image, 0, 0, height, width, top + down, left)
        sprites[lane, k, s.CLASS] = texts[lane, 0, k]
        left += width - 2 * margin(height) + space
    fragments(key, FRAGMENTS, config[s.MOST], table, config, sprites, lane)


def readable(task: Task, bank: Bank) -> Ints:
    """The words of the lexicon that have as many letters as `count` allows.

    Raises:
        ValueError: If there are none, or no letters in order of style.
    """
    labels, styles = bank.table[:, s.IMAGE_LABEL], bank.styles
    variants, rest = divmod(len(labels), styles * int(labels.max() + 1))
    if styles == 1 or rest or (labels != np.tile(np.arange(labels.max() + 1).repeat(variants), styles)).any():
        raise ValueError(f"scene={task.scene!r} needs letters in several styles, in order; pass source='words'")
    lengths = (bank.book[:, 0] != s.SILENT).sum(axis=1)
    book: Ints = bank.book[(lengths >= task.count[0]) & (lengths <= task.count[1])]
    if not len(book) and task.strings < 1:
        raise ValueError(
            f"no word of the lexicon has {task.count[0]} to {task.count[1]} letters; pass another count, or strings=1"
        )
    return book


def check_room(task: Task, bank: Bank, canvas: tuple[int, int], image: tuple[int, int]) -> None:
    """Raise a `ValueError` unless a word of the most letters fits in the narrowest style."""
    (height, width), most = canvas, task.count[1]
    narrowest = int(bank.table[:, s.IMAGE_WIDTH].reshape(bank.styles, -1).mean(axis=1).min())
    if width < most * narrowest:
        raise ValueError(
            f"canvas {height}x{width} has no room for {most} letters, {narrowest} wide on average; "
            f"pass canvas=({image[0]}, {most * narrowest}) or larger, or a smaller count"
        )
