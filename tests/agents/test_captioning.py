"""The captioners: what each loss trains, what a beam finds, that they learn, and that a log shows where they look."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from agents import hard_attention, soft_attention
from agents.captioner import Captioner, Recipe, expectation, vgg19
from agents.captioning import teach
from agents.telling import beam_search, gazes_of
from agents.training import make_lanes
from glimpse_env import evaluate, replay
from glimpse_env.vector_env import GlimpseVectorEnv

ID = "SceneCaption-v0"


def bars(count: int = 200) -> tuple[Any, Any]:
    """Images of 12x12: a standing bar is class 0, a lying one class 1."""
    labels = np.arange(count) // 10 % 2
    images = np.zeros((count, 12, 12), np.uint8)
    images[labels == 0, :, 4:8] = 255
    images[labels == 1, 4:8, :] = 255
    return images, labels


TOY: dict[str, Any] = {"source": bars(), "count": (1, 2), "canvas": 48, "patch": 8, "budget": 11}
SMALL: dict[str, Any] = {
    "scenes": 16,
    "features": 32,
    "memory": 32,
    "hidden": 16,
    "learning_rate": 5e-3,
    "growth": (0.2, 0.4),
}
WORDS = 10  # seven of the grammar, two classes and the end


def lanes(count: int = 12) -> GlimpseVectorEnv:
    env = make_lanes(ID, count, **TOY)
    env.reset(seed=0)
    return env


def captioner(attends: bool = True) -> Captioner:
    torch.manual_seed(0)
    return Captioner((48, 48), 1, WORDS, Recipe(features=32, memory=32, hidden=16), attends)


def sentences(env: GlimpseVectorEnv) -> Tensor:
    return torch.from_numpy(env.references()[:, 0])


def attention_of(model: Captioner) -> list[Tensor]:
    return [p for name in ("of_annotation", "of_output", "score") for p in getattr(model, name).parameters()]


@pytest.mark.parametrize("module", [soft_attention, hard_attention])
def test_learns_and_its_log_is_what_it_attended_to(module: Any, tmp_path: Path) -> None:
    rows: list[dict[str, float]] = []
    agent = module.train(ID, seed=0, steps=16 * 7 * 120, folder=tmp_path, overrides=TOY, log=rows.append, **SMALL)
    assert rows[-1]["nats_a_word"] < 0.5 * rows[0]["nats_a_word"]
    score = evaluate(agent, ID, scenes=60, progress=False, **TOY)
    assert score.mean_return > 0.4  # an untrained one gets less than 0.1
    assert replay(score.log).mean_return == score.mean_return
    env = make_lanes(ID, 60, "test", **TOY)
    env.reset(options={"index": np.arange(60)})
    with torch.autocast("cpu", torch.bfloat16):
        words, places = beam_search(agent.captioner, env.canvases(), 7, 3, agent.attend)
    gazes = gazes_of(places, agent.captioner.grid, env.canvas_size)
    assert len(np.unique(places)) > 1
    for lane, steps in enumerate(score.log.steps):  # what the first word saw is no action
        assert (score.log.actions["symbol"][lane, :steps] == words[lane, :steps]).all()
        assert np.allclose(score.log.actions["gaze"][lane, : steps - 1], gazes[lane, 1:steps], atol=1e-3)


def test_a_killed_training_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"count": (1, 2)}

    def weights(folder: str, stop: int | None = None) -> list[Tensor]:
        seen = []

        def log(row: dict[str, float]) -> None:
            seen.append(row)
            if len(seen) == stop:
                raise KeyboardInterrupt

        keywords = {"seed": 1, "steps": 32 * 11 * 6, "folder": tmp_path / folder, "overrides": few, "log": log}
        if stop is not None:
            with pytest.raises(KeyboardInterrupt):
                hard_attention.train(ID, **keywords, **SMALL)
        return list(hard_attention.train(ID, **keywords, **SMALL).captioner.parameters())

    for one, other in zip(weights("whole"), weights("killed", stop=4), strict=True):
        assert torch.equal(one, other)


def test_the_likelihood_does_not_reach_the_attention_through_a_draw() -> None:
    env, model = lanes(), captioner()

    def pull(passed: float = 1.0, **config: float) -> list[Tensor]:
        torch.manual_seed(1)
        loss, _ = hard_attention.Loss(hard_attention.Config(**config))(
            model, model.annotate(env.canvases()), sentences(env), passed
        )
        return list(torch.autograd.grad(loss, attention_of(model)))

    nothing = {"expect": 0.0, "reinforce": 0.0, "entropy": 0.0, "expect_first": 0.4}
    assert all(not gradient.any() for gradient in pull(**nothing))
    for trick in ({"expect": 1.0}, {"reinforce": 0.1}, {"entropy": 0.002}, {"passed": 0.39}):
        assert any(gradient.any() for gradient in pull(**{**nothing, **trick}))


def test_scenes_of_every_number_of_objects_are_annotated_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    annotate = Captioner.annotate
    monkeypatch.setattr(Captioner, "annotate", lambda self, scenes: (seen.append(scenes), annotate(self, scenes))[1])
    recipe = {**SMALL, "growth": (0.4, 0.4), "scenes": 12}
    soft_attention.train(
        ID, seed=0, steps=24 * 7 * 10, folder=tmp_path, overrides={**TOY, "source": bars(20)}, **recipe
    )
    assert [len(scenes) for scenes in seen] == [12] * 10
    # A bar has 48 bright pixels: one in the scenes of the first four updates, later two in half of them.
    bright = [(scenes > 0).sum(axis=(1, 2)).tolist() for scenes in seen]
    assert bright == [[48] * 12] * 4 + [[48] * 6 + [96] * 6] * 6


def test_reinforce_is_the_gradient_of_the_mean_cost() -> None:
    """Over many draws, from a sentence of one word: the derivative of the expected cost, computed exactly."""
    env, model = lanes(2), captioner()
    annotations, words = model.annotate(env.canvases()).detach(), sentences(env)[:, :1]
    loss = hard_attention.Loss(hard_attention.Config(expect=0.0, entropy=0.0, reinforce=1.0, forget=1.0))
    copies = 3000
    wide, said = annotations.repeat(copies, 1, 1), words.repeat(copies, 1)
    loss.baselines = {1: 2.0}
    parameters = attention_of(model)[:1]
    torch.manual_seed(0)
    (drawn,) = torch.autograd.grad(loss(model, wide, said)[0], parameters)

    def each(place: int) -> Tensor:
        return teach(model, annotations, words, lambda scores, notes: (notes[:, place], scores)).costs[0].detach()

    costs = torch.stack([each(place) for place in range(len(model.place))], 1)
    weights = teach(model, annotations, words, expectation).weights[0]
    (exact,) = torch.autograd.grad((weights * costs).sum(1).mean(), parameters)
    assert torch.nn.functional.cosine_similarity(drawn.flatten(), exact.flatten(), 0) > 0.9
    assert drawn.norm() == pytest.approx(exact.norm().item(), rel=0.3)


def test_each_length_has_a_moving_average() -> None:
    env, model = lanes(), captioner()
    loss = hard_attention.Loss(hard_attention.Config(expect=0.0))
    loss.baselines = {7: 5.0, 3: 1.0}
    _, row = loss(model, model.annotate(env.canvases()), sentences(env))
    words = (sentences(env) >= 0).sum() / len(sentences(env))
    assert loss.baselines == {7: pytest.approx(0.9 * 5 + 0.1 * row["nats_a_word"] * float(words), rel=1e-5), 3: 1.0}
    again = hard_attention.Loss(hard_attention.Config())
    again.load_state_dict(loss.state_dict())
    assert again.baselines == loss.baselines


def test_the_penalty_wants_every_annotation_seen_once() -> None:
    env, model = lanes(), captioner()
    annotations = model.annotate(env.canvases())
    plain = soft_attention.loss_of(model, annotations, sentences(env), 0.0)[0].detach()
    told = teach(model, annotations, sentences(env), expectation)
    assert float(plain) == pytest.approx(float(told.costs.detach().sum() / 12))
    seen = (told.weights.detach() * told.there[:, :, None]).sum(0)
    penalised = soft_attention.loss_of(model, annotations, sentences(env), 2.0)[0].detach()
    assert float(penalised - plain) == pytest.approx(float(2 * ((1 - seen) ** 2).sum(1).mean()), rel=1e-4)
    assert torch.allclose(told.weights.sum(2), torch.ones(()))


def test_the_control_sees_one_vector_and_is_as_large() -> None:
    sizes = [
        sum(p.numel() for p in Captioner((96, 96), 1, 26, Recipe(), attends).parameters()) for attends in (True, False)
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)
    env, model = lanes(), captioner(attends=False)
    annotations = model.annotate(env.canvases())
    keys, state = model.keys(annotations), model.start(annotations)
    first = torch.full((12,), WORDS)
    blind = model.step(first, annotations * 0, keys, state, expectation)[0]
    assert torch.equal(model.step(first, annotations, keys, state, expectation)[0], blind)


@pytest.mark.parametrize("length", [3])
def test_a_beam_as_wide_as_the_language_finds_the_likeliest_sentence(length: int) -> None:
    env, model = lanes(4), captioner()
    with torch.no_grad():
        annotations = model.annotate(env.canvases())
        every = [
            [*words[: words.index(WORDS - 1) + 1], *[-1] * (length - words.index(WORDS - 1) - 1)]
            if WORDS - 1 in words else list(words)
            for words in itertools.product(range(WORDS), repeat=length)
        ]  # fmt: skip
        texts = torch.tensor(sorted({tuple(words) for words in every}))
        best = []
        for lane in range(4):
            told = teach(model, annotations[lane : lane + 1].expand(len(texts), -1, -1), texts, expectation)
            best.append(texts[told.costs.sum(0).argmin()].tolist())
    found, _ = beam_search(model, env.canvases(), length, WORDS**2, expectation)
    assert [[w if -1 not in row[: k + 1] else -1 for k, w in enumerate(row)] for row in best] == [
        [w if WORDS - 1 not in row[:k] else -1 for k, w in enumerate(row)] for row in found.tolist()
    ]
    costs = []
    for width in (1, 3):
        words = torch.from_numpy(beam_search(model, env.canvases(), length, width, expectation)[0])
        ended = (words == WORDS - 1).cumsum(1) - (words == WORDS - 1).long() > 0
        told = teach(model, annotations, words.masked_fill(ended, -1), expectation)
        costs.append(float(told.costs.detach().sum()))
    assert costs[1] <= costs[0] + 1e-4


def test_gazes_are_the_middles_of_the_annotations() -> None:
    gazes = gazes_of(np.array([0, 7, 15]), (2, 8), (20, 80))
    middles = np.array([[4.5, 4.5], [4.5, 74.5], [14.5, 74.5]])
    np.testing.assert_allclose(gazes, 2 * middles / [19, 79] - 1, atol=1e-6)


def test_vgg_without_torchvision_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(ImportError, match="pip install torchvision, or leave vgg=None"):
        vgg19("weights.pt")
