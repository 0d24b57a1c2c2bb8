"""How captioners are trained: sentences said under a teacher, on fresh scenes, a few references of each.

What differs from Xu et al. 2015: Adam with a cosine; scenes of few objects come first; and a scene is annotated once
for several of its references, as reading it costs as much as telling it. The networks are in `agents.captioner`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agents.captioner import Attend, Captioner, Recipe
from agents.descent import adam, cosine, descend, warm_up
from agents.training import Log, Row, fresh_scenes, make_lanes, optimise


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


def learn(
    task: str,
    name: str,
    loss_of: Callable[[Captioner, Tensor, Tensor, float], tuple[Tensor, Row]],
    *,
    recipe: Recipe,
    attends: bool = True,
    seed: int,
    steps: int,
    folder: Path,
    log: Log,
    overrides: dict[str, Any],
) -> Captioner:
    """Train a captioner on fresh scenes of the training split and random references of each.

    Scenes of one number of objects are told together, so that no short sentence waits for a long one.

    Args:
        task: The environment's id.
        name: Of the checkpoint.
        loss_of: From captioner, annotations, sentences (see `teach`) and the share of updates that have passed to the
            loss and what to log.
        recipe: The recipe.
        attends: See `Captioner`.
        seed: Of the weights, the scenes and the references.
        steps: Environment steps in all; each reference learned from counts the words of the longest sentence.
        folder: Where the checkpoint lives; called again, training goes on from it, to the same bits.
        log: Gets a row of the learning curve about a hundred times.
        overrides: Keywords of the task that differ from the id's.
    """
    settings = {"task": task, "seed": seed, "steps": steps, "overrides": overrides, **asdict(recipe), "name": name}
    env = make_lanes(task, 1, **overrides)
    size = recipe.scenes * recipe.copies * env.references().shape[2]
    fewest, most = env.task.count
    stages = [
        [make_lanes(task, max(1, recipe.scenes // (top - fewest + 1)), **{**overrides, "count": (n, n)})
         for n in range(fewest, top + 1)]
        for top in (max(fewest, min(1, most)), max(fewest, min(2, most)), most)
    ]  # fmt: skip
    updates = max(1, steps // size)
    torch.manual_seed(seed)
    channels = env.canvases().shape[3] if env.canvases().ndim == 4 else 1
    captioner = Captioner(env.canvas_size, channels, len(env.symbols), recipe, attends)
    optimizer = adam(captioner, recipe.learning_rate)

    def update(k: int) -> Row:
        lanes = stages[sum(k >= share * updates for share in recipe.growth)]
        for number, some in enumerate(lanes):
            fresh_scenes(some, seed, len(lanes) * k + number)
        canvases = np.concatenate([some.canvases() for some in lanes])
        rows, loss = [], torch.zeros(())
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            # All of them at once, as the batch norms see whatever there is at evaluation too.
            parts = captioner.annotate(canvases).chunk(len(lanes))
            for some, annotations in zip(lanes, parts, strict=True):
                references = torch.from_numpy(some.references())
                chosen = torch.rand(references.shape[:2]).argsort(1)[:, : recipe.copies]
                sentences = references[torch.arange(len(references))[:, None], chosen].flatten(0, 1)
                notes = annotations.repeat_interleave(chosen.shape[1], 0)
                part, row = loss_of(captioner, notes, sentences, k / updates)
                loss = loss + part / len(lanes)
                rows.append(row)
        optimizer.zero_grad()
        loss.backward()
        norm = descend(optimizer, recipe.learning_rate * warm_up(k, updates) * cosine(k, updates), recipe.clip)
        means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
        return {"loss": loss.item(), "gradient_norm": norm, **means}

    parts: dict[str, Any] = {"captioner": captioner, "optimizer": optimizer}
    if hasattr(loss_of, "state_dict"):
        parts["loss"] = loss_of
    path = folder / f"{name}.pt"
    optimise(update, updates, size, title=f"{name} {task}", path=path, settings=settings, parts=parts, log=log)
    return captioner


def nats_a_word(told: Told) -> float:
    """Mean cost of a word."""
    return float(told.costs.detach().sum() / told.there.sum())
