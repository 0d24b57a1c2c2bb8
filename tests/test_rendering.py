"""Pictures say where the eye is, what it covers and who was right, and never more than the episode has told."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse_env import rendering
from glimpse_env.env import GlimpseEnv
from glimpse_env.rendering import Panel, picture, windows
from glimpse_env.retina import reference, window_start
from glimpse_env.sources.arrays import arrays
from glimpse_env.task import Task

_RANDOM = np.random.default_rng(0)
_IMAGES = _RANDOM.integers(0, 256, (20, 20, 30), np.uint8)
_LABELS = np.arange(20) // 10  # the test split holds images 9 and 19: one of each class


def make(images: Any = _IMAGES, labels: Any = _LABELS, **task: Any) -> GlimpseEnv:
    keywords = {"canvas": (40, 60), "patch": 6, "render_mode": "rgb_array", "split": "test", "action_mode": "hybrid"}
    return GlimpseEnv(source=(images, labels), **{**keywords, **task})


def look(env: GlimpseEnv, row: float, column: float, zoom: int | None = None, answer: int | None = None) -> bool:
    action: dict[str, Any] = {"gaze": np.array([row, column], np.float32), "symbol": answer or 0}
    if env.task.stopping:
        action["speak"] = int(answer is not None)
    if len(env.task.zooms) > 1:
        action["zoom"] = zoom or 0
    return env.step(action)[2]


def shown(env: GlimpseEnv) -> np.ndarray:
    image = env.render()
    assert image is not None
    return image


@pytest.mark.parametrize("scales", [(1,), (1, 2), (1, 2, 4), (1, 2, 3, 5)])
@pytest.mark.parametrize("colour", [False, True])
def test_a_picture_keeps_its_size_all_through_an_episode(scales: tuple[int, ...], colour: bool) -> None:
    images = np.stack([_IMAGES, 255 - _IMAGES, _IMAGES // 2], axis=-1) if colour else _IMAGES
    env = make(images, scales=scales, zooms=(1, 3), budget=12)
    env.reset(seed=0)
    first = shown(env)
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    assert min(first.shape[0] * 60 / 40, first.shape[1]) >= 360
    for k in range(11):
        look(env, -1.0 + k / 5, 1.0 - k / 5, k % 2)
        assert shown(env).shape == first.shape
    assert look(env, 0, 0, answer=1)
    assert shown(env).shape == first.shape


def test_nothing_is_kept_for_pictures_that_nobody_asked_for() -> None:
    env = make(render_mode=None)
    env.reset(seed=0)
    look(env, 0, 0)
    assert env.render() is None
    assert env._path == []


def test_every_gaze_has_its_dot_coloured_by_time() -> None:
    env = make(zooms=(1,))
    env.reset(seed=0)
    gazes = [(-0.9, -0.9), (0.3, 0.1), (0.9, 0.9)]
    for gaze in gazes:
        look(env, *gaze)
    image = shown(env)
    panel, dots = Panel(40, 60), []
    for gaze in gazes:
        row = ((gaze[0] + 1) / 2 * 39 + panel.margin + 0.5) * panel.zoom
        column = ((gaze[1] + 1) / 2 * 59 + panel.margin + 0.5) * panel.zoom
        beside_the_number = tuple(image[round(row), round(column - 3.5 * panel.unit)].tolist())
        assert max(beside_the_number) > 100
        dots.append(beside_the_number)
    assert len(set(dots)) == 3
    assert dots[2] == rendering.SCALE_COLOURS[0]


@given(
    gaze=st.tuples(*[st.floats(-1, 1, width=32)] * 2),
    zoom=st.integers(0, 2),
    height=st.integers(8, 70),
    width=st.integers(8, 70),
    patch=st.integers(1, 8),
)
@settings(max_examples=200, deadline=None)
def test_windows_are_the_retinas(gaze: tuple[float, float], zoom: int, height: int, width: int, patch: int) -> None:
    task = Task(patch=patch, scales=(1, 2, 5), zooms=(1, 2, 3))
    canvas = np.arange(height * width).reshape(height, width, 1).astype(np.uint8)
    observed = np.array([*gaze, zoom - 1.0], np.float32)
    for k, (top, left, side) in enumerate(windows(observed, task, height, width)):
        factor = task.scales[k] * task.zooms[zoom]
        assert side == patch * factor
        assert (top, left) == (window_start(gaze[0], height, side), window_start(gaze[1], width, side))
        padded = np.pad(canvas[..., 0] / 255, side)
        inside = padded[top + side : top + 2 * side, left + side : left + 2 * side]
        means = inside.reshape(patch, factor, patch, factor).mean(axis=(1, 3))
        np.testing.assert_allclose(reference(canvas, *gaze, (factor,), patch)[0], means, atol=1e-6)


def test_the_outline_lies_on_the_outermost_pixels_of_the_window() -> None:
    env = make(scales=(1,), zooms=(2,))
    env.reset(seed=0)
    look(env, 0.0, 0.0)
    latest, panel = env._path[-1], Panel(40, 60)
    assert windows(latest["gaze"], env.task, 40, 60) == [(14, 24, 12)]
    image = rendering.scene(env.canvas(), [latest], env.task, panel)
    found = np.argwhere((image == rendering.SCALE_COLOURS[0]).all(axis=2))
    top, left = panel.corner(14, 24)
    assert found.min(axis=0).tolist() == [top, left]
    assert found.max(axis=0).tolist() == [top + 12 * panel.zoom - 1, left + 12 * panel.zoom - 1]


def test_a_trail_has_the_finest_window_of_every_glimpse() -> None:
    env = make(scales=(1, 2), zooms=(1,))
    env.reset(seed=0)
    look(env, -0.5, -0.5)
    look(env, 0.5, 0.5)
    path, panel = env._path[1:], Panel(40, 60)
    image = rendering.scene(env.canvas(), path, env.task, panel, trail=True)
    outlines = {(75, 100, 190), rendering.SCALE_COLOURS[0]}  # the first colour of time, and the last
    for seen in path:
        finest, coarse = (panel.corner(*window[:2]) for window in windows(seen["gaze"], env.task, 40, 60))
        assert tuple(image[finest].tolist()) in outlines
        assert tuple(image[coarse].tolist()) not in outlines


@given(row=st.floats(-1, 1), column=st.floats(-1, 1))
def test_a_place_on_the_picture_gives_its_gaze_back(row: float, column: float) -> None:
    panel = Panel(40, 60)
    assert panel.gaze(*panel.place(np.array([row, column]))) == pytest.approx((row, column), abs=1e-9)


def test_a_place_outside_the_scene_is_its_border() -> None:
    assert Panel(40, 60).gaze(-5, 10_000) == (-1.0, 1.0)


def test_what_was_seen_is_brighter() -> None:
    white = np.full((20, 20, 30), 255, np.uint8)
    env = make(white, canvas=(20, 30), zooms=(1,), patch=4)
    env.reset(seed=0)
    look(env, -1.0, -1.0)
    image, panel = shown(env), Panel(20, 30)
    seen, unseen = (image[tuple(np.add(panel.corner(*place), panel.zoom // 2))] for place in ((1, 0), (19, 0)))
    assert seen.min() > unseen.max() + 50


def test_the_patches_are_what_the_agent_sees() -> None:
    env = make(canvas=(20, 30), zooms=(1,), patch=4, scales=(1,))
    env.reset(seed=0)
    look(env, 0.1, 0.1)
    image, panel = shown(env), Panel(20, 30)
    top, left, side = panel.corner(0, 0)[0], panel.shape[1], 88 * panel.unit
    for row in range(4):
        for column in range(4):
            y, x = (round((place + 0.5) * side / 4) for place in (row, column))
            expected = round(float(env._path[-1]["glimpse"][0, row, column]) * 255)
            assert image[top + y, left + x].tolist() == [expected] * 3


def colours(image: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(colour) for colour in np.unique(image.reshape(-1, 3), axis=0).tolist()}


@pytest.mark.parametrize("stopping", [True, False])
def test_the_answer_is_green_or_red_at_the_end_and_neither_before(stopping: bool) -> None:
    for answer, expected, other in ((0, rendering.RIGHT, rendering.WRONG), (1, rendering.WRONG, rendering.RIGHT)):
        env = make(stopping=stopping, budget=2)
        env.reset(seed=0, options={"index": 0})
        look(env, 0, 0, answer=None if stopping else answer)
        assert not {expected, other} & colours(shown(env))
        assert look(env, 0, 0, answer=answer)
        assert expected in colours(shown(env))
        assert other not in colours(shown(env))


def test_an_episode_that_ends_without_an_answer_is_wrong() -> None:
    env = make(budget=1)
    env.reset(seed=0)
    assert look(env, 0, 0)
    assert rendering.WRONG in colours(shown(env))


def test_the_label_shows_at_the_end_and_never_before() -> None:
    pair = [make(labels=labels, stopping=False, budget=3) for labels in (_LABELS, 1 - _LABELS)]
    for env in pair:
        env.reset(seed=0, options={"index": 0})
    for k in range(3):
        assert np.array_equal(*map(shown, pair))
        ended = [look(env, k / 3, -k / 3, k, answer=1) for env in pair]
    assert all(ended)
    assert not np.array_equal(*map(shown, pair))


def test_class_names_of_any_length_and_script_fit() -> None:
    source = arrays(_IMAGES, _LABELS, class_names=("a very long name of a class indeed", "Ångström"))
    env = GlimpseEnv(source=source, split="test", render_mode="rgb_array")
    observation, _ = env.reset(seed=0)
    for name in source.classes:
        image = picture(env.canvas(), [observation], env.task, answer=name, label=name)
        assert image.shape == shown(env).shape


def test_the_viewer_shows_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = pytest.importorskip("pygame")
    env = make(render_mode="human")
    env.metadata = {**env.metadata, "render_fps": 1000}
    env.reset(seed=0)
    look(env, 0.5, 0.5)
    assert env.render() is None
    on_screen = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
    assert np.array_equal(on_screen, env._picture())
    env.close()
    assert not pygame.display.get_init()
    env.close()


def test_without_pygame_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(ImportError, match=r'pip install "glimpse_env\[play\]"'):
        make(render_mode="human").reset(seed=0)
