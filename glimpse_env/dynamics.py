"""The one transition that every environment runs: state arrays for N lanes, `reset` and `step`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from glimpse_env import actions as a
from glimpse_env import retina
from glimpse_env import state as s
from glimpse_env.bank import bank_of
from glimpse_env.kernel import kernel
from glimpse_env.random import mix, uniform
from glimpse_env.scenes import cluttered
from glimpse_env.simd import OVERHANG
from glimpse_env.sources import load
from glimpse_env.task import Task, whole
from glimpse_env.threads import over_lanes

NEXT_STEP: Final = 0
SAME_STEP: Final = 1
DISABLED: Final = 2
SAME_STEP_SEEN: Final = 3  # SAME_STEP, for a caller that keeps what its lanes saw last

# Rows of `outcome`: what `info` says about a finished episode.
LABEL, ANSWER, SUCCESS, GLIMPSES = range(4)

_FROZEN = 0x676C696D707365  # the key of scenes drawn by index; the bytes of "glimpse"

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Transition(NamedTuple):
    """What a step of N lanes gives.

    Attributes:
        observation: ``glimpse``, ``gaze`` and ``budget``, each float32 with the lanes as first axis.
        reward: float64, (lanes,).
        terminated: bool, (lanes,).
        outcome: int64, (4, lanes): label, answer, success and glimpses of the lanes that terminated, 0 elsewhere.
        final: With `SAME_STEP` the last observation of the lanes that terminated (other rows mean nothing), else None.
    """

    observation: dict[str, Floats]
    reward: npt.NDArray[np.float64]
    terminated: npt.NDArray[np.bool_]
    outcome: Ints
    final: dict[str, Floats] | None


@kernel()
def _begin(lane: int, table: Ints, config: Ints, counts: Ints, sprites: Ints, gazes: npt.NDArray[np.float64]) -> None:
    """Draw the next scene of a lane and its first gaze."""
    if counts[lane, s.INDEX] == s.NO_INDEX:
        key = mix(mix(counts[lane, s.SEED], 0), counts[lane, s.EPISODE])
        counts[lane, s.EPISODE] += 1
    else:
        key = mix(_FROZEN, counts[lane, s.INDEX])
    counts[lane, s.TARGET] = cluttered.lay_out(key, counts[lane, s.INDEX], table, config, sprites, lane)
    gazes[lane, 0] = 2.0 * uniform(key, 0) - 1.0
    gazes[lane, 1] = 2.0 * uniform(key, 1) - 1.0
    counts[lane, s.INDEX] = s.NO_INDEX
    counts[lane, s.ZOOM] = config[s.ZOOMS] - 1
    counts[lane, s.GLIMPSES] = 1
    counts[lane, s.ANSWER] = s.NO_ANSWER
    counts[lane, s.PHASE] = s.RUNNING


@kernel()
def _observe(
    lane: int,
    bank: npt.NDArray[np.uint8],
    config: Ints,
    counts: Ints,
    sprites: Ints,
    gazes: npt.NDArray[np.float64],
    glimpse: Floats,
    gaze: Floats,
    budget: Floats,
    window: npt.NDArray[np.uint8],
    sums: npt.NDArray[np.uint16],
) -> None:
    size = config[s.SCALES] * config[s.CHANNELS] * config[s.PATCH] * config[s.PATCH]
    row, column, zoom = gazes[lane, 0], gazes[lane, 1], counts[lane, s.ZOOM]
    retina.glimpse(glimpse, lane * size, bank, sprites, lane, row, column, zoom, config, window, sums)
    gaze[lane, 0], gaze[lane, 1] = row, column
    gaze[lane, 2] = 2.0 * zoom / (config[s.ZOOMS] - 1) - 1.0 if config[s.ZOOMS] > 1 else 0.0
    budget[lane, 0] = (config[s.BUDGET] - counts[lane, s.GLIMPSES]) / config[s.BUDGET]


@kernel()
def _advance(
    lane: int,
    decisions: npt.NDArray[np.float64],
    config: Ints,
    cost: float,
    counts: Ints,
    gazes: npt.NDArray[np.float64],
) -> float:
    """Look or answer; returns the reward. The whole meaning of an episode stands here."""
    speaks = decisions[lane, a.SPEAK] > 0.5
    counts[lane, s.ANSWER] = np.int64(decisions[lane, a.SYMBOL]) if speaks else s.NO_ANSWER
    right = counts[lane, s.ANSWER] == counts[lane, s.TARGET]
    spent = counts[lane, s.GLIMPSES] >= config[s.BUDGET]
    if spent or (speaks and config[s.STOPPING]):
        counts[lane, s.PHASE] = s.FINISHED
        counts[lane, s.SUCCESS] = right
    else:
        if not np.isnan(decisions[lane, a.ROW]):
            gazes[lane, 0], gazes[lane, 1] = decisions[lane, a.ROW], decisions[lane, a.COLUMN]
            counts[lane, s.ZOOM] = np.int64(decisions[lane, a.ZOOM])
        counts[lane, s.GLIMPSES] += 1
    if not right:
        return 0.0
    if config[s.RUNNING_REWARD]:
        return 1.0 / config[s.BUDGET]
    if counts[lane, s.PHASE] == s.FINISHED:
        return 1.0 - cost * (counts[lane, s.GLIMPSES] - 1)
    return 0.0


@kernel()
def _reset_lanes(
    share: int,
    begin: int,
    end: int,
    chosen: npt.NDArray[np.bool_],
    bank: npt.NDArray[np.uint8],
    table: Ints,
    config: Ints,
    counts: Ints,
    sprites: Ints,
    gazes: npt.NDArray[np.float64],
    windows: npt.NDArray[np.uint8],
    levels: npt.NDArray[np.uint16],
    glimpse: Floats,
    gaze: Floats,
    budget: Floats,
) -> None:
    window, sums = windows[share], levels[share]
    flat = glimpse.reshape(glimpse.size)
    for lane in range(begin, end):
        if chosen[lane]:
            _begin(lane, table, config, counts, sprites, gazes)
        _observe(lane, bank, config, counts, sprites, gazes, flat, gaze, budget, window, sums)


@kernel()
def _step_lanes(
    share: int,
    begin: int,
    end: int,
    autoreset: int,
    cost: float,
    decisions: npt.NDArray[np.float64],
    bank: npt.NDArray[np.uint8],
    table: Ints,
    config: Ints,
    counts: Ints,
    sprites: Ints,
    gazes: npt.NDArray[np.float64],
    windows: npt.NDArray[np.uint8],
    levels: npt.NDArray[np.uint16],
    glimpse: Floats,
    gaze: Floats,
    budget: Floats,
    reward: npt.NDArray[np.float64],
    terminated: npt.NDArray[np.bool_],
    outcome: Ints,
    final_glimpse: Floats,
    final_gaze: Floats,
    final_budget: Floats,
) -> None:
    window, sums = windows[share], levels[share]
    flat, final_flat = glimpse.reshape(glimpse.size), final_glimpse.reshape(final_glimpse.size)
    for lane in range(begin, end):
        if counts[lane, s.PHASE] == s.FINISHED:  # only next-step autoreset lets a finished lane come here
            _begin(lane, table, config, counts, sprites, gazes)
            reward[lane] = 0.0
        else:
            reward[lane] = _advance(lane, decisions, config, cost, counts, gazes)
        ended = counts[lane, s.PHASE] == s.FINISHED
        terminated[lane] = ended
        outcome[LABEL, lane] = counts[lane, s.TARGET] if ended else 0
        outcome[ANSWER, lane] = counts[lane, s.ANSWER] if ended else 0
        outcome[SUCCESS, lane] = counts[lane, s.SUCCESS] if ended else 0
        outcome[GLIMPSES, lane] = counts[lane, s.GLIMPSES] if ended else 0
        if ended and autoreset == SAME_STEP:
            _observe(lane, bank, config, counts, sprites, gazes, final_flat, final_gaze, final_budget, window, sums)
        if ended and autoreset in (SAME_STEP, SAME_STEP_SEEN):
            _begin(lane, table, config, counts, sprites, gazes)
        _observe(lane, bank, config, counts, sprites, gazes, flat, gaze, budget, window, sums)


@kernel()
def _compose_lanes(
    share: int,
    begin: int,
    end: int,
    scenes: npt.NDArray[np.uint8],
    planes: npt.NDArray[np.uint8],
    bank: npt.NDArray[np.uint8],
    sprites: Ints,
    config: Ints,
) -> None:
    for lane in range(begin, end):
        retina.canvas(scenes, planes[share], bank, sprites, lane, config)


class Dynamics:
    """N lanes of one task.

    Attributes:
        task: What was asked for, with the source loaded.
        lanes: N.
        source: Where the images come from.
        actions: The action space and its decoder.
        observation_space: The space of one lane.
        canvas: Height and width of the hidden scene.
    """

    def __init__(self, task: Task, lanes: int, threads: int = 1) -> None:
        self.lanes, self.threads = lanes, threads
        self.source = load(task.source, fallback=task.fallback)
        self.task = replace(task, source=self.source)  # so that copies share the images, whatever named them
        self.config = task.config(bank_of(self.source, task.split))
        self.canvas = (int(self.config[s.CANVAS_HEIGHT]), int(self.config[s.CANVAS_WIDTH]))
        self.actions = a.Actions(task, len(self.source.classes))
        self._shape = (len(task.scales) * int(self.config[s.CHANNELS]), task.patch, task.patch)
        self.observation_space: spaces.Space[Any] = spaces.Dict(
            {
                "glimpse": spaces.Box(0.0, 1.0, self._shape, np.float32),
                "gaze": spaces.Box(-1.0, 1.0, (3,), np.float32),
                "budget": spaces.Box(0.0, 1.0, (1,), np.float32),
            }
        )
        self.counts = np.zeros((lanes, s.COUNT_COLUMNS), np.int64)
        self.counts[:, s.INDEX] = s.NO_INDEX
        self.sprites = np.zeros((lanes, 1 + task.clutter, s.SPRITE_COLUMNS), np.int64)
        self.gazes = np.zeros((lanes, 2))
        self._decisions = np.zeros((lanes, 5))
        self._cost = float(task.glimpse_cost)
        self._nothing = self._blank(0)
        self._find_bank()

    def _find_bank(self) -> None:
        self._bank, self._table, _ = bank_of(self.source, self.task.split)
        scratch = retina.scratch(self.config, self.threads)
        self._state = (self._bank, self._table, self.config, self.counts, self.sprites, self.gazes, *scratch)

    def __getstate__(self) -> dict[str, Any]:
        shared = ("_bank", "_table", "_state")  # found again rather than copied
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
        }

    def reset(self, chosen: npt.NDArray[np.bool_]) -> dict[str, Floats]:
        """Begin a new episode in the `chosen` lanes (bool, (lanes,)); returns the observation of every lane."""
        seen = self._blank(self.lanes)
        over_lanes(_reset_lanes, self.lanes, self.threads, chosen, *self._state, *seen.values())
        return seen

    def step(self, action: Any, batched: bool, autoreset: int) -> Transition:
        """Move every lane on by one decision.

        Args:
            action: As in `actions.space`, with the axis of the lanes if `batched`.
            batched: False for a single environment's action.
            autoreset: `NEXT_STEP`, `SAME_STEP`, `DISABLED` or `SAME_STEP_SEEN`; lanes that finished are only allowed
                with the first. The last step of an episode looks nowhere, so what the lanes saw before it is also what
                they see at the end: `SAME_STEP_SEEN` spares taking that glimpse again.

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
        outcome = np.empty((4, lanes), np.int64)
        results = (*seen.values(), reward, terminated, outcome, *final.values())
        task = (autoreset, self._cost, self._decisions, *self._state)
        over_lanes(_step_lanes, lanes, self.threads, *task, *results)
        return Transition(seen, reward, terminated, outcome, final if autoreset == SAME_STEP else None)

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """See `Actions.masks`: bool, (lanes, actions)."""
        return self.actions.masks(self.counts, self.task.stopping, self.task.budget)

    def canvases(self) -> npt.NDArray[np.uint8]:
        """The hidden scenes: uint8, (lanes, height, width), or (lanes, height, width, 3) for RGB."""
        channels, pixels = int(self.config[s.CHANNELS]), self.canvas[0] * self.canvas[1]
        scenes = np.empty((self.lanes, channels, pixels), np.uint8)
        planes = np.empty((self.threads, pixels + OVERHANG), np.uint8)
        scene = (self._bank, self.sprites, self.config)
        over_lanes(_compose_lanes, self.lanes, self.threads, scenes, planes, *scene)
        pictures = scenes.reshape(self.lanes, channels, *self.canvas)
        return pictures[:, 0] if channels == 1 else np.ascontiguousarray(np.moveaxis(pictures, 1, 3))
