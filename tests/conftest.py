"""What every test can count on: no network, and real MNIST where this machine has it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from glimpse_env import sources, threads

# Before the first import of torch, and for child processes too: networks this small only wait for a second thread, and
# on a busy machine they wait long.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure(config: pytest.Config) -> None:
    # Warnings are errors here, and without real data the first test to make an MNIST id (whichever it is) would meet
    # this one. Tests of the warning itself use pytest.warns, which sees it all the same.
    config.addinivalue_line("filterwarnings", "ignore::glimpse_env.sources.StandInWarning")


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Nothing but this machine can be reached, and downloads are not even tried."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            _refuse_other_machines(address[0])
        connect(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_other_machines(host)
        return look_up(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLIMPSE_OFFLINE", "1")
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield


def _refuse_other_machines(host: Any) -> None:
    if host not in ("127.0.0.1", "::1", "localhost", None):
        raise OSError(f"a test tried to reach {host!r}; serve what it needs from 127.0.0.1")


@pytest.fixture(scope="session")
def mnist() -> sources.Source:
    """The real MNIST; a test that asks for it is skipped where GLIMPSE_DATA and the user's cache lack it."""
    try:
        return sources.load("mnist", fallback=None)
    except sources.DataError:
        pytest.skip("real MNIST is neither in GLIMPSE_DATA nor in the user's cache")


@pytest.fixture
def eager_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a lane is worth a thread: so that few lanes test many threads."""
    monkeypatch.setattr(threads, "LEAST_SHARE", 1)
