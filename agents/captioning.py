"""What the captioning agents share: annotations of a whole scene, a decoder that attends to them, and beam search.

Xu et al., *Show, Attend and Tell*, 2015 (arXiv 1502.03044). The equations are the paper's:

    annotations  a_1 ... a_L, from a convolutional network                                    section 3.1.1
    start        h, c from two networks of the mean annotation                                section 3.1.2
    attention    e_i = v tanh(W a_i + U h); where it looks is up to the agent                 (4), (5)
    gate         z = sigmoid(f(h)) * context                                                  section 4.2.1
    memory       h, c = LSTM([E y, z], h, c)                                                  (1) to (3)
    word         p(y) = softmax(O tanh(E y + H h + Z z))                                      (7), tanh as in their code

What differs: the network is small and trained with the rest, where theirs is a fixed VGG (`vgg` takes one, where
torchvision is installed); annotations carry a learned mark of their place, as so few layers do not tell where they are;
Adam with a cosine; and scenes of few objects come first. As the agents see the whole scene with `peek`, they stand
among the references; their gaze is where they attended, so that an action log shows it word by word.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.lstm import lstm
from agents.training import Log, Row, fresh_scenes, make_lanes, optimise
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv

Size = tuple[int, int]


@dataclass(frozen=True)
class Recipe:
    """What every captioner is trained with.

    Attributes:
        scenes: Scenes in an update, each with one of its references.
        learning_rate: Of Adam; rises over the first 2 % of the updates, then falls to 0 along a cosine.
        features: Length of an annotation, the paper's D.
        memory: Units of the LSTM.
        hidden: Units of the attention, of a word's embedding and of the layer before a word is said.
        growth: Up to which share of the updates scenes have no more than 1, and no more than 2 objects.
        beam: Sentences kept in mind when one is looked for.
        precision: ``"bfloat16"`` runs products in half the bits, faster where the processor has them.
        clip: Largest norm of the gradient.
        vgg: A file of torchvision's VGG-19 weights, for its fixed conv5 features; None for the small network.
    """

    scenes: int = 32
    learning_rate: float = 2e-3
    features: int = 96
    memory: int = 128
    hidden: int = 48
    growth: tuple[float, float] = (0.25, 0.4)
    beam: int = 3
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    clip: float = 5.0
    vgg: str | None = None


class State(NamedTuple):
    """Output and memory of the LSTM, each float32, (lanes, memory)."""

    output: Tensor
    memory: Tensor


#: From scores (lanes, L) and annotations (lanes, L, D) to a context (lanes, D) and the weights (lanes, L) behind it.
Attend = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def expectation(scores: Tensor, annotations: Tensor) -> tuple[Tensor, Tensor]:
    """Soft attention: the mean annotation under the weights, equation (13)."""
    weights = torch.softmax(scores.float(), 1)
    return (weights[:, :, None].to(annotations.dtype) * annotations).sum(1), weights


class Captioner(nn.Module):
    """Encoder and decoder.

    Args:
        canvas: Height and width of the scenes.
        channels: 1 for grey scenes, 3 for RGB.
        words: How many may be said; the last one is the end.
        recipe: The recipe.
        attends: Whether there is attention; else every word sees one vector, made of all annotations at once.
    """

    def __init__(self, canvas: Size, channels: int, words: int, recipe: Recipe, attends: bool = True) -> None:
        super().__init__()
        features, memory = recipe.features, recipe.memory
        self.recipe, self.attends, self.end, hidden = recipe, attends, words - 1, recipe.hidden
        if recipe.vgg is not None:
            self.look: nn.Module = nn.Sequential(vgg19(recipe.vgg), nn.Conv2d(512, features, 1))
        else:
            self.look = nn.Sequential(
                nn.Conv2d(channels, 16, 6, stride=3, padding=2), nn.BatchNorm2d(16), nn.ReLU(),
                nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
                nn.Conv2d(32, 64, 4, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
                nn.Conv2d(64, features, 3, padding=1), nn.BatchNorm2d(features), nn.ReLU(),
            )  # fmt: skip
        with torch.no_grad():
            seen = 3 if recipe.vgg is not None else channels
            self.grid: Size = tuple(self.look.eval()(torch.zeros(1, seen, *canvas)).shape[2:])
        self.train()
        self.place = nn.Parameter(0.1 * torch.randn(self.grid[0] * self.grid[1], features))
        self.start_output, self.start_memory = nn.Linear(features, memory), nn.Linear(features, memory)
        if attends:
            self.of_annotation, self.of_output = nn.Linear(features, hidden), nn.Linear(memory, hidden)
            self.score = nn.Linear(hidden, 1)
        else:
            self.squeeze, self.whole = nn.Linear(features, 4), nn.Linear(4 * len(self.place), features)
        self.gate = nn.Linear(memory, 1)
        self.embedding = nn.Embedding(words + 1, hidden)  # the last row begins a sentence
        self.core = nn.Linear(hidden + features + memory, 4 * memory)
        self.show, self.tell = nn.Linear(memory, hidden), nn.Linear(features, hidden)
        self.say = nn.Linear(hidden, words)

    def annotate(self, canvases: npt.NDArray[np.uint8]) -> Tensor:
        """Annotations of whole scenes, (lanes, L, D), from uint8 (lanes, height, width[, 3])."""
        planes = canvases[:, None] if canvases.ndim == 3 else canvases.transpose(0, 3, 1, 2)
        pixels = torch.from_numpy(np.ascontiguousarray(planes)).float() / 255
        if self.recipe.vgg is not None and pixels.shape[1] == 1:
            pixels = pixels.expand(-1, 3, -1, -1)
        maps = self.look(pixels)
        return maps.flatten(2).transpose(1, 2) + self.place.to(maps.dtype)

    def start(self, annotations: Tensor) -> State:
        """What is known before the first word."""
        mean = annotations.mean(1)
        return State(torch.tanh(self.start_output(mean)).float(), torch.tanh(self.start_memory(mean)).float())

    def keys(self, annotations: Tensor) -> Tensor:
        """What the attention compares with, or the one context where there is none; made once a scene."""
        if self.attends:
            return self.of_annotation(annotations)
        return torch.relu(self.whole(torch.relu(self.squeeze(annotations)).flatten(1)))

    def step(
        self, word: Tensor, annotations: Tensor, keys: Tensor, state: State, attend: Attend
    ) -> tuple[Tensor, Tensor, State]:
        """Look once, for one word.

        Args:
            word: int64, (lanes,), the one before; the number of words for none.
            annotations: (lanes, L, D).
            keys: See `keys`.
            state: The state before.
            attend: Where to look.

        Returns:
            What `say` makes the next word of (lanes, hidden), weights (lanes, L) and the state after.
        """
        if self.attends:
            scores = self.score(torch.tanh(keys + self.of_output(state.output)[:, None]))[:, :, 0]
            context, weights = attend(scores, annotations)
        else:
            context, weights = keys, keys.new_zeros(len(keys), len(self.place))
        context = torch.sigmoid(self.gate(state.output)) * context
        before = self.embedding(word)
        output, memory = lstm(self.core(torch.cat([before, context, state.output], 1)), state.memory)
        return before + self.show(output) + self.tell(context), weights, State(output, memory)

    def words(self, told: Tensor) -> Tensor:
        """Logits (..., words) of what `step` gave."""
        return self.say(torch.tanh(told)).float()


def vgg19(weights: str) -> nn.Module:
    """The fixed layers of torchvision's VGG-19 up to its last convolution: 512 features.

    Raises:
        ImportError: If torchvision is not installed.
    """
    try:
        from torchvision.models import vgg19 as build
    except ImportError as error:
        raise ImportError(
            f"vgg={weights!r} needs torchvision: pip install torchvision, or leave vgg=None for the small network"
        ) from error
    network = build()
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.features[:36].eval().requires_grad_(False)


class Told(NamedTuple):
    """Sentences that were said under a teacher, time first.

    Attributes:
        costs: Minus the log-likelihood of each word, 0 past the end: (length, lanes).
        weights: Of the attention: (length, lanes, L).
        there: Whether there is a word: bool, (length, lanes).
    """

    costs: Tensor
    weights: Tensor
    there: Tensor


def teach(captioner: Captioner, annotations: Tensor, sentences: Tensor, attend: Attend) -> Told:
    """Say these sentences, int64 (lanes, length), -1 past the end, each word given those before it."""
    keys, state = captioner.keys(annotations), captioner.start(annotations)
    word = torch.full_like(sentences[:, 0], captioner.end + 1)
    told, weights = [], []
    for k in range(sentences.shape[1]):
        one, weight, state = captioner.step(word, annotations, keys, state, attend)
        told.append(one)
        weights.append(weight)
        word = sentences[:, k].clamp(min=0)
    targets = sentences.T
    logits = captioner.words(torch.stack(told)).flatten(0, 1)
    costs = F.cross_entropy(logits, targets.flatten(), ignore_index=-1, reduction="none")
    return Told(costs.view(targets.shape), torch.stack(weights), targets >= 0)


@torch.no_grad()
def beam_search(
    captioner: Captioner, canvases: npt.NDArray[np.uint8], length: int, width: int, attend: Attend
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The likeliest sentence about each scene that a beam of this width finds.

    Args:
        captioner: Who speaks.
        canvases: uint8, whole scenes.
        length: Most words, the end included.
        width: Sentences kept at every word; 1 takes the likeliest word each time.
        attend: Where to look.

    Returns:
        Words, and the annotation that weighed most at each: int64, (scenes, length); past the end the end is repeated.
    """
    lanes, end = len(canvases), captioner.end
    annotations = captioner.annotate(canvases)
    keys, state = captioner.keys(annotations), captioner.start(annotations)
    row = torch.arange(lanes)[:, None]
    annotations, keys = (part.repeat_interleave(width, 0) for part in (annotations, keys))
    state = State(*(part.repeat_interleave(width, 0) for part in state))
    chance = torch.full((lanes, width), -torch.inf)
    chance[:, 0] = 0  # at first all are the same sentence
    words, places = (torch.zeros(lanes, width, length, dtype=torch.int64) for _ in range(2))
    word = torch.full((lanes * width,), end + 1)
    for k in range(length):
        told, weights, state = captioner.step(word, annotations, keys, state, attend)
        likely = torch.log_softmax(captioner.words(told), 1).view(lanes, width, -1)
        if k:
            ended = words[:, :, k - 1] == end
            likely[ended] = -torch.inf
            likely[..., end] = torch.where(ended, 0.0, likely[..., end])
        chance, best = (chance[:, :, None] + likely).flatten(1).topk(width, 1)
        origin, said = best // likely.shape[2], best % likely.shape[2]
        words, places = words[row, origin], places[row, origin]
        words[:, :, k], places[:, :, k] = said, weights.argmax(1).view(lanes, width)[row, origin]
        state = State(*(part.view(lanes, width, -1)[row, origin].flatten(0, 1) for part in state))
        word = said.flatten()
    return words[:, 0].numpy(), places[:, 0].numpy()


def gazes_of(places: npt.NDArray[np.int64], grid: Size, canvas: Size) -> npt.NDArray[np.float32]:
    """The middles of annotations as gazes: from (...) to (..., 2)."""
    cells = np.stack([places // grid[1], places % grid[1]], axis=-1)
    sides = np.array(canvas)
    return (2 * ((cells + 0.5) * sides / grid - 0.5) / (sides - 1) - 1).astype(np.float32)


class CaptionAgent:
    """A trained captioner, which sees whole scenes through `peek`, and looks where it attends."""

    action_mode = "hybrid"

    def __init__(self, captioner: Captioner, attend: Attend) -> None:
        self.captioner, self.attend = captioner.eval(), attend

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.step = 0

    def peek(self, env: GlimpseVectorEnv) -> None:
        """Think of a sentence about every hidden scene."""
        self.parts = list(env.single_action_space.spaces)  # type: ignore[attr-defined]
        length, scenes = env.references().shape[2], env.canvases()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.captioner.recipe.precision == "bfloat16"):
            told = [
                beam_search(self.captioner, scenes[k : k + 250], length, self.captioner.recipe.beam, self.attend)
                for k in range(0, len(scenes), 250)
            ]
        self.words, places = (np.concatenate(part) for part in zip(*told, strict=True))
        self.gazes = gazes_of(places, self.captioner.grid, env.canvas_size)

    def act(self, observation: Observation) -> dict[str, npt.NDArray[Any]]:
        """Say the next word, and look where the one after it is seen."""
        last, lanes = self.words.shape[1] - 1, len(self.words)
        now, then = min(self.step, last), min(self.step + 1, last)
        action: dict[str, npt.NDArray[Any]] = {
            "gaze": self.gazes[:, then],
            "zoom": np.zeros(lanes, np.int64),
            "speak": np.ones(lanes, np.int64),
            "symbol": self.words[:, now],
        }
        self.step += 1
        return {name: action[name] for name in self.parts}


def learn(
    task: str,
    name: str,
    loss_of: Callable[[Captioner, Tensor, Tensor], tuple[Tensor, Row]],
    *,
    recipe: Recipe,
    attends: bool = True,
    seed: int,
    steps: int,
    folder: Path,
    log: Log,
    overrides: dict[str, Any],
) -> Captioner:
    """Train a captioner on fresh scenes of the training split and one random reference of each.

    The scenes of an update have as many objects as one another, so that no short sentence waits for a long one.

    Args:
        task: The environment's id.
        name: Of the checkpoint.
        loss_of: From captioner, annotations and sentences (see `teach`) to the loss and what to log.
        recipe: The recipe.
        attends: See `Captioner`.
        seed: Of the weights, the scenes and the references.
        steps: Environment steps in all; a scene counts the words of the longest sentence.
        folder: Where the checkpoint lives; called again, training goes on from it, to the same bits.
        log: Gets a row of the learning curve about a hundred times.
        overrides: Keywords of the task that differ from the id's.
    """
    settings = {"task": task, "seed": seed, "steps": steps, "overrides": overrides, **asdict(recipe), "name": name}
    env = make_lanes(task, recipe.scenes, **overrides)
    size = recipe.scenes * env.references().shape[2]
    fewest, most = env.task.count
    lanes = [make_lanes(task, recipe.scenes, **{**overrides, "count": (n, n)}) for n in range(fewest, most + 1)]
    updates = max(1, steps // size)
    torch.manual_seed(seed)
    channels = env.canvases().shape[3] if env.canvases().ndim == 4 else 1
    captioner = Captioner(env.canvas_size, channels, len(env.symbols), recipe, attends)
    optimizer = torch.optim.Adam(captioner.parameters(), recipe.learning_rate, betas=(0.9, 0.99), fused=True)

    def update(k: int) -> Row:
        for group in optimizer.param_groups:
            warm = min(1.0, (k + 1) / (0.02 * updates))
            group["lr"] = recipe.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * k / updates))
        grown = sum(k >= share * updates for share in recipe.growth)
        some = lanes[int(torch.randint((1, 2, len(lanes))[grown], ())) % len(lanes)]
        fresh_scenes(some, seed, k)
        references = torch.from_numpy(some.references())
        chosen = torch.randint(references.shape[1], (len(references),))
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            annotations = captioner.annotate(some.canvases())
            loss, row = loss_of(captioner, annotations, references[torch.arange(len(references)), chosen])
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(captioner.parameters(), recipe.clip)
        optimizer.step()
        return {"loss": loss.item(), "gradient_norm": float(norm), **row}

    parts: dict[str, Any] = {"captioner": captioner, "optimizer": optimizer}
    if hasattr(loss_of, "state_dict"):
        parts["loss"] = loss_of
    path = folder / f"{name}.pt"
    optimise(update, updates, size, title=f"{name} {task}", path=path, settings=settings, parts=parts, log=log)
    return captioner


def nats_a_word(told: Told) -> float:
    """Mean cost of a word."""
    return float(told.costs.detach().sum() / told.there.sum())
