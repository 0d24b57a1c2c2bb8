"""The loop that every training here runs in: what it logs and keeps, to the last update."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from agents.training import Row, optimise


class Count:
    """A part with a state: how many updates it had."""

    def __init__(self) -> None:
        self.updates = 0

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]


@pytest.mark.parametrize(("updates", "rows", "last"), [(7, 7, 6), (250, 125, 248.5), (251, 126, 250)])
def test_nothing_is_lost_between_the_last_row_and_the_end(updates: int, rows: int, last: float, tmp_path: Path) -> None:
    logged: list[Row] = []
    count = Count()

    def update(k: int) -> Row:
        count.updates += 1
        return {"k": float(k)}

    path = tmp_path / "x.pt"
    optimise(update, updates, 10, title="x", path=path, settings={}, parts={"count": count}, log=logged.append)
    assert (len(logged), logged[-1]["steps"], logged[-1]["k"]) == (rows, 10 * updates, last)
    kept = torch.load(path, weights_only=False)
    assert (kept["done"], kept["count"]) == (updates, {"updates": updates})
    again: list[Row] = []
    optimise(update, updates, 10, title="x", path=path, settings={}, parts={"count": Count()}, log=again.append)
    assert again == []
