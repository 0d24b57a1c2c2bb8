"""A person plays by clicks and keys; pygame runs without a screen."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from glimpse_env import play as game
from glimpse_env import rendering
from glimpse_env import state as s
from glimpse_env.env import GlimpseEnv
from glimpse_env.rendering import Panel

pygame = pytest.importorskip("pygame")
_PANEL = Panel(60, 60, 480)


@pytest.fixture(autouse=True)
def canvases(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """No screen, no waiting; gives the scenes that were drawn."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    drawn: list[np.ndarray] = []

    def picture(canvas: np.ndarray, *args: Any, **kwargs: Any) -> np.ndarray:
        drawn.append(canvas)
        return rendering.picture(canvas, *args, **kwargs)

    monkeypatch.setattr(game, "picture", picture)
    monkeypatch.setattr(rendering.Viewer, "show", lambda viewer, picture: None)
    return drawn


def make(name: str, **task: Any) -> GlimpseEnv:
    env = gym.make(name, action_mode="hybrid", **task).unwrapped
    assert isinstance(env, GlimpseEnv)
    return env


def click(row: float, column: float) -> Any:
    y, x = _PANEL.place(np.array([row, column]))
    return pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=(round(x), round(y)))


def press(character: str) -> Any:
    return pygame.event.Event(pygame.KEYDOWN, key=ord(character), unicode=character)


def post(*events: Any) -> None:
    pygame.display.init()
    pygame.event.clear()
    for event in events:
        pygame.event.post(event)


def run(env: GlimpseEnv, *events: Any) -> tuple[int, int]:
    post(*events, pygame.event.Event(pygame.QUIT))
    return game.play(env, seed=0)


def first_label() -> str:
    env = make("CrowdedDigits-v0")
    env.reset(seed=0)
    return str(env._dynamics.texts[0, 0, 0])


def test_a_click_looks_there_at_the_zoom_of_the_wheel() -> None:
    env = make("CrowdedDigits-v0")
    closer = pygame.event.Event(pygame.MOUSEWHEEL, y=1)
    run(env, click(-0.5, 0.25), closer, closer, closer, click(0.5, -0.25))
    row, column = env._dynamics.gazes[0]
    assert (row, column) == pytest.approx((0.5, -0.25), abs=0.01)
    assert env._dynamics.counts[0, s.ZOOM] == 0
    assert env._dynamics.counts[0, s.GLIMPSES] == 3


def test_a_key_answers_and_the_next_one_goes_on() -> None:
    label = first_label()
    wrong = str((int(label) + 1) % 10)
    assert run(make("CrowdedDigits-v0"), press(label)) == (1, 1)
    assert run(make("CrowdedDigits-v0"), press(wrong)) == (0, 1)
    assert run(make("CrowdedDigits-v0"), press(label), press(" "), press("x"), click(0, 0)) == (1, 1)


def test_a_fixed_budget_is_looked_away_before_the_answer_counts() -> None:
    looks = [click(0, 0)] * 7
    env = make("CrowdedDigitsRetina-v0")
    assert run(env, press("3"), click(0, 0)) == (0, 0)
    assert env._dynamics.counts[0, s.GLIMPSES] == 2
    assert run(make("CrowdedDigitsRetina-v0"), *looks, click(0, 0)) == (0, 0)
    assert run(make("CrowdedDigitsRetina-v0"), *looks, click(0, 0), press("3"))[1] == 1


def test_the_scene_is_hidden_until_the_end(canvases: list[np.ndarray]) -> None:
    env = make("CrowdedDigits-v0")
    run(env, click(0, 0), press("3"))
    assert [bool(canvas.any()) for canvas in canvases] == [False, False, True]
    assert np.array_equal(canvases[-1], env.canvas())


def test_the_command_says_the_score(capsys: pytest.CaptureFixture[str]) -> None:
    post(press(first_label()), pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE, unicode=""))
    game.main(["--id", "CrowdedDigits-v0", "--seed", "0"])
    assert capsys.readouterr().out == "1 of 1 right\n"
