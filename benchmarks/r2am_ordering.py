"""R2AM's claim: words are read better from plain to recursive convolutions, with a character RNN, and with attention.

    python -m benchmarks.r2am_ordering

Trains every variant with every seed on the one task of the suite ``words``, all on the same number of scenes, and
scores it on the frozen test scenes: without a lexicon, as any agent, and choosing among 50 texts, the right one and 49
of other test scenes. Results are cells like those of `python -m benchmarks run`, with the choices of the second score
beside the action log; killed, the same command goes on. Then it writes the table, and draws where the attention went.
Intervals are bootstraps over seeds and over test scenes, which are the same for all variants.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from rich.console import Console

from agents.pictures import sheet
from agents.r2am import R2amAgent
from benchmarks import roster
from benchmarks.cells import Cell, finished, measure, publish
from benchmarks.files import RESULTS, environment, read_json, replacing, write_json
from benchmarks.score import bootstrap
from benchmarks.suite import find
from glimpse_env.action_log import ActionLog
from glimpse_env.drawing import LETTER_HEIGHT, write
from glimpse_env.evaluation import make_frozen
from glimpse_env.sources import lexicon
from glimpse_env.sources.fonts import LETTERS

LEXICON: Final = 50  # texts to choose from

#: agent -> what it is, from what the paper says is worst to best.
VARIANTS: Final = {
    "r2am_cnn": "plain convolutions, a classifier a place",
    "r2am_recursive": "recursive (untied) convolutions, a classifier a place",
    "r2am_recurrent": "recurrent convolutions, a classifier a place",
    "r2am_rnn": "recursive convolutions, character RNN",
    "r2am": "recursive convolutions, attention",
}
#: What the paper says: the second reads better than the first.
CLAIMS: Final = (
    ("r2am_cnn", "r2am_recursive"),
    ("r2am_recurrent", "r2am_recursive"),
    ("r2am_recursive", "r2am_rnn"),
    ("r2am_rnn", "r2am"),
)

#: What is counted: texts read without a lexicon, those of them that are words, and those chosen from a lexicon.
KINDS: Final = ("free", "words", "chosen")

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def main(*, seeds: int = 3, steps: int | None = None, results: Path = RESULTS, runs: Path = Path("runs")) -> None:
    """Train and score what is missing, then write the table and the picture.

    Args:
        seeds: How many trainings of each variant.
        steps: Training budget in environment steps; None takes the suite's.
        results: Folder of results; what it has is not trained again.
        runs: Folder of checkpoints.
    """
    torch.set_num_threads(1)
    task = find("words")[0]
    cells = [
        Cell(suite="words", task=task, entrant=roster.resolve(name), seed=seed, steps=steps)
        for seed in range(seeds)
        for name in VARIANTS
    ]
    for cell in cells:
        if not finished(cell, results):
            result, agent = measure(cell, runs), trained(cell, runs)
            scenes = len(ActionLog.from_json(result["log"]).steps)
            publish(cell, {**result, "lexicon": choose(agent, task.id, scenes, **task.overrides)}, results)
    found = {name: [read_json(results / cell.path) for cell in cells if cell.entrant.name == name] for name in VARIANTS}
    summary = summarise(found)
    write_json(results / "r2am_ordering.json", summary)
    with replacing(results / "r2am_ordering.md") as partial:
        partial.write_text(markdown(summary), encoding="utf-8")
    best = trained(next(cell for cell in cells if cell.entrant.name == "r2am"), runs)
    draw_attention(best, task.id, results / "r2am_attention.png", **task.overrides)
    Console().print(markdown(summary), markup=False)


def trained(cell: Cell, runs: Path) -> R2amAgent:
    """The agent of a cell, from its checkpoint."""
    task, board = cell.task, cell.entrant.board
    training = {"steps": cell.budget, "folder": cell.folder(runs), "log": lambda row: None}
    overrides = {**task.overrides, **task.training.get(board, {})}
    agent = roster.make(cell.entrant, task.id, seed=cell.seed, overrides=overrides, **training)
    assert isinstance(agent, R2amAgent)
    return agent


def lexicons(texts: Ints) -> Ints:
    """`LEXICON` different texts for each scene, its own first, the others drawn from those of the other scenes.

    Args:
        texts: int64, (scenes, length).

    Returns:
        int64, (scenes, LEXICON, length).

    Raises:
        ValueError: If there are too few different texts.
    """
    known = np.unique(texts, axis=0)
    if len(known) < LEXICON:
        raise ValueError(f"a lexicon of {LEXICON} needs as many different texts, not {len(known)}: take more scenes")
    random = np.random.default_rng(0)
    words = np.empty((len(texts), LEXICON, texts.shape[1]), np.int64)
    for scene, text in enumerate(texts):
        others = known[(known != text).any(1)]
        words[scene] = np.concatenate([text[None], others[random.choice(len(others), LEXICON - 1, replace=False)]])
    return words


def choose(agent: R2amAgent, id: str, scenes: int, **overrides: Any) -> dict[str, Any]:
    """Score an agent that may choose among the texts of a lexicon, on the first `scenes` frozen test scenes.

    Returns:
        ``words`` (in a lexicon), ``accuracy`` and ``right``, 0 or 1 for each scene.
    """
    env = make_frozen(id, scenes, "test", **overrides)
    env.reset(options={"index": np.arange(scenes)})
    right = agent.reader.choose(env.canvases(), lexicons(env.targets())) == 0
    return {"words": LEXICON, "accuracy": float(right.mean()), "right": "".join("01"[k] for k in right.astype(int))}


def texts_of(log: ActionLog) -> Ints:
    """What the scenes of a log say: int64, (scenes, length)."""
    env = make_frozen(log.id, len(log.steps), log.split, **log.overrides)
    env.reset(options={"index": np.arange(len(log.steps))})
    return env.targets()


def right_of(log: ActionLog) -> Bools:
    """Which scenes of a log were read without a fault: bool, (scenes,)."""
    texts = texts_of(log)
    spoken = np.arange(texts.shape[1]) < log.steps[:, None]
    said = np.where(spoken, log.actions["symbol"][:, : texts.shape[1]], -1)
    return np.asarray((said == texts).all(1))


def words_of(log: ActionLog) -> Bools:
    """Which test scenes of a log show a word of the lexicon, not a random string: bool, (scenes,)."""
    known = set(lexicon.words_of("test"))
    spelled = ("".join(LETTERS[k] for k in text if 0 <= k < len(LETTERS)) for text in texts_of(log))
    return np.array([word in known for word in spelled])


def summarise(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """All results as rows, and each claim as a difference with its interval; plain JSON."""
    first = next(iter(found.values()))[0]
    shown = words_of(ActionLog.from_json(first["log"]))
    scores = {}
    for name, results in found.items():
        free = np.stack([right_of(ActionLog.from_json(result["log"])) for result in results])
        chosen = np.stack([np.array(list(result["lexicon"]["right"])) == "1" for result in results])
        scores[name] = dict(zip(KINDS, (free, free[:, shown], chosen), strict=True))
    rows = []
    for name, results in found.items():
        evaluations = [result["evaluation"] for result in results]
        rows.append(
            {
                "agent": name,
                "what": VARIANTS[name],
                "seeds": [result["seed"] for result in results],
                "symbol_error_rate": float(np.mean([each["symbol_error_rate"] for each in evaluations])),
                "train_seconds": float(np.mean([result["train_seconds"] for result in results])),
                **{kind: gain(scores[name][kind]) for kind in KINDS},
            }
        )
    claims = [
        {
            "worse": worse,
            "better": better,
            **{kind: gain(scores[better][kind], scores[worse][kind]) for kind in KINDS},
        }
        for worse, better in CLAIMS
    ]
    task = {name: first[name] for name in ("name", "task", "overrides", "training", "steps", "scenes")}
    return {
        **task,
        "words": int(shown.sum()),
        "lexicon": first["lexicon"]["words"],
        "rows": rows,
        "claims": claims,
        **environment(),
    }


def gain(right: Bools, other: Bools | None = None) -> dict[str, Any]:
    """Mean over seeds and scenes, of `right` or of how much more of it is true than of `other`, and its 95 % interval.

    Args:
        right: (seeds, scenes).
        other: The same of another variant, whose seeds are drawn apart and whose scenes are the same.
    """
    parts = [right] if other is None else [right, other]

    def mean(drawn: Sequence[Ints]) -> float:
        scenes, *seeds = drawn
        means = [float(part[picked].mean(0)[scenes].mean()) for part, picked in zip(parts, seeds, strict=True)]
        return means[0] - sum(means[1:])

    everything = [np.arange(right.shape[1]), *(np.arange(len(part)) for part in parts)]
    return {"mean": mean(everything), "interval": list(bootstrap(everything, mean))}


def markdown(summary: dict[str, Any]) -> str:
    """The summary as a page."""

    def percent(entry: dict[str, Any], sign: str = "") -> str:
        low, high = entry["interval"]
        return f"{100 * entry['mean']:{sign}.1f} ({100 * low:{sign}.1f} to {100 * high:{sign}.1f})"

    changed = f", with {summary['training']} meanwhile" if summary["training"] else ""
    lines = [
        "# Reading words: R2AM's ordering",
        "",
        "Written by `python -m benchmarks.r2am_ordering`, not by hand.",
        "",
        f"`{summary['task']}` with {summary['overrides'] or 'its own keywords'}, each trained for {summary['steps']:,} "
        f"steps' worth of scenes{changed}. Texts read without a fault in %, without a lexicon, those of "
        f"them that are words ({summary['words']} scenes; the others are random strings) and choosing among "
        f"{summary['lexicon']} texts, with 95 % intervals over seeds and scenes.",
        "",
        "| agent | what | seeds | no lexicon | symbol errors | words | lexicon | minutes |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in summary["rows"]:
        seeds, minutes = len(row["seeds"]), row["train_seconds"] / 60
        errors = f"{100 * row['symbol_error_rate']:.1f}"
        lines.append(
            f"| {row['agent']} | {row['what']} | {seeds} | {percent(row['free'])} | {errors} "
            f"| {percent(row['words'])} | {percent(row['chosen'])} | {minutes:.1f} |"
        )
    lines += [
        "",
        "By how many points the second is better than the first, which is what the paper claims:",
        "",
        "| first | second | no lexicon | words | lexicon |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for claim in summary["claims"]:
        gains = " | ".join(percent(claim[kind], "+") for kind in KINDS)
        lines.append(f"| {claim['worse']} | {claim['better']} | {gains} |")
    lines += ["", "![Where r2am, seed 0, attended at each symbol of the first ten test scenes](r2am_attention.png)", ""]
    return "\n".join(lines)


def draw_attention(agent: R2amAgent, id: str, path: Path, *, scenes: int = 10, **overrides: Any) -> None:
    """Draw for the first test scenes where the attention lay at every symbol: a row a scene, a picture a symbol.

    Args:
        agent: One with attention.
        id: The environment's id.
        path: The PNG to write.
        scenes: How many.
        **overrides: Keywords of the task that differ from the id's.
    """
    env = make_frozen(id, scenes, "test", **overrides)
    env.reset(options={"index": np.arange(scenes)})
    canvases, names, (height, width) = env.canvases(), env.symbols, env.canvas_size
    texts, maps = agent.reader.read(canvases)
    assert maps is not None
    scale, gap = 2, 4
    tall, wide = scale * height + LETTER_HEIGHT + 3 * gap, scale * width + gap
    page = np.full((scenes * tall, texts.shape[1] * wide + gap, 3), 255, np.uint8)
    for scene, text in enumerate(texts):
        spoken = list(text).index(len(names) - 1) if len(names) - 1 in text else len(text) - 1
        for k in range(spoken + 1):
            map = Image.fromarray(maps[scene, k] / maps[scene, k].max())
            picture = np.repeat(canvases[scene][..., None] * 0.75, 3, 2)
            picture[..., 0] += 160 * np.asarray(map.resize((width, height), Image.Resampling.BILINEAR))
            top, left = scene * tall + LETTER_HEIGHT + 2 * gap, k * wide + gap
            large = picture.clip(0, 255).astype(np.uint8).repeat(scale, 0).repeat(scale, 1)
            page[top : top + scale * height, left : left + scale * width] = large
            write(page, scene * tall + gap, left, names[text[k]].upper(), 1, (0, 0, 0))
    sheet(page, path)


if __name__ == "__main__":
    import tyro

    tyro.cli(main, description=__doc__)
