"""Download one file into memory: with a progress bar, and within a time that someone without a network will wait."""

from __future__ import annotations

import contextlib
import sys
import threading
import time

PATIENCE = 5.0  # seconds without a byte before an address is given up
_SLOWEST = 10_000  # bytes per second; less than this on average counts as no answer
_POLL = 0.1  # seconds between two looks at the progress


class _Transfer:
    """What pooch sees of a download: both the file that it writes to and the progress bar that it drives."""

    def __init__(self, limit: int) -> None:
        self.content = bytearray()
        self.total = 0  # set by pooch once the server has said it
        self.limit = limit
        self.abandoned = False
        self.error: Exception | None = None
        self.response: contextlib.AbstractContextManager[object] = contextlib.nullcontext()

    def write(self, chunk: bytes) -> None:
        if self.abandoned:
            raise TimeoutError("abandoned")  # ends the thread
        self.content += chunk
        if len(self.content) > self.limit:
            raise ValueError(f"it sends more than the {self.limit:,} bytes that the file can have")

    def keep_response(self, response: contextlib.AbstractContextManager[object], **_: object) -> None:
        self.response = response

    def update(self, count: int) -> None:
        """Nothing, as in the three below: the waiting thread draws the progress."""

    def flush(self) -> None: ...

    def reset(self) -> None: ...

    def close(self) -> None: ...


def download(url: str, *, limit: int, patience: float = PATIENCE) -> bytes:
    """The content at an address.

    Args:
        url: http or https.
        limit: Refuse more than this many bytes.
        patience: Seconds to wait for the first byte, and again whenever the bytes stop coming.

    Raises:
        OSError: If there is no answer in time, or the answer is an error, says more than ``limit`` or breaks off.
    """
    transfer = _Transfer(limit)
    # A thread, because no timeout of the HTTP libraries covers the look-up of the name, several addresses of one
    # host or a trickle of bytes; daemon, so that a hanging one does not keep the program from ending.
    thread = threading.Thread(target=_fetch, args=(url, transfer, patience), name=f"download {url}", daemon=True)
    start = time.monotonic()
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_POLL)
            received, waited = len(transfer.content), time.monotonic() - start
            if thread.is_alive() and waited > patience + received / _SLOWEST:
                raise TimeoutError(f"only {received:,} bytes came within {waited:.0f} s")
            _draw(url, received, transfer.total)
    finally:
        transfer.abandoned = True  # after Ctrl-C too
        _draw(url, len(transfer.content), transfer.total, end="\n")
    if transfer.error is not None:
        root: BaseException = transfer.error  # "name not known" says more than the layers around it
        while root.__context__ is not None:
            root = root.__context__
        raise OSError(f"{type(root).__name__}: {root}") from transfer.error
    return bytes(transfer.content)


def _fetch(url: str, transfer: _Transfer, patience: float) -> None:
    try:
        import pooch  # here, because few processes ever download anything

        get = pooch.HTTPDownloader(progressbar=transfer, timeout=patience, hooks={"response": transfer.keep_response})
        get(url, transfer, None)
    except Exception as error:  # whatever it is, the waiting thread reports it
        transfer.error = error
    finally:
        with transfer.response:  # pooch leaves it open, and with it the connection
            pass


def _draw(url: str, received: int, total: int, end: str = "") -> None:
    if sys.stderr is None or not sys.stderr.isatty() or not received:
        return
    share = min(1.0, received / total) if total else 0.0
    bar = "#" * round(30 * share)
    print(f"\r{url.rsplit('/', 1)[-1]} [{bar:<30}] {received / 1e6:5.1f} MB", end=end, file=sys.stderr, flush=True)
