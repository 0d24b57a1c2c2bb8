"""What an agent says it believes is what it answers from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents import dram, full_view, ram, ram_plus, scripted
from agents.training import make_lanes

ID = "CenteredDigits-v0"
TRAINERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ram": (ram.train, {"batch": 8, "features": 16}),
    "ram_plus": (ram_plus.train, {"scenes": 4, "features": 16}),
    "dram": (dram.train, {"scenes": 8, "features": 16, "steering": 16}),
    "scripted": (scripted.train, {"batch": 8, "features": 16}),
    "full_view": (full_view.train, {"network": "fc64"}),
}


@pytest.mark.parametrize("name", TRAINERS)
def test_the_likeliest_class_is_the_answer(name: str, tmp_path: Path) -> None:
    train, config = TRAINERS[name]
    agent = train(ID, seed=0, steps=100, folder=tmp_path / name, **config)
    env = make_lanes(ID, 5)
    seen, _ = env.reset(seed=0)
    agent.reset(5)
    if hasattr(agent, "peek"):
        agent.peek(env)
    for _ in range(env.task.budget):
        action = agent.act(seen)
        belief = agent.belief()
        assert belief.shape == (5, 10)
        np.testing.assert_allclose(belief.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_array_equal(belief.argmax(axis=1), action["symbol"])
        seen = env.step(action)[0]
