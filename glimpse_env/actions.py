"""Four ways to write one decision: (row, column, zoom, speak, symbol).

Components without a choice are absent: `zoom` where there is one zoom, `speak` in a fixed-glimpse task.

* ``"grid"``: `MultiDiscrete`, in that order; row and column are cells of a `grid` x `grid` raster.
* ``"flat"``: `Discrete`; first every look, `(row * grid + column) * zooms + zoom`, then every symbol. Saying a symbol
  keeps the gaze.
* ``"box"``: `Box(-1, 1)`, in that order; zoom and symbol are cut into equal bins, `speak` means > 0.
* ``"hybrid"``: `Dict` of a continuous ``gaze`` (row, column) and discrete ``zoom``, ``speak`` and ``symbol``.

A continuous gaze beyond [-1, 1] is taken to the border. The middle of cell i of a grid lies at `(2 i + 1) / grid - 1`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.task import Task

ROW: Final = 0  # NaN keeps the gaze where it is
COLUMN: Final = 1
ZOOM: Final = 2
SPEAK: Final = 3
SYMBOL: Final = 4
COMPONENTS: Final = ("row", "column", "zoom", "speak", "symbol")

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@kernel()
def _decode_grid(actions: Ints, columns: Ints, sizes: Ints, decisions: Reals) -> int:
    for lane in range(actions.shape[0]):
        for part in range(5):
            size = sizes[part]
            value = actions[lane, columns[part]] if columns[part] >= 0 else size - 1
            if value < 0 or value >= size:
                return lane * 5 + part
            decisions[lane, part] = (2.0 * value + 1.0) / size - 1.0 if part <= COLUMN else value
    return -1


@kernel()
def _decode_flat(actions: Ints, columns: Ints, sizes: Ints, decisions: Reals) -> int:
    grid, zooms, symbols = sizes[ROW], sizes[ZOOM], sizes[SYMBOL]
    looks = grid * grid * zooms
    for lane in range(actions.shape[0]):
        value = actions[lane]
        if value < 0 or value >= looks + symbols:
            return lane * 5
        if value < looks:
            decisions[lane, ROW] = (2.0 * (value // zooms // grid) + 1.0) / grid - 1.0
            decisions[lane, COLUMN] = (2.0 * (value // zooms % grid) + 1.0) / grid - 1.0
            decisions[lane, ZOOM] = value % zooms
            decisions[lane, SPEAK] = 0.0
            decisions[lane, SYMBOL] = s.SILENT
        else:
            decisions[lane, ROW] = decisions[lane, COLUMN] = np.nan
            decisions[lane, ZOOM] = 0.0
            decisions[lane, SPEAK] = 1.0
            decisions[lane, SYMBOL] = value - looks
    return -1


@kernel()
def _decode_real(actions: Reals, columns: Ints, sizes: Ints, decisions: Reals, binned: bool) -> int:
    for lane in range(actions.shape[0]):
        for part in range(5):
            size = sizes[part]
            if columns[part] < 0:
                decisions[lane, part] = size - 1
                continue
            value = actions[lane, columns[part]]
            if not np.isfinite(value):
                return lane * 5 + part
            if part <= COLUMN:
                decisions[lane, part] = min(max(value, -1.0), 1.0)
            elif binned:
                low = np.floor((value + 1.0) * 0.5 * size) if part != SPEAK else np.float64(value > 0.0)
                decisions[lane, part] = min(max(low, 0.0), size - 1.0)
            elif value < 0 or value >= size:
                return lane * 5 + part
            else:
                decisions[lane, part] = value
    return -1


class Actions:
    """The action space of a task and its decoder.

    Attributes:
        space: The space of one lane.
        symbols: How many symbols there are.
    """

    def __init__(self, task: Task, symbols: int) -> None:
        self.mode, self.symbols = task.action_mode, symbols
        self.sizes = np.array([task.grid, task.grid, len(task.zooms), 2, symbols], np.int64)
        present = [True, True, len(task.zooms) > 1, task.stopping, True]
        self.columns = np.where(present, np.cumsum(present) - 1, -1)
        self.looks = task.grid**2 * len(task.zooms)
        parts = [int(size) for size, there in zip(self.sizes, present, strict=True) if there]
        self.space: spaces.Space[Any]
        if self.mode == "grid":
            self.space = spaces.MultiDiscrete(parts)
        elif self.mode == "flat":
            self.space = spaces.Discrete(self.looks + symbols)
        elif self.mode == "box":
            self.space = spaces.Box(-1.0, 1.0, (len(parts),), np.float32)
        else:
            discrete = {COMPONENTS[k]: spaces.Discrete(int(self.sizes[k])) for k in range(2, 5) if present[k]}
            self.space = spaces.Dict({"gaze": spaces.Box(-1.0, 1.0, (2,), np.float32), **discrete})

    def decode(self, actions: Any, lanes: int, batched: bool, decisions: Reals) -> None:
        """Read `actions` into `decisions`.

        Args:
            actions: One action a lane (batched) or a single one, as in `space`.
            lanes: How many lanes there are.
            batched: Whether `actions` carries the axis of the lanes.
            decisions: float64, (lanes, 5), written.

        Raises:
            TypeError: For a wrong type or dtype.
            ValueError: For a wrong shape, a number that is not finite, or a choice out of range.
        """
        if self.mode == "grid":
            values = self._array(actions, "iu", self.space.shape or (), lanes, batched, "action")
            fault = _decode_grid(values, self.columns, self.sizes, decisions)
        elif self.mode == "flat":
            values = self._array(actions, "iu", (), lanes, batched, "action")
            fault = _decode_flat(values, self.columns, self.sizes, decisions)
        elif self.mode == "box":
            values = self._array(actions, "fiu", self.space.shape or (), lanes, batched, "action")
            fault = _decode_real(values, self.columns, self.sizes, decisions, True)
        else:
            values = self._join(actions, lanes, batched)
            fault = _decode_real(values, self.columns, self.sizes, decisions, False)
        if fault >= 0:
            self._refuse(values, *divmod(fault, 5))

    def _array(
        self, value: Any, kinds: str, shape: tuple[int, ...], lanes: int, batched: bool, name: str
    ) -> npt.NDArray[Any]:
        array = np.asarray(value)
        if array.dtype.kind not in kinds:
            wanted = "whole numbers" if "f" not in kinds else "real numbers"
            raise TypeError(
                f"{name} must be {wanted}, got dtype {array.dtype}: {value!r}; see action_space = {self.space}"
            )
        full = (lanes, *shape)
        due = full if batched else shape
        if array.shape != due:
            raise ValueError(f"{name} must have shape {due}, got {array.shape}; see action_space = {self.space}")
        kind = np.int64 if kinds == "iu" else np.float64
        return np.ascontiguousarray(array, kind).reshape(full)

    def _join(self, action: Any, lanes: int, batched: bool) -> Reals:
        parts = self.space.spaces  # type: ignore[attr-defined]
        if not hasattr(action, "keys") or set(action) != set(parts):
            given = f"keys {sorted(action)}" if hasattr(action, "keys") else repr(action)
            raise TypeError(f"action must be a mapping with keys {sorted(parts)}, got {given}")
        values = np.empty((lanes, 1 + len(parts)))
        for name in parts:
            if name == "gaze":
                values[:, :2] = self._array(action[name], "fiu", (2,), lanes, batched, "gaze")
            else:
                values[:, self.columns[COMPONENTS.index(name)]] = self._array(
                    action[name], "iu", (), lanes, batched, name
                )
        return values

    def _refuse(self, values: npt.NDArray[Any], lane: int, part: int) -> None:
        if self.mode == "flat":
            raise ValueError(f"action {values[lane]} of lane {lane} must lie in [0, {self.looks + self.symbols - 1}]")
        value, name = values[lane, self.columns[part]], COMPONENTS[part]
        if not np.isfinite(value):
            raise ValueError(
                f"{name}={value} of lane {lane} must be a finite number in [-1, 1]; has the policy diverged?"
            )
        raise ValueError(f"{name}={int(value)} of lane {lane} must lie in [0, {self.sizes[part] - 1}]")

    def masks(self, counts: Ints, anytime: bool, budget: int) -> npt.NDArray[np.bool_]:
        """Which flat actions make sense now: bool, (lanes, actions).

        Where symbols make sense at any time, everything until the budget is spent, then symbols only; elsewhere looks
        until the last step, symbols on it.

        Raises:
            ValueError: In another action mode.
        """
        if self.mode != "flat":
            raise ValueError(
                f"action masks exist for action_mode='flat' only, this is {self.mode!r}; nothing needs masking there"
            )
        spent = counts[:, s.GLIMPSES] >= budget
        allowed = np.ones((len(counts), self.looks + self.symbols), np.bool_)
        allowed[:, : self.looks] = ~spent[:, None]
        if not anytime:
            allowed[:, self.looks :] = spent[:, None]
        return allowed
