"""What captioners' results say beyond the reward: BLEU-1 to 4 and CIDEr on seen and unseen objects, and pointing.

    python -m benchmarks run --suite captions --agents soft_attention hard_attention no_attention
    python -m benchmarks.captions

Everything but the noise of the gradient and the pictures is computed from the action logs of the results; for those
two the checkpoints must still be in `runs`. An object is unseen if training never shows its noun with one of its
attributes; a scene is, if one of its objects is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import tyro
from rich.console import Console
from rich.table import Table
from torch import Tensor

from agents import hard_attention
from agents.captioner import Captioner
from agents.captioning import teach
from agents.telling import CaptionAgent
from agents.training import fresh_scenes, make_lanes
from benchmarks import roster
from benchmarks.cells import Cell
from benchmarks.files import RESULTS, environment, read_json, replacing, write_json
from benchmarks.score import bootstrap
from benchmarks.suite import find
from glimpse_env.action_log import ActionLog
from glimpse_env.evaluation import make_frozen
from glimpse_env.rendering import pixels_of
from glimpse_env.sentences import score, words
from glimpse_env.sources.objects import HELD_OUT, NOUNS
from glimpse_env.vector_env import GlimpseVectorEnv

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def told(log: ActionLog, symbols: tuple[str, ...]) -> list[list[str]]:
    """The sentence about every scene, without its end."""
    said = log.actions["symbol"]
    texts = [[symbols[word] for word in row[:steps]] for row, steps in zip(said, log.steps, strict=True)]
    return [text[: text.index("end")] if "end" in text else text for text in texts]


def named(env: GlimpseVectorEnv, scene: int) -> list[str]:
    """The nouns of a scene's objects, in the order of `GlimpseVectorEnv.boxes`."""
    return [noun for noun in _text(env, scene, 0) if noun in NOUNS]


def _text(env: GlimpseVectorEnv, scene: int, reference: int) -> list[str]:
    row = env.references()[scene, reference]
    return [env.symbols[word] for word in row[row >= 0] if env.symbols[word] != "end"]


def unseen(env: GlimpseVectorEnv) -> Bools:
    """Which scenes show what training never does together: bool, (scenes,)."""
    references = env.references()
    held_out = {(env.symbols.index(attribute), env.symbols.index(noun)) for noun, attribute in HELD_OUT.items()}
    pairs = np.stack([references[:, :, :-1], references[:, :, 1:]], axis=3)
    return np.any([(pairs == pair).all(axis=3).any(axis=(1, 2)) for pair in held_out], axis=0)


def quality(texts: list[list[str]], env: GlimpseVectorEnv, chosen: Ints) -> dict[str, float]:
    """BLEU-1 to 4 of the corpus (sacrebleu, no smoothing), mean CIDEr-D x 10, and the share equal to a reference."""
    from sacrebleu.metrics.bleu import BLEU

    references = env.references()
    joined = [[" ".join(_text(env, i, r)) for i in chosen] for r in range(references.shape[1])]
    mine = [" ".join(texts[i]) for i in chosen]
    result = {
        f"bleu{n}": BLEU(max_ngram_order=n, smooth_method="none", tokenize="none", force=True)
        .corpus_score(mine, joined)
        .score
        for n in (1, 2, 3, 4)
    }
    said = np.full((len(chosen), references.shape[2]), -1)
    for row, i in zip(said, chosen, strict=True):
        row[: len(texts[i])] = [env.symbols.index(word) for word in texts[i]]
    frequencies = env._dynamics._frequencies
    result["cider"] = 10 * float(score(references[chosen], said, len(env.symbols) - 1, frequencies)[:, 1].mean())
    result["exact"] = float(np.mean([any(text == part[k] for part in joined) for k, text in enumerate(mine)]))
    return result


def pointing(log: ActionLog, texts: list[list[str]], env: GlimpseVectorEnv) -> dict[str, float]:
    """How often the gaze of a word lies in the box of the object that it tells of, over words of one object alone.

    A noun that one object of the scene bears tells of that object, and so do the attributes before it.

    Returns:
        ``noun``, ``attribute``, how many ``words`` there were, and ``chance``: the same for uniformly random gazes.
    """
    boxes, (height, width) = env.boxes(), env.canvas_size
    hits: dict[str, list[bool]] = {"noun": [], "attribute": []}
    areas = []
    for scene, text in enumerate(texts):
        nouns = named(env, scene)
        for at in range(1, len(text)):
            later = [word for word in text[at:] if word in NOUNS]
            kind = "noun" if text[at] in NOUNS else "attribute"
            if text[at] not in (*NOUNS, "large", "small", "bright", "dim") or not later or nouns.count(later[0]) != 1:
                continue
            top, left, tall, wide = boxes[scene, nouns.index(later[0])]
            gaze = log.actions["gaze"][scene, at - 1]  # an action looks for the word after it
            row, column = pixels_of(gaze, height, width)
            hits[kind].append(bool(top <= row < top + tall and left <= column < left + wide))
            areas.append(tall * wide / (height * width))
    found = {kind: float(np.mean(some)) if some else 0.0 for kind, some in hits.items()}
    return {**found, "words": float(len(areas)), "chance": float(np.mean(areas)) if areas else 0.0}


#: The tricks of hard attention -> what differs from having none of them.
_TRICKS: dict[str, dict[str, Any]] = {
    "none": {},
    "moving average": {"forget": 0.9},
    "entropy": {"entropy": 0.002},
    "expectation in half": {"expect": 0.5},
    "all": {"forget": 0.9, "entropy": 0.002, "expect": 0.5},
}


def gradients(captioner: Captioner, env: GlimpseVectorEnv, draws: int) -> list[dict[str, Any]]:
    """The noise of the attention's gradient on one batch, with and without each trick, no weight changing.

    Returns:
        For each: ``signal``, the squared length of the mean gradient less the bias of a mean of draws; ``variance``,
        the mean squared distance of one draw from the mean; and ``noise``, their ratio, or None without signal.
    """
    fresh_scenes(env, 0, 0)
    captioner.eval()
    parameters = [
        p for part in (captioner.of_annotation, captioner.of_output, captioner.score) for p in part.parameters()
    ]
    sentences = torch.from_numpy(env.references()[:, 0])
    with torch.no_grad():
        annotations = captioner.annotate(env.canvases())
        cost = float(teach(captioner, annotations, sentences, hard_attention.likeliest).costs.sum(0).mean())
    plain = hard_attention.Config(expect=0.0, entropy=0.0, forget=1.0)
    rows = []
    for name, trick in _TRICKS.items():
        loss = hard_attention.Loss(replace(plain, **trick))
        torch.manual_seed(0)
        drawn = []
        for _ in range(draws):
            loss.baselines = {sentences.shape[1]: cost} if "forget" in trick else {}
            value, _ = loss(captioner, annotations, sentences)
            drawn.append(torch.cat([g.flatten() for g in torch.autograd.grad(value, parameters)]))
        rows.append({"tricks": name, **_noise(torch.stack(drawn))})
    return rows


def _noise(drawn: Tensor) -> dict[str, float | None]:
    variance = float(drawn.var(0).sum())
    signal = float(drawn.mean(0).square().sum()) - variance / len(drawn)
    return {"signal": signal, "variance": variance, "noise": variance / signal if signal > 0 else None}


def overlay(agent: CaptionAgent, env: GlimpseVectorEnv, scenes: list[int], path: Path) -> None:
    """Draw what each word of some sentences attended to, a row a scene, after the paper's figure 2."""
    import matplotlib.pyplot as plt

    agent.peek(env)
    captioner, canvases = agent.captioner, env.canvases()[scenes]
    said = torch.from_numpy(agent.words[scenes])
    lengths = [words(row.numpy(), captioner.end) for row in said]
    with torch.no_grad():
        weights = teach(captioner, captioner.annotate(canvases), said, agent.attend).weights.float()
    wide = max(lengths) + 1
    figure, axes = plt.subplots(len(scenes), wide, figsize=(1.1 * wide, 1.25 * len(scenes)), squeeze=False)
    for scene, canvas in enumerate(canvases):
        for k, axis in enumerate(axes[scene]):
            axis.axis("off")
            if k > lengths[scene]:
                continue
            axis.imshow(canvas, cmap="gray", vmin=0, vmax=255)
            if k:
                looked = weights[k - 1, scene].view(1, 1, *captioner.grid)
                spread = torch.nn.functional.interpolate(looked, canvas.shape[:2], mode="bilinear")[0, 0].numpy()
                axis.imshow(spread, cmap="hot", alpha=0.55, vmin=0)
                axis.set_title(env.symbols[int(said[scene, k - 1])], fontsize=8)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=90, bbox_inches="tight", format="png")
    plt.close(figure)


def across_seeds(rows: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Agent -> part of the scenes, or ``pointing`` -> measure -> its mean over the seeds and their 95 % interval."""
    result: dict[str, dict[str, dict[str, Any]]] = {}
    for agent in sorted({row["agent"] for row in rows}):
        mine = [row for row in rows if row["agent"] == agent]
        result[agent] = {
            part: {name: _mean([row[part][name] for row in mine]) for name in mine[0][part]}
            for part in ("all", "seen", "unseen", "pointing")
            if mine[0][part] is not None
        }
    return result


def _mean(values: list[float]) -> dict[str, Any]:
    interval = bootstrap([np.array(values)], lambda scores: float(scores[0].mean())) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "interval": interval}


@dataclass
class Command:
    """Describe every captioner's results.

    Attributes:
        task: Of the suite `captions`.
        results: Folder of results.
        runs: Folder of checkpoints, for the gradients and the pictures; where they are missing, these are left out.
        pictures: Folder for the pictures.
        draws: Of the gradient.
    """

    task: str = "SceneCaption-v0-two"
    results: Path = RESULTS
    runs: Path = Path("runs")
    pictures: Path = Path("docs/images")
    draws: int = 100


def main(command: Command) -> None:
    """Write ``captions/TASK/metrics.json`` beside the results, and the pictures."""
    torch.set_num_threads(1)
    (task,) = find("captions", (command.task,))
    folder = command.results / "captions" / task.name
    table = Table(
        "agent", "seed", "scenes", "BLEU-1", "2", "3", "4", "CIDEr", "equal %", "points: noun %", "attribute %"
    )
    rows: list[dict[str, Any]] = []
    report: dict[str, Any] = {"task": task.name, **environment(), "rows": rows}
    for path in sorted(folder.glob("*/seed*.json")):
        result = read_json(path)
        log = ActionLog.from_json(result["log"])
        env = make_frozen(log.id, len(log.steps), log.split, **{**log.overrides, "reward": "cider"})
        env.reset(options={"index": np.arange(len(log.steps))})
        hidden, everyone = unseen(env), np.arange(len(log.steps))
        texts = told(log, env.symbols) if "symbol" in log.actions else None
        if texts is None:  # an agent on the grid: the word is its last component
            texts = told(replace(log, actions={"symbol": log.actions["action"][..., -1]}), env.symbols)
        attends = result["agent"] in ("soft_attention", "hard_attention")
        row = {
            "agent": result["agent"],
            "seed": result["seed"],
            "all": quality(texts, env, everyone),
            "seen": quality(texts, env, everyone[~hidden]),
            "unseen": quality(texts, env, everyone[hidden]),
            "pointing": pointing(log, texts, env) if attends else None,
        }
        rows.append(row)
        for part in ("all", "seen", "unseen"):
            found = row[part]
            points = row["pointing"] if part == "all" else None
            table.add_row(
                row["agent"], str(row["seed"]), part, *(f"{found[f'bleu{n}']:.1f}" for n in (1, 2, 3, 4)),
                f"{found['cider']:.2f}", f"{100 * found['exact']:.1f}",
                *((f"{100 * points[kind]:.1f}" for kind in ("noun", "attribute")) if points else ("", "")),
            )  # fmt: skip
        entrant = roster.AGENTS.get(result["agent"])
        cell = Cell(suite="captions", task=task, entrant=entrant, seed=result["seed"]) if entrant else None
        if attends and cell and result["seed"] == 0 and (cell.folder(command.runs) / f"{result['agent']}.pt").exists():
            agent = roster.make(
                cell.entrant, task.id, seed=0, overrides=task.overrides, steps=result["steps"],
                folder=cell.folder(command.runs),
            )  # fmt: skip
            overlay(agent, env, list(range(8)), command.pictures / f"captions_{result['agent'].split('_')[0]}.png")
            if result["agent"] == "hard_attention":
                lanes = make_lanes(task.id, 32, **{**task.overrides, "count": [2, 2]})
                report["gradients"] = gradients(agent.captioner, lanes, command.draws)
    report["across_seeds"] = across_seeds(rows)
    write_json(folder / "metrics.json", report)
    Console().print(table)
    for row in report.get("gradients", ()):
        print(row)


if __name__ == "__main__":
    main(tyro.cli(Command))
