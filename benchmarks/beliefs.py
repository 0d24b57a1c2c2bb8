"""What an agent believes on the scenes that the page shows, kept while it is being scored."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from glimpse_env.env import Observation

#: Test scenes whose beliefs are kept, and which the page shows of each task: few, to keep files small.
SCENES = 60

_DIGITS = "0123456789abcdef"


class Watched:
    """An agent as it is; after each of its actions on the first scenes it is asked for its `belief`, if it has one."""

    def __init__(self, agent: Any) -> None:
        self._agent, self._batches = agent, 0
        self._kept: list[npt.NDArray[Any]] = []

    def __getattr__(self, name: str) -> Any:  # action_mode and peek, where the agent has them
        return getattr(self._agent, name)

    def reset(self, lanes: int) -> None:
        """Forget the past: `lanes` new episodes begin."""
        self._batches += 1
        if hasattr(self._agent, "reset"):
            self._agent.reset(lanes)

    def act(self, observation: Observation) -> Any:
        """The agent's action."""
        action = self._agent.act(observation) if hasattr(self._agent, "act") else self._agent(observation)
        belief = self._agent.belief() if self._batches == 1 and hasattr(self._agent, "belief") else None
        if belief is not None:
            self._kept.append(np.array(belief[:SCENES]))
        return action

    def beliefs(self, steps: npt.NDArray[np.int64]) -> list[str] | None:
        """The beliefs as they are published: a string for each of the first scenes.

        Args:
            steps: How many actions each episode took: int, (scenes,).

        Returns:
            For every step and class one hexadecimal digit, the probability in fifteenths; None without beliefs.
        """
        if not self._kept:
            return None
        fifteenths = np.rint(15 * np.clip(np.nan_to_num(np.stack(self._kept, axis=1)), 0, 1)).astype(int)
        return ["".join(_DIGITS[k] for k in path[:count].flat) for path, count in zip(fifteenths, steps, strict=False)]
