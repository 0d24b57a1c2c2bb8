"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "your disk quota is used up: free some space",
    errno.EACCES: "the folder is not yours to write in: choose another, or change its permissions",
    errno.EPERM: "the folder is not yours to write in: choose another, or change its permissions",
    errno.EROFS: "the disk is read-only: choose another folder",
    errno.EEXIST: "a part of the path is a file, not a folder: choose another",
    errno.ENOTDIR: "a part of the path is a file, not a folder: choose another",
}


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and vanishes when it does not.

    The folder is made if need be. Whatever was at `path` stays whole until the moment it is replaced.

    Raises:
        OSError: If it cannot be written, of the kind that the system gave, saying what to do about it.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
        earlier = "; the earlier file is unharmed" if os.path.exists(path) else ""
        message = f"cannot write {path}: {remedy}, then run the same command again{earlier}"
        raise OSError(error.errno, message) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
