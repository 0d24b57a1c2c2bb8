"""The interactive page: one HTML file with its style, its script and its data inside, from the templates in web/.

It holds the first test scenes of every task, once, and of each result where it looked on them and what it answered.
What the retina saw is computed in the browser, by the rule of `glimpse_env.retina`.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

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
from glimpse_env.scenes import drawing
from glimpse_env.sources.brushes import INK, SIDE
from glimpse_env.vector_env import GlimpseVectorEnv

#: The same where something moves: every glimpse shows a scene of its own.
MOVING_SCENES = 6

#: Pictures that the benchmark's commands leave among its results -> what they show.
PICTURES = {
    "r2am_attention.png": "Ten words, and where R2AM's soft attention rests (red) while it says each of their symbols",
    "moving/pursuit.png": "A moving digit's path and the gaze that pursues it; how far gazes are from the digit",
    "draw/attention-seed1.png": "DRAW makes digits of its own: eight canvases, step by step, and where it writes",
}

_POINTS = 80  # most points of a learning curve
_METRICS = ("accuracy", "return", "location_gradient_norm")
_WEB = Path(__file__).parent / "web"
_SCRIPTS = ("retina", "drawing", "boards", "curves", "strokes", "player", "main")


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
        "results": [_result(result, scenes) for result in shown],
        "scenes": scenes,
    }


def place(result: Result) -> str:
    """What the page calls the task of a result, unlike the tasks of all other suites."""
    main = result["suite"] in ("leaderboard", "frontier", "smoke")
    return str(result["name"]) if main else f"{result['name']} ({result['suite']})"


def figures(results: Path) -> str:
    """The section with those of `PICTURES` that are in the folder `results`; nothing where there are none."""
    parts = []
    for name, text in PICTURES.items():
        if (path := results / name).exists():
            source, told = base64.b64encode(path.read_bytes()).decode(), html.escape(text)
            image = f'<img src="data:image/png;base64,{source}" alt="{told}">'
            parts.append(f"<figure>{image}<figcaption>{told}.</figcaption></figure>")
    title = '<section id="pictures" aria-labelledby="pictures-title"><h2 id="pictures-title">Pictures</h2>'
    return "\n".join([title, *parts, "</section>"]) if parts else ""


def render(data: dict[str, Any], pictures: str = "") -> str:
    """The page that shows `data`, and at its end the section `pictures`, which `figures` gives."""
    # Inside a script element only "<" can end it or begin a comment; in JSON it stands in strings alone.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    parts = {
        "style": (_WEB / "style.css").read_text(encoding="utf-8"),
        "script": "\n".join((_WEB / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS),
        "pictures": pictures,
        "data": text,
    }
    whole = (_WEB / "page.html").read_text(encoding="utf-8")
    for name, part in parts.items():
        whole = whole.replace(f"{{{{ {name} }}}}", part.strip())
    return whole


def _task(task: Task, scenes: dict[str, str]) -> dict[str, Any]:
    """What the page must know of a task; its scenes are added to `scenes`, unless another task has the same."""
    count = min(SCENES, task.scenes or SCENES)
    env = make_frozen(task.id, count, "test", **task.overrides)
    env.reset(seed=0, options={"index": np.arange(count)})
    canvases = env.canvases()
    height, width, *channels = canvases.shape[1:]
    return {
        "seen": task.seen,
        "tags": task.tags,
        "budget": task.budget,
        "stopping": task.stopping,
        "reads": env.task.reads,
        # Else no symbol is right or wrong in itself.
        "marked": (env.task.names or env.task.reads) and env.references().shape[1] == 1,
        "steers": env.task.steers,
        **_hand(env.task.draws),
        "moves": env.task.moves,
        "scenes": None if env.task.moves else _kept(canvases, scenes),
        "height": height,
        "width": width,
        "channels": channels[0] if channels else 1,
        "patch": env.task.patch,
        "scales": env.task.scales,
        "zooms": env.task.zooms,
        "labels": _labels(env),
        "classes": [str(name) for name in env.symbols],
    }


def _hand(draws: bool) -> dict[str, Any]:
    """What the page must know to lay the strokes of a hand that draws on its canvas, and to judge them."""
    if not draws:
        return {"draws": False}
    return {
        "draws": True,
        "brushes": _base64(INK, np.uint8),
        "brushSide": SIDE,
        "doubt": drawing.DOUBT,
        "white": drawing.WHITE,
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


def _result(result: Result, scenes: dict[str, str]) -> dict[str, Any]:
    log = ActionLog.from_json(result["log"])
    task = make_frozen(log.id, 1, log.split, **log.overrides).task
    walked = walk(log, min(MOVING_SCENES if task.moves else SCENES, len(log.steps)))
    rows = result["curve"]
    kept = rows if len(rows) <= _POINTS else [rows[k] for k in np.linspace(0, len(rows) - 1, _POINTS).astype(int)]
    curve = {name: [row.get(name) for row in kept] for name in ("steps", *_METRICS) if any(name in row for row in kept)}
    return {
        "name": place(result),
        **{name: result[name] for name in ("agent", "seed", "command")},
        **_rounded({"success": result["evaluation"]["accuracy"], "within": within(result), "curve": curve}),
        "steps": walked.steps.tolist(),
        "gazes": _base64(walked.gazes, np.dtype("<f4")),
        "answers": walked.answers.tolist(),
        "right": walked.right.tolist(),
        "beliefs": "".join((result.get("beliefs") or [])[: len(walked.steps)]),
        **({"scenes": _kept(walked.canvases, scenes)} if task.moves else {}),
        **({"strokes": _base64(walked.strokes, np.dtype("<i2"))} if task.draws else {}),
    }


def _kept(canvases: npt.NDArray[np.uint8], scenes: dict[str, str]) -> str:
    """The key under which `scenes` holds these pictures; the same ones are held once."""
    key = hashlib.sha256(canvases.tobytes()).hexdigest()[:12]
    scenes[key] = _base64(canvases, np.uint8)
    return key


class Walk(NamedTuple):
    """The first episodes of a log. All but `steps` and `right` have a row for every step, episode by episode.

    Attributes:
        steps: int64, (episodes,), of each episode.
        right: bool, (episodes,), whether it ended well.
        gazes: float32, (steps, 3): of the glimpse that the step acts on, row, column and zoom in [-1, 1].
        answers: int64, (steps,): what was said after it, -1 for nothing.
        canvases: uint8, (steps, height, width, ...): the scene at that glimpse; no rows where nothing moves.
        strokes: int64, (steps, 2): top and left of the stroke after it; no columns where nothing is drawn.
    """

    steps: npt.NDArray[np.int64]
    right: npt.NDArray[np.bool_]
    gazes: npt.NDArray[np.float32]
    answers: npt.NDArray[np.int64]
    canvases: npt.NDArray[np.uint8]
    strokes: npt.NDArray[np.int64]


def walk(log: ActionLog, count: int) -> Walk:
    """Replay the first `count` episodes of a log."""
    indices, steps = np.arange(count), log.steps[:count]
    env = make_frozen(log.id, count, log.split, **log.overrides)
    observation, _ = env.reset(seed=0, options={"index": indices})
    gazes, answers, canvases, strokes = [], [], [], []
    first = env.task.images + env.task.clutter  # the sprite of the first stroke
    right = np.zeros(count, np.bool_)
    for step in range(int(steps.max())):
        gazes.append(observation["gaze"])
        canvases.append(env.canvases() if env.task.moves else np.zeros((count, 0), np.uint8))
        observation, _, _, _, info = env.step(take(log.actions, (indices, step)))
        answers.append(env.answers())
        strokes.append(env.boxes()[:, first + step, :2] if env.task.draws else np.zeros((count, 0), np.int64))
        ends = steps == step + 1
        right[ends] = info["is_success"][ends] if ends.any() else False
    there = np.arange(len(gazes)) < steps[:, None]
    seen, said, scenes, drawn = (np.stack(part, axis=1)[there] for part in (gazes, answers, canvases, strokes))
    return Walk(
        steps, right, seen.astype(np.float32), said.astype(np.int64), scenes.astype(np.uint8), drawn.astype(np.int64)
    )


def _rounded(data: Any) -> Any:
    """The same with four significant digits after the point at most, so that the page is small and stays the same."""
    if isinstance(data, dict):
        return {name: _rounded(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_rounded(value) for value in data]
    return round(data, 4) if isinstance(data, float) else data


def _base64(array: npt.NDArray[Any], dtype: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype).tobytes()).decode()
