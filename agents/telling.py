"""How a trained captioner tells of a scene: beam search, and the agent whose log shows where each word looked.

As the agent sees the whole scene with `peek`, it stands among the references; its gaze is where the attention weighed
most, so that an action log shows it word by word.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from agents.captioner import Attend, Captioner, Size, State
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv


@torch.no_grad()
def beam_search(
    captioner: Captioner, canvases: npt.NDArray[np.uint8], length: int, width: int, attend: Attend
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The likeliest sentence about each scene that a beam of this width finds.

    Args:
        captioner: Who speaks.
        canvases: uint8, whole scenes.
        length: Most words, the end included.
        width: Sentences kept at every word; 1 takes the likeliest word each time.
        attend: Where to look.

    Returns:
        Words, and the annotation that weighed most at each: int64, (scenes, length); past the end the end is repeated.
    """
    lanes, end = len(canvases), captioner.end
    annotations = captioner.annotate(canvases)
    keys, state = captioner.keys(annotations), captioner.start(annotations)
    row = torch.arange(lanes)[:, None]
    annotations, keys = (part.repeat_interleave(width, 0) for part in (annotations, keys))
    state = State(*(part.repeat_interleave(width, 0) for part in state))
    chance = torch.full((lanes, width), -torch.inf)
    chance[:, 0] = 0  # at first all are the same sentence
    words, places = (torch.zeros(lanes, width, length, dtype=torch.int64) for _ in range(2))
    word = torch.full((lanes * width,), end + 1)
    for k in range(length):
        told, weights, state = captioner.step(word, annotations, keys, state, attend)
        likely = torch.log_softmax(captioner.words(told), 1).view(lanes, width, -1)
        if k:
            ended = words[:, :, k - 1] == end
            likely[ended] = -torch.inf
            likely[..., end] = torch.where(ended, 0.0, likely[..., end])
        chance, best = (chance[:, :, None] + likely).flatten(1).topk(width, 1)
        origin, said = best // likely.shape[2], best % likely.shape[2]
        words, places = words[row, origin], places[row, origin]
        words[:, :, k], places[:, :, k] = said, weights.argmax(1).view(lanes, width)[row, origin]
        state = State(*(part.view(lanes, width, -1)[row, origin].flatten(0, 1) for part in state))
        word = said.flatten()
    return words[:, 0].numpy(), places[:, 0].numpy()


def gazes_of(places: npt.NDArray[np.int64], grid: Size, canvas: Size) -> npt.NDArray[np.float32]:
    """The middles of annotations as gazes: from (...) to (..., 2)."""
    cells = np.stack([places // grid[1], places % grid[1]], axis=-1)
    sides = np.array(canvas)
    return (2 * ((cells + 0.5) * sides / grid - 0.5) / (sides - 1) - 1).astype(np.float32)


class CaptionAgent:
    """A trained captioner, which sees whole scenes through `peek`, and looks where it attends."""

    action_mode = "hybrid"

    def __init__(self, captioner: Captioner, attend: Attend) -> None:
        self.captioner, self.attend = captioner.eval(), attend

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.step = 0

    def peek(self, env: GlimpseVectorEnv) -> None:
        """Think of a sentence about every hidden scene."""
        self.parts = list(env.single_action_space.spaces)  # type: ignore[attr-defined]
        length, scenes = env.references().shape[2], env.canvases()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.captioner.recipe.precision == "bfloat16"):
            told = [
                beam_search(self.captioner, scenes[k : k + 250], length, self.captioner.recipe.beam, self.attend)
                for k in range(0, len(scenes), 250)
            ]
        self.words, places = (np.concatenate(part) for part in zip(*told, strict=True))
        self.gazes = gazes_of(places, self.captioner.grid, env.canvas_size)

    def act(self, observation: Observation) -> dict[str, npt.NDArray[Any]]:
        """Say the next word, and look where the one after it is seen."""
        last, lanes = self.words.shape[1] - 1, len(self.words)
        now, then = min(self.step, last), min(self.step + 1, last)
        action: dict[str, npt.NDArray[Any]] = {
            "gaze": self.gazes[:, then],
            "zoom": np.zeros(lanes, np.int64),
            "speak": np.ones(lanes, np.int64),
            "symbol": self.words[:, now],
        }
        self.step += 1
        return {name: action[name] for name in self.parts}
