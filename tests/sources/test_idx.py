from __future__ import annotations

import gzip
from pathlib import Path

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from small_mnist import idx_bytes

from glimpse_env.sources import DataError
from glimpse_env.sources.idx import parse, read, unpack

CONTENT = idx_bytes(np.arange(2 * 3 * 4).reshape(2, 3, 4))


@given(arrays.arrays(np.uint8, arrays.array_shapes(max_dims=4, min_side=0)))
def test_what_was_written_is_read(array: np.ndarray) -> None:
    parsed = parse(idx_bytes(array))
    assert parsed.dtype == np.uint8
    np.testing.assert_array_equal(parsed, array, strict=True)


def test_white_stays_255() -> None:
    assert parse(idx_bytes(np.full((1, 2, 2), 255))).tolist() == [[[255, 255], [255, 255]]]


def test_the_file_cannot_be_changed_through_the_array() -> None:
    assert not parse(CONTENT).flags.writeable


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no IDX file"),
        (b"\0\0\x08", "no IDX file"),
        (b"<html>", "no IDX file"),
        (b"\0\0\x08\0\0", "no IDX file"),
        (CONTENT[:-1], r"needs 40 bytes, it has 39"),
        (CONTENT[:10], "truncated"),
        (CONTENT + b"\0", r"needs 40 bytes, it has 41"),
        (b"\0\0\x09" + CONTENT[3:], "type 0x09"),
        (b"\0\0\x0d" + CONTENT[3:], "type 0x0d"),
    ],
)
def test_bad_content_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(DataError, match=f"some file .*{complaint}"):
        parse(content, "some file")


@pytest.mark.parametrize("packed", [True, False])
def test_read_takes_both_kinds_of_file(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
    assert read(path).tolist() == np.arange(24).reshape(2, 3, 4).tolist()


def test_read_names_a_bad_file(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match=str(path)):
        read(path)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "checksum", "deflate"])
def test_a_damaged_gzip_is_refused(damage: str) -> None:
    packed = bytearray(gzip.compress(np.random.default_rng(0).bytes(10_000)))
    if damage == "truncated":
        del packed[len(packed) // 2 :]
    else:
        packed[{"flipped": len(packed) // 2, "checksum": -6, "deflate": 10}[damage]] ^= 0xFF
    with pytest.raises(DataError, match="some file is not a whole gzip file"):
        unpack(bytes(packed), "some file")


def test_a_gzip_bomb_is_read_up_to_the_limit() -> None:
    assert len(unpack(gzip.compress(bytes(1_000_000)), limit=100)) == 100
