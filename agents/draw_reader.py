"""DRAW's reader as a classifier: a differentiable gaze on the hidden canvas, trained end to end.

Gregor et al., *DRAW*, 2015 (arXiv 1502.04623), section 4.1: the cluttered 100x100 digits, read through 12x12 Gaussian
filters at one scale with a learned zoom. As the filters see the canvas itself, and not what an eye of the environment
saw of it, this agent stands among the references.

    read      gamma F_Y x F_X^T, placed by the LSTM's last output; the first grid is learned too
    glimpse   g = what(patch) * where(grid), layers normalised
    core      LSTM
    answer    softmax after every read; cross-entropy trains everything, the gaze included

What differs from the paper: normalised hidden layers and a gate between the patch and the LSTM, which the paper feeds
with the patch alone (not normalised, it stood at 20 % right for long, as a blurred patch is little but its mean);
a grid that cannot leave the canvas, and whose gradient is clipped at every read (without, training blew up once);
cross-entropy after every read, not only after the last; scenes that grow while training begins; Adam with warm-up and a
cosine. The gazes of its action log are the middles of reads 2, 3, ...: the first glimpse is the environment's.

    python -m agents.draw_reader --steps 80_000_000
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.descent import adam, cosine, descend, pull_on, warm_up
from agents.filterbank import PARAMETERS, filterbank, gaze, read, spanning
from agents.lstm import lstm
from agents.training import Log, Row, fresh_scenes, ignore, make_lanes, optimise
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv

LESSONS = 6  # sizes of scene, until they have grown
#: How far each parameter of the grid may go from the first grid's: the centre to the border, the stride 3.3-fold, ...
_REACH = (1.0, 1.0, 2.0, 1.2, 1.0)


@dataclass(frozen=True)
class Config:
    """The recipe.

    Attributes:
        scenes: Scenes in an update.
        learning_rate: Of Adam; rises over the first 2 % of the updates, then falls to 0 along a cosine.
        patch: Filters along each axis of the grid.
        span: Which part of the canvas the first grid spans, before it has learned anything.
        grow: In which share of the updates scenes are still smaller than the task's; see `lessons`.
        features: Units of the LSTM and of what feeds it.
        early_labels: Weight of the cross-entropy before the last read, against 1 at the last.
        precision: ``"bfloat16"`` runs matrix products in half the bits, faster where the processor has them.
        clip: Largest norm of the gradient.
    """

    scenes: int = 128
    learning_rate: float = 1.5e-3
    patch: int = 12
    span: float = 0.4
    grow: float = 0.4
    features: int = 256
    early_labels: float = 0.3
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    clip: float = 1.0


def _tame(gradient: Tensor) -> Tensor:
    """No lane pulls a grid harder than its share of a mean loss of 1; from read to read gradients could grow on."""
    most = 1 / len(gradient)
    return gradient * (most / gradient.norm(dim=1, keepdim=True).clamp_min(most))


class Reader(nn.Module):
    """The networks: from whole canvases to an answer after every read."""

    middle: Tensor
    reach: Tensor

    def __init__(self, height: int, width: int, classes: int, config: Config) -> None:
        super().__init__()
        self.config, features = config, config.features
        self.what = nn.Sequential(
            nn.Linear(config.patch**2, features), nn.LayerNorm(features), nn.ReLU(),
            nn.Linear(features, features), nn.LayerNorm(features), nn.ReLU(),
        )  # fmt: skip
        self.where = nn.Linear(PARAMETERS, features)
        self.core = nn.Linear(2 * features, 4 * features)
        self.answer = nn.Linear(features, classes)
        self.grid = nn.Linear(features, PARAMETERS)
        nn.init.zeros_(self.grid.bias)
        self.register_buffer("middle", spanning(config.patch, height, width, config.span))
        self.register_buffer("reach", torch.tensor(_REACH))

    def forward(self, canvas: Tensor, reads: int) -> tuple[Tensor, Tensor]:
        """Read some canvases.

        Args:
            canvas: (lanes, height, width), in [0, 1].
            reads: How many.

        Returns:
            Logits (reads, lanes, classes) and the grids' centres as gazes (reads, lanes, 2), see `filterbank.gaze`.
        """
        lanes, height, width = canvas.shape
        output = memory = canvas.new_zeros(lanes, self.config.features, dtype=torch.float32)
        logits, gazes = [], []
        for _ in range(reads):
            with torch.autocast("cpu", enabled=False):  # in half the bits a place is known to a fifth of a pixel
                place = torch.tanh(self.grid(output))
                if place.requires_grad:
                    place.register_hook(_tame)
                bank = filterbank(self.middle + self.reach * place, self.config.patch, height, width)
            glimpse = self.what(read(bank, canvas).flatten(1)) * self.where(place)
            output, memory = lstm(self.core(torch.cat([glimpse, output.to(glimpse.dtype)], 1)), memory)
            logits.append(self.answer(output).float())
            gazes.append(gaze(bank, height, width).detach())
        return torch.stack(logits), torch.stack(gazes)


def as_input(canvases: npt.NDArray[np.uint8], dtype: torch.dtype = torch.float32) -> Tensor:
    """uint8 (n, height, width) -> (n, height, width) in [0, 1].

    Raises:
        ValueError: If the scenes have colours.
    """
    if canvases.ndim != 3:
        raise ValueError(f"the reader reads grey scenes, (n, height, width); not {canvases.shape}: make them grey")
    return torch.from_numpy(canvases).to(dtype) / 255


def amid(scenes: Tensor, height: int, width: int) -> Tensor:
    """Scenes in the middle of dark ones of height x width pixels."""
    down, across = height - scenes.shape[1], width - scenes.shape[2]
    return F.pad(scenes, (across // 2, across - across // 2, down // 2, down - down // 2))


def lessons(task: str, lanes: int, env: GlimpseVectorEnv, overrides: dict[str, Any]) -> list[GlimpseVectorEnv]:
    """Lanes with scenes that grow from little more than the image to those of `env`, as crowded all along."""
    side, (height, width) = max(env.source.split("train").images.shape[1:3]), env.canvases().shape[1:3]
    course = []
    for part in range(1, LESSONS):
        small = [side + round((whole - side) * part / LESSONS) for whole in (height, width)]
        clutter = round(env.task.clutter * small[0] * small[1] / (height * width))
        course.append(make_lanes(task, lanes, **{**overrides, "canvas": small, "clutter": clutter}))
    return [*course, env]


def loss_of(logits: Tensor, labels: Tensor, early_labels: float) -> Tensor:
    """Cross-entropy after the last read, and the mean of the earlier ones times their weight.

    Args:
        logits: (reads, lanes, classes).
        labels: int64, (lanes,).
        early_labels: See `Config`.
    """
    reads, _, classes = logits.shape
    every = labels.expand(reads, -1)
    each = F.cross_entropy(logits.reshape(-1, classes), every.reshape(-1), reduction="none").view(reads, -1).mean(1)
    return each[-1] + early_labels * each[:-1].sum() / max(1, reads - 1)


class DrawReaderAgent:
    """A trained reader, which sees the whole scenes through `peek`; one path for each."""

    action_mode = "hybrid"

    def __init__(self, reader: Reader) -> None:
        self.reader = reader.eval()

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.step = 0

    @torch.no_grad()
    def peek(self, env: GlimpseVectorEnv) -> None:
        """Read the hidden scenes, as often as there are glimpses."""
        self.parts, self.zooms = list(env.single_action_space.spaces), len(env.task.zooms)  # type: ignore[attr-defined]
        readings = [self.reader(part, env.task.budget) for part in as_input(env.canvases()).split(250)]
        logits, gazes = (torch.cat(part, 1) for part in zip(*readings, strict=True))
        self.answers, self.gazes = logits.argmax(2).numpy(), gazes.numpy()

    def act(self, observation: Observation) -> dict[str, npt.NDArray[Any]]:
        """The answer after this read, and the middle of the next."""
        last, lanes = len(self.answers) - 1, self.answers.shape[1]
        action: dict[str, npt.NDArray[Any]] = {
            "gaze": self.gazes[min(self.step + 1, last)],
            "zoom": np.zeros(lanes, np.int64),
            "speak": np.full(lanes, int(self.step == last)),
            "symbol": self.answers[self.step],
        }
        self.step += 1
        return {name: action[name] for name in self.parts}


def train(
    task: str,
    *,
    seed: int,
    steps: int,
    folder: Path,
    log: Log = ignore,
    overrides: dict[str, Any] | None = None,
    **config: Any,
) -> DrawReaderAgent:
    """Train on fresh scenes of the training split; called again, it goes on from its checkpoint, to the same bits.

    Args:
        task: The environment's id.
        seed: Of the weights and the scenes.
        steps: Environment steps in all, a read counting as one.
        folder: Where the checkpoint lives.
        log: Gets a row of the learning curve about a hundred times.
        overrides: Keywords of the task that differ from the id's.
        **config: See `Config`.

    Raises:
        DataError: If stand-in images would be trained on under an MNIST id.
        ValueError: If the folder holds a checkpoint made with other settings, or the scenes have colours.
    """
    recipe = Config(**config)
    settings = {"task": task, "seed": seed, "steps": steps, "overrides": overrides or {}, **asdict(recipe)}
    env = make_lanes(task, recipe.scenes, **(overrides or {}))
    env.reset(seed=0)
    _, height, width = as_input(env.canvases()).shape
    course = lessons(task, recipe.scenes, env, overrides or {})
    torch.manual_seed(seed)
    reader = Reader(height, width, len(env.source.classes), recipe)
    optimizer = adam(reader, recipe.learning_rate)
    size = recipe.scenes * env.task.budget
    updates = max(1, steps // size)
    dtype = torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32

    def update(k: int) -> Row:
        env = course[min(int(k / updates / recipe.grow * len(course)), len(course) - 1) if recipe.grow else -1]
        fresh_scenes(env, seed, k)
        labels = torch.from_numpy(env.targets())
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16):
            logits, gazes = reader(amid(as_input(env.canvases(), dtype), height, width), env.task.budget)
        loss = loss_of(logits, labels, recipe.early_labels)
        optimizer.zero_grad()
        loss.backward()
        norm = descend(optimizer, recipe.learning_rate * warm_up(k, updates) * cosine(k, updates), recipe.clip)
        return {
            "loss": loss.item(),
            "accuracy": float((logits[-1].argmax(1) == labels).float().mean()),
            "gradient_norm": norm,
            "location_gradient_norm": pull_on(reader.grid.weight, slice(2)),
            "travel": float((gazes[1:] - gazes[:-1]).norm(dim=2).mean()),
        }

    parts = {"reader": reader, "optimizer": optimizer}
    path = folder / "draw_reader.pt"
    optimise(update, updates, size, title=f"DRAW reader {task}", path=path, settings=settings, parts=parts, log=log)
    return DrawReaderAgent(reader)


if __name__ == "__main__":
    from agents.command_line import train_and_score

    score = train_and_score(
        train, Config(), task="CrowdedMNISTRetina100-v0", steps=24_000_000, folder="runs/draw_reader"
    )
    for glimpses, _, accuracy in score.by_glimpses:
        print(f"{score.log.id}: test error {100 * (1 - accuracy):.2f} % after {glimpses} reads")
