"""Gazes that no learning is in: the plans of `agents.scripted`. What each does is said there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from glimpse_env.vector_env import GlimpseVectorEnv

Gaze = Literal["random", "centre", "raster", "oracle"]
GAZES: tuple[Gaze, ...] = get_args(Gaze)


class Plan(NamedTuple):
    """Where to look, all episode long: none of these gazes depends on what is seen.

    Attributes:
        gaze: float32, (looks, lanes, 2).
        zoom: int64, (looks, lanes).
    """

    gaze: npt.NDArray[np.float32]
    zoom: npt.NDArray[np.int64]


def random(env: GlimpseVectorEnv, looks: int, chance: np.random.Generator) -> Plan:
    """Anywhere, at any zoom."""
    gaze = chance.uniform(-1, 1, (looks, env.num_envs, 2)).astype(np.float32)
    return Plan(gaze, chance.integers(0, len(env.task.zooms), (looks, env.num_envs)))


def centre(env: GlimpseVectorEnv, looks: int, chance: np.random.Generator) -> Plan:
    """The middle of the canvas, zooming in again and again."""
    zooms = len(env.task.zooms) - 1 - np.arange(looks) % len(env.task.zooms)
    return _everywhere(env, np.zeros((looks, 2)), zooms)


def raster(env: GlimpseVectorEnv, looks: int, chance: np.random.Generator) -> Plan:
    """Rows of places, evenly spread."""
    rows = max(1, math.isqrt(looks))
    places = []
    for row, members in enumerate(np.array_split(np.arange(looks), rows)):
        places += [((2 * row + 1) / rows - 1, (2 * k + 1) / len(members) - 1) for k in range(len(members))]
    zoom = _fitting(env, np.array(max(env.canvas_size) / rows))
    return _everywhere(env, np.array(places), np.full(looks, zoom))


def oracle(env: GlimpseVectorEnv, looks: int, chance: np.random.Generator) -> Plan:
    """The middle of the image, then a ring around it; wherever it has moved to by then."""
    corners, sides = np.split(env.boxes()[:, 0], 2, axis=1)
    angles = np.arange(looks - 1) * 2 * np.pi / max(looks - 1, 1)
    ring = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    offsets = np.concatenate([np.zeros((1, 2)), ring])[:, None] * sides / 4
    moved = np.arange(1, looks + 1)[:, None, None] * env.velocities()[:, 0]
    pixels = corners + moved + (sides - 1) / 2 + offsets
    gaze = 2 * pixels / (np.array(env.canvas_size) - 1) - 1
    whole, half = _fitting(env, sides.max(axis=1)), _fitting(env, sides.max(axis=1) / 2)
    zoom = np.concatenate([whole[None], np.repeat(half[None], looks - 1, axis=0)])
    return Plan(gaze.clip(-1, 1).astype(np.float32), zoom)


PLANS: dict[Gaze, Callable[[GlimpseVectorEnv, int, np.random.Generator], Plan]] = {
    "random": random,
    "centre": centre,
    "raster": raster,
    "oracle": oracle,
}


def _everywhere(env: GlimpseVectorEnv, places: npt.NDArray[Any], zooms: npt.NDArray[Any]) -> Plan:
    """The same places (looks, 2) and zooms (looks,) for every lane."""
    lanes = env.num_envs
    gaze = np.repeat(places[:, None], lanes, axis=1).astype(np.float32)
    return Plan(gaze, np.repeat(zooms[:, None], lanes, axis=1))


def _fitting(env: GlimpseVectorEnv, pixels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The zooms whose widest windows come nearest, in ratio, to `pixels`; of their shape."""
    windows = env.task.patch * max(env.task.scales) * np.array(env.task.zooms)
    return np.abs(np.log(windows / pixels[..., None])).argmin(axis=-1)


def mixture(env: GlimpseVectorEnv, looks: int, chance: np.random.Generator) -> Plan:
    """Lane i follows gaze i modulo 4."""
    plans = [PLANS[name](env, looks, chance) for name in GAZES]
    gaze, zoom = np.empty_like(plans[0].gaze), np.empty_like(plans[0].zoom)
    for k, plan in enumerate(plans):
        share = np.s_[:, k :: len(GAZES)]
        gaze[share], zoom[share] = plan.gaze[share], plan.zoom[share]
    return Plan(gaze, zoom)


def looks_of(env: GlimpseVectorEnv) -> int:
    """How many gazes an episode of the whole budget has to choose; at least one, so that there is always a plan."""
    return max(1, env.task.budget - 1)
