"""What every training here shares: lanes and scenes, a checkpoint that survives a kill, a learning curve."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agents.files import replacing
from glimpse_env.env import Observation
from glimpse_env.sources import DataError, Source
from glimpse_env.vector_env import GlimpseVectorEnv

Row = dict[str, float]
Log = Callable[[Row], None]


def ignore(row: Row) -> None:
    """A `Log` that keeps nothing."""


def make_lanes(task: str, lanes: int, split: str = "train", **overrides: Any) -> GlimpseVectorEnv:
    """Training lanes in the hybrid action mode; they are reset by hand, all together.

    Raises:
        DataError: If stand-in images would be used under an MNIST id: what is trained on them is no result of that id.
    """
    import gymnasium as gym

    import glimpse_env  # noqa: F401  registers the ids

    keywords = {"action_mode": "hybrid", **overrides}
    env = gym.make_vec(task, lanes, split=split, autoreset_mode="Disabled", **keywords)
    assert isinstance(env, GlimpseVectorEnv)
    refuse_stand_in(task, env.source)
    return env


def refuse_stand_in(task: str, source: Source) -> None:
    """Raise a `DataError` if these images stand in for those of the task."""
    if source.stand_in_for is not None:
        raise DataError(
            f"{task} has no real images here; set GLIMPSE_DATA, or train on {task.replace('MNIST', 'Digits')}"
        )


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that a kill at any moment leaves the old one or the new one, whole."""
    with replacing(path) as partial:
        torch.save(state, partial)


def restore(path: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """The checkpoint at `path`, or None where there is none.

    Raises:
        ValueError: If it was made with other settings.
    """
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=False)
    if state["settings"] != settings:
        changed = sorted(name for name in settings if state["settings"].get(name) != settings[name])
        raise ValueError(
            f"{path} was made with other settings ({', '.join(changed)}); choose another folder or remove it"
        )
    return state


def counted(begin: int, end: int, title: str, row: Row) -> Iterator[int]:
    """`range(begin, end)` behind a progress bar with the time left and the latest `row` of the learning curve."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[status]}")) as progress:
        bar = progress.add_task(title, total=end, completed=begin, status="")
        for k in range(begin, end):
            yield k
            status = " ".join(f"{name} {value:.3g}" for name, value in row.items())
            progress.update(bar, completed=k + 1, status=status)


def optimise(
    update: Callable[[int], Row],
    updates: int,
    steps: int,
    *,
    title: str,
    path: Path,
    settings: dict[str, Any],
    parts: Mapping[str, Any],
    log: Log,
    judge: Callable[[], Row] = dict,
) -> None:
    """Run `update(k)` for every k < `updates`, or for those that an interrupted run has left.

    About a hundred times, and after the last of them, it logs the mean of what the updates returned since, with what
    `judge` says, and then writes a checkpoint.

    Args:
        update: One step of learning; returns what to log.
        updates: How many there are.
        steps: Environment steps that one takes.
        title: For the progress bar.
        path: Of the checkpoint.
        settings: What the checkpoint must have been made with.
        parts: What has a `state_dict` and belongs in it.
        log: Gets the rows.
        judge: What else belongs in a row, on scenes held out, say. It must leave torch's random state alone.

    Raises:
        ValueError: If the checkpoint was made with other settings.
    """
    done, spent, every = 0, 0.0, max(1, updates // 100)
    if (saved := restore(path, settings)) is not None:
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        torch.set_rng_state(saved["chance"])
        done, spent = saved["done"], saved["spent"]
    begun = time.monotonic() - spent
    row: Row = {}
    news: list[Row] = []
    for k in counted(done, updates, title, row):
        news.append(update(k))
        if (k + 1) % every == 0 or k + 1 == updates:
            spent = time.monotonic() - begun
            means = {name: float(np.mean([one[name] for one in news])) for name in news[0]}
            row |= {"steps": (k + 1) * steps, "seconds": spent, **means, **judge()}
            log(dict(row))
            news.clear()
            state = {name: part.state_dict() for name, part in parts.items()}
            save(path, {"settings": settings, "done": k + 1, "spent": spent, "chance": torch.get_rng_state(), **state})


def fresh_scenes(env: GlimpseVectorEnv, seed: int, update: int, copies: int = 1) -> Observation:
    """Begin the episodes of one update: fresh scenes, `copies` lanes on each, and the same ones after a resume."""
    indices = np.random.default_rng((seed, update)).integers(0, 2**62, env.num_envs // copies)
    return env.reset(seed=0, options={"index": np.repeat(indices, copies)})[0]
