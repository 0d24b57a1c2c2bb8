"""Confirm or refute results: replay their action logs on the frozen scenes, without the agents that made them.

What needs the agent itself is not checked: its learning curve and its accuracy with the gaze taken away.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.cells import FORMAT
from benchmarks.files import read_json
from benchmarks.looking import habits
from benchmarks.suite import find
from glimpse_env.action_log import ActionLog
from glimpse_env.evaluation import frozen_scenes, make_frozen, replay
from glimpse_env.sources import DataError

_TOLD = ("accuracy", "mean_return", "mean_glimpses", "symbol_error_rate")  # of a confirmed result
_TOLERANCE = 1e-9  # sums of the same numbers, in another order


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing a result says, against what the replay found."""

    name: str
    said: Any
    found: Any

    @property
    def holds(self) -> bool:
        """Whether the two agree."""
        return _agree(self.said, self.found)


def verify(result: dict[str, Any]) -> list[Check]:
    """Replay a result; every check that fails refutes it.

    Args:
        result: What a result file holds.

    Raises:
        DataError: If the images are missing here, so that nothing can be said.
    """
    try:
        task = find(result["suite"], (result["name"],))[0]
        log = ActionLog.from_json(result["log"])
        said = {**result["evaluation"], **{name: result["looking"][name] for name in ("coverage", "corner")}}
        checks = [Check(name="format", said=result["format"], found=FORMAT)]
        checks += [Check(name="finished", said=result.get("finished"), found=True)]
        checks += [Check(name="task", said=result["task"], found=task.id)]
        checks += [Check(name="overrides", said=result["overrides"], found=task.overrides)]
    except (KeyError, TypeError, ValueError) as error:
        reason = f"missing {error}" if isinstance(error, KeyError) else str(error)
        return [Check(name="a result of this benchmark", said="it is one", found=reason)]
    # An agent may choose how it writes its actions; nothing else about the task.
    overrides = {name: value for name, value in log.overrides.items() if name != "action_mode"}
    env = make_frozen(task.id, 1, "test", **task.overrides)
    checks += [
        Check(name="task of the log", said=log.id, found=task.id),
        Check(name="overrides of the log", said=overrides, found=task.overrides),
        Check(name="split", said=log.split, found="test"),
        Check(name="scenes", said=len(log.steps), found=task.scenes or frozen_scenes(env)),
    ]
    if not all(check.holds for check in checks):
        return checks
    try:
        again = replay(log)
        found = {**vars(again), **habits(log)}
    except (DataError, ValueError, TypeError, IndexError) as error:
        return [*checks, Check(name="the log", said="can be replayed", found=str(error))]
    names = ["accuracy", "mean_return", "mean_glimpses", "by_glimpses", "coverage", "corner"]
    names += [name for name in ("symbol_error_rate", "glimpses_per_symbol") if found[name] is not None]
    checks += [Check(name="fingerprint", said=log.fingerprint, found=again.log.fingerprint)]
    return checks + [Check(name=name, said=said.get(name), found=found[name]) for name in names]


def _agree(said: Any, found: Any) -> bool:
    if isinstance(said, list | tuple) and isinstance(found, list | tuple):
        return len(said) == len(found) and all(map(_agree, said, found))
    if isinstance(said, float) and isinstance(found, float | int):
        return abs(said - found) <= _TOLERANCE
    return bool(said == found)


def main(paths: list[Path], /) -> None:
    """Print a verdict on each file; the exit status is 1 if one is refuted, 2 if one could not be checked.

    Args:
        paths: Result files, or folders that hold some: files of other names there are no results of agents.
    """
    console = Console(highlight=False, soft_wrap=True)
    files = [file for path in paths for file in (sorted(path.rglob("seed*.json")) if path.is_dir() else [path])]
    if not files:
        console.print("there is no result to verify there")
    status = 0 if files else 2
    for file in files:
        begun = time.perf_counter()
        try:
            checks = verify(read_json(file))
        except (DataError, OSError, ValueError) as error:
            console.print(f"not checked  {file}: {error}", markup=False)
            status = max(status, 2)
            continue
        wrong = [check for check in checks if not check.holds]
        verdict = "REFUTED  " if wrong else "confirmed"
        numbers = (
            "" if wrong else "".join(f"  {check.name} {_short(check.found)}" for check in checks if check.name in _TOLD)
        )
        console.print(f"{verdict}  {file} ({time.perf_counter() - begun:.1f} s){numbers}", markup=False)
        for check in wrong:
            console.print(f"           {check.name}: it says {check.said!r}, found {check.found!r}", markup=False)
        status = status or bool(wrong)
    sys.exit(int(status))


def _short(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
