"""Everything that may be said about a task, checked once, when the environment is made."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.bank import Bank
from glimpse_env.sources.images import SPLITS, Split

ActionMode = Literal["grid", "flat", "box", "hybrid"]
RewardRule = Literal["final", "running"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """The keyword arguments of `GlimpseEnv` and `GlimpseVectorEnv`.

    Attributes:
        source: Where images come from: ``"mnist"``, ``"digits"`` (the bundled glyphs), a folder of class folders, a
            pair ``(images, labels)``, a mapping of splits to such pairs, or a `glimpse_env.sources.Source`.
        split: ``"train"``, ``"validation"`` or ``"test"``; sprites and clutter both come from it.
        fallback: What stands in, with a loud warning, when MNIST cannot be had; None makes that an error.
        canvas: Side in pixels, or (height, width); None takes the size of the images.
        clutter: Number of fragments of other images, at least 0.
        fragment: Side of a fragment in pixels.
        patch: Side in pixels of every patch the retina returns.
        scales: Widths of the windows seen at once, in patches; distinct whole numbers >= 1.
        zooms: Magnifications to choose one of at each look; whole numbers >= 1, ascending. The window of a scale is
            ``patch * scale * zoom`` pixels wide.
        budget: Most glimpses in an episode, the first one of `reset` included, at least 1.
        stopping: Whether the agent chooses when to answer; otherwise every step carries a running answer.
        reward: ``"final"``, or in a fixed-glimpse task ``"running"``: 1/budget for every step whose answer is right.
        glimpse_cost: What each glimpse after the first takes off a right answer's reward of 1; needs `stopping`.
        action_mode: ``"grid"``, ``"flat"``, ``"box"`` or ``"hybrid"``, see `glimpse_env.actions`.
        grid: Cells on a side for the ``"grid"`` and ``"flat"`` modes.

    Raises:
        TypeError: For an unknown keyword or a value of the wrong type.
        ValueError: For a value out of range; the message says the range and the remedy.
    """

    source: Any = "mnist"
    split: Split = "train"
    fallback: str | None = "digits"
    canvas: int | tuple[int, int] | None = None
    clutter: int = 0
    fragment: int = 8
    patch: int = 12
    scales: tuple[int, ...] = (1,)
    zooms: tuple[int, ...] = (1, 2, 4)
    budget: int = 8
    stopping: bool = True
    reward: RewardRule = "final"
    glimpse_cost: float = 0.0
    action_mode: ActionMode = "grid"
    grid: int = 9

    @classmethod
    def of(cls, keywords: Mapping[str, Any]) -> Task:
        """The task of these keywords; an unknown one is an error that lists the known ones."""
        known = [field.name for field in fields(cls)]
        for name in keywords:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise TypeError(f"unknown keyword {name!r}; {hint}known are: {', '.join(known)}")
        return cls(**keywords)

    def __post_init__(self) -> None:
        for name in ("scales", "zooms"):  # JSON has lists, not tuples
            object.__setattr__(self, name, _widths(name, getattr(self, name)))
        for name, low in (("clutter", 0), ("fragment", 1), ("patch", 1), ("budget", 1), ("grid", 1)):
            object.__setattr__(self, name, whole(name, getattr(self, name), low))
        choices = {"split": SPLITS, "reward": get_args(RewardRule), "action_mode": get_args(ActionMode)}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is unknown; choose one of {', '.join(map(repr, known))}"
                )
        if not isinstance(self.stopping, bool | np.bool_):
            raise TypeError(f"stopping={self.stopping!r} must be True or False")
        if self.reward == "running" and self.stopping:
            raise ValueError("reward='running' pays every step of a fixed-glimpse task; pass stopping=False with it")
        cost = self.glimpse_cost
        if isinstance(cost, bool | np.bool_) or not isinstance(cost, int | float | np.integer | np.floating):
            raise TypeError(f"glimpse_cost={cost!r} must be a real number")
        if not (cost >= 0 and cost * (self.budget - 1) <= 1):
            raise ValueError(
                f"glimpse_cost={cost!r} must lie in [0, 1 / (budget - 1)] = [0, {1 / max(self.budget - 1, 1):.4g}], "
                "so that a right answer is never worth less than a wrong one; lower it or the budget"
            )
        if cost and not self.stopping:
            raise ValueError(
                f"glimpse_cost={cost!r} has no meaning where every episode takes the whole budget; pass glimpse_cost=0"
            )

    def rules(self) -> dict[str, Any]:
        """What the game is, whatever the images: every keyword but those that say where they come from; plain JSON."""
        sources = ("source", "split", "fallback")
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in sources}
        return {name: np.asarray(value).tolist() for name, value in values.items()}

    def canvas_size(self, bank: Bank) -> tuple[int, int]:
        """Height and width of the canvas for these images.

        Raises:
            ValueError: If the images, the fragments or the patch do not fit.
        """
        tallest, widest = int(bank.table[:, s.IMAGE_HEIGHT].max()), int(bank.table[:, s.IMAGE_WIDTH].max())
        if self.canvas is None:
            height, width = tallest, widest
        elif isinstance(self.canvas, int | np.integer):
            height = width = whole("canvas", self.canvas, 1)
        elif isinstance(self.canvas, Sequence) and len(self.canvas) == 2 and not isinstance(self.canvas, str):
            height, width = (whole("canvas", side, 1) for side in self.canvas)
        else:
            raise TypeError(
                f"canvas={self.canvas!r} must be a whole number, (height, width), or None for the size of the images"
            )
        if tallest > height or widest > width:
            raise ValueError(
                f"canvas {height}x{width} is smaller than the images ({tallest}x{widest}); "
                f"pass canvas=({max(tallest, height)}, {max(widest, width)}) or larger"
            )
        if self.patch > min(height, width):
            raise ValueError(
                f"patch={self.patch} must lie in [1, {min(height, width)}], the smaller side of the canvas"
            )
        shortest = int(bank.table[:, [s.IMAGE_HEIGHT, s.IMAGE_WIDTH]].min())
        if self.clutter and self.fragment > shortest:
            raise ValueError(f"fragment={self.fragment} must lie in [1, {shortest}], the smallest side of the images")
        return height, width

    def config(self, bank: Bank) -> npt.NDArray[np.int64]:
        """The task as the kernels read it, see `glimpse_env.state`."""
        factors = [scale * zoom for scale in self.scales for zoom in self.zooms]
        powers_of_two = all(factor & (factor - 1) == 0 and factor <= 16 for factor in factors)
        config = np.zeros(s.LISTS + len(self.zooms) + len(self.scales), np.int64)
        config[[s.CANVAS_HEIGHT, s.CANVAS_WIDTH]] = self.canvas_size(bank)
        config[s.CHANNELS], config[s.CLUTTER], config[s.FRAGMENT] = bank.channels, self.clutter, self.fragment
        config[s.PATCH], config[s.BUDGET], config[s.STOPPING] = self.patch, self.budget, self.stopping
        config[s.RUNNING_REWARD] = self.reward == "running"
        # Only even windows nest. Below 4 the vector rows would overlap, past 16 the sums outgrow 16 bits.
        config[s.PYRAMID] = powers_of_two and self.patch % 2 == 0 and self.patch >= 4
        config[s.ZOOMS], config[s.SCALES] = len(self.zooms), len(self.scales)
        config[s.LISTS :] = self.zooms + self.scales
        return config


def whole(name: str, value: Any, low: int) -> int:
    """The value as an int, if it is a whole number of at least `low`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}={value!r} must be a whole number >= {low}")
    if value < low:
        raise ValueError(f"{name}={value!r} must be at least {low}")
    return int(value)


def _widths(name: str, values: Any) -> tuple[int, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise TypeError(f"{name}={values!r} must be a non-empty tuple of whole numbers, as in {name}=(1, 2, 4)")
    widths = tuple(whole(f"each of {name}", value, 1) for value in values)
    if any(b <= a for a, b in pairwise(widths)):
        raise ValueError(f"{name}={widths} must ascend, each once, as in {name}=(1, 2, 4)")
    return widths
