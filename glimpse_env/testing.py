"""For tests of tasks and agents: quick images, what a lane must see in plain numpy, and equality to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.env import GlimpseEnv, Observation
from glimpse_env.registration import TASKS
from glimpse_env.retina import compose, reference
from glimpse_env.vector_env import GlimpseVectorEnv


def noise_images(
    count: int = 60, size: tuple[int, int] = (14, 14), *, channels: int = 1, classes: int = 10, seed: int = 0
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Images of noise, as `source` takes them: a wrong index, sign or axis shows at once, and there is nothing to load.

    Args:
        count: How many; every tenth is for testing, the one before it for validation.
        size: Height and width in pixels.
        channels: 1 for grey, 3 for RGB.
        classes: Labels lie in [0, classes), each as often as any other.
        seed: Of the noise and the labels.

    Returns:
        Images, uint8 in [0, 255], (count, height, width) or (count, height, width, 3), and labels, int64, (count,).
    """
    random = np.random.default_rng(seed)
    shape = (count, *size) if channels == 1 else (count, *size, channels)
    return random.integers(0, 256, shape, np.uint8), random.permutation(np.arange(count) % classes)


def quick_source(id: str, size: tuple[int, int] = (28, 28)) -> Any:
    """A `source` to make an id with at once: noise in place of digits; what the id itself has, if its images mean more.

    Args:
        id: Of `TASKS`.
        size: Height and width of the noise, in pixels.
    """
    source = TASKS[id][1]["source"]
    return noise_images(size=size) if source in ("mnist", "digits") else source


def plain_observation(env: GlimpseEnv | GlimpseVectorEnv, lane: int = 0) -> Observation:
    """The observation that a lane must have now, bit for bit: its canvas composed, padded, cropped and averaged.

    Args:
        env: An environment that has been reset.
        lane: Which of its lanes.

    Returns:
        As an observation of a single environment: ``glimpse``, ``gaze``, ``budget`` and, for texts, ``spoken``.
    """
    dynamics, task = env._dynamics, env.task
    row, column = dynamics.gazes[lane].tolist()
    zoom = int(dynamics.counts[lane, s.ZOOM])
    drawn, channels = int(dynamics.config[s.STROKES]), int(dynamics.config[s.CHANNELS])
    sprites = dynamics.sprites[lane]
    planes = [compose(dynamics._bank, part, *dynamics.canvas, channels) for part in (sprites[:drawn], sprites[drawn:])]
    factors = tuple(scale * task.zooms[zoom] for scale in task.scales)
    widest = len(task.zooms) - 1
    left = task.budget - int(dynamics.counts[lane, s.GLIMPSES])
    spoken = np.zeros(len(dynamics.symbols) + 1, np.float32)
    spoken[-1] = dynamics.counts[lane, s.SPOKEN] / dynamics.said.shape[1]
    if (symbol := int(dynamics.counts[lane, s.SYMBOL])) != s.SILENT:
        spoken[symbol] = 1
    return {
        "glimpse": np.concatenate(
            [reference(plane, row, column, factors, task.patch) for plane in planes[: 1 + task.draws]]
        ),
        "gaze": np.array([row, column, 2 * zoom / widest - 1 if widest else 0], np.float32),
        "budget": np.array([left / task.budget], np.float32),
        **({"spoken": spoken} if task.reads else {}),
    }


def assert_identical(one: Any, other: Any) -> None:
    """Two results of an environment are equal to the last bit, in type and dtype too.

    Args:
        one: An observation, an info, the tuple of a reset or a step, or a list of such.
        other: What it must equal.

    Raises:
        AssertionError: Where they differ.
    """
    assert type(one) is type(other), (one, other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_identical(one[name], other[name])
    elif isinstance(one, tuple | list):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_identical(mine, theirs)
    elif isinstance(one, np.ndarray) and one.dtype == object:
        assert_identical(one.tolist(), other.tolist())
    else:
        assert np.asarray(one).dtype == np.asarray(other).dtype
        np.testing.assert_array_equal(one, other)
