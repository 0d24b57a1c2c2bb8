"""The networks of the captioning agents: annotations of a whole scene, and a decoder that attends to them.

Xu et al., *Show, Attend and Tell*, 2015 (arXiv 1502.03044). The equations are the paper's:

    annotations  a_1 ... a_L, from a convolutional network                                    section 3.1.1
    start        h, c from two networks of the mean annotation                                section 3.1.2
    attention    e_i = v tanh(W a_i + U h); where it looks is up to the agent                 (4), (5)
    gate         z = sigmoid(f(h)) * context                                                  section 4.2.1
    memory       h, c = LSTM([E y, z], h, c)                                                  (1) to (3)
    word         p(y) = softmax(O (E y + H h + Z z))                                          (7)

What differs: the network is small and trained with the rest, where theirs is a fixed VGG (`vgg` takes one, where
torchvision is installed); and annotations carry learned marks of their place, as so few layers do not tell where they
are: one for what attends, and one before the last convolutions, without which a mean of annotations does not tell what
lies where. There is no tanh before a word, as in (7), though their code has one: with it nouns are learned much later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from agents.lstm import lstm

Size = tuple[int, int]


@dataclass(frozen=True)
class Recipe:
    """What every captioner is trained with.

    Attributes:
        scenes: Scenes in an update, as many of each number of objects.
        copies: References of a scene that are learned from, drawn without replacement.
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

    scenes: int = 64
    copies: int = 2
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
    return (weights[:, None].to(annotations.dtype) @ annotations)[:, 0], weights


class Captioner(nn.Module):
    """Encoder and decoder.

    Args:
        canvas: Height and width of the scenes.
        channels: 1 for grey scenes, 3 for RGB.
        words: How many may be said; the last one is the end.
        recipe: The recipe.
        attends: Whether there is attention; else every word sees the mean of all annotations, after one more layer.
    """

    def __init__(self, canvas: Size, channels: int, words: int, recipe: Recipe, attends: bool = True) -> None:
        super().__init__()
        features, memory = recipe.features, recipe.memory
        self.recipe, self.attends, self.end, hidden = recipe, attends, words - 1, recipe.hidden
        if recipe.vgg is not None:
            width, seen = 512, 3
            self.look: nn.Module = vgg19(recipe.vgg)
            self.finish: nn.Module = nn.Conv2d(width, features, 1)
        else:
            width, seen = 64, channels
            self.look = nn.Sequential(
                nn.Conv2d(channels, 16, 4, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
                nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
                nn.Conv2d(32, width, 4, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            )  # fmt: skip
            self.finish = nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, features, 3, padding=1), nn.BatchNorm2d(features), nn.ReLU(),
            )  # fmt: skip
        with torch.no_grad():
            self.grid: Size = tuple(self.look.eval()(torch.zeros(1, seen, *canvas)).shape[2:])
        self.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.early_place = nn.Parameter(0.5 * torch.randn(width, *self.grid))
        self.place = nn.Parameter(0.1 * torch.randn(self.grid[0] * self.grid[1], features))
        self.start_output, self.start_memory = nn.Linear(features, memory), nn.Linear(features, memory)
        if attends:
            self.of_annotation, self.of_output = nn.Linear(features, hidden), nn.Linear(memory, hidden)
            self.score = nn.Linear(hidden, 1)
        else:
            self.whole = nn.Linear(features, features)
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
        maps = self.look(pixels.contiguous(memory_format=torch.channels_last))
        maps = self.finish(maps + self.early_place.to(maps.dtype))
        return maps.flatten(2).transpose(1, 2) + self.place.to(maps.dtype)

    def start(self, annotations: Tensor) -> State:
        """What is known before the first word."""
        mean = annotations.mean(1)
        return State(torch.tanh(self.start_output(mean)).float(), torch.tanh(self.start_memory(mean)).float())

    def keys(self, annotations: Tensor) -> Tensor:
        """What the attention compares with, or the one context where there is none; made once a scene."""
        if self.attends:
            return self.of_annotation(annotations)
        return torch.relu(self.whole(annotations)).mean(1)

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
            context, weights = keys, keys.new_zeros(annotations.shape[:2])
        context = torch.sigmoid(self.gate(state.output)) * context
        before = self.embedding(word)
        output, memory = lstm(self.core(torch.cat([before, context, state.output], 1)), state.memory)
        return before + self.show(output) + self.tell(context), weights, State(output, memory)

    def words(self, told: Tensor) -> Tensor:
        """Logits (..., words) of what `step` gave."""
        return self.say(told).float()


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
