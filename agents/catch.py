"""Catch: RAM with an LSTM core, learning to play from the reward alone (Mnih et al. 2014, 1406.6247, section 4.2).

    glimpse   g = relu(W relu(W_x x) + W relu(W_l l))
    core      LSTM
    move      softmax(W h), drawn at every step: left, stay or right
    gaze      Normal(W h, std)
    learning  REINFORCE, equation (3): whether the ball was caught, less the baseline b = W h, for both at every step

There is no label here that anybody could learn from. What differs from the paper, which leaves the recipe open:

* Adam on batches of games, the advantage divided by its standard deviation, an entropy bonus on the moves that falls
  to 0.
* Training begins with the ball low above the paddle, `begin` rows, and ends with whole games: what the last moves are
  worth is learned first, then what those before them are. Games are counted alike, however short.
* By default the eye stays at the middle, from where the coarsest patch covers the screen: `look_after` is the share of
  the updates after which the gaze is learned too, and learning it from 0.6 on undid what the moves had learned.
* A pixel weighs alike at every scale: patches are sums, not means. A ball is 1/16 of a block at the coarsest.
* Beside the place of the glimpse the network is told how much of the game is left and how it has moved last: it knows
  both anyway, as it counts and decides; an LSTM that has to find out takes longer.
* The baseline's error trains the core too.
* At evaluation the likeliest move and the mean gaze: one path a game.

`Tracker` sees the whole screen and is perfect.

    python -m agents.catch --games 2_000_000
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from agents.catch_networks import MOVES, Policy, State
from agents.descent import adam, cosine, descend, pull_on, warm_up
from agents.training import Log, Row, fresh_scenes, ignore, make_lanes, optimise
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv


@dataclass(frozen=True)
class Config:
    """The recipe.

    Attributes:
        batch: Games in an update.
        learning_rate: Of Adam; rises over the first 2 % of the updates, then falls to 0 along a cosine.
        begin: Rows that the ball falls in the first games; from `whole` of the updates on, all rows.
        whole: Share of the updates.
        features: Units of the glimpse and of the LSTM; the glimpse network's first layers have half as many.
        gaze: ``"learned"``, or ``"random"``: uniform, the anchor that a learned gaze must beat.
        gaze_std: Standard deviation of the gaze while training, in its units of [-1, 1].
        look_weight: Weight of REINFORCE for the gazes, against 1 for the moves.
        look_after: Share of the updates after which the gaze is learned; until then it stays about the middle.
        entropy: Weight of the moves' entropy at the start; it falls linearly to 0.
        baseline_weight: Of the baseline's squared error.
        precision: ``"bfloat16"`` runs matrix products on the processor's matrix units, where it has them.
        clip: Largest norm of the gradient.
    """

    batch: int = 256
    learning_rate: float = 2e-3
    begin: int = 10
    whole: float = 0.6
    features: int = 128
    gaze: Literal["learned", "random"] = "learned"
    gaze_std: float = 0.02
    look_weight: float = 0.02
    look_after: float = 1.0
    entropy: float = 0.02
    baseline_weight: float = 1.0
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    clip: float = 1.0


class Rollout(NamedTuple):
    """A batch of whole games, time first.

    Attributes:
        logits: Of the moves: (steps, lanes, 3).
        moves: What was drawn: int64, (steps, lanes).
        means: Of the gaze: (steps, lanes, 2).
        gazes: What was drawn: (steps, lanes, 2).
        baselines: (steps, lanes).
        caught: 1 or 0: (lanes,).
    """

    logits: Tensor
    moves: Tensor
    means: Tensor
    gazes: Tensor
    baselines: Tensor
    caught: Tensor


def rollout(policy: Policy, env: GlimpseVectorEnv, seen: Observation) -> Rollout:
    """Play the games that begin with `seen`; all of them take equally long."""
    state, outputs, moves, gazes = policy.start(env.num_envs), [], [], []
    for _ in range(env.task.budget):
        output, memory = policy(seen, state, env.task.budget)
        outputs.append(output)
        with torch.no_grad():
            logits, mean, _ = policy.decisions(output)
            moves.append(torch.distributions.Categorical(logits=logits).sample())
            gazes.append(mean + policy.config.gaze_std * torch.randn_like(mean))
            if policy.config.gaze == "random":
                gazes[-1] = 2 * torch.rand_like(mean) - 1
        state = State(output, memory, F.one_hot(moves[-1], MOVES).float())
        seen, reward, _, _, _ = env.step({"gaze": gazes[-1].numpy(), "symbol": moves[-1].numpy()})
    decided = policy.decisions(torch.stack(outputs))
    return Rollout(
        decided[0], torch.stack(moves), decided[1], torch.stack(gazes), decided[2], torch.from_numpy(reward).float()
    )


def loss_of(played: Rollout, config: Config, entropy: float, look_weight: float) -> Tensor:
    """REINFORCE for moves and gazes, squared error for the baseline, minus `entropy` times the moves' entropy."""
    surprise = played.caught - played.baselines
    advantage = surprise.detach() / (surprise.detach().std() + 1e-3)
    moves = torch.distributions.Categorical(logits=played.logits)
    chosen = moves.log_prob(played.moves)
    if config.gaze == "learned":
        looks = torch.distributions.Normal(played.means, config.gaze_std).log_prob(played.gazes).sum(2)
        chosen = chosen + look_weight * F.pad(looks[:-1], (0, 0, 0, 1))  # the look of the last step is never taken
    error = surprise.square().mean()
    return config.baseline_weight * error - (advantage * chosen + entropy * moves.entropy()).sum(0).mean()


def rows_at(progress: float, config: Config, most: int) -> int:
    """How many rows the ball falls in training, at `progress` in [0, 1) of it."""
    return min(most, config.begin + int((most + 1 - config.begin) * progress / config.whole))


class CatchAgent:
    """A trained policy, one path for each game."""

    action_mode = "hybrid"

    def __init__(self, policy: Policy, budget: int) -> None:
        self.policy, self.budget = policy.eval(), budget
        self.chance = np.random.default_rng(0)

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.state = self.policy.start(lanes)

    @torch.no_grad()
    def act(self, seen: Observation) -> dict[str, npt.NDArray[Any]]:
        """The likeliest move, and the mean gaze."""
        output, memory = self.policy(seen, self.state, self.budget)
        logits, mean, _ = self.policy.decisions(output)
        move, gaze = logits.argmax(1), mean.numpy()
        if self.policy.config.gaze == "random":
            gaze = self.chance.uniform(-1, 1, gaze.shape).astype(np.float32)
        self.state = State(output, memory, F.one_hot(move, MOVES).float())
        return {"gaze": gaze, "symbol": move.numpy()}


class Tracker:
    """Knows the whole game: goes where the ball will land, and looks at it as it falls. A reference."""

    action_mode = "hybrid"
    board = "reference"

    def peek(self, env: GlimpseVectorEnv) -> None:
        """See where the ball will land."""
        self.env, self.goal = env, env.targets()

    def act(self, seen: Observation) -> dict[str, npt.NDArray[Any]]:
        """A step towards the nearer of the two places that catch."""
        ball, paddle = self.env.boxes()[:, 0, :2], self.env.boxes()[:, 1, 1]
        move = np.where(paddle < self.goal - 1, 1, np.where(paddle > self.goal, -1, 0))
        gaze = 2 * ball / (np.array(self.env.canvas_size) - 1) - 1
        return {"gaze": gaze.astype(np.float32), "symbol": move + 1}


def train(
    task: str = "GlimpseCatch-v0",
    *,
    seed: int,
    steps: int,
    folder: Path,
    log: Log = ignore,
    overrides: dict[str, Any] | None = None,
    **config: Any,
) -> CatchAgent:
    """Train on fresh games; called again, it goes on from its checkpoint, to the same bits.

    Args:
        task: The environment's id.
        seed: Of the weights, the games and the exploration.
        steps: Environment steps in all; `steps / budget` games.
        folder: Where the checkpoint lives.
        log: Gets a row of the learning curve about a hundred times.
        overrides: Keywords of the task that differ from the id's.
        **config: See `Config`.

    Raises:
        ValueError: If the folder holds a checkpoint made with other settings, or the task steers nothing.
    """
    recipe = Config(**config)
    settings = {"task": task, "seed": seed, "steps": steps, "overrides": overrides or {}, **asdict(recipe)}
    env = make_lanes(task, recipe.batch, **(overrides or {}))
    if not env.task.steers:
        raise ValueError(f"{task} has nothing to steer; agents.catch plays GlimpseCatch-v0, agents.ram_plus the others")
    torch.manual_seed(seed)
    policy = Policy(env, recipe)
    optimizer = adam(policy, recipe.learning_rate)
    updates = max(1, steps // (recipe.batch * env.task.budget))
    lengths = sorted({rows_at(k / updates, recipe, env.task.budget) for k in range(updates)})
    envs = {rows: make_lanes(task, recipe.batch, **{**(overrides or {}), "budget": rows}) for rows in lengths}

    def update(k: int) -> Row:
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            lanes = envs[rows_at(k / updates, recipe, env.task.budget)]
            played = rollout(policy, lanes, fresh_scenes(lanes, seed, k))
        optimizer.zero_grad()
        look_weight = recipe.look_weight if k >= recipe.look_after * updates else 0.0
        loss_of(played, recipe, recipe.entropy * (1 - k / updates), look_weight).backward()
        row = {
            "accuracy": float(played.caught.mean()),
            "location_gradient_norm": pull_on(policy.decide.weight, slice(MOVES, MOVES + 2)),
        }
        descend(optimizer, recipe.learning_rate * warm_up(k + 1, updates) * cosine(k, updates), recipe.clip)
        return row

    parts = {"policy": policy, "optimizer": optimizer}
    path, size = folder / "catch.pt", recipe.batch * env.task.budget
    optimise(update, updates, size, title=f"RAM {task}", path=path, settings=settings, parts=parts, log=log)
    return CatchAgent(policy, env.task.budget)


@dataclass
class Command:
    """Train, then score on the frozen test games.

    Attributes:
        games: How many, in training.
        seed: Of everything.
        folder: For the checkpoint; run again to go on.
        config: The recipe.
    """

    games: int = 2_000_000
    seed: int = 0
    folder: Path = Path("runs/catch")
    config: Config = Config()


if __name__ == "__main__":
    import tyro

    from glimpse_env import evaluate

    command = tyro.cli(Command)
    torch.set_num_threads(1)
    steps = command.games * 23
    agent = train(seed=command.seed, steps=steps, folder=command.folder, **asdict(command.config))
    score = evaluate(agent, "GlimpseCatch-v0")
    print(f"GlimpseCatch-v0: {100 * score.accuracy:.2f} % of the test games caught, one path a game")
