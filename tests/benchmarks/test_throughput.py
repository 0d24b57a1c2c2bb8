"""The throughput command: it counts right, judges right, and leaves a whole result."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import rigs, throughput
from benchmarks.rigs import Rig, Slice
from benchmarks.throughput import PATCH, RETINA, WIDE, judge

#: Stands in for an interpreter with ap_gym: a worker that speaks the protocol.
WORKER = """
import json, sys
print(json.dumps("9.9"), flush=True)
for line in sys.stdin:
    lanes, prefetch, seconds = json.loads(line)
    print(json.dumps([lanes * 8, 0.001, 0.001]), flush=True)
"""


def rig(scene: str, kind: str, lanes: int, threads: int, *slices: tuple[int, float, float]) -> Rig:
    return Rig(scene, kind, lanes, threads, lambda seconds: Slice(0, 1, 1), [Slice(*played) for played in slices])


def test_a_rig_knows_its_best_slice_its_middle_one_and_its_core() -> None:
    busy = rig(RETINA, "native", 256, 1, (100, 10, 1), (300, 10, 2), (200, 10, 4))
    assert (busy.best, busy.median, busy.per_core) == (30, 20, 150)
    assert rig(RETINA, "native", 256, 2, (100, 10, 1)).per_core is None


def test_moves_are_counted_without_the_resets() -> None:
    assert rigs.single(RETINA, "Digits").play(0).moves == 8
    native, env = rigs.vector(RETINA, "Digits", "native", 3)
    assert native.play(0).moves == 3 * 8
    _, _, terminated, _, _ = env.step(env.action_space.sample())
    assert not terminated.any()  # a slice ends with the reset of every lane done
    for _ in range(7):
        _, _, terminated, _, _ = env.step(env.action_space.sample())
    assert terminated.all()


def test_bars_are_judged_by_the_core_and_two_threads_by_the_clock() -> None:
    slow = (1_000_000, 10.0, 1.0)
    bars = judge(
        [
            rig(RETINA, "native", 256, 1, slow),
            rig(RETINA, "native", 64, 1, (900_000, 10, 1)),
            rig(RETINA, "sync", 256, 1, (50_000, 1, 1)),
            rig(RETINA, "single", 1, 1, (130_000, 5, 1)),
            rig(RETINA, "native", 1024, 1, slow),
            rig(RETINA, "native", 1024, 2, (150_000, 1, 2)),
            rig(PATCH, "native", 256, 1, (2_000_000, 1, 1)),
            rig(PATCH, "ap_gym", 16, 1, (8_000, 1, 1)),
            rig(PATCH, "ap_gym", 64, 2, (10_000, 1, 1.5)),
            rig(WIDE, "native", 256, 1, (700_000, 1, 1)),
        ]
    )
    assert [bar.measured for bar in bars] == pytest.approx([20, 1e6, 130_000, 200, 1.5, 0.9, 0.7])
    assert [bar.passed for bar in bars] == [True, False, True, True, False, True, False]
    assert [bar.passed for bar in judge([])] == [None] * 7


def test_moves_are_counted_where_episodes_end_early(monkeypatch: pytest.MonkeyPatch) -> None:
    native, env = rigs.vector("sequence", "Digits", "native", 64)
    ends = []
    step = env.step

    def watched(actions: np.ndarray) -> tuple[Any, ...]:
        moved = step(actions)
        ends.append(moved[2].sum())
        return moved

    monkeypatch.setattr(env, "step", watched)
    assert native.play(0).moves == 64 * len(ends) - sum(ends)
    assert len(ends) == 19
    assert sum(ends) > 64  # some lanes end twice
    assert rigs.single("sequence", "Digits").play(0).moves < 18
    assert rigs.single("catch", "Digits").play(0).moves == 23


@pytest.mark.parametrize("installed", [True, False])
def test_the_command_leaves_a_whole_result(installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER if installed else "import there_is_no_such_module")
    monkeypatch.setattr(rigs, "AP_GYM_WORKER", worker)
    out = tmp_path / "throughput.json"
    throughput.main(
        images="Digits", lanes=(1, 4), seconds=0, repetitions=2, ap_gym_python=Path(sys.executable), out=out
    )
    result = json.loads(out.read_text())
    assert result["ap_gym"] == ("9.9" if installed else None)
    kinds = {(row["scene"], row["kind"], row["lanes"], row["threads"]) for row in result["rows"]}
    assert {
        (RETINA, "single", 1, 1),
        (RETINA, "native", 4, 2),
        (RETINA, "sync", 4, 1),
        (RETINA, "async", 1, 2),
        *((scene, kind, 1, 1) for scene in rigs.OTHERS for kind in ("single", "native")),
    } <= kinds
    assert ((PATCH, "ap_gym", 1, 1) in kinds) == installed
    for row in result["rows"]:
        assert row["slices"] == 2
        assert row["best"] >= row["median"] > 0
        assert (row["per_core"] is None) == (row["threads"] > 1)
    assert len(result["bars"]) == 7
    assert result["loads"].keys() == {"before", "after"}
    assert {"versions", "commit", "hardware", "command"} <= result.keys()
