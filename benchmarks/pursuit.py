"""Does the eye follow what moves? Gaze against the digit's path, and how far apart they are, drawn from action logs.

python -m benchmarks.pursuit
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tyro

from agents.files import replacing
from benchmarks.files import RESULTS
from benchmarks.score import Interval, Result, bootstrap, load
from glimpse_env.action_log import ActionLog, take
from glimpse_env.evaluation import make_frozen
from glimpse_env.rendering import pixels_of

Floats = npt.NDArray[np.float64]

_AGENTS = {"ram_plus": "learned", "ram_plus_centre_gaze": "at the middle", "ram_plus_random_gaze": "at random"}


@dataclass(frozen=True, kw_only=True)
class Pursuit:
    """Where the eye and the digit were, glimpse by glimpse; all in pixels of the canvas, (row, column).

    Attributes:
        gaze: float64, (glimpses, scenes, 2).
        digit: Its box's middle, float64, (glimpses, scenes, 2).
        canvases: The scenes at the first glimpse: uint8, (scenes, height, width).
    """

    gaze: Floats
    digit: Floats
    canvases: npt.NDArray[np.uint8]

    @property
    def distance(self) -> Floats:
        """From the gaze to the digit: float64, (glimpses, scenes)."""
        distance: Floats = np.linalg.norm(self.gaze - self.digit, axis=2)
        return distance


def follow(log: ActionLog, scenes: int) -> Pursuit:
    """Replay the first scenes of a log of a task in which nobody stops early.

    Raises:
        DataError: If real data is missing.
        ValueError: If the log holds fewer scenes, or an episode of another length.
    """
    if scenes > len(log.steps) or len(set(log.steps[:scenes])) > 1:
        raise ValueError(
            f"scenes={scenes} must be at most the {len(log.steps)} of the log, all of one length; take a result of "
            "MovingMNIST-v0"
        )
    env = make_frozen(log.id, scenes, log.split, **log.overrides)
    seen, _ = env.reset(seed=0, options={"index": np.arange(scenes)})
    canvases = env.canvases()
    gazes, digits = [], []
    for step in range(int(log.steps[0])):
        top, left, height, width = env.boxes()[:, 0].T
        gazes.append(pixels_of(seen["gaze"], *canvases.shape[1:3]))
        digits.append(np.stack([top + (height - 1) / 2, left + (width - 1) / 2], 1))
        seen = env.step(take(log.actions, (np.arange(scenes), step)))[0]
    return Pursuit(gaze=np.stack(gazes), digit=np.stack(digits), canvases=canvases)


def draw(pursuits: dict[str, Pursuit], path: Path, examples: int = 4) -> None:
    """Some paths of the first pursuit, and beside them the mean distance of all of them."""
    import matplotlib.pyplot as plt

    first = next(iter(pursuits.values()))
    figure, axes = plt.subplots(1, examples + 1, figsize=(3 * (examples + 1.4), 3.2), layout="constrained")
    for scene, axis in enumerate(axes[:examples]):
        axis.imshow(first.canvases[scene], cmap="gray_r", alpha=0.45)
        for places, colour, name in ((first.digit, "tab:blue", "digit"), (first.gaze, "tab:red", "gaze")):
            rows, columns = places[:, scene].T
            axis.plot(columns, rows, color=colour, marker="o", markersize=4, linewidth=1.5, label=name)
            for k in (0, len(rows) - 1):
                axis.annotate(str(k + 1), (columns[k], rows[k]), (4, 4), textcoords="offset points", color=colour)
        axis.set(xticks=[], yticks=[], title=f"scene {scene}")
    axes[0].legend(loc="upper left", fontsize=8)
    for name, pursuit in pursuits.items():
        mean = pursuit.distance.mean(1)
        axes[-1].plot(range(1, len(mean) + 1), mean, marker="o", markersize=3, label=f"gaze {name}")
    axes[-1].set(xlabel="glimpse", ylabel="pixels from gaze to digit", title=f"mean of {len(first.gaze[0])} scenes")
    axes[-1].set_ylim(bottom=0)
    axes[-1].legend(fontsize=8)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=90, format="png")
    plt.close(figure)


def logs_of(results: Sequence[Result], seed: int) -> dict[str, ActionLog]:
    """How the eye moves -> what it did, of the results of this seed."""
    found = {result["agent"]: result for result in results if result["seed"] == seed}
    return {name: ActionLog.from_json(found[agent]["log"]) for agent, name in _AGENTS.items() if agent in found}


def lead(results: Sequence[Result], other: str) -> tuple[float, Interval | None]:
    """By how much the learned gaze's accuracy beats that of `other`, in [-1, 1], and its 95 % interval over seeds.

    Returns:
        The difference of the means, and its bootstrap interval; None where one of them has a single seed.

    Raises:
        ValueError: If one of them has no result.
    """
    scores = [
        np.array([result["evaluation"]["accuracy"] for result in results if result["agent"] == agent])
        for agent in ("ram_plus", other)
    ]
    if not all(len(score) for score in scores):
        raise ValueError(f"there is no result of ram_plus or of {other}; run the suite 'moving' with both")
    interval = bootstrap(scores, _difference) if min(map(len, scores)) > 1 else None
    return _difference(scores), interval


def _difference(scores: Sequence[Floats]) -> float:
    return float(scores[0].mean() - scores[1].mean())


def main(
    *, seed: int = 0, scenes: int = 1000, results: Path = RESULTS, picture: Path = RESULTS / "moving" / "pursuit.png"
) -> None:
    """Draw the picture from the results of RAM+ on MovingMNIST-v0, and print the mean distances.

    Args:
        seed: Of the results.
        scenes: How many test scenes the means are over.
        results: Folder of results.
        picture: PNG to write.
    """
    found = [result for result in load("moving", results) if result["name"] == "MovingMNIST-v0"]
    logs = logs_of(found, seed)
    if not logs:
        raise SystemExit(f"error: no result of seed {seed} in {results}; run the suite 'moving' with ram_plus first")
    pursuits = {name: follow(log, scenes) for name, log in logs.items()}
    draw(pursuits, picture)
    for name, pursuit in pursuits.items():
        distances = " ".join(f"{distance:.1f}" for distance in pursuit.distance.mean(1))
        print(f"gaze {name}: {distances} pixels from the digit, glimpse by glimpse")
    for agent in sorted({result["agent"] for result in found} & set(_AGENTS) - {"ram_plus"}):
        points, interval = lead(found, agent)
        sure = (
            f"95 % interval over seeds {100 * interval[0]:.1f} to {100 * interval[1]:.1f}" if interval else "one seed"
        )
        print(f"learned beats {_AGENTS[agent]} by {100 * points:.1f} points ({sure})")


if __name__ == "__main__":
    tyro.cli(main, prog="python -m benchmarks.pursuit", description=__doc__)
