"""Result files: written whole or not at all, each saying on what it was made."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import glimpse_env
from agents.files import replacing

#: Where committed results live.
RESULTS = Path(__file__).parent / "results"

_DISTRIBUTIONS = ("numpy", "numba", "gymnasium", "torch", "stable_baselines3", "sb3_contrib")


def write_json(path: Path, data: Any) -> None:
    """Write `data` as JSON, whole or not at all.

    Raises:
        OSError: As `replacing`.
        ValueError: If there is a NaN or an infinity in it.
    """
    text = json.dumps(data, indent=1, allow_nan=False) + "\n"
    with replacing(path) as partial, partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def read_json(path: Path) -> Any:
    """What a result file holds.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is no JSON; the message names the file.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); remove it and make it again") from error


def environment() -> dict[str, Any]:
    """On what a result is made: ``versions``, ``commit``, ``hardware`` (with the load right now) and ``command``.

    Versions of packages that are absent are None. A commit that ends in ``-dirty`` had changed Python files beside it.
    """
    return {
        "versions": {"python": platform.python_version(), "glimpse_env": glimpse_env.__version__, **_versions()},
        "commit": commit(),
        "hardware": {"processor": _processor(), "cores": cores(), "load": load()},
        "command": _command(),
    }


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float:
    """Mean number of processes that wanted to run during the last minute, this one included."""
    return round(os.getloadavg()[0], 2)


def commit() -> str | None:
    """The git commit of this checkout, with ``-dirty`` if Python files differ from it; None without git."""
    try:
        head = _git("rev-parse", "HEAD")
        return f"{head}-dirty" if _git("status", "--porcelain", "--untracked-files=no", "--", "*.py") else head
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    command = ("git", "-C", str(Path(__file__).parent.parent), *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = dict.fromkeys(_DISTRIBUTIONS)
    for name in _DISTRIBUTIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _command() -> str:
    """What was typed; of absolute paths only the last part, as they are this machine's business."""
    return " ".join(["python", *(Path(part).name if Path(part).is_absolute() else part for part in sys.orig_argv[1:])])
