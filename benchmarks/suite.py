"""What is measured: suites of tasks, as data. Nothing else in the benchmark names a task."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from glimpse_env.registration import TASKS

Board = Literal["reward", "labels", "reference"]

#: What a method may use, by the board it stands on. In a test all but references see the observation and nothing else.
BOARDS: dict[Board, str] = {
    "reward": "observations and rewards alone",
    "labels": "observations, rewards and, at the end of a training episode, the label",
    "reference": "anything, the whole hidden scene included: floors and ceilings, not competitors",
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task of a suite.

    Attributes:
        name: Unlike any other in its suite; the folder of its results.
        id: The environment's id, on whose frozen test scenes agents are scored.
        seen: What an observation holds.
        tags: What it asks for: ``memory``, ``zoom``, ``stop``, ``search``, ``sequence``.
        steps: Board -> training budget in environment steps, lanes x steps, resets not counted.
        seeds: How many trainings make a score, seeds 0, 1, ...
        overrides: Keywords that differ from the id's, in training and evaluation alike; plain JSON.
        training: Board -> keywords that differ in training only. Evaluation always uses the id's own reward.
        scenes: How many test scenes are scored; None for all.
    """

    name: str
    id: str
    seen: str
    tags: tuple[str, ...]
    steps: dict[Board, int]
    seeds: int = 3
    overrides: dict[str, Any] = field(default_factory=dict)
    training: dict[Board, dict[str, Any]] = field(default_factory=dict)
    scenes: int | None = None

    @property
    def budget(self) -> int:
        """Most glimpses in an episode."""
        return int({**TASKS[self.id][1], **self.overrides}["budget"])

    @property
    def stopping(self) -> bool:
        """Whether the agent chooses when to answer."""
        return bool({**TASKS[self.id][1], **self.overrides}["stopping"])


#: Glimpse costs of the priced-stop frontier: the same agent, trained anew at each price.
COSTS = (0.0, 0.01, 0.02, 0.05, 0.1)

_CENTERED: dict[str, Any] = {
    "seen": "one 8x8 patch of a 28x28 canvas, its place, the share of 7 glimpses left",
    "tags": ("memory", "search"),
    # Paid for the last answer alone a stock learner gets nowhere in this budget, so it trains on every running answer.
    "training": {"reward": {"reward": "running"}},
}
_RETINA: dict[str, Any] = {
    "seen": "three 12x12 patches of 12, 24 and 48 pixels of a 60x60 canvas, their place, the share of 8 glimpses left",
    "tags": ("memory", "search"),
}
_RETINA_100: dict[str, Any] = {
    "seen": "four 12x12 patches of 12 to 96 pixels of a 100x100 canvas, their place, the share of 8 glimpses left",
    "tags": ("memory", "search"),
}
_SEVERAL: dict[str, Any] = {
    "seen": "three 12x12 patches of 12, 24 and 48 pixels of a 100x100 canvas, their place, share of glimpses left",
    "tags": ("memory", "search", "sequence"),
}
_READ: dict[str, Any] = {
    "seen": f"{_SEVERAL['seen']}, what was said last and how much",
    "tags": (*_SEVERAL["tags"], "stop"),
}
_FLAGSHIP: dict[str, Any] = {
    "seen": "one 12x12 patch of 12, 24 or 48 pixels of a 60x60 canvas, its place and zoom, share of 8 glimpses left",
    "tags": ("memory", "zoom", "stop", "search"),
}


def _tasks(images: str, **common: Any) -> tuple[Task, ...]:
    """The ladder from "stock PPO learns it in two minutes" to an open problem, with the budgets of the leaderboard."""
    m = 1_000_000
    crowded: dict[Board, int] = {"reward": m, "labels": 6 * m, "reference": 2 * m}
    ladder: tuple[tuple[str, dict[str, Any], dict[Board, int]], ...] = (
        (f"Centered{images}-v0", _CENTERED, {"reward": m // 2, "labels": 2 * m, "reference": m}),
        (f"Translated{images}-v0", _RETINA, {"reward": m, "labels": 3 * m, "reference": m}),
        (f"Crowded{images}Retina-v0", _RETINA, crowded),
        (f"Crowded{images}-v0", _FLAGSHIP, crowded),
    )
    return tuple(Task(**{"name": id, "id": id, "steps": steps, **text, **common}) for id, text, steps in ladder)


def _sequences(images: str) -> tuple[Task, ...]:
    """DRAM's tasks: two digits read or added, and up to five on a line, once with one reader and once with two."""
    m = 1_000_000
    tasks: tuple[tuple[str, dict[str, Any], int, dict[str, Any]], ...] = (
        (f"{images}Pairs-v0", _READ, 28 * m, {}),
        (f"{images}Addition-v0", _SEVERAL, 12 * m, {}),
        (f"{images}Sequence-v0", _READ, 9 * m, {}),
        (f"{images}Sequence-v0", _READ, 6 * m, {"budget": 36}),
    )
    return tuple(
        Task(
            name=f"{id}-budget{changes['budget']}" if changes else id,
            id=id,
            steps={"reward": m, "labels": steps, "reference": steps},
            overrides=changes,
            **text,
        )
        for id, text, steps, changes in tasks
    )


def _moving(images: str) -> tuple[Task, ...]:
    """What moves while the agent looks: a digit to be named with its way, and RAM's game of Catch."""
    m = 1_000_000
    digit = f"Moving{images}-v0"
    return (
        Task(name=digit, id=digit, steps={"reward": m, "labels": m, "reference": 2 * m}, **_RETINA),
        Task(
            name="GlimpseCatch-v0",
            id="GlimpseCatch-v0",
            seen="three 6x6 patches of 6, 12 and 24 pixels of a 24x24 screen, their place, the share of 23 steps left",
            tags=("memory", "search"),
            steps={"reward": 13_800_000, "labels": m, "reference": m},  # 600,000 games
        ),
    )


#: Crops of words of three to five letters, without clutter: longer ones take a reader longer than a benchmark has.
_WORDS = Task(
    name="Words-v0-crops",
    id="Words-v0",
    seen=(
        "three 12x12 patches of 12, 24 and 48 pixels of a 28x48 canvas, their place, share of 26 glimpses left, "
        "what was said last and how much"
    ),
    tags=("memory", "search", "sequence", "stop"),
    steps={"reward": 1_000_000, "labels": 8_000_000, "reference": 26 * 200_000},
    overrides={"canvas": [28, 48], "count": [3, 5], "clutter": 0},
    training={"reference": {"strings": 0.5}},  # against learning the training words by heart
    scenes=1000,
)


def _captions() -> tuple[Task, ...]:
    """Show, Attend and Tell; and a smaller one, of at most two objects, for trainings of a minute or two."""
    smaller: dict[str, Any] = {"count": [1, 2], "canvas": 72}
    tasks: tuple[tuple[str, int, dict[str, Any]], ...] = (("", 5_000_000, {}), ("-two", 1_400_000, smaller))
    return tuple(
        Task(
            name=f"SceneCaption-v0{name}",
            id="SceneCaption-v0",
            seen="two 12x12 patches of 12 to 96 pixels, their place and zoom, the word said last",
            tags=("memory", "zoom", "search", "sequence"),
            steps={"reward": steps // 4, "labels": steps, "reference": steps},
            overrides=changes,
            scenes=1000,
        )
        for name, steps, changes in tasks
    )


def _priced(costs: tuple[float, ...], base: Task) -> tuple[Task, ...]:
    steps = {**base.steps, "labels": 1_500_000}
    return tuple(
        replace(base, name=f"{base.id}-cost{cost:g}", overrides={"glimpse_cost": cost}, steps=steps) for cost in costs
    )


_LEADERBOARD = _tasks("MNIST")
_WIDE_ID = "CrowdedMNISTRetina100-v0"
_WIDE = Task(
    name=_WIDE_ID,
    id=_WIDE_ID,
    steps={"reward": 1_000_000, "labels": 24_000_000, "reference": 7_000_000},
    **_RETINA_100,
)
#: At a price so low that hardly an answer is worse for stopping early.
_STOPPED = replace(
    _LEADERBOARD[0],
    name="CenteredMNIST-v0-stop",
    tags=(*_LEADERBOARD[0].tags, "stop"),
    overrides={"stopping": True, "glimpse_cost": 0.003},
    training={},
)
_DRAWING = Task(
    name="DrawMNIST-v0",
    id="DrawMNIST-v0",
    seen="two 12x12 patches of 12 and 24 pixels of a 28x28 image and of one's canvas, their place, share of 16 left",
    tags=("memory", "search"),
    steps={"reward": 2_000_000, "labels": 2_000_000, "reference": 2_000_000},
)
_SMOKE: dict[Board, int] = {"reward": 20_000, "labels": 20_000, "reference": 20_000}

#: suite -> its tasks. ``smoke`` checks the machinery in a minute, on the bundled glyphs; its numbers mean nothing.
SUITES: dict[str, tuple[Task, ...]] = {
    "leaderboard": _LEADERBOARD,
    "frontier": _priced(COSTS, _LEADERBOARD[-1]),
    "records": (
        *(replace(task, steps={**task.steps, "labels": 24_000_000}) for task in (*_LEADERBOARD, _STOPPED)),
        _WIDE,
    ),
    "ablation": tuple(replace(task, steps={**task.steps, "labels": 1_000_000}) for task in _LEADERBOARD[2:3]),
    "sequences": _sequences("MNIST"),
    "moving": _moving("MNIST"),
    "drawing": (_DRAWING,),
    "captions": _captions(),
    "words": (_WORDS,),
    "smoke": _tasks("Digits", steps=_SMOKE, seeds=2, scenes=1000),
    "ppo_bars": (_tasks("Digits")[0], _LEADERBOARD[0]),  # see `benchmarks.ppo_bars`
}


def find(suite: str, names: tuple[str, ...] = ()) -> tuple[Task, ...]:
    """The tasks of a suite with these names, in the suite's order; without names all of them.

    Raises:
        ValueError: If the suite or a name is unknown; the message lists the known ones.
    """
    if suite not in SUITES:
        raise ValueError(f"suite {suite!r} is unknown; choose one of {', '.join(SUITES)}")
    known = {task.name: task for task in SUITES[suite]}
    for name in names:
        if name not in known:
            elsewhere = [other for other, tasks in SUITES.items() if name in {task.name for task in tasks}]
            hint = f"; it belongs to the suite {elsewhere[0]!r}" if elsewhere else ""
            raise ValueError(f"task {name!r} is not in the suite {suite!r}{hint}; its tasks are {', '.join(known)}")
    return tuple(task for task in known.values() if not names or task.name in names)
