"""State arrays for N lanes of one task, and what moves them: `reset` and `step`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from glimpse_env import actions as a
from glimpse_env import retina, transition
from glimpse_env import state as s
from glimpse_env.bank import bank_of
from glimpse_env.checks import whole
from glimpse_env.sentences import NO_FREQUENCIES, document_frequencies
from glimpse_env.simd import OVERHANG
from glimpse_env.sources import Source, load
from glimpse_env.task import Task
from glimpse_env.threads import over_lanes
from glimpse_env.transition import compose_lanes, reset_lanes, step_lanes

NEXT_STEP: Final = 0
SAME_STEP: Final = transition.SAME_STEP
SAME_STEP_SEEN: Final = transition.SAME_STEP_SEEN
DISABLED: Final = 2

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Transition(NamedTuple):
    """What a step of N lanes gives.

    Attributes:
        observation: ``glimpse``, ``gaze``, ``budget`` and, where a text is spoken, ``spoken``; each float32 with the
            lanes as first axis.
        reward: float64, (lanes,).
        terminated: bool, (lanes,).
        outcome: int64, (2 * length + 2, lanes): label, answer, success and glimpses of the lanes that terminated, 0
            elsewhere. Label and answer have `length` rows each, which is 1 where one symbol is the answer; see `told`.
        final: With `SAME_STEP` the last observation of the lanes that terminated (other rows mean nothing), else None.
    """

    observation: dict[str, Floats]
    reward: npt.NDArray[np.float64]
    terminated: npt.NDArray[np.bool_]
    outcome: Ints
    final: dict[str, Floats] | None

    def told(self) -> dict[str, npt.NDArray[Any]]:
        """`outcome` by name: ``label``, ``answer``, ``is_success`` and ``glimpses``, with the lanes as first axis.

        Label and answer are int64, (lanes,), or (lanes, length) where a text is spoken, -1 where it has ended.
        """
        *rows, success, glimpses = self.outcome
        length = len(rows) // 2
        label, answer = (rows[0], rows[1]) if length == 1 else (np.stack(rows[:length], 1), np.stack(rows[length:], 1))
        return {"label": label, "answer": answer, "is_success": success.astype(np.bool_), "glimpses": glimpses}


class Dynamics:
    """N lanes of one task.

    Attributes:
        task: What was asked for, with the source loaded.
        lanes: N.
        source: Where the images come from.
        symbols: The name of each symbol that may be said.
        labels: The name of each label and answer: see `Task.labels`.
        actions: The action space and its decoder.
        observation_space: The space of one lane.
        canvas: Height and width of the hidden scene.
    """

    def __init__(self, task: Task, lanes: int, threads: int = 1) -> None:
        self.lanes, self.threads = lanes, threads
        self.source = load(task.source, fallback=task.fallback)
        self.task = replace(task, source=self.source)  # so that copies share the images, whatever named them
        bank = bank_of(self.source, task.split)
        self.symbols = task.symbols(self.source)
        self.config = task.config(bank, self.symbols)
        self.canvas = (int(self.config[s.CANVAS_HEIGHT]), int(self.config[s.CANVAS_WIDTH]))
        self.labels = task.labels(self.source, self.canvas)
        self.actions = a.Actions(task, len(self.symbols))
        self._shape = ((1 + task.draws) * len(task.scales) * int(self.config[s.CHANNELS]), task.patch, task.patch)
        length = int(self.config[s.LENGTH])
        self.reads = bool(self.config[s.SPEECH] == s.READING)
        parts: dict[str, spaces.Space[Any]] = {
            "glimpse": spaces.Box(0.0, 1.0, self._shape, np.float32),
            "gaze": spaces.Box(-1.0, 1.0, (3,), np.float32),
            "budget": spaces.Box(0.0, 1.0, (1,), np.float32),
        }
        if self.reads:
            parts["spoken"] = spaces.Box(0.0, 1.0, (len(self.symbols) + 1,), np.float32)
        self.observation_space: spaces.Space[Any] = spaces.Dict(parts)
        self.counts = np.zeros((lanes, s.COUNT_COLUMNS), np.int64)
        self.counts[:, s.INDEX] = s.NO_INDEX
        self.sprites = np.zeros((lanes, task.images + task.clutter + task.strokes, s.SPRITE_COLUMNS), np.int64)
        self.gazes = np.zeros((lanes, 2))
        self.texts = np.full((lanes, task.references(bank), length), s.SILENT)
        self.said = np.full((lanes, length), s.SILENT)
        self._frequencies = _frequencies(self.task) if task.reward == "cider" else NO_FREQUENCIES
        self._decisions = np.zeros((lanes, 5))
        self._cost = float(task.glimpse_cost)
        self._nothing = self._blank(0)
        self._find_bank()

    def _find_bank(self) -> None:
        bank = bank_of(self.source, self.task.split)
        self._bank, table, book = bank.pixels, bank.table, self.task.readable(bank)
        scratch = retina.scratch(self.config, self.threads)
        lanes = (self.counts, self.sprites, self.gazes, self.texts, self.said)
        self._state = (self._bank, table, book, self._frequencies, self.config, *lanes, *scratch)

    def __getstate__(self) -> dict[str, Any]:
        shared = ("_bank", "_state")  # found again rather than copied
        return {name: value for name, value in vars(self).items() if name not in shared}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._find_bank()

    def seed(self, seeds: Sequence[int | None], chosen: npt.NDArray[np.bool_]) -> None:
        """Give each chosen lane its seed (modulo 2**64), and count its episodes from 0 again; None changes nothing.

        Raises:
            TypeError: If a seed is not a whole number.
            ValueError: If a seed is negative; no lane has a new one then.
        """
        given = {lane: whole(f"seed of lane {lane}", seed, 0) for lane, seed in enumerate(seeds) if seed is not None}
        for lane, seed in given.items():
            if chosen[lane]:
                self.counts[lane, s.SEED] = np.uint64(seed & 0xFFFFFFFFFFFFFFFF).view(np.int64)
                self.counts[lane, s.EPISODE] = 0

    def choose(self, indices: npt.ArrayLike, chosen: npt.NDArray[np.bool_]) -> None:
        """Let the next reset of the `chosen` lanes draw scene `indices` of the split instead of the next seeded one.

        Raises:
            TypeError: If an index is not a whole number.
            ValueError: If there are not as many as lanes (or one), or one that is chosen is negative.
        """
        wanted = np.asarray(indices)
        if wanted.dtype.kind not in "iu":
            raise TypeError(f"options['index'] must be whole numbers, got {indices!r}")
        if wanted.shape not in ((), (self.lanes,)):
            shape = f"({self.lanes},)"
            raise ValueError(f"options['index'] must be one number or have shape {shape}, got shape {wanted.shape}")
        wanted = np.broadcast_to(wanted.astype(np.int64), (self.lanes,))[chosen]
        if (wanted < 0).any():
            raise ValueError(f"options['index'] must be at least 0, got {int(wanted.min())}")
        self.counts[chosen, s.INDEX] = wanted

    def _blank(self, lanes: int) -> dict[str, Floats]:
        return {
            "glimpse": np.empty((lanes, *self._shape), np.float32),
            "gaze": np.empty((lanes, 3), np.float32),
            "budget": np.empty((lanes, 1), np.float32),
            "spoken": np.empty((lanes, len(self.symbols) + 1 if self.reads else 0), np.float32),
        }

    def reset(self, chosen: npt.NDArray[np.bool_]) -> dict[str, Floats]:
        """Begin a new episode in the `chosen` lanes (bool, (lanes,)); returns the observation of every lane."""
        seen = self._blank(self.lanes)
        over_lanes(reset_lanes, self.lanes, self.threads, chosen, *self._state, *seen.values())
        return self._shown(seen)

    def _shown(self, seen: dict[str, Floats]) -> dict[str, Floats]:
        if not self.reads:
            del seen["spoken"]  # the kernel takes it all the same
        return seen

    def step(self, action: Any, batched: bool, autoreset: int) -> Transition:
        """Move every lane on by one decision.

        Args:
            action: As in `actions.space`, with the axis of the lanes if `batched`.
            batched: False for a single environment's action.
            autoreset: `NEXT_STEP`, `SAME_STEP`, `DISABLED` or `SAME_STEP_SEEN`; lanes that finished are only allowed
                with the first. Where one symbol is the answer, the last step of an episode looks nowhere: what the
                lanes saw before it they see at the end, and `SAME_STEP_SEEN` spares taking that glimpse again.

        Raises:
            TypeError: For a wrong type or dtype of the action.
            ValueError: For a wrong shape, a number that is not finite, or a choice out of range; no lane has moved
                then.
        """
        lanes = self.lanes
        self.actions.decode(action, lanes, batched, self._decisions)
        seen = self._blank(lanes)
        final = self._blank(lanes) if autoreset == SAME_STEP else self._nothing
        reward, terminated = np.empty(lanes), np.empty(lanes, np.bool_)
        outcome = np.empty((2 * self.said.shape[1] + 2, lanes), np.int64)
        results = (*seen.values(), reward, terminated, outcome, *final.values())
        task = (autoreset, self._cost, self._decisions, *self._state)
        over_lanes(step_lanes, lanes, self.threads, *task, *results)
        last = self._shown(final) if autoreset == SAME_STEP else None
        return Transition(self._shown(seen), reward, terminated, outcome, last)

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """See `Actions.masks`: bool, (lanes, actions)."""
        task = self.task
        return self.actions.masks(self.counts, task.stopping or not task.names, task.budget)

    def canvases(self) -> npt.NDArray[np.uint8]:
        """The hidden scenes: uint8, (lanes, height, width), or (lanes, height, width, 3) for RGB."""
        channels, pixels = int(self.config[s.CHANNELS]), self.canvas[0] * self.canvas[1]
        scenes = np.empty((self.lanes, channels, pixels), np.uint8)
        planes = np.empty((self.threads, pixels + OVERHANG), np.uint8)
        scene = (self._bank, self.sprites, self.config)
        over_lanes(compose_lanes, self.lanes, self.threads, scenes, planes, *scene)
        pictures = scenes.reshape(self.lanes, channels, *self.canvas)
        return pictures[:, 0] if channels == 1 else np.ascontiguousarray(np.moveaxis(pictures, 1, 3))


# Per source, as counting takes a second or two: rules of the task -> frequencies.
_counted: WeakKeyDictionary[Source, dict[str, Ints]] = WeakKeyDictionary()


def _frequencies(task: Task) -> Ints:
    """In how many training scenes each n-gram of the references occurs, counted over as many as there are images."""
    known = _counted.setdefault(task.source, {})
    plain = replace(task, split="train", reward="final")
    rules = str(plain.rules())
    if rules not in known:
        scenes = Dynamics(plain, len(bank_of(task.source, "train").table))
        everyone = np.ones(scenes.lanes, np.bool_)
        scenes.choose(np.arange(scenes.lanes), everyone)
        scenes.reset(everyone)
        known[rules] = document_frequencies(scenes.texts, int(scenes.config[s.END]))
    return known[rules]
