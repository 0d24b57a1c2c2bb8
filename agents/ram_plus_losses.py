"""What a batch of RAM+'s episodes teaches: the answer, where to look, what a look is worth and when to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from agents import wake_sleep
from agents.gains import gains_of

if TYPE_CHECKING:  # the recipe stands where it is used, before the loop
    from agents.ram_plus import Config


class Rollout(NamedTuple):
    """A batch of whole episodes, time first.

    Attributes:
        looks: Log-probability, up to a constant, of every look that was used: (budget - 1, lanes).
        guesses: The same by the inference network that chose them; with REINFORCE there is none, and these are `looks`.
        baselines: What was expected of each of them, with its zoom: (budget - 1, lanes).
        logits: Of the answer after every glimpse: (budget, lanes, symbols).
        stops: By how much stopping is believed to pay more than going on, after every glimpse but the last:
            (budget - 1, lanes).
        label: (lanes,).
    """

    looks: Tensor
    guesses: Tensor
    baselines: Tensor
    logits: Tensor
    stops: Tensor
    label: Tensor


def returns_of(played: Rollout, config: Config) -> Tensor:
    """What each look led to: (budget - 1, lanes), without gradient.

    With ``reward="likelihood"`` the log-probability of the label after the look, less that before it: a mean over all
    later answers, each weighing `fade` times the one before, the last one twice.
    """
    budget, lanes, _ = played.logits.shape
    if config.reward == "accuracy":
        return (played.logits[-1].argmax(1) == played.label).float().expand(budget - 1, lanes)
    return gains_of(chance_of(played), config.fade)[1:]


def chance_of(played: Rollout) -> Tensor:
    """Log-probability of the label after every glimpse: (budget, lanes), without gradient."""
    labels = played.label.expand(len(played.logits), -1)
    return played.logits.detach().log_softmax(2).gather(2, labels[..., None])[..., 0]


def loss_of(played: Rollout, config: Config, cost: float) -> Tensor:
    """Cross-entropy at every step, REINFORCE for the looks, errors of their worth and of the stop's."""
    budget, lanes, symbols = played.logits.shape
    labels = played.label.expand(budget, lanes)
    each = F.cross_entropy(played.logits.reshape(-1, symbols), labels.reshape(-1), reduction="none").view(budget, lanes)
    if config.estimator == "wake-sleep":
        likely, looks, guesses = chance_of(played)[-1], played.looks.sum(0), played.guesses.sum(0)
        of_looks, weight = wake_sleep.loss_of(likely, looks, guesses, config.copies, config.look_weight)
        each = each * weight
    stopped = (played.stops - worth_of_stopping(played, cost)).square().mean()
    loss = each[-1].mean() + config.early_labels * each[:-1].mean() + stopped
    if config.gaze != "learned":
        return loss
    gained = returns_of(played, config)
    loss = loss + (gained - played.baselines).square().mean()
    if config.estimator == "wake-sleep":
        return loss + of_looks
    if config.copies > 1:
        groups = gained.view(budget - 1, -1, config.copies)
        expected = ((groups.sum(2, keepdim=True) - groups) / (config.copies - 1)).reshape(budget - 1, lanes)
    else:
        expected = played.baselines.detach()
    surprise = gained - expected
    surprise = surprise - surprise.mean(1, keepdim=True)
    surprise = surprise / (surprise.std(1, keepdim=True) + 1e-3)
    return loss - config.look_weight * (surprise * played.looks).sum(0).mean()


def worth_of_stopping(played: Rollout, cost: float) -> Tensor:
    """By how much stopping after a glimpse pays more than going on: (budget - 1, lanes), without gradient.

    Stopping after glimpse k pays `right * (1 - cost * (k - 1))`; going on pays what stopping will, once it promises
    more.
    """
    right = (played.logits.detach().argmax(2) == played.label).float()
    pays = right * (1 - cost * torch.arange(len(right)))[:, None]
    worth, onward = torch.empty_like(played.stops), pays[-1]
    for k in reversed(range(len(worth))):
        worth[k] = pays[k] - onward
        onward = torch.where(played.stops[k] > 0, pays[k], onward)
    return worth.detach()
