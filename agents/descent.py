"""A step of learning, and how large it is: what follows the loss in every training."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def adam(network: nn.Module, rate: float) -> torch.optim.Adam:
    """Adam that forgets the squares of gradients sooner than usual, as trainings here are short; one kernel a step."""
    return torch.optim.Adam(network.parameters(), rate, betas=(0.9, 0.99), fused=True)


def warm_up(k: int, updates: int, share: float = 0.02) -> float:
    """Factor on the learning rate of update k: rises from 0 to 1 over the first `share` of the updates."""
    return min(1.0, k / (share * updates))


def cosine(k: int, updates: int) -> float:
    """Factor on the learning rate of update k: falls from 1 to 0 (Loshchilov and Hutter 2017, 1608.03983, eq. 5)."""
    return 0.5 * (1 + math.cos(math.pi * k / updates))


def descend(optimizer: torch.optim.Optimizer, rate: float, clip: float) -> float:
    """Step down the gradients at hand with this learning rate, clipped to a norm of `clip`.

    Returns:
        Their norm before.
    """
    parameters: list[Tensor] = []
    for group in optimizer.param_groups:
        group["lr"] = rate
        parameters += group["params"]
    norm = nn.utils.clip_grad_norm_(parameters, clip)
    optimizer.step()
    return float(norm)


def pull_on(weight: Tensor | nn.Module, rows: slice = slice(None)) -> float:
    """Norm of the gradient of some rows of a weight; 0 where it has none."""
    gradient = weight.grad
    return float(gradient[rows].norm()) if isinstance(gradient, Tensor) else 0.0
