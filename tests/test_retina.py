"""The kernel against the plain reference; the reference against pictures small enough to check by eye."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glimpse_env import retina
from glimpse_env import state as s
from glimpse_env.bank import Bank
from glimpse_env.simd import OVERHANG
from glimpse_env.task import Task

WIDEST = 240  # pixels of a window's side, so that the reference stays quick
MARK = 77  # stands where nothing may be written


class Scene(NamedTuple):
    config: np.ndarray
    bank: np.ndarray
    sprites: np.ndarray

    @property
    def canvas(self) -> np.ndarray:
        height, width, channels = self.config[[s.CANVAS_HEIGHT, s.CANVAS_WIDTH, s.CHANNELS]].tolist()
        return retina.compose(self.bank, self.sprites[-1], height, width, channels)


def make_scene(
    canvas: tuple[int, int],
    boxes: list[tuple[int, int, int, int]],
    *,
    channels: int = 1,
    patch: int,
    scales: tuple[int, ...] = (1,),
    zooms: tuple[int, ...] = (1,),
    seed: int = 0,
) -> Scene:
    """Sprites (top, left, height, width) that are crops of larger images, in a bank that is noise to its last byte."""
    random = np.random.default_rng(seed)
    sprites = np.zeros((2, len(boxes), s.SPRITE_COLUMNS), np.int64)
    used = 0
    for k, (top, left, height, width) in enumerate(boxes):
        pitch, plane = width + int(random.integers(5)), (height + 2) * (width + 5)
        sprites[1, k, : s.CLASS] = used + random.integers(5), pitch, plane, height, width, top, left
        used += 5 + channels * plane
    bank = random.choice(np.array([0, 1, 128, 254, 255], np.uint8), used + 2 * OVERHANG)
    table = np.array([[0, 1, 1, 0]])
    task = Task(canvas=canvas, patch=patch, scales=scales, zooms=zooms)
    book = np.zeros((0, 1, 1), np.int64)
    config = task.config(Bank(bank, table, book, channels), ("0",))
    config[s.STROKES] = len(boxes)
    return Scene(config, bank, sprites)


def look(scene: Scene, row: float, column: float, zoom: int) -> np.ndarray:
    """What the kernel sees in lane 1, and that it writes nowhere else."""
    patch, channels, scales = scene.config[[s.PATCH, s.CHANNELS, s.SCALES]].tolist()
    at, count = 3, scales * channels * patch * patch
    out = np.full(at + count + 40, MARK, np.float32)
    size = retina.scratch(scene.config, 1)[0].shape[1]
    window, sums = np.full(size + 64, MARK, np.uint8), np.full(size + 64, MARK, np.uint16)
    seen = (row, column, zoom, scene.config)
    retina.glimpse(out, at, scene.bank, scene.sprites, 1, *seen, window[:size], sums[:size])
    for buffer, begin, end in ((out, at, at + count), (window, 0, size), (sums, 0, size)):
        assert (buffer[:begin] == MARK).all()
        assert (buffer[end:] == MARK).all()
    return out[at : at + count].reshape(scales * channels, patch, patch)


def assert_kernel_is_reference(scene: Scene, row: float, column: float) -> None:
    zooms, scales = scene.config[[s.ZOOMS, s.SCALES]].tolist()
    lists = scene.config[s.LISTS :].tolist()
    for k, zoom in enumerate(lists[:zooms]):
        factors = tuple(scale * zoom for scale in lists[zooms:])
        assert len(factors) == scales
        expected = retina.reference(scene.canvas, row, column, factors, int(scene.config[s.PATCH]))
        np.testing.assert_array_equal(look(scene, row, column, k), expected)


@st.composite
def gazes(draw: st.DrawFn, pixels: int) -> float:
    """Anywhere, far past the border too; and on, just before and just after what rounding distinguishes."""
    if draw(st.booleans()) or pixels == 1:
        return draw(st.sampled_from([-1.0, 0.0, 1.0]) | st.floats(-3, 3))
    half_pixels = draw(st.integers(-2, 2 * pixels))
    return float(np.nextafter(half_pixels / (pixels - 1) - 1, draw(st.sampled_from([-9.0, 0.0, 9.0]))))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Scene, float, float]:
    canvas = (draw(st.integers(1, 45)), draw(st.integers(1, 45)))
    zooms = tuple(sorted(draw(st.sets(st.sampled_from([1, 2, 3, 4, 5, 8, 16]), min_size=1))))
    scales = tuple(sorted(draw(st.sets(st.sampled_from([1, 2, 3, 4, 8]), min_size=1))))
    most = max(1, min(*canvas, 20, WIDEST // (zooms[-1] * scales[-1])))
    box = st.tuples(st.integers(-30, 50), st.integers(-30, 50), st.integers(0, 40), st.integers(1, 70))
    scene = make_scene(
        canvas,
        draw(st.lists(box, max_size=5)),
        channels=draw(st.sampled_from([1, 3])),
        patch=draw(st.integers(1, most)),
        scales=scales,
        zooms=zooms,
        seed=draw(st.integers(0, 2**32 - 1)),
    )
    return scene, draw(gazes(canvas[0])), draw(gazes(canvas[1]))


@given(scenes())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_kernel_equals_reference(given_scene: tuple[Scene, float, float]) -> None:
    assert_kernel_is_reference(*given_scene)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("patch", [*range(1, 9), 12, 15, 16, 17, 20, 32])
@pytest.mark.parametrize(("scales", "zooms"), [((1,), (1, 2, 4)), ((1, 2, 4), (1,)), ((1, 3), (1, 2)), ((2, 4), (4,))])
def test_kernel_equals_reference_at_every_border(
    patch: int, channels: int, scales: tuple[int, ...], zooms: tuple[int, ...]
) -> None:
    boxes = [(-3, -2, 30, 31), (10, 5, 28, 28), (20, 30, 33, 70), (0, 40, 8, 8)]
    scene = make_scene((37, 58), boxes, channels=channels, patch=patch, scales=scales, zooms=zooms)
    for row in (-1.5, -1.0, 0.1, 1.0, 1.5):
        for column in (-1.5, -1.0, -0.3, 1.0, 1.5):
            assert_kernel_is_reference(scene, row, column)


def test_even_windows_nest_where_the_gaze_is_a_hair_from_a_pixel() -> None:
    scene = make_scene((60, 60), [(0, 0, 60, 60)], patch=12, scales=(1, 2, 4, 8))
    assert scene.config[s.PYRAMID]
    for pixel in range(60):
        for towards in (-9.0, 0.0, 9.0):
            gaze = float(np.nextafter(2 * pixel / 59 - 1, towards))
            assert_kernel_is_reference(scene, gaze, gaze)


@pytest.mark.parametrize(
    ("patch", "scales", "zooms", "fast"),
    [
        (12, (1, 2, 4), (1,), True),
        (4, (1,), (1, 16), True),
        (8, (2, 4), (1, 4), True),
        (2, (1, 2), (1,), False),
        (5, (1, 2), (1,), False),
        (12, (1, 3), (1,), False),
        (12, (1,), (1, 5), False),
        (4, (4,), (8,), False),
    ],
)
def test_the_fast_path_is_taken_where_windows_nest(
    patch: int, scales: tuple[int, ...], zooms: tuple[int, ...], fast: bool
) -> None:
    assert bool(make_scene((30, 30), [], patch=patch, scales=scales, zooms=zooms).config[s.PYRAMID]) is fast


@given(scenes())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_canvas_kernel_equals_compose(given_scene: tuple[Scene, float, float]) -> None:
    scene = given_scene[0]
    height, width, channels = scene.canvas.shape
    out, plane = np.full((3, channels, height * width), MARK, np.uint8), np.empty(height * width + OVERHANG, np.uint8)
    retina.canvas(out, plane, scene.bank, scene.sprites, 1, scene.config)
    np.testing.assert_array_equal(out[1].reshape(channels, height, width), scene.canvas.transpose(2, 0, 1))
    assert (out[[0, 2]] == MARK).all()


def test_sprites_are_added_and_clipped_not_pasted() -> None:
    bank = np.array([100, 200, 255, 0, 100, 100], np.uint8)
    columns = {s.ROW: 3, s.PLANE: 6, s.HEIGHT: 1, s.WIDTH: 3}
    sprites = np.zeros((2, s.SPRITE_COLUMNS), np.int64)
    for column, value in columns.items():
        sprites[:, column] = value
    sprites[1, s.OFFSET], sprites[1, s.LEFT] = 3, 1
    assert retina.compose(bank, sprites, 2, 5, 1)[..., 0].tolist() == [[100, 200, 255, 100, 0], [0] * 5]


def test_the_reference_by_hand() -> None:
    canvas = np.arange(16, dtype=np.uint8).reshape(4, 4, 1)
    unit = np.float32(255)
    # The first pixel itself; an odd window around it, padded with zeros; the middle of the canvas.
    np.testing.assert_allclose(retina.reference(canvas, -1, -1, (1,), 1) * unit, [[[0]]], rtol=1e-6)
    np.testing.assert_allclose(
        retina.reference(canvas, -1, -1, (1,), 3) * unit, [[[0, 0, 0], [0, 0, 1], [0, 4, 5]]], rtol=1e-6
    )
    np.testing.assert_allclose(retina.reference(canvas, 0, 0, (1,), 2) * unit, [[[5, 6], [9, 10]]], rtol=1e-6)
    # Two scales at once; the wide one averages 2x2 blocks.
    np.testing.assert_allclose(
        retina.reference(canvas, 0, 0, (1, 2), 2) * unit,
        [[[5, 6], [9, 10]], [[2.5, 4.5], [10.5, 12.5]]],
        rtol=1e-6,
    )
    # Row before column: the bottom-left pixel.
    np.testing.assert_allclose(retina.reference(canvas, 1, -1, (1,), 1) * unit, [[[12]]], rtol=1e-6)
    # Far away there is nothing.
    assert not retina.reference(canvas + 1, 9, -9, (3,), 2).any()


def test_colours_are_planes_within_a_scale() -> None:
    canvas = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 3)
    seen = retina.reference(canvas, 0, 0, (1, 2), 2)
    assert seen.shape == (6, 2, 2)
    np.testing.assert_allclose(seen[:3] * np.float32(255), canvas.transpose(2, 0, 1), rtol=1e-6)
    np.testing.assert_array_equal(seen[3:, 0, 0], canvas[0, 0] / np.float32(4 * 255))
