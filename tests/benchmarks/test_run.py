from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.run import grid
from benchmarks.suite import SUITES

ROOT = Path(__file__).parents[2]

# Agents as a user might bring them. `slow` leaves a checkpoint at every step of its training, and counts the steps it
# did in `work`, so that it shows whether any of them was done twice.
AGENTS = """
import os, time
import numpy as np

class Guess:
    def __init__(self, seed): self.seed = seed
    def reset(self, lanes): self.random = np.random.default_rng(self.seed)
    def act(self, observation): return self.random.integers([9, 9, 10], size=(len(observation["gaze"]), 3))

def slow(task, *, seed, steps, folder, log, overrides):
    path = folder / "done"
    done = int(path.read_text()) if path.exists() else 0
    while done < steps:
        time.sleep(0.05)
        done += 1000
        with (folder / "work").open("a") as work:
            work.write(f"{done} ")
        log({"steps": done, "accuracy": done / 1e6})  # before the checkpoint: what is done twice is logged once
        (folder / "partial").write_text(str(done))
        (folder / "partial").replace(path)
    return Guess(seed)

def crash(task, *, seed, steps, folder, log, overrides): os.kill(os.getpid(), 11)

def fault(task, *, seed, steps, folder, log, overrides): raise ValueError("the policy has diverged")
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The command that runs agents of `mine` on one small task, in `tmp_path`."""
    (tmp_path / "mine.py").write_text(AGENTS)
    where = ["--suite", "smoke", "--tasks", "CenteredDigits-v0", "--results", "results", "--runs", "runs"]
    return [sys.executable, "-m", "benchmarks", "run", *where]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def run(command: list[str], tmp_path: Path) -> Run:
    def call(*more: str, **options: Any) -> subprocess.CompletedProcess[str]:
        environ = {**environment(), **options.pop("env", {})}
        arguments = [*command, *more]
        return subprocess.run(arguments, cwd=tmp_path, env=environ, capture_output=True, text=True, **options)

    return call


@pytest.fixture
def started(command: list[str], tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []

    def start(*more: str) -> subprocess.Popen[bytes]:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        processes.append(subprocess.Popen([*command, *more], cwd=tmp_path, env=environment(), **quiet))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def results(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.json"))}


def telling(content: bytes) -> dict[str, Any]:
    """What of a result does not depend on the clock."""
    result = json.loads(content)
    return {name: value for name, value in result.items() if name not in ("train_seconds", "eval_seconds", "hardware")}


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def scores(output: str) -> list[str]:
    return [line.strip() for line in output.splitlines() if line.strip().startswith("reward ")]


def test_the_grid_is_agents_by_tasks_by_seeds() -> None:
    cells = grid(["random", "mine=ppo"], ["CenteredMNIST-v0", "CrowdedMNIST-v0"], seeds=2, first_seed=4)
    assert len(cells) == 8
    assert [str(cell.path) for cell in cells[:3]] == [
        "leaderboard/CenteredMNIST-v0/random/seed4.json",
        "leaderboard/CenteredMNIST-v0/mine/seed4.json",
        "leaderboard/CrowdedMNIST-v0/random/seed4.json",
    ]
    assert cells[-1].seed == 5
    assert (
        cells[0]
        .command()
        .endswith("--suite leaderboard --agents random --tasks CenteredMNIST-v0 --seeds 1 --first-seed 4")
    )
    assert "--agents mine=ppo " in cells[1].command()


def test_the_grid_takes_budgets_and_seeds_from_the_suite() -> None:
    cells = grid(["ram"])
    assert len(cells) == sum(task.seeds for task in SUITES["leaderboard"])
    assert cells[0].budget == SUITES["leaderboard"][0].steps["labels"]
    assert grid(["ram"], steps=5)[0].budget == 5
    slow = {cell.budget for cell in grid(["recurrent_ppo"])}
    assert max(slow) == 150_000 < SUITES["leaderboard"][-1].steps["reward"], "too slow for the whole budget"
    assert grid(["recurrent_ppo"], suite="smoke")[0].budget == 20_000
    assert grid(["recurrent_ppo"], steps=10**6)[0].budget == 10**6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"agents": []}, "at least one"),
        ({"agents": ["ppo", "ppo"]}, "a name of its own"),
        ({"agents": ["ppo"], "seeds": 0}, "seeds=0 must be at least 1"),
        ({"agents": ["ppo"], "steps": -1}, "steps=-1 must be at least 1"),
        ({"agents": ["ppo"], "first_seed": -1}, "first_seed=-1 must be at least 0"),
    ],
)
def test_the_grid_refuses_what_makes_no_sense(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        grid(**arguments)


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_with_nothing_lost_and_nothing_doubled(
    run: Run, started: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    agents = ("--agents", "mine:Guess", "mine:slow", "--seeds", "2", "--workers", "2")
    process = started(*agents)
    folder = tmp_path / "results"
    curve = tmp_path / "runs" / "smoke" / "CenteredDigits-v0" / "slow-seed0" / "curve.json"
    wait_for(lambda: bool(results(folder)) and curve.exists())
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = results(folder)
    assert 0 < len(before) < 4

    again = run(*agents)
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"4 cells, {len(before)} of them finished" in again.stdout
    after = results(folder)
    assert len(after) == 4
    assert {name: after[name] for name in before} == before  # untouched
    rows = json.loads(after["smoke/CenteredDigits-v0/slow/seed0.json"])["curve"]
    assert [row["steps"] for row in rows] == [1000.0 * k for k in range(1, 21)]
    work = (curve.parent / "work").read_text().split()
    assert len(work) <= 20 + 1  # at most the step in which it was killed was done again
    assert not list(tmp_path.rglob("results/**/*.partial"))

    whole = run(*agents, "--results", "uninterrupted", "--runs", "other_runs")
    assert scores(whole.stdout) == scores(again.stdout)
    assert len(scores(whole.stdout)) == 2
    expected = results(tmp_path / "uninterrupted")
    assert {name: telling(content) for name, content in after.items()} == {
        name: telling(content) for name, content in expected.items()
    }

    third = run(*agents)
    assert "4 cells, 4 of them finished" in third.stdout
    assert results(folder) == after

    other = run(*agents, "--steps", "5000")
    assert other.returncode == 1
    assert "is a result of another configuration (steps 20000, now 5000) and is never overwritten" in other.stderr
    assert "choose another name" in other.stderr
    assert results(folder) == after


@pytest.mark.slow
def test_a_cell_that_crashes_or_fails_is_reported_and_stops_no_other(run: Run, tmp_path: Path) -> None:
    done = run("--agents", "mine:crash", "mine:fault", "mine:Guess", "--seeds", "1")
    assert done.returncode == 1
    assert "crash seed 0: FAILED, its process was killed by signal 11" in done.stdout
    assert "fault seed 0: FAILED, the policy has diverged" in done.stdout
    assert list(results(tmp_path / "results")) == ["smoke/CenteredDigits-v0/Guess/seed0.json"]
    log = tmp_path / "runs" / "smoke" / "CenteredDigits-v0" / "fault-seed0" / "output.txt"
    assert "Traceback" in log.read_text()


@pytest.mark.slow
def test_checkpoints_of_another_configuration_are_refused(run: Run, tmp_path: Path) -> None:
    assert run("--agents", "mine:slow", "--seeds", "1", "--steps", "1000").returncode == 0
    again = run("--agents", "mine:slow", "--seeds", "1", "--steps", "2000", "--results", "elsewhere")
    assert again.returncode == 1
    assert "holds a training of another configuration" in again.stdout
    assert not results(tmp_path / "elsewhere")


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_earlier_results(run: Run, tmp_path: Path) -> None:
    assert run("--agents", "mine:Guess", "--seeds", "1").returncode == 0
    before = results(tmp_path / "results")
    (size,) = map(len, before.values())

    def little_space() -> None:  # every write past it fails, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1000, size - 1000))

    full = run("--agents", "mine:Guess", "other=mine:Guess", "--seeds", "1", preexec_fn=little_space)
    assert full.returncode == 1
    assert "other seed 0: FAILED, cannot write" in full.stdout
    assert "File too large" in full.stdout
    assert "run the same command again" in full.stdout
    assert results(tmp_path / "results") == before
    assert not list((tmp_path / "results").rglob("*.partial"))
    assert run("--agents", "mine:Guess", "other=mine:Guess", "--seeds", "1").returncode == 0
    assert len(results(tmp_path / "results")) == 2


def test_an_unwritable_folder_is_said_at_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = run("--agents", "mine:slow", "--results", "file/results")
    assert refused.returncode == 1
    assert "error: cannot write file/results" in refused.stderr
    assert "a part of the path is a file, not a folder: choose another" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_ray_cluster_of_two_workers(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    ray = Path(sys.executable).with_name("ray")
    quiet = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    environ = {**environment(), **quiet}
    arguments = [
        "start",
        "--head",
        "--block",
        "--num-cpus=2",
        "--include-dashboard=false",
        "--node-ip-address=127.0.0.1",
        "--port=0",
    ]
    with subprocess.Popen([ray, *arguments], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True) as cluster:
        try:
            address = next(line for line in cluster.stdout or () if "--address='" in line).split("'")[1]
            agents = ("--agents", "mine:Guess", "mine:slow", "mine:fault", "--seeds", "2")
            done = run(*agents, "--ray", address, env=quiet)
            again = run(*agents, "--ray", address, env=quiet)
        finally:
            cluster.send_signal(signal.SIGTERM)
    assert "fault seed 0: FAILED, the policy has diverged" in done.stdout, done.stdout + done.stderr
    assert len(results(tmp_path / "results")) == 4
    assert "6 cells, 4 of them finished" in again.stdout
    local = run(*agents[:3], "--seeds", "2", "--results", "local", "--runs", "local_runs")
    assert local.returncode == 0, local.stdout + local.stderr
    assert scores(local.stdout) == scores(done.stdout)
