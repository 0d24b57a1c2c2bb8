"""Draw the sheet of bundled glyphs that the documentation shows: ``python docs/draw_glyphs.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from glimpse_env.sources.glyphs import draw_glyphs

LETTERS = np.arange(10, 36)
COLUMNS, SCALE = len(LETTERS), 2
SHEET = Path(__file__).parent / "images" / "glyphs.png"


def main() -> None:
    """Ten rows of digits, one a class, then three rows of the alphabet."""
    images = draw_glyphs(np.concatenate([np.arange(10).repeat(COLUMNS), np.tile(LETTERS, 3)]), seed=7)
    rows, size = len(images) // COLUMNS, images.shape[1]
    sheet = images.reshape(rows, COLUMNS, size, size).transpose(0, 2, 1, 3).reshape(rows * size, COLUMNS * size)
    SHEET.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet.repeat(SCALE, 0).repeat(SCALE, 1)).save(SHEET, optimize=True)
    print(f"wrote {SHEET}")


if __name__ == "__main__":
    main()
