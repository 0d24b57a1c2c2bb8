"""Full view: networks that see the whole hidden scene. The ceiling of every task, and the proof of its generator.

The first three are baselines of *Recurrent Models of Visual Attention* (Mnih et al. 2014, arXiv 1406.6247, table 2);
their errors on our crowded scenes can be held against the paper's.

    fc64, fc256   two hidden layers of 64 or 256 ReLU
    conv          8 filters of 10x10 with stride 5, then 256 ReLU
    cnn           four convolutions with batch normalisation and pooling, then 256 ReLU; what is common today

Every update draws fresh scenes of the training split. No scene is seen twice, so nothing else regularises.

    python -m agents.full_view --task CrowdedMNISTRetina-v0 --config.network cnn
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from agents.training import Log, counted, ignore, make_lanes, restore, save
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv

Network = Literal["fc64", "fc256", "conv", "cnn"]
Shape = tuple[int, int, int]  # channels, height, width

DRAW = 2000  # scenes drawn at once, or a few more to make whole batches
VALIDATION = 5000  # frozen scenes of the validation split behind each point of the curve


@dataclass(frozen=True)
class Config:
    """The recipe.

    Attributes:
        network: Which one.
        batch: Scenes in an update.
        optimizer: ``"sgd"``, with momentum 0.9 as in the paper, or ``"adam"``.
        learning_rate: At the start; it falls linearly to 0. None takes 0.05 for SGD and 0.002 for Adam.
        precision: ``"bfloat16"`` uses the processor's matrix units, where it has them; `conv` is slower then.
        points: Points of the learning curve; each is also a checkpoint.
    """

    network: Network = "cnn"
    batch: int = 128
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float | None = None
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    points: int = 20


def connected(shape: Shape, classes: int, width: int) -> nn.Module:
    """Two hidden layers of `width` ReLU."""
    first, second = nn.Linear(math.prod(shape), width), nn.Linear(width, width)
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), second, nn.ReLU(), nn.Linear(width, classes))


def conv(shape: Shape, classes: int) -> nn.Module:
    """The paper's convolutional baseline."""
    filters, hidden = nn.Conv2d(shape[0], 8, 10, stride=5), nn.LazyLinear(256)
    return nn.Sequential(filters, nn.ReLU(), nn.Flatten(), hidden, nn.ReLU(), nn.Linear(256, classes))


def cnn(shape: Shape, classes: int) -> nn.Module:
    """Four convolutions; the last average leaves 3x3 places whatever the canvas."""

    def block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return convolution, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)

    return nn.Sequential(
        nn.Conv2d(shape[0], 16, 5, stride=2, padding=2, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        *block(16, 32),
        *block(32, 64),
        nn.Conv2d(64, 128, 3, padding=1, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(128 * 9, 256),
        nn.ReLU(),
        nn.Linear(256, classes),
    )


NETWORKS: dict[Network, Callable[[Shape, int], nn.Module]] = {
    "fc64": lambda shape, classes: connected(shape, classes, 64),
    "fc256": lambda shape, classes: connected(shape, classes, 256),
    "conv": conv,
    "cnn": cnn,
}


def as_input(canvases: npt.NDArray[np.uint8]) -> Tensor:
    """uint8 (n, height, width) or (n, height, width, 3) -> float32 (n, channels, height, width) in [0, 1]."""
    pixels = torch.from_numpy(canvases.reshape(*canvases.shape[:3], -1)).float() / 255
    return pixels.permute(0, 3, 1, 2)  # in memory the channels stay last, as convolutions like them


@torch.no_grad()
def probabilities(network: nn.Module, canvases: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The probability of each class for each canvas: float32, (n, classes)."""
    network.eval()
    parts = (canvases[i : i + 500] for i in range(0, len(canvases), 500))
    return np.concatenate([network(as_input(part)).softmax(1).numpy() for part in parts])


def predict(network: nn.Module, canvases: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The most likely class of each canvas: int64, (n,)."""
    return probabilities(network, canvases).argmax(1)


class FullView:
    """Answers from the whole scene, which `peek` gives it; looks about at random, and stops at once where it may."""

    action_mode = "hybrid"

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.chance = np.random.default_rng(0)

    def peek(self, env: GlimpseVectorEnv) -> None:
        """See the hidden scenes."""
        self.probabilities = probabilities(self.network, env.canvases())
        self.parts, self.zooms = list(env.single_action_space.spaces), len(env.task.zooms)  # type: ignore[attr-defined]

    def act(self, observation: Observation) -> dict[str, npt.NDArray[Any]]:
        """Say what the scene shows, and look anywhere."""
        lanes = len(self.probabilities)
        action: dict[str, npt.NDArray[Any]] = {
            "gaze": self.chance.uniform(-1, 1, (lanes, 2)).astype(np.float32),
            "zoom": self.chance.integers(0, self.zooms, lanes),
            "speak": np.ones(lanes, np.int64),
            "symbol": self.probabilities.argmax(1),
        }
        return {name: action[name] for name in self.parts}

    def belief(self) -> npt.NDArray[np.float32]:
        """Probability of each class, which no look changes: float32, (lanes, classes)."""
        return self.probabilities


def train(
    task: str,
    *,
    seed: int,
    steps: int,
    folder: Path,
    log: Log = ignore,
    overrides: dict[str, Any] | None = None,
    **config: Any,
) -> FullView:
    """Train on fresh whole scenes of the training split; called again, it goes on from its checkpoint.

    Args:
        task: The environment's id.
        seed: Of the weights and the scenes.
        steps: Environment steps in all, a scene counting as an episode of the whole budget; rounded up to whole draws.
        folder: Where the checkpoint lives.
        log: Gets rows of the learning curve, with the accuracy on frozen validation scenes.
        overrides: Keywords of the task that differ from the id's.
        **config: See `Config`.

    Raises:
        DataError: If stand-in images would be trained on under an MNIST id.
        ValueError: If the folder holds a checkpoint made with other settings.
    """
    recipe = Config(**config)
    settings = {"task": task, "seed": seed, "steps": steps, "overrides": overrides or {}, **asdict(recipe)}
    env = make_lanes(task, recipe.batch * -(-DRAW // recipe.batch), **(overrides or {}))
    held_out = make_lanes(task, VALIDATION, "validation", **(overrides or {}))
    held_out.reset(options={"index": np.arange(VALIDATION)})
    scenes, labels = held_out.canvases(), held_out.targets()
    torch.manual_seed(seed)
    shape = as_input(scenes[:1]).shape[1:]
    network = NETWORKS[recipe.network]((shape[0], shape[1], shape[2]), len(env.symbols))
    predict(network, scenes[:1])  # lazy layers learn their size
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    rate = recipe.learning_rate or {"sgd": 0.05, "adam": 0.002}[recipe.optimizer]
    optimizer: torch.optim.Optimizer = torch.optim.Adam(network.parameters(), rate)
    if recipe.optimizer == "sgd":
        optimizer = torch.optim.SGD(network.parameters(), rate, momentum=0.9)
    draws, updates = -(-steps // (env.num_envs * env.task.budget)), env.num_envs // recipe.batch
    every = max(1, draws // recipe.points)
    done, spent, path = 0, 0.0, folder / "full_view.pt"
    if (saved := restore(path, settings)) is not None:
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        done, spent = saved["done"], saved["spent"]
    begun = time.monotonic() - spent
    row: dict[str, float] = {}
    for draw in counted(done, draws, f"full view, {recipe.network}, {task}", row):
        env.reset(seed=(seed << 40) + draw * env.num_envs)
        network.train()
        batches = as_input(env.canvases()).split(recipe.batch), torch.from_numpy(env.targets()).split(recipe.batch)
        total = 0.0
        for k, (x, y) in enumerate(zip(*batches, strict=True)):
            for group in optimizer.param_groups:
                group["lr"] = rate * (1 - (draw + k / updates) / draws)
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
                loss = nn.functional.cross_entropy(network(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / updates
        if (draw + 1) % every == 0 or draw + 1 == draws:
            accuracy = float((predict(network, scenes) == labels).mean())
            spent = time.monotonic() - begun
            row.update(steps=(draw + 1) * env.num_envs * env.task.budget, seconds=spent, accuracy=accuracy, loss=total)
            log(dict(row))
            state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            save(path, {"settings": settings, "done": draw + 1, "spent": spent, **state})
    return FullView(network.eval())


if __name__ == "__main__":
    from agents.command_line import train_and_score

    score = train_and_score(train, Config(), task="CrowdedMNISTRetina-v0", steps=4_000_000, folder="runs/full_view")
    print(f"{score.log.id}: test error {100 * (1 - score.accuracy):.2f} % with the whole scene in view")
