"""Results are written whole or not at all, and say on what they were made."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks.files import environment, read_json, replacing, write_json


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "result.json"
    write_json(path, {"accuracy": 0.5, "name": "ü"})
    assert read_json(path) == {"accuracy": 0.5, "name": "ü"}
    assert [file.name for file in path.parent.iterdir()] == ["result.json"]


def test_a_full_disk_leaves_the_earlier_result_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "result.json"
    write_json(path, {"k": 1})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"result\.json: the disk is full: free some space.*earlier file is unharmed"):
        write_json(path, {"k": 2})
    assert read_json(path) == {"k": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize(
    ("number", "kind", "remedy"),
    [
        (errno.EACCES, PermissionError, "permissions"),
        (errno.EROFS, OSError, "read-only"),
        (errno.EIO, OSError, "Input"),
    ],
)
def test_a_folder_that_cannot_be_written_is_named(
    number: int, kind: type[OSError], remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(kind, match=f"cannot write .*result.json.*{remedy}") as caught:
        write_json(tmp_path / "result.json", {})
    assert caught.value.errno == number
    assert "unharmed" not in str(caught.value)


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="a part of the path is a file"):
        write_json(tmp_path / "file" / "result.json", {})


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with replacing(tmp_path / "x") as partial:
            partial.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_number_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "result.json", {"accuracy": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"accuracy": 0.')
    with pytest.raises(ValueError, match=r"result\.json is damaged .*make it again"):
        read_json(tmp_path / "result.json")


def test_the_environment_is_whole_and_names_no_folder_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["/some/python", "-m", "benchmarks", "--out", "/home/someone/out.json"])
    found = environment()
    assert found["command"] == "python -m benchmarks --out out.json"
    expected = {"python", "glimpse_env", "numpy", "numba", "gymnasium", "torch", "stable_baselines3", "sb3_contrib"}
    assert found["versions"].keys() == expected
    assert found["versions"]["numpy"].count(".") == 2
    assert found["hardware"]["cores"] >= 1
    assert found["hardware"]["load"] >= 0
    assert found["hardware"]["processor"]


@pytest.mark.parametrize("name", command.COMMANDS)
def test_every_command_explains_itself(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", name, "--help"])
    with pytest.raises(SystemExit) as left:
        command.main()
    assert left.value.code == 0
    assert f"usage: python -m benchmarks {name}" in capsys.readouterr().out


def test_an_unknown_command_lists_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "thruoghput"])
    with pytest.raises(SystemExit, match="unknown command 'thruoghput'"):
        command.main()
    assert "throughput" in capsys.readouterr().out
