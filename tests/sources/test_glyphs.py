"""The bundled glyphs: the same bits from the same seed everywhere, and images such as MNIST's."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from glimpse_env import sources
from glimpse_env.sources.glyphs import digits, draw_glyphs
from glimpse_env.sources.images import SPLITS
from glimpse_env.sources.strokes import SYMBOLS

ALL = np.arange(len(SYMBOLS))
# Of PRINT_FINGERPRINT: whoever changes it changes every image, and every result on them.
FINGERPRINT = "9a8710c7336eaa181f7db29b914241a3875339847aba09b56b6bf1ce1ef25707"
PRINT_FINGERPRINT = (
    "import hashlib, numpy as np; from glimpse_env.sources.glyphs import draw_glyphs; "
    "print(hashlib.sha256(draw_glyphs(np.arange(720) % 36, seed=0).tobytes()).hexdigest())"
)


@pytest.fixture(scope="module")
def source() -> sources.Source:
    return digits()


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    return draw_glyphs(np.arange(20 * len(ALL)) % len(ALL), seed=0)


def test_same_bits_as_ever(many: np.ndarray) -> None:
    assert hashlib.sha256(many.tobytes()).hexdigest() == FINGERPRINT


@pytest.mark.slow
def test_same_bits_from_a_compiler_that_knows_nothing_of_this_processor(tmp_path: object) -> None:
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", PRINT_FINGERPRINT], env=os.environ | plain, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == FINGERPRINT


def test_a_glyph_does_not_depend_on_the_others(many: np.ndarray) -> None:
    np.testing.assert_array_equal(draw_glyphs(np.arange(100) % 36, seed=0), many[:100])
    others = np.zeros(50, dtype=np.int64)
    others[41] = 41 % 36
    np.testing.assert_array_equal(draw_glyphs(others, seed=0)[41], many[41])


def test_seed_and_place_change_every_glyph() -> None:
    here, there = (draw_glyphs(np.full(50, 3), seed=seed).reshape(50, -1) for seed in (5, 6))
    assert len(np.unique(np.concatenate([here, there]), axis=0)) == 100


def test_white_on_black_within_the_box(many: np.ndarray) -> None:
    assert many.max(axis=(1, 2)).min() == 255
    assert np.median(many) == 0
    assert all(18 <= max(extent(image)) <= 22 for image in many)


def extent(image: np.ndarray) -> tuple[int, int]:
    rows, columns = np.nonzero(image > 127)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


@pytest.mark.parametrize("size", [8, 28, 41, 64])
def test_centre_of_mass_is_in_the_middle(size: int) -> None:
    images = draw_glyphs(ALL, seed=1, size=size).astype(float)
    assert images.shape == (len(ALL), size, size)
    places = np.arange(size) - (size - 1) / 2
    mass = images.sum((1, 2))
    for off in (images.sum(2) @ places / mass, images.sum(1) @ places / mass):
        assert np.abs(off).max() <= 0.6, "the shift is a whole number of pixels, so at most half a pixel is left"


def test_a_larger_glyph_is_the_same_glyph() -> None:
    small, large = draw_glyphs(ALL, seed=2, size=28), draw_glyphs(ALL, seed=2, size=112)
    pooled = large.reshape(len(ALL), 28, 4, 28, 4).mean((2, 4))
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(small, pooled, strict=True)]
    assert np.median(alike) > 0.9
    assert min(alike) > 0.5, "rounding the shift to whole pixels moves it by up to half a pixel of the smaller image"


def test_every_symbol_has_a_look_of_its_own() -> None:
    means = np.stack([draw_glyphs(np.full(200, symbol), seed=3).mean(0).ravel() for symbol in ALL])
    likeness = np.corrcoef(means) - np.eye(len(ALL))
    assert likeness.max() < 0.99, "the closest are the letter o and the digit 0"


def test_about_as_much_ink_as_mnist(source: sources.Source, mnist: sources.Source) -> None:
    ours, real = source.split("test"), mnist.split("validation")
    for label in range(10):
        share = ours.images[ours.labels == label].mean() / real.images[real.labels == label].mean()
        assert 0.8 < share < 1.25, f"digit {label}"


def test_splits_are_balanced_shuffled_and_disjoint(source: sources.Source) -> None:
    assert source.name == "digits"
    assert source.classes == tuple("0123456789")
    lengths, seen = {}, []
    for split in SPLITS:
        images = source.split(split)
        lengths[split] = len(images)
        assert images.images.shape == (len(images), 28, 28)
        assert set(np.bincount(images.labels)) == {len(images) // 10}
        assert set(images.labels[:100]) == set(range(10))
        assert np.abs(np.diff(images.labels) == 1).mean() < 0.2, "labels should be in no order"
        seen += [hashlib.sha256(image.tobytes()).digest() for image in images.images]
    assert lengths == {"train": 55_000, "validation": 5_000, "test": 10_000}
    assert len(set(seen)) == len(seen)


def test_labels_name_what_is_drawn(source: sources.Source) -> None:
    means = np.stack([draw_glyphs(np.full(500, label), seed=9).mean(0).ravel() for label in range(10)])
    test = source.split("validation")
    guesses = ((test.images.reshape(len(test), 1, -1)[:2000] - means) ** 2).sum(2).argmin(1)
    assert (guesses == test.labels[:2000]).mean() > 0.6


def test_splits_are_drawn_at_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def record(symbols: np.ndarray, *, seed: int) -> np.ndarray:
        drawn.append(len(symbols))
        return np.ones((len(symbols), 28, 28), dtype=np.uint8)

    monkeypatch.setattr("glimpse_env.sources.glyphs.draw_glyphs", record)
    source = digits()
    assert drawn == []
    source.split("test")
    source.split("test")
    assert drawn == [10_000]


def test_no_symbols_give_no_images() -> None:
    assert draw_glyphs(np.zeros(0, dtype=np.int64), seed=0).shape == (0, 28, 28)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: draw_glyphs(np.array([36]), seed=0), r"\[36, 36\], but must lie in \[0, 35\]"),
        (lambda: draw_glyphs(np.array([3, -1]), seed=0), r"\[-1, 3\], but must lie in \[0, 35\]"),
        (lambda: draw_glyphs(np.array([0.5]), seed=0), "1-D integer array, got float64"),
        (lambda: draw_glyphs(np.array([[1]]), seed=0), r"shape \(1, 1\)"),
        (lambda: draw_glyphs(np.array([1]), seed=-1), "seed=-1 must lie in"),
        (lambda: draw_glyphs(np.array([1]), seed=2**63), "must lie in"),
        (lambda: draw_glyphs(np.array([1]), seed=0, size=7), r"size=7 must lie in \[8, 512\]"),
        (lambda: draw_glyphs(np.array([1]), seed=0, size=513), r"size=513 must lie in \[8, 512\]"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(draw: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw()


def test_a_seed_that_is_no_integer_is_an_error() -> None:
    with pytest.raises(TypeError, match="float"):
        draw_glyphs(np.array([1]), seed=1.5)  # type: ignore[arg-type]
