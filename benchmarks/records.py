"""Write benchmarks/RECORDS.md: ours against the published, and what each ingredient is worth. All of it is generated.

python -m benchmarks records           # after a new result
python -m benchmarks records --check   # what a test runs
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import zooms
from benchmarks.files import RESULTS, read_json, replacing
from benchmarks.published import CLAIMS, Claim
from benchmarks.roster import ABLATIONS
from benchmarks.score import Result, load
from benchmarks.suite import Task, find

_INTRODUCTION = """\
# Records

Written by `python -m benchmarks records` from the files in `results/`, not by hand. Test error in percent on 10,000
frozen scenes, one path each. *known*: P read in the paper, N a third party's transcription of it, S the repository's
own files, R recollection (unconfirmed). Of RAM these are the numbers of the NIPS version. Of a task without stopping,
ours after k glimpses is the running answer of one agent trained for the whole budget; the papers trained one agent for
each number of glimpses. Every row of ours is one seed, trained once and scored once; *board*: `labels` sees glimpses
and the class, `reference` the hidden scene too. `python -m benchmarks verify FILE` replays it."""

_ABLATION = """\
One ingredient changed at a time, everything else as in `ram_plus`: {task}, {steps} steps, seed 0 and therefore no
evidence for small differences: the error's standard error from the scenes alone is about {error:.1f} points."""

_VARIANCE = """\
The gradient of the gaze's network on the same {scenes} scenes, drawn {draws} times with {copies} roll-outs of each
scene, after {steps} steps of training by wake-sleep; no weight changes meanwhile. *signal*: squared length of the mean
gradient; *noise*: variance, summed over the weights, by the signal. The two families estimate gradients of different
objectives (a bound of the label's log-likelihood, and itself), so compare the noise, not the variance."""


def markdown(results: Path = RESULTS) -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    found = load("records", results)
    for task in find("records"):
        of_task = [result for result in found if result["name"] == task.name]
        claims = [claim for claim in CLAIMS if claim.task == task.name]
        if of_task or claims:
            parts += [f"## {task.name}", _task(task), _against(task, claims, of_task)]
        zoomed = [result for result in of_task if "zoom" in task.tags and result["board"] == "labels"]
        for result in zoomed:
            parts += [f"Zooms of `{result['agent']}`, glimpse by glimpse:", zooms.markdown(result)]
    parts += _ablation(load("ablation", results))
    if (results / "gradient_variance.json").exists():
        parts += _variance(read_json(results / "gradient_variance.json"))
    return "\n\n".join(parts) + "\n"


def _task(task: Task) -> str:
    changed = ", ".join(f"{name}={value!r}" for name, value in task.overrides.items())
    return f"Seen: {task.seen}." + (f" `{task.id}` with {changed}." if changed else "")


def _against(task: Task, claims: Sequence[Claim], ours: Sequence[Result]) -> str:
    """Methods down, numbers of glimpses across; a method that stops stands under its mean."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for claim in claims:
        row = rows.setdefault((claim.who, f"{claim.label} | {claim.remark}"), {})
        row[f"{claim.glimpses:g}"] = f"{claim.error:.2f}"
    for result in ours:
        minutes = result["train_seconds"] / 60
        how = f"{result['steps'] / 1e6:g} M steps, {minutes:.0f} min, board {result['board']}" if result["steps"] else (
            f"{result['source']}, board {result['board']}"
        )  # fmt: skip
        row = rows.setdefault((f"**ours: `{result['agent']}`**", f"seed {result['seed']} | {how}"), {})
        score = result["evaluation"]
        if task.stopping:
            row[f"{score['mean_glimpses']:.2f}"] = f"**{100 * (1 - score['accuracy']):.2f}**"
        else:
            wanted = {claim.glimpses for claim in claims} or {task.budget}
            for glimpses, _, accuracy in score["by_glimpses"]:
                if glimpses in wanted or glimpses == task.budget:
                    row[f"{glimpses}"] = f"**{100 * (1 - accuracy):.2f}**"
    columns = sorted({glimpses for row in rows.values() for glimpses in row}, key=float)
    lines = [f"| glimpses | {' | '.join(columns)} | known | remark |", "|" + "---|" * (3 + len(columns))]
    for (who, remark), row in rows.items():
        lines.append(f"| {who} | {' | '.join(row.get(glimpses, '') for glimpses in columns)} | {remark} |")
    return "\n".join(lines)


def _ablation(found: Sequence[Result]) -> Iterable[str]:
    by_agent = {result["agent"]: result for result in found if result["seed"] == 0}
    if "ram_plus" not in by_agent:
        return []
    base = by_agent["ram_plus"]
    errors = {agent: 100 * (1 - result["evaluation"]["accuracy"]) for agent, result in by_agent.items()}
    about = 100 * (base["evaluation"]["accuracy"] * (1 - base["evaluation"]["accuracy"]) / 10_000) ** 0.5
    text = _ABLATION.format(task=base["name"], steps=f"{base['steps']:,}", error=about)
    lines = ["| variant | differs in | test error % | against the recipe | training s |", "|---|---|---|---|---|"]
    lines.append(f"| `ram_plus` | | {errors['ram_plus']:.2f} | | {base['train_seconds']:.0f} |")
    for agent in sorted(set(by_agent) & set(ABLATIONS), key=errors.__getitem__):
        differs = ", ".join(f"{name}={value!r}" for name, value in ABLATIONS[agent].items())
        delta, seconds = errors[agent] - errors["ram_plus"], by_agent[agent]["train_seconds"]
        lines.append(f"| `{agent}` | `{differs}` | {errors[agent]:.2f} | {delta:+.2f} | {seconds:.0f} |")
    return ["## What each ingredient of RAM+ is worth", text, "\n".join(lines)]


def _variance(found: Result) -> Iterable[str]:
    told = {name: f"{found[name]:,}" for name in ("scenes", "draws", "copies", "steps")}
    lines = ["| estimator | signal | variance | noise |", "|---|---|---|---|"]
    for row in found["rows"]:
        noise = "-" if row["noise"] is None else f"{row['noise']:.3g}"
        lines.append(f"| {row['estimator']} | {row['signal']:.3g} | {row['variance']:.3g} | {noise} |")
    return ["## How noisy the gaze's gradient is", _VARIANCE.format(**told), "\n".join(lines)]


def main(results: Path = RESULTS, check: bool = False) -> None:
    """Write the page if it is out of date, or with --check only say so.

    Args:
        results: Folder of results; the page of another folder than the committed one is written into it.
        check: Change nothing; the exit status is 1 if the page is out of date.
    """
    committed = results.resolve() == RESULTS.resolve()
    page = (Path(__file__).parent if committed else results) / "RECORDS.md"
    wanted = markdown(results)
    current = page.exists() and page.read_text(encoding="utf-8") == wanted
    state = "current" if current else "OUT OF DATE" if check else "written"
    Console(highlight=False, soft_wrap=True).print(f"{state}  {page}", markup=False)
    if check:
        sys.exit(not current)
    if not current:
        with replacing(page) as partial:
            partial.write_text(wanted, encoding="utf-8")
