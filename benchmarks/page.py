"""The interactive page: one HTML file with its style, its script and its data inside, from the templates in web/.

It holds the first test scenes of every task, once, and of each result where it looked on them and what it answered.
What the retina saw is computed in the browser, by the rule of `glimpse_env.retina`.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import boards
from benchmarks.beliefs import SCENES
from benchmarks.roster import AGENTS
from benchmarks.score import Result, within
from benchmarks.standings import Line, Standings
from benchmarks.suite import BOARDS, Task, find
from glimpse_env.action_log import ActionLog, take
from glimpse_env.evaluation import make_frozen
from glimpse_env.vector_env import GlimpseVectorEnv

_POINTS = 80  # most points of a learning curve
_METRICS = ("accuracy", "return", "location_gradient_norm")
_WEB = Path(__file__).parent / "web"
_SCRIPTS = ("retina", "drawing", "boards", "curves", "player", "main")


def payload(standings: Standings) -> dict[str, Any]:
    """Everything the page shows, as plain JSON.

    Raises:
        DataError: If the images of a task are missing here.
    """
    scenes: dict[str, str] = {}
    shown = [*standings.results, *standings.priced, *standings.others]
    tasks = {place(result): find(result["suite"], (result["name"],))[0] for result in shown}
    priced = {place(result) for result in standings.priced}
    return {
        "boards": [{"board": board, "title": boards.TITLES[board], "text": text} for board, text in BOARDS.items()],
        "tasks": [{"name": name, "priced": name in priced, **_task(task, scenes)} for name, task in tasks.items()],
        "agents": _order(shown),
        "lines": [_flat(line) for line in standings.lines],
        "summaries": [_rounded(dataclasses.asdict(summary)) for summary in standings.summaries],
        "frontiers": [_rounded(dataclasses.asdict(frontier)) for frontier in standings.frontiers],
        "results": [_result(result) for result in shown],
        "scenes": scenes,
    }


def place(result: Result) -> str:
    """What the page calls the task of a result, unlike the tasks of all other suites."""
    main = result["suite"] in ("leaderboard", "frontier", "smoke")
    return str(result["name"]) if main else f"{result['name']} ({result['suite']})"


def render(data: dict[str, Any]) -> str:
    """The page that shows `data`."""
    # Inside a script element only "<" can end it or begin a comment; in JSON it stands in strings alone.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    parts = {
        "style": (_WEB / "style.css").read_text(encoding="utf-8"),
        "script": "\n".join((_WEB / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS),
        "data": text,
    }
    html = (_WEB / "page.html").read_text(encoding="utf-8")
    for name, part in parts.items():
        html = html.replace(f"{{{{ {name} }}}}", part.strip())
    return html


def _task(task: Task, scenes: dict[str, str]) -> dict[str, Any]:
    """What the page must know of a task; its scenes are added to `scenes`, unless another task has the same."""
    count = min(SCENES, task.scenes or SCENES)
    env = make_frozen(task.id, count, "test", **task.overrides)
    env.reset(seed=0, options={"index": np.arange(count)})
    canvases = env.canvases()
    key = hashlib.sha256(canvases.tobytes()).hexdigest()[:12]
    scenes[key] = _base64(canvases, np.uint8)
    height, width, *channels = canvases.shape[1:]
    return {
        "seen": task.seen,
        "tags": task.tags,
        "budget": task.budget,
        "stopping": task.stopping,
        "reads": env.task.reads,
        "scenes": key,
        "height": height,
        "width": width,
        "channels": channels[0] if channels else 1,
        "patch": env.task.patch,
        "scales": env.task.scales,
        "zooms": env.task.zooms,
        "labels": _labels(env),
        "classes": [str(name) for name in env.symbols],
    }


def _labels(env: GlimpseVectorEnv) -> list[Any]:
    """The right answer of every scene: a symbol, or a list of them where a text is read."""
    labels: list[Any] = env.targets().tolist()
    return [[symbol for symbol in text if symbol >= 0] for text in labels] if env.task.reads else labels


def _order(results: Sequence[Result]) -> list[str]:
    """The agents board by board, in the roster's order, so that those that compete get colours of their own."""
    known = list(AGENTS)
    boards_of = {result["agent"]: list(BOARDS).index(result["board"]) for result in results}
    return sorted(
        boards_of, key=lambda name: (boards_of[name], known.index(name) if name in known else len(known), name)
    )


def _flat(line: Line) -> dict[str, Any]:
    fields = dataclasses.asdict(line)
    return _rounded({**fields.pop("row"), **fields})


def _result(result: Result) -> dict[str, Any]:
    log = ActionLog.from_json(result["log"])
    steps, gazes, answers = walk(log, min(SCENES, len(log.steps)))
    rows = result["curve"]
    kept = rows if len(rows) <= _POINTS else [rows[k] for k in np.linspace(0, len(rows) - 1, _POINTS).astype(int)]
    curve = {name: [row.get(name) for row in kept] for name in ("steps", *_METRICS) if any(name in row for row in kept)}
    return {
        "name": place(result),
        **{name: result[name] for name in ("agent", "seed", "command")},
        **_rounded({"success": result["evaluation"]["accuracy"], "within": within(result), "curve": curve}),
        "steps": steps.tolist(),
        "gazes": _base64(gazes, np.dtype("<f4")),
        "answers": answers.tolist(),
        "beliefs": "".join(result.get("beliefs") or ()),
    }


def walk(log: ActionLog, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The first `count` episodes of a log, one after another.

    Returns:
        Steps of each episode (count,); then for every step of every episode the gaze of the glimpse it acts on
        (steps, 3), row, column and zoom in [-1, 1], and the answer spoken after it (steps,), -1 for none.
    """
    indices = np.arange(count)
    env = make_frozen(log.id, count, log.split, **log.overrides)
    observation, _ = env.reset(seed=0, options={"index": indices})
    gazes, answers = [], []
    for step in range(int(log.steps[:count].max())):
        gazes.append(observation["gaze"])
        observation, *_ = env.step(take(log.actions, (indices, step)))
        answers.append(env.answers())
    steps = log.steps[:count]
    there = np.arange(len(gazes)) < steps[:, None]
    return steps, np.stack(gazes, axis=1)[there], np.stack(answers, axis=1)[there]


def _rounded(data: Any) -> Any:
    """The same with four significant digits after the point at most, so that the page is small and stays the same."""
    if isinstance(data, dict):
        return {name: _rounded(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_rounded(value) for value in data]
    return round(data, 4) if isinstance(data, float) else data


def _base64(array: npt.NDArray[Any], dtype: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype).tobytes()).decode()
