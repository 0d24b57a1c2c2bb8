"""RAM+'s networks: the glimpse, the core, what steers, and the heads that read them; see `agents.ram_plus`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.layers import conv_glimpse, kaiming, mlp
from agents.lstm import lstm
from agents.wake_sleep import Inference
from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv

if TYPE_CHECKING:  # the recipe stands where it is used, before the loop
    from agents.ram_plus import Config


class State(NamedTuple):
    """What is remembered, each (lanes, units).

    Attributes:
        output: Of the core.
        memory: Of the core.
        steering: Output of what steers, from which the next gaze is read.
        plan: Memory of what steers.
    """

    output: Tensor
    memory: Tensor
    steering: Tensor
    plan: Tensor


class Policy(nn.Module):
    """The networks for the spaces of one environment."""

    def __init__(self, env: GlimpseVectorEnv, config: Config) -> None:
        super().__init__()
        spaces = env.single_observation_space.spaces, env.single_action_space.spaces  # type: ignore[attr-defined]
        planes, side, _ = spaces[0]["glimpse"].shape
        self.config, features = config, config.features
        if config.encoder == "conv":
            self.what = conv_glimpse(planes, side, features)
            kaiming(self.what)
        else:
            self.what = nn.Sequential(nn.Flatten(), nn.Linear(planes * side * side, features))
        self.where = mlp(4, 128, features)
        self.core = nn.Linear(2 * features, 4 * features)
        self.answer = nn.Linear(features, int(spaces[1]["symbol"].n))
        self.stop = mlp(features, 128, 1)
        self.steer = nn.Linear(features + config.steering, 4 * config.steering) if config.steering else None
        steering = config.steering or features
        zooms = len(env.task.zooms)
        self.gaze = mlp(steering, 128, zooms * (4 if config.learned_std else 2))
        self.worth = mlp(steering, 128, zooms)
        self.std, self.any_zoom = config.gaze_std[0], config.any_zoom  # of now
        if self.steer is not None:
            with torch.no_grad():
                self.steer.bias[:steering] += 2  # what was found where must last
        self.guess = Inference(steering, self.answer.out_features) if config.estimator == "wake-sleep" else None
        nn.init.zeros_(self.gaze[2].weight)  # type: ignore[arg-type]  # begin in the middle of the canvas, wherever that is

    def start(self, lanes: int) -> State:
        """What is remembered before the first glimpse: nothing."""
        core = torch.zeros(lanes, self.config.features)
        steering = torch.zeros(lanes, self.config.steering or self.config.features)
        return State(core, core, steering, steering)

    def forward(self, seen: Observation, state: State) -> State:
        """Take in one glimpse."""
        what = F.relu(self.what(self.config.contrast * torch.from_numpy(seen["glimpse"])))
        where = self.where(torch.from_numpy(np.concatenate([seen["gaze"], seen["budget"]], 1)))
        glimpse = what * (1 + where) if self.config.gated else F.relu(what + where)
        output, memory = lstm(self.core(torch.cat([glimpse, state.output.to(glimpse.dtype)], 1)), state.memory)
        steering, plan = output.detach(), state.plan  # REINFORCE must not train the core
        if self.steer is not None:
            steering, plan = lstm(self.steer(torch.cat([steering, state.steering], 1)), plan)
        return State(output, memory, steering, plan)

    def zoom_from(self, output: Tensor) -> Tensor:
        """The zoom whose look is worth most, or for some lanes any: int64, (lanes,); `output` is what steers."""
        worth = self.worth(output)
        anyhow = torch.rand(len(worth)) < self.any_zoom
        return torch.where(anyhow, torch.randint(worth.shape[-1], (len(worth),)), worth.argmax(-1))

    def gaze_from(self, output: Tensor, zoom: Tensor, label: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Where the eye would go next, in [-1, 1], and its standard deviation: float32, (..., lanes, 2).

        Args:
            output: What steers, (..., lanes, units).
            zoom: With which zoom, (..., lanes): what is worth a close look need not be where an overview is best taken.
            label: What the inference network of wake-sleep is told, (lanes,); None asks the policy.
        """
        every = self.gaze(output).float().unflatten(-1, (self.worth[2].out_features, -1))
        mean, *spread = every.take_along_dim(zoom[..., None, None], -2).squeeze(-2).split(2, -1)
        if label is not None and self.guess is not None:
            mean = mean.detach() + self.guess(output, label)
        std = self.std * (torch.tanh(spread[0]).exp() if spread else torch.ones_like(mean))
        return torch.tanh(mean), std if label is None else std.detach()
