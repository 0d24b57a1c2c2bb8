"""The three boards as Markdown."""

from __future__ import annotations

import html
from collections.abc import Sequence

from benchmarks.score import Frontier, Interval
from benchmarks.standings import Line, Standings
from benchmarks.suite import BOARDS, Board, find

TITLES: dict[Board, str] = {
    "reward": "Reward only",
    "labels": "Reward and labels",
    "reference": "Full view and scripted references",
}

_OVERALL = ("agent", "seeds", "score", "95 %")
_COLUMNS = (
    "agent", "seeds", "success %", "IQM (95 %)", "return", "glimpses", "area", "norm.", "as is %", "shuffled %",
    "random %", "coverage %", "corner %", "gradient", "steps", "training",
)  # fmt: skip
_LEGEND = """\
`*` one seed: no evidence. *IQM (95 %)*: interquartile mean over seeds and its bootstrap interval, from three seeds on.
*area*: under success against glimpses, in [0, 1]: the earlier right, the larger. *norm.*: 0 for random gaze, 1 for
oracle gaze, both with the same learned classifier. *as is*, *shuffled*, *random*: success of the same agent on the
first 2,000 test scenes, with its own gaze, with its looks dealt out anew among the episodes, and looking at random
places. *coverage*: share of the canvas its windows cover; *corner*: share of its gazes within 10 % of a corner.
*gradient*: norm of the location gradient at the end of training, for agents that report one. *steps* in the
environment, and the wall time of *training* on a shared machine."""


def markdown(standings: Standings) -> str:
    """All boards of a suite, and the frontier over glimpse costs if there are results of it."""
    if not standings.results:
        return "No results yet: `python -m benchmarks run` makes them."
    parts = [_LEGEND]
    for board, text in BOARDS.items():
        here = [line for line in standings.lines if line.row.board == board]
        parts += [f"### {TITLES[board]}", f"A method here may use {text}."]
        parts += [_overall(standings, board, here), *_tasks(standings.suite, here)] if here else ["No results yet."]
    if standings.frontiers:
        parts += ["### Accuracy against glimpses, at a price", _priced_text(standings), _priced(standings.frontiers)]
    return "\n\n".join(part for part in parts if part)


def _overall(standings: Standings, board: Board, here: Sequence[Line]) -> str:
    names = list(dict.fromkeys(line.row.task for line in here))
    success = {(line.row.task, line.row.agent): f"{100 * line.row.accuracy:.2f}" for line in here}
    table = [
        [
            summary.agent,
            _seeds(summary.seeds),
            f"{summary.score:.3f}",
            _interval(summary.interval, 1, 3),
            *(success.get((name, summary.agent), "") for name in names),
        ]
        for summary in standings.summaries
        if summary.board == board
    ]
    intro = "Normalised score over tasks and seeds (interquartile mean), and success in % on each task:\n\n"
    return intro + _table([*_OVERALL, *names], table) if table else ""


def _tasks(suite: str, here: Sequence[Line]) -> list[str]:
    parts = []
    for task in find(suite):
        table = [_cells(line) for line in here if line.row.task == task.name]
        if table:
            parts.append(f"#### {task.name}\n\n{_sentence(task.seen)}\n\n{_table(_COLUMNS, table)}")
    return parts


def _cells(line: Line) -> list[str]:
    row = line.row
    looking = (line.unchanged, line.shuffled, line.random, line.coverage, line.corner)
    return [
        row.agent,
        _seeds(len(row.seeds)),
        f"{100 * row.accuracy:.2f}",
        f"{100 * line.spread[0]:.2f} ({_interval(line.spread[1], 100, 2)})" if line.spread else "",
        f"{row.mean_return:.3f}",
        f"{row.mean_glimpses:.2f}",
        f"{row.area:.3f}",
        "" if row.normalised is None else f"{row.normalised:.3f}",
        *(f"{100 * share:.1f}" for share in looking),
        "" if line.gradient is None else f"{line.gradient:.3g}",
        count(line.steps),
        duration(line.train_seconds),
    ]


def _priced_text(standings: Standings) -> str:
    id = standings.priced[0]["task"]
    return (
        f"`{id}`, each agent trained anew at every glimpse cost: mean glimpses → success in %. The area under the best "
        "success that at most so many glimpses buy lies in [0, 1]."
    )


def _priced(found: Sequence[Frontier]) -> str:
    costs = sorted({point[0] for frontier in found for point in frontier.points})
    table = []
    for frontier in found:
        at = {
            cost: f"{glimpses:.2f} → {100 * success:.2f}{' *' if seeds == 1 else ''}"
            for cost, glimpses, success, seeds in frontier.points
        }
        table.append([frontier.agent, *(at.get(cost, "") for cost in costs), f"{frontier.area:.3f}"])
    return _table(["agent", *(f"cost {cost:g}" for cost in costs), "area"], table)


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column holds names, the others numbers."""
    marks = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(map(_escape, cells)) + " |" for cells in (header, marks, *body))


def _escape(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "\\|").replace("\n", " ").replace("*", "\\*").replace("_", "\\_")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _seeds(number: int) -> str:
    return "1 *" if number == 1 else str(number)


def _interval(interval: Interval | None, factor: float, digits: int) -> str:
    return "" if interval is None else " to ".join(f"{factor * bound:.{digits}f}" for bound in interval)


def count(number: float) -> str:
    """A number of steps, short: 4.0 k, 12 M."""
    for unit, letter in ((1e6, " M"), (1e3, " k")):
        if number >= unit:
            return f"{number / unit:.3g}{letter}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """A wall time, short: 12 s, 3.4 min, 1.2 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
