"""What is said of captioners: the words of a log, which scenes are unseen, how good a sentence is, and pointing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents import hard_attention
from agents.captioner import Captioner, Recipe
from agents.telling import CaptionAgent
from benchmarks import captions
from benchmarks.captions import Command, across_seeds, gradients, named, pointing, quality, told, unseen
from glimpse_env import evaluate
from glimpse_env.evaluation import make_frozen
from glimpse_env.sources.objects import HELD_OUT, LIGHTS, NOUNS, SIZES
from glimpse_env.vector_env import GlimpseVectorEnv

ID = "SceneCaption-v0"
SMALLER: dict[str, Any] = {"count": (1, 2), "canvas": 72}
SCENES = 120


class Teller:
    """Says the last reference, and looks at the middle of the object that the next word is about, or at a corner."""

    action_mode = "hybrid"

    def __init__(self, looks: bool = True) -> None:
        self.looks = looks

    def reset(self, lanes: int) -> None:
        self.step = 0

    def peek(self, env: GlimpseVectorEnv) -> None:
        self.words = env.references()[:, 4]
        self.gazes = np.full((*self.words.shape, 2), -1.0)
        height, width = env.canvas_size
        for lane, row in enumerate(self.words if self.looks else ()):
            boxes = iter(env.boxes()[lane])
            for k, word in enumerate(row[row >= 0]):
                if env.symbols[word] == "a":
                    top, left, tall, wide = next(boxes)
                self.gazes[lane, k] = [2 * (top + tall / 2) / (height - 1) - 1, 2 * (left + wide / 2) / (width - 1) - 1]

    def act(self, observation: Any) -> dict[str, np.ndarray]:
        now, then = (min(self.step + k, self.words.shape[1] - 1) for k in (0, 1))
        self.step += 1
        return {
            "gaze": self.gazes[:, then], "zoom": self.words[:, 0] * 0, "symbol": self.words[:, now].clip(0),
        }  # fmt: skip


@pytest.fixture(scope="module")
def env() -> GlimpseVectorEnv:
    env = make_frozen(ID, SCENES, "test", **{**SMALLER, "reward": "cider"})
    env.reset(options={"index": np.arange(SCENES)})
    return env


def test_a_perfect_teller_is_perfect_and_points_where_it_looks(env: GlimpseVectorEnv) -> None:
    for looks in (True, False):
        log = evaluate(Teller(looks), ID, scenes=SCENES, progress=False, **SMALLER).log
        texts = told(log, env.symbols)
        found = quality(texts, env, np.arange(SCENES))
        assert {name: found[name] for name in ("bleu1", "bleu4", "exact")} == pytest.approx(
            {"bleu1": 100, "bleu4": 100, "exact": 1}
        )
        points = pointing(log, texts, env)
        assert points["noun"] == points["attribute"] == float(looks)
        assert points["words"] > 2 * SCENES
        assert 0.03 < points["chance"] < 0.15


def test_quality_falls_with_a_wrong_word(env: GlimpseVectorEnv) -> None:
    texts = [captions._text(env, scene, 0) for scene in range(SCENES)]
    best = quality(texts, env, np.arange(SCENES))
    worse = quality([[*text[:-1], "of"] for text in texts], env, np.arange(SCENES))
    assert worse["exact"] == 0
    assert all(worse[name] < best[name] for name in best)


def test_a_scene_is_unseen_if_an_object_is(env: GlimpseVectorEnv) -> None:
    hidden = unseen(env)
    for scene in range(SCENES):
        text = captions._text(env, scene, 4)  # size and light of every object
        kinds = [text[k - 2 : k + 1] for k, word in enumerate(text) if word in NOUNS]
        assert all(size in SIZES and light in LIGHTS for size, light, _ in kinds)
        assert hidden[scene] == any(HELD_OUT.get(noun) in kind for *kind, noun in kinds)
        assert named(env, scene) == [noun for *_, noun in kinds]
    assert 0.2 < hidden.mean() < 0.6


def test_the_noise_of_the_gradient_falls_with_the_moving_average() -> None:
    env = GlimpseVectorEnv(8, "objects", scene="described", stopping=False, autoreset_mode="Disabled", **SMALLER)
    env.reset(seed=0)
    torch.manual_seed(0)
    captioner = Captioner((72, 72), 1, len(env.symbols), Recipe(features=16, memory=16, hidden=16))
    rows = {row["tricks"]: row for row in gradients(captioner, env, 12)}
    assert rows["moving average"]["variance"] < 0.2 * rows["none"]["variance"]
    assert rows["entropy"]["variance"] == pytest.approx(rows["none"]["variance"], rel=0.05)


def test_results_are_told_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    recipe = Recipe(features=16, memory=16, hidden=16)
    captioner = Captioner((72, 72), 1, 26, recipe)
    captioner.say.bias.data[-1] = -5  # untrained, it would end at once
    agent = CaptionAgent(captioner, hard_attention.likeliest)
    log = evaluate(agent, ID, scenes=20, progress=False, **SMALLER).log
    result = {"agent": "hard_attention", "seed": 0, "steps": 1, "log": log.to_json()}
    folder = tmp_path / "captions" / "SceneCaption-v0-two" / "hard_attention"
    folder.mkdir(parents=True)
    (folder / "seed0.json").write_text(json.dumps(result))
    runs = tmp_path / "runs" / "captions" / "SceneCaption-v0-two" / "hard_attention-seed0"
    runs.mkdir(parents=True)
    (runs / "hard_attention.pt").touch()
    monkeypatch.setattr(captions.roster, "make", lambda *args, **keywords: agent)
    captions.main(Command(results=tmp_path, runs=tmp_path / "runs", pictures=tmp_path, draws=3))
    report = json.loads((folder.parent / "metrics.json").read_text())
    assert len(report["gradients"]) == 5
    (bleu,) = {found["all"]["bleu1"]["mean"] for found in report["across_seeds"].values()}
    assert bleu == report["rows"][0]["all"]["bleu1"] > 0
    assert set(report["rows"][0]) == {"agent", "seed", "all", "seen", "unseen", "pointing"}
    assert (tmp_path / "captions_hard.png").stat().st_size > 10_000


def test_seeds_are_summed_up() -> None:
    rows: list[dict[str, Any]] = [
        {"agent": agent, "all": {"bleu4": value}, "seen": {}, "unseen": {}, "pointing": points}
        for agent, value, points in (("a", 1.0, {"noun": 0.5}), ("a", 2.0, {"noun": 0.5}), ("b", 7.0, None))
    ]
    found = across_seeds(rows)
    assert found["a"]["all"]["bleu4"] == {"mean": 1.5, "interval": (1.0, 2.0)}
    assert found["a"]["pointing"]["noun"] == {"mean": 0.5, "interval": (0.5, 0.5)}
    assert found["b"] == {"all": {"bleu4": {"mean": 7.0, "interval": None}}, "seen": {}, "unseen": {}}
