"""R2AM: recursive and recurrent convolutions that read a word, with soft attention (Lee and Osindero 2016, 1603.03101).

    stage     h = relu(norm(first * x)), then `iterations` times, with one shared weight:
              recursive  h <- relu(norm(again * h))
              recurrent  h <- relu(norm(first * x + again * h))         the input is fed again each time
              tied       recursive without `first`: begins with x, filled up with channels of zeros
    decoder   plain      a classifier for every place of the text, on the features of the whole image
              rnn        and an LSTM, which hears the last symbol and adds to what the classifier of the next place says
              attention  an LSTM which hears the last symbol and sees a mean of the features, weighed anew each time

A plain network, two convolutions a stage, is a recursive one of one iteration: further iterations make it deeper, and
add no weight but scale and shift; a recurrent one has as many. The reader sees the whole hidden scene through `peek`: a
reference, which says what it read symbol by symbol. With attention its eye goes to where the next symbol was read.

What differs from the paper:

* Far smaller, to be trained in minutes on one core: three stages of 16, 64 and 96 channels on pixels folded 2x2 into
  channels, one hidden layer or one LSTM of 128 units.
* Batch normalisation; every iteration has its own, scale and shift included: all that it does not share.
* An iteration begins as the identity but for noise; that of a plain network, which has one, as well.
* The character RNN adds to the answers of a plain decoder, which learns beside it as if it were alone: an encoder that
  learns from what both say together learns more slowly, and the words of the training by heart.
* Attention weighs by scalar products, and every column has a code, so that where it was tells where to go on. Before
  it has learned anything it goes from left to right, a step a symbol.
* Adam with warm-up and a cosine, on scenes that are never seen twice, and nothing else that regularises.

After the 200,000 scenes of `benchmarks.r2am_ordering` the paper's order shows on held-out words: recursive reads more
than plain, a character RNN more than that, attention most. Recursive and recurrent read about equally well.

    python -m agents.r2am --task Words-v0 --steps 2_000_000
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

from agents.descent import adam, cosine, descend, warm_up
from agents.full_view import as_input
from agents.r2am_decoders import Plain, Speaker
from agents.r2am_encoders import Encoder, Kind
from agents.training import Log, Row, fresh_scenes, ignore, make_lanes, optimise
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv

Ints = npt.NDArray[np.int64]

_SILENT = -1  # in a text: it has ended


@dataclass(frozen=True)
class Config:
    """The recipe.

    Attributes:
        encoder: ``"recursive"`` (its first weight untied, as in the paper's best), ``"tied"`` or ``"recurrent"``.
        iterations: How often a stage applies its shared weight.
        decoder: ``"plain"``, ``"rnn"`` or ``"attention"``.
        channels: Of the stages; each after the first halves the height, the second the width too.
        features: Units of the hidden layer or of the LSTM.
        scenes: Scenes in an update.
        learning_rate: Of Adam; rises over the first 5 % of the updates, then falls to 0 along a cosine.
        precision: ``"bfloat16"`` runs products in half the bits, faster where the processor has them.
        clip: Largest norm of the gradient.
    """

    encoder: Kind = "recursive"
    iterations: int = 2
    decoder: Literal["plain", "rnn", "attention"] = "attention"
    channels: tuple[int, ...] = (16, 64, 96)
    features: int = 128
    scenes: int = 64
    learning_rate: float = 3e-3
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    clip: float = 2.0


class Reader(nn.Module):
    """Encoder and decoder for scenes of one size and texts of one alphabet.

    Attributes:
        grid: Rows and columns of the features.
    """

    def __init__(self, planes: int, height: int, width: int, symbols: int, length: int, config: Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(planes, config.channels, config.encoder, config.iterations)
        with torch.no_grad():
            _, channels, rows, columns = self.encoder(torch.zeros(2, planes, height, width)).shape
        self.grid = (rows, columns)
        sizes = (channels, self.grid, symbols, length, config.features)
        self.decoder = Plain(*sizes) if config.decoder == "plain" else Speaker(*sizes, config.decoder == "attention")
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


def beneath(decoder: nn.Module) -> Plain | None:
    """The plain decoder beneath a character RNN without attention, or None where there is none."""
    return decoder.plain if isinstance(decoder, Speaker) and not decoder.attends else None


def learners(reader: Reader) -> list[list[nn.Module]]:
    """What learns together; beneath a character RNN the plain reader is apart, as if it were alone.

    Were the gradients of both clipped to one norm, those of the RNN would hold the plain reader back.
    """
    plain = beneath(reader.decoder)
    if plain is None:
        return [[reader]]
    return [[reader.encoder, plain], [part for part in reader.decoder.children() if part is not plain]]


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
    optimizers = [adam(nn.ModuleList(learner), recipe.learning_rate) for learner in learners(reader)]
    size = recipe.scenes * env.task.budget
    updates = max(1, steps // size)

    def update(k: int) -> Row:
        fresh_scenes(env, seed, k)
        text = torch.from_numpy(env.targets())
        reader.train()
        with reader.autocast():
            features = reader.encoder(as_input(env.canvases()))
            logits, _ = reader.decoder(features, text)
            answers = [logits]
            if (plain := beneath(reader.decoder)) is not None:
                answers.append(plain(features, text)[0])
        losses = [F.cross_entropy(each.flatten(0, 1), text.flatten(), ignore_index=_SILENT) for each in answers]
        loss = sum(losses[1:], losses[0])
        reader.zero_grad()
        loss.backward()
        rate = recipe.learning_rate * warm_up(k + 1, updates, 0.05) * cosine(k, updates)
        norms = [descend(optimizer, rate, recipe.clip) for optimizer in optimizers]
        right = (logits.argmax(2) == text) | (text == _SILENT)
        return {"loss": losses[0].item(), "accuracy": float(right.all(1).float().mean()), "gradient_norm": norms[0]}

    parts = {"reader": reader, **dict(zip(("optimizer", "optimizer of the rnn"), optimizers, strict=False))}
    title = f"R2AM {recipe.encoder} {recipe.decoder} {task}"
    optimise(update, updates, size, title=title, path=folder / "r2am.pt", settings=settings, parts=parts, log=log)
    return R2amAgent(reader)


if __name__ == "__main__":
    from agents.command_line import train_and_score

    score = train_and_score(train, Config(), task="Words-v0", steps=2_000_000, folder="runs/r2am")
    right, error = 100 * score.accuracy, 100 * (score.symbol_error_rate or 0.0)
    print(f"{score.log.id}: {right:.2f} % of texts read right without a lexicon, symbol error rate {error:.2f} %")
