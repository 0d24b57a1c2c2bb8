"""R2AM's decoders, from a grid of features to a text: plain, by a character RNN, with attention; see `agents.r2am`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.lstm import lstm

WAVES, TURN = 12, 0.75 * math.pi  # of the code of a place; no two columns are a whole turn apart
HEARD = 32  # numbers that stand for the last symbol


class Plain(nn.Module):
    """A classifier for every place of the text.

    Args:
        channels: Of the features.
        grid: Rows and columns of the features.
        symbols: How many there are.
        length: Most symbols in a text.
        features: Units of the hidden layer.
    """

    def __init__(self, channels: int, grid: tuple[int, int], symbols: int, length: int, features: int) -> None:
        super().__init__()
        self.length, self.symbols = length, symbols
        self.summary = nn.Sequential(nn.Flatten(), nn.Linear(channels * math.prod(grid), features), nn.ReLU())
        self.answer = nn.Linear(features, length * symbols)

    def forward(self, features: Tensor, text: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """See `Speaker`; the text is not heard, and there are no maps."""
        return self.classify(self.summary(features)), None

    def classify(self, summary: Tensor) -> Tensor:
        """Logits (lanes, length, symbols) from the hidden layer (lanes, features)."""
        return self.answer(summary).float().view(-1, self.length, self.symbols)


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
    """A character RNN, with attention or without.

    Without, it sees the hidden layer of a plain decoder and adds to its answers. Nothing of what it learns reaches that
    decoder or the features: `plain` must be trained beside it.

    Args:
        channels: Of the features.
        grid: Rows and columns of the features.
        symbols: How many there are.
        length: Most symbols in a text.
        features: Units of the LSTM and, without attention, of the plain decoder that it corrects.
        attends: Whether it has attention.
    """

    place: Tensor

    def __init__(
        self, channels: int, grid: tuple[int, int], symbols: int, length: int, features: int, attends: bool
    ) -> None:
        super().__init__()
        self.attends, self.length = attends, length
        self.heard = nn.Embedding(symbols + 1, HEARD)
        if attends:
            self.register_buffer("place", places(*grid), persistent=False)
            seen = channels + self.place.shape[1]
            self.query = nn.Linear(features + seen, seen)
            with torch.no_grad():  # before it has learned anything it reads from left to right, a step a symbol
                self.query.weight[channels:, features + channels :] = step_right(2 / length)
        else:
            seen = features
            self.plain = Plain(channels, grid, symbols, length, features)
        self.core = nn.Linear(seen + HEARD + features, 4 * features)
        self.answer = nn.Linear(features + seen, symbols)
        if not attends:  # before it has learned anything it says what the plain one does
            nn.init.zeros_(self.answer.weight)
            nn.init.zeros_(self.answer.bias)

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
        said = torch.tensor(self.heard.num_embeddings - 1).expand(lanes)  # nothing yet
        logits, maps = [], []
        if self.attends:
            places = self.place.to(features.dtype).expand(lanes, -1, -1)
            values = torch.cat([features.flatten(2).transpose(1, 2), places], 2)
            seen = F.pad(values[:, 0, -places.shape[2] :], (values.shape[2] - places.shape[2], 0))  # the left border
        else:
            with torch.no_grad():
                seen = self.plain.summary(features)
                before = self.plain.classify(seen)
        for k in range(self.length):
            if self.attends:
                query = self.query(torch.cat([output, seen], 1))[:, :, None].to(values.dtype)
                maps.append(torch.softmax((values @ query)[:, :, 0].float(), 1))
                seen = (maps[-1][:, None].to(values.dtype) @ values)[:, 0]
            output, memory = lstm(self.core(torch.cat([seen, self.heard(said), output], 1)), memory)
            say = self.answer(torch.cat([output, seen], 1)).float()
            logits.append(say if self.attends else before[:, k] + say)
            said = logits[-1].argmax(1) if text is None else text[:, k].clamp(min=0)
        return torch.stack(logits, 1), torch.stack(maps, 1) if maps else None
