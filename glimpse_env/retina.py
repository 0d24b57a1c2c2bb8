"""What the eye sees: sprites summed, clipped at 255, padded with zeros and averaged down; the canvas is never built.

A gaze is (row, column) in [-1, 1], the outermost pixel centres of the canvas. The window of a scale is a square of
`patch * scale * zoom` pixels, whole pixels, whose middle lies nearest to the gaze; what lies past the canvas is zero.
Each of its `scale * zoom` square blocks is averaged to one number in [0, 1], so every scale gives patch x patch
numbers.

`glimpse` is the kernel. `compose` and `reference` say the same in plain numpy, for tests and pictures.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.simd import OVERHANG, add_pairs, add_saturated, prefetch, scale_row

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

_TALL = 64  # rows


@kernel()
def window_start(gaze: float, canvas: int, window: int) -> int:
    """First row (or column) of a window of `window` pixels around a gaze in [-1, 1] on `canvas` pixels."""
    centre = (gaze + 1.0) * 0.5 * (canvas - 1)
    # Whole numbers are taken off after rounding, so that windows of every even width round alike and nest.
    return np.int64(np.floor(centre + (1.0 - 0.5 * (window % 2)))) - window // 2  # type: ignore[return-value]


def scratch(config: Ints, threads: int) -> tuple[Bytes, npt.NDArray[np.uint16]]:
    """What `glimpse` works in: uint8 and uint16, each (threads, pixels of the widest window and its margins)."""
    zooms, scales = np.split(config[s.LISTS :], [config[s.ZOOMS]])
    size = int(config[s.PATCH] * zooms.max() * scales.max()) ** 2 + 2 * OVERHANG
    return np.empty((threads, size), np.uint8), np.empty((threads, size), np.uint16)


@kernel()
def fetch(bank: Bytes, sprites: Ints, lane: int, config: Ints) -> None:
    """Set the pixels of a scene on their way before it is looked at: images drawn at random lie in no cache.

    Of a tall image a glimpse covers so few rows that fetching all would cost more than waiting for those.
    """
    for k in range(config[s.STROKES]):
        height = sprites[lane, k, s.HEIGHT]
        for row in range(height if height <= _TALL else 0):
            prefetch(bank, sprites[lane, k, s.OFFSET] + row * sprites[lane, k, s.ROW])


@kernel()
def _fill(
    window: Bytes,
    height: int,
    width: int,
    top: int,
    left: int,
    channel: int,
    bank: Bytes,
    sprites: Ints,
    lane: int,
    first: int,
    last: int,
    config: Ints,
) -> None:
    """Sum sprites `first` to `last` of a lane into the height x width window with its corner at (top, left)."""
    window[: height * width] = 0
    bottom = min(top + height, config[s.CANVAS_HEIGHT])
    right = min(left + width, config[s.CANVAS_WIDTH])
    first_row, first_column = max(top, 0), max(left, 0)
    for k in range(first, last):
        y, x = sprites[lane, k, s.TOP], sprites[lane, k, s.LEFT]
        row0, row1 = max(y, first_row), min(y + sprites[lane, k, s.HEIGHT], bottom)
        column0, column1 = max(x, first_column), min(x + sprites[lane, k, s.WIDTH], right)
        if row0 >= row1 or column0 >= column1:
            continue
        pitch = sprites[lane, k, s.ROW]
        source = sprites[lane, k, s.OFFSET] + channel * sprites[lane, k, s.PLANE] + (row0 - y) * pitch + column0 - x
        target = (row0 - top) * width + column0 - left
        count = column1 - column0
        for _ in range(row1 - row0):
            for done in range(0, count, 32):
                add_saturated(window, target + done, bank, source + done, count - done)
            source += pitch
            target += width


@kernel()
def _emit(out: Floats, at: int, level: npt.NDArray[np.unsignedinteger], side: int, patch: int, factor: int) -> None:
    """Write the middle patch x patch of a level (side x side sums of factor x factor pixels) as means in [0, 1]."""
    unit = np.float32(1.0 / (255.0 * factor * factor))
    margin = (side - patch) // 2
    if side == patch:  # one contiguous block
        for done in range(0, patch * patch, 16):
            scale_row(out, at + done, level, done, patch * patch - done, unit)
        return
    for row in range(patch):
        start = (margin + row) * side + margin
        for done in range(0, patch, 16):
            scale_row(out, at + row * patch + done, level, start + done, patch - done, unit)


@kernel()
def _halve(target: npt.NDArray[np.uint16], source: npt.NDArray[np.unsignedinteger], side: int) -> None:
    """Sum the 2x2 blocks of side x side numbers; in place is allowed, as it never reads behind what it writes."""
    half = side // 2
    for row in range(half):
        for done in range(0, half, 16):
            add_pairs(target, row * half + done, source, 2 * row * side + 2 * done, side)


@kernel()
def _block_means(
    out: Floats, at: int, window: Bytes, side: int, start_row: int, start_column: int, patch: int, factor: int
) -> None:
    """The general path: means of factor x factor blocks, any factor, any patch."""
    unit = np.float32(1.0 / (255.0 * factor * factor))
    for row in range(patch):
        for column in range(patch):
            total = 0
            for i in range(factor):
                base = (start_row + row * factor + i) * side + start_column + column * factor
                for j in range(factor):
                    total += window[base + j]
            out[at + row * patch + column] = np.float32(total) * unit


@kernel()
def glimpse(
    out: Floats,
    at: int,
    bank: Bytes,
    sprites: Ints,
    lane: int,
    row: float,
    column: float,
    zoom: int,
    config: Ints,
    window: Bytes,
    sums: npt.NDArray[np.uint16],
) -> None:
    """Look at one scene and, where the agent draws, at the same place of its own canvas.

    Args:
        out: float32, flat, written from `at` on: scales * channels * patch * patch numbers, scale by scale, in each
            channel by channel; then as many of the canvas.
        at: Where in `out` to begin.
        bank: uint8, (pixels,), with a margin of `OVERHANG`.
        sprites: int64, (lanes, sprites, 10), see `glimpse_env.state`.
        lane: Whose scene.
        row: Gaze in [-1, 1].
        column: Gaze in [-1, 1].
        zoom: Index into the task's zooms.
        config: int64, the task, see `glimpse_env.state`.
        window: A row of the first `scratch`.
        sums: A row of the second `scratch`.
    """
    patch, channels, scales = config[s.PATCH], config[s.CHANNELS], config[s.SCALES]
    height, width = config[s.CANVAS_HEIGHT], config[s.CANVAS_WIDTH]
    magnification = config[s.LISTS + zoom]
    first_scale = s.LISTS + config[s.ZOOMS]
    widest = 0
    for k in range(scales):
        widest = max(widest, config[first_scale + k] * magnification)
    side = patch * widest
    top, left = window_start(row, height, side), window_start(column, width, side)
    area = patch * patch
    # One loop, not a call for each of the two: a second call site keeps the callers from being inlined, and costs 20 %.
    for plane in range(channels * (2 if config[s.SPEECH] == s.DRAWING else 1)):
        drawn, channel = divmod(plane, channels)
        first, last = (config[s.STROKES], sprites.shape[1]) if drawn else (0, config[s.STROKES])
        start = at + drawn * scales * channels * area
        _fill(window, side, side, top, left, channel, bank, sprites, lane, first, last, config)
        if not config[s.PYRAMID]:
            for k in range(scales):
                factor = config[first_scale + k] * magnification
                start_row = window_start(row, height, patch * factor) - top
                start_column = window_start(column, width, patch * factor) - left
                place = start + (k * channels + channel) * area
                _block_means(out, place, window, side, start_row, start_column, patch, factor)
            continue
        factor = 1
        while factor <= widest:
            for k in range(scales):
                if config[first_scale + k] * magnification == factor:
                    place = start + (k * channels + channel) * area
                    if factor == 1:
                        _emit(out, place, window, side, patch, 1)
                    else:
                        _emit(out, place, sums, side // factor, patch, factor)
            if factor == 1:
                if widest > 1:
                    _halve(sums, window, side)
            elif factor < widest:
                _halve(sums, sums, side // factor)
            factor *= 2


@kernel()
def canvas(out: Bytes, plane: Bytes, bank: Bytes, sprites: Ints, lane: int, config: Ints) -> None:
    """The whole hidden scene of one lane, by the sum a glimpse takes.

    Args:
        out: uint8, (lanes, channels, height * width); the lane's entries are written.
        plane: uint8 to work in, (height * width + `OVERHANG`,).
        bank: As for `glimpse`.
        sprites: As for `glimpse`.
        lane: Whose scene.
        config: As for `glimpse`.
    """
    height, width = config[s.CANVAS_HEIGHT], config[s.CANVAS_WIDTH]
    for channel in range(config[s.CHANNELS]):
        _fill(plane, height, width, 0, 0, channel, bank, sprites, lane, 0, config[s.STROKES], config)
        for pixel in range(height * width):
            out[lane, channel, pixel] = plane[pixel]


def compose(bank: Bytes, sprites: Ints, height: int, width: int, channels: int) -> Bytes:
    """The whole canvas of one scene: the sum of its sprites, clipped at 255, uint8, (height, width, channels)."""
    canvas = np.zeros((height, width, channels), np.int64)
    for sprite in sprites:
        y, x = sprite[s.TOP], sprite[s.LEFT]
        rows = np.arange(max(y, 0), min(y + sprite[s.HEIGHT], height))
        columns = np.arange(max(x, 0), min(x + sprite[s.WIDTH], width))
        places = sprite[s.OFFSET] + (rows[:, None] - y) * sprite[s.ROW] + columns[None, :] - x
        for channel in range(channels):
            canvas[rows[:, None], columns[None, :], channel] += bank[places + channel * sprite[s.PLANE]]
    return np.minimum(canvas, 255).astype(np.uint8)


def reference(canvas: Bytes, row: float, column: float, factors: tuple[int, ...], patch: int) -> Floats:
    """The glimpse that `glimpse` must equal bit for bit, in plain numpy: pad, crop, average.

    Args:
        canvas: uint8, (height, width, channels).
        row: Gaze in [-1, 1].
        column: Gaze in [-1, 1].
        factors: scale * zoom of each scale.
        patch: Side of the patch.

    Returns:
        float32, (scales * channels, patch, patch), in [0, 1].
    """
    height, width, channels = canvas.shape
    patches = []
    for factor in factors:
        side = patch * factor
        padded = np.pad(canvas, ((side, side), (side, side), (0, 0)))
        nearest = 0.5 if side % 2 else 1.0
        top, left = (
            int(np.clip(np.floor((gaze + 1) / 2 * (size - 1) + nearest) - side // 2, -side, size)) + side
            for gaze, size in ((row, height), (column, width))
        )
        crop = padded[top : top + side, left : left + side].astype(np.int64)
        sums = crop.reshape(patch, factor, patch, factor, channels).sum(axis=(1, 3))
        patches.append(sums.transpose(2, 0, 1).astype(np.float32) * np.float32(1.0 / (255.0 * factor * factor)))
    return np.concatenate(patches)
