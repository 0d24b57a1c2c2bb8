"""Does looking matter? The same agent with its gaze taken away, and where its gaze goes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from glimpse_env.action_log import ActionLog, take
from glimpse_env.env import Observation
from glimpse_env.evaluation import Evaluation, evaluate, make_frozen
from glimpse_env.retina import window_start
from glimpse_env.task import Task

#: Scenes on which an agent is scored again without its gaze, to spare time: the first of the split.
SCENES = 2000

_CORNER = 0.8  # |row| and |column| beyond it lie within 10 % of the canvas of a corner
_BATCH = 1000

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def examine(agent: Any, evaluation: Evaluation, gradient: float | None, **overrides: Any) -> dict[str, Any]:
    """What a result says about looking.

    Args:
        agent: Who was evaluated.
        evaluation: Its evaluation, on the test scenes.
        gradient: The location-gradient norm at the end of training, None for agents without one.
        **overrides: Keywords of the task that differ from the id's.

    Returns:
        ``scenes`` (on how many the next three are), ``unchanged``, ``shuffled`` and ``random`` (accuracy of the agent
        as it is, with its looks dealt out anew among episodes, and looking at uniformly random places), ``coverage``
        and ``corner`` (see `habits`, over all scenes) and ``location_gradient_norm``.
    """
    log = evaluation.log
    scenes = min(SCENES, len(log.steps))
    mode = {"action_mode": agent.action_mode} if hasattr(agent, "action_mode") else {}
    task = make_frozen(log.id, 1, log.split, **{**mode, **overrides}).task
    changed: dict[str, Any] = {"unchanged": agent}
    changed |= {"shuffled": Altered(agent, task, "shuffled"), "random": Altered(agent, task, "random")}
    accuracies = {
        name: evaluate(
            other, log.id, split=log.split, scenes=scenes, lanes=_BATCH, progress=False, **overrides
        ).accuracy
        for name, other in changed.items()
    }
    return {"scenes": scenes, **accuracies, **habits(log), "location_gradient_norm": gradient}


class Altered:
    """An agent that decides what to answer and when, but not where it looks.

    ``shuffled``: at every step the looks (place and zoom) of the running episodes are dealt out anew among them, so
    that all together they are what the agent chose. ``random``: the place is uniformly random, the zoom the agent's.
    """

    def __init__(self, agent: Any, task: Task, how: Literal["shuffled", "random"]) -> None:
        self._agent, self._task, self._how = agent, task, how

    def __getattr__(self, name: str) -> Any:  # action_mode and peek, where the agent has them
        return getattr(self._agent, name)

    def reset(self, lanes: int) -> None:
        """Forget the past: `lanes` new episodes begin."""
        self._random = np.random.default_rng(0)
        self._running = np.ones(lanes, np.bool_)
        if hasattr(self._agent, "reset"):
            self._agent.reset(lanes)

    def act(self, observation: Observation) -> Any:
        """The agent's action, looking elsewhere."""
        act = self._agent.act if hasattr(self._agent, "act") else self._agent
        action = act(observation)
        speaks = _speaks(action, self._task)
        looking = np.flatnonzero(self._running & ~speaks)
        if self._task.stopping:
            self._running &= ~speaks & (observation["budget"][:, 0] > 0)
        if self._how == "shuffled":
            return _deal(action, self._task, looking, self._random.permutation(looking))
        return _scatter(action, self._task, looking, self._random)


def _speaks(action: Any, task: Task) -> Bools:
    """Which lanes answer instead of looking: bool, (lanes,). In fixed-glimpse tasks none, but in flat mode."""
    after_look = 2 + (len(task.zooms) > 1)
    if task.action_mode == "flat":
        return np.asarray(action) >= task.grid**2 * len(task.zooms)
    if task.action_mode == "hybrid":
        return np.asarray(action["speak"]) > 0 if task.stopping else np.zeros(len(action["gaze"]), np.bool_)
    array = np.asarray(action)
    return array[:, after_look] > 0 if task.stopping else np.zeros(len(array), np.bool_)


def _deal(action: Any, task: Task, to: Ints, source: Ints) -> Any:
    """The action, with the looks of the lanes `source` in the lanes `to`."""
    if task.action_mode == "hybrid":
        dealt = {name: np.array(part) for name, part in action.items()}
        for name in {"gaze", "zoom"} & set(dealt):
            dealt[name][to] = dealt[name][source]
        return dealt
    array = np.array(action)
    look = (slice(None),) if task.action_mode == "flat" else (slice(None), slice(2 + (len(task.zooms) > 1)))
    part = array[look]  # a view
    part[to] = part[source]
    return array


def _scatter(action: Any, task: Task, lanes: Ints, random: np.random.Generator) -> Any:
    """The action, with the gaze of some lanes uniformly random."""
    count = len(lanes)
    if task.action_mode == "hybrid":
        gaze = np.array(action["gaze"])
        gaze[lanes] = random.uniform(-1, 1, (count, 2))
        return {**action, "gaze": gaze}
    array = np.array(action)
    if task.action_mode == "flat":
        zooms = len(task.zooms)
        array[lanes] = random.integers(task.grid**2, size=count) * zooms + array[lanes] % zooms
    elif task.action_mode == "grid":
        array[lanes, :2] = random.integers(task.grid, size=(count, 2))
    else:
        array[lanes, :2] = random.uniform(-1, 1, (count, 2))
    return array


def scan_paths(log: ActionLog) -> Floats:
    """Where the agent looked: float32, (scenes, steps, 3), row, column and zoom in [-1, 1], NaN after the episode."""
    paths = []
    for indices in _batches(len(log.steps)):
        env = make_frozen(log.id, len(indices), log.split, **log.overrides)
        observation, _ = env.reset(seed=0, options={"index": indices})
        gazes = [observation["gaze"]]
        for step in range(env.most_steps - 1):
            observation, *_ = env.step(take(log.actions, (indices, step)))
            gazes.append(observation["gaze"])
        paths.append(np.stack(gazes, axis=1))
    path = np.concatenate(paths)
    path[np.arange(path.shape[1]) >= log.steps[:, None]] = np.nan
    return path


def habits(log: ActionLog) -> dict[str, float]:
    """Where the gaze goes, from the action log alone.

    Returns:
        ``coverage``: share of the canvas that the windows of an episode cover, mean over scenes. ``corner``: share of
        the gazes the agent chose that lie within 10 % of the canvas of a corner; 0 if it never looked.
    """
    env = make_frozen(log.id, 1, log.split, **log.overrides)
    env.reset(seed=0)
    height, width = env.canvases().shape[1:3]
    task, paths = env.task, scan_paths(log)
    chosen = paths[:, 1:, :2]
    chosen = chosen[~np.isnan(chosen[..., 0])]
    corner: Bools = np.asarray((np.abs(chosen) > _CORNER).all(axis=1))
    covered = [_covered(paths[indices], task, height, width) for indices in _batches(len(paths))]
    return {"coverage": float(np.concatenate(covered).mean()), "corner": float(corner.mean()) if len(corner) else 0.0}


def _covered(paths: Floats, task: Task, height: int, width: int) -> npt.NDArray[np.float64]:
    """Share of the canvas that the widest windows along each path cover: float64, (scenes,)."""
    seen = np.zeros((len(paths), height, width), np.bool_)
    zooms = np.array(task.zooms)
    for gaze in paths.transpose(1, 0, 2):
        there = ~np.isnan(gaze[:, 0])
        gaze = np.nan_to_num(gaze)
        side = task.patch * max(task.scales) * zooms[np.rint((gaze[:, 2] + 1) / 2 * (len(zooms) - 1)).astype(int)]
        rows, columns = (_within(gaze[:, axis], side, size) for axis, size in ((0, height), (1, width)))
        seen |= rows[:, :, None] & columns[:, None, :] & there[:, None, None]
    return seen.mean(axis=(1, 2))


def _within(gaze: Floats, side: Ints, size: int) -> Bools:
    """Which of `size` rows (or columns) each window reaches: bool, (scenes, size)."""
    start = np.array([window_start(float(middle), size, int(width)) for middle, width in zip(gaze, side, strict=True)])
    pixel = np.arange(size)
    reached: Bools = (pixel >= start[:, None]) & (pixel < (start + side)[:, None])
    return reached


def _batches(total: int) -> list[Ints]:
    return [np.arange(start, min(start + _BATCH, total)) for start in range(0, total, _BATCH)]
