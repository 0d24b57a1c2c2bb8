"""Where cells run: processes of this machine, or a Ray cluster. Both give each cell back once it has ended."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
import traceback
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from benchmarks import cells
from benchmarks.cells import Cell

_TICK = 0.5  # seconds between two looks at the running cells

#: A cell that ended and what went wrong, None if nothing did; or None, now and then, for a moment to show progress in.
Ended = tuple[Cell, str | None] | None


def on_this_machine(todo: Sequence[Cell], results: Path, runs: Path, workers: int) -> Iterator[Ended]:
    """Run cells in processes of their own, `workers` at a time; one that crashes does not stop the others."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # small batches: a second thread waits more than it works
    context = multiprocessing.get_context("spawn")  # torch and numba do not survive a fork
    waiting = list(todo)
    running: dict[Any, tuple[Cell, Any, Connection]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                cell = waiting.pop(0)
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(cell, results, runs, sender))
                process.start()
                sender.close()
                running[process.sentinel] = (cell, process, receiver)
            for sentinel in wait(list(running), timeout=_TICK):
                cell, process, receiver = running.pop(sentinel)
                process.join()
                yield cell, _verdict(receiver, process.exitcode)
            yield None
    finally:
        for _, process, _ in running.values():
            process.terminate()


def _verdict(receiver: Connection, exitcode: int) -> str | None:
    try:
        error: str | None = receiver.recv()
        return error
    except EOFError:
        ended = f"was killed by signal {-exitcode}" if exitcode < 0 else f"ended with status {exitcode}"
        return f"its process {ended}; is memory short? the same command tries again"
    finally:
        receiver.close()


def _work(cell: Cell, results: Path, runs: Path, sender: Connection) -> None:
    """The life of one process: one cell, its output in a file beside its checkpoints."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    error = None
    try:
        output = cell.folder(runs) / "output.txt"
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("a", buffering=1) as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        cells.publish(cell, cells.measure(cell, runs), results)
    except Exception as problem:
        with contextlib.suppress(OSError):  # the disk may be what failed
            traceback.print_exc()
        error = _describe(problem)
    sender.send(error)


def _end_with_parent() -> None:
    """A run that is killed takes its workers along: else they would go on, unseen, beside those of the next run."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def on_ray(todo: Sequence[Cell], results: Path, runs: Path, workers: int | None, address: str) -> Iterator[Ended]:
    """Run cells on a Ray cluster, one core each.

    Every node needs this checkout at the same path, and the data; `runs` should be a folder that all of them share, so
    that a cell can go on elsewhere. Results travel back and are written here.

    Args:
        todo: What to run.
        results: Folder of results, here.
        runs: Folder of checkpoints, on the nodes.
        workers: Most cells at a time; None for as many as the cluster has cores.
        address: Of the cluster, as ``ray.init`` takes it; ``"local"`` starts one on this machine.
    """
    try:
        import ray
    except ImportError as error:
        raise SystemExit(f"--ray needs Ray ({error}); pip install 'glimpse-env[ray]'") from error

    passed = {name: os.environ[name] for name in ("GLIMPSE_DATA", "GLIMPSE_OFFLINE") if name in os.environ}
    passed["PYTHONPATH"] = os.pathsep.join(filter(None, (os.getcwd(), os.environ.get("PYTHONPATH"))))
    ray.init(
        address=address,
        num_cpus=workers if address == "local" else None,
        include_dashboard=False if address == "local" else None,
        log_to_driver=False,
        runtime_env={"env_vars": passed},
    )
    measure = ray.remote(num_cpus=1, max_retries=0, max_calls=1)(cells.measure)
    waiting = list(todo)
    running: dict[Any, Cell] = {}
    try:
        while waiting or running:
            while waiting and (workers is None or len(running) < workers):
                cell = waiting.pop(0)
                running[measure.remote(cell, runs.resolve())] = cell
            for reference in ray.wait(list(running), timeout=_TICK)[0]:
                cell, failure = running.pop(reference), None
                try:
                    cells.publish(cell, ray.get(reference), results)
                except ray.exceptions.RayTaskError as problem:
                    failure = _describe(problem.cause)
                except (ray.exceptions.RayError, OSError) as problem:
                    failure = _describe(problem)
                yield cell, failure
            yield None
    finally:
        ray.shutdown()


def _describe(problem: BaseException) -> str:
    known = isinstance(problem, OSError | ValueError | RuntimeError)
    text = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    return text if known and text else f"{type(problem).__name__}: {problem}"
