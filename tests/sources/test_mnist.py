from __future__ import annotations

import functools
import gzip
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
from small_mnist import Answer, Mirror, send

from glimpse_env.sources import SPLITS, DataError, Source
from glimpse_env.sources import mnist as mnist_module
from glimpse_env.sources.download import download
from glimpse_env.sources.idx import parse
from glimpse_env.sources.mnist import MIRRORS, _keep, mnist

TRAIN = "train-images-idx3-ubyte"


def write(folder: Path, contents: dict[str, bytes], packed: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)


def check_is_small_mnist(source: Source, contents: dict[str, bytes]) -> None:
    images = parse(contents[TRAIN])
    assert (source.name, source.classes) == ("mnist", tuple("0123456789"))
    np.testing.assert_array_equal(source.split("train").images, images[:20])
    np.testing.assert_array_equal(source.split("validation").images, images[20:])
    np.testing.assert_array_equal(source.split("test").images, parse(contents["t10k-images-idx3-ubyte"]))
    assert source.split("train").labels.tolist() == [*range(10), *range(10)]
    assert source.split("validation").labels.tolist() == [*range(10)]
    assert all(source.split(split).images[:, 0, 0].tolist() == [255] * len(source.split(split)) for split in SPLITS)


class TestRealData:
    def test_splits_are_the_usual_ones(self, mnist: Source) -> None:
        assert [mnist.split(split).images.shape for split in SPLITS] == [(n, 28, 28) for n in (55_000, 5_000, 10_000)]
        assert mnist.split("train").labels[:5].tolist() == [5, 0, 4, 1, 9]
        assert mnist.split("test").labels[:5].tolist() == [7, 2, 1, 0, 4]
        counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        assert np.bincount(mnist.split("test").labels).tolist() == counts

    def test_white_is_255_and_the_mean_is_the_published_one(self, mnist: Source) -> None:
        images = np.concatenate([mnist.split("train").images, mnist.split("validation").images])
        assert (images.min(), images.max()) == (0, 255)
        assert images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)


class TestFiles:
    @pytest.mark.parametrize("packed", [True, False])
    def test_found_in_glimpse_data(
        self, packed: bool, small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path / "data" / "mnist", small, packed)
        monkeypatch.setenv("GLIMPSE_DATA", str(tmp_path / "data"))
        check_is_small_mnist(mnist(), small)

    def test_found_in_the_cache(self, small: dict[str, bytes], fresh: Path) -> None:
        write(fresh, small)
        check_is_small_mnist(mnist(), small)

    def test_glimpse_data_comes_before_the_cache(
        self, small: dict[str, bytes], fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path / "mnist", small)
        write(fresh, dict.fromkeys(small, b"never looked at, or there would be a warning"))
        monkeypatch.setenv("GLIMPSE_DATA", str(tmp_path))
        check_is_small_mnist(mnist(), small)

    @pytest.mark.parametrize(
        ("damage", "complaint"),
        [
            (lambda good: gzip.compress(good)[:-100], "not a whole gzip file"),
            (lambda good: good[:-1], "truncated or another file"),
            (lambda good: good + b"\0", "truncated or another file"),
            (lambda good: good[:-1] + bytes([good[-1] ^ 1]), "corrupt or another file: the SHA-256"),
            (lambda good: b"", "truncated or another file"),
        ],
    )
    def test_a_bad_file_is_never_used(
        self,
        damage: Callable[[bytes], bytes],
        complaint: str,
        small: dict[str, bytes],
        fresh: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        write(tmp_path / "mnist", small)
        monkeypatch.setenv("GLIMPSE_DATA", str(tmp_path))
        bad = tmp_path / "mnist" / f"{TRAIN}.gz"
        bad.write_bytes(damage(small[TRAIN]))
        with pytest.raises(DataError, match=f"{bad} .*{complaint}"):
            mnist()
        write(fresh, {TRAIN: small[TRAIN]})
        with pytest.warns(UserWarning, match=f"passed over .*{bad} .*{complaint}"):
            check_is_small_mnist(mnist(), small)

    def test_the_error_names_every_place(
        self, small: dict[str, bytes], fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GLIMPSE_DATA", str(tmp_path / "nowhere"))
        with pytest.raises(DataError) as caught:
            mnist()
        for place in (tmp_path / "nowhere" / "mnist", fresh):
            assert f"{place / TRAIN}.gz is not there" in str(caught.value)
            assert f"{place / TRAIN} is not there" in str(caught.value)
        assert "forbidden by GLIMPSE_OFFLINE" in str(caught.value)
        assert "Remedy: set GLIMPSE_DATA to a folder" in str(caught.value)


class TestDownload:
    def test_downloaded_once_and_kept(
        self, mirror: Mirror, small: dict[str, bytes], fresh: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        check_is_small_mnist(mnist(), small)
        assert sorted(mirror.asked) == sorted(path.name for path in fresh.iterdir()) == sorted(mirror.contents)
        monkeypatch.setenv("GLIMPSE_OFFLINE", "1")
        check_is_small_mnist(mnist(), small)
        assert len(mirror.asked) == 4

    def test_offline_forbids_it(self, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GLIMPSE_OFFLINE", "1")
        with pytest.raises(DataError, match="forbidden by GLIMPSE_OFFLINE"):
            mnist()
        assert mirror.asked == []

    def test_only_what_is_missing_is_fetched(self, mirror: Mirror, small: dict[str, bytes], fresh: Path) -> None:
        write(fresh, {name: content for name, content in small.items() if name != TRAIN})
        check_is_small_mnist(mnist(), small)
        assert mirror.asked == [f"{TRAIN}.gz"]

    def test_a_corrupt_file_in_the_cache_is_fetched_again(
        self, mirror: Mirror, small: dict[str, bytes], fresh: Path
    ) -> None:
        write(fresh, {**small, TRAIN: small[TRAIN][:-1]})
        with pytest.warns(UserWarning, match="passed over a bad file"):
            check_is_small_mnist(mnist(), small)
        assert mirror.asked == [f"{TRAIN}.gz"]
        check_is_small_mnist(mnist(), small)  # healed: no warning, which would be an error

    @pytest.mark.parametrize(
        ("answer", "complaint"),
        [
            (lambda request, content: request.send_error(404), "gave nothing: .*404"),
            (lambda request, content: send(request, content[:-50]), "is not a whole gzip file"),
            (lambda request, content: send(request, content[:-50], len(content)), "gave nothing: IncompleteRead"),
            (lambda request, content: send(request, b"<html>Welcome to Hotel Wi-Fi"), "is truncated or another file"),
            (lambda request, content: send(request, b""), "is truncated or another file"),
            (
                lambda request, content: send(request, gzip.compress(gzip.decompress(content)[:-1] + b"?")),
                "is corrupt or another file",
            ),
            (lambda request, content: time.sleep(1), "gave nothing: .*(timed out|bytes came within)"),
        ],
        ids=["not found", "truncated", "broken off", "portal", "empty", "corrupt", "hanging"],
    )
    def test_a_bad_mirror_is_passed_over(
        self,
        answer: Answer,
        complaint: str,
        mirror: Mirror,
        start_mirror: Callable[[], Mirror],
        small: dict[str, bytes],
        fresh: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(mnist_module, "download", functools.partial(download, patience=0.3))
        mirror.answer = answer
        with pytest.raises(DataError, match=f"{mirror.url}{TRAIN}.gz {complaint}"):
            mnist()
        assert not fresh.exists()

        good = start_mirror()
        monkeypatch.setattr(mnist_module, "MIRRORS", (mirror.url, good.url))
        mirror.asked.clear()
        check_is_small_mnist(mnist(), small)
        assert len(mirror.asked) == 1  # it is not waited for again
        assert len(good.asked) == 4

    def test_a_server_that_unpacks_is_fine(self, mirror: Mirror, small: dict[str, bytes], fresh: Path) -> None:
        mirror.answer = lambda request, content: send(request, gzip.decompress(content))
        check_is_small_mnist(mnist(), small)
        assert {path.name for path in fresh.iterdir()} == set(small)

    def test_a_cache_that_cannot_be_written_costs_a_warning(
        self, mirror: Mirror, small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))  # stops root too, as permissions would not
        with pytest.warns(UserWarning, match="cannot be kept .*set GLIMPSE_DATA") as caught:
            check_is_small_mnist(mnist(), small)
        assert len(caught) == 1

    def test_two_writers_do_not_meet(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        both, replace = threading.Barrier(2, timeout=5), os.replace

        def replace_together(*paths: Path) -> None:
            both.wait()  # each has written its own file before either is moved
            replace(*paths)

        monkeypatch.setattr(os, "replace", replace_together)
        with ThreadPoolExecutor() as pool:
            writes = [pool.submit(_keep, word * 1000, tmp_path / "file") for word in (b"one", b"two")]
        assert [write.exception() for write in writes] == [None, None]
        assert [path.name for path in tmp_path.iterdir()] == ["file"]
        assert (tmp_path / "file").read_bytes() in (b"one" * 1000, b"two" * 1000)

    def test_an_interrupted_write_leaves_nothing(
        self, mirror: Mirror, fresh: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mnist()
        assert list(fresh.iterdir()) == []

    def test_two_processes_at_once(self, mirror: Mirror, small: dict[str, bytes], fresh: Path) -> None:
        both = threading.Barrier(2, timeout=20)

        def together(request: BaseHTTPRequestHandler, content: bytes) -> None:
            both.wait()  # each file is sent when both have asked for it
            send(request, content)

        mirror.answer = together
        script = (
            "from glimpse_env.sources import mnist as m\n"
            f"m.FILES, m.MIRRORS, m.VALIDATION = {mnist_module.FILES!r}, {(mirror.url,)!r}, 10\n"
            "m.download = __import__('functools').partial(m.download, patience=20)\n"
            "print(m.mnist().split('train').images.sum())"
        )
        command = [sys.executable, "-W", "error", "-c", script]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        outputs = [process.communicate(timeout=60)[0] for process in processes]
        assert outputs == [f"{parse(small[TRAIN])[:20].sum()}\n"] * 2
        assert len(mirror.asked) == 8
        assert sorted(path.name for path in fresh.iterdir()) == sorted(mirror.contents)
        check_is_small_mnist(mnist(), small)


def test_the_real_mirrors_are_asked_over_https() -> None:
    assert len(MIRRORS) >= 2
    assert all(mirror.startswith("https://") and mirror.endswith("/mnist/") for mirror in MIRRORS)
