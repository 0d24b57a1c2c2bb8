"""`make demo`: train an agent to look at crowded scenes, score it against a random gaze, and show where it looks.

A few minutes on two cores; everything it makes lies in ``demo/``. Killed and started again, it goes on where it was.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table

from agents import ram_plus
from agents.files import replacing
from agents.pictures import animate, scan_paths
from glimpse_env import evaluate, sources
from glimpse_env.env import Observation
from glimpse_env.evaluation import Evaluation


@dataclass
class Demo:
    """Train, score, draw.

    Attributes:
        steps: Environment steps of training; five million take about three minutes.
        folder: Where everything goes.
        seed: Of the training.
    """

    steps: int = 5_000_000
    folder: Path = Path("demo")
    seed: int = 0


class RandomGaze:
    """The same agent, but its eye goes anywhere."""

    action_mode = "hybrid"

    def __init__(self, agent: ram_plus.RamPlusAgent) -> None:
        self.agent, self.chance = agent, np.random.default_rng(0)

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.agent.reset(lanes)

    def act(self, seen: Observation) -> dict[str, np.ndarray]:
        """The agent's answer, and a gaze that has nothing to do with it."""
        action = self.agent.act(seen)
        return {**action, "gaze": self.chance.uniform(-1, 1, action["gaze"].shape)}


def choose_task(console: Console) -> str:
    """The crowded task on real MNIST where it can be had, else on the bundled glyphs; says which, and why."""
    try:
        sources.load("mnist", fallback=None)
    except sources.DataError as error:
        console.print(f"[bold yellow]Real MNIST cannot be had, so this demo runs on the bundled glyphs.[/] {error}")
        return "CrowdedDigitsRetina-v0"
    console.print("[bold green]Real MNIST it is.[/]")
    return "CrowdedMNISTRetina-v0"


def write_table(scores: dict[str, Evaluation], task: str, path: Path) -> Table:
    """The scores as a table, for the terminal and, in Markdown, for `path`."""
    table = Table(title=f"{task}: {len(scores['learned gaze'].log.steps):,} frozen test scenes, one path each")
    budget = scores["learned gaze"].by_glimpses[-1][0]
    heads = ["", *(f"after {k}" for k in (1, budget // 2, budget)), "test error"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for head in heads:
        table.add_column(head, justify="left" if not head else "right")
    for name, score in scores.items():
        right = {k: f"{100 * accuracy:.1f} %" for k, _, accuracy in score.by_glimpses}
        row = [name, right[1], right[budget // 2], right[budget], f"{100 * (1 - score.accuracy):.1f} %"]
        table.add_row(*row)
        lines.append("| " + " | ".join(row) + " |")
    with replacing(path) as partial:
        partial.write_text(f"# {table.title}\n\n" + "\n".join(lines) + "\n")
    return table


def main(demo: Demo) -> None:
    """Run the demo."""
    console, begun = Console(), time.monotonic()
    torch.set_num_threads(1)  # batches are small: a second thread would wait more than it works
    demo.folder.mkdir(parents=True, exist_ok=True)
    task = choose_task(console)
    folder = demo.folder / f"{task}-{demo.steps}"
    can = torch.cpu.get_capabilities()
    swift = can.get("amx_bf16") or can.get("avx512_bf16")  # elsewhere bfloat16 is the slower one
    with (demo.folder / "curve.jsonl").open("a") as curve:
        agent = ram_plus.train(
            task,
            seed=demo.seed,
            steps=demo.steps,
            folder=folder,
            log=lambda row: print(json.dumps(row), file=curve),
            precision="bfloat16" if swift else "float32",
        )
    console.print(f"Trained in {time.monotonic() - begun:.0f} s. Now each of the frozen test scenes, once:")
    scores = {"learned gaze": evaluate(agent, task), "the same agent, random gaze": evaluate(RandomGaze(agent), task)}
    console.print(write_table(scores, task, demo.folder / "table.md"))
    log = scores["learned gaze"].log
    scan_paths(log, range(12), demo.folder / "scan_paths.png")
    animate(log, range(4), demo.folder / "looking.gif")
    console.print(
        f"{time.monotonic() - begun:.0f} s in all. See {demo.folder}/table.md, {demo.folder}/scan_paths.png and "
        f"{demo.folder}/looking.gif."
    )


if __name__ == "__main__":
    main(tyro.cli(Demo))
