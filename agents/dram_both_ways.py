"""Two readers of a text, one from the left and one from the right, and the text that both find likeliest together.

The forward-backward readers of *Multiple Object Recognition with Visual Attention* (Ba, Mnih and Kavukcuoglu 2015,
arXiv 1412.7755, section 4.2.1): two models of `agents.dram`, trained apart, each on its own order of the symbols. For
every number of symbols the likeliest text is the likeliest symbol at each place, by the sum of both log-probabilities;
among the numbers the best mean over symbols wins, so that short texts are not preferred.

In an episode half of the budget is the backward reader's, who says nothing; the forward one takes the other half, and
the text is spoken when there is nothing left to see. So the task needs twice the budget of one reader.

    python -m benchmarks run --suite sequences --agents dram_both_ways
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from agents import dram
from agents.dram_networks import Policy, coarse_of
from agents.training import Log, Row, ignore, make_lanes
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv


def fuse(forward: Tensor, backward: Tensor, end: int) -> npt.NDArray[np.int64]:
    """The text that two readers find likeliest together, by the mean over its symbols.

    Args:
        forward: Log-probabilities of the symbols from the left, (length, lanes, symbols).
        backward: The same from the right.
        end: The symbol that closes a text, or -1 where every text has the whole length.

    Returns:
        int64, (length, lanes); after the closing symbol its repetitions.
    """
    length, lanes, symbols = forward.shape
    names = torch.tensor([symbol for symbol in range(symbols) if symbol != end])
    best, texts = torch.full((lanes,), -torch.inf), torch.full((length, lanes), end)
    for count in range(1, length) if end >= 0 else (length,):
        both = forward[:count] + backward[:count].flip(0)
        likely, which = both[..., names].max(2)
        total = likely.sum(0)
        if end >= 0:
            total = (total + forward[count, :, end] + backward[count, :, end]) / (count + 1)
        better = total > best
        text = torch.full((length, lanes), end)
        text[:count] = names[which]
        best, texts = torch.where(better, total, best), torch.where(better, text, texts)
    return texts.numpy()


class BothWays:
    """The two readers, one path for each scene."""

    action_mode = "hybrid"

    def __init__(self, forward: Policy, backward: Policy, env: GlimpseVectorEnv, context: bool) -> None:
        self.readers = (backward.eval(), forward.eval())
        self.length, self.end = dram.length_of(env), dram.end_of(env)
        self.looks = env.task.budget // (2 * self.length)
        self.parts = list(env.single_action_space.spaces)  # type: ignore[attr-defined]
        if context:
            self.peek = self._peek  # what has `peek` stands among the references

    def reset(self, lanes: int) -> None:
        """Forget the past."""
        self.states = [reader.start(lanes) for reader in self.readers]
        self.read: list[list[Tensor]] = [[], []]
        self.step, self.chance = 0, np.random.default_rng(0)

    @torch.no_grad()
    def _peek(self, env: GlimpseVectorEnv) -> None:
        """See the scenes coarsely."""
        coarse = coarse_of(env)
        self.states = [reader.start(env.num_envs, coarse) for reader in self.readers]

    @torch.no_grad()
    def act(self, seen: Observation) -> dict[str, npt.NDArray[Any]]:
        """The next look, or once all are taken the next symbol."""
        lanes, each = len(seen["gaze"]), self.looks * self.length
        who, k = divmod(self.step, each)
        gaze = self.chance.uniform(-1, 1, (lanes, 2)).astype(np.float32)  # where the second reader begins
        zoom = symbol = np.zeros(lanes, np.int64)
        if who < 2:
            reader = self.readers[who]
            left = np.full((lanes, 1), 1 - (k + 1) / each, np.float32)
            self.states[who] = reader({**seen, "budget": left}, self.states[who])
            state = self.states[who]
            if (k + 1) % self.looks == 0:
                self.read[who].append(reader.answer(state.lower[0]).log_softmax(1))
            if k + 1 < each:
                gaze = reader.mean_gaze(state.upper[0]).numpy()
                zoom = reader.zoom(state.upper[0]).argmax(1).numpy()
        said = self.step + 1 - 2 * each
        if said == 0:
            backward, forward = (torch.stack(logs) for logs in self.read)
            self.texts = fuse(forward, backward, self.end)
        if said >= 0:
            symbol = self.texts[said]
        self.step += 1
        action: dict[str, npt.NDArray[Any]] = {
            "gaze": gaze, "zoom": zoom, "speak": np.full(lanes, int(said >= 0)), "symbol": symbol,
        }  # fmt: skip
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
) -> BothWays:
    """Train both readers, one after the other, each for half of the steps and on half of the budget.

    Args:
        task: The environment's id; one where a text is read.
        seed: Of the weights, the scenes and the exploration.
        steps: Environment steps in all.
        folder: Where the checkpoints live, ``forward`` and ``backward``.
        log: Gets a row of the learning curve about two hundred times.
        overrides: Keywords of the task that differ from the id's.
        **config: See `agents.dram.Config`.

    Raises:
        DataError: If stand-in images would be trained on under an MNIST id.
        ValueError: If the budget is too small, or a folder holds a checkpoint made with other settings.
    """
    keywords = dict(overrides or {})
    env = make_lanes(task, 1, **keywords)
    length, budget = dram.length_of(env), env.task.budget
    if budget < 2 * length:
        raise ValueError(
            f"budget={budget} must be at least {2 * length}: a glimpse a symbol for each of the two readers"
        )
    keywords["budget"] = budget // (2 * length) * length
    policies = []
    for reader, before in (("forward", 0), ("backward", steps // 2)):

        def log_on(row: Row, before: int = before) -> None:
            log({**row, "steps": row["steps"] + before})

        own: dict[str, Any] = {**config, "from_right": reader == "backward", "overrides": keywords, "log": log_on}
        agent = dram.train(task, seed=seed, steps=steps // 2, folder=folder / reader, **own)
        policies.append(agent.policy)
    return BothWays(policies[0], policies[1], env, dram.Config(**config).context)
