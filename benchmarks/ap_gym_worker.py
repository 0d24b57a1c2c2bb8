"""Times ap_gym on our canvases, in a process and, where need be, a Python of its own (its packages need not fit ours).

It imports nothing of this project. `benchmarks.rigs` starts it as ``python ap_gym_worker.py SCENES.npz BUDGET`` and
speaks JSON lines with it: each line in, ``[lanes, prefetch, seconds]``, is answered by one slice: moves, seconds,
seconds of processor time.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import ap_gym
import numpy as np
from ap_gym.envs.image import ImageClassificationDataset, ImagePerceptionConfig
from ap_gym.envs.image_classification import ImageClassificationVectorEnv


class Scenes(ImageClassificationDataset):
    """Ready-made canvases, so that ap_gym need not draw any."""

    def __init__(self, canvases: Any, labels: Any) -> None:
        self.canvases, self.labels = canvases[..., None].astype(np.float32) / 255, labels

    def _get_length(self) -> int:
        return len(self.labels)

    def _get_num_classes(self) -> int:
        return 10

    def _get_num_channels(self) -> int:
        return 1

    def _get_data_point_batch(self, idx: Any) -> Any:
        return self.canvases[idx], self.labels[idx]


class Rig:
    """One vector environment: a 12x12 sensor, one pixel a cell, and as many steps as our budget."""

    def __init__(self, scenes: Scenes, budget: int, lanes: int, prefetch: bool) -> None:
        config = ImagePerceptionConfig(
            dataset=scenes, sensor_size=(12, 12), step_limit=budget, prefetch=prefetch, prefetch_buffer_size=2
        )
        self.env, self.budget, self.lanes = ImageClassificationVectorEnv(lanes, config), budget, lanes
        self.env.action_space.seed(0)
        self.actions = [self.env.action_space.sample() for _ in range(8)]
        self.env.reset(seed=0)

    def slice(self, seconds: float) -> tuple[int, float, float]:
        """Whole episodes, resets included, for at least so many seconds."""
        begun, busy, moves = time.perf_counter(), time.process_time(), 0
        while True:
            for k in range(self.budget + 1):  # its autoreset takes a step of its own
                self.env.step(self.actions[k % len(self.actions)])
            moves += self.lanes * self.budget
            spent = time.perf_counter() - begun
            if spent >= seconds:
                return moves, spent, time.process_time() - busy


def main() -> None:
    """Answer requests until the input ends."""
    data = np.load(sys.argv[1])
    scenes, budget = Scenes(data["canvases"], data["labels"]), int(sys.argv[2])
    rigs: dict[tuple[int, bool], Rig] = {}
    print(json.dumps(ap_gym.__version__), flush=True)
    for line in sys.stdin:
        lanes, prefetch, seconds = json.loads(line)
        if (lanes, prefetch) not in rigs:
            rigs[lanes, prefetch] = Rig(scenes, budget, lanes, prefetch)
            rigs[lanes, prefetch].slice(0)
        print(json.dumps(rigs[lanes, prefetch].slice(seconds)), flush=True)


if __name__ == "__main__":
    main()
