"""The ordering of R2AM's variants: lexicons, intervals by hand, and the whole command on tiny trainings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks import r2am_ordering as ordering
from benchmarks import suite
from benchmarks.files import read_json
from benchmarks.verify import verify
from glimpse_env.action_log import ActionLog
from glimpse_env.sources.lexicon import words_of


def test_a_lexicon_holds_the_right_text_first_and_no_text_twice() -> None:
    texts = np.random.default_rng(0).integers(0, 9, (80, 3))
    words = ordering.lexicons(texts)
    assert words.shape == (80, ordering.LEXICON, 3)
    assert np.array_equal(words[:, 0], texts)
    assert all(len(np.unique(each, axis=0)) == ordering.LEXICON for each in words)
    assert {tuple(word) for word in words.reshape(-1, 3).tolist()} <= {tuple(text) for text in texts.tolist()}
    assert np.array_equal(words, ordering.lexicons(texts))
    with pytest.raises(ValueError, match="needs as many different texts, not 9"):
        ordering.lexicons(np.arange(9)[:, None])


def test_intervals_hold_what_was_measured_and_tell_a_difference_from_none() -> None:
    random = np.random.default_rng(0)
    good, bad = random.random((3, 400)) < 0.6, random.random((3, 400)) < 0.4
    alone = ordering.gain(good)
    assert alone["mean"] == pytest.approx(good.mean())
    assert alone["interval"][0] < good.mean() < alone["interval"][1]
    better = ordering.gain(good, bad)
    assert better["mean"] == pytest.approx(good.mean() - bad.mean())
    assert better["interval"][0] > 0
    same = ordering.gain(good, random.random((3, 400)) < 0.6)
    assert same["interval"][0] < 0 < same["interval"][1]
    assert ordering.gain(np.ones((2, 9), np.bool_)) == {"mean": 1.0, "interval": [1.0, 1.0]}


def lexicons_of(words: tuple[str, ...]) -> set[tuple[int, ...]]:
    """Words as the texts of the task: three to five letters, the end symbol, and silence up to six."""
    closed = [[*(ord(letter) - ord("a") for letter in word), 26] for word in words if 3 <= len(word) <= 5]
    return {(*text, *[-1] * (6 - len(text))) for text in closed}


def test_the_command_trains_scores_and_draws_and_does_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(suite.SUITES["words"][0], scenes=80)
    monkeypatch.setitem(suite.SUITES, "words", (few,))
    monkeypatch.setattr(ordering, "VARIANTS", {name: ordering.VARIANTS[name] for name in ("r2am_cnn", "r2am")})
    monkeypatch.setattr(ordering, "CLAIMS", (("r2am_cnn", "r2am"),))
    arguments: dict[str, Any] = {"seeds": 1, "steps": 26 * 64 * 2, "results": tmp_path, "runs": tmp_path / "runs"}
    ordering.main(**arguments)
    folder = tmp_path / "words"
    files = sorted(folder.glob("*/*/seed0.json"))
    assert [file.parent.name for file in files] == ["r2am", "r2am_cnn"]
    result = read_json(files[0])
    assert all(check.holds for check in verify(result))
    assert len(result["lexicon"]["right"]) == 80
    assert result["lexicon"]["accuracy"] == result["lexicon"]["right"].count("1") / 80
    summary = read_json(tmp_path / "r2am_ordering.json")
    assert [row["free"]["mean"] for row in summary["rows"]] == [
        read_json(file)["evaluation"]["accuracy"] for file in reversed(files)
    ]
    log = ActionLog.from_json(result["log"])
    shown, books = ordering.words_of(log), lexicons_of(words_of("test"))
    assert [tuple(text) in books for text in ordering.texts_of(log).tolist()] == shown.tolist()
    assert 40 < summary["words"] == shown.sum() < 80  # a quarter are random strings
    assert "| r2am_cnn | plain convolutions" in (tmp_path / "r2am_ordering.md").read_text()
    assert np.asarray(Image.open(tmp_path / "r2am_attention.png")).std() > 0
    before = {file: file.read_bytes() for file in files}
    ordering.main(**arguments)
    assert before == {file: file.read_bytes() for file in files}
