"""MNIST (LeCun, Cortes, Burges), found on this machine or downloaded, and never used unless every byte is right."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from glimpse_env.sources.download import download
from glimpse_env.sources.idx import is_gzip, parse, unpack
from glimpse_env.sources.images import DataError, ImageSet, Source, Split

# Length and SHA-256 of the uncompressed files: the gzip wrapper differs from mirror to mirror.
FILES = {
    "train-images-idx3-ubyte": (47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    "train-labels-idx1-ubyte": (60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    "t10k-images-idx3-ubyte": (7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    "t10k-labels-idx1-ubyte": (10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
VALIDATION = 5_000  # the last training images are held out
REMEDY = (
    "set GLIMPSE_DATA to a folder that holds mnist/ with the four original IDX files (gzip-compressed or not), "
    "or go online and unset GLIMPSE_OFFLINE to download them (11 MB, once)"
)


def mnist() -> Source:
    """Handwritten digits, 28x28 grey: 55,000 to train on, 5,000 to validate, 10,000 to test, in their original order.

    Each file is taken from ``$GLIMPSE_DATA/mnist``, else from the user's cache, else it is downloaded into that cache
    (unless GLIMPSE_OFFLINE is set). A file that is truncated, corrupt or another one is passed over with a warning.

    Raises:
        DataError: If a file cannot be had; says each place that was tried, and why it failed.
    """
    mirrors = list(MIRRORS)
    unkept: list[OSError] = []
    arrays = [parse(_obtain(name, mirrors, unkept), name) for name in FILES]
    if unkept:
        warnings.warn(
            f"MNIST was downloaded, but cannot be kept for the next time: {unkept[0]}. To end this, make that folder "
            "writable, or put the files into mnist/ in a folder of your choice and set GLIMPSE_DATA to it.",
            stacklevel=2,
        )
    images, test_images = arrays[0], arrays[2]
    labels, test_labels = arrays[1].astype(np.int64), arrays[3].astype(np.int64)
    splits: dict[Split, ImageSet] = {
        "train": ImageSet(images[:-VALIDATION], labels[:-VALIDATION]),
        "validation": ImageSet(images[-VALIDATION:], labels[-VALIDATION:]),
        "test": ImageSet(test_images, test_labels),
    }
    return Source("mnist", tuple("0123456789"), splits.__getitem__)


def cache_folder() -> Path:
    """Where downloaded files are kept: ``mnist`` in this user's cache."""
    import pooch  # here, because it is not needed where GLIMPSE_DATA has the files

    return Path(pooch.os_cache("glimpse_env")) / "mnist"


def _obtain(name: str, mirrors: list[str], unkept: list[OSError]) -> bytes:
    """One uncompressed file from the first place that has it; moves mirrors that fail to the end of the list."""
    missing: list[str] = []
    spoilt: list[str] = []
    content = _find(name, missing, spoilt) or _fetch(name, mirrors, missing, unkept)
    if content is None:
        tried = "\n  - ".join(missing + spoilt)
        raise DataError(f"MNIST cannot be had: no good {name} anywhere. Tried:\n  - {tried}\nRemedy: {REMEDY}.")
    for note in spoilt:
        warnings.warn(f"passed over a bad file of MNIST and took another: {note}", stacklevel=3)
    return content


def _folders() -> Iterator[Path]:
    data = os.environ.get("GLIMPSE_DATA")
    if data:
        yield Path(data).expanduser() / "mnist"
    yield cache_folder()


def _find(name: str, missing: list[str], spoilt: list[str]) -> bytes | None:
    """The verified file from this machine; says in the two lists where it is not, and where it is but not good."""
    if not os.environ.get("GLIMPSE_DATA"):
        missing.append("GLIMPSE_DATA is not set")
    for folder in _folders():
        for path in (folder / f"{name}.gz", folder / name):
            try:
                return _verified(name, path.read_bytes(), str(path))
            except (FileNotFoundError, NotADirectoryError):
                missing.append(f"{path} is not there")
            except OSError as error:
                spoilt.append(f"{path} cannot be read: {error.strerror}")
            except DataError as error:
                spoilt.append(str(error))
    return None


def _fetch(name: str, mirrors: list[str], missing: list[str], unkept: list[OSError]) -> bytes | None:
    """The verified file from the network, kept in the cache where that can be done."""
    if os.environ.get("GLIMPSE_OFFLINE", "0") not in ("", "0"):
        missing.append("the network is forbidden by GLIMPSE_OFFLINE")
        return None
    for mirror in list(mirrors):
        url = f"{mirror}{name}.gz"
        try:
            packed = download(url, limit=FILES[name][0] + 1024)
            content = _verified(name, packed, url)
        except DataError as error:
            missing.append(str(error))
        except OSError as error:
            missing.append(f"{url} gave nothing: {error}")
        else:
            try:
                _keep(packed, cache_folder() / (f"{name}.gz" if is_gzip(packed) else name))
            except OSError as error:
                unkept.append(error)
            return content
        mirrors.remove(mirror)
        mirrors.append(mirror)
    return None


def _verified(name: str, content: bytes, what: str) -> bytes:
    """The uncompressed content, if it is the one that everyone else means by this name.

    Raises:
        DataError: If it is anything else.
    """
    size, digest = FILES[name]
    content = unpack(content, what, limit=size + 1)
    if len(content) != size:
        raise DataError(f"{what} is truncated or another file: it has {len(content):,} bytes unpacked, not {size:,}")
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise DataError(f"{what} is corrupt or another file: the SHA-256 of its content is {found}, not {digest}")
    return content


def _keep(content: bytes, path: Path) -> None:
    """Write a file so that no other process, however many do the same at once, ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
