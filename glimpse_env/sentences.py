"""How good a sentence is, given others that say the same: BLEU and CIDEr, inside the kernels and out.

Sentences are rows of word numbers that end at -1, at the end symbol, or with the row; the end symbol is no word.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.random import mix

Ints = npt.NDArray[np.int64]

ORDERS: Final = 4  # n-grams of 1 to 4 words
_DEVIATION: Final = 6.0  # of CIDEr-D's length penalty, in words

# frequencies: int64, (1 + slots, 3), a hash table of n-grams: key, documents it occurs in, the last of these. The first
# row holds the number of documents. Slots are a power of two.
_KEY, _DOCUMENTS, _LATEST = range(3)
NO_FREQUENCIES: Final = np.zeros((2, 3), np.int64)


@kernel()
def words(sentence: Ints, end: int) -> int:
    """How many words a sentence has."""
    count = 0
    while count < sentence.shape[0] and sentence[count] != s.SILENT and sentence[count] != end:
        count += 1
    return count


@kernel()
def _occurrences(sentence: Ints, length: int, gram: Ints, at: int, n: int) -> int:
    """How often the n words of `gram` from place `at` on occur in the first `length` words of a sentence."""
    found = 0
    for start in range(length - n + 1):
        agree = True
        for k in range(n):
            agree = agree and sentence[start + k] == gram[at + k]
        found += agree
    return found


@kernel()
def bleu(references: Ints, said: Ints, end: int) -> float:
    """Sentence BLEU-4 of Papineni et al. (2002), with one added to the counts of n > 1 (Lin and Och 2004).

    The reference nearest in length, of two the shorter, sets the brevity penalty. It is 1 for a reference itself.

    Args:
        references: int64, (references, length); one without a word does not count.
        said: int64, (length,).
        end: The end symbol, or -1.

    Returns:
        In [0, 1].
    """
    length, nearest = words(said, end), 0
    if length == 0:
        return 0.0
    for r in range(references.shape[0]):
        other = words(references[r], end)
        apart, least = abs(other - length), abs(nearest - length)
        if other > 0 and (nearest == 0 or apart < least or (apart == least and other < nearest)):
            nearest = other
    total = 0.0
    for n in range(1, ORDERS + 1):
        right = 0
        for at in range(length - n + 1):
            rank = _occurrences(said, at + n, said, at, n)
            for r in range(references.shape[0]):
                if _occurrences(references[r], words(references[r], end), said, at, n) >= rank:
                    right += 1
                    break
        if right == 0 and n == 1:
            return 0.0
        added = n > 1
        total += np.log((right + added) / (max(length - n + 1, 0) + added))
    return np.exp(total / ORDERS + min(0.0, 1.0 - nearest / length))


@kernel()
def _key(gram: Ints, at: int, n: int) -> int:
    key = mix(n, gram[at])
    for k in range(1, n):
        key = mix(key, gram[at + k])
    return np.int64(key)  # type: ignore[return-value]


@kernel()
def _slot(frequencies: Ints, key: int) -> int:
    """Where an n-gram stands in the table, or would stand."""
    last = frequencies.shape[0] - 2
    slot = key & last
    while frequencies[1 + slot, _KEY] not in (0, key):
        slot = (slot + 1) & last
    return 1 + slot


@kernel()
def _weight(frequencies: Ints, gram: Ints, at: int, n: int) -> float:
    """How much an n-gram tells: the logarithm of documents over documents that hold it."""
    holding = frequencies[_slot(frequencies, _key(gram, at, n)), _DOCUMENTS]
    return np.log(max(1.0, frequencies[0, 0])) - np.log(max(1.0, holding))


@kernel()
def _norm(frequencies: Ints, sentence: Ints, length: int, n: int) -> float:
    total = 0.0
    for at in range(length - n + 1):
        if _occurrences(sentence, at + n, sentence, at, n) == 1:  # the first of its kind
            total += (_occurrences(sentence, length, sentence, at, n) * _weight(frequencies, sentence, at, n)) ** 2
    return np.sqrt(total)


@kernel()
def cider(references: Ints, said: Ints, end: int, frequencies: Ints) -> float:
    """CIDEr-D of Vedantam et al. (2015), without its factor of 10.

    The mean over references and n = 1 to 4 of the cosine between the sentences' n-gram counts, weighted by how few
    documents hold them and clipped at the reference's, times a Gaussian of the difference in length.

    Args:
        references: int64, (references, length); one without a word does not count.
        said: int64, (length,).
        end: The end symbol, or -1.
        frequencies: As `document_frequencies` makes them.

    Returns:
        In [0, 1].
    """
    length, total, there = words(said, end), 0.0, 0
    for r in range(references.shape[0]):
        other = words(references[r], end)
        if other == 0:
            continue
        there += 1
        for n in range(1, ORDERS + 1):
            dot = 0.0
            for at in range(length - n + 1):
                if _occurrences(said, at + n, said, at, n) == 1:
                    mine = _occurrences(said, length, said, at, n)
                    theirs = _occurrences(references[r], other, said, at, n)
                    dot += min(mine, theirs) * theirs * _weight(frequencies, said, at, n) ** 2
            if dot > 0.0:
                dot /= _norm(frequencies, said, length, n) * _norm(frequencies, references[r], other, n)
            total += dot * np.exp(-0.5 * ((length - other) / _DEVIATION) ** 2)
    return total / (ORDERS * max(there, 1))


@kernel()
def _count(documents: Ints, end: int, frequencies: Ints) -> int:
    """Enter the n-grams of the documents into the table; returns how many different ones there are."""
    different = 0
    for document in range(documents.shape[0]):
        for r in range(documents.shape[1]):
            length = words(documents[document, r], end)
            for n in range(1, ORDERS + 1):
                for at in range(length - n + 1):
                    key = _key(documents[document, r], at, n)
                    slot = _slot(frequencies, key)
                    if frequencies[slot, _KEY] == 0:
                        frequencies[slot, _KEY], frequencies[slot, _LATEST] = key, -1
                        different += 1
                        if 2 * different > frequencies.shape[0]:
                            return different
                    if frequencies[slot, _LATEST] != document:
                        frequencies[slot, _LATEST] = document
                        frequencies[slot, _DOCUMENTS] += 1
    frequencies[0, 0] = documents.shape[0]
    return different


def document_frequencies(documents: Ints, end: int) -> Ints:
    """In how many documents each n-gram occurs, for `cider`.

    Args:
        documents: int64, (documents, references, length): the references of one scene are one document.
        end: The end symbol, or -1.

    Returns:
        int64, (1 + slots, 3), a hash table.
    """
    slots = 1024
    while True:
        table = np.zeros((1 + slots, 3), np.int64)
        if 2 * _count(documents, end, table) <= len(table):
            return table
        slots *= 4


@kernel()
def _score(references: Ints, said: Ints, end: int, frequencies: Ints, out: npt.NDArray[np.float64]) -> None:
    for i in range(said.shape[0]):
        out[i, 0] = bleu(references[i], said[i], end)
        out[i, 1] = cider(references[i], said[i], end, frequencies)


def score(references: Ints, said: Ints, end: int, frequencies: Ints) -> npt.NDArray[np.float64]:
    """Sentence BLEU-4 and CIDEr-D of many sentences.

    Args:
        references: int64, (sentences, references, length).
        said: int64, (sentences, length).
        end: The end symbol, or -1.
        frequencies: As `document_frequencies` makes them.

    Returns:
        float64, (sentences, 2), in [0, 1].
    """
    out = np.empty((len(said), 2))
    _score(references, said, end, frequencies, out)
    return out
