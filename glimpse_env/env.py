"""`GlimpseEnv`: one hidden image, one small retina. Lane 0 of the batched dynamics."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from glimpse_env import dynamics as d
from glimpse_env import state as s
from glimpse_env.dynamics import Dynamics
from glimpse_env.scenes import END
from glimpse_env.sources import Source
from glimpse_env.task import Task

Observation = dict[str, npt.NDArray[np.float32]]
_ONLY = np.ones(1, np.bool_)


class GlimpseEnv(gym.Env[Observation, Any]):
    """Find out what a hidden image shows, looking at it through a small retina.

    ## Description
    The environment draws a scene, such as a digit among fragments of other digits, and hides it. All that leaves it are
    glimpses: small patches around the point the agent looks at, at one magnification or several at once. The agent
    decides where to look next, how far to zoom and, where the task lets it, when to stop and answer. After *Recurrent
    Models of Visual Attention* (Mnih et al. 2014, arXiv 1406.6247).

    ## Action Space
    One decision is (row, column, zoom, speak, symbol); the symbol is an answer, the next of a text, a move of the
    paddle or a brush. `zoom` is absent where there is only one, `speak` where the agent cannot stop. With
    `action_mode`:

    | mode | space |
    |---|---|
    | `"grid"` | `MultiDiscrete([grid, grid, zooms, 2, symbols])` |
    | `"flat"` | `Discrete(grid * grid * zooms + symbols)`: look somewhere, or say a symbol; see `action_masks` |
    | `"box"` | `Box(-1, 1, (5,))`; zoom and symbol in equal bins, `speak` means > 0 |
    | `"hybrid"` | `Dict(gaze=Box(-1, 1, (2,)), zoom=Discrete, speak=Discrete(2), symbol=Discrete)` |

    ## Observation Space
    | key | shape | range | meaning |
    |---|---|---|---|
    | `glimpse` | (scales * channels, patch, patch) | [0, 1] | the patches, finest scale first |
    | `gaze` | (3,) | [-1, 1] | row, column, zoom (-1 closest, 1 widest) of this glimpse |
    | `budget` | (1,) | [0, 1] | share of the glimpses left |
    | `spoken` | (symbols + 1,) | [0, 1] | where a text is read: the latest symbol as a one-hot, then the share spoken |

    All are float32. Rows run down, columns to the right; (-1, -1) is the middle of the top-left pixel. Whoever draws
    sees as many patches of their own canvas below those of the scene.

    ## Rewards
    With `stopping`, the right answer earns `1 - glimpse_cost * (glimpses - 1)`, anything else 0. Without,
    `reward="final"` earns 1 for a right last answer and `reward="running"` 1/budget for every step whose answer is
    right. Where a text is read, `reward="share"` pays half for the symbols right at their places and half for the whole
    text, `reward="prefix"` in equal shares until the first wrong symbol, and `reward="final"` for the whole text alone;
    `"bleu"` and `"cider"` pay at the end for how good a sentence it is. A paddle earns 1 for a catch. A drawing earns
    the share of its blank canvas's nats that it takes off. Rewards of an episode lie in [0, 1], or below 0 where
    strokes have made a drawing worse.

    ## Starting State
    A new scene, and a first glimpse at a uniformly random place at the widest zoom, which counts towards the budget.
    `reset(options={"index": i})` gives scene i of the split, the same for everyone: test scene i shows test image i.

    ## Episode End
    Termination: with `stopping`, by an answer, or by a step that is no answer once the budget is spent. Without, by the
    step after the last glimpse. Where a text is read, by the symbol `end`, by the longest text there is, or by a step
    that says nothing once the budget is spent. Where a paddle is steered, when the ball lands. Truncation: never; it
    belongs to an outer `TimeLimit`.

    ## Information
    Empty until the last step, which has `label` (int), `answer` (int, -1 for none), `is_success` (bool) and `glimpses`
    (int). Where a text is read, `label` and `answer` are lists of int; where a paddle is steered, columns.

    ## Arguments
    Every keyword of `glimpse_env.task.Task`; and `render_mode`, None, `"rgb_array"` or `"human"`.

    ## Version History
    * v0: first version.

    Raises:
        TypeError: For an unknown keyword or a value of the wrong type.
        ValueError: For a value out of range.
        DataError: If the images cannot be had.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # Gymnasium lets an instance have its own
        "render_modes": ["rgb_array", "human"],
        "render_fps": 2,
    }

    def __init__(self, source: Any = "mnist", *, render_mode: str | None = None, **task: Any) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(
                f"render_mode={render_mode!r} is unknown; choose one of {self.metadata['render_modes']} or None"
            )
        self.render_mode = render_mode
        self._dynamics = Dynamics(Task.of({"source": source, **task}), lanes=1)
        self.task = self._dynamics.task
        self.observation_space = self._dynamics.observation_space
        self.action_space = self._dynamics.actions.space
        self._path: list[Observation] = []
        self._viewer: Any = None

    @property
    def source(self) -> Source:
        """Where the images come from; its `name` says what they really are."""
        return self._dynamics.source

    @property
    def symbols(self) -> tuple[str, ...]:
        """The name of each symbol that may be said."""
        return self._dynamics.symbols

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each label and answer: the symbols or, where a sprite is steered, the columns of the canvas."""
        return self._dynamics.labels

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Draw a scene and take the first glimpse.

        Args:
            seed: Begins a new series of scenes; without it the next scene of the running series is drawn.
            options: ``{"index": i}`` draws scene i >= 0 of the split instead.

        Returns:
            The observation, and an empty info.

        Raises:
            TypeError: If the index is not a whole number.
            ValueError: If the index is negative or an option is unknown.
        """
        super().reset(seed=seed)
        dynamics = self._dynamics
        if seed is not None or dynamics.counts[0, s.PHASE] == s.UNBORN:
            dynamics.seed([self.np_random_seed], _ONLY)
        if options:
            dynamics.choose(index_option(options), _ONLY)
        observation = {name: value[0] for name, value in dynamics.reset(_ONLY).items()}
        if self.render_mode is not None:
            self._path = [observation]
            self._show()
        return observation, {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Look, or answer.

        Args:
            action: An element of `action_space`.

        Returns:
            Observation, reward, terminated, truncated (always False) and info.

        Raises:
            RuntimeError: Before the first reset and after the end of an episode.
            TypeError: For a wrong type or dtype.
            ValueError: For a wrong shape, a number that is not finite, or a choice out of range.
        """
        dynamics = self._dynamics
        if dynamics.counts[0, s.PHASE] != s.RUNNING:
            raise RuntimeError("there is no running episode: call reset() before the first step and after the last one")
        moved = dynamics.step(action, False, d.DISABLED)
        observation = {name: value[0] for name, value in moved.observation.items()}
        ended = bool(moved.terminated[0])
        info: dict[str, Any] = {}
        if ended:
            info = {name: value[0].tolist() for name, value in moved.told().items()}
            if dynamics.reads:
                info["label"], info["answer"] = (spoken_part(info[name]) for name in ("label", "answer"))
        if self.render_mode is not None:
            if not ended:
                self._path.append(observation)
            self._show()
        return observation, float(moved.reward[0]), ended, False, info

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Which actions make sense now: bool, (actions,), for `action_mode="flat"`; the name is sb3-contrib's."""
        mask: npt.NDArray[np.bool_] = self._dynamics.action_masks()[0]
        return mask

    def canvas(self) -> npt.NDArray[np.uint8]:
        """The hidden scene, for pictures and full-view references: uint8, (height, width) or (height, width, 3)."""
        scene: npt.NDArray[np.uint8] = self._dynamics.canvases()[0]
        return scene

    def render(self) -> npt.NDArray[np.uint8] | None:
        """The scene with the scan path, the window, the glimpse and the answer: uint8, (height, width, 3).

        Returns:
            The picture with `render_mode="rgb_array"`; None with `"human"`, which shows it in a window at every step.
        """
        if self.render_mode != "rgb_array":
            return None
        return self._picture()

    def _picture(self) -> npt.NDArray[np.uint8]:
        from glimpse_env.rendering import picture

        counts = self._dynamics.counts[0]
        ended = counts[s.PHASE] == s.FINISHED
        return picture(
            self.canvas(),
            self._path,
            self.task,
            answer=text_of(self._dynamics.said[0], self.labels),
            label=text_of(self._dynamics.texts[0, 0], self.labels) if ended else None,
        )

    def _show(self) -> None:
        if self.render_mode != "human":
            return
        from glimpse_env.rendering import Viewer

        if self._viewer is None:
            self._viewer = Viewer(self.metadata["render_fps"])
        self._viewer.show(self._picture())

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._viewer is not None:
            self._viewer.close()
            self._viewer = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_viewer": None}  # a copy opens a window of its own


def spoken_part(text: list[int]) -> list[int]:
    """A text without what follows its end."""
    return [symbol for symbol in text if symbol != s.SILENT]


def text_of(text: npt.ArrayLike, symbols: tuple[str, ...]) -> str | None:
    """One symbol or several by their names, the closing one left out; None where nothing was said."""
    said = [symbols[symbol] for symbol in spoken_part(np.atleast_1d(text).tolist())]
    if not said:
        return None
    named = said[:-1] if len(said) > 1 and said[-1] == END else said
    return ("" if all(len(name) == 1 for name in named) else " ").join(named)


def index_option(options: dict[str, Any]) -> Any:
    """The ``index`` of reset options.

    Raises:
        ValueError: If there is another option, or none.
    """
    unknown = set(options) - {"index"}
    if unknown:
        raise ValueError(
            f"unknown reset options {sorted(unknown)}; known is 'index', and in vector environments 'reset_mask'"
        )
    return options["index"]
