"""Soft attention over whole frames: Sharma, Kiros, Salakhutdinov, *Action Recognition using Visual Attention* (2015).

    frame     a small CNN gives an annotation for each of its places
    look      weights over the places, softmax(v tanh(A annotation + B h)); x = their weighted mean     equation (4, 5)
    core      LSTM, started from the mean annotation of the first frame                                 equation (6)
    answer    softmax(W h) at every frame; cross-entropy, and each place to be seen about once          equation (7)

It sees every frame as a whole, so it is a reference for agents that glimpse. What differs from arXiv 1511.04119:

* The CNN is small and trained with the rest; theirs is GoogLeNet, trained on photographs.
* The weights depend on the frame too, as in *Show, Attend and Tell*; theirs on h alone.
* An annotation ends in the row and the column of its place: a way cannot be told from what was seen without where.

    python -m agents.soft_video --task MovingDigits-v0
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.descent import adam, cosine, descend, warm_up
from agents.full_view import as_input
from agents.lstm import lstm
from agents.training import Log, Row, fresh_scenes, ignore, make_lanes, optimise
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv


@dataclass(frozen=True)
class Config:
    """The recipe.

    Attributes:
        batch: Scenes in an update.
        learning_rate: Of Adam; rises over the first 2 % of the updates, then falls to 0 along a cosine.
        features: Units of the LSTM.
        maps: Of the CNN's last layer.
        once: Weight of the penalty on places that are not looked at once in all.
        early_labels: Weight of the cross-entropy before the last frame, against 1 at the last.
        precision: ``"bfloat16"`` runs products on the processor's matrix units, where it has them.
        clip: Largest norm of the gradient.
    """

    batch: int = 128
    learning_rate: float = 2e-3
    features: int = 192
    maps: int = 48
    once: float = 0.01
    early_labels: float = 0.3
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    clip: float = 2.0


class State(NamedTuple):
    """The LSTM's output and memory: each float32, (lanes, features)."""

    output: Tensor
    memory: Tensor


class Network(nn.Module):
    """The networks for the canvases of one environment."""

    def __init__(self, env: GlimpseVectorEnv, config: Config) -> None:
        super().__init__()
        self.config, features = config, config.features
        maps = config.maps
        self.see = nn.Sequential(
            nn.LazyConv2d(maps // 2, 6, stride=3, padding=2), nn.ReLU(),
            nn.Conv2d(maps // 2, maps, 3, stride=2, padding=1), nn.ReLU(),
        )  # fmt: skip
        with torch.no_grad():
            self.places = self.see(as_input(env.canvases()[:1])).shape[2:]
        self.start_from = nn.Linear(maps + 2, 2 * features)
        self.query, self.key = nn.Linear(features, maps), nn.Linear(maps + 2, maps)
        self.weigh = nn.Linear(maps, 1)
        self.core = nn.Linear(maps + 2 + features, 4 * features)
        self.answer = nn.Linear(features, len(env.symbols))

    def annotate(self, canvases: npt.NDArray[np.uint8]) -> Tensor:
        """Annotations of frames: (frames, places, maps + 2); the last two are row and column in [-1, 1]."""
        seen = self.see(as_input(canvases)).flatten(2).transpose(1, 2)
        sides = [torch.linspace(-1, 1, side) for side in self.places]
        where = torch.stack(torch.meshgrid(*sides, indexing="ij"), -1).reshape(1, -1, 2)
        return torch.cat([seen, where.expand(len(seen), -1, -1).to(seen.dtype)], 2)

    def begin(self, annotations: Tensor) -> State:
        """The state before the first frame, from its annotations."""
        output, memory = torch.tanh(self.start_from(annotations.mean(1)).float()).chunk(2, 1)
        return State(output, memory)

    def forward(self, annotations: Tensor, keys: Tensor, state: State) -> tuple[State, Tensor]:
        """Take in a frame: the next state, and the weights of its places (lanes, places)."""
        scores = self.weigh(torch.tanh(keys + self.query(state.output)[:, None]))[..., 0]
        weights = scores.float().softmax(1)
        context = torch.einsum("np,npm->nm", weights, annotations.float())
        gates = self.core(torch.cat([context, state.output], 1))
        return State(*lstm(gates, state.memory)), weights


def watch(network: Network, env: GlimpseVectorEnv) -> tuple[Tensor, Tensor]:
    """See the episodes that have just begun to their end: logits (frames, lanes, symbols), weights (frames, ...)."""
    nothing: dict[str, npt.NDArray[Any]] = {
        "gaze": np.zeros((env.num_envs, 2), np.float32), "symbol": np.zeros(env.num_envs, np.int64),
    }  # fmt: skip
    frames = [env.canvases()]
    for _ in range(env.task.budget - 1):
        env.step(nothing)
        frames.append(env.canvases())
    annotations = network.annotate(np.concatenate(frames)).unflatten(0, (len(frames), -1))
    keys = network.key(annotations)
    state, outputs, weights = network.begin(annotations[0]), [], []
    for annotation, key in zip(annotations, keys, strict=True):
        state, weight = network(annotation, key, state)
        outputs.append(state.output)
        weights.append(weight)
    return network.answer(torch.stack(outputs)).float(), torch.stack(weights)


class SoftVideo:
    """A trained network, which `peek` lets see every frame; its gaze is the mean place of its weights."""

    action_mode = "hybrid"

    def __init__(self, network: Network) -> None:
        self.network = network.eval()

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.state: State | None = None

    def peek(self, env: GlimpseVectorEnv) -> None:
        """Remember where the frames are."""
        self.env = env

    @torch.no_grad()
    def act(self, seen: Observation) -> dict[str, npt.NDArray[Any]]:
        """The likeliest answer so far."""
        annotations = self.network.annotate(self.env.canvases())
        before = self.network.begin(annotations) if self.state is None else self.state
        state, weights = self.network(annotations, self.network.key(annotations), before)
        self.state = state
        gaze = torch.einsum("np,npm->nm", weights, annotations[..., -2:]).numpy()
        return {"gaze": gaze, "symbol": self.network.answer(state.output).argmax(1).numpy()}


def train(
    task: str,
    *,
    seed: int,
    steps: int,
    folder: Path,
    log: Log = ignore,
    overrides: dict[str, Any] | None = None,
    **config: Any,
) -> SoftVideo:
    """Train on fresh scenes of the training split; called again, it goes on from its checkpoint, to the same bits.

    Args:
        task: The environment's id; one where the agent neither zooms nor stops.
        seed: Of the weights and the scenes.
        steps: Environment steps in all; `steps / budget` scenes.
        folder: Where the checkpoint lives.
        log: Gets a row of the learning curve about a hundred times.
        overrides: Keywords of the task that differ from the id's.
        **config: See `Config`.

    Raises:
        DataError: If stand-in images would be trained on under an MNIST id.
        ValueError: If the agent would have to zoom or to stop, or the folder holds a checkpoint of other settings.
    """
    recipe = Config(**config)
    settings = {"task": task, "seed": seed, "steps": steps, "overrides": overrides or {}, **asdict(recipe)}
    env = make_lanes(task, recipe.batch, **(overrides or {}))
    if env.task.stopping or env.task.reads or len(env.task.zooms) > 1:
        raise ValueError(
            f"{task} lets the agent zoom, stop or read; soft_video watches to the end and names what it saw"
        )
    env.reset(seed=0)
    torch.manual_seed(seed)
    network = Network(env, recipe)
    optimizer = adam(network, recipe.learning_rate)
    updates = max(1, steps // (recipe.batch * env.task.budget))

    def update(k: int) -> Row:
        fresh_scenes(env, seed, k)
        labels = torch.from_numpy(env.targets())
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            logits, weights = watch(network, env)
        each = F.cross_entropy(logits.flatten(0, 1), labels.repeat(len(logits)), reduction="none").view(len(logits), -1)
        loss = each[-1].mean() + recipe.early_labels * each[:-1].mean()
        loss = loss + recipe.once * (1 - weights.sum(0)).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        descend(optimizer, recipe.learning_rate * warm_up(k + 1, updates) * cosine(k, updates), recipe.clip)
        return {"accuracy": float((logits[-1].argmax(1) == labels).float().mean())}

    parts = {"network": network, "optimizer": optimizer}
    path, size = folder / "soft_video.pt", recipe.batch * env.task.budget
    optimise(update, updates, size, title=f"soft, {task}", path=path, settings=settings, parts=parts, log=log)
    return SoftVideo(network)


if __name__ == "__main__":
    from agents.command_line import train_and_score

    score = train_and_score(train, Config(), task="MovingMNIST-v0", steps=1_000_000, folder="runs/soft_video")
    print(f"{score.log.id}: test error {100 * (1 - score.accuracy):.2f} %, every frame seen as a whole")
