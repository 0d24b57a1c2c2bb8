"""Networks that several agents are made of."""

from __future__ import annotations

from torch import nn


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """One hidden layer of ReLU."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def conv_glimpse(planes: int, side: int, features: int) -> nn.Sequential:
    """What was seen, by two convolutions: float32, (lanes, planes, side, side) -> (lanes, features), before a ReLU."""
    return nn.Sequential(
        nn.Conv2d(planes, 32, 4, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(64 * (side // 2) ** 2, features), nn.LayerNorm(features),
    )  # fmt: skip


def kaiming(layers: nn.Sequential) -> None:
    """Draw weights as He et al. 2015 do: most pixels are dark, and with smaller ones learning hardly begins."""
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
