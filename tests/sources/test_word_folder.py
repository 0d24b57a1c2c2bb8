"""Photographed words: both common lists, their splits, and errors that name file and line."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glimpse_env import GlimpseEnv
from glimpse_env.sources import DataError, ImageSet, load, word_folder
from glimpse_env.sources.word_folder import read_list


def write(file: Path, lines: str | bytes, count: int = 10) -> Path:
    """A list, and images beside it called 1.png, 2.png, ..., each as grey as its number."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    for i in range(1, count + 1):
        Image.fromarray(np.full((6, 8 + i), i, np.uint8)).save(file.parent / f"{i}.png")
    return file


def words(part: ImageSet, symbols: tuple[str, ...]) -> list[tuple[int, str]]:
    """The number and the word of each image."""
    assert part.texts is not None
    texts = ["".join(symbols[k] for k in row[0] if k != -1) for row in part.texts]
    return list(zip(part.images[:, 0, 0].tolist(), texts, strict=True))


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('1.png, "Tiredness"', "Tiredness"),
        ("1.png WORD", "WORD"),
        ("1.png\tWORD", "WORD"),
        ("1.png,WORD", "WORD"),
        ("  1.png  ,  two words ", "two words"),
        ('1.png, "a \\"quoted\\" \\\\ one"', 'a "quoted" \\ one'),
        ('1.png, ","', ","),
        ("1.png, naïve", "naïve"),
        ("1.png, 2.png", "2.png"),
        ('1.png, "', '"'),
    ],
)
def test_a_line_is_an_image_and_its_word(line: str, word: str, tmp_path: Path) -> None:
    file = write(tmp_path / "gt.txt", line)
    assert [(found.file.name, found.text) for found in read_list(file, fold=False)] == [("1.png", word)]
    assert read_list(file, fold=True)[0].text == word.lower()


def test_names_may_have_spaces_and_capitals(tmp_path: Path) -> None:
    write(tmp_path / "gt.txt", 'my word.PNG, "x"\n')
    Image.new("L", (4, 4)).save(tmp_path / "my word.PNG")
    assert read_list(tmp_path / "gt.txt", True)[0].file.name == "my word.PNG"


def test_byte_order_marks_windows_lines_and_empty_lines(tmp_path: Path) -> None:
    file = write(tmp_path / "gt.txt", b'\xef\xbb\xbf1.png, "a"\r\n\r\n2.png, "b"\r\n')
    assert [(word.file.name, word.text) for word in read_list(file, True)] == [("1.png", "a"), ("2.png", "b")]


def test_one_list_is_cut_by_position(tmp_path: Path) -> None:
    write(tmp_path / "gt.txt", "\n".join(f'{i}.png, "w{"x" * i}"' for i in range(1, 11)))
    source = word_folder(tmp_path)
    assert (source.name, source.classes) == (f"words:{tmp_path}", ("w", "x"))
    assert words(source.split("test"), source.classes) == [(10, "w" + "x" * 10)]
    assert words(source.split("validation"), source.classes) == [(9, "w" + "x" * 9)]
    assert [number for number, _ in words(source.split("train"), source.classes)] == [*range(1, 9)]
    shapes = {source.split(split).texts.shape[1:] for split in ("train", "validation", "test")}  # type: ignore[union-attr]
    assert shapes == {(1, 11)}  # one length in all splits, so that spaces agree


@pytest.mark.parametrize("layout", ["icdar", "iiit5k"])
def test_splits_have_lists_of_their_own(layout: str, tmp_path: Path) -> None:
    train = [f"{i}.png, {'ABC'[i % 3]}" for i in range(1, 11)]
    if layout == "icdar":
        write(tmp_path / "train" / "gt.txt", "\n".join(train))
        write(tmp_path / "test" / "gt.txt", "3.png, Ad")
    else:
        write(tmp_path / "train.txt", "\n".join(f"train/{line}" for line in train), count=0)
        write(tmp_path / "test.txt", "test/3.png Ad", count=0)
        for split in ("train", "test"):
            write(tmp_path / split / "unused", "")
    source = word_folder(tmp_path)
    assert source.classes == ("a", "b", "c", "d")
    assert words(source.split("test"), source.classes) == [(3, "ad")]
    assert words(source.split("validation"), source.classes) == [(9, "a")]
    assert [number for number, _ in words(source.split("train"), source.classes)] == [*range(1, 9), 10]
    assert word_folder(tmp_path, fold=False).classes == ("A", "B", "C", "d")


def test_images_are_grey_and_of_one_size(tmp_path: Path) -> None:
    write(tmp_path / "gt.txt", "\n".join(f"{i}.png x" for i in range(1, 11)))
    Image.fromarray(np.full((30, 20, 3), (0, 255, 0), np.uint8)).save(tmp_path / "10.png")
    assert word_folder(tmp_path).split("train").images.shape == (8, 32, 100)
    np.testing.assert_array_equal(word_folder(tmp_path, size=(3, 4)).split("test").images, np.full((1, 3, 4), 150))


def test_an_environment_reads_words(tmp_path: Path) -> None:
    write(tmp_path / "gt.txt", "\n".join(f'{i}.png, "{"Cab" if i == 10 else "dad"}"' for i in range(1, 11)))
    env = GlimpseEnv(tmp_path, split="test", scene="captioned", patch=8, zooms=(1,), budget=4, reward="share")
    assert env.symbols == ("a", "b", "c", "d", "end")
    env.reset(seed=0)
    assert (env.canvas() == 10).all()
    rewards = [env.step(np.array([0, 0, 1, symbol]))[1] for symbol in (2, 0, 1, 4)]
    assert rewards == [0.125, 0.125, 0.125, 0.625]


def test_a_pickle_carries_the_path(tmp_path: Path) -> None:
    write(tmp_path / "gt.txt", "\n".join(f"{i}.png Aa" for i in range(1, 11)))
    source = word_folder(tmp_path, fold=False, size=(5, 5))
    again = pickle.loads(pickle.dumps(source))
    assert again.classes == ("A", "a")
    np.testing.assert_array_equal(again.split("test").images, source.split("test").images)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"2.png", "'2.png' must be an image and its word"),
        (b"2.png,", "must be an image and its word"),
        (b'2.png, ""', "must be an image and its word"),
        (b"word", "'word' must be an image and its word"),
        (b"77.png, x", "there is no image '77.png' in"),
        (b"../1.png, x", "there is no image '../1.png' in"),
        (b"2.png, caf\xe9", "is not UTF-8"),
    ],
)
def test_a_wrong_line_is_named(line: bytes, message: str, tmp_path: Path) -> None:
    file = write(tmp_path / "words" / "gt.txt", b"1.png, fine\n" + line + b"\n2.png, fine\n")
    Image.new("L", (4, 4)).save(tmp_path / "1.png")
    with pytest.raises(DataError, match=rf"{file}, line 2.*{message}"):
        load(tmp_path / "words")


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    write(tmp_path / "gt.txt", "1.png x")
    (tmp_path / "1.png").write_bytes(b"GIF")
    with pytest.raises(DataError, match=r"1\.png cannot be read as an image"):
        word_folder(tmp_path).split("train")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds neither train\.txt nor train/gt\.txt nor gt\.txt"):
        word_folder(tmp_path)
    write(tmp_path / "gt.txt", "\n\n")
    with pytest.raises(DataError, match=r"gt\.txt lists no word"):
        word_folder(tmp_path)
    write(tmp_path / "gt.txt", "1.png x")
    with pytest.raises(DataError, match="no test images in"):
        word_folder(tmp_path).split("test")
