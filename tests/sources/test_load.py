from __future__ import annotations

import copy
import gzip
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from glimpse_env import sources
from glimpse_env.sources import DataError, ImageSet, Source, StandInWarning, load
from glimpse_env.sources import mnist as mnist_module

PAIR = (np.zeros((10, 2, 2), np.uint8), np.arange(10))


@pytest.fixture
def data(small: dict[str, bytes], tmp_path: Path) -> Path:
    """A folder for GLIMPSE_DATA, with the small MNIST."""
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    for name, content in small.items():
        (tmp_path / "data" / "mnist" / f"{name}.gz").write_bytes(gzip.compress(content))
    return tmp_path / "data"


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each search for real data."""
    made: list[str] = []
    search = mnist_module.mnist

    def counted() -> Source:
        made.append("mnist")
        return search()

    monkeypatch.setattr(mnist_module, "mnist", counted)
    return made


class TestKinds:
    def test_mnist_is_loaded_once(self, data: Path, searches: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GLIMPSE_DATA", str(data))
        source = load("mnist")
        assert (source.name, source.stand_in_for, len(source.split("test"))) == ("mnist", None, 20)
        assert load("mnist", fallback=None) is load("mnist") is source
        assert searches == ["mnist"]

    def test_digits(self, fresh: Path) -> None:
        source = load("digits")
        assert (source.name, source.stand_in_for) == ("digits", None)
        assert source.classes == tuple("0123456789")
        assert load("digits", fallback=None) is source

    def test_a_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "mine" / "cat").mkdir(parents=True)
        Image.new("L", (2, 2)).save(tmp_path / "mine" / "cat" / "1.png")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        for path in (tmp_path / "mine", str(tmp_path / "mine"), "mine", "./mine", "~/mine"):
            assert load(path).name == f"folder:{tmp_path / 'mine'}"

    def test_arrays_by_pair_and_by_split(self) -> None:
        assert len(load(PAIR).split("train")) == 8
        assert len(load({"test": PAIR}).split("test")) == 10

    def test_a_source_is_itself(self) -> None:
        source = load(PAIR)
        assert load(source) is source

    @pytest.mark.parametrize("name", ["nmist", "MNIST", ""])
    def test_an_unknown_name_lists_the_known_ones(self, name: str) -> None:
        with pytest.raises(
            ValueError, match=f"source='{name}' is unknown and no folder; choose one of 'mnist', 'digits'"
        ):
            load(name)

    def test_a_path_that_is_not_there_is_a_missing_folder(self, tmp_path: Path) -> None:
        for path in (tmp_path / "nowhere", str(tmp_path / "nowhere")):
            with pytest.raises(DataError, match="there is no folder"):
                load(path)

    @pytest.mark.parametrize(
        ("source", "kind"), [(None, "NoneType"), (3, "int"), (PAIR[0], "ndarray"), ((*PAIR, 1), "tuple of length 3")]
    )
    def test_another_type_is_refused(self, source: Any, kind: str) -> None:
        with pytest.raises(TypeError, match=f"tuple \\(images, labels\\), .*got {kind}$"):
            load(source)

    def test_an_unknown_fallback_is_refused(self) -> None:
        with pytest.raises(ValueError, match="fallback='cifar' is unknown; choose 'digits', or None"):
            load("digits", fallback="cifar")


class TestStandIn:
    def test_one_loud_warning_and_the_name_of_what_it_is(
        self, fresh: Path, searches: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.warns(StandInWarning) as caught:
            source = load("mnist")
        assert len(caught) == 1
        message = str(caught[0].message)
        for part in (
            "STAND-IN",
            "NOT results on 'mnist'",
            f"{fresh}",
            "GLIMPSE_OFFLINE",
            "set GLIMPSE_DATA to a folder",
        ):
            assert part in message
        assert (source.name, source.stand_in_for) == ("digits", "mnist")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert load("mnist") is source
            assert len(searches) == 1  # the next environments do not wait for a network that is not there
            monkeypatch.setenv("GLIMPSE_DATA", "/nowhere")
            assert load("mnist") is source
            assert len(searches) == 2  # where something changed, it is worth another look, but not another warning

    def test_it_shares_its_images_with_the_digits(self, fresh: Path) -> None:
        assert load("mnist").split("test") is load("digits").split("test")

    def test_no_fallback_is_an_error_before_and_after(self, fresh: Path) -> None:
        for _ in range(2):
            with pytest.raises(DataError, match="MNIST cannot be had"):
                load("mnist", fallback=None)
            load("mnist")

    def test_real_data_is_used_as_soon_as_it_is_there(
        self, fresh: Path, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert load("mnist").name == "digits"
        monkeypatch.setenv("GLIMPSE_DATA", str(data))
        assert load("mnist").name == "mnist"
        monkeypatch.delenv("GLIMPSE_DATA")
        assert load("mnist").name == "mnist"

    def test_a_user_who_makes_warnings_errors_gets_the_error_each_time(self, fresh: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(2):
                with pytest.raises(StandInWarning):
                    load("mnist")


class TestCopies:
    def test_a_named_source_is_pickled_by_name(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GLIMPSE_DATA", str(data))
        source = load("mnist")
        pickled = pickle.dumps(source)
        assert len(pickled) < 1000
        assert pickle.loads(pickled) is source
        assert copy.deepcopy(source) is source
        monkeypatch.setattr(sources, "_loaded", {})
        assert pickle.loads(pickled).name == "mnist"

    def test_real_data_never_comes_back_as_a_stand_in(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GLIMPSE_DATA", str(data))
        pickled = pickle.dumps(load("mnist"))
        monkeypatch.setattr(sources, "_loaded", {})
        monkeypatch.delenv("GLIMPSE_DATA")
        with pytest.raises(DataError, match="MNIST cannot be had"):
            pickle.loads(pickled)

    def test_a_stand_in_comes_back_as_one(self, fresh: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pickled = pickle.dumps(load("mnist"))
        monkeypatch.setattr(sources, "_loaded", {})
        monkeypatch.setenv("GLIMPSE_DATA", str(data))
        source = pickle.loads(pickled)
        assert (source.name, source.stand_in_for) == ("digits", "mnist")

    def test_an_image_set_stays_read_only(self) -> None:
        part = pickle.loads(pickle.dumps(load(PAIR).split("train")))
        assert not part.images.flags.writeable
        assert not part.labels.flags.writeable


class TestSourceItself:
    def test_a_split_is_loaded_at_its_first_use_and_once(self) -> None:
        loaded: list[str] = []

        def loader(split: str) -> ImageSet:
            loaded.append(split)
            return ImageSet(*PAIR)

        source = Source("mine", tuple("0123456789"), loader)
        assert loaded == []
        assert source.split("test") is source.split("test")
        assert loaded == ["test"]

    def test_an_unknown_split_is_refused(self) -> None:
        with pytest.raises(ValueError, match="split='val' is unknown; choose one of 'train', 'validation', 'test'"):
            load(PAIR).split("val")  # type: ignore[arg-type]

    def test_a_label_without_a_class_is_refused(self) -> None:
        source = Source("mine", ("a", "b"), lambda split: ImageSet(*PAIR))
        with pytest.raises(DataError, match=r"lie in \[0, 9\], but must lie in \[0, 1\]: there are 2 classes"):
            source.split("train")

    def test_images_are_contiguous_read_only_views(self) -> None:
        images = np.zeros((4, 6, 2), np.uint8)
        part = ImageSet(images.transpose(0, 2, 1), np.zeros(4, np.int64))
        assert part.images.flags.c_contiguous
        assert not part.images.flags.writeable
        assert images.flags.writeable


def test_the_import_touches_no_image_library_and_no_network_library() -> None:
    script = (
        "import sys, glimpse_env.sources; print([name for name in ('pooch', 'requests', 'PIL') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
