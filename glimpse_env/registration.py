"""One table: every id and its keywords. The README's and the documentation's tables are made from it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

_FLAGSHIP: dict[str, Any] = {
    "canvas": 60,
    "clutter": 4,
    "patch": 12,
    "scales": [1],
    "zooms": [1, 2, 4],
    "budget": 8,
    "stopping": True,
    "glimpse_cost": 0.02,
}
_RETINA: dict[str, Any] = {"patch": 12, "scales": [1, 2, 4], "zooms": [1], "budget": 8, "stopping": False}

# A third patch, of 48 pixels, where DRAM's retina has two: without its context network nobody finds digits with 24.
_SEVERAL: dict[str, Any] = {**_RETINA, "canvas": 100, "count": [2, 2], "clutter": 0}
_READING: dict[str, Any] = {"stopping": True, "reward": "share"}
_DRAWING: dict[str, Any] = {"scene": "drawing", "budget": 16, "reward": "running", "grid": 14}

_SCENES: dict[str, tuple[str, dict[str, Any]]] = {
    "Crowded{}-v0": ("the flagship: look, zoom, stop", _FLAGSHIP),
    "Crowded{}Retina-v0": ("RAM, table 2a", {**_RETINA, "canvas": 60, "clutter": 4}),
    "Crowded{}Retina100-v0": ("RAM, table 2b; DRAW", {**_RETINA, "canvas": 100, "clutter": 8, "scales": [1, 2, 4, 8]}),
    "Translated{}-v0": ("RAM, table 1b", {**_RETINA, "canvas": 60, "clutter": 0}),
    "Centered{}-v0": ("RAM, table 1a", {**_RETINA, "canvas": 28, "clutter": 0, "patch": 8, "scales": [1], "budget": 7}),
    "{}Pairs-v0": ("DRAM, pairs", {**_SEVERAL, **_READING, "scene": "scattered", "clutter": 8}),
    "{}Addition-v0": ("DRAM, addition", {**_SEVERAL, "scene": "sum"}),
    "{}Sequence-v0": ("DRAM, sequences", {**_SEVERAL, **_READING, "scene": "line", "count": [1, 5], "budget": 18}),
    "Moving{}-v0": ("name it and its way", {**_RETINA, "scene": "drifting", "canvas": 60, "clutter": 4}),
    "Draw{}-v0": ("DRAW, stroke by stroke", {**_RETINA, **_DRAWING, "canvas": 28, "clutter": 0, "scales": [1, 2]}),
}

# Two glimpses a symbol for the longest word and its end.
_WORDS: dict[str, Any] = {
    **{**_RETINA, **_READING, "source": "words", "scene": "word", "count": [1, 12], "strings": 0.25},
    **{"canvas": [32, 100], "clutter": 4, "fragment": 6, "budget": 26},
}

# One glimpse and one word a step; 18 are the longest sentence and its end.
_CAPTIONS: dict[str, Any] = {
    **{"source": "objects", "scene": "described", "count": [1, 4], "canvas": 96, "clutter": 0, "patch": 12},
    **{"scales": [1, 2], "zooms": [1, 2, 4], "budget": 18, "stopping": False, "reward": "bleu"},
}

# A glimpse for every row that the ball falls.
_CATCH: dict[str, Any] = {
    **{**_RETINA, "source": "block", "scene": "catch", "canvas": 24, "clutter": 0, "patch": 6, "budget": 23}
}

# Tasks on images of their own, or of none.
_OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Words-v0": ("R2AM, printed words", _WORDS),
    "GlimpseCatch-v0": ("RAM, Catch", _CATCH),
    "SceneCaption-v0": ("Show, Attend and Tell", _CAPTIONS),
}

#: id -> (what it is, keywords); plain JSON. MNIST ids first, then their twins on the bundled glyphs, then the others.
TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    pattern.format(name): (text, {"source": source, **keywords})
    for name, source in (("MNIST", "mnist"), ("Digits", "digits"))
    for pattern, (text, keywords) in _SCENES.items()
} | _OTHERS


def register() -> None:
    """Make every id known to Gymnasium; loads neither kernels nor images."""
    for name, (_, keywords) in TASKS.items():
        gym.register(
            id=name,
            entry_point="glimpse_env.env:GlimpseEnv",
            vector_entry_point="glimpse_env.vector_env:GlimpseVectorEnv",
            kwargs=keywords,
        )
