"""Scores as tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.score import Interval, Result, frontiers, rows, summaries
from benchmarks.suite import BOARDS

_CAPTION = "* one seed: no evidence"


def show(found: Sequence[Result], console: Console) -> None:
    """Print the tables of these results, all of one suite."""
    scored = rows(found)
    for task in dict.fromkeys(row.task for row in scored):
        columns = ("board", "agent", "seeds", "acc. %", "95 %", "return", "glimpses", "area", "norm.")
        table = Table(*columns, title=task, caption=_CAPTION, box=box.SIMPLE)
        of_task = [row for row in scored if row.task == task]
        for row in sorted(of_task, key=lambda row: (list(BOARDS).index(row.board), -row.accuracy)):
            table.add_row(
                row.board,
                row.agent,
                _evidence(len(row.seeds)),
                f"{100 * row.accuracy:.2f}",
                _interval(row.interval, 100, 1),
                f"{row.mean_return:.3f}",
                f"{row.mean_glimpses:.2f}",
                f"{row.area:.3f}",
                "" if row.normalised is None else f"{row.normalised:.3f}",
            )
        console.print(table)
    title = "Normalised score, interquartile mean: 0 random gaze, 1 oracle gaze"
    table = Table("board", "agent", "tasks", "seeds", "score", "95 %", title=title, caption=_CAPTION, box=box.SIMPLE)
    for summary in summaries(found):
        count, seeds = str(len(summary.tasks)), _evidence(summary.seeds)
        interval = _interval(summary.interval, 1, 3)
        table.add_row(summary.board, summary.agent, count, seeds, f"{summary.score:.3f}", interval)
    if table.row_count:
        console.print(table)
    if found[0]["suite"] == "frontier":
        _show_frontiers(found, console)


def _show_frontiers(found: Sequence[Result], console: Console) -> None:
    for frontier in frontiers(found):
        title = f"{frontier.agent}: accuracy against glimpses, area {frontier.area:.3f}"
        table = Table("glimpse cost", "glimpses", "accuracy %", "seeds", title=title, caption=_CAPTION, box=box.SIMPLE)
        for cost, glimpses, accuracy, seeds in frontier.points:
            table.add_row(f"{cost:g}", f"{glimpses:.2f}", f"{100 * accuracy:.2f}", _evidence(seeds))
        console.print(table)


def _evidence(seeds: int) -> str:
    return "1 *" if seeds == 1 else str(seeds)


def _interval(interval: Interval | None, factor: float, digits: int) -> str:
    return "" if interval is None else " to ".join(f"{factor * bound:.{digits}f}" for bound in interval)
