"""Play yourself: `python -m glimpse_env.play --id CrowdedDigits-v0`.

You see what an agent sees, and the scene only when it is over. Click where to look, turn the wheel to zoom, press the
key of a class to answer (or its number, where names are longer), and anything for the next scene. Needs pygame, which
the extra `play` installs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import glimpse_env
from glimpse_env import state as s
from glimpse_env.env import GlimpseEnv, text_of
from glimpse_env.rendering import Panel, Viewer, picture
from glimpse_env.scenes import END


def action_of(event: Any, env: GlimpseEnv, panel: Panel, zoom: int, last: bool) -> dict[str, Any] | None:
    """What a click or a key means.

    Args:
        event: Of pygame.
        env: In the hybrid action mode.
        panel: Where the scene lies in the window.
        zoom: Index of the zoom to look with.
        last: Whether the budget is spent, so that only an answer makes sense.

    Returns:
        The action, or None where the event is none.
    """
    classes = env.symbols
    if hasattr(event, "button") and event.button == 1 and not last:  # 4 and 5 are the wheel
        gaze, speak, symbol = panel.gaze(event.pos[1], event.pos[0]), 0, 0
    elif getattr(event, "unicode", "") and (last or env.task.stopping):
        names = {str(k): k for k in range(len(classes))} | {name.lower(): k for k, name in enumerate(classes)}
        if END in names:
            names["\r"] = names[END]  # the Return key
        if event.unicode.lower() not in names:
            return None
        gaze, speak, symbol = (0.0, 0.0), 1, names[event.unicode.lower()]
    else:
        return None
    action = {"gaze": np.array(gaze, np.float32), "zoom": zoom, "speak": speak, "symbol": symbol}
    return {name: value for name, value in action.items() if name in env.action_space.spaces}  # type: ignore[attr-defined]


def play(env: GlimpseEnv, seed: int | None = None) -> tuple[int, int]:
    """Play until the window is closed or Escape is pressed.

    Args:
        env: In the hybrid action mode.
        seed: Of the series of scenes.

    Returns:
        How many scenes were answered right, and how many were played to their end.

    Raises:
        ImportError: Without pygame.
    """
    viewer, zoom, right, played = Viewer(fps=30), len(env.task.zooms) - 1, 0, 0
    pygame = viewer.pygame
    observation, info = env.reset(seed=seed)
    path, ended = [observation], False
    height, width = env.canvas().shape[:2]
    panel = Panel(height, width, side=480)
    while True:
        names = [text_of(info.get(key, s.SILENT), env.labels) for key in ("answer", "label")]
        hidden = env.canvas() * ended  # black until the end
        viewer.show(picture(hidden, path, env.task, answer=names[0], label=names[1], side=panel.side))
        pygame.display.set_caption(f"zoom {env.task.zooms[zoom]} - {right} of {played} right")
        event = pygame.event.wait()
        if event.type == pygame.QUIT or getattr(event, "key", None) == pygame.K_ESCAPE:
            viewer.close()
            return right, played
        if event.type == pygame.MOUSEWHEEL:
            zoom = min(max(zoom - int(np.sign(event.y)), 0), len(env.task.zooms) - 1)
        if event.type not in (pygame.MOUSEBUTTONDOWN, pygame.KEYDOWN):
            continue
        if ended:
            observation, info = env.reset()
            path, ended = [observation], False
            continue
        action = action_of(event, env, panel, zoom, len(path) == env.task.budget)
        if action is not None:
            observation, _, ended, _, info = env.step(action)
            right, played = right + info.get("is_success", False), played + ended
            path += [] if ended else [observation]


def main(arguments: Sequence[str] | None = None) -> None:
    """Play an id from the command line."""
    parser = argparse.ArgumentParser(
        description="Play yourself: click to look, turn the wheel to zoom, press a key to answer."
    )
    parser.add_argument("--id", default="CrowdedDigits-v0", choices=sorted(glimpse_env.TASKS), help="what to play")
    parser.add_argument(
        "--split", default="train", choices=("train", "validation", "test"), help="where scenes come from"
    )
    parser.add_argument("--seed", type=int, help="of the series of scenes")
    chosen = parser.parse_args(arguments)
    env = gym.make(chosen.id, action_mode="hybrid", split=chosen.split).unwrapped
    assert isinstance(env, GlimpseEnv)
    right, played = play(env, chosen.seed)
    print(f"{right} of {played} right")


if __name__ == "__main__":
    main()
