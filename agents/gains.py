"""What looks led to: the reward of gazes that learn from how much likelier the right answer became."""

from __future__ import annotations

import torch
from torch import Tensor


def gains_of(chance: Tensor, fade: float) -> Tensor:
    """How much likelier the glimpses of an answer made it: a mean over all answers from that glimpse on, less before.

    Args:
        chance: Log-probability of the right answer after every glimpse, (..., looks, lanes), without gradient.
        fade: How much less every later answer counts than the one before; the last counts twice.

    Returns:
        As `chance`; before the first glimpse it was 0.
    """
    gained = torch.empty_like(chance)
    total, weight = chance[..., -1, :], 1.0
    for k in reversed(range(chance.shape[-2])):
        total, weight = chance[..., k, :] + fade * total, 1 + fade * weight
        gained[..., k, :] = total / weight - (chance[..., k - 1, :] if k else 0)
    return gained
