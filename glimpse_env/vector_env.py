"""`GlimpseVectorEnv`: N lanes of the batched dynamics, each ending on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from glimpse_env import dynamics as d
from glimpse_env import state as s
from glimpse_env.checks import whole
from glimpse_env.dynamics import Dynamics, Transition
from glimpse_env.env import Observation, index_option
from glimpse_env.sources import Source
from glimpse_env.task import Task
from glimpse_env.threads import shares

_MODES = {
    AutoresetMode.NEXT_STEP: d.NEXT_STEP,
    AutoresetMode.SAME_STEP: d.SAME_STEP,
    AutoresetMode.DISABLED: d.DISABLED,
}


class GlimpseVectorEnv(gym.vector.VectorEnv[Observation, Any, npt.NDArray[Any]]):
    """N independent `GlimpseEnv` lanes in one kernel call; see there for spaces, rewards and meanings.

    Lane i equals `GlimpseEnv(...)` seeded with `seed + i`, bit for bit. Observations are fresh arrays at every call.

    Args:
        num_envs: Number of lanes, at least 1.
        source: As for `GlimpseEnv`.
        autoreset_mode: What happens to a finished lane, as in `gymnasium.vector.SyncVectorEnv`: ``"NextStep"`` (the
            next step resets it and ignores its action), ``"SameStep"`` (reset at once, the last observation and info
            are in ``infos["final_obs"]`` and ``infos["final_info"]``) or ``"Disabled"`` (you reset it, with
            ``options["reset_mask"]``).
        num_threads: Most threads to share the lanes, at least 1; each takes 512 lanes or more, as fewer are not worth
            waking it for.
        **task: As for `GlimpseEnv`.

    Raises:
        TypeError: For an unknown keyword or a value of the wrong type.
        ValueError: For a value out of range.
        DataError: If the images cannot be had.
    """

    def __init__(
        self,
        num_envs: int = 1,
        source: Any = "mnist",
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        num_threads: int = 1,
        render_mode: str | None = None,
        **task: Any,
    ) -> None:
        num_envs, num_threads = whole("num_envs", num_envs, 1), whole("num_threads", num_threads, 1)
        modes = [mode.value for mode in AutoresetMode]
        if autoreset_mode not in [*AutoresetMode, *modes]:
            raise ValueError(
                f"autoreset_mode={autoreset_mode!r} is unknown; choose one of {', '.join(map(repr, modes))}"
            )
        if render_mode not in (None, "rgb_array"):
            raise ValueError(
                f"render_mode={render_mode!r} is unknown to the vector environment; choose 'rgb_array' or None"
            )
        self.num_envs, self.render_mode = num_envs, render_mode
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": 2, "autoreset_mode": self.autoreset_mode}
        self._dynamics = Dynamics(Task.of({"source": source, **task}), num_envs, shares(num_envs, num_threads))
        self.task = self._dynamics.task
        self.single_observation_space = self._dynamics.observation_space
        self.single_action_space = self._dynamics.actions.space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    @property
    def source(self) -> Source:
        """Where the images come from; its `name` says what they really are."""
        return self._dynamics.source

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin new episodes.

        Args:
            seed: Lane i gets `seed + i`, or `seed[i]`; None goes on with the running series.
            options: ``"index"``: the scenes to draw, one number or int (num_envs,). ``"reset_mask"``: bool (num_envs,),
                the lanes to reset; the others stay as they are.

        Returns:
            The observation of every lane, and an empty info.

        Raises:
            TypeError: If the mask is no boolean array, or a seed or an index no whole number.
            ValueError: If lengths do not fit, the mask chooses no lane, a seed or an index is negative, or an option is
                unknown.
        """
        dynamics, options = self._dynamics, dict(options or {})
        chosen = self._mask(options.pop("reset_mask", None))
        unborn = dynamics.counts[:, s.PHASE] == s.UNBORN
        if (unborn & ~chosen).any():
            lanes = np.flatnonzero(unborn & ~chosen).tolist()
            raise ValueError(f"lanes {lanes} have never been reset; call reset() without a mask first")
        if isinstance(seed, int | np.integer):
            super().reset(seed=int(seed))
            seed = [int(seed) + lane for lane in range(self.num_envs)]
        elif seed is None:
            seed = [None] * self.num_envs
        if not isinstance(seed, Sequence | np.ndarray):
            raise TypeError(f"seed={seed!r} must be a whole number, a sequence with one for each lane, or None")
        if len(seed) != self.num_envs:
            raise ValueError(f"seed has {len(seed)} entries, but there are {self.num_envs} lanes")
        if unborn.any():  # a lane that is given no seed takes one by chance
            base = self.np_random_seed or 0
            seed = [base + lane if given is None else given for lane, given in enumerate(seed)]
        dynamics.seed(seed, chosen)
        if options:
            dynamics.choose(index_option(options), chosen)
        return dynamics.reset(chosen), {}

    def _mask(self, mask: Any) -> npt.NDArray[np.bool_]:
        if mask is None:
            return np.ones(self.num_envs, np.bool_)
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"options['reset_mask'] must be a boolean array, got {mask!r}")
        if mask.shape != (self.num_envs,):
            raise ValueError(f"options['reset_mask'] must have shape ({self.num_envs},), got {mask.shape}")
        if not mask.any():
            raise ValueError("options['reset_mask'] chooses no lane; set at least one True")
        return mask

    def step(
        self, actions: Any
    ) -> tuple[Observation, npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]]:
        """Move every lane on.

        Args:
            actions: An element of `action_space`.

        Returns:
            Observations, rewards (float64), terminations, truncations (all False) and infos, each with the lanes as
            first axis.

        Raises:
            RuntimeError: Before the first reset and, with autoreset disabled, while a lane is finished.
            TypeError: For a wrong type or dtype.
            ValueError: For a wrong shape, a number that is not finite, or a choice out of range; no lane has moved
                then.
        """
        moved = self.transition(actions)
        return (
            moved.observation,
            moved.reward,
            moved.terminated,
            np.zeros(self.num_envs, np.bool_),
            self._infos(moved),
        )

    def transition(self, actions: Any, *, final: bool = True) -> Transition:
        """`step` without the dictionaries of info, for adapters to other libraries; raises as `step` does.

        Args:
            actions: As for `step`.
            final: Whether same-step autoreset gives the last observations; they equal those before this step,
                unless a text is read or a sprite steered.
        """
        phases = self._dynamics.counts[:, s.PHASE]
        idle = phases == s.UNBORN
        if self.autoreset_mode is AutoresetMode.DISABLED:
            idle = phases != s.RUNNING
        if idle.any():
            raise RuntimeError(
                f"lanes {np.flatnonzero(idle).tolist()[:10]} have no running episode: call reset(), "
                "with options={'reset_mask': mask} to keep the others"
            )
        mode = _MODES[self.autoreset_mode]
        return self._dynamics.step(actions, True, d.SAME_STEP_SEEN if mode == d.SAME_STEP and not final else mode)

    def _infos(self, moved: Transition) -> dict[str, Any]:
        ended = moved.terminated
        if not ended.any():
            return {}
        info: dict[str, Any] = {}
        for name, values in moved.told().items():
            info[name] = values
            info[f"_{name}"] = ended.copy()
        if moved.final is None:
            return info
        observations = np.full(self.num_envs, None, object)
        for lane in np.flatnonzero(ended):
            observations[lane] = {name: value[lane] for name, value in moved.final.items()}
        return {"final_obs": observations, "_final_obs": ended.copy(), "final_info": info, "_final_info": ended.copy()}

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Which actions make sense now: bool, (num_envs, actions), for `action_mode="flat"`."""
        return self._dynamics.action_masks()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The name of each symbol that may be said."""
        return self._dynamics.symbols

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each label and answer: the symbols or, where a sprite is steered, the columns of the canvas."""
        return self._dynamics.labels

    @property
    def most_steps(self) -> int:
        """Most steps of an episode: every glimpse but the first takes one, and so may every symbol."""
        return self.task.budget - 1 + self._dynamics.said.shape[1]

    def targets(self) -> npt.NDArray[np.int64]:
        """The right answer of every lane, for judges and references only.

        Returns:
            int64, (num_envs,); where a text is read (num_envs, length), -1 where it has ended.
        """
        targets = self._dynamics.texts[:, 0]
        return targets.copy() if self._dynamics.reads else targets[:, 0].copy()

    def references(self) -> npt.NDArray[np.int64]:
        """All right answers, for judges and training: int64, (num_envs, references, length), -1 where one has ended."""
        return self._dynamics.texts.copy()

    def answers(self) -> npt.NDArray[np.int64]:
        """What every lane said at its latest step, -1 for nothing: int64, (num_envs,)."""
        return self._dynamics.counts[:, s.SYMBOL].copy()

    @property
    def canvas_size(self) -> tuple[int, int]:
        """Height and width of the hidden scenes, in pixels."""
        return self._dynamics.canvas

    def boxes(self) -> npt.NDArray[np.int64]:
        """Where the sprites of every lane lie, for judges and references only.

        Returns:
            int64, (num_envs, sprites, 4): top, left, height and width in pixels of the canvas. What is to be named
            comes first, clutter after it; a sprite of height 0 is not there.
        """
        boxes: npt.NDArray[np.int64] = self._dynamics.sprites[:, :, [s.TOP, s.LEFT, s.HEIGHT, s.WIDTH]]
        return boxes

    def velocities(self) -> npt.NDArray[np.int64]:
        """How fast the sprites of every lane move, for judges and references only.

        Returns:
            int64, (num_envs, sprites, 2): pixels a step, down and to the right; sprites in the order of `boxes`.
        """
        velocities: npt.NDArray[np.int64] = self._dynamics.sprites[:, :, [s.DOWN, s.ACROSS]]
        return velocities

    def canvases(self) -> npt.NDArray[np.uint8]:
        """The hidden scenes, for pictures and full-view references: uint8, (num_envs, height, width), or (..., 3)."""
        return self._dynamics.canvases()

    def render(self) -> tuple[npt.NDArray[np.uint8], ...] | None:
        """The hidden scenes as RGB pictures, one a lane, with `render_mode="rgb_array"`."""
        if self.render_mode is None:
            return None
        scenes = self.canvases()
        return tuple(scenes if scenes.ndim == 4 else np.repeat(scenes[..., None], 3, axis=3))
