"""IDX, the file format of MNIST and its relatives: a magic number, the sizes, then the bytes, often gzip-compressed."""

from __future__ import annotations

import gzip
import io
import math
import os
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glimpse_env.sources.images import DataError

_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08


def is_gzip(content: bytes) -> bool:
    """Whether these bytes start as a gzip file does."""
    return content.startswith(_GZIP)


def unpack(content: bytes, what: str = "content", limit: int | None = None) -> bytes:
    """The bytes of a file without their gzip wrapper, if they have one.

    Args:
        content: Compressed or plain.
        what: The name of the file, for errors.
        limit: Read at most this many bytes, so that a hostile file cannot fill the memory; None for no limit.

    Raises:
        DataError: If the gzip stream is truncated or corrupt.
    """
    if not is_gzip(content):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            return stream.read(-1 if limit is None else limit)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{what} is not a whole gzip file: {error}; fetch it again") from error


def parse(content: bytes, what: str = "content") -> npt.NDArray[np.uint8]:
    """The array in an uncompressed IDX file.

    Args:
        content: The whole file: two zero bytes, the type, the number of axes, each axis as a big-endian uint32, data.
        what: The name of the file, for errors.

    Returns:
        uint8, with the shape that the file states, read-only.

    Raises:
        DataError: If this is no IDX file, holds anything but unsigned bytes, or is shorter or longer than it states.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or not content[3]:
        raise DataError(f"{what} is no IDX file: it starts with {content[:4]!r}")
    if content[2] != _UNSIGNED_BYTE:
        raise DataError(f"{what} holds IDX type 0x{content[2]:02x}; only 0x08 (unsigned bytes) is understood")
    header = 4 + 4 * content[3]
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, header, 4))
    if len(content) != header + math.prod(shape):
        raise DataError(
            f"{what} is truncated or has something appended: shape {shape} needs {header + math.prod(shape):,} bytes, "
            f"it has {len(content):,}; fetch it again"
        )
    # Never np.int8: as signed bytes, white (255) would become -1.
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def read(path: str | os.PathLike[str]) -> npt.NDArray[np.uint8]:
    """The array in an IDX file, gzip-compressed or plain.

    Raises:
        DataError: As `parse`, naming the file.
        OSError: If the file cannot be opened.
    """
    return parse(unpack(Path(path).read_bytes(), str(path)), str(path))
