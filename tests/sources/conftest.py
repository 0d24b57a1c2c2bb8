"""Fixtures: a user who has nothing, a small MNIST, and mirrors that serve it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from small_mnist import Mirror, idx_bytes

from glimpse_env import sources
from glimpse_env.sources import mnist as mnist_module


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As in a new process of a user who has no data at all; gives the folder that is to be the cache."""
    monkeypatch.setattr(sources, "_loaded", {})
    monkeypatch.setattr(sources, "_refused", {})
    monkeypatch.delenv("GLIMPSE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "glimpse_env" / "mnist"


@pytest.fixture
def small(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Four small files that are "MNIST" during a test: 20 + 10 training and 20 test images."""
    random = np.random.default_rng(0)
    contents = {}
    for name in mnist_module.FILES:
        count = 30 if name.startswith("train") else 20
        images = random.integers(0, 256, (count, 28, 28))
        images[:, 0, 0] = 255  # what would become -1 if bytes were taken as signed
        contents[name] = idx_bytes(images if "images" in name else np.arange(count) % 10)
    known = {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in contents.items()}
    monkeypatch.setattr(mnist_module, "FILES", known)
    monkeypatch.setattr(mnist_module, "VALIDATION", 10)
    return contents


@pytest.fixture
def start_mirror(small: dict[str, bytes]) -> Iterator[Callable[[], Mirror]]:
    """Starts mirrors of the small MNIST."""
    mirrors: list[Mirror] = []

    def start() -> Mirror:
        mirrors.append(Mirror(small))
        return mirrors[-1]

    yield start
    for mirror in mirrors:
        mirror.close()


@pytest.fixture
def mirror(start_mirror: Callable[[], Mirror], monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """The only mirror of MNIST, and the permission to use it."""
    started = start_mirror()
    monkeypatch.setattr(mnist_module, "MIRRORS", (started.url,))
    monkeypatch.setenv("GLIMPSE_OFFLINE", "0")
    return started
