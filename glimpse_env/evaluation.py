"""`evaluate`: every frozen scene of a split once, one path each; `replay`: the score again, from its log alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from glimpse_env.action_log import ActionLog, join, narrow, take
from glimpse_env.checks import whole
from glimpse_env.env import Observation
from glimpse_env.scenes import END, SCENES
from glimpse_env.sources import DataError
from glimpse_env.vector_env import GlimpseVectorEnv


class Agent(Protocol):
    """What `evaluate` needs of an agent; a plain function from observation to action does as well.

    An agent may also have `action_mode`, the encoding of its actions (default: the task's own), and `peek(env)`, called
    after every reset with the vector environment: for references that may see the hidden scene, and for nobody else.
    What the benchmark also asks for, where an agent has it: `belief()`, the probability of every class after the latest
    `act`, float32, (lanes, classes).
    """

    def reset(self, lanes: int) -> None:
        """Forget the past: `lanes` new episodes begin."""

    def act(self, observation: Observation) -> Any:
        """The next action of every lane; arrays carry the lanes as first axis. Finished lanes ignore theirs."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The score of one agent on one task.

    Attributes:
        accuracy: Share of scenes answered right; where a text is read, of those read without a fault.
        mean_return: Mean sum of rewards.
        mean_glimpses: Mean number of glimpses taken.
        by_glimpses: For k = 1, 2, ... glimpses: (k, scenes, accuracy). In a fixed-glimpse task the running answer
            after k glimpses, over all scenes; with stopping the scenes that were answered after k.
        log: What the agent did.
        symbol_error_rate: Where a text is read, how many insertions, deletions and substitutions turn what was said
            into the texts of all scenes, over how many symbols these have; closing symbols do not count. Where a scene
            has several right texts, the nearest of them counts. Else None.
        glimpses_per_symbol: Where a text is read, glimpses over symbols of the texts. Else None.
    """

    accuracy: float
    mean_return: float
    mean_glimpses: float
    by_glimpses: tuple[tuple[int, int, float], ...]
    log: ActionLog
    symbol_error_rate: float | None = None
    glimpses_per_symbol: float | None = None


@dataclass
class _Tally:
    success: npt.NDArray[np.bool_]
    returns: npt.NDArray[np.float64]
    glimpses: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]
    answers: npt.NDArray[np.int64]  # (scenes, steps): the symbol spoken at each step, -1 for none
    labels: npt.NDArray[np.int64]  # (scenes,), or (scenes, length) where a text is read
    references: npt.NDArray[np.int64]  # (scenes, references, length): all right texts


def make_frozen(id: str, lanes: int, split: str, **overrides: Any) -> GlimpseVectorEnv:
    """A vector environment for the frozen scenes of an id.

    Raises:
        DataError: If stand-in images would be used under an MNIST id.
    """
    env = gym.make_vec(id, lanes, split=split, autoreset_mode=AutoresetMode.NEXT_STEP, **overrides)
    assert isinstance(env, GlimpseVectorEnv)
    if env.source.stand_in_for is not None:
        twin = id.replace("MNIST", "Digits")
        raise DataError(
            f"{id} would be scored on {env.source.name!r} images, which only stand in for {env.source.stand_in_for!r}: "
            f"set GLIMPSE_DATA to a folder that holds the real data, or use {twin}"
        )
    return env


def fingerprint(id: str, *, split: str = "test", scenes: int | None = None, **overrides: Any) -> str:
    """SHA-256 of the first `scenes` frozen scenes of a split (default: as many as it has images).

    It covers the hidden canvases, how things move on them, their labels and the first observations, so that two results
    with one fingerprint were made on the same scenes. By which rules (budget, stopping, cost, ...), `Task.rules` tells;
    a log has both.
    """
    digest = hashlib.sha256()
    for indices in _batches(_total(id, split, scenes, overrides), 1000):
        env = make_frozen(id, len(indices), split, **overrides)
        observation, _ = env.reset(options={"index": indices})
        digest.update(env.canvases().tobytes())
        digest.update(env.targets().astype("<i8").tobytes())
        if env.task.moves:
            digest.update(env.velocities().astype("<i8").tobytes())
        for name in ("glimpse", "gaze"):
            digest.update(observation[name].astype("<f4").tobytes())
    return digest.hexdigest()


def evaluate(
    agent: Agent | Callable[[Observation], Any],
    id: str,
    *,
    split: str = "test",
    scenes: int | None = None,
    lanes: int = 1000,
    progress: bool = True,
    **overrides: Any,
) -> Evaluation:
    """Score an agent on the frozen scenes of a split: each once, one path each, never an average over roll-outs.

    Args:
        agent: An `Agent`, or a function from observations to actions.
        id: The environment's id.
        split: ``"test"`` for results; ``"validation"`` to choose a checkpoint.
        scenes: How many, from scene 0 on; None takes as many as the split has images.
        lanes: How many episodes run at once.
        progress: Show a progress bar, where `rich` is installed.
        **overrides: Keywords of the task that differ from the id's.

    Raises:
        DataError: If stand-in images would be scored under an MNIST id.
        TypeError: If `scenes` or `lanes` is no whole number.
        ValueError: If one of them is below 1.
    """
    if hasattr(agent, "action_mode"):
        overrides = {"action_mode": agent.action_mode, **overrides}
    total = _total(id, split, scenes, overrides)
    tallies, logs = [], []
    for indices in _progress(list(_batches(total, whole("lanes", lanes, 1))), f"{id} {split}", progress):
        env = make_frozen(id, len(indices), split, **overrides)
        tally, actions = _run(agent, env, indices)
        tallies.append(tally)
        logs.append(actions)
    tally = _Tally(**{name: np.concatenate([getattr(part, name) for part in tallies]) for name in vars(tallies[0])})
    log = ActionLog(
        id=id, split=split, overrides=overrides, fingerprint=fingerprint(id, split=split, scenes=total, **overrides),
        rules=env.task.rules(), steps=tally.steps, actions=join(logs),
    )  # fmt: skip
    return _score(tally, env, log)


def replay(log: ActionLog, *, lanes: int = 1000) -> Evaluation:
    """Recompute the score of an action log on the frozen scenes, without the agent.

    Raises:
        DataError: If the scenes are not those of the log, or real data is missing.
        ValueError: If the log does not fit the task: other rules, an action out of range, or episodes that end
            elsewhere.
    """
    total = len(log.steps)
    rules = make_frozen(log.id, 1, log.split, **log.overrides).task.rules()
    changed = [
        f"{name} {rules.get(name)!r}, the log has {was!r}" for name, was in log.rules.items() if rules.get(name) != was
    ]
    if changed:
        raise ValueError(f"the rules of {log.id} differ from the log's: {'; '.join(changed)}")
    found = fingerprint(log.id, split=log.split, scenes=total, **log.overrides)
    if found != log.fingerprint:
        raise DataError(
            f"the scenes of {log.id} differ from the log's: fingerprint {found}, the log has {log.fingerprint}"
        )
    for name, array in log.actions.items():
        if array.ndim < 2 or len(array) != total or array.shape[1] < log.steps.max():
            raise ValueError(f"{name!r} of the log has shape {array.shape}, too small for {total} scenes of its steps")
    position = 0

    class Replayer:
        def reset(self, lanes: int) -> None:
            nonlocal position
            self.step, self.scenes = 0, slice(position, position + lanes)
            position += lanes

        def act(self, observation: Observation) -> Any:
            self.step += 1
            return take(log.actions, (self.scenes, self.step - 1))

    again = evaluate(Replayer(), log.id, split=log.split, scenes=total, lanes=lanes, progress=False, **log.overrides)
    if not np.array_equal(again.log.steps, log.steps):
        scene = int(np.flatnonzero(again.log.steps != log.steps)[0])
        raise ValueError(f"scene {scene} ends after {again.log.steps[scene]} steps, the log has {log.steps[scene]}")
    return again


def _run(agent: Any, env: GlimpseVectorEnv, indices: npt.NDArray[np.int64]) -> tuple[_Tally, Any]:
    lanes, most = len(indices), env.most_steps
    act = agent.act if hasattr(agent, "act") else agent
    if hasattr(agent, "reset"):
        agent.reset(lanes)
    observation, _ = env.reset(seed=0, options={"index": indices})
    if hasattr(agent, "peek"):
        agent.peek(env)
    labels = env.targets()
    tally = _Tally(
        success=np.zeros(lanes, np.bool_), returns=np.zeros(lanes), glimpses=np.zeros(lanes, np.int64),
        steps=np.zeros(lanes, np.int64), answers=np.full((lanes, most), -1), labels=labels,
        references=env.references(),
    )  # fmt: skip
    running = np.ones(lanes, np.bool_)
    taken: list[Any] = []
    while running.any():
        action = narrow(act(observation))
        observation, reward, terminated, _, info = env.step(action)
        step = len(taken)
        taken.append(action)
        tally.answers[running, step] = env.answers()[running]
        tally.returns[running] += reward[running]
        tally.steps[running] += 1
        ended = running & terminated
        if ended.any():
            tally.success[ended], tally.glimpses[ended] = info["is_success"][ended], info["glimpses"][ended]
            running &= ~terminated
    taken += [taken[-1]] * (most - len(taken))  # every log has as many steps; past the end they mean nothing
    return tally, taken


def _score(tally: _Tally, env: GlimpseVectorEnv, log: ActionLog) -> Evaluation:
    task = env.task
    ends_early = task.stopping or not task.names
    rows: list[tuple[int, int, float]] = []
    for k in range(1, env.task.budget + 1):
        chosen = tally.glimpses == k if ends_early else np.ones(len(tally.success), np.bool_)
        right = tally.success if ends_early else tally.answers[:, k - 1] == tally.labels
        if chosen.any():
            rows.append((k, int(chosen.sum()), float(right[chosen].mean())))
    return Evaluation(
        accuracy=float(tally.success.mean()),
        mean_return=float(tally.returns.mean()),
        mean_glimpses=float(tally.glimpses.mean()),
        by_glimpses=tuple(rows),
        log=log,
        **(_reading(tally, env.symbols) if env.task.reads else {}),
    )


def _reading(tally: _Tally, symbols: tuple[str, ...]) -> dict[str, float]:
    """Symbol error rate and glimpses a symbol, of the nearest references."""
    end = len(symbols) - 1 if symbols[-1] == END else -1

    def spoken(row: list[int]) -> list[int]:
        return [k for k in row if k not in (-1, end)]

    edits = length = 0
    for mine, texts in zip(tally.answers.tolist(), tally.references.tolist(), strict=True):
        distances = [(edit_distance(spoken(mine), spoken(text)), len(spoken(text))) for text in texts]
        nearest = min(distances, key=lambda found: found[0])
        edits, length = edits + nearest[0], length + nearest[1]
    return {"symbol_error_rate": edits / length, "glimpses_per_symbol": float(tally.glimpses.sum()) / length}


def edit_distance(said: Sequence[int], text: Sequence[int]) -> int:
    """Fewest insertions, deletions and substitutions that turn one into the other (Levenshtein 1966)."""
    row = list(range(len(text) + 1))
    for i, symbol in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for k, wanted in enumerate(text, 1):
            diagonal, row[k] = row[k], min(row[k] + 1, row[k - 1] + 1, diagonal + (symbol != wanted))
    return row[-1]


def _total(id: str, split: str, scenes: int | None, overrides: dict[str, Any]) -> int:
    """How many scenes: as many as asked for, or all."""
    if scenes is not None:
        return whole("scenes", scenes, 1)
    return frozen_scenes(make_frozen(id, 1, split, **overrides))


def frozen_scenes(env: GlimpseVectorEnv) -> int:
    """How many frozen scenes make a test: as many as the split has images, where these tell the scenes apart."""
    return SCENES[env.task.scene].frozen or len(env.source.split(env.task.split))


def _batches(total: int, size: int) -> Iterable[npt.NDArray[np.int64]]:
    return (np.arange(start, min(start + size, total)) for start in range(0, total, size))


def _progress(items: list[Any], title: str, wanted: bool) -> Iterable[Any]:
    if not wanted:
        return items
    try:
        from rich.progress import track
    except ImportError:
        return items
    return track(items, description=title)
