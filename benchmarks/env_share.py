"""How much of stock PPO's time goes into the environment?

On native lanes, and on Stable-Baselines3's own vector of single environments: same task, same settings, in one run.

    python -m benchmarks.env_share
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from agents.ppo import STOCK
from benchmarks.files import RESULTS, environment, write_json
from glimpse_env import sb3

BAR = 0.05  # of the wall time, at most, with native lanes


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement.

    Attributes:
        task: The environment's id.
        lanes: How many episodes at once.
        vector: ``"native"`` or ``"DummyVecEnv"``.
        seconds: Wall time of learning.
        environment_seconds: Wall time of it in the environment's `step` and `reset`.
        share: The second over the first.
        steps_per_second: Of learning.
    """

    task: str
    lanes: int
    vector: str
    seconds: float
    environment_seconds: float
    share: float
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
    spent = 0.0

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal spent
            begun = time.perf_counter()
            result = method(*arguments)
            spent += time.perf_counter() - begun
            return result

        return call

    env.step, env.reset = timed(env.step), timed(env.reset)
    begun = time.perf_counter()
    model.learn(steps)
    seconds = time.perf_counter() - begun
    done = model.num_timesteps
    return Row(
        task=task,
        lanes=lanes,
        vector=vector,
        seconds=round(seconds, 2),
        environment_seconds=round(spent, 2),
        share=round(spent / seconds, 4),
        steps_per_second=round(done / seconds),
    )


def main(
    tasks: tuple[str, ...] = ("CenteredDigits-v0", "CrowdedDigits-v0"),
    lanes: tuple[int, ...] = (16, 64, 256),
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
    table = Table("task", "lanes", "vector", "seconds", "in the environment", "share", "steps/s")
    rows = []
    for task in tasks:
        for number in lanes:
            for vector in ("native", "DummyVecEnv"):
                row = measure(task, vector, number, steps)
                rows.append(row)
                shown = (f"{row.seconds:.1f}", f"{row.environment_seconds:.2f}", f"{row.share:.1%}")
                table.add_row(task, str(number), vector, *shown, f"{row.steps_per_second:,}")
    Console().print(table)
    stock = [row.share for row in rows if row.vector == "native" and row.lanes == STOCK["ppo"].lanes]
    write_json(output, {"bar": BAR, "steps": steps, **made_on, "rows": [asdict(row) for row in rows]})
    if stock and np.max(stock) > BAR:
        raise SystemExit(f"missed: {np.max(stock):.1%} of the time is the environment's, the bar is {BAR:.0%}")


if __name__ == "__main__":
    tyro.cli(main)
