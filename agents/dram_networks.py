"""DRAM's networks: the glimpse, two stacked LSTMs and the context that the upper one starts from; see `agents.dram`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.layers import conv_glimpse, kaiming, mlp
from agents.lstm import lstm
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv

COARSE = 24  # height and width of the context
SHARPNESS = 3.0  # of the softmax that finds the peak of a map, whose values have mean 0 and variance 1


class State(NamedTuple):
    """What an agent remembers: output and memory of an LSTM, each (lanes, units).

    Attributes:
        lower: Of what it saw; feeds the answer.
        upper: Of where to look; feeds the gaze.
    """

    lower: tuple[Tensor, Tensor]
    upper: tuple[Tensor, Tensor]


class Context(nn.Module):
    """From the coarse scene to the upper layer's memory: three convolutions, then where each feature map has its peak.

    The place of a peak is the mean place under the map's softmax (Finn et al. 2016, arXiv 1509.06113).
    """

    def __init__(self, channels: int, units: int) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            nn.Conv2d(channels + 2, 32, 4, stride=2, padding=1, padding_mode="replicate"), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1, padding_mode="replicate"), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1, padding_mode="replicate"),
        )  # fmt: skip
        self.memory = nn.Linear(64, units)

    def forward(self, coarse: Tensor) -> Tensor:
        """float32, (lanes, channels, COARSE, COARSE) -> (lanes, units)."""
        fine, rough = (torch.linspace(-1, 1, side) for side in (COARSE, COARSE // 2))
        rows = 0.1 * fine[:, None].expand(len(coarse), 1, COARSE, COARSE)  # a hint of where; more would hide the scene
        maps = self.maps(torch.cat([coarse, rows, rows.mT], 1)).float()
        chance = (SHARPNESS * F.layer_norm(maps, maps.shape[2:])).flatten(2).softmax(2).view_as(maps)
        places = torch.cat([chance.sum(3) @ rough, chance.sum(2) @ rough], 1)
        return self.memory(places).float()


class Policy(nn.Module):
    """The networks for the spaces of one environment."""

    def __init__(self, env: GlimpseVectorEnv, features: int, steering: int) -> None:
        super().__init__()
        spaces = env.single_observation_space.spaces, env.single_action_space.spaces  # type: ignore[attr-defined]
        planes, side, _ = spaces[0]["glimpse"].shape
        self.features, self.steering = features, steering
        self.what = conv_glimpse(planes, side, features)
        self.where = mlp(4, 128, features)
        self.lower = nn.Linear(2 * features, 4 * features)
        self.answer = nn.Linear(features, int(spaces[1]["symbol"].n))
        self.upper = nn.Linear(features + steering, 4 * steering)
        self.gaze = mlp(steering, 128, 2)
        self.zoom = mlp(steering, 128, len(env.task.zooms))
        self.baseline = mlp(steering, 128, 1)
        self.context = Context(planes // len(env.task.scales), steering)
        nn.init.zeros_(self.gaze[2].weight)  # type: ignore[arg-type]  # begin in the middle of the canvas
        kaiming(self.what)
        nn.init.ones_(self.where[2].bias)  # type: ignore[arg-type]  # nor where what it is multiplied by is nearly 0
        with torch.no_grad():
            self.upper.bias[:steering] += 2  # the context must last through the whole episode

    def start(self, lanes: int, coarse: Tensor | None = None) -> State:
        """What is remembered before the first glimpse.

        Args:
            lanes: How many.
            coarse: The whole scenes as `coarse_of` gives them, or None for an upper layer that starts from nothing.
        """
        nothing = torch.zeros(lanes, self.features)
        upper = torch.zeros(lanes, self.steering) if coarse is None else self.context(coarse)
        return State((nothing, nothing), (torch.tanh(upper), upper))

    def forward(self, seen: Observation, state: State) -> State:
        """Take in one glimpse."""
        what = F.relu(self.what(torch.from_numpy(seen["glimpse"])))
        where = self.where(torch.from_numpy(np.concatenate([seen["gaze"], seen["budget"]], 1)))
        lower = lstm(self.lower(torch.cat([what * where, state.lower[0]], 1)), state.lower[1])
        output = lower[0].detach()  # REINFORCE must not train the lower layer
        return State(lower, lstm(self.upper(torch.cat([output, state.upper[0]], 1)), state.upper[1]))

    def mean_gaze(self, upper: Tensor) -> Tensor:
        """Where the eye would go next, from the upper layer's output: float32, (..., 2), in [-1, 1]."""
        return torch.tanh(self.gaze(upper).float())


def coarse_of(env: GlimpseVectorEnv) -> Tensor:
    """The hidden scenes, averaged down: float32, (lanes, channels, COARSE, COARSE), in [0, 1]."""
    scenes = torch.from_numpy(env.canvases()).float().div_(255)
    planes = scenes[:, None] if scenes.ndim == 3 else scenes.permute(0, 3, 1, 2)
    return F.adaptive_avg_pool2d(planes, COARSE)
