"""Everything that may be said about a task, checked once, when the environment is made."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from glimpse_env import state as s
from glimpse_env.bank import Bank
from glimpse_env.checks import span, whole, widths
from glimpse_env.scenes import END, SCENES, words
from glimpse_env.sources.images import SPLITS, Source, Split

ActionMode = Literal["grid", "flat", "box", "hybrid"]
RewardRule = Literal["final", "running", "share", "prefix", "bleu", "cider"]

_RULES = {
    "final": s.FINAL, "running": s.EVERY, "share": s.SHARE, "prefix": s.PREFIX, "bleu": s.BLEU, "cider": s.CIDER,
}  # fmt: skip
#: What is done with symbols -> the rewards that fit.
_FITTING: dict[int, tuple[RewardRule, ...]] = {
    s.NAMING: ("final", "running"),
    s.READING: ("final", "share", "prefix", "bleu", "cider"),
    s.STEERING: ("final",),
    s.DRAWING: ("final", "running"),
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """The keyword arguments of `GlimpseEnv` and `GlimpseVectorEnv`.

    Attributes:
        source: Where images come from: ``"mnist"``, ``"digits"`` (the bundled glyphs), ``"words"`` (printed letters and
            a lexicon), ``"objects"`` (the glyphs and a few shapes, in two sizes and two lights), ``"block"`` (a white
            block, what a ball and a paddle are cut from), a folder of class folders or of annotated photographs, a pair
            ``(images, labels)``, a mapping of splits to such pairs, or a
            `glimpse_env.sources.Source`.
        split: ``"train"``, ``"validation"`` or ``"test"``; sprites and clutter both come from it.
        fallback: What stands in, with a loud warning, when MNIST cannot be had; None makes that an error.
        scene: How images become a scene and what is asked about it: ``"crowded"``, one image among clutter, to be
            named; ``"scattered"`` and ``"line"``, several images, to be read from left to right, symbol by symbol;
            ``"sum"``, several scattered images, to be added up; ``"captioned"``, one image among clutter whose text
            comes with it (`ImageSet.texts`), to be spoken symbol by symbol and closed with the symbol ``"end"``;
            ``"word"``, the letters of a word in a row, in one style, to be read;
            ``"drifting"``, one image that moves among clutter that stays, to be named with its way; ``"catch"``, a ball
            that falls and a paddle that every symbol moves; ``"described"``, several scattered images, to be told in a
            sentence, see `glimpse_env.scenes.captions`; ``"drawing"``, one image to be copied, stroke by stroke.
        count: Fewest and most images in a scene of several, such as letters of a word; where they differ, the symbol
            ``"end"`` closes a text.
        strings: For ``scene="word"``, the share of scenes that show random letters in place of a word of the lexicon.
        canvas: Side in pixels, or (height, width); None takes the size of the images.
        clutter: Number of fragments of other images, at least 0.
        fragment: Side of a fragment in pixels.
        patch: Side in pixels of every patch the retina returns.
        scales: Widths of the windows seen at once, in patches; distinct whole numbers >= 1.
        zooms: Magnifications to choose one of at each look; whole numbers >= 1, ascending. The window of a scale is
            ``patch * scale * zoom`` pixels wide.
        budget: Most glimpses in an episode, the first one of `reset` included, at least 1.
        stopping: Whether the agent chooses when to answer, or when to speak; otherwise every step carries a running
            answer, speaks a symbol of the text, moves the paddle, or draws.
        reward: ``"final"``: 1 for the right answer, the whole text, or a catch. In a fixed-glimpse task ``"running"``:
            1/budget for every step whose answer is right. For a text ``"share"``: half of it for the symbols that are
            right at their places, in equal shares, and half for the whole text; or ``"prefix"``: equal shares until
            the first wrong symbol, as in the DRAM paper; or at the end ``"bleu"`` or ``"cider"``, how good a sentence
            it is against every reference, see `glimpse_env.sentences`. For a drawing what it takes off the image's
            nats, as a share of those under the blank canvas: in all (``"final"``), or stroke by stroke (``"running"``).
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
    scene: str = "crowded"
    count: tuple[int, int] = (1, 1)
    strings: float = 0.0
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
            object.__setattr__(self, name, widths(name, getattr(self, name)))
        for name, low in (("clutter", 0), ("fragment", 1), ("patch", 1), ("budget", 1), ("grid", 1)):
            object.__setattr__(self, name, whole(name, getattr(self, name), low))
        object.__setattr__(self, "count", span("count", self.count))
        if isinstance(self.canvas, list):
            object.__setattr__(self, "canvas", tuple(self.canvas))
        choices = {
            "split": SPLITS,
            "scene": tuple(SCENES),
            "reward": get_args(RewardRule),
            "action_mode": get_args(ActionMode),
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is unknown; choose one of {', '.join(map(repr, known))}"
                )
        if not isinstance(self.stopping, bool | np.bool_):
            raise TypeError(f"stopping={self.stopping!r} must be True or False")
        fitting = _FITTING[SCENES[self.scene].speech]
        if self.reward not in fitting:
            names = ", ".join(map(repr, fitting))
            raise ValueError(f"reward={self.reward!r} does not fit scene={self.scene!r}; choose one of {names}")
        if self.count != (1, 1) and not SCENES[self.scene].several:
            raise ValueError(f"count={self.count} has no meaning for scene={self.scene!r}, which shows one image")
        if self.steers and (self.stopping or self.clutter):
            given = f"stopping={self.stopping} and clutter={self.clutter}"
            raise ValueError(
                f"{given} do not fit scene={self.scene!r}, where every step moves the paddle and nothing else is "
                "there; pass stopping=False and clutter=0"
            )
        if self.draws and self.stopping:
            raise ValueError(
                f"stopping=True does not fit scene={self.scene!r}, where every step draws; pass stopping=False"
            )
        if self.reward == "running" and self.stopping:
            raise ValueError("reward='running' pays every step of a fixed-glimpse task; pass stopping=False with it")
        cost, strings = self.glimpse_cost, self.strings
        for name, value in (("glimpse_cost", cost), ("strings", strings)):
            if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
                raise TypeError(f"{name}={value!r} must be a real number")
        if not 0 <= strings <= 1:
            raise ValueError(f"strings={strings!r} must lie in [0, 1]: it is a share of the scenes")
        if strings and self.scene != "word":
            raise ValueError(f"strings={strings!r} has no meaning for scene={self.scene!r}; pass strings=0")
        if not (cost >= 0 and cost * (self.budget - 1) <= 1):
            raise ValueError(
                f"glimpse_cost={cost!r} must lie in [0, 1 / (budget - 1)] = [0, {1 / max(self.budget - 1, 1):.4g}], "
                "so that a right answer is never worth less than a wrong one; lower it or the budget"
            )
        if cost and self.reward in ("prefix", "bleu", "cider"):
            raise ValueError(f"glimpse_cost={cost!r} has no meaning with reward={self.reward!r}; pass glimpse_cost=0")
        if cost and not self.stopping:
            raise ValueError(
                f"glimpse_cost={cost!r} has no meaning where every episode takes the whole budget; pass glimpse_cost=0"
            )

    def rules(self) -> dict[str, Any]:
        """What the game is, whatever the images: every keyword but those that say where they come from; plain JSON."""
        sources = ("source", "split", "fallback")
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in sources}
        return {name: np.asarray(value).tolist() for name, value in values.items()}

    @property
    def names(self) -> bool:
        """Whether one symbol is the answer."""
        return SCENES[self.scene].speech == s.NAMING

    @property
    def reads(self) -> bool:
        """Whether a text is spoken, symbol by symbol; otherwise one symbol is the answer."""
        return SCENES[self.scene].speech == s.READING

    @property
    def steers(self) -> bool:
        """Whether each symbol moves a sprite, and where that ends is the answer."""
        return SCENES[self.scene].speech == s.STEERING

    @property
    def draws(self) -> bool:
        """Whether each symbol is a stroke on a canvas of the agent's own."""
        return SCENES[self.scene].speech == s.DRAWING

    @property
    def strokes(self) -> int:
        """Most strokes in an episode."""
        return self.budget if self.draws else 0

    def labels(self, source: Source, canvas: tuple[int, int]) -> tuple[str, ...]:
        """The names of labels and answers: those of the symbols, or the columns where a sprite is steered to one."""
        if self.steers:
            return tuple(map(str, range(canvas[1])))
        return source.classes if self.draws else self.symbols(source)

    @property
    def moves(self) -> bool:
        """Whether something moves while the agent looks."""
        return SCENES[self.scene].movers > 0

    @property
    def images(self) -> int:
        """Most sprites in a scene, clutter apart."""
        return max(self.count[1], SCENES[self.scene].movers)

    def symbols(self, source: Source) -> tuple[str, ...]:
        """The names of what may be said about scenes of these images."""
        return SCENES[self.scene].symbols(source.classes, self.count)

    def length(self, bank: Bank) -> int:
        """Most symbols of an answer, the closing one included; raises a `ValueError` if the source does not fit."""
        return SCENES[self.scene].length(self, bank)

    def references(self, bank: Bank) -> int:
        """How many answers a scene has, any of which is right: where a ball lands, two columns of a paddle catch it."""
        return SCENES[self.scene].references(self, bank)

    def readable(self, bank: Bank) -> npt.NDArray[np.int64]:
        """The texts to draw from; raises a `ValueError` if the source does not fit."""
        return SCENES[self.scene].book(self, bank)

    def canvas_size(self, bank: Bank) -> tuple[int, int]:
        """Height and width of the canvas for these images.

        Raises:
            ValueError: If the images, the fragments or the patch do not fit.
        """
        tallest, widest = SCENES[self.scene].largest(self, bank)
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
        SCENES[self.scene].check_room(self, bank, (height, width), (tallest, widest))
        if self.patch > min(height, width):
            raise ValueError(
                f"patch={self.patch} must lie in [1, {min(height, width)}], the smaller side of the canvas"
            )
        most = min(tallest, widest)
        if self.clutter and self.fragment > most:
            raise ValueError(f"fragment={self.fragment} must lie in [1, {most}], the smaller side of the images")
        return height, width

    def config(self, bank: Bank, symbols: tuple[str, ...]) -> npt.NDArray[np.int64]:
        """The task as the kernels read it, see `glimpse_env.state`.

        Args:
            bank: The images.
            symbols: What may be said.
        """
        factors = [scale * zoom for scale in self.scales for zoom in self.zooms]
        powers_of_two = all(factor & (factor - 1) == 0 and factor <= 16 for factor in factors)
        self.readable(bank)  # a source that does not fit is told so first
        config = np.zeros(s.LISTS + len(self.zooms) + len(self.scales), np.int64)
        config[[s.CANVAS_HEIGHT, s.CANVAS_WIDTH]] = self.canvas_size(bank)
        config[s.CHANNELS], config[s.CLUTTER], config[s.FRAGMENT] = bank.channels, self.clutter, self.fragment
        config[s.PATCH], config[s.BUDGET], config[s.STOPPING] = self.patch, self.budget, self.stopping
        scene = SCENES[self.scene]
        config[s.SCENE], config[s.SPEECH], config[s.REWARD] = scene.number, scene.speech, _RULES[self.reward]
        config[s.FEWEST], config[s.MOST], config[s.LENGTH] = *self.count, self.length(bank)
        config[s.STROKES], config[s.BRUSHES] = self.images + self.clutter, bank.brushes
        config[s.MOVERS], config[s.SPLIT] = scene.movers, SPLITS.index(self.split)
        config[s.END] = len(symbols) - 1 if self.reads and symbols[-1] == END else s.SILENT
        # Only even windows nest. Below 4 the vector rows would overlap, past 16 the sums outgrow 16 bits.
        config[s.PYRAMID] = powers_of_two and self.patch % 2 == 0 and self.patch >= 4
        config[s.ZOOMS], config[s.SCALES] = len(self.zooms), len(self.scales)
        config[s.CLASSES], config[s.STYLES] = bank.table[:, s.IMAGE_LABEL].max() + 1, bank.styles
        config[s.STRINGS] = round(self.strings * words.PARTS)
        config[s.LISTS :] = self.zooms + self.scales
        return config
