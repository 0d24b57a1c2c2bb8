"""Photographs with sentences: read from small real files, with training's words, and errors that name the entry."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glimpse_env import GlimpseVectorEnv
from glimpse_env.sources import DataError
from glimpse_env.sources.captioned import UNKNOWN, captioned

Image = pytest.importorskip("PIL.Image")

SENTENCES = [
    ("1.png", "train", ["a red dog", "a dog"]),
    ("2.jpg", "train", ["a blue cat sits"]),
    ("3.png", "restval", ["a dog runs far away from a cat"]),
    ("4.png", "val", ["a dog eats"]),
    ("5.png", "test", ["the cat", "a cat", "one more cat"]),
]
COLOURS = {
    "1.png": (255, 0, 0),
    "2.jpg": (0, 0, 255),
    "3.png": (255, 255, 255),
    "4.png": (9, 9, 9),
    "5.png": (0, 90, 0),
}


@pytest.fixture
def content(tmp_path: Path) -> dict[str, Any]:
    """Images of many sizes, one of them grey and one in a folder of its own, and the file's content."""
    (tmp_path / "more").mkdir()
    images = []
    for k, (name, split, texts) in enumerate(SENTENCES):
        folder = "more" if name == "4.png" else ""
        image = Image.new("RGB", (30 + 7 * k, 20 + 3 * k), COLOURS[name])
        (image.convert("L") if name == "3.png" else image).save(tmp_path / folder / name, quality=95)
        sentences = [{"tokens": text.split(), "raw": text} for text in texts]
        images.append({"filename": name, "split": split, "sentences": sentences, "filepath": folder, "imgid": k})
    return {"images": images, "dataset": "tiny"}


def write(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "dataset.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_words_are_those_that_training_says_often_enough(tmp_path: Path, content: dict[str, Any]) -> None:
    path = write(tmp_path, content)
    assert captioned(path, tmp_path, size=(8, 8), least=2).classes == (UNKNOWN, "a", "dog", "cat")
    assert set(captioned(path, tmp_path, size=(8, 8), least=1).classes) == {
        *(UNKNOWN, "a", "red", "dog", "blue", "cat", "sits", "runs", "far", "away", "from"),
    }
    source = captioned(path, tmp_path, size=(8, 8), least=2, longest=4)
    texts = source.split("train").texts
    assert texts is not None
    assert texts.tolist() == [
        [[1, 0, 2, -1], [1, 2, -1, -1]],
        [[1, 0, 3, 0], [-1, -1, -1, -1]],
        [[1, 2, 0, 0], [-1, -1, -1, -1]],
    ]
    assert source.split("validation").texts.tolist() == [[[1, 2, 0, -1]]]  # type: ignore[union-attr]


def test_a_scene_is_the_photograph_and_its_sentences(tmp_path: Path, content: dict[str, Any]) -> None:
    source = captioned(write(tmp_path, content), tmp_path, size=(12, 16), least=2)
    for split, shown in (("train", ["1.png", "2.jpg", "3.png"]), ("validation", ["4.png"]), ("test", ["5.png"])):
        env = GlimpseVectorEnv(
            len(shown), source, scene="captioned", split=split, patch=4, stopping=False, reward="cider", budget=9
        )
        env.reset(options={"index": np.arange(len(shown))})
        assert env.canvases().shape == (len(shown), 12, 16, 3)
        for canvas, name in zip(env.canvases(), shown, strict=True):
            assert np.abs(canvas.reshape(-1, 3).mean(0) - COLOURS[name]).max() < 3
    assert env.symbols == (UNKNOWN, "a", "dog", "cat", "end")
    said = [" ".join(env.symbols[k] for k in row if k >= 0) for row in env.references()[0]]
    assert said == [f"{UNKNOWN} cat end", "a cat end", f"{UNKNOWN} {UNKNOWN} cat end"]


def test_a_pickle_holds_the_names_of_the_files_alone(tmp_path: Path, content: dict[str, Any]) -> None:
    source = captioned(write(tmp_path, content), tmp_path, size=(12, 16), least=2)
    source.split("train")
    packed = pickle.dumps(source)
    assert len(packed) < 500
    again = pickle.loads(packed)
    assert again.classes == source.classes
    np.testing.assert_array_equal(again.split("train").images, source.split("train").images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "dev"}, r"dataset.json, images\[1\] \(2.jpg\): 'split' must be one of train, restval, val, test"),
        ({"filename": "7.jpg"}, r"dataset.json, images\[1\]: there is no image .*7.jpg"),
        ({"filename": 7}, r"images\[1\]: 'filename' must be text, got 7"),
        ({"sentences": []}, r"images\[1\] \(2.jpg\): 'sentences' must be a list with at least one"),
        ({"sentences": [{"raw": "a"}]}, r"images\[1\] \(2.jpg\): sentences\[0\] must have 'tokens'"),
        ({"sentences": [{"tokens": ["a", 3]}]}, r"sentences\[0\] must have 'tokens', a list of words, got \['a', 3\]"),
    ],
)
def test_a_wrong_entry_is_named(change: dict[str, Any], message: str, tmp_path: Path, content: dict[str, Any]) -> None:
    wrong = copy.deepcopy(content)
    wrong["images"][1].update(change)
    with pytest.raises(DataError, match=message):
        captioned(write(tmp_path, wrong), tmp_path, size=(8, 8), least=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "dataset.json cannot be read as JSON"),
        ("[]", "must hold a list 'images'"),
        ('{"images": [3]}', r"images\[0\] must be an object, got 3"),
    ],
)
def test_a_wrong_file_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        captioned(write(tmp_path, text), tmp_path, size=(8, 8))


def test_a_broken_image_and_a_missing_split_are_named(tmp_path: Path, content: dict[str, Any]) -> None:
    (tmp_path / "5.png").write_bytes((tmp_path / "5.png").read_bytes()[:40])
    source = captioned(write(tmp_path, content), tmp_path, size=(8, 8), least=1)
    with pytest.raises(DataError, match=r"5.png .* replace or remove it"):
        source.split("test")
    content["images"] = content["images"][:3]
    with pytest.raises(DataError, match=r"dataset.json has no entry for the split 'test'"):
        captioned(write(tmp_path, content), tmp_path, size=(8, 8), least=1).split("test")


def test_numbers_out_of_range_are_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match="size="):
        captioned(path, tmp_path, size=(0, 3))
    with pytest.raises(ValueError, match="least=0"):
        captioned(path, tmp_path, size=(8, 8), least=0)
    with pytest.raises(DataError, match="no word occurs 99 times"):
        captioned(path, tmp_path, size=(8, 8), least=99)
