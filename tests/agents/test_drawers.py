"""Hands that were taught nothing: greed is greedy, and chance is not."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from agents.drawers import GRID, GreedyHand, RandomHand
from glimpse_env import GlimpseEnv, GlimpseVectorEnv, evaluate
from glimpse_env.sources.brushes import BRUSHES


def test_the_greedy_hand_takes_the_best_of_all_strokes() -> None:
    task: dict[str, Any] = {"scene": "drawing", "stopping": False, "reward": "running", "grid": GRID, "zooms": (1,)}
    env = GlimpseVectorEnv(1, "digits", **task)
    observation, _ = env.reset(options={"index": 3})
    hand = GreedyHand()
    hand.peek(env)
    paid = env.step(hand.act(observation))[1][0]
    single = GlimpseEnv("digits", **task)
    gains = []
    for action in itertools.product(range(0, GRID, 3), range(0, GRID, 3), range(len(BRUSHES))):
        single.reset(options={"index": 3})
        gains.append(single.step(np.array(action))[1])
    assert paid >= max(gains) > 0


def test_greed_draws_and_chance_does_not() -> None:
    greedy, random = (
        evaluate(hand, "DrawDigits-v0", scenes=40, progress=False) for hand in (GreedyHand(), RandomHand())
    )
    assert greedy.mean_return > 0.5 > 0 > random.mean_return
    assert greedy.accuracy > 0.8
    assert random.accuracy == 0
