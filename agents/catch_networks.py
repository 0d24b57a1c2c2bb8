"""The networks that play Catch: the glimpse, the core and what is read from it; see `agents.catch`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.lstm import lstm
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv

if TYPE_CHECKING:  # the recipe stands where it is used, before the loop
    from agents.catch import Config

MOVES = 3


class State(NamedTuple):
    """What the policy carries from step to step.

    Attributes:
        output: Of the LSTM: float32, (lanes, features).
        memory: Of the LSTM: float32, (lanes, features).
        moved: The latest move, one-hot; zeros before the first: float32, (lanes, 3).
    """

    output: Tensor
    memory: Tensor
    moved: Tensor


class Policy(nn.Module):
    """The networks for the spaces of one environment."""

    def __init__(self, env: GlimpseVectorEnv, config: Config) -> None:
        super().__init__()
        pixels = math.prod(env.single_observation_space["glimpse"].shape)  # type: ignore[index]
        self.config, self.rows, features = config, env.canvas_size[0] - 1, config.features
        gain = torch.tensor(env.task.scales).float().square()
        self.gain = nn.Buffer(gain[:, None, None])
        self.what = nn.Linear(pixels, features // 2)
        self.where = nn.Linear(4 + MOVES, features // 2)
        self.glimpse = nn.Linear(features, features)  # of both, so that it is the paper's sum
        self.core = nn.Linear(2 * features, 4 * features)
        self.decide = nn.Linear(features, MOVES + 2 + 1)  # moves, gaze, baseline
        nn.init.zeros_(self.decide.weight)  # begin with even chances, in the middle, expecting nothing
        nn.init.zeros_(self.decide.bias)

    def start(self, lanes: int) -> State:
        """Before the first glimpse."""
        nothing = torch.zeros(lanes, self.config.features)
        return State(nothing, nothing, torch.zeros(lanes, MOVES))

    def forward(self, seen: Observation, state: State, budget: int) -> tuple[Tensor, Tensor]:
        """Take in one glimpse of `budget`: the LSTM's next output and memory."""
        what = F.relu(self.what((torch.from_numpy(seen["glimpse"]) * self.gain).flatten(1)))
        left = torch.from_numpy(seen["budget"]) * (budget / self.rows)
        told = torch.cat([torch.from_numpy(seen["gaze"]), left, state.moved], 1)
        glimpse = F.relu(self.glimpse(torch.cat([what, F.relu(self.where(told))], 1)))
        return lstm(self.core(torch.cat([glimpse, state.output.to(glimpse.dtype)], 1)), state.memory)

    def decisions(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """From LSTM outputs (..., features): logits of the moves, mean gaze and baseline, each float32."""
        moves, gaze, baseline = self.decide(outputs).float().split([MOVES, 2, 1], -1)
        return moves, gaze, baseline[..., 0]
