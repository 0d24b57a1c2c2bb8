"""How many steps a second? Our single environment, Gymnasium's vector environments over it, the native one, and ap_gym.

    python -m benchmarks throughput

Everything plays whole episodes of random actions; a step is a move of one lane; resets are paid for but not counted.
All rigs take turns in short slices, many times over, so that whatever else the machine does disturbs them alike. What
one thread does alone is also measured in processor time, which says what it would do on an idle core; the bars for one
core are judged by that, those for two by the clock. The load is printed beside them.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.files import RESULTS, environment, load, write_json
from benchmarks.rigs import OTHERS, SCENES, Rig, ap_gym, single, vector

LANES = (1, 16, 64, 256, 1024, 4096)
ASYNC_LANES = (1, 16, 64)  # a process each
FEWER_LANES = (1, 16, 64, 256, 1024)  # of ap_gym and of the other tasks
RETINA, RETINA100, PATCH, WIDE = SCENES


class Bar(NamedTuple):
    """What must be reached.

    Attributes:
        what: In words.
        bar: At least this.
        aim: What would be better still, or None.
        measured: None where something to compare with is missing.
    """

    what: str
    bar: float
    aim: float | None
    measured: float | None

    @property
    def passed(self) -> bool | None:
        """Whether it is reached."""
        return None if self.measured is None else self.measured >= self.bar


def main(
    *,
    images: Literal["MNIST", "Digits"] = "MNIST",
    lanes: tuple[int, ...] = LANES,
    seconds: float = 0.1,
    repetitions: int = 15,
    ap_gym_python: Path = Path(sys.executable),
    out: Path = RESULTS / "throughput.json",
) -> None:
    """Time everything, print the table and the bars, and write the result.

    Args:
        images: Of the real MNIST or the bundled ones.
        lanes: How many lanes to try.
        seconds: Length of a slice; it always takes whole episodes.
        repetitions: Slices of each rig.
        ap_gym_python: An interpreter that has ap_gym (`pip install ap-gym aiohttp pillow scipy`); without, no row.
        out: The JSON file.
    """
    before = load()
    with contextlib.ExitStack() as stack:
        rigs = [single(scene, images) for scene in (*SCENES, *OTHERS)]
        for scene in (*SCENES, *OTHERS):
            for n in lanes if scene in SCENES else [n for n in lanes if n in FEWER_LANES]:
                kinds = [("native", 1)] + [("native", 2)] * (n > 1 and scene in SCENES)
                if scene in SCENES and scene != WIDE:
                    kinds += [("sync", 1)] + [("async", n + 1)] * (n in ASYNC_LANES)
                for kind, threads in kinds:
                    rig, env = vector(scene, images, kind, n, threads)
                    stack.callback(env.close)
                    rigs.append(rig)
        others, version = stack.enter_context(
            ap_gym(ap_gym_python, images, tuple(n for n in lanes if n in FEWER_LANES))
        )
        rigs += others
        for rig in track(rigs, "warming up"):
            rig.play(0)
        for _ in track(range(repetitions), "timing, in turns"):
            for rig in rigs:
                rig.slices.append(rig.play(seconds))
    bars = judge(rigs)
    loads = {"before": before, "after": load()}
    console = Console()
    for scene in (*SCENES, *OTHERS):
        console.print(table(scene, [rig for rig in rigs if rig.scene == scene]))
    if version is None:
        console.print(f"ap_gym is missing: {ap_gym_python} cannot import it")
    console.print(bar_table(bars), f"load: {before} before, {loads['after']} after")
    result = {
        "format": 1,
        "images": images,
        "slice_seconds": seconds,
        "loads": loads,
        "ap_gym": version,
        "bars": [{**bar._asdict(), "passed": bar.passed} for bar in bars],
        "rows": [rig.row() for rig in rigs],
        **environment(),
    }
    write_json(out, result)


def judge(rigs: list[Rig]) -> list[Bar]:
    """Every bar that these rigs allow to judge; the others stay unmeasured."""
    core = {(rig.scene, rig.kind, rig.lanes): rig.per_core for rig in rigs if rig.per_core}
    clock = {rig.threads: rig.best for rig in rigs if (rig.scene, rig.kind, rig.lanes) == (RETINA, "native", 1024)}
    native = core.get((RETINA, "native", 256))
    peer = max((_speed(rig) for rig in rigs if rig.kind == "ap_gym"), default=None)
    lanes = [rate for (scene, kind, n), rate in core.items() if (scene, kind) == (RETINA, "native") and n >= 64]

    def ratio(over: float | None, under: float | None) -> float | None:
        return over / under if over and under else None

    return [
        Bar(f"{RETINA}, 256 lanes: native / SyncVectorEnv", 8, 12, ratio(native, core.get((RETINA, "sync", 256)))),
        Bar(f"{RETINA}, 256 lanes: native, steps/s", 1.2e6, 3e6, native),
        Bar(f"{RETINA}: single environment, steps/s", 120_000, None, core.get((RETINA, "single", 1))),
        Bar(f"{PATCH}, 256 lanes: native / ap_gym at best", 150, None, ratio(core.get((PATCH, "native", 256)), peer)),
        Bar(f"{RETINA}, 1024 lanes: two threads / one", 1.6, None, ratio(clock.get(2), clock.get(1))),
        Bar(f"{RETINA}, 64 to 4096 lanes: slowest / fastest", 0.8, None, min(lanes) / max(lanes) if lanes else None),
        Bar("3 scales, 256 lanes: 100x100 / 60x60", 0.8, None, ratio(core.get((WIDE, "native", 256)), native)),
    ]


def _speed(rig: Rig) -> float:
    return rig.per_core or rig.best


def table(scene: str, rigs: list[Rig]) -> Table:
    """Speeds on one scene: of a core or, where several share the work, of the fastest slice; behind it the median."""
    shown = Table(title=f"{scene}: thousand steps per second")
    columns = {"single": 1, "sync": 1, "native": 1, "native, 2 threads": 2, "async": None, "ap_gym": None}
    for name in ("lanes", *columns):
        shown.add_column(name, justify="right")
    for n in sorted({rig.lanes for rig in rigs}):
        cells = []
        for name, threads in columns.items():
            kind = name.partition(",")[0]
            found = [rig for rig in rigs if (rig.lanes, rig.kind) == (n, kind) and threads in (None, rig.threads)]
            rig = max(found, key=_speed, default=None)
            cells.append(f"{_speed(rig) / 1000:,.1f} ({rig.median / 1000:,.1f})" if rig else "")
        shown.add_row(str(n), *cells)
    return shown


def bar_table(bars: list[Bar]) -> Table:
    """What was reached of what must be."""
    shown = Table(title="bars, one core, resets included")
    for name in ("bar", "at least", "aim", "measured", "passed"):
        shown.add_column(name, justify="left" if name == "bar" else "right")
    for bar in bars:
        numbers = ("-" if value is None else f"{value:,.4g}" for value in (bar.bar, bar.aim, bar.measured))
        shown.add_row(bar.what, *numbers, {True: "yes", False: "NO", None: "-"}[bar.passed])
    return shown
