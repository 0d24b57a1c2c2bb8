"""House numbers: the MATLAB file as it is, the crop by hand, and every way an entry can be wrong."""

from __future__ import annotations

import builtins
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from glimpse_env import GlimpseEnv
from glimpse_env.sources import DataError, load, svhn
from glimpse_env.sources.svhn import grown

Boxes = list[tuple[float, float, float, float, float]]  # label, left, top, width, height


def write(
    folder: Path, numbers: list[Boxes], shape: tuple[int, int] = (40, 60), names: list[str] | None = None
) -> None:
    """An archive as MATLAB 7.3 writes it: a number where there is one digit, else references to numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    names = names or [f"{i + 1}.png" for i in range(len(numbers))]
    with h5py.File(folder / "digitStruct.mat", "w", userblock_size=512) as file:
        reference, hidden = h5py.ref_dtype, file.create_group("#refs#")

        def kept(value: Any, kind: Any) -> Any:
            return hidden.create_dataset(str(len(hidden)), data=np.array(value, kind)).ref

        struct = file.create_group("digitStruct")
        name = struct.create_dataset("name", (len(numbers), 1), reference)
        bbox = struct.create_dataset("bbox", (len(numbers), 1), reference)
        for i, boxes in enumerate(numbers):
            name[i, 0] = kept([[ord(letter)] for letter in names[i]], np.uint16)
            group = hidden.create_group(f"box{i}")
            for column, field in enumerate(("label", "left", "top", "width", "height")):
                values = [box[column] for box in boxes]
                if len(values) == 1:
                    group.create_dataset(field, data=np.array([values]))
                else:
                    data = group.create_dataset(field, (len(values), 1), reference)
                    for k, value in enumerate(values):
                        data[k, 0] = kept([[value]], float)
            bbox[i, 0] = group.ref
    for i in range(len(numbers)):
        picture = np.full((*shape, 3), i, np.uint8)
        picture[:, :, 0] = np.arange(shape[1])  # red tells the column, green the row, blue the image
        picture[:, :, 1] = np.arange(shape[0])[:, None]
        Image.fromarray(picture).save(folder / f"{i + 1}.png")


ONE: Boxes = [(7, 20, 10, 10, 20)]
TWO: Boxes = [(3, 10, 10, 10, 20), (10, 20, 12, 10, 20)]  # 10 means 0


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    write(tmp_path / "train", [TWO, ONE] * 10)
    write(tmp_path / "test", [ONE, TWO, [(1, 5, 5, 5, 5)] * 6])
    return tmp_path


def test_numbers_are_the_labels_in_order_and_ten_is_zero(archives: Path) -> None:
    source = svhn(archives)
    assert (source.name, source.classes) == (f"svhn:{archives}", tuple("0123456789"))
    test = source.split("test")
    assert test.texts is not None
    assert test.texts.tolist() == [[[7, -1, -1, -1, -1]], [[3, 0, -1, -1, -1]]]  # six digits are left out
    assert test.labels.tolist() == [7, 3]
    assert test.images.shape == (2, 64, 64, 3)


def test_of_ten_training_images_one_is_for_validation(archives: Path) -> None:
    source = svhn(archives)
    numbers = {split: source.split(split).images[:, 0, 0, 2].tolist() for split in ("train", "validation")}
    assert numbers == {"train": [*range(8), 9, *range(10, 18), 19], "validation": [8, 18]}
    write(archives / "extra", [ONE] * 3)
    assert len(svhn(archives).split("train")) == 21


def test_a_single_archive_is_cut_by_position(tmp_path: Path) -> None:
    write(tmp_path, [ONE] * 10)
    source = svhn(tmp_path)
    assert [source.split(split).images[:, 0, 0, 2].tolist() for split in ("validation", "test")] == [[8], [9]]


def test_the_crop_is_the_box_of_all_digits_grown_by_three_tenths() -> None:
    # Both digits of TWO together: rows 10 to 32, columns 10 to 30; 15 % more on every side.
    assert grown(10, 10, 32, 30) == (7, 7, 35, 33)


def test_what_is_shown_is_the_crop_resized(tmp_path: Path) -> None:
    write(tmp_path, [TWO] * 10)
    image = svhn(tmp_path, size=(28, 26)).split("test").images[0]  # just its own size: no pixel is changed
    np.testing.assert_array_equal(image[:, :, 0], np.tile(np.arange(7, 33), (28, 1)))
    np.testing.assert_array_equal(image[:, :, 1], np.tile(np.arange(7, 35)[:, None], 26))
    resized = svhn(tmp_path).split("test").images[0]
    assert (resized[0, 0, 0], resized[0, -1, 0], resized[-1, 0, 1]) == (7, 32, 34)


def test_a_crop_past_the_border_is_cut_off(tmp_path: Path) -> None:
    write(tmp_path, [[(5, -4, -2, 70, 50)]] * 10)
    image = svhn(tmp_path, size=(40, 60)).split("test").images[0]
    np.testing.assert_array_equal(image[:, :, 0], np.tile(np.arange(60), (40, 1)))


def test_an_environment_reads_numbers(archives: Path) -> None:
    env = GlimpseEnv(str(archives), split="test", scene="captioned", patch=8, scales=(1, 2, 4), zooms=(1,), budget=4)
    assert env.symbols == (*"0123456789", "end")
    observation, _ = env.reset(options={"index": 1})
    assert observation["glimpse"].shape == (9, 8, 8)
    assert env.canvas().shape == (64, 64, 3)
    for symbol in (3, 0, 10):
        *_, info = env.step(np.array([0, 0, 1, symbol]))
    assert (info["label"], info["is_success"]) == ([3, 0, 10], True)


def test_a_pickle_carries_the_path(archives: Path) -> None:
    source = load(archives)
    again = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(again.split("test").images, source.split("test").images)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ([(11, 1, 1, 5, 5)], r"the labels \[11.0\]; they must be whole numbers in \[1, 10\], 10 for 0"),
        ([(0, 1, 1, 5, 5)], r"the labels \[0.0\]"),
        ([(2.5, 1, 1, 5, 5)], r"the labels \[2.5\]"),
        ([(2, 1, 1, 5, 5), (float("nan"), 7, 1, 5, 5)], "the labels"),
        ([(2, 1, 1, 0, 5)], "a box that is empty or no number"),
        ([(2, float("nan"), 1, 5, 5)], "a box that is empty or no number"),
        ([], "0 label, 0 left, 0 top, 0 width, 0 height"),
    ],
)
def test_a_wrong_entry_is_named(number: Boxes, message: str, tmp_path: Path) -> None:
    write(tmp_path, [ONE, number])
    with pytest.raises(DataError, match=rf"{tmp_path}/digitStruct.mat, entry 2 \(2.png\) has {message}"):
        svhn(tmp_path).split("train")


def test_columns_of_different_length(tmp_path: Path) -> None:
    write(tmp_path, [ONE, TWO])
    with h5py.File(tmp_path / "digitStruct.mat", "r+") as file:
        group = file[file["digitStruct/bbox"][1, 0]]
        del group["top"]
        group["top"] = np.array([[1.0]])
    with pytest.raises(DataError, match=r"entry 2 \(2.png\) has 2 label, 2 left, 1 top, 2 width, 2 height; each digit"):
        svhn(tmp_path).split("train")


def test_a_missing_field_and_a_missing_image(tmp_path: Path) -> None:
    write(tmp_path / "a", [ONE, TWO])
    with h5py.File(tmp_path / "a" / "digitStruct.mat", "r+") as file:
        del file[file["digitStruct/bbox"][1, 0]]["width"]
    with pytest.raises(DataError, match=r"entry 2 \(2.png\) is malformed: .*it needs a name and a box with label"):
        svhn(tmp_path / "a").split("train")
    for place, name in (("b", "9.png"), ("c", "../a/1.png")):
        write(tmp_path / place, [ONE, TWO], names=["1.png", name])
        with pytest.raises(DataError, match=r"entry 2 \(\d.png\) names an image that is not in"):
            svhn(tmp_path / place).split("train")


@pytest.mark.parametrize("garbage", [b"", b"MATLAB 5.0 MAT-file", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_no_hdf5_at_all(garbage: bytes, tmp_path: Path) -> None:
    (tmp_path / "digitStruct.mat").write_bytes(garbage)
    with pytest.raises(DataError, match=r"digitStruct\.mat cannot be read as HDF5"):
        svhn(tmp_path).split("train")


def test_another_hdf5_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "digitStruct.mat", "w") as file:
        file["X"] = np.zeros(3)
    with pytest.raises(DataError, match="holds no digitStruct/name and digitStruct/bbox"):
        svhn(tmp_path).split("train")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds digitStruct.mat; unpack SVHN's archives"):
        svhn(tmp_path)
    write(tmp_path / "train", [ONE])
    with pytest.raises(DataError, match="no test images in"):
        svhn(tmp_path).split("test")
    with pytest.raises(ValueError, match=r"size=\(0, 3\) must be"):
        svhn(tmp_path, size=(0, 3))


def test_without_h5py_the_extra_is_named(archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name == "h5py":
            raise ImportError(name)
        return imported(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r'pip install "glimpse_env\[svhn\]"'):
        svhn(archives).split("train")
