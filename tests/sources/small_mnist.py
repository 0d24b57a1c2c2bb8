"""IDX files, and a web server on 127.0.0.1 that serves them well or badly."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


def idx_bytes(array: np.ndarray) -> bytes:
    """An IDX file as the format's description has it, written without the code under test."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


class Mirror:
    """A web server on this machine; ``answer`` may be replaced to let it misbehave."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
        self.asked: list[str] = []
        self.answer: Answer = send
        self.closing = threading.Event()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rsplit("/", 1)[-1]
                mirror.asked.append(name)
                mirror.answer(self, mirror.contents[name])

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/mnist/"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


def send(request: BaseHTTPRequestHandler, content: bytes, length: int | None = None) -> None:
    """The answer of a good server, or one that says another length than it sends."""
    request.send_response(200)
    request.send_header("Content-Length", str(len(content) if length is None else length))
    request.end_headers()
    request.wfile.write(content)
