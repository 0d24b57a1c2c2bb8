"""Stock agents: PPO and its kin as Stable-Baselines3 and sb3-contrib ship them, on native lanes, from rewards alone.

    python -m agents.ppo --task CenteredMNIST-v0 --algorithm ppo --steps 1000000

Nothing here is made for looking. `STOCK` has one line of settings for each; the environment is nearly free, so they
were chosen for what the learner does with a batch, by training return and validation accuracy on `CenteredMNIST-v0`.
The agents without memory see one glimpse at a time; `ppo_history` sees all glimpses of the episode side by side.
"""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress, TextColumn
from stable_baselines3.common.callbacks import BaseCallback
from torch import nn

from agents.files import replacing
from agents.training import Log, Row, ignore, refuse_stand_in
from glimpse_env import TASKS, evaluate, sb3
from glimpse_env.sb3_agent import SB3Agent

# Attributes of our own on the models: saved in the zip with everything else, so that a checkpoint is one file.
_SETTINGS, _SECONDS = "glimpse_settings", "glimpse_seconds"


@dataclass(frozen=True, kw_only=True)
class Stock:
    """One stock agent.

    Attributes:
        algorithm: The library and the class.
        policy: Its network; unless `settings` say otherwise, the observation is flattened into two layers of 64.
        history: Whether it sees all glimpses of the episode, side by side.
        flat: Whether it acts in the flat mode, which Q-learning and masks need; else in the grid mode.
        lanes: How many episodes run at once.
        settings: What differs from the class's own defaults.
    """

    algorithm: str
    policy: str = "MultiInputPolicy"
    history: bool = False
    flat: bool = False
    lanes: int = 256
    settings: dict[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """The algorithm's class; one of sb3-contrib is only imported when it is wanted."""
        library, _, name = self.algorithm.partition(":")
        return getattr(importlib.import_module(library), name)


_PPO: dict[str, Any] = {
    "n_steps": 16, "batch_size": 512, "n_epochs": 4, "learning_rate": 1e-3, "ent_coef": 0.01, "gamma": 0.9
}  # fmt: skip
_A2C: dict[str, Any] = {
    "n_steps": 8, "learning_rate": 1e-3, "ent_coef": 0.01, "gamma": 0.9, "gae_lambda": 0.9,
    "normalize_advantage": True, "use_rms_prop": False,
}  # fmt: skip
_DQN: dict[str, Any] = {
    "buffer_size": 100_000, "learning_starts": 10_000, "batch_size": 256, "train_freq": 4, "gradient_steps": 4,
    "learning_rate": 5e-4, "gamma": 0.9, "exploration_fraction": 0.5, "target_update_interval": 5_000,
}  # fmt: skip
_WIDE: dict[str, Any] = {"net_arch": [256, 256], "activation_fn": nn.ReLU}  # 64 units are few for seven glimpses
_RECURRENT: dict[str, Any] = {
    **_PPO,
    "batch_size": 1024,  # every sequence of a batch is padded in Python
    "policy_kwargs": {"lstm_hidden_size": 128, "enable_critic_lstm": False, "shared_lstm": True},
}  # fmt: skip

#: name -> settings.
STOCK: dict[str, Stock] = {
    "ppo": Stock(algorithm="stable_baselines3:PPO", settings=_PPO),
    "ppo_history": Stock(algorithm="stable_baselines3:PPO", history=True, settings={**_PPO, "policy_kwargs": _WIDE}),
    "recurrent_ppo": Stock(algorithm="sb3_contrib:RecurrentPPO", policy="MultiInputLstmPolicy", settings=_RECURRENT),
    "maskable_ppo": Stock(algorithm="sb3_contrib:MaskablePPO", flat=True, settings=_PPO),
    "a2c": Stock(algorithm="stable_baselines3:A2C", lanes=32, settings=_A2C),
    "dqn": Stock(algorithm="stable_baselines3:DQN", flat=True, lanes=64, settings=_DQN),
}


def train(
    task: str,
    *,
    seed: int,
    steps: int,
    folder: Path,
    log: Log = ignore,
    overrides: dict[str, Any] | None = None,
    algorithm: str = "ppo",
    **config: Any,
) -> SB3Agent:
    """Train on fresh scenes of the training split; called again, it goes on from its checkpoint.

    A continued training sees other scenes than an uninterrupted one would, and Q-learning begins with an empty buffer.

    Args:
        task: The environment's id.
        seed: Of the weights, the scenes and the exploration.
        steps: Environment steps in all, over all lanes; rounded up to a whole rollout.
        folder: Where the checkpoint lives, ``model.zip``.
        log: Gets a row of the learning curve about a hundred times: ``steps``, ``seconds``, ``accuracy`` and
            ``return`` of the latest 2,000 training episodes and, where there is a policy, ``location_gradient_norm``.
        overrides: Keywords of the task that differ from the id's.
        algorithm: A name in `STOCK`.
        **config: ``lanes``, or any keyword of the algorithm's class, in place of what `STOCK` says.

    Raises:
        DataError: If stand-in images would be trained on under an MNIST id.
        ValueError: If the algorithm is unknown, or the folder holds a checkpoint made with other settings.
    """
    if algorithm not in STOCK:
        raise ValueError(f"algorithm={algorithm!r} is unknown; choose one of {', '.join(STOCK)}")
    torch.set_num_threads(1)  # these networks are too small to share
    stock, overrides = STOCK[algorithm], overrides or {}
    settings = {"task": task, "seed": seed, "overrides": overrides, "algorithm": algorithm, "config": config}
    described = {name: repr(value) for name, value in settings.items()}  # arrays of images would not compare
    keywords = {"device": "cpu", "stats_window_size": 2000, **stock.settings, **config}
    lanes = keywords.pop("lanes", stock.lanes)
    mode = {"action_mode": "flat"} if stock.flat else {}
    env = sb3.make(task, lanes, history=stock.history, **{**mode, **overrides})
    refuse_stand_in(task, env.env.source)
    path = folder / "model.zip"
    if path.exists():
        model = _restore(stock.load(), path, env, described, seed)
    else:
        model = stock.load()(stock.policy, env, seed=seed, **keywords)
        setattr(model, _SETTINGS, described)
        setattr(model, _SECONDS, 0.0)
    if model.num_timesteps < steps:
        task_of = env.env.task
        looks = task_of.grid**2 * len(task_of.zooms) if stock.flat else 2 * task_of.grid
        curve = _Curve(path, max(1, steps // 100), looks, log)
        model.learn(steps - model.num_timesteps, callback=curve, reset_num_timesteps=False)
        curve.save()
    return SB3Agent(model, task, **overrides)


def _restore(kind: Any, path: Path, env: sb3.GlimpseVecEnv, settings: dict[str, str], seed: int) -> Any:
    model = kind.load(path, env=env, device="cpu")
    made = getattr(model, _SETTINGS)
    if made != settings:
        changed = sorted(name for name in settings if made[name] != settings[name])
        raise ValueError(
            f"{path} was made with other settings ({', '.join(changed)}); choose another folder or remove it"
        )
    # The same seed again would show the same scenes again.
    model.set_random_seed(int(np.random.SeedSequence([seed, model.num_timesteps]).generate_state(1)[0]))
    return model


class _Curve(BaseCallback):
    """Log a row and keep a checkpoint every `every` steps, between two rollouts."""

    def __init__(self, path: Path, every: int, looks: int, log: Log) -> None:
        super().__init__()
        self.path, self.every, self.looks, self.log = path, every, looks, log

    def _on_training_start(self) -> None:
        self.spent, self.began = getattr(self.model, _SECONDS), time.perf_counter()
        self.due = self.num_timesteps + self.every

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:  # the last rollout has been learned from
        if self.num_timesteps >= self.due:
            self.save()
            self.due = self.num_timesteps + self.every

    def save(self) -> None:
        """Log a row, and put a new checkpoint in the old one's place."""
        seconds = self.spent + time.perf_counter() - self.began
        setattr(self.model, _SECONDS, seconds)
        returns = [episode["r"] for episode in self.model.ep_info_buffer or ()]
        if returns:  # some episode has ended
            accuracy = float(np.mean(self.model.ep_success_buffer or ()))
            row = {"steps": self.model.num_timesteps, "seconds": seconds, "accuracy": accuracy}
            self.log({**row, "return": float(np.mean(returns)), **self._location_gradient()})
        with replacing(self.path) as partial:
            self.model.save(partial)

    def _location_gradient(self) -> Row:
        """Norm of the latest gradient, as clipped, in the last layer's outputs that choose where to look."""
        head = getattr(self.model.policy, "action_net", None)  # Q-learning has none
        if head is None or head.weight.grad is None:
            return {}
        return {"location_gradient_norm": float(head.weight.grad[: self.looks].norm())}


def main(
    task: str = "CenteredMNIST-v0",
    algorithm: str = "ppo",
    steps: int = 1_000_000,
    seed: int = 0,
    running: bool = True,
    folder: Path | None = None,
) -> None:
    """Train a stock agent, then score it on the frozen test scenes.

    Args:
        task: The environment's id.
        algorithm: A name in `STOCK`.
        steps: Environment steps.
        seed: Of everything.
        running: Pay every right running answer in training, where the agent cannot stop.
        folder: For the checkpoint; run again to go on. None: runs/ALGORITHM/TASK/SEED.
    """
    overrides = {"reward": "running"} if running and not TASKS[task][1]["stopping"] else {}
    folder = folder or Path("runs", algorithm, task, str(seed))
    columns = (*Progress.get_default_columns(), TextColumn("{task.fields[status]}"))
    with Progress(*columns) as progress:
        bar = progress.add_task(f"{algorithm} on {task}", total=steps, status="")

        def show(row: Row) -> None:
            status = f"accuracy {row['accuracy']:.3f} return {row['return']:.3f}"
            progress.update(bar, completed=row["steps"], status=status)

        agent = train(task, seed=seed, steps=steps, folder=folder, log=show, overrides=overrides, algorithm=algorithm)
    score = evaluate(agent, task)
    print(
        f"{task}: {100 * score.accuracy:.1f} % of the test scenes right, mean return {score.mean_return:.3f}, "
        f"{score.mean_glimpses:.1f} glimpses, one path a scene; the model is {folder / 'model.zip'}"
    )


if __name__ == "__main__":
    import tyro

    tyro.cli(main, prog="python -m agents.ppo")
