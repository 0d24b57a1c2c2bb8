"""How much does the gaze's gradient differ from one draw of the looks to the next, on the same scenes?

A policy is trained by wake-sleep (see `agents.wake_sleep`), so that its inference network knows its work. Then, on one
batch of scenes and with no weight changing, every estimator of the gaze's gradient is drawn many times over, each time
from equally many roll-outs; the noise of one is its variance summed over the weights of the gaze's network. As
estimators of different expectations have different lengths, noise is given by the squared length of the mean.

    python -m benchmarks.gradient_variance
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
import tyro
from rich.console import Console
from rich.table import Table
from torch import Tensor

from agents import ram_plus, wake_sleep
from agents.ram_plus import Policy
from agents.ram_plus_losses import Rollout, chance_of
from agents.training import fresh_scenes
from benchmarks.files import RESULTS, environment, write_json
from glimpse_env.vector_env import GlimpseVectorEnv


@dataclass(frozen=True, kw_only=True)
class Row:
    """One estimator.

    Attributes:
        estimator: Its name.
        signal: Squared length of the mean gradient, free of the bias that the noise of a mean of draws adds.
        variance: Mean squared distance of one draw from the mean.
        noise: variance / signal; None where the draws are too few to tell the mean from zero.
    """

    estimator: str
    signal: float
    variance: float
    noise: float | None


def _reinforce(played: Rollout, copies: int, expected: Tensor) -> Tensor:
    """Paid for what the label's log-likelihood is in the end, which is what wake-sleep raises too."""
    surprise = chance_of(played)[-1] - expected
    return -(surprise * played.looks).sum(0).mean()


def _plain(played: Rollout, copies: int) -> Tensor:
    return _reinforce(played, copies, torch.zeros(1))


def _moving_average(played: Rollout, copies: int) -> Tensor:
    """The best constant baseline at every step, as an average over many batches would be."""
    return _reinforce(played, copies, chance_of(played)[-1].mean())


def _leave_one_out(played: Rollout, copies: int) -> Tensor:
    likely = chance_of(played)[-1].view(-1, copies)
    return _reinforce(played, copies, ((likely.sum(1, keepdim=True) - likely) / (copies - 1)).flatten())


def _fits(played: Rollout, copies: int) -> tuple[Tensor, Tensor, Tensor]:
    likely, looks = chance_of(played)[-1], played.looks.sum(0)
    w, u = wake_sleep.weights(likely, looks, played.guesses.sum(0), copies)
    return w, u, looks.view(-1, copies)


def _without_control(played: Rollout, copies: int) -> Tensor:
    w, _, looks = _fits(played, copies)
    return -(w * looks).sum(1).mean()


def _with_control(played: Rollout, copies: int) -> Tensor:
    w, u, looks = _fits(played, copies)
    return -((w - u) * looks).sum(1).mean()


Estimator = Callable[[Rollout, int], Tensor]

#: name -> (who chooses the looks, loss whose gradient is the estimate)
ESTIMATORS: dict[str, tuple[str, Estimator]] = {
    "REINFORCE": ("reinforce", _plain),
    "REINFORCE, constant baseline": ("reinforce", _moving_average),
    "REINFORCE, leave one out": ("reinforce", _leave_one_out),
    "wake-sleep, looks of the policy, no control variate": ("reinforce", _without_control),
    "wake-sleep, looks of the policy": ("reinforce", _with_control),
    "wake-sleep, looks of q, no control variate": ("wake-sleep", _without_control),
    "wake-sleep, looks of q": ("wake-sleep", _with_control),
}


def measure(policy: Policy, env: GlimpseVectorEnv, scenes: int, draws: int) -> list[Row]:
    """Draw each estimator `draws` times on `scenes` scenes; `env` has lanes for all roll-outs of them."""
    copies, config = env.num_envs // scenes, policy.config
    rows = []
    for name, (chooser, loss_of) in ESTIMATORS.items():
        policy.config = replace(config, estimator=chooser, copies=copies)  # type: ignore[arg-type]
        drawn = []
        for k in range(draws):
            torch.manual_seed(k)
            with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bfloat16"):
                played = ram_plus.rollout(policy, env, fresh_scenes(env, 0, 0, copies))
            policy.zero_grad()
            loss_of(played, copies).backward()
            drawn.append(torch.cat([weight.grad.flatten() for weight in policy.gaze.parameters()]))  # type: ignore[union-attr]
        rows.append(_row(name, torch.stack(drawn).double()))
    policy.config = config
    return rows


def _row(name: str, drawn: Tensor) -> Row:
    """Of gradients (draws, weights)."""
    draws, mean = len(drawn), drawn.mean(0)
    variance = float((drawn - mean).square().sum(1).sum()) / (draws - 1)
    signal = max(0.0, float(mean.square().sum()) - variance / draws)
    return Row(estimator=name, signal=signal, variance=variance, noise=variance / signal if signal else None)


def main(
    task: str = "CrowdedMNISTRetina-v0",
    steps: int = 1_500_000,
    scenes: int = 64,
    copies: int = 8,
    draws: int = 200,
    seed: int = 0,
    folder: Path = Path("runs/gradient_variance"),
    output: Path = RESULTS / "gradient_variance.json",
) -> None:
    """Train, measure, print the table and write the result.

    Args:
        task: The environment's id.
        steps: Environment steps of the training.
        scenes: In the batch.
        copies: Roll-outs of each scene, in training and in the batch.
        draws: Of each estimator.
        seed: Of the training.
        folder: For the checkpoint; run again to go on.
        output: Result file.
    """
    torch.set_num_threads(1)
    made_on = environment()
    config: dict[str, Any] = {"estimator": "wake-sleep", "scenes": 512 // copies, "copies": copies}
    policy = ram_plus.train(task, seed=seed, steps=steps, folder=folder, **config).policy.train()
    env = ram_plus.make_lanes(task, scenes * copies)
    rows = measure(policy, env, scenes, draws)
    table = Table("estimator", "signal", "variance", "variance / signal")
    for row in rows:
        table.add_row(
            row.estimator, f"{row.signal:.3g}", f"{row.variance:.3g}", "-" if row.noise is None else f"{row.noise:.3g}"
        )
    Console().print(table)
    told = {"task": task, "steps": steps, "scenes": scenes, "copies": copies, "draws": draws, "seed": seed}
    write_json(output, {**told, **config, **made_on, "rows": [asdict(row) for row in rows]})


if __name__ == "__main__":
    tyro.cli(main)
