from __future__ import annotations

import builtins
import gc
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from glimpse_env.sources import SPLITS, DataError, ImageSet, Source, folder

GREY = np.random.default_rng(0).integers(0, 256, (6, 4), np.uint8)
GREY[0, 0] = 255
COLOUR = np.random.default_rng(1).integers(0, 256, (6, 4, 3), np.uint8)


def save(path: Path, pixels: np.ndarray = GREY, mode: str | None = None, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path, **options)
    return path


def fill(path: Path, counts: dict[str, int], value: int = 0) -> None:
    """Class folders whose images are numbered by their first pixel."""
    for name, count in counts.items():
        for i in range(count):
            save(path / name / f"{i:03}.png", np.full((2, 2), value + i, np.uint8))


def content(part: ImageSet) -> list[tuple[int, int]]:
    """The label and the number of each image."""
    return [(int(label), int(image[0, 0])) for label, image in zip(part.labels, part.images, strict=True)]


def only(source: Source) -> np.ndarray:
    return source.split("train").images[0]


class TestSplits:
    def test_each_class_is_cut_by_position(self, tmp_path: Path) -> None:
        fill(tmp_path, {"dog": 10, "cat": 21})
        source = folder(tmp_path)
        assert (source.name, source.classes) == (f"folder:{tmp_path}", ("cat", "dog"))
        assert content(source.split("test")) == [(0, 9), (0, 19), (1, 9)]
        assert content(source.split("validation")) == [(0, 8), (0, 18), (1, 8)]
        assert content(source.split("train")) == [(0, i) for i in (*range(8), *range(10, 18), 20)] + [
            (1, i) for i in range(8)
        ]

    def test_split_folders_are_the_splits(self, tmp_path: Path) -> None:
        for value, split in enumerate(SPLITS):
            fill(tmp_path / split, {"cat": 2, "dog": 1}, 100 * value)
        source = folder(str(tmp_path))
        for value, split in enumerate(SPLITS):
            assert content(source.split(split)) == [(0, 100 * value), (0, 100 * value + 1), (1, 100 * value)]

    def test_a_missing_validation_split_is_cut_from_training(self, tmp_path: Path) -> None:
        fill(tmp_path / "train", {"cat": 10})
        fill(tmp_path / "test", {"cat": 1, "dog": 1}, 100)
        source = folder(tmp_path)
        assert source.classes == ("cat", "dog")  # one class may be absent from one split
        assert content(source.split("train")) == [(0, i) for i in (*range(8), 9)]
        assert content(source.split("validation")) == [(0, 8)]
        assert content(source.split("test")) == [(0, 100), (1, 100)]

    def test_a_missing_test_split_is_said_when_it_is_asked_for(self, tmp_path: Path) -> None:
        fill(tmp_path / "train", {"cat": 10})
        with pytest.raises(DataError, match=r"no test images in .*put them into test/<class>/"):
            folder(tmp_path).split("test")

    def test_too_few_images_for_a_split(self, tmp_path: Path) -> None:
        fill(tmp_path, {"cat": 5})
        with pytest.raises(DataError, match=r"no validation images in .*ten images or more"):
            folder(tmp_path).split("validation")

    def test_a_split_by_another_name_is_not_silently_left_out(self, tmp_path: Path) -> None:
        fill(tmp_path / "train", {"cat": 10})
        fill(tmp_path / "val", {"cat": 10})
        with pytest.raises(DataError, match=r"\['val'\] besides; splits are called train, validation, test"):
            folder(tmp_path)

    def test_train_may_be_a_class(self, tmp_path: Path) -> None:
        fill(tmp_path, {"plane": 1, "train": 1})
        assert folder(tmp_path).classes == ("plane", "train")


class TestFormats:
    @pytest.mark.parametrize("ending", ["png", "bmp", "webp", "pgm", "gif", "PNG"])
    def test_grey_files(self, ending: str, tmp_path: Path) -> None:
        save(tmp_path / "a" / f"1.{ending}", **({"lossless": True} if ending == "webp" else {}))
        read = only(folder(tmp_path))
        if ending == "webp":  # the format has no grey
            np.testing.assert_array_equal(read, np.stack([GREY] * 3, -1), strict=True)
        else:
            np.testing.assert_array_equal(read, GREY, strict=True)

    @pytest.mark.parametrize("ending", ["png", "bmp", "ppm"])
    def test_colour_files(self, ending: str, tmp_path: Path) -> None:
        save(tmp_path / "a" / f"1.{ending}", COLOUR)
        np.testing.assert_array_equal(only(folder(tmp_path)), COLOUR, strict=True)

    @pytest.mark.parametrize("ending", ["jpg", "jpeg"])
    def test_jpeg_up_to_its_losses(self, ending: str, tmp_path: Path) -> None:
        smooth = np.linspace(0, 255, 64).astype(np.uint8).reshape(8, 8)
        save(tmp_path / "a" / f"1.{ending}", smooth, quality=95)
        read = only(folder(tmp_path))
        assert read.shape == (8, 8)
        assert np.abs(read.astype(int) - smooth).max() < 8

    def test_one_colour_image_makes_all_rgb(self, tmp_path: Path) -> None:
        save(tmp_path / "a" / "1.png")
        save(tmp_path / "b" / "1.png", COLOUR)
        save(tmp_path / "c" / "1.png")
        grey = np.stack([GREY] * 3, -1)
        np.testing.assert_array_equal(folder(tmp_path).split("train").images, [grey, COLOUR, grey])

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    def test_transparency_is_dropped(self, mode: str, tmp_path: Path) -> None:
        pixels = COLOUR if mode == "RGBA" else GREY[..., None]
        image = Image.fromarray(np.concatenate([pixels, GREY[..., None]], -1))
        assert image.mode == mode
        (tmp_path / "a").mkdir()
        image.save(tmp_path / "a" / "1.png")
        np.testing.assert_array_equal(only(folder(tmp_path)), pixels.squeeze(), strict=True)

    @pytest.mark.parametrize(("pixels", "shape"), [(GREY, (6, 4)), (COLOUR, (6, 4, 3))])
    def test_palettes_are_looked_through(self, pixels: np.ndarray, shape: tuple[int, ...], tmp_path: Path) -> None:
        save(tmp_path / "a" / "1.png", pixels, "P")
        read = only(folder(tmp_path))
        assert read.shape == shape
        if pixels is GREY:
            np.testing.assert_array_equal(read, GREY)

    def test_one_bit_is_black_and_white(self, tmp_path: Path) -> None:
        save(tmp_path / "a" / "1.png", GREY > 127)
        np.testing.assert_array_equal(only(folder(tmp_path)), np.where(GREY > 127, 255, 0))

    @pytest.mark.parametrize("ending", ["png", "pgm"])
    def test_sixteen_bits_are_scaled_not_clipped(self, ending: str, tmp_path: Path) -> None:
        save(tmp_path / "a" / f"1.{ending}", GREY.astype(np.uint16) * 257)
        np.testing.assert_array_equal(only(folder(tmp_path)), GREY, strict=True)

    def test_photos_stand_upright(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # the camera was turned: show it a quarter turn clockwise
        save(tmp_path / "a" / "1.png", exif=exif)
        save(tmp_path / "a" / "2.png", np.rot90(GREY, -1))
        images = folder(tmp_path).split("train").images
        np.testing.assert_array_equal(images, [np.rot90(GREY, -1)] * 2)

    def test_other_files_and_hidden_ones_are_left_out(self, tmp_path: Path) -> None:
        fill(tmp_path, {"cat": 1, ".thumbnails": 1, "__MACOSX": 1})
        (tmp_path / "cat" / "notes.txt").write_text("no image")
        (tmp_path / "cat" / "._000.png").write_text("no image")
        (tmp_path / "readme.md").write_text("no image")
        source = folder(tmp_path)
        assert source.classes == ("cat",)
        assert len(source.split("train")) == 1


class TestSizes:
    def test_mixed_sizes_name_two_files_and_the_remedy(self, tmp_path: Path) -> None:
        first, second = save(tmp_path / "a" / "1.png"), save(tmp_path / "b" / "1.png", GREY.T)
        with pytest.raises(DataError) as caught:
            folder(tmp_path)
        assert f"{first} has (6, 4), {second} has (4, 6)" in str(caught.value)
        assert "glimpse_env.sources.folder(path, size=(6, 4))" in str(caught.value)

    def test_size_resizes(self, tmp_path: Path) -> None:
        save(tmp_path / "a" / "1.png", np.full((6, 4), 200, np.uint8))
        save(tmp_path / "a" / "2.png", np.full((9, 9), 100, np.uint8))
        images = folder(tmp_path, size=(3, 5)).split("train").images
        np.testing.assert_array_equal(images, [np.full((3, 5), 200), np.full((3, 5), 100)])

    def test_shrinking_averages(self, tmp_path: Path) -> None:
        save(tmp_path / "a" / "1.png", (np.indices((32, 32)).sum(0) % 2 * 255).astype(np.uint8))
        assert np.abs(only(folder(tmp_path, size=(4, 4))).astype(int) - 127).max() <= 2

    @pytest.mark.parametrize("size", [(0, 3), (3,), (3, -1)])
    def test_a_bad_size_is_refused(self, size: tuple[int, ...], tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"must be \(height, width\)"):
            folder(tmp_path, size=size)


class TestBadFolders:
    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=f"no folder {tmp_path / 'nowhere'}"):
            folder(tmp_path / "nowhere")

    def test_empty(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=f"{tmp_path} holds no class folders"):
            folder(tmp_path)

    def test_images_without_class_folders(self, tmp_path: Path) -> None:
        save(tmp_path / "1.png")
        with pytest.raises(DataError, match="put the images of each class into a folder"):
            folder(tmp_path)

    def test_an_empty_class(self, tmp_path: Path) -> None:
        fill(tmp_path, {"cat": 1})
        (tmp_path / "dog").mkdir()
        with pytest.raises(DataError, match=f"no image in class folder 'dog' of {tmp_path}"):
            folder(tmp_path)

    @pytest.mark.parametrize("garbage", [b"", b"<html>", b"\x89PNG\r\n\x1a\n garbage"])
    def test_no_image_at_all(self, garbage: bytes, tmp_path: Path) -> None:
        fill(tmp_path, {"cat": 1})
        (tmp_path / "cat" / "bad.png").write_bytes(garbage)
        with pytest.raises(DataError, match=f"{tmp_path}/cat/bad.png cannot be read as an image"):
            folder(tmp_path)

    @pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif"])
    def test_a_truncated_image(self, ending: str, tmp_path: Path) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
        bad = save(tmp_path / "cat" / f"bad.{ending}", noise)
        bad.write_bytes(bad.read_bytes()[: bad.stat().st_size // 2])
        with pytest.raises(DataError, match=f"{bad} (is broken|cannot be read)"):
            folder(tmp_path).split("train")


def test_a_pickle_carries_the_path_and_the_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, {"cat": 10})
    monkeypatch.chdir(tmp_path.parent)
    source = folder(tmp_path.name, size=(3, 4))
    monkeypatch.chdir("/")
    source.split("train")
    pickled = pickle.dumps(source)
    assert b"000.png" not in pickled
    np.testing.assert_array_equal(pickle.loads(pickled).split("train").images, source.split("train").images)


def test_without_pillow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, {"cat": 1})
    real = builtins.__import__

    def without_pillow(name: str, *args: Any) -> Any:
        if name.startswith("PIL"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    with pytest.raises(ImportError, match=r'pip install "glimpse_env\[images\]"'):
        folder(tmp_path)


def test_no_file_is_left_open(tmp_path: Path) -> None:
    fill(tmp_path, {"cat": 3})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        folder(tmp_path).split("train")
        gc.collect()  # what is open when it goes says so
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []
