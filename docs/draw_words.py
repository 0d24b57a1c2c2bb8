"""Draw the sheet of printed words that the documentation shows: ``python docs/draw_words.py``."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
from PIL import Image

import glimpse_env

ROWS, COLUMNS, GAP, SCALE = 8, 4, 2, 2
SHEET = Path(__file__).parent / "images" / "words.png"


def main() -> None:
    """The first test scenes of `Words-v0`, row by row."""
    env = gym.make_vec("Words-v0", ROWS * COLUMNS, split="test")
    assert isinstance(env, glimpse_env.GlimpseVectorEnv)
    env.reset(options={"index": np.arange(ROWS * COLUMNS)})
    framed = np.pad(env.canvases(), ((0, 0), (GAP, GAP), (GAP, GAP)), constant_values=90)
    height, width = framed.shape[1:]
    sheet = framed.reshape(ROWS, COLUMNS, height, width).transpose(0, 2, 1, 3).reshape(ROWS * height, COLUMNS * width)
    Image.fromarray(sheet.repeat(SCALE, 0).repeat(SCALE, 1)).save(SHEET, optimize=True)
    print(f"wrote {SHEET}")


if __name__ == "__main__":
    main()
