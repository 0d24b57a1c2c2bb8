"""A Stable-Baselines3 model, trained or loaded, as an agent for `evaluate`."""

from __future__ import annotations

import importlib
import inspect
import json
import zipfile
from os import PathLike
from typing import Any, cast

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from glimpse_env.env import Observation
from glimpse_env.vector_env import GlimpseVectorEnv
from glimpse_env.wrappers import History

# The module of a saved model's policy -> (algorithm, library).
_ALGORITHMS = {
    "stable_baselines3.common.policies": ("PPO", "stable_baselines3"),  # or A2C
    "stable_baselines3.dqn.policies": ("DQN", "stable_baselines3"),
    "sb3_contrib.common.recurrent.policies": ("RecurrentPPO", "sb3_contrib"),
    "sb3_contrib.common.maskable.policies": ("MaskablePPO", "sb3_contrib"),
}


class SB3Agent:
    """A Stable-Baselines3 or sb3-contrib model as an agent for `evaluate`.

    Its action mode and whether it was trained with a history are read from the model's spaces; recurrent models keep
    their states.

    Args:
        model: PPO, A2C, DQN, RecurrentPPO, MaskablePPO or any other with the same `predict`.
        task: The id it will act in. Only MaskablePPO must be told, so that it knows which actions make sense.
        deterministic: Take the likeliest action rather than a random one.
        **overrides: Keywords of the task that differ from the id's.

    Raises:
        ValueError: If the model takes masks and `task` is missing.
    """

    def __init__(self, model: Any, task: str | None = None, *, deterministic: bool = True, **overrides: Any) -> None:
        self.model, self.deterministic = model, deterministic
        self.action_mode = _action_mode(model.action_space)
        self._masks: npt.NDArray[np.bool_] | None = None
        if "action_masks" in inspect.signature(model.predict).parameters:
            if task is None:
                raise ValueError(f"{type(model).__name__} must know which actions make sense: SB3Agent(model, task)")
            self._masks = _flat_masks(task, overrides)

    @classmethod
    def load(
        cls, path: str | PathLike[str], task: str | None = None, *, algorithm: type[Any] | None = None, **overrides: Any
    ) -> SB3Agent:
        """The agent of a model that was saved as a zip. Such files hold code: load only what you trust.

        Args:
            path: What `model.save` wrote.
            task: As for `SB3Agent`.
            algorithm: The model's class; None recognises those of `SB3Agent`, unless the policy is one of your own.
            **overrides: As for `SB3Agent`.

        Raises:
            ValueError: If the file is no saved model or its class is not recognised.
        """
        return cls((algorithm or recognise(path)).load(path, device="cpu"), task, **overrides)

    def reset(self, lanes: int) -> None:
        """Forget the past: `lanes` new episodes begin."""
        gaze = self.model.observation_space["gaze"].shape
        self._history = History(lanes, gaze[0]) if len(gaze) == 2 else None  # a history has a gaze for every glimpse
        self._state: Any = None
        self._begins = np.ones(lanes, np.bool_)

    def act(self, observation: Observation) -> npt.NDArray[Any]:
        """The model's action in every lane."""
        masks = {}
        if self._masks is not None:
            masks["action_masks"] = self._masks[(observation["budget"][:, 0] <= 0).astype(np.int64)]
        if self._history is not None:
            observation = self._history.add(observation)
        self._saw = observation, self._state, self._begins
        actions, self._state = self.model.predict(
            observation, state=self._state, episode_start=self._begins, deterministic=self.deterministic, **masks
        )
        self._begins = np.zeros_like(self._begins)
        return np.asarray(actions)

    def belief(self) -> npt.NDArray[np.float32] | None:
        """How likely the policy was to say each symbol at the latest `act`: float32, (lanes, symbols).

        None where there is no such policy: for Q-learning, and in the flat and the box mode.
        """
        import torch

        policy = self.model.policy
        if self.action_mode != "grid" or not hasattr(policy, "get_distribution"):
            return None
        observation, state, begins = self._saw
        memory: list[Any] = []
        if hasattr(policy, "lstm_actor"):
            shape = policy.lstm_hidden_state_shape[0], len(begins), policy.lstm_hidden_state_shape[2]
            state = state if state is not None else (np.zeros(shape, np.float32),) * 2
            memory = [tuple(map(torch.as_tensor, state)), torch.as_tensor(begins, dtype=torch.float32)]
        with torch.no_grad():
            found = policy.get_distribution(policy.obs_to_tensor(observation)[0], *memory)
        distribution = found[0] if memory else found
        probabilities: npt.NDArray[np.float32] = distribution.distribution[-1].probs.numpy()
        return probabilities


def recognise(path: str | PathLike[str]) -> type[Any]:
    """The algorithm class of a saved model, which the file does not name: told by its policy and its settings.

    Raises:
        ValueError: If the file is no saved model, or its policy belongs to no class known here.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            settings = json.loads(archive.read("data"))
        policy = settings["policy_class"]["__module__"]
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no saved Stable-Baselines3 model ({type(error).__name__}: {error})") from error
    if policy not in _ALGORITHMS:
        raise ValueError(f"{path} has a policy of {policy!r}, whose algorithm is not known here; pass algorithm=...")
    name, library = _ALGORITHMS[policy]
    if name == "PPO" and "clip_range" not in settings:
        name = "A2C"
    found: type[Any] = getattr(importlib.import_module(library), name)
    return found


def _action_mode(space: spaces.Space[Any]) -> str:
    modes = {spaces.MultiDiscrete: "grid", spaces.Discrete: "flat", spaces.Box: "box"}
    return next(mode for kind, mode in modes.items() if isinstance(space, kind))


def _flat_masks(task: str, overrides: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """Which actions make sense: bool, (2, actions); row 0 while glimpses are left, row 1 when the budget is spent."""
    rows = []
    for budget in (2, 1):  # reset takes one glimpse
        env = gym.make_vec(task, 1, **{**overrides, "budget": budget, "action_mode": "flat"})
        env.reset(seed=0)
        rows.append(cast("GlimpseVectorEnv", env).action_masks()[0])
    return np.stack(rows)
