"""Two readers of one text: what they find together, and that they play their tasks."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

from agents import dram, dram_both_ways
from agents.dram_both_ways import fuse
from agents.dram_networks import Policy
from agents.training import make_lanes
from glimpse_env import evaluate, replay

SMALL: dict[str, Any] = {"features": 32, "steering": 16, "precision": "float32"}


@pytest.mark.parametrize("closed", [True, False])
def test_the_fused_text_is_the_best_of_all_texts(closed: bool) -> None:
    """By hand: every text there is, scored by both readers."""
    torch.manual_seed(0)
    length, lanes, symbols = 4, 30, 4
    forward, backward = torch.randn(2, length, lanes, symbols).mul(2).log_softmax(3)
    end = symbols - 1 if closed else -1
    found = fuse(forward, backward, end)
    lengths = set()
    for lane in range(lanes):
        scores = {}
        for count in range(1, length) if closed else (length,):
            for text in product(range(symbols - closed), repeat=count):
                tail = (end,) if closed else ()
                ways = ((forward, text + tail), (backward, text[::-1] + tail))
                total = sum(float(logs[k, lane, symbol]) for logs, said in ways for k, symbol in enumerate(said))
                scores[text] = total / (count + len(tail))
        best = max(scores, key=lambda text: scores[text])
        lengths.add(len(best))
        assert found[: len(best), lane].tolist() == list(best)
        assert (found[len(best) :, lane] == end).all()
    assert len(lengths) == (3 if closed else 1)


@pytest.mark.parametrize(("task", "budget", "length"), [("DigitsPairs-v0", 8, 2), ("DigitsSequence-v0", 12, 6)])
def test_both_read_in_turn_and_then_the_text_is_spoken(task: str, budget: int, length: int, tmp_path: Path) -> None:
    rows: list[dict[str, float]] = []
    small: dict[str, Any] = {**SMALL, "scenes": 8, "overrides": {"budget": budget}, "log": rows.append}
    agent = dram_both_ways.train(task, seed=0, steps=4 * 8 * budget, folder=tmp_path, **small)
    assert [row["steps"] for row in rows] == [4 * budget * k for k in range(1, 9)]
    score = evaluate(agent, task, scenes=20, progress=False, budget=budget)
    assert score.mean_glimpses == budget
    assert (score.log.actions["speak"][:, : budget - 1] == 0).all()
    assert (score.log.actions["speak"][:, budget - 1] == 1).all()
    assert replay(score.log).accuracy == score.accuracy
    assert len(agent.read[0]) == len(agent.read[1]) == length


def test_the_backward_reader_learns_the_text_from_its_end() -> None:
    env = make_lanes("DigitsSequence-v0", 8)
    policy = Policy(env, 32, 16)
    recipes = [dram.Config(**SMALL, from_right=right) for right in (False, True)]
    played = [dram.rollout(policy, env, env.reset(seed=0)[0], recipe, 0.2) for recipe in recipes]
    assert torch.equal(played[1].labels, dram.backwards(played[0].labels, 10))
    assert not torch.equal(played[1].labels, played[0].labels)


def test_a_budget_too_small_for_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="budget=3 must be at least 4"):
        dram_both_ways.train("DigitsPairs-v0", seed=0, steps=1, folder=tmp_path, overrides={"budget": 3})
