"""One cell of the grid, an agent x a task x a seed: train, evaluate once, examine, write."""

from __future__ import annotations

import contextlib
import fcntl
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import looking, roster
from benchmarks.beliefs import Watched
from benchmarks.files import environment, read_json, write_json
from benchmarks.roster import Entrant
from benchmarks.suite import Task
from glimpse_env.evaluation import evaluate

FORMAT = 1
_PATIENCE = 20.0  # seconds in which a killed run's workers must have noticed


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What to train and score.

    Attributes:
        suite: Name of the suite.
        task: One of its tasks.
        entrant: Who.
        seed: Of the training.
        steps: Training budget in environment steps; None takes the task's for this board.
    """

    suite: str
    task: Task
    entrant: Entrant
    seed: int
    steps: int | None = None

    @property
    def path(self) -> Path:
        """Where its result lies within a folder of results."""
        return Path(self.suite) / self.task.name / self.entrant.name / f"seed{self.seed}.json"

    def folder(self, runs: Path) -> Path:
        """Where its checkpoints lie; those of one task are neighbours, so that references can share a classifier."""
        return runs / self.suite / self.task.name / f"{self.entrant.name}-seed{self.seed}"

    @property
    def budget(self) -> int:
        """Environment steps to train for; 0 for a policy that comes as it is."""
        if not self.entrant.learns:
            return 0
        if self.steps is not None:
            return self.steps
        own = self.task.steps[self.entrant.board]
        return own if self.entrant.most is None else min(own, self.entrant.most)

    def identity(self) -> dict[str, Any]:
        """What makes this cell this cell; two results are of one kind if and only if all of it agrees. Plain JSON."""
        return {
            "format": FORMAT,
            "suite": self.suite,
            "name": self.task.name,
            "task": self.task.id,
            "agent": self.entrant.name,
            "source": self.entrant.source,
            "sha256": self.entrant.sha256,
            "board": self.entrant.board,
            "seed": self.seed,
            "overrides": self.task.overrides,
            "training": self.task.training.get(self.entrant.board, {}),
            "config": self.entrant.config,
            "steps": self.budget,
            "scenes": self.task.scenes,
        }

    def command(self) -> str:
        """What makes this cell, and nothing else, anew."""
        entrant = self.entrant
        agent = entrant.name if entrant.name == entrant.source else f"{entrant.name}={entrant.source}"
        steps = "" if self.steps is None else f" --steps {self.steps}"
        where = f"--suite {self.suite} --agents {agent} --tasks {self.task.name}"
        return f"python -m benchmarks run {where} --seeds 1 --first-seed {self.seed}{steps}"


class Curve:
    """The learning curve of a cell, on disk after every row, and how long the training took over all interruptions."""

    def __init__(self, path: Path) -> None:
        self._path = path
        state: dict[str, Any] = read_json(path) if path.exists() else {"rows": [], "seconds": 0.0}
        self.rows: list[dict[str, float]] = state["rows"]
        self._before, self._begun = state["seconds"], time.perf_counter()

    @property
    def seconds(self) -> float:
        """Time spent in training so far, in seconds."""
        return float(self._before + time.perf_counter() - self._begun)

    def log(self, row: dict[str, float]) -> None:
        """Add a row. Rows that training repeats after an interruption take the place of the earlier ones."""
        row = {name: float(value) for name, value in row.items() if math.isfinite(value)}  # JSON has no NaN
        self.rows = [earlier for earlier in self.rows if earlier["steps"] < row["steps"]] + [row]
        write_json(self._path, {"rows": self.rows, "seconds": self.seconds})


def measure(cell: Cell, runs: Path) -> dict[str, Any]:
    """Train and score one cell; training goes on from the checkpoints that an interrupted run has left.

    Args:
        cell: Which.
        runs: Folder of checkpoints.

    Returns:
        The result, as it is to be written.

    Raises:
        ValueError: If the checkpoints are those of another configuration.
        RuntimeError: If another process is at the same cell.
    """
    folder = cell.folder(runs)
    made_on = environment()  # now, as files may change while it trains
    with _claimed(folder, cell):
        curve = Curve(folder / "curve.json")
        overrides = {**cell.task.overrides, **cell.task.training.get(cell.entrant.board, {})}
        agent = roster.make(
            cell.entrant,
            cell.task.id,
            seed=cell.seed,
            overrides=overrides,
            steps=cell.budget,
            folder=folder,
            log=curve.log,
        )
        train_seconds = curve.seconds
        begun = time.perf_counter()
        task = cell.task
        watched = Watched(agent)
        evaluation = evaluate(watched, task.id, scenes=task.scenes, progress=False, **task.overrides)
        eval_seconds = time.perf_counter() - begun
        gradient = curve.rows[-1].get("location_gradient_norm") if curve.rows else None
        examined = looking.examine(agent, evaluation, gradient, **task.overrides)
    return {
        **cell.identity(),
        "train_seconds": round(train_seconds, 2),
        "eval_seconds": round(eval_seconds, 2),
        **made_on,
        "command": cell.command(),
        "curve": curve.rows,
        "evaluation": {name: value for name, value in vars(evaluation).items() if name != "log"},
        "looking": examined,
        "beliefs": watched.beliefs(evaluation.log.steps),
        "log": evaluation.log.to_json(),
        "finished": True,
    }


def finished(cell: Cell, results: Path) -> bool:
    """Whether this cell has its result.

    Raises:
        ValueError: If there is a result of another configuration in its place, which must not be overwritten.
    """
    path = results / cell.path
    if not path.exists():
        return False
    found, wanted = read_json(path), cell.identity()
    differs = [f"{name} {found.get(name)!r}, now {new!r}" for name, new in wanted.items() if found.get(name) != new]
    if differs:
        raise ValueError(
            f"{path} is a result of another configuration ({'; '.join(differs)}) and is never overwritten: "
            f"choose another name, --agents NEW={cell.entrant.source}, or other folders, --results and --runs"
        )
    return True


def publish(cell: Cell, result: dict[str, Any], results: Path) -> None:
    """Write the result of a cell, whole or not at all.

    Raises:
        FileExistsError: If there is one already.
        OSError: If it cannot be written, saying what to do about it.
    """
    path = results / cell.path
    if path.exists():
        raise FileExistsError(f"{path} was written meanwhile by another run; it stays as it is")
    write_json(path, result)


def trained(cell: Cell, runs: Path) -> float:
    """Environment steps that a running cell has trained for, as far as its learning curve tells."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return float(read_json(cell.folder(runs) / "curve.json")["rows"][-1]["steps"])
    return 0.0


@contextlib.contextmanager
def _claimed(folder: Path, cell: Cell) -> Iterator[None]:
    """The folder of checkpoints, for this process and this configuration alone; a killed process claims nothing."""
    record = folder / "cell.json"
    if not record.exists():
        write_json(record, cell.identity())
    elif read_json(record) != cell.identity():
        raise ValueError(
            f"{folder} holds a training of another configuration: choose another name, "
            f"--agents NEW={cell.entrant.source}, another folder, --runs FOLDER, or remove it"
        )
    with (folder / "lock").open("w") as lock:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"another process is training in {folder}; wait for it or end it") from None
                time.sleep(0.1)
        yield
