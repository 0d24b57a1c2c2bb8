"""Run one kernel over a range of lanes on several threads; kernels release the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

LEAST_SHARE = 512  # lanes; a smaller share is done before another thread has woken up


def shares(lanes: int, threads: int) -> int:
    """How many of `threads` are worth waking for so many lanes."""
    return max(1, min(threads, lanes // LEAST_SHARE))


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, "glimpse")


os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork


def over_lanes(kernel: Callable[..., None], lanes: int, threads: int, *arguments: object) -> None:
    """Call `kernel(k, begin, end, *arguments)` for each of `threads` equal shares k, 0 on the caller's thread."""
    if threads == 1:
        kernel(0, 0, lanes, *arguments)
        return
    bounds = [lanes * k // threads for k in range(threads + 1)]
    shares = [_pool(threads - 1).submit(kernel, k, *bounds[k : k + 2], *arguments) for k in range(1, threads)]
    kernel(0, *bounds[:2], *arguments)
    for share in shares:
        share.result()
