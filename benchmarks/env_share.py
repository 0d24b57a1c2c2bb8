"""How much of stock PPO's time goes into the environment?

On native lanes, and on Stable-Baselines3's own vector of single environments: same task, same settings, in one run.
Time is counted twice, by the clock and in processor seconds of the learning thread. On an idle machine they agree; on a
busy one the clock also counts the pauses that other programs force, so the bar is held to the second.

    python -m benchmarks.env_share
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import tyro
from rich.console import Console
from rich.table import Column, Table
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from agents.ppo import STOCK
from benchmarks.files import RESULTS, environment, write_json
from glimpse_env import sb3

BAR = 0.05  # at most, with the stock agent's number of native lanes


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement.

    Attributes:
        task: The environment's id.
        lanes: How many episodes at once.
        vector: ``"native"`` or ``"DummyVecEnv"``.
        wall_seconds: Of learning, by the clock.
        wall_share: Share of them in the environment's `step` and `reset`.
        cpu_seconds: Of learning, processor time.
        cpu_share: Share of them likewise.
        steps_per_second: Of learning, by the clock.
    """

    task: str
    lanes: int
    vector: str
    wall_seconds: float
    wall_share: float
    cpu_seconds: float
    cpu_share: float
    steps_per_second: float


def measure(task: str, vector: str, lanes: int, steps: int) -> Row:
    """Let stock PPO learn, and time its calls of the environment."""
    make: Callable[[], VecEnv] = {
        "native": lambda: sb3.make(task, lanes),
        "DummyVecEnv": lambda: make_vec_env(task, lanes, vec_env_cls=DummyVecEnv),
    }[vector]
    env: Any = make()
    rollout = STOCK["ppo"].lanes * STOCK["ppo"].settings["n_steps"]
    settings = {**STOCK["ppo"].settings, "n_steps": rollout // lanes}  # the learner does the same for any lanes
    model = PPO("MultiInputPolicy", env, seed=0, device="cpu", **settings)
    model.learn(rollout)  # compiles the kernels and warms the caches
    spent = np.zeros(2)

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            begun = _now()
            result = method(*arguments)
            spent[:] += _now() - begun
            return result

        return call

    env.step, env.reset = timed(env.step), timed(env.reset)
    begun = _now()
    model.learn(steps)
    wall, cpu = (_now() - begun).tolist()
    wall_share, cpu_share = (spent / (wall, cpu)).tolist()
    return Row(
        task=task,
        lanes=lanes,
        vector=vector,
        wall_seconds=round(wall, 2),
        wall_share=round(wall_share, 4),
        cpu_seconds=round(cpu, 2),
        cpu_share=round(cpu_share, 4),
        steps_per_second=round(model.num_timesteps / wall),
    )


def _now() -> npt.NDArray[np.float64]:
    return np.array([time.perf_counter(), time.thread_time()])


def main(
    tasks: tuple[str, ...] = ("CenteredDigits-v0", "CrowdedDigitsRetina-v0", "CrowdedDigits-v0"),
    lanes: tuple[int, ...] = (16, 256),
    steps: int = 200_000,
    output: Path = RESULTS / "env_share.json",
) -> None:
    """Measure, print the table and write the result.

    Args:
        tasks: Ids.
        lanes: Numbers of lanes; the bar holds for the stock agent's own.
        steps: Environment steps of each measurement.
        output: Result file.
    """
    torch.set_num_threads(1)
    made_on = environment()
    table = Table(Column("task", min_width=24), "lanes", "vector", "steps/s", "wall s", "share", "processor s", "share")
    rows = []
    for task in tasks:
        for number in lanes:
            for vector in ("native", "DummyVecEnv"):
                row = measure(task, vector, number, steps)
                rows.append(row)
                shown = (
                    f"{row.wall_seconds:.1f}",
                    f"{row.wall_share:.1%}",
                    f"{row.cpu_seconds:.1f}",
                    f"{row.cpu_share:.1%}",
                )
                table.add_row(task, str(number), vector, f"{row.steps_per_second:,}", *shown)
    Console().print(table)
    write_json(output, {"bar": BAR, "steps": steps, **made_on, "rows": [asdict(row) for row in rows]})
    missed = [row for row in rows if row.vector == "native" and row.lanes == STOCK["ppo"].lanes and row.cpu_share > BAR]
    if missed:
        raise SystemExit("over the bar: " + ", ".join(f"{row.task} {row.cpu_share:.1%}" for row in missed))


if __name__ == "__main__":
    tyro.cli(main)
