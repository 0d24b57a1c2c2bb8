"""R2AM's recursive and recurrent convolutions, from whole scenes to a grid of features; see `agents.r2am`."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Kind = Literal["recursive", "tied", "recurrent"]

FOLD = 2  # pixels, down and across, that become channels
NOISE = 0.02  # standard deviation about the identity with which a shared weight begins


class Stage(nn.Module):
    """One recursive or recurrent convolution; size and place stay as they are.

    Before it has learned anything an iteration hands on what it is given, but for noise (as in Le, Jaitly, Hinton 2015,
    1504.00941): a deeper network then begins no worse than a shallow one.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        kind: See `agents.r2am`.
        iterations: How often the shared weight is applied.
    """

    def __init__(self, inputs: int, outputs: int, kind: Kind, iterations: int) -> None:
        super().__init__()
        self.kind, self.missing = kind, outputs - inputs
        applied = iterations
        if kind != "tied":
            self.first, applied = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), applied + 1
        self.again = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        nn.init.normal_(self.again.weight, std=NOISE)
        with torch.no_grad():
            self.again.weight[..., 1, 1] += torch.eye(outputs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in range(applied))

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
    """Stages one after another, on ever fewer cells.

    Args:
        planes: Colours of a scene.
        channels: Of each stage.
        kind: Of all stages.
        iterations: Of all stages.
    """

    def __init__(self, planes: int, channels: tuple[int, ...], kind: Kind, iterations: int) -> None:
        super().__init__()
        widths = (FOLD**2 * planes, *channels)
        self.stages = nn.ModuleList(Stage(*pair, kind, iterations) for pair in pairwise(widths))

    def forward(self, scenes: Tensor) -> Tensor:
        """(lanes, planes, height, width), in [0, 1] -> (lanes, channels, rows, columns)."""
        height, width = scenes.shape[2:]
        h = F.pixel_unshuffle(F.pad(scenes, (0, -width % FOLD, 0, -height % FOLD)), FOLD)
        h = h.contiguous(memory_format=torch.channels_last)
        for k, stage in enumerate(self.stages):
            if k:  # columns are halved but once: they tell the letters apart
                h = F.max_pool2d(h, (2, 2) if k == 1 else (2, 1))
            h = stage(h)
        return h
