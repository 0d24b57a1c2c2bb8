"""Stable-Baselines3: the native lanes as its `VecEnv`, and its models as agents for `evaluate`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, cast

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

import glimpse_env  # noqa: F401  makes the ids known
from glimpse_env.env import Observation
from glimpse_env.sb3_agent import SB3Agent
from glimpse_env.vector_env import GlimpseVectorEnv
from glimpse_env.wrappers import History

try:
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import VecEnv
except ImportError as error:
    raise ImportError(
        f"glimpse_env.sb3 needs Stable-Baselines3 ({error}); pip install 'glimpse-env[agents]'"
    ) from error

__all__ = ["GlimpseVecEnv", "SB3Agent", "make"]

Info = dict[str, Any]
Indices = int | Iterable[int] | None


def make(
    id: str,
    num_envs: int,
    *,
    seed: int | None = None,
    history: bool = False,
    num_threads: int = 1,
    render_mode: str | None = None,
    **overrides: Any,
) -> GlimpseVecEnv:
    """The lanes of an id, in one kernel, for Stable-Baselines3.

    Example: ``PPO("MultiInputPolicy", make("CrowdedMNIST-v0", 64)).learn(1_000_000)``.

    Args:
        id: The environment's id.
        num_envs: Number of lanes, at least 1.
        seed: Lane i gets `seed + i` at the first reset; a model that has a seed of its own overrides it.
        history: Observe everything seen in the episode, as with `GlimpseHistory`.
        num_threads: Threads that share the lanes.
        render_mode: None or ``"rgb_array"``.
        **overrides: Keywords of the task that differ from the id's.

    Raises:
        TypeError: For an unknown keyword.
        ValueError: For a value out of range, or the action mode ``"hybrid"``, which Stable-Baselines3 cannot take.
        DataError: If the images cannot be had.
    """
    shell: dict[str, Any] = {
        "autoreset_mode": AutoresetMode.SAME_STEP,
        "num_threads": num_threads,
        "render_mode": render_mode,
    }
    env = gym.make_vec(id, num_envs, **shell, **overrides)
    assert isinstance(env, GlimpseVectorEnv)
    lanes = GlimpseVecEnv(env, history=history)
    if seed is not None:
        lanes.seed(seed)
    return lanes


class GlimpseVecEnv(VecEnv):
    """The lanes of a `GlimpseVectorEnv` as a Stable-Baselines3 `VecEnv`.

    It reports episodes as `Monitor` does, so returns and lengths are logged without another wrapper. The dictionaries
    of info, not the kernel, are what costs time: a lane that has just finished gets its own, the others share an empty
    one.

    Args:
        env: Native lanes with same-step autoreset, in any action mode but ``"hybrid"``.
        history: Observe everything seen in the episode, as with `GlimpseHistory`.

    Raises:
        ValueError: If the autoreset mode or the action mode is another.
    """

    def __init__(self, env: GlimpseVectorEnv, *, history: bool = False) -> None:
        if env.autoreset_mode is not AutoresetMode.SAME_STEP:
            raise ValueError(f"autoreset_mode={env.autoreset_mode.value!r} must be 'SameStep' for Stable-Baselines3")
        if isinstance(env.single_action_space, spaces.Dict):
            raise ValueError(
                "action_mode='hybrid' has a Dict action space, which Stable-Baselines3 cannot take; "
                "choose 'grid', 'flat' or 'box'"
            )
        self.env = env
        self._history = History(env.num_envs, env.task.budget) if history else None
        self._keeps = env.task.names  # elsewhere a last symbol's effect is seen after the last step
        self._returns = np.zeros(env.num_envs)
        self._lengths = np.zeros(env.num_envs, np.int64)
        self._born = time.time()
        single = cast("spaces.Dict", env.single_observation_space)
        observation_space = History.space(single, env.task.budget) if history else single
        super().__init__(env.num_envs, observation_space, env.single_action_space)

    def reset(self) -> Observation:
        """New episodes in every lane, with the seeds and options that were set for them."""
        options = {"index": [chosen["index"] for chosen in self._options]} if any(self._options) else None
        observation, _ = self.env.reset(seed=self._seeds, options=options)
        self._reset_seeds()
        self._reset_options()
        self._returns[:] = 0.0
        self._lengths[:] = 0
        self._seen = observation if self._history is None else self._history.add(observation)
        return self._seen

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Observation, npt.NDArray[np.float32], npt.NDArray[np.bool_], list[Info]]:
        """Move every lane on; a lane that finished has begun again.

        Returns:
            Observations, rewards (float32), dones and infos. The info of a finished lane has ``terminal_observation``,
            ``episode`` (return, length, seconds) and what the environment says about it; the others are empty.
        """
        moved = self.env.transition(self._actions, final=not self._keeps)
        self._returns += moved.reward
        self._lengths += 1
        infos: list[Info] = [{}] * self.num_envs
        ended = np.flatnonzero(moved.terminated)
        if len(ended):
            # Where the last step shows nothing new, what the lanes saw before it they see at the end.
            last = self._seen if moved.final is None else moved.final
            last = {name: value.take(ended, 0) for name, value in last.items()}
            if moved.final is not None and self._history is not None:
                last = self._history.add(last, ended)  # before the new episodes empty their lanes
            told = moved._replace(outcome=moved.outcome.take(ended, 1)).told()
            self._describe(infos, ended, last, told)
            self._returns[ended] = 0.0
            self._lengths[ended] = 0
        self._seen = moved.observation if self._history is None else self._history.add(moved.observation)
        return self._seen, moved.reward.astype(np.float32), moved.terminated, infos

    def _describe(
        self, infos: list[Info], ended: npt.NDArray[np.intp], last: Observation, told: dict[str, npt.NDArray[Any]]
    ) -> None:
        now = round(time.time() - self._born, 6)
        columns = (
            ended.tolist(),
            self._returns[ended].round(6).tolist(),
            self._lengths[ended].tolist(),
            *(values.tolist() for values in told.values()),
            *(last[name] for name in ("glimpse", "gaze", "budget")),
        )
        # Literal dictionaries: anything more general takes several times as long, for every episode there is.
        for lane, total, length, label, answer, success, glimpses, glimpse, gaze, budget in zip(*columns, strict=True):
            infos[lane] = {
                "label": label,
                "answer": answer,
                "is_success": success,
                "glimpses": glimpses,
                "episode": {"r": total, "l": length, "t": now},
                "terminal_observation": {"glimpse": glimpse, "gaze": gaze, "budget": budget},
                "TimeLimit.truncated": False,
            }
        for row, lane in enumerate(ended.tolist()) if "spoken" in last else ():
            infos[lane]["terminal_observation"]["spoken"] = last["spoken"][row]

    def close(self) -> None:
        """Close the native environment."""
        self.env.close()

    def get_images(self) -> Sequence[npt.NDArray[np.uint8] | None]:
        """The hidden scenes, with ``render_mode="rgb_array"``."""
        return self.env.render() or [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """The attribute of the native environment, once for each lane asked for."""
        return [getattr(self.env, attr_name)] * len(self._lanes(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Refused, since all lanes are one task.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(
            f"{attr_name!r} cannot be set: all lanes are one task; make another with new keywords"
        )

    def env_method(
        self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """The result of a method of the native environment, such as ``action_masks`` or ``canvases``, lane by lane."""
        results = getattr(self.env, method_name)(*method_args, **method_kwargs)
        return [results[lane] for lane in self._lanes(indices)]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Indices = None) -> list[bool]:
        """True for `Monitor`, whose work is done here; False for everything else."""
        return [issubclass(wrapper_class, Monitor)] * len(self._lanes(indices))

    def _lanes(self, indices: Indices) -> list[int]:
        return list(self._get_indices(indices))
