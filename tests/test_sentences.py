"""BLEU equals sacrebleu's, and CIDEr a plain computation after the paper, on random sentences and by hand."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from math import exp, log, sqrt

import numpy as np
import pytest

from glimpse_env.sentences import NO_FREQUENCIES, bleu, cider, document_frequencies, score, words

END = 9
LENGTH = 12


def sentences(count: int, references: int, seed: int = 0, most: int = LENGTH) -> np.ndarray:
    """Random sentences of few words, so that n-grams recur; closed by the end symbol where there is room."""
    random = np.random.default_rng(seed)
    rows = np.full((count, references, LENGTH), -1)
    for row in rows.reshape(-1, LENGTH):
        length = random.integers(1, most + 1)
        row[:length] = random.integers(0, 4, length)
        if length < LENGTH:
            row[length] = END
    return rows


def plain(row: np.ndarray) -> list[int]:
    return [int(word) for word in row if word not in (-1, END)]


def test_bleu_is_that_of_sacrebleu() -> None:
    metrics = pytest.importorskip("sacrebleu.metrics")
    judge = metrics.BLEU(smooth_method="add-k", smooth_value=1, tokenize="none", force=True, effective_order=True)
    references, said = sentences(400, 3), sentences(400, 1, seed=1)[:, 0]
    for right, mine in zip(references, said, strict=True):
        texts = [" ".join(map(str, plain(row))) for row in right]
        theirs = judge.sentence_score(" ".join(map(str, plain(mine))), texts).score / 100
        assert bleu(right, mine, END) == pytest.approx(theirs, abs=1e-12)


def grams(sentence: list[int]) -> list[Counter[tuple[int, ...]]]:
    return [Counter(tuple(sentence[i : i + n]) for i in range(len(sentence) - n + 1)) for n in range(1, 5)]


def plain_cider(references: np.ndarray, said: np.ndarray, documents: np.ndarray) -> float:
    """CIDEr-D from its definition, with dictionaries."""
    holding: Counter[tuple[int, ...]] = Counter()
    for document in documents:
        holding.update(set(chain.from_iterable(chain.from_iterable(grams(plain(row)) for row in document))))

    def weighted(counts: Counter[tuple[int, ...]]) -> dict[tuple[int, ...], float]:
        return {gram: count * (log(len(documents)) - log(max(1, holding[gram]))) for gram, count in counts.items()}

    total = 0.0
    for right in references:
        gap = len(plain(said)) - len(plain(right))
        for mine, theirs in zip(map(weighted, grams(plain(said))), map(weighted, grams(plain(right))), strict=True):
            dot = sum(min(value, theirs.get(gram, 0.0)) * theirs.get(gram, 0.0) for gram, value in mine.items())
            norms = [sqrt(sum(value**2 for value in part.values())) for part in (mine, theirs)]
            total += (dot / (norms[0] * norms[1]) if min(norms) > 0 else dot) * exp(-(gap**2) / 72)
    return total / (4 * len(references))


def test_cider_is_that_of_its_paper() -> None:
    documents, references, said = sentences(60, 2, seed=2), sentences(200, 3), sentences(200, 1, seed=1)[:, 0]
    said[:20] = references[:20, 1]
    frequencies = document_frequencies(documents, END)
    expected = [plain_cider(right, mine, documents) for right, mine in zip(references, said, strict=True)]
    found = [cider(right, mine, END, frequencies) for right, mine in zip(references, said, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert max(expected) > 0.3
    table = score(references, said, END, frequencies)
    assert table[:, 1].tolist() == found
    assert table[:, 0].tolist() == [bleu(right, mine, END) for right, mine in zip(references, said, strict=True)]


def test_the_table_of_frequencies_grows_with_the_documents() -> None:
    random = np.random.default_rng(0)
    documents = random.integers(10, 1010, (500, 1, LENGTH))
    frequencies = document_frequencies(documents, -1)
    kinds = len({gram for document in documents for part in grams(plain(document[0])) for gram in part})
    assert (frequencies[1:, 0] != 0).sum() == pytest.approx(kinds, abs=2)  # two keys of 64 bits may always agree
    assert frequencies[0, 0] == 500


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([1, 2, 3, END], 1.0),
        ([1, 2, 3, -1], 1.0),
        ([1, 2, 3, 4], 1.0),
        ([END, 1, 2, 3], 0.0),
        ([-1, -1, -1, -1], 0.0),
        ([7, 8, END, -1], 0.0),
        ([1, END, -1, -1], exp(1 - 3)),  # as short as it is precise
        ([1, 2, END, -1], exp(1 - 3 / 2)),
        ([1, 1, 1, 1], (1 / 4 * 1 / 4 * 1 / 3 * 1 / 2) ** (1 / 4)),  # a word counts as often as it was said
    ],
)
def test_bleu_by_hand(said: list[int], expected: float) -> None:
    """Against "1 2 3" and "1 2 3 4"; of n > 1 one more is right than are."""
    references = np.array([[1, 2, 3, END], [1, 2, 3, 4]])
    assert bleu(references, np.array(said), END) == pytest.approx(expected)


def test_a_sentence_ends_at_its_end() -> None:
    assert [words(np.array(row), END) for row in ([1, 2, END, 3], [1, -1, 2, 3], [1, 2, 3, 4], [END])] == [2, 1, 4, 0]
    assert cider(np.array([[1, 2]]), np.array([END, -1]), END, NO_FREQUENCIES) == 0
