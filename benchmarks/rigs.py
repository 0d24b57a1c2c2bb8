"""What `benchmarks.throughput` times: each rig plays whole episodes of random actions, resets included."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

import glimpse_env  # noqa: F401  registers the ids

#: What to time: name -> id pattern, keywords that differ from the id's.
SCENES: dict[str, tuple[str, dict[str, Any]]] = {
    "60x60, 3 scales": ("Crowded{}Retina-v0", {}),
    "100x100, 4 scales": ("Crowded{}Retina100-v0", {}),
    "60x60, one patch": ("Crowded{}-v0", {"zooms": (1,), "stopping": False, "glimpse_cost": 0}),
    "100x100, 3 scales": ("Crowded{}Retina-v0", {"canvas": 100}),
}
#: The tasks whose scenes are of another kind, likewise; where an episode may end early, lanes go on at once.
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "pairs": ("{}Pairs-v0", {}),
    "addition": ("{}Addition-v0", {}),
    "sequence": ("{}Sequence-v0", {}),
    "words": ("Words-v0", {}),
    "caption": ("SceneCaption-v0", {}),
    "moving": ("Moving{}-v0", {}),
    "catch": ("GlimpseCatch-v0", {}),
    "drawing": ("Draw{}-v0", {}),
}

AP_GYM_WORKER = Path(__file__).with_name("ap_gym_worker.py")


class Slice(NamedTuple):
    """Whole episodes, played without a break.

    Attributes:
        moves: Steps, resets not counted.
        seconds: By the clock.
        busy: Seconds of processor time of this process, all threads together.
    """

    moves: int
    seconds: float
    busy: float


@dataclass
class Rig:
    """One thing to time.

    Attributes:
        scene: Name of what it plays.
        kind: ``"single"``, ``"sync"``, ``"async"``, ``"native"`` or ``"ap_gym"``.
        lanes: How many environments.
        threads: How many threads or processes share them.
        play: Plays whole episodes for at least so many seconds.
        slices: What it gave.
    """

    scene: str
    kind: str
    lanes: int
    threads: int
    play: Callable[[float], Slice]
    slices: list[Slice] = field(default_factory=list)

    @property
    def best(self) -> float:
        """Steps per second of the fastest slice."""
        return max(played.moves / played.seconds for played in self.slices)

    @property
    def median(self) -> float:
        """Steps per second of the middle slice."""
        return float(np.median([played.moves / played.seconds for played in self.slices]))

    @property
    def per_core(self) -> float | None:
        """Steps per second of processor time, at best: what an idle core does. None where several share the work."""
        if self.threads > 1:
            return None
        return max(played.moves / played.busy for played in self.slices)

    def row(self) -> dict[str, Any]:
        """The result, in steps per second."""
        about = {"scene": self.scene, "kind": self.kind, "lanes": self.lanes, "threads": self.threads}
        core = None if self.per_core is None else round(self.per_core)
        speed = {"per_core": core, "best": round(self.best), "median": round(self.median)}
        return {**about, **speed, "slices": len(self.slices)}


def single(scene: str, images: str) -> Rig:
    """One environment through `gym.make`."""
    id, keywords = _task(scene, images)
    env = gym.make(id, **keywords)
    budget = env.unwrapped.task.budget  # type: ignore[attr-defined]
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(budget)]
    env.reset(seed=0)

    def episode() -> int:
        env.reset()
        for moves, action in enumerate(cycle(actions), start=1):
            if env.step(action)[2]:
                return moves
        raise AssertionError("a cycle has no end")

    return Rig(scene, "single", 1, 1, _play(episode))


def vector(scene: str, images: str, kind: str, lanes: int, threads: int = 1) -> tuple[Rig, gym.vector.VectorEnv]:
    """A vector environment through `gym.make_vec`: ours (``"native"``), or Gymnasium's over our single one."""
    id, keywords = _task(scene, images)
    budget = {**gym.spec(id).kwargs, **keywords}["budget"]
    if kind == "native":
        env = gym.make_vec(id, lanes, num_threads=threads, **keywords)
    else:
        env = gym.make_vec(id, lanes, vectorization_mode=kind, **keywords)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(8)]
    env.reset(seed=0)

    def episode() -> int:
        moves = 0
        for k in range(budget + 1):  # next-step autoreset: the reset takes a call of its own, which is no move
            moves += lanes - int(np.count_nonzero(env.step(actions[k % len(actions)])[2]))
        return moves

    return Rig(scene, kind, lanes, threads, _play(episode)), env


def _task(scene: str, images: str) -> tuple[str, dict[str, Any]]:
    pattern, keywords = {**SCENES, **OTHERS}[scene]
    return pattern.format(images), {"fallback": None, **keywords}


def _play(episode: Callable[[], int]) -> Callable[[float], Slice]:
    def play(seconds: float) -> Slice:
        begun, busy, moves = time.perf_counter(), time.process_time(), 0
        while True:
            moves += episode()
            spent = time.perf_counter() - begun
            if spent >= seconds:
                return Slice(moves, spent, time.process_time() - busy)

    return play


@contextmanager
def ap_gym(python: Path, images: str, lanes: tuple[int, ...]) -> Iterator[tuple[list[Rig], str | None]]:
    """ap_gym's image classification on the canvases of "60x60, one patch", under the interpreter `python`.

    Yields:
        A rig for each number of lanes, with and without its prefetching thread, and its version; no rig and None where
        it is not installed.
    """
    scene = "60x60, one patch"
    id, keywords = _task(scene, images)
    env: Any = gym.make_vec(id, 5000, **keywords)
    env.reset(seed=0)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/scenes.npz", canvases=env.canvases(), labels=env.targets())
        worker = subprocess.Popen(
            [python, AP_GYM_WORKER, f"{folder}/scenes.npz", str(env.task.budget)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert worker.stdin is not None
        assert worker.stdout is not None
        requests, answers = worker.stdin, worker.stdout

        def ask(n: int, prefetch: bool) -> Callable[[float], Slice]:
            def play(seconds: float) -> Slice:
                print(json.dumps((n, prefetch, seconds)), file=requests, flush=True)
                return Slice(*json.loads(answers.readline()))

            return play

        try:
            version = answers.readline()
            ways = [(n, prefetch) for n in lanes for prefetch in (False, True)]
            rigs = [Rig(scene, "ap_gym", n, 1 + prefetch, ask(n, prefetch)) for n, prefetch in ways]
            yield (rigs, json.loads(version)) if version else ([], None)
        finally:
            requests.close()
            worker.wait()
            answers.close()
