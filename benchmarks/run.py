"""Train and score agents on the tasks of a suite: agent x task x seed.

Every finished cell is a file in the folder of results, and is never overwritten. Killed at any moment the run loses
none of them; the same command goes on from there, half-trained cells from their checkpoints.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import cells, tables
from benchmarks.cells import Cell
from benchmarks.files import RESULTS, cores, read_json, replacing
from benchmarks.roster import resolve
from benchmarks.suite import find
from benchmarks.workers import Ended, on_ray, on_this_machine

_OVERHEAD = 100_000  # what starting and scoring a cell takes, in environment steps; for the time left


def grid(
    agents: Sequence[str],
    tasks: Sequence[str] = (),
    *,
    suite: str = "leaderboard",
    seeds: int | None = None,
    first_seed: int = 0,
    steps: int | None = None,
) -> list[Cell]:
    """The cells of a run, seed by seed, so that an early look at the results sees every agent on every task.

    Args:
        agents: See `benchmarks.roster.resolve`.
        tasks: Names within the suite; none for all.
        suite: Name of the suite.
        seeds: How many; None takes the suite's number.
        first_seed: The first of them.
        steps: Training budget in environment steps; None takes the suite's.

    Raises:
        ValueError: If something is unknown or out of range, or two agents have one name.
    """
    chosen = find(suite, tuple(tasks))
    entrants = [resolve(agent) for agent in agents]
    names = [entrant.name for entrant in entrants]
    if not entrants or len(set(names)) < len(names):
        raise ValueError(f"agents must be at least one, each with a name of its own (NAME=...), got {names}")
    for name, value, low in (("seeds", seeds, 1), ("first_seed", first_seed, 0), ("steps", steps, 1)):
        if value is not None and value < low:
            raise ValueError(f"{name}={value} must be at least {low}")
    numbers = {task.name: range(first_seed, first_seed + (seeds or task.seeds)) for task in chosen}
    ordered = sorted({number for series in numbers.values() for number in series})
    return [
        Cell(suite=suite, task=task, entrant=entrant, seed=seed, steps=steps)
        for seed in ordered
        for task in chosen
        for entrant in entrants
        if seed in numbers[task.name]
    ]


def main(
    agents: tuple[str, ...],
    tasks: tuple[str, ...] = (),
    suite: str = "leaderboard",
    seeds: int | None = None,
    first_seed: int = 0,
    steps: int | None = None,
    workers: int | None = None,
    ray: str | None = None,
    results: Path = RESULTS,
    runs: Path = Path("runs"),
) -> None:
    """Run the grid and print the scores.

    Args:
        agents: Names (see benchmarks/roster.py), my_package.my_module:MyAgent, or the path of a Stable-Baselines3 zip;
            NAME= before one of them names its results.
        tasks: Names of tasks of the suite; all of them by default.
        suite: leaderboard, frontier (the flagship at several glimpse costs), records, ablation or smoke (a minute).
        seeds: How many seeds; the suite's number by default.
        first_seed: The first seed, to spread seeds over machines.
        steps: Training budget in environment steps; the suite's by default, which is what the leaderboard compares.
        workers: Cells at a time; as many as there are cores by default.
        ray: Address of a Ray cluster to run on (local starts one here) instead of processes of this machine.
        results: Folder of results.
        runs: Folder of checkpoints and logs.
    """
    console = Console(highlight=False)
    try:
        wanted = grid(agents, tasks, suite=suite, seeds=seeds, first_seed=first_seed, steps=steps)
        todo = [cell for cell in wanted if not cells.finished(cell, results)]
        for folder in (results, runs):
            _check_writable(folder)
        if workers is not None and workers < 1:
            raise ValueError(f"workers={workers} must be at least 1")
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {getattr(error, 'strerror', None) or error}") from error
    console.print(f"{len(wanted)} cells, {len(wanted) - len(todo)} of them finished")
    failed = _run(todo, len(wanted), console, results, runs, workers, ray)
    found = [read_json(results / cell.path) for cell in wanted if (results / cell.path).exists()]
    if found:
        tables.show(found, console)
    if failed:
        console.print(f"{len(failed)} of {len(wanted)} cells failed; the same command tries them again:", markup=False)
        for cell, problem in failed:
            console.print(f"  {cell.path.with_suffix('')}: {problem}", markup=False, soft_wrap=True)
        raise SystemExit(1)


def _run(
    todo: Sequence[Cell],
    total: int,
    console: Console,
    results: Path,
    runs: Path,
    workers: int | None,
    ray: str | None,
) -> list[tuple[Cell, str]]:
    """Run cells behind a progress bar; returns those that failed, and why."""
    if not todo:
        return []
    ended: Iterable[Ended]
    if ray is None:
        ended = on_this_machine(todo, results, runs, min(workers or cores(), len(todo)))
    else:
        ended = on_ray(todo, results, runs, workers, ray)
    failed: list[tuple[Cell, str]] = []
    left = {cell.path: cell for cell in todo}
    work = float(sum(map(_work, todo)))
    before = sum(cells.trained(cell, runs) for cell in todo)
    begun = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=work, left="")
        for event in ended:
            if event is not None:
                cell, problem = event
                del left[cell.path]
                if problem is not None:
                    failed.append((cell, problem))
                line = f"[{total - len(left)}/{total}] {_line(cell, problem, results)}"
                progress.console.print(line, markup=False, soft_wrap=True)
            finished = work - sum(_work(cell) - cells.trained(cell, runs) for cell in left.values())
            text = _time_left(finished - before, work - finished, time.monotonic() - begun)
            progress.update(bar, completed=finished, description=f"{total - len(left)}/{total} cells", left=text)
    return failed


def _work(cell: Cell) -> int:
    return cell.budget + _OVERHEAD


def _time_left(done: float, todo: float, seconds: float) -> str:
    if done <= 0 or todo <= 0:
        return ""
    return f"about {timedelta(seconds=round(seconds * todo / done))} left"


def _line(cell: Cell, error: str | None, results: Path) -> str:
    title = f"{cell.task.name} {cell.entrant.name} seed {cell.seed}"
    if error is not None:
        return f"{title}: FAILED, {error}"
    result = read_json(results / cell.path)
    minutes = (result["train_seconds"] + result["eval_seconds"]) / 60
    return f"{title}: accuracy {100 * result['evaluation']['accuracy']:.2f} %, {minutes:.1f} min"


def _check_writable(folder: Path) -> None:
    """Fail now, rather than after the training.

    Raises:
        OSError: If nothing can be written there, saying what to do about it.
    """
    with replacing(folder / f".probe.{os.getpid()}") as probe:
        probe.touch()
    (folder / f".probe.{os.getpid()}").unlink()
