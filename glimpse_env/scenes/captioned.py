"""One image with texts of its own, to be spoken symbol by symbol: a number, a word, a sentence about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.scenes.cluttered import show

if TYPE_CHECKING:
    from glimpse_env.bank import Bank
    from glimpse_env.task import Task

Ints = npt.NDArray[np.int64]


@kernel()
def lay_out(key: int, index: int, table: Ints, book: Ints, config: Ints, sprites: Ints, texts: Ints, lane: int) -> None:
    """Draw the scene of `key`; its texts are the row of its image in the book, each closed by the end symbol.

    Args:
        key: uint64; everything about the scene follows from it.
        index: The image to show, modulo their number, or `state.NO_INDEX` to draw it too.
        table: int64, (images, 4), see `glimpse_env.state`.
        book: int64, (images, references, longest text).
        config: int64, the task.
        sprites: int64, (lanes, 1 + fragments, 10), written.
        texts: int64, (lanes, references, longest text + 1), written.
        lane: Whose sprites.
    """
    image = show(key, index, table, config, sprites, lane)
    for reference in range(texts.shape[1]):
        # Images may have fewer references than others. What is left repeats the first: silence would be right else.
        row = reference if book[image, reference, 0] != s.SILENT else 0
        length = 0
        for k in range(book.shape[2]):
            texts[lane, reference, k] = book[image, row, k]
            length += book[image, row, k] != s.SILENT
        texts[lane, reference, book.shape[2]] = s.SILENT
        texts[lane, reference, length] = config[s.END]


def length(task: Task, bank: Bank) -> int:
    """Most symbols of a text, the closing one included.

    Raises:
        ValueError: If the images bring no texts.
    """
    if len(bank.book) != len(bank.table):
        raise ValueError(
            f"scene={task.scene!r} needs a text for each of the {len(bank.table)} images, the source brings "
            f"{len(bank.book)}; give one with texts, such as glimpse_env.sources.svhn(path), or another scene"
        )
    return int(bank.book.shape[2]) + 1


def references(task: Task, bank: Bank) -> int:
    """How many texts an image has."""
    return int(bank.book.shape[1])
