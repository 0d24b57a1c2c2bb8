"""Does stock PPO learn to look? It must reach these bars on frozen test scenes, from rewards alone.

    python -m benchmarks.ppo_bars

No wrapper, no network of ours: Stable-Baselines3's own policy on the observation as it comes, and once with all
glimpses of the episode side by side. Settings were chosen by training return and validation accuracy; the test scenes
are seen by the one evaluation of each result. Results that exist are kept, so that an interrupted run goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks import cells
from benchmarks.cells import Cell
from benchmarks.files import RESULTS, read_json
from benchmarks.roster import AGENTS
from benchmarks.suite import find

SUITE = "ppo_bars"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What must be reached.

    Attributes:
        task: Name of the task in the suite; trained with the running reward.
        agent: A stock agent.
        steps: Environment steps of training.
        accuracy: Least share of test scenes answered right; chance is 0.1.
    """

    task: str
    agent: str
    steps: int
    accuracy: float


BARS = (
    Bar(task="CenteredDigits-v0", agent="ppo", steps=1_000_000, accuracy=0.35),
    Bar(task="CenteredMNIST-v0", agent="ppo", steps=1_000_000, accuracy=0.40),
    Bar(task="CenteredMNIST-v0", agent="ppo_history", steps=2_000_000, accuracy=0.70),
)


def main(seeds: int = 3, runs: Path = Path("runs"), results: Path = RESULTS) -> None:
    """Train what has no result yet, and print the table.

    Args:
        seeds: How many trainings of each, seeds 0, 1, ...
        runs: Folder of checkpoints.
        results: Folder of results.
    """
    console = Console()
    for seed in range(seeds):
        for bar in BARS:
            cell = _cell(bar, seed)
            if not cells.finished(cell, results):
                console.print(f"training {bar.agent} on {bar.task}, seed {seed}, {bar.steps:,} steps")
                cells.publish(cell, cells.measure(cell, runs), results)
    table = Table("task", "agent", "steps", "seeds", "bar", "accuracy", "lowest", "minutes")
    reached = True
    for bar in BARS:
        found = [read_json(results / _cell(bar, seed).path) for seed in range(seeds)]
        scores = [result["evaluation"]["accuracy"] for result in found]
        minutes = np.mean([result["train_seconds"] for result in found]) / 60
        reached &= min(scores) >= bar.accuracy
        row = (f"{bar.steps:,}", str(seeds), f"{bar.accuracy:.0%}", f"{np.mean(scores):.1%}", f"{min(scores):.1%}")
        table.add_row(bar.task, bar.agent, *row, f"{minutes:.1f}")
    console.print(table)
    if not reached:
        raise SystemExit("a bar was missed")


def _cell(bar: Bar, seed: int) -> Cell:
    return Cell(suite=SUITE, task=find(SUITE, (bar.task,))[0], entrant=AGENTS[bar.agent], seed=seed, steps=bar.steps)


if __name__ == "__main__":
    tyro.cli(main)
