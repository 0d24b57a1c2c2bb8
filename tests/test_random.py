from __future__ import annotations

import numpy as np

from glimpse_env.random import below, mix, uniform


def test_the_mixer_is_splitmix64() -> None:
    # The first outputs of SplitMix64 seeded with 0, from its authors' reference code.
    assert [mix(0, k) for k in range(3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_keys_and_counters_are_read_modulo_two_to_the_64() -> None:
    most = np.uint64(2**64 - 1)
    assert mix(-1, 5) == mix(most, 5)
    assert mix(5, -1) == mix(5, most)


def test_uniform_fills_the_unit_interval_evenly() -> None:
    draws = np.array([uniform(key, 3) for key in range(20_000)])
    assert draws.min() >= 0
    assert draws.max() < 1
    counts = np.histogram(draws, 20, (0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # chi-square with 19 degrees of freedom exceeds it once in 1000
    assert (draws * 2**53 == np.floor(draws * 2**53)).all()


def test_below_takes_every_value_equally_often() -> None:
    draws = np.array([below(key, 1, 21) for key in range(21_000)])
    counts = np.bincount(draws, minlength=21)
    assert counts.size == 21
    assert ((counts - 1000) ** 2 / 1000).sum() < 45.3  # once in 1000 with 20 degrees of freedom
    assert {below(key, 0, 1) for key in range(100)} == {0}


def test_neighbouring_keys_and_counters_are_unrelated() -> None:
    draws = np.array([[uniform(key, counter) for counter in range(60)] for key in range(2000)])
    correlations = np.corrcoef(draws, rowvar=False)[np.triu_indices(60, 1)]
    assert np.abs(correlations).max() < 0.12
    later = np.array([uniform(key + 1, 0) for key in range(2000)])
    assert abs(np.corrcoef(draws[:, 0], later)[0, 1]) < 0.12
