"""The bundled glyphs: digits and letters drawn stroke by stroke, as many as anyone asks for, without data or network.

They follow MNIST's conventions (white on black, 28x28, the ink fitted into 20x20 and shifted so that its centre of mass
is in the middle), so that an agent can move from one to the other. The same seed gives the same bits on every machine:
draws come from `glimpse_env.random`, and the kernel uses only + - * / and sqrt in float64, which IEEE 754 rounds alike
everywhere.
"""

from __future__ import annotations

from operator import index

import numpy as np
import numpy.typing as npt
from numba import njit

from glimpse_env.random import below, mix, uniform
from glimpse_env.sources.images import ImageSet, Source, Split
from glimpse_env.sources.pen import PIECES, expose, fit, ink, trace
from glimpse_env.sources.strokes import DIGITS, LETTERS, SYMBOLS, StrokeTable, stroke_table

_STROKES = stroke_table({**DIGITS, **LETTERS})
_SPLIT_SIZES: dict[Split, int] = {"train": 55_000, "validation": 5_000, "test": 10_000}
_SPLIT_SEEDS: dict[Split, int] = {"train": 1, "validation": 2, "test": 3}
_SMALLEST, _LARGEST = 8, 512

# How much the glyphs vary. Lengths are in heights of a digit, or in pixels of a 28x28 image for the pen and the box; a
# name that ends in BELL is a standard deviation.
_WOBBLE_BELL, _END_WOBBLE_BELL = 0.026, 0.055  # of each point; strokes end less exactly than they turn
_BLEND = 1.5  # range of the blend of a skeleton's two forms, so a little beyond both
_SLANT, _SLANT_BELL = 0.13, 0.20  # shear to the right
_TURN_BELL = 0.06  # about half the angle, in radians
_ASPECT, _ASPECT_BELL = 1.12, 0.2  # factor on the width
_TAPER_BELL = 0.30  # how much wider the foot is than the head
_BALANCE_BELL = 0.22  # how much of the height the head takes from the foot
_WARP_BELL = 0.035  # amplitude of the smooth warp
_PEN, _PEN_BELL, _PEN_LEAST = 2.5, 0.17, 0.7  # the last two are squared: a few pens are much wider than the rest
_PRESSURE_BELL = 0.08  # change of the pen's width along the stroke, as a share of it
_SOFT_LOW, _SOFT_HIGH = 0.7, 1.8  # width of the edge from white to black
_BOX_LOW, _BOX_HIGH = 19.0, 20.5  # the longer side of the ink

# The counters of a glyph's draws. The warp takes six; each point of the skeleton takes two, from _POINT on.
_SKELETON, _FORM, _LEAN, _TURN, _WIDTH, _TAPER, _BALANCE = range(7)
_PEN_WIDTH, _PRESSURE, _SOFTNESS, _BOX, _OFFSET = range(7, 12)
_WARP, _POINT = 16, 32


@njit(cache=True)
def _bell(key: int, counter: int) -> float:
    """A draw of mean 0 and deviation 1, nearly normal and within 3.5: the sum of the four 16-bit parts of one draw."""
    bits = mix(key, counter)
    low = np.uint64(0xFFFF)
    total = (bits & low) + (bits >> np.uint64(16) & low) + (bits >> np.uint64(32) & low) + (bits >> np.uint64(48))
    return (np.float64(total) / 65535.0 - 2.0) * 1.7320508075688772


@njit(cache=True)
def _wave(turns: float) -> float:
    """A sine of period 1 made of two parabolas, since libm's sine differs between machines."""
    t = turns - np.floor(turns)
    if t < 0.5:
        return 16.0 * t * (0.5 - t)
    return -16.0 * (t - 0.5) * (1.0 - t)


@njit(cache=True)
def _pose(
    key: int, forms: npt.NDArray[np.float64], starts: npt.NDArray[np.bool_], knots: npt.NDArray[np.float64]
) -> None:
    """Blend the two forms of a skeleton, shape (2, n, 2), into its knots, shape (n, 2), each a little off its place."""
    blend = 0.5 + _BLEND * (uniform(key, _FORM) - 0.5)
    n = len(knots)
    for i in range(n):
        wobble = _END_WOBBLE_BELL if starts[i] or i + 1 == n or starts[i + 1] else _WOBBLE_BELL
        for axis in range(2):
            exact = forms[0, i, axis] + blend * (forms[1, i, axis] - forms[0, i, axis])
            knots[i, axis] = exact + wobble * _bell(key, _POINT + 2 * i + axis)


@njit(cache=True)
def _bend(key: int, path: npt.NDArray[np.float64]) -> None:
    """Slant, taper, warp and turn a path, in place."""
    slant = _SLANT + _SLANT_BELL * _bell(key, _LEAN)
    aspect = _ASPECT + _ASPECT_BELL * _bell(key, _WIDTH)
    half = _TURN_BELL * _bell(key, _TURN)  # the tangent of half the angle
    cosine, sine = (1.0 - half * half) / (1.0 + half * half), 2.0 * half / (1.0 + half * half)
    taper, balance = _TAPER_BELL * _bell(key, _TAPER), _BALANCE_BELL * _bell(key, _BALANCE)
    across, down = _WARP_BELL * _bell(key, _WARP), _WARP_BELL * _bell(key, _WARP + 1)
    rate_across, rate_down = 0.4 + 0.9 * uniform(key, _WARP + 2), 0.4 + 0.9 * uniform(key, _WARP + 3)
    phase_across, phase_down = uniform(key, _WARP + 4), uniform(key, _WARP + 5)
    for i in range(len(path)):
        y = path[i, 1] - 0.5
        x = aspect * (path[i, 0] - 0.3) * (1.0 + taper * y) - slant * y
        y += balance * (0.25 - y * y)
        x, y = x + across * _wave(rate_across * y + phase_across), y + down * _wave(rate_down * x + phase_down)
        path[i, 0], path[i, 1] = cosine * x - sine * y, sine * x + cosine * y


@njit(cache=True, nogil=True)
def draw(
    symbols: npt.NDArray[np.int64],
    seed: int,
    strokes: StrokeTable,
    images: npt.NDArray[np.uint8],
) -> None:
    """Draw glyph i of `seed` into images[i], shape (n, size, size), all zero before."""
    size, longest = images.shape[1], strokes.points.shape[2]
    pixel = size / 28.0
    all_knots, field = np.empty((longest, 2)), np.empty((size, size))
    all_path, all_lifted = np.empty((longest * PIECES, 2)), np.empty(longest * PIECES, dtype=np.bool_)
    for glyph in range(len(symbols)):
        key = mix(seed, glyph)
        skeleton, share = strokes.first[symbols[glyph]], uniform(key, _SKELETON)
        while share >= strokes.upto[skeleton]:
            skeleton += 1
        n = strokes.length[skeleton]
        knots = all_knots[:n]
        _pose(key, strokes.points[skeleton, :, :n], strokes.starts[skeleton], knots)
        count = trace(knots, strokes.starts[skeleton], strokes.corners[skeleton], all_path, all_lifted)
        path, lifted = all_path[:count], all_lifted[:count]
        _bend(key, path)
        root = max(_PEN_LEAST, 1.0 + _PEN_BELL * _bell(key, _PEN_WIDTH))
        pen = _PEN * root * root * pixel
        box = (_BOX_LOW + (_BOX_HIGH - _BOX_LOW) * uniform(key, _BOX)) * pixel
        fit(path, box - pen, (size - 1) / 2.0 + uniform(key, _OFFSET) - 0.5)
        soft = (_SOFT_LOW + (_SOFT_HIGH - _SOFT_LOW) * uniform(key, _SOFTNESS)) * pixel
        ink(path, lifted, pen, _PRESSURE_BELL * _bell(key, _PRESSURE), soft, field)
        expose(field, images[glyph])


def draw_glyphs(symbols: npt.NDArray[np.int64], *, seed: int, size: int = 28) -> npt.NDArray[np.uint8]:
    """Draw handwriting-like symbols, white on black.

    Glyph i is a pure function of (seed, i, symbols[i], size), whatever the other symbols are and however many.

    Args:
        symbols: int64, shape (n,): indices into `SYMBOLS`, 0 to 9 the digits, 10 to 35 the letters a to z.
        seed: In [0, 2**63); different seeds give unrelated glyphs.
        size: Side of the square images in pixels, in [8, 512]; the ink's longer side is about 5/7 of it.

    Returns:
        uint8, shape (n, size, size).

    Raises:
        ValueError: If a symbol, the seed or the size is out of range, or `symbols` is not a 1-D integer array.
        TypeError: If the seed or the size is not an integer.
    """
    symbols, seed, size = np.asarray(symbols), index(seed), index(size)
    if symbols.ndim != 1 or not np.issubdtype(symbols.dtype, np.integer):
        raise ValueError(
            f"symbols must be a 1-D integer array, got {symbols.dtype} with shape {symbols.shape}; "
            "give indices into glimpse_env.sources.glyphs.SYMBOLS"
        )
    if symbols.size and not (symbols.min() >= 0 and symbols.max() < len(SYMBOLS)):
        raise ValueError(
            f"symbols lie in [{symbols.min()}, {symbols.max()}], but must lie in [0, {len(SYMBOLS) - 1}]: "
            "0 to 9 are the digits, 10 to 35 the letters a to z"
        )
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed={seed} must lie in [0, 2**63); choose a seed that is not negative")
    if not _SMALLEST <= size <= _LARGEST:
        raise ValueError(f"size={size} must lie in [{_SMALLEST}, {_LARGEST}] pixels; 28 is MNIST's")
    images = np.zeros((len(symbols), size, size), dtype=np.uint8)
    draw(symbols.astype(np.int64), seed, _STROKES, images)
    return images


@njit(cache=True)
def shuffle(values: npt.NDArray[np.int64], seed: int) -> None:
    """Fisher and Yates's shuffle, in place; numpy's own may change between its versions."""
    for i in range(len(values) - 1, 0, -1):
        j = below(seed, i, i + 1)
        values[i], values[j] = values[j], values[i]


def _load(split: Split) -> ImageSet:
    seed, n = _SPLIT_SEEDS[split], _SPLIT_SIZES[split]
    labels = np.arange(n, dtype=np.int64) % len(DIGITS)
    shuffle(labels, seed)
    return ImageSet(draw_glyphs(labels, seed=seed), labels)


def digits() -> Source:
    """The bundled digits: 55,000 training, 5,000 validation and 10,000 test images, each split drawn at its first use.

    Labels are balanced and in a fixed shuffled order; the splits are drawn from different seeds.
    """
    return Source("digits", tuple(DIGITS), _load)
