"""What an agent did on the frozen scenes, small enough to publish and exact enough to replay."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Actions = dict[str, npt.NDArray[Any]]
_WHOLE = "action"  # the only part of an action that is no dictionary


@dataclass(frozen=True, kw_only=True, eq=False)
class ActionLog:
    """Every action of one evaluation, and the scenes it was made on.

    Attributes:
        id: The environment's id.
        split: The split its scenes come from; scene i of the log is frozen scene i.
        overrides: Keywords of the task that differ from the id's; plain JSON.
        fingerprint: See `glimpse_env.evaluation.fingerprint`.
        steps: int64, (scenes,), how many actions each episode took.
        actions: Part of the action -> array (scenes, budget, ...); entries past an episode's end mean nothing.
        rules: See `glimpse_env.task.Task.rules`; empty in logs from before they were kept.
    """

    id: str
    split: str
    overrides: dict[str, Any]
    fingerprint: str
    steps: npt.NDArray[np.int64]
    actions: Actions
    rules: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; arrays are compressed and written as text."""
        return {
            "id": self.id,
            "split": self.split,
            "overrides": self.overrides,
            "fingerprint": self.fingerprint,
            "rules": self.rules,
            "steps": _pack(self.steps.astype(np.int16)),
            "actions": {name: _pack(array) for name, array in self.actions.items()},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ActionLog:
        """The inverse of `to_json`.

        Raises:
            ValueError: If something is missing or cannot be read.
        """
        try:
            return cls(
                id=data["id"],
                split=data["split"],
                overrides=data["overrides"],
                fingerprint=data["fingerprint"],
                rules=dict(data.get("rules", {})),
                steps=_unpack(data["steps"]).astype(np.int64),
                actions={name: _unpack(text) for name, text in data["actions"].items()},
            )
        except (KeyError, TypeError, zlib.error, OSError, EOFError) as error:
            raise ValueError(f"this is no action log: {type(error).__name__}: {error}") from error


def narrow(action: Any) -> Any:
    """The action as the log keeps it: float16 and int16, so that what is logged is exactly what was done."""
    if isinstance(action, dict):
        return {name: narrow(part) for name, part in action.items()}
    array = np.asarray(action)
    small = array.astype(np.float16 if array.dtype.kind == "f" else np.int16)
    fits = array.dtype.kind == "f" or np.array_equal(small, array)
    return small if fits else array  # which the environment refuses


def join(batches: Sequence[Sequence[Any]]) -> Actions:
    """Batches of steps of actions (lanes, ...) as one array (scenes, budget, ...) for each part."""
    first = batches[0][0]
    parts = list(first) if isinstance(first, dict) else [_WHOLE]
    return {
        part: np.concatenate(
            [np.stack([step[part] if isinstance(step, dict) else step for step in batch], axis=1) for batch in batches]
        )
        for part in parts
    }


def take(actions: Actions, where: tuple[Any, ...]) -> Any:
    """Actions of some scenes and one step, as the environment takes them."""
    parts = {name: array[where] for name, array in actions.items()}
    return parts[_WHOLE] if list(parts) == [_WHOLE] else parts


def _pack(array: npt.NDArray[Any]) -> str:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return base64.b64encode(zlib.compress(stream.getvalue(), 9)).decode()


def _unpack(text: str) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.load(io.BytesIO(zlib.decompress(base64.b64decode(text))), allow_pickle=False)
    return array
