"""What the boards say: one line for each agent on each task, from which Markdown and the page are both made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.score import (
    Frontier,
    Interval,
    Result,
    Row,
    Summary,
    bootstrap,
    frontiers,
    interquartile_mean,
    rows,
    summaries,
)
from benchmarks.suite import BOARDS

#: Fewest seeds for an interquartile mean with an interval; one seed is no evidence.
ENOUGH_SEEDS = 3


@dataclass(frozen=True, kw_only=True)
class Line:
    """One agent on one task; every number is a mean over seeds, but for `spread`.

    Attributes:
        row: Seeds, success, return, glimpses, frontier area and normalised score.
        successes: Share of scenes answered right, seed by seed, each in [0, 1].
        spread: Interquartile mean of `successes` and its 95 % bootstrap interval; None below `ENOUGH_SEEDS`.
        unchanged: Success on the scenes of the next two; in [0, 1].
        shuffled: Success there with the looks dealt out anew among the episodes.
        random: Success there looking at uniformly random places.
        coverage: Share of the canvas that the windows of an episode cover.
        corner: Share of the chosen gazes that lie in a corner.
        gradient: Norm of the location gradient at the end of training; None for agents without one.
        steps: Environment steps trained for.
        train_seconds: What that took, in seconds.
    """

    row: Row
    successes: tuple[float, ...]
    spread: tuple[float, Interval] | None
    unchanged: float
    shuffled: float
    random: float
    coverage: float
    corner: float
    gradient: float | None
    steps: float
    train_seconds: float


@dataclass(frozen=True, kw_only=True)
class Standings:
    """All that the boards and the page tell, computed once for both.

    Attributes:
        suite: Of the results.
        results: Its results.
        priced: Results of the suite ``"frontier"``.
        others: Results of further suites, which stand on no board: the page alone shows them.
        lines: See `lines`.
        summaries: The overall scores, the best first.
        frontiers: Of the priced results, the largest area first.
    """

    suite: str
    results: Sequence[Result]
    priced: Sequence[Result]
    others: Sequence[Result]
    lines: list[Line]
    summaries: list[Summary]
    frontiers: list[Frontier]


def stand(
    suite: str, results: Sequence[Result], priced: Sequence[Result] = (), others: Sequence[Result] = ()
) -> Standings:
    """The standings of the results of a suite, of those of the suite ``"frontier"``, and of others."""
    return Standings(
        suite=suite,
        results=results,
        priced=priced,
        others=others,
        lines=lines(results),
        summaries=summaries(results),
        frontiers=sorted(frontiers(priced), key=lambda frontier: (-frontier.area, frontier.agent)),
    )


def lines(results: Sequence[Result]) -> list[Line]:
    """The lines of these results, all of one suite: task by task, board by board, the best first."""
    places = {name: place for place, name in enumerate(dict.fromkeys(result["name"] for result in results))}
    boards = list(BOARDS)
    cells: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        cells.setdefault((result["name"], result["agent"]), []).append(result)
    return sorted(
        (_line(row, cells[row.task, row.agent]) for row in rows(results)),
        key=lambda line: (places[line.row.task], boards.index(line.row.board), -line.row.accuracy, line.row.agent),
    )


def _line(row: Row, cells: Sequence[Result]) -> Line:
    successes = np.array([cell["evaluation"]["accuracy"] for cell in cells])
    spread = None
    if len(cells) >= ENOUGH_SEEDS:
        spread = interquartile_mean([successes]), bootstrap([successes], interquartile_mean)
    looking = {
        name: float(np.mean([cell["looking"][name] for cell in cells]))
        for name in ("unchanged", "shuffled", "random", "coverage", "corner")
    }
    gradients = [cell["looking"]["location_gradient_norm"] for cell in cells]
    return Line(
        row=row,
        successes=tuple(successes.tolist()),
        spread=spread,
        **looking,
        gradient=None if None in gradients else float(np.mean(gradients)),
        steps=float(np.mean([cell["steps"] for cell in cells])),
        train_seconds=float(np.mean([cell["train_seconds"] for cell in cells])),
    )
