"""Wrappers: what the episode has seen so far as observation, or the whole hidden scene."""

from __future__ import annotations

from typing import Any, cast

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from glimpse_env.env import GlimpseEnv, Observation
from glimpse_env.vector_env import GlimpseVectorEnv

Lanes = npt.NDArray[np.integer[Any]]
VectorStep = tuple[Observation, npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], dict[str, Any]]


class History:
    """Everything each of N lanes has seen in its running episode, one slot a glimpse.

    How many glimpses a lane has taken can be read from its observation, and the first one of an episode empties the
    lane. So lanes may end and begin whenever they like, and whoever resets them need not say so.

    Args:
        lanes: N, at least 1.
        budget: Most glimpses in an episode, as in the task.
    """

    def __init__(self, lanes: int, budget: int) -> None:
        self.lanes, self.budget = lanes, budget
        self._seen: Observation = {}

    @staticmethod
    def space(single: spaces.Dict, budget: int) -> spaces.Dict:
        """The observation space of one lane, for the task's own one and its budget."""
        channels, height, width = cast("tuple[int, int, int]", single["glimpse"].shape)
        return spaces.Dict(
            {
                "glimpse": spaces.Box(0.0, 1.0, (budget * channels, height, width), np.float32),
                "gaze": spaces.Box(-1.0, 1.0, (budget, 3), np.float32),
                **{name: part for name, part in single.items() if name not in ("glimpse", "gaze")},
            }
        )

    def add(self, observation: Observation, lanes: Lanes | None = None) -> Observation:
        """Put an observation into its slot, and return all that was seen.

        Seeing the same observation again changes nothing.

        Args:
            observation: The task's own, float32 with the lanes as first axis.
            lanes: int, (k,): which lanes its rows belong to; None for all N, in order.

        Returns:
            For the same lanes, in fresh arrays: ``glimpse`` (k, budget * channels, patch, patch), oldest first and
            zero where nothing has been seen yet; ``gaze`` (k, budget, 3) likewise; the rest as it is at this moment.
        """
        if lanes is None:
            lanes = np.arange(self.lanes)
        if not self._seen:
            self._seen = {
                name: np.zeros((self.lanes, self.budget, *observation[name].shape[1:]), np.float32)
                for name in ("glimpse", "gaze")
            }
        slots = np.rint(self.budget * (1.0 - observation["budget"][:, 0])).astype(np.int64) - 1
        stacked: Observation = {}
        for name, seen in self._seen.items():
            seen[lanes[slots == 0]] = 0.0
            seen[lanes, slots] = observation[name]
            stacked[name] = seen[lanes]  # an index array copies
        glimpses = stacked["glimpse"]
        stacked["glimpse"] = glimpses.reshape(len(lanes), -1, *glimpses.shape[3:])
        return {**observation, **stacked}


class GlimpseHistory(gym.ObservationWrapper[Observation, Any, Observation], RecordConstructorArgs):
    """Observe every glimpse of the running episode at once, so that an agent without memory can be a fair rival.

    The observation becomes ``glimpse`` (budget * scales * channels, patch, patch), ``gaze`` (budget, 3) and ``budget``
    (1,): slot k holds glimpse k + 1 and where it was taken, zeros where the episode has not come so far.

    Args:
        env: A `GlimpseEnv`, wrapped or not, whose observation is still its own.

    Raises:
        TypeError: If there is no `GlimpseEnv` inside.
    """

    def __init__(self, env: gym.Env[Observation, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._history = History(1, _inside(env, GlimpseEnv).task.budget)
        self.observation_space: Any = History.space(cast("spaces.Dict", env.observation_space), self._history.budget)

    def observation(self, observation: Observation) -> Observation:
        """Everything seen in this episode, `observation` included."""
        stacked = self._history.add({name: value[None] for name, value in observation.items()})
        return {name: value[0] for name, value in stacked.items()}


class GlimpseHistoryVector(gym.vector.VectorWrapper[Observation, Any, Observation, Any, npt.NDArray[Any]]):
    """`GlimpseHistory` for `GlimpseVectorEnv`, in every autoreset mode; lane i sees the same bits as the single one.

    Args:
        env: A `GlimpseVectorEnv`, wrapped or not, whose observation is still its own.

    Raises:
        TypeError: If there is no `GlimpseVectorEnv` inside.
    """

    def __init__(self, env: gym.vector.VectorEnv[Observation, Any, npt.NDArray[Any]]) -> None:
        super().__init__(env)
        self._history = History(env.num_envs, _inside(env, GlimpseVectorEnv).task.budget)
        single = History.space(cast("spaces.Dict", env.single_observation_space), self._history.budget)
        self.single_observation_space, self.observation_space = single, batch_space(single, env.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """As the environment's; lanes that begin an episode have seen one glimpse."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self._history.add(observation), info

    def step(self, actions: Any) -> VectorStep:
        """As the environment's."""
        observation, reward, terminated, truncated, info = self.env.step(actions)
        if "final_obs" in info:  # before the new episodes empty their lanes
            ended = np.flatnonzero(info["_final_obs"])
            last = {name: np.stack([info["final_obs"][lane][name] for lane in ended]) for name in observation}
            stacked = self._history.add(last, ended)
            for row, lane in enumerate(ended):
                info["final_obs"][lane] = {name: value[row] for name, value in stacked.items()}
        return self._history.add(observation), reward, terminated, truncated, info


class FullView(gym.ObservationWrapper[Observation, Any, Observation], RecordConstructorArgs):
    """Observe the whole hidden scene in place of the glimpse: for references that show what a retina takes away.

    ``canvas`` replaces ``glimpse``: float32 in [0, 1], (channels, height, width); ``gaze`` and ``budget`` stay.

    Args:
        env: A `GlimpseEnv`, wrapped or not.

    Raises:
        TypeError: If there is no `GlimpseEnv` inside.
    """

    def __init__(self, env: gym.Env[Observation, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._glimpse_env: GlimpseEnv = _inside(env, GlimpseEnv)
        self.observation_space: Any = _full_space(cast("spaces.Dict", env.observation_space), self._canvas())

    def _canvas(self) -> npt.NDArray[np.float32]:
        canvas: npt.NDArray[np.float32] = _planes(self._glimpse_env.canvas()[None])[0]
        return canvas

    def observation(self, observation: Observation) -> Observation:
        """The scene, and the rest of `observation`."""
        return _uncovered(observation, self._canvas())


class FullViewVector(gym.vector.VectorWrapper[Observation, Any, Observation, Any, npt.NDArray[Any]]):
    """`FullView` for `GlimpseVectorEnv`.

    Args:
        env: A `GlimpseVectorEnv`, wrapped or not.

    Raises:
        TypeError: If there is no `GlimpseVectorEnv` inside.
        ValueError: With same-step autoreset where the last step moves something: the last scene is gone by then.
    """

    def __init__(self, env: gym.vector.VectorEnv[Observation, Any, npt.NDArray[Any]]) -> None:
        super().__init__(env)
        self._glimpse_env: GlimpseVectorEnv = _inside(env, GlimpseVectorEnv)
        if self._glimpse_env.task.steers and self._glimpse_env.autoreset_mode is AutoresetMode.SAME_STEP:
            raise ValueError(
                "autoreset_mode='SameStep' leaves no trace of the last scene of an episode, which its last step moves; "
                "choose 'NextStep' or 'Disabled'"
            )
        self._canvases = _planes(self._glimpse_env.canvases())
        single = _full_space(cast("spaces.Dict", env.single_observation_space), self._canvases[0])
        self.single_observation_space, self.observation_space = single, batch_space(single, env.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """As the environment's."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self._uncover(observation), info

    def step(self, actions: Any) -> VectorStep:
        """As the environment's."""
        observation, reward, terminated, truncated, info = self.env.step(actions)
        if "final_obs" in info:  # the scenes of the ended episodes are gone, but they are those of the step before
            for lane in np.flatnonzero(info["_final_obs"]):
                info["final_obs"][lane] = _uncovered(info["final_obs"][lane], self._canvases[lane])
        return self._uncover(observation), reward, terminated, truncated, info

    def _uncover(self, observation: Observation) -> Observation:
        self._canvases = _planes(self._glimpse_env.canvases())
        return _uncovered(observation, self._canvases.copy())


def _inside(env: Any, kind: type[Any]) -> Any:
    inner = env.unwrapped
    if not isinstance(inner, kind):
        raise TypeError(f"there must be a {kind.__name__} inside, got {type(inner).__name__}")
    return inner


def _uncovered(observation: Observation, canvas: npt.NDArray[np.float32]) -> Observation:
    return {"canvas": canvas, **{name: value for name, value in observation.items() if name != "glimpse"}}


def _full_space(single: spaces.Dict, canvas: npt.NDArray[np.float32]) -> spaces.Dict:
    return spaces.Dict(
        {"canvas": spaces.Box(0.0, 1.0, canvas.shape, np.float32), "gaze": single["gaze"], "budget": single["budget"]}
    )


def _planes(canvases: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Scenes (lanes, height, width) or (..., 3) as float32 (lanes, channels, height, width) in [0, 1]."""
    planes = canvases[:, None] if canvases.ndim == 3 else np.moveaxis(canvases, 3, 1)
    return planes.astype(np.float32, order="C") / np.float32(255.0)
