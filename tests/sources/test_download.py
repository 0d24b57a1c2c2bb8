from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest
from small_mnist import Mirror, send

from glimpse_env.sources.download import download

NAME = "train-images-idx3-ubyte.gz"


def test_the_content_arrives_whole(mirror: Mirror) -> None:
    assert download(mirror.url + NAME, limit=10**6) == mirror.contents[NAME]


def test_more_than_the_limit_is_refused(mirror: Mirror) -> None:
    size = len(mirror.contents[NAME])
    assert download(mirror.url + NAME, limit=size)
    with pytest.raises(OSError, match=f"more than the {size - 1:,} bytes"):
        download(mirror.url + NAME, limit=size - 1)


def test_an_error_page_is_no_content(mirror: Mirror) -> None:
    mirror.answer = lambda request, content: request.send_error(404)
    with pytest.raises(OSError, match="404"):
        download(mirror.url + NAME, limit=10**6)


def test_a_closed_port_is_named_by_its_root_cause(start_mirror: Callable[[], Mirror]) -> None:
    gone = start_mirror()
    gone.close()
    with pytest.raises(OSError, match=r"^ConnectionRefusedError"):
        download(gone.url + NAME, limit=10**6)


def test_silence_is_given_up(mirror: Mirror) -> None:
    mirror.answer = lambda request, content: mirror.closing.wait(20)
    check_given_up(mirror, "0 bytes|timed out")


def test_a_stall_in_the_middle_is_given_up(mirror: Mirror) -> None:
    def stall(request: BaseHTTPRequestHandler, content: bytes) -> None:
        send(request, content[:2048], length=len(content))
        mirror.closing.wait(20)

    mirror.answer = stall
    check_given_up(mirror, "2,048 bytes|timed out")


def test_a_trickle_is_given_up(mirror: Mirror) -> None:
    """Bytes come again and again within the patience, but a large file would take all day."""

    def trickle(request: BaseHTTPRequestHandler, content: bytes) -> None:
        send(request, b"", length=len(content))
        for start in range(0, len(content), 512):
            if mirror.closing.wait(0.1):
                break
            request.wfile.write(content[start : start + 512])

    mirror.answer = trickle
    check_given_up(mirror, "bytes came within")


def check_given_up(mirror: Mirror, complaint: str) -> None:
    start = time.monotonic()
    with pytest.raises(OSError, match=complaint):
        download(mirror.url + NAME, limit=10**6, patience=0.5)
    assert time.monotonic() - start < 3
    end = time.monotonic() + 2
    while (going_on := any(mirror.url in thread.name for thread in threading.enumerate())) and time.monotonic() < end:
        time.sleep(0.01)
    assert not going_on


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_for_people_only(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        monkeypatch.setattr(sys, "stderr", stream)
        download(mirror.url + NAME, limit=10**6)
    assert terminal.getvalue().endswith(f"\r{NAME} [{'#' * 30}]   0.0 MB\n")
    assert file.getvalue() == ""
