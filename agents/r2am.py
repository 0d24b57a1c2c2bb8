"""R2AM: recursive and recurrent convolutions that read a word, with soft attention (Lee and Osindero 2016, 1603.03101).

    stage     h = relu(norm(first * x)), then `iterations` times, with one shared weight:
              recursive  h <- relu(norm(again * h))
              recurrent  h <- relu(norm(first * x + again * h))         the input is fed again each time
              tied       recursive without `first`: begins with x, filled up with channels of zeros
    decoder   plain      a classifier for every place of the text, on the features of the whole image
              rnn        an LSTM over the symbols, which hears the last one and sees the features of the whole image
              attention  an LSTM which hears the last symbol and sees a mean of the features, weighed anew each time

A plain network, two convolutions a stage, is a recursive one of one iteration: further iterations make it deeper, and
none adds a parameter; a recurrent one has as many. The reader sees the whole hidden scene through `peek`: a reference,
which says what it read symbol by symbol. With attention its eye goes to where the next symbol was read.

What differs from the paper:

* Far smaller, to be trained in minutes on one core: three stages of 32, 64 and 64 channels on pixels folded 4x4 into
  channels, one hidden layer or one LSTM of 128 units.
* Batch normalisation; every iteration has its own statistics, all iterations of a stage one scale and one shift.
* Attention weighs by scalar products, and every column has a code, so that where it was tells where to go on. Before
  it has learned anything it goes from left to right, a step a symbol. After the 40,000 scenes of
  `benchmarks.r2am_ordering` it still goes nearly the same way in every scene.
* Adam with warm-up and a cosine, on scenes that are never seen twice, and nothing else that regularises.

    python -m agents.r2am --task Words-v0 --steps 2_000_000
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.full_view import as_input
from agents.lstm import lstm
from agents.training import Log, Row, fresh_scenes, ignore, make_lanes, optimise
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv

Ints = npt.NDArray[np.int64]

FOLD = 4  # pixels, down and across, that become channels
WAVES, TURN = 12, 0.75 * math.pi  # of the code of a place; no two columns are a whole turn apart
_SILENT = -1  # in a text: it has ended


@dataclass(frozen=True)
class Config:
    """The recipe.

    Attributes:
        encoder: ``"recursive"`` (its first weight untied, as in the paper's best), ``"tied"`` or ``"recurrent"``.
        iterations: How often a stage applies its shared weight.
        decoder: ``"plain"``, ``"rnn"`` or ``"attention"``.
        channels: Of the stages; each after the first halves the height.
        features: Units of the hidden layer or of the LSTM.
        scenes: Scenes in an update.
        learning_rate: Of Adam; rises over the first 5 % of the updates, then falls to 0 along a cosine.
        precision: ``"bfloat16"`` runs products in half the bits, faster where the processor has them.
        clip: Largest norm of the gradient.
    """

    encoder: Literal["recursive", "tied", "recurrent"] = "recursive"
    iterations: int = 2
    decoder: Literal["plain", "rnn", "attention"] = "attention"
    channels: tuple[int, ...] = (32, 64, 64)
    features: int = 128
    scenes: int = 64
    learning_rate: float = 3e-3
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    clip: float = 2.0


class Stage(nn.Module):
    """One recursive or recurrent convolution; size and place stay as they are."""

    def __init__(self, inputs: int, outputs: int, config: Config) -> None:
        super().__init__()
        self.kind, self.missing = config.encoder, outputs - inputs
        applied = config.iterations
        if self.kind != "tied":
            self.first, applied = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), applied + 1
        self.again = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in range(applied))
        for norm in self.norms:  # whose scale and shift are part of the shared weight
            norm.weight, norm.bias = self.norms[0].weight, self.norms[0].bias

    def forward(self, x: Tensor) -> Tensor:
        """(lanes, inputs, height, width) -> (lanes, outputs, height, width)."""
        norms = list(self.norms)
        if self.kind == "tied":
            h = F.pad(x, (0, 0, 0, 0, 0, self.missing))
        else:
            fed = self.first(x)
            h = F.relu(norms.pop(0)(fed))
        for norm in norms:
            again = self.again(h)
            h = F.relu(norm(again + fed if self.kind == "recurrent" else again))
        return h


class Encoder(nn.Module):
    """From whole scenes to a grid of features."""

    def __init__(self, planes: int, config: Config) -> None:
        super().__init__()
        widths = (FOLD**2 * planes, *config.channels)
        self.stages = nn.ModuleList(Stage(*pair, config) for pair in pairwise(widths))

    def forward(self, scenes: Tensor) -> Tensor:
        """(lanes, planes, height, width), in [0, 1] -> (lanes, channels, rows, columns)."""
        height, width = scenes.shape[2:]
        h = F.pixel_unshuffle(F.pad(scenes, (0, -width % FOLD, 0, -height % FOLD)), FOLD)
        h = h.contiguous(memory_format=torch.channels_last)
        for k, stage in enumerate(self.stages):
            h = stage(F.max_pool2d(h, (2, 1)) if k else h)  # columns stay: they tell the letters apart
        return h


class Plain(nn.Module):
    """A classifier for every place of the text."""

    def __init__(self, channels: int, grid: tuple[int, int], symbols: int, length: int, config: Config) -> None:
        super().__init__()
        self.length, self.symbols = length, symbols
        hidden = nn.Linear(channels * math.prod(grid), config.features)
        answer = nn.Linear(config.features, length * symbols)
        self.classify = nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), answer)

    def forward(self, features: Tensor, text: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """See `Speaker`; the text is not heard, and there are no maps."""
        return self.classify(features).float().view(-1, self.length, self.symbols), None


def places(rows: int, columns: int) -> Tensor:
    """A code for each cell of a grid, (rows * columns, 2 * WAVES): the nearer two columns, the larger their product."""
    waves = torch.arange(1, WAVES + 1)
    phases, heights = TURN * waves * torch.linspace(-1, 1, columns)[:, None], torch.exp(-((waves / 7) ** 2) / 2)
    return torch.cat([heights * phases.sin(), heights * phases.cos()], 1).repeat(rows, 1)


def step_right(step: float) -> Tensor:
    """What makes of the code of a column that of one `step` further right, of 2 in all: (2 * WAVES, 2 * WAVES)."""
    angles = TURN * step * torch.arange(1, WAVES + 1)
    sine, cosine = torch.diag(angles.sin()), torch.diag(angles.cos())
    return torch.cat([torch.cat([cosine, sine], 1), torch.cat([-sine, cosine], 1)])


class Speaker(nn.Module):
    """A character RNN, with attention or without."""

    place: Tensor

    def __init__(self, channels: int, grid: tuple[int, int], symbols: int, length: int, config: Config) -> None:
        super().__init__()
        features, self.attends = config.features, config.decoder == "attention"
        self.length, self.heard = length, nn.Embedding(symbols + 1, 32)
        if self.attends:
            self.register_buffer("place", places(*grid), persistent=False)
            seen = channels + self.place.shape[1]
            self.query = nn.Linear(features + seen, seen)
            with torch.no_grad():  # before it has learned anything it reads from left to right, a step a symbol
                self.query.weight[channels:, features + channels :] = step_right(2 / length)
        else:
            seen = features
            self.summary = nn.Sequential(nn.Flatten(), nn.Linear(channels * math.prod(grid), features), nn.ReLU())
        self.core = nn.Linear(seen + 32 + features, 4 * features)
        self.answer = nn.Linear(features + seen, symbols)

    def forward(self, features: Tensor, text: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Speak a text of the greatest length.

        Args:
            features: (lanes, channels, rows, columns).
            text: int64, (lanes, length): the right symbols, each heard after its place is spoken, in training and to
                know how likely a word is; None to hear what it says itself, the most likely symbol at each place.

        Returns:
            Logits (lanes, length, symbols) and, with attention, its weights (lanes, length, cells).
        """
        lanes = len(features)
        output = memory = features.new_zeros(lanes, self.core.out_features // 4, dtype=torch.float32)
        said = torch.full((lanes,), self.heard.num_embeddings - 1)  # nothing yet
        logits, maps = [], []
        if self.attends:
            places = self.place.to(features.dtype).expand(lanes, -1, -1)
            values = torch.cat([features.flatten(2).transpose(1, 2), places], 2)
            seen = F.pad(values[:, 0, -places.shape[2] :], (values.shape[2] - places.shape[2], 0))  # the left border
        else:
            seen = self.summary(features)
        for k in range(self.length):
            if self.attends:
                query = self.query(torch.cat([output, seen], 1))[:, :, None].to(values.dtype)
                maps.append(torch.softmax((values @ query)[:, :, 0].float(), 1))
                seen = (maps[-1][:, None].to(values.dtype) @ values)[:, 0]
            output, memory = lstm(self.core(torch.cat([seen, self.heard(said), output], 1)), memory)
            logits.append(self.answer(torch.cat([output, seen], 1)).float())
            said = logits[-1].argmax(1) if text is None else text[:, k].clamp(min=0)
        return torch.stack(logits, 1), torch.stack(maps, 1) if maps else None


class Reader(nn.Module):
    """Encoder and decoder for scenes of one size and texts of one alphabet.

    Attributes:
        grid: Rows and columns of the features.
    """

    def __init__(self, planes: int, height: int, width: int, symbols: int, length: int, config: Config) -> None:
        super().__init__()
        self.config, self.encoder = config, Encoder(planes, config)
        with torch.no_grad():
            _, channels, rows, columns = self.encoder(torch.zeros(2, planes, height, width)).shape
        self.grid = (rows, columns)
        decoder = Plain if config.decoder == "plain" else Speaker
        self.decoder = decoder(channels, self.grid, symbols, length, config)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, scenes: Tensor, text: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Logits and attention for scenes (lanes, planes, height, width) in [0, 1]; see `Speaker`."""
        logits, maps = self.decoder(self.encoder(scenes), text)
        return logits, maps

    def autocast(self) -> torch.autocast:
        """The precision of the recipe, as a context."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bfloat16")

    @torch.no_grad()
    def read(self, canvases: npt.NDArray[np.uint8]) -> tuple[Ints, npt.NDArray[np.float32] | None]:
        """What the scenes say, without a lexicon: the most likely symbol at each place, given those before it.

        Args:
            canvases: uint8, (lanes, height, width) or (lanes, height, width, 3).

        Returns:
            int64 (lanes, length), symbols past the closing one meaning nothing; and float32 (lanes, length, rows,
            columns), where it attended, or None.
        """
        self.eval()
        with self.autocast():
            parts = [self(as_input(canvases[k : k + 250])) for k in range(0, len(canvases), 250)]
        said = torch.cat([logits.argmax(2) for logits, _ in parts]).numpy()
        maps = [seen.view(*seen.shape[:2], *self.grid) for _, seen in parts if seen is not None]
        return said, torch.cat(maps).numpy() if maps else None

    @torch.no_grad()
    def choose(self, canvases: npt.NDArray[np.uint8], lexicons: Ints) -> Ints:
        """Which word of its lexicon each scene most likely shows.

        Args:
            canvases: As for `read`.
            lexicons: int64, (lanes, words, length), each word closed as the texts are, -1 past its end.

        Returns:
            int64, (lanes,), in [0, words).
        """
        self.eval()
        lanes, words, length = lexicons.shape
        chosen = []
        for k in range(0, lanes, 25):
            texts = torch.from_numpy(lexicons[k : k + 25]).view(-1, length)
            with self.autocast():
                features = self.encoder(as_input(canvases[k : k + 25]))
                logits, _ = self.decoder(features.repeat_interleave(words, 0), texts)
            chosen.append(likelihood(logits, texts).view(-1, words).argmax(1))
        return torch.cat(chosen).numpy()


def likelihood(logits: Tensor, text: Tensor) -> Tensor:
    """Log-probability of each text (lanes, length) under logits (lanes, length, symbols): (lanes,)."""
    each = F.cross_entropy(logits.flatten(0, 1), text.flatten(), ignore_index=_SILENT, reduction="none")
    return -each.view(text.shape).sum(1)


class R2amAgent:
    """A trained reader, which sees the whole scenes through `peek`, and says what it read."""

    action_mode = "hybrid"

    def __init__(self, reader: Reader) -> None:
        self.reader = reader.eval()

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.step = 0

    def peek(self, env: GlimpseVectorEnv) -> None:
        """Read the hidden scenes."""
        self.parts, self.zooms = list(env.single_action_space.spaces), len(env.task.zooms)  # type: ignore[attr-defined]
        self.texts, maps = self.reader.read(env.canvases())
        self.gazes = np.zeros((*self.texts.shape, 2), np.float32)
        if maps is not None:
            rows, columns = (np.linspace(-1 + 1 / n, 1 - 1 / n, n, dtype=np.float32) for n in self.reader.grid)
            self.gazes = np.stack([maps.sum(3) @ rows, maps.sum(2) @ columns], 2).clip(-1, 1)

    def act(self, observation: Observation) -> dict[str, npt.NDArray[Any]]:
        """Say the next symbol, and look where the one after it was read."""
        lanes, length = self.texts.shape
        now, then = min(self.step, length - 1), min(self.step + 1, length - 1)
        action: dict[str, npt.NDArray[Any]] = {
            "gaze": self.gazes[:, then],
            "zoom": np.zeros(lanes, np.int64),
            "speak": np.ones(lanes, np.int64),
            "symbol": self.texts[:, now],
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
) -> R2amAgent:
    """Train on fresh scenes of the training split; called again, it goes on from its checkpoint, to the same bits.

    Args:
        task: The environment's id; one where a text is read.
        seed: Of the weights and the scenes.
        steps: Environment steps in all, a scene counting as an episode of the whole budget.
        folder: Where the checkpoint lives.
        log: Gets a row of the learning curve about a hundred times.
        overrides: Keywords of the task that differ from the id's.
        **config: See `Config`.

    Raises:
        DataError: If stand-in images would be trained on under an MNIST id.
        ValueError: If the task asks for one symbol, or the folder holds a checkpoint made with other settings.
    """
    recipe = Config(**config)
    settings = {"task": task, "seed": seed, "steps": steps, "overrides": overrides or {}, **asdict(recipe)}
    env = make_lanes(task, recipe.scenes, **(overrides or {}))
    if not env.task.reads:
        raise ValueError(f"{task} asks for one symbol and R2AM reads texts; train agents.full_view on it")
    fresh_scenes(env, seed, 0)
    _, planes, height, width = as_input(env.canvases()).shape
    torch.manual_seed(seed)
    reader = Reader(planes, height, width, len(env.symbols), env.targets().shape[1], recipe)
    optimizer = torch.optim.Adam(reader.parameters(), recipe.learning_rate, betas=(0.9, 0.99), fused=True)
    size = recipe.scenes * env.task.budget
    updates = max(1, steps // size)

    def update(k: int) -> Row:
        for group in optimizer.param_groups:
            warm = min(1.0, (k + 1) / (0.05 * updates))
            group["lr"] = recipe.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * k / updates))
        fresh_scenes(env, seed, k)
        text = torch.from_numpy(env.targets())
        reader.train()
        with reader.autocast():
            logits, _ = reader(as_input(env.canvases()), text)
        loss = F.cross_entropy(logits.flatten(0, 1), text.flatten(), ignore_index=_SILENT)
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(reader.parameters(), recipe.clip)
        optimizer.step()
        right = (logits.argmax(2) == text) | (text == _SILENT)
        return {"loss": loss.item(), "accuracy": float(right.all(1).float().mean()), "gradient_norm": float(norm)}

    parts = {"reader": reader, "optimizer": optimizer}
    title = f"R2AM {recipe.encoder} {recipe.decoder} {task}"
    optimise(update, updates, size, title=title, path=folder / "r2am.pt", settings=settings, parts=parts, log=log)
    return R2amAgent(reader)


@dataclass
class Command:
    """Train, then score on the frozen test scenes, without a lexicon.

    Attributes:
        task: The environment's id.
        steps: Environment steps.
        seed: Of everything.
        folder: For the checkpoint; run again to go on.
        config: The recipe.
    """

    task: str = "Words-v0"
    steps: int = 2_000_000
    seed: int = 0
    folder: Path = Path("runs/r2am")
    config: Config = Config()


if __name__ == "__main__":
    import tyro

    from glimpse_env import evaluate

    command = tyro.cli(Command)
    torch.set_num_threads(1)
    agent = train(command.task, seed=command.seed, steps=command.steps, folder=command.folder, **asdict(command.config))
    score = evaluate(agent, command.task)
    error = score.symbol_error_rate or 0.0
    print(f"{command.task}: {100 * score.accuracy:.2f} % of texts read right, symbol error rate {100 * error:.2f} %")
