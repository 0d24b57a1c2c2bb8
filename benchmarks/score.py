"""Scores of many results: success, return, glimpses, the frontier's area, and a normalised score with intervals.

A normalised score is 0 for random gaze and 1 for oracle gaze, both with the same learned classifier, on the same task.
Over seeds and tasks it is summarised by the interquartile mean with a stratified bootstrap interval, as in *Deep
Reinforcement Learning at the Edge of the Statistical Precipice* (Agarwal et al. 2021, arXiv 2108.13264). One seed is no
evidence: it is shown, and marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console

from benchmarks.files import RESULTS, read_json
from benchmarks.suite import Board, Task, find

Result = dict[str, Any]
Interval = tuple[float, float]
Floats = npt.NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Row:
    """One agent on one task; every number but the interval is a mean over seeds.

    Attributes:
        task: The suite's name of the task.
        agent: Who.
        board: What it may use.
        seeds: The seeds of its results, ascending.
        accuracy: Share of scenes answered right, in [0, 1].
        interval: 95 % bootstrap interval of the accuracy; None with one seed, which is no evidence.
        mean_return: Mean sum of rewards.
        mean_glimpses: Mean number of glimpses.
        area: Area under accuracy against glimpses, in [0, 1], see `area`.
        normalised: 0 for random and 1 for oracle gaze; None where one of them has no result.
    """

    task: str
    agent: str
    board: Board
    seeds: tuple[int, ...]
    accuracy: float
    interval: Interval | None
    mean_return: float
    mean_glimpses: float
    area: float
    normalised: float | None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One agent over all tasks of a suite on which it has results.

    Attributes:
        agent: Who.
        board: What it may use.
        tasks: On which tasks, in the suite's order.
        seeds: How many results there are of every task, at least.
        score: Interquartile mean of the normalised scores of all seeds and tasks.
        interval: 95 % stratified bootstrap interval; None where a task has one seed, which is no evidence.
    """

    agent: str
    board: Board
    tasks: tuple[str, ...]
    seeds: int
    score: float
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """Accuracy against glimpses of one agent, trained anew at several glimpse costs.

    Attributes:
        agent: Who.
        points: (cost, mean glimpses, accuracy, seeds), costs ascending.
        area: See `area`.
    """

    agent: str
    points: tuple[tuple[float, float, float, int], ...]
    area: float


def load(suite: str = "leaderboard", results: Path = RESULTS) -> list[Result]:
    """Every finished result of a suite, in the order of the suite, then by agent and seed.

    Raises:
        ValueError: If the suite is unknown or a file is damaged.
    """
    found = []
    for task in find(suite):
        paths = (results / suite / task.name).glob("*/seed*.json")
        of_task = [result for result in map(read_json, paths) if result.get("finished")]
        found += sorted(of_task, key=lambda result: (result["agent"], result["seed"]))
    return found


def rows(results: Iterable[Result]) -> list[Row]:
    """One row for each agent and task of these results, in their order."""
    table = []
    grouped = _grouped(results)
    for (name, agent), cells in grouped.items():
        task = _task(cells[0])
        anchors = _anchors(grouped, name)
        accuracy = _accuracies(cells)
        table.append(
            Row(
                task=name,
                agent=agent,
                board=cells[0]["board"],
                seeds=tuple(cell["seed"] for cell in cells),
                accuracy=float(accuracy.mean()),
                interval=bootstrap([accuracy], lambda scores: float(np.mean(scores[0]))) if len(cells) > 1 else None,
                mean_return=float(np.mean([cell["evaluation"]["mean_return"] for cell in cells])),
                mean_glimpses=float(np.mean([cell["evaluation"]["mean_glimpses"] for cell in cells])),
                area=float(np.mean([area(within(cell), task.budget) for cell in cells])),
                normalised=float(_normalise(accuracy, anchors).mean()) if anchors else None,
            )
        )
    return table


def summaries(results: Iterable[Result]) -> list[Summary]:
    """The normalised score of every agent over its tasks, best first; tasks without both anchors are left out."""
    grouped = _grouped(results)
    agents: dict[str, list[tuple[str, Floats]]] = {}
    boards: dict[str, Board] = {}
    for (name, agent), cells in grouped.items():
        anchors = _anchors(grouped, name)
        if anchors:
            agents.setdefault(agent, []).append((name, _normalise(_accuracies(cells), anchors)))
            boards[agent] = cells[0]["board"]
    table = []
    for agent, of_agent in agents.items():
        scores = [values for _, values in of_agent]
        seeds = min(map(len, scores))
        table.append(
            Summary(
                agent=agent,
                board=boards[agent],
                tasks=tuple(name for name, _ in of_agent),
                seeds=seeds,
                score=interquartile_mean(scores),
                interval=bootstrap(scores, interquartile_mean) if seeds > 1 else None,
            )
        )
    return sorted(table, key=lambda summary: -summary.score)


def frontiers(results: Iterable[Result]) -> list[Frontier]:
    """Accuracy against glimpses of every agent over the glimpse costs it was trained at."""
    points: dict[str, list[tuple[float, float, float, int]]] = {}
    budget = 1
    for (_, agent), cells in _grouped(results).items():
        budget = _task(cells[0]).budget
        glimpses = float(np.mean([cell["evaluation"]["mean_glimpses"] for cell in cells]))
        accuracy = float(_accuracies(cells).mean())
        points.setdefault(agent, []).append((cells[0]["overrides"]["glimpse_cost"], glimpses, accuracy, len(cells)))
    return [
        Frontier(agent=agent, points=tuple(sorted(of_agent)), area=area([point[1:3] for point in of_agent], budget))
        for agent, of_agent in points.items()
    ]


def within(result: Result) -> list[tuple[int, float]]:
    """(k, share of all scenes answered right with at most k glimpses) of one result, k ascending.

    In a fixed-glimpse task that is the running answer after k glimpses; with stopping, a scene counts from the glimpse
    on after which it was answered right.
    """
    by_glimpses = result["evaluation"]["by_glimpses"]
    if not _task(result).stopping:
        return [(k, accuracy) for k, _, accuracy in by_glimpses]
    total = sum(scenes for _, scenes, _ in by_glimpses)
    right = np.cumsum([scenes * accuracy for _, scenes, accuracy in by_glimpses]) / total
    return [(k, float(share)) for (k, _, _), share in zip(by_glimpses, right, strict=True)]


def area(points: Iterable[tuple[float, float]], budget: int) -> float:
    """Area under the best accuracy that at most g glimpses buy, g in [1, budget + 1), divided by the budget: in [0, 1].

    Args:
        points: (glimpses, accuracy), any order; between two the left one's accuracy holds, before the first 0.
        budget: Most glimpses in an episode.
    """
    total, best, since = 0.0, 0.0, 1.0
    for glimpses, accuracy in sorted(points):
        total += best * (glimpses - since)
        best, since = max(best, accuracy), glimpses
    return (total + best * (budget + 1 - since)) / budget


def interquartile_mean(scores: Sequence[Floats]) -> float:
    """Mean of all scores without the lowest and the highest quarter (rounded down) of them."""
    pooled = np.sort(np.concatenate(scores))
    cut = len(pooled) // 4
    return float(pooled[cut : len(pooled) - cut].mean())


def bootstrap(scores: Sequence[npt.NDArray[Any]], statistic: Callable[[Sequence[npt.NDArray[Any]]], float]) -> Interval:
    """95 % percentile interval of a statistic, runs drawn again within each task; the same at every call.

    Instead of tasks and the scores of their runs, it takes any samples, or their indices, that are drawn apart.
    """
    random = np.random.default_rng(0)
    drawn = [statistic([random.choice(values, len(values)) for values in scores]) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _grouped(results: Iterable[Result]) -> dict[tuple[str, str], list[Result]]:
    grouped: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        grouped.setdefault((result["name"], result["agent"]), []).append(result)
    return grouped


def _task(result: Result) -> Task:
    return find(result["suite"], (result["name"],))[0]


def _accuracies(cells: Sequence[Result]) -> Floats:
    return np.array([cell["evaluation"]["accuracy"] for cell in cells])


def _anchors(grouped: dict[tuple[str, str], list[Result]], task: str) -> Interval | None:
    cells = [grouped.get((task, agent)) for agent in ("random", "oracle")]
    if not all(cells):
        return None
    low, high = (float(_accuracies(found).mean()) for found in cells if found)
    return (low, high) if high > low else None


def _normalise(accuracy: Floats, anchors: Interval) -> Floats:
    return (accuracy - anchors[0]) / (anchors[1] - anchors[0])


def main(suite: str = "leaderboard", results: Path = RESULTS) -> None:
    """Print the scores of a suite.

    Args:
        suite: leaderboard, frontier or smoke.
        results: Folder of results.
    """
    from benchmarks import tables

    console = Console()
    found = load(suite, results)
    if not found:
        console.print(f"no results of the suite {suite!r} in {results}; make some with python -m benchmarks run")
        return
    tables.show(found, console)
