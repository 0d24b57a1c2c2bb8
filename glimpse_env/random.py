"""A counter-based generator: every draw is a pure function of (key, counter), inside the kernels and out.

The mixer is the finaliser of SplitMix64 (Steele, Lea, Flood 2014) applied to `key + counter * golden ratio`.
"""

from __future__ import annotations

import numpy as np

from glimpse_env.kernel import kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32), np.uint64(11)
_UNIT = 1.0 / 9007199254740992.0  # 2 ** -53, so that a draw is an exact float64


@kernel()
def mix(key: int, counter: int) -> int:
    """64 well-mixed bits of `key` and `counter` (both any integer, read modulo 2**64), as uint64."""
    z = np.uint64(key) + (np.uint64(counter) + np.uint64(1)) * _GOLDEN
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)  # type: ignore[return-value]  # which numba hands to Python as an int


@kernel()
def uniform(key: int, counter: int) -> float:
    """A float64 in [0, 1), a multiple of 2**-53."""
    return np.float64(mix(key, counter) >> _11) * _UNIT


@kernel()
def below(key: int, counter: int, n: int) -> int:
    """An int64 in [0, n), for 1 <= n < 2**32; the bias of at most n / 2**32 cannot be seen."""
    return np.int64(((mix(key, counter) >> _32) * np.uint64(n)) >> _32)  # type: ignore[return-value]
